"""The report of a run: how many tasks, how long, how much data, how much memory."""

from __future__ import annotations

import dataclasses
import html
import json
import os
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dsflow._context import current_context
from dsflow.observe.record import Recorder, Totals

if TYPE_CHECKING:
    from dsflow._session import Session

__all__ = ["RunReport", "format_bytes", "run_report"]


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a session has done, from the first call that was recorded to the last task that ended."""

    engine: str
    """Name of the engine."""
    n_slots: int
    """How many tasks could run at a time."""
    n_tasks: int
    """Number of tasks called."""
    n_failed: int
    """Number of tasks that raised an exception."""
    n_cancelled: int
    """Number of tasks that did not run."""
    wall_s: float
    """Time from the first call to the last end, in seconds."""
    busy_s: float
    """Time in tasks, over all slots, in seconds."""
    bytes_moved: int
    """Data that went from one process to another, in bytes."""
    bytes_in: int
    """Size of the arguments that tasks have read, in bytes; those on the same worker were not copied."""
    bytes_out: int
    """Size of the results that tasks have given, in bytes."""
    peak_memory_bytes: int
    """Largest memory of this process, plus those of the worker processes, in bytes."""
    cpu_s: float
    """CPU time of this process over the run, in seconds."""
    by_name: dict[str, Totals]
    """Totals by task name."""

    @property
    def utilisation(self) -> float:
        """Share of the slots' time that was spent in tasks."""
        return min(1.0, self.busy_s / (self.wall_s * self.n_slots)) if self.wall_s and self.n_slots else 0.0

    @property
    def advice(self) -> str:
        """One line on what would have made the run faster, or nothing."""
        many = self.engine == "threads" and self.n_slots > 1 and self.wall_s > 1.0
        if many and self.utilisation > 0.7 and self.cpu_s < 1.2 * self.wall_s:
            cores = os.cpu_count() or 1
            return f"The tasks took turns on one core, as pure Python does; engine='dask' would use your {cores} cores."
        return ""

    def __str__(self) -> str:
        lines = [
            f"{self.n_tasks:,} tasks, {self.n_failed:,} failed, {self.n_cancelled:,} cancelled",
            f"{self.wall_s:.2f} s on engine {self.engine!r}; its {self.n_slots} slots were busy {self.utilisation:.0%}",
            f"{format_bytes(self.bytes_moved)} moved between processes; tasks read {format_bytes(self.bytes_in)}",
            f"{format_bytes(self.peak_memory_bytes)} peak memory",
        ]
        width = max((len(name) for name in self.by_name), default=0)
        for name, total in sorted(self.by_name.items(), key=lambda item: -item[1].seconds):
            lines.append(
                f"  {name:{width}}  {total.called:>7,} x  {total.seconds:>9.3f} s  {format_bytes(total.bytes_out)}"
            )
        return "\n".join([*lines, *([self.advice] if self.advice else [])])

    def to_json(self) -> str:
        """Return all fields as JSON."""
        return json.dumps(dataclasses.asdict(self), indent=1)

    def to_html(self) -> str:
        """Return the report as a page."""
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{total.called:,}</td><td>{total.seconds:.3f}</td>"
            f"<td>{format_bytes(total.bytes_in)}</td><td>{format_bytes(total.bytes_out)}</td></tr>"
            for name, total in sorted(self.by_name.items(), key=lambda item: -item[1].seconds)
        )
        summary = "<br>".join(html.escape(line) for line in str(dataclasses.replace(self, by_name={})).split("\n"))
        return _PAGE.format(summary=summary, rows=rows)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the report as HTML, JSON or text, by the suffix of the file."""
        forms = {".html": self.to_html, ".json": self.to_json}
        Path(path).write_text(forms.get(Path(path).suffix, self.__str__)() + "\n", encoding="utf-8")


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>dsflow run</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 3rem auto; color: #222 }}
table {{ border-collapse: collapse; margin-top: 1.5rem; width: 100% }}
th, td {{ text-align: right; padding: .3rem .8rem; border-bottom: 1px solid #ddd }}
th:first-child, td:first-child {{ text-align: left; font-family: ui-monospace, monospace }}
</style>
<h1>Run report</h1><p>{summary}</p>
<table><tr><th>task</th><th>calls</th><th>seconds</th><th>read</th><th>made</th></tr>{rows}</table></html>"""


def run_report(session: Session | None = None) -> RunReport:
    """Return the report of a session, by default of the active one.

    What is counted is what was called after the recorder was attached: call `Recorder.of` at the start.

    Raises
    ------
    SessionError
        When no session is given and none is active.
    """
    recorder = Recorder.of(session)
    session = session or current_context().session
    totals = recorder.totals()
    span = recorder.span()
    return RunReport(
        engine=session.engine.name,
        n_slots=session.engine.n_slots,
        n_tasks=sum(total.called for total in totals.values()),
        n_failed=sum(total.failed for total in totals.values()),
        n_cancelled=sum(total.cancelled for total in totals.values()),
        wall_s=max(0.0, span.end - span.begin),
        busy_s=span.busy_s,
        bytes_moved=session.engine.bytes_moved(),
        bytes_in=sum(total.bytes_in for total in totals.values()),
        bytes_out=sum(total.bytes_out for total in totals.values()),
        peak_memory_bytes=_own_peak_bytes() + session.engine.peak_memory_bytes(),
        cpu_s=max(0.0, span.cpu_end - span.cpu_begin),
        by_name=totals,
    )


def _own_peak_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def format_bytes(n_bytes: float) -> str:
    """Return an amount of data as people read it, such as ``"1.5 MiB"``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if n_bytes < 1024:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1024
    return f"{n_bytes:.1f} TiB"
