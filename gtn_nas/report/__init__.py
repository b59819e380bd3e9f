"""One self-contained HTML page: what was measured, what the teacher looks like, what the search found."""

from gtn_nas.report.from_run import search_view, teacher_view
from gtn_nas.report.grid import teacher_grid
from gtn_nas.report.page import render_report, save_figures, write_report
from gtn_nas.report.views import Report, SearchView, TeacherView

__all__ = [
    "Report",
    "SearchView",
    "TeacherView",
    "render_report",
    "save_figures",
    "search_view",
    "teacher_grid",
    "teacher_view",
    "write_report",
]
