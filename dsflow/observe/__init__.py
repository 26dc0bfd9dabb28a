"""Seeing what a session does: records, a progress display, the graph, the timeline, a report."""

from dsflow.observe.picture import draw_graph
from dsflow.observe.progress import progress
from dsflow.observe.record import Record, Recorder, Totals
from dsflow.observe.report import RunReport, run_report
from dsflow.observe.trace import write_trace

__all__ = ["Record", "Recorder", "RunReport", "Totals", "draw_graph", "progress", "run_report", "write_trace"]
