"""Leaders are scored again, from more initialisations."""

from __future__ import annotations

import hashlib

import pytest

from gtn_nas.errors import UserError
from gtn_nas.proxy import Proxy
from gtn_nas.search import Budget, Goal, Race, best_trials, make_sampler, open_study, search
from gtn_nas.search.ledger import ranked_by_score, standings
from gtn_nas.search.race import lessons
from gtn_nas.space import Architecture
from search_spaces.cnn_small import CnnSmall

SPACE, ALWAYS = CnnSmall(), Budget()


class Noisy(Proxy):
    """Depth, and noise of each initialisation that hides it; notes who was scored from which."""

    name = "noisy"
    readings = ("loss",)

    def __init__(self, task, fails_from: int | None = None) -> None:
        super().__init__(SPACE, task)
        self.asked: list[tuple[str, int]] = []
        self.fails_from = fails_from
        self.stop_after: int | None = None

    @property
    def fingerprint(self) -> str:
        return "noisy"

    def measure(self, architecture: Architecture, seed: int):
        key = SPACE.key(architecture)
        if self.stop_after is not None and len(self.asked) >= self.stop_after:
            raise KeyboardInterrupt
        self.asked.append((key, seed))
        if self.fails_from is not None and seed >= self.fails_from:
            raise RuntimeError("it does not train")
        noise = int(hashlib.sha256(f"{key}{seed}".encode()).hexdigest(), 16) % 1000 / 1000 - 0.5
        value = depth(architecture) + 4 * noise
        return value, {"loss": value}


def depth(architecture: Architecture) -> float:
    return sum(float(architecture[f"stage{stage}_depth"]) for stage in (1, 2, 3))


def searched(proxy: Noisy, trials: int = 40, goal: Goal | None = None, seeds: int = 1, storage: str | None = None):
    goal = goal or Goal()
    study = open_study(storage, "race", proxy, seeds, make_sampler("random", 0, SPACE), goal)
    search(study, proxy, trials, seeds, goal=goal)
    proxy.asked.clear()
    return study


def test_the_better_half_goes_on_to_twice_as_many_initialisations(digits):
    proxy = Noisy(digits)
    study = searched(proxy)
    by_score = [trial.user_attrs["key"] for trial in ranked_by_score(study)]
    Race(8, proxy, Goal()).run(study, ALWAYS)
    found = standings(study)
    assert sorted(found) == sorted(by_score[:8])
    assert sorted(one.initialisations for one in found.values()) == [2, 2, 2, 2, 4, 4, 8, 8]
    assert len(proxy.asked) == len(set(proxy.asked)) == 8 + 4 * 2 + 2 * 4
    assert all(seed > 0 for _, seed in proxy.asked)
    assert lessons(8) == 8 + 4 + 2
    order = [trial.user_attrs["key"] for trial in best_trials(study, 40)]
    assert [found[key].initialisations for key in order[:8]] == [8, 8, 4, 4, 2, 2, 2, 2]
    assert order[8:] == by_score[8:]
    for first, second in ((0, 1), (2, 3), (4, 5)):
        assert found[order[first]].value >= found[order[second]].value


def test_a_mean_is_of_all_initialisations_so_far(digits):
    proxy = Noisy(digits)
    study = searched(proxy)
    Race(4, proxy, Goal()).run(study, ALWAYS)
    winner = best_trials(study, 1)[0]
    scores = [proxy.score(SPACE.validate(winner.params), seed).value for seed in range(8)]
    assert standings(study)[winner.user_attrs["key"]].value == pytest.approx(sum(scores) / 8)


@pytest.mark.parametrize("goal", [Goal(), Goal(("loss",))])
def test_it_finds_better_ones_than_single_scores(digits, goal):
    proxy = Noisy(digits)
    study = searched(proxy, 120, goal)
    before = [depth(SPACE.validate(trial.params)) for trial in best_trials(study, 4)]
    Race(32, proxy, goal).run(study, ALWAYS)
    after = [depth(SPACE.validate(trial.params)) for trial in best_trials(study, 4)]
    assert sum(after) > sum(before)


def test_the_same_race_again_scores_nothing(digits):
    proxy = Noisy(digits)
    study = searched(proxy)
    Race(8, proxy, Goal()).run(study, ALWAYS)
    order = [trial.number for trial in best_trials(study, 40)]
    proxy.asked.clear()
    Race(8, proxy, Goal()).run(study, ALWAYS)
    assert not proxy.asked
    assert [trial.number for trial in best_trials(study, 40)] == order


@pytest.mark.parametrize("after", [3, 9, 14])
def test_an_interrupted_race_goes_on_where_it_was(digits, after):
    whole = Noisy(digits)
    study = searched(whole)
    Race(8, whole, Goal()).run(study, ALWAYS)
    proxy = Noisy(digits)
    other = searched(proxy)
    proxy.stop_after = after
    with pytest.raises(KeyboardInterrupt):
        Race(8, proxy, Goal()).run(other, ALWAYS)
    proxy.stop_after = None
    Race(8, proxy, Goal()).run(other, ALWAYS)
    assert len(proxy.asked) <= len(whole.asked) + 3  # a candidate's scores of a stage are kept together
    assert [trial.number for trial in best_trials(other, 40)] == [trial.number for trial in best_trials(study, 40)]


def test_a_spent_budget_begins_nothing(digits):
    proxy = Noisy(digits)
    study = searched(proxy)
    before = [trial.number for trial in best_trials(study, 40)]
    Race(8, proxy, Goal()).run(study, Budget.of(0))
    assert not proxy.asked
    assert [trial.number for trial in best_trials(study, 40)] == before


def test_candidates_that_come_after_a_race_are_not_behind_it(digits, tmp_path):
    proxy, storage = Noisy(digits), f"sqlite:///{tmp_path}/race.db"
    study = searched(proxy, 20, storage=storage)
    Race(8, proxy, Goal()).run(study, ALWAYS)
    study = searched(proxy, 60, storage=storage)
    ranked = [trial.number for trial in ranked_by_score(study)]
    assert [trial.number for trial in best_trials(study, 60)] == ranked
    Race(8, proxy, Goal()).run(study, ALWAYS)
    assert {trial.number for trial in best_trials(study, 8)} == set(ranked[:8])


def test_one_that_does_not_train_from_every_initialisation_goes_no_further(digits):
    proxy = Noisy(digits)
    study = searched(proxy)
    proxy.fails_from = 2
    Race(8, proxy, Goal()).run(study, ALWAYS)
    assert [one.initialisations for one in standings(study).values()] == [2] * 8


def test_several_seeds_of_the_search_are_where_a_race_begins(digits):
    proxy = Noisy(digits)
    study = searched(proxy, seeds=3)
    Race(4, proxy, Goal(), seeds=3).run(study, ALWAYS)
    assert sorted(one.initialisations for one in standings(study).values()) == [6, 6, 12, 24]
    assert min(seed for _, seed in proxy.asked) == 3


@pytest.mark.parametrize("names", [("accuracy", "params"), ("params",)])
def test_what_no_initialisation_decides_is_refused(digits, names):
    with pytest.raises(UserError, match="leave --race out"):
        Race(8, Noisy(digits), Goal(names))


def test_a_proxy_without_initialisations_is_refused(digits):
    proxy = Noisy(digits)
    proxy.seeded = False
    with pytest.raises(UserError, match="on which noisy does not depend"):
        Race(8, proxy, Goal())
