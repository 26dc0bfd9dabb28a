"""Seeing what a session does: records, a progress display, the graph, the timeline, a report, a prediction."""

from dsflow.observe.picture import draw_graph, graph_as_svg
from dsflow.observe.progress import progress
from dsflow.observe.record import Record, Recorder, Totals
from dsflow.observe.report import RunReport, format_bytes, run_report
from dsflow.observe.simulate import Prediction, simulate
from dsflow.observe.trace import write_trace
from dsflow.observe.workload import Workload, find_critical_path, read_workload

__all__ = [
    "Prediction",
    "Record",
    "Recorder",
    "RunReport",
    "Totals",
    "Workload",
    "draw_graph",
    "find_critical_path",
    "format_bytes",
    "graph_as_svg",
    "progress",
    "read_workload",
    "run_report",
    "simulate",
    "write_trace",
]
