"""Several proxies as one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, rankdata, spearmanr

from gtn_nas.errors import UserError
from gtn_nas.proxy import Flops, Params, Proxy, RankSum, make_score
from gtn_nas.proxy.rank_sum import normal_score
from gtn_nas.space import Architecture
from gtn_nas.task import Task
from gtn_nas.teacher.frozen import FrozenTeacher
from search_spaces.cnn_small import CnnSmall

SPACE = CnnSmall()


def test_normal_scores_are_those_of_ranks_and_go_on_beyond_the_ends() -> None:
    sample = np.random.default_rng(0).lognormal(size=40)
    found = [normal_score(value, sample) for value in sample]
    np.testing.assert_allclose(found, norm.ppf((rankdata(sample) - 0.375) / 40.25), atol=1e-12)
    beyond = [normal_score(value, sample) for value in (-5, -1, sample.min(), sample.max(), 50, 90)]
    assert beyond == sorted(beyond)
    assert len(set(beyond)) == 6
    assert normal_score(3.0, [1.0, 1.0, 1.0]) == 0
    assert normal_score(2.0, [1.0, 1.0, 3.0, 3.0]) == pytest.approx(0)


def test_it_orders_as_the_sum_of_ranks_does(digits: Task) -> None:
    proxies: dict[str, Proxy] = {"params": Params(SPACE, digits), "flops": Flops(SPACE, digits)}
    score = RankSum("params+flops", proxies)
    some = SPACE.sample_many(40, 3)
    found = [score.score(architecture, 0) for architecture in some]
    ranks = sum(rankdata([proxy.measure(a, 0)[0] for a in some]) for proxy in proxies.values())
    assert spearmanr([one.value for one in found], ranks).statistic > 0.95
    assert found[0].readings == {name: proxy.measure(some[0], 0)[0] for name, proxy in proxies.items()}
    assert not score.seeded
    assert len(score.reference["flops"]) == 32


def test_readings_are_terms(digits: Task, tiny_teacher: FrozenTeacher) -> None:
    score = make_score("gtn.loss+flops", SPACE, digits, [tiny_teacher])
    value = score.score(SPACE.sample_many(1, 5)[0], 0)
    assert set(value.readings) == {"gtn.loss", "flops"}
    assert value.readings["gtn.loss"] < 0
    assert score.name == "gtn.loss+flops"
    assert score.fingerprint != make_score("gtn+flops", SPACE, digits, [tiny_teacher]).fingerprint
    assert make_score("gtn", SPACE, digits, [tiny_teacher]).name == "gtn"
    with pytest.raises(UserError, match="proxy flops has no reading 'loss'; it has none"):
        make_score("flops.loss", SPACE, digits)


class Fragile(Params):
    """Fails on most architectures."""

    def measure(self, architecture: Architecture, seed: int) -> tuple[float, dict[str, float]]:
        if architecture["norm"] != "group" or architecture["residual"]:
            raise RuntimeError("boom")
        return super().measure(architecture, seed)


def test_too_few_scores_to_rank_among_are_said(digits: Task) -> None:
    score = RankSum("params", {"params": Fragile(SPACE, digits)})
    with pytest.raises(UserError, match=r"among 32 random architectures, but only \d of them have a score .*boom"):
        score.prepare()
