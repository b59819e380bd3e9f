"""One trial of an NNI experiment: ``python -m gtn_nas.search.nni_trial --teacher FOLDER`` in ``trial_command``.

It gets an architecture from NNI, scores it, and reports: the accuracy on the way as intermediate results, the score as
the final one, with everything that the ledger holds of a candidate.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from gtn_nas.device import pick_device, set_threads
from gtn_nas.errors import UserError
from gtn_nas.nni_import import import_nni
from gtn_nas.proxy import Proxy, make_score
from gtn_nas.search.evaluator import CandidateFailed, Evaluation, OverLimit, check, evaluate
from gtn_nas.search.limits import Limits
from gtn_nas.search.nni.convert import from_nni
from gtn_nas.search.nni.known import read_known
from gtn_nas.search.objectives import Goal
from gtn_nas.space import Architecture, load_space
from gtn_nas.task import load_task
from gtn_nas.teacher.config import TeacherConfig
from gtn_nas.teacher.frozen import load_teacher
from gtn_nas.teacher.store import folder_of
from gtn_nas.training import Recipe

__all__ = ["main"]


def main(words: Sequence[str] | None = None) -> int:
    """Score the architecture that NNI hands over and report it; return the exit status."""
    options = _parser().parse_args(words)
    nni = import_nni(purpose="an NNI trial")
    given = nni.get_next_parameter()
    if not given:
        raise UserError("no parameters came from NNI; run this as the trial_command of an experiment.")
    goal = Goal((options.objective,), _limits(options))
    proxy = goal.prepared(_proxy(options))
    architecture = from_nni(proxy.space.parameters, given)

    def see(step: int, accuracy: float) -> None:
        nni.report_intermediate_result(accuracy)

    try:
        found = _known(options, proxy, architecture, goal) or evaluate(
            proxy, architecture, options.seeds, goal.limits, goal.timed, see
        )
    except (CandidateFailed, OverLimit) as fault:
        costs = fault.costs if isinstance(fault, OverLimit) else {}
        excess = fault.excess if isinstance(fault, OverLimit) else {}
        nni.report_intermediate_result(
            {
                "default": 0.0,
                "architecture": json.dumps(architecture),
                "reason": str(fault),
                "costs": dict(costs),
                "excess": dict(excess),
            }
        )
        print(fault, file=sys.stderr)
        return 1
    (value,) = goal.values(found)
    said = {"architecture": json.dumps(architecture), "evaluation": json.dumps(asdict(found))}
    nni.report_final_result({"default": value, "proxy": proxy.fingerprint, **said})
    return 0 if math.isfinite(value) else 1


def _limits(options: argparse.Namespace) -> Limits:
    latency = None if options.max_latency is None else options.max_latency / 1000
    return Limits(options.max_params, options.max_flops, latency)


def _known(options: argparse.Namespace, proxy: Proxy, architecture: Architecture, goal: Goal) -> Evaluation | None:
    """Return what the search knows of the architecture already, if anything; it costs no seconds again."""
    known = {} if options.known is None else read_known(options.known)
    found = known.get(proxy.space.key(architecture))
    if found is None or not goal.is_served_by(found):
        return None
    return replace(found, excess=check(found.costs, goal.limits), seconds=0.0)


def _proxy(options: argparse.Namespace) -> Proxy:
    set_threads(options.threads)
    teachers = [] if options.teacher is None else [load_teacher(folder_of(options.teacher))]
    card: dict[str, Any] = teachers[0].card if teachers else {}
    space = load_space(options.space or str(card.get("space_source") or card.get("space") or "cnn_small"))
    data = options.data or str(card.get("source") or card.get("task") or "digits")
    limit = options.train_limit if options.train_limit is not None else card.get("train_limit")
    task = load_task(data, pick_device(options.device), limit)
    recipe = Recipe.model_validate_json(options.recipe)
    like = TeacherConfig.model_validate_json(options.like)
    return make_score(options.proxy, space, task, teachers, recipe, like)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gtn_nas.search.nni_trial", description="one trial of NNI's")
    parser.add_argument("--teacher", type=Path, help="folder of a trained teacher, or its name in gtn-nas teachers")
    parser.add_argument("--space", help="search space (default: the teacher's)")
    parser.add_argument("--data", help="data set (default: the teacher's)")
    parser.add_argument("--train-limit", type=int, help="use only so many training images")
    parser.add_argument("--proxy", default="gtn", help="what scores a candidate")
    parser.add_argument("--objective", default="accuracy", help="what is reported")
    parser.add_argument("--seeds", type=int, default=1, help="initialisations of each candidate")
    parser.add_argument("--max-params", type=int, help="leave out larger networks")
    parser.add_argument("--max-flops", type=int, help="leave out costlier ones")
    parser.add_argument("--max-latency", type=float, help="leave out slower ones: milliseconds for one image")
    parser.add_argument("--recipe", default="{}", help="settings of real training, as JSON")
    parser.add_argument("--like", default="{}", help="sizes of a lesson of real data, a teacher's settings as JSON")
    parser.add_argument("--known", type=Path, help="file of scores that need not be computed again")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int)
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
