"""Studies: a TOML file's runs done once each, compared with what was published and with what was expected."""

from gtn_nas.study.claims import Claim, Verdict, judge
from gtn_nas.study.loading import load_plan, load_study, shipped_studies
from gtn_nas.study.measured import Measured
from gtn_nas.study.page import PAGE, make_page
from gtn_nas.study.plan import Plan
from gtn_nas.study.run import Outcome, Results, Row, Run
from gtn_nas.study.runner import RESULTS, run_study
from gtn_nas.study.study import Scale, ScaleName, Study

__all__ = [
    "PAGE",
    "RESULTS",
    "Claim",
    "Measured",
    "Outcome",
    "Plan",
    "Results",
    "Row",
    "Run",
    "Scale",
    "ScaleName",
    "Study",
    "Verdict",
    "judge",
    "load_plan",
    "load_study",
    "make_page",
    "run_study",
    "shipped_studies",
]
