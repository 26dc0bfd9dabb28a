"""The timeline of a run, in Chrome's trace event format: Perfetto and chrome://tracing open it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsflow._graph import Run
    from dsflow.observe.record import Record

__all__ = ["FORMAT", "VERSION", "write_trace"]

FORMAT = "dsflow trace"
"""What tells our files from those of others; its value is the version."""

VERSION = 1
"""Version of the arguments of slices, which `dsflow.observe.workload` reads."""

PROCESS = 1
"""Perfetto groups threads by process; all workers are threads of one, so that they stand one below the other."""


def write_trace(records: Iterable[Record], path: str | os.PathLike[str]) -> None:
    """Write a timeline with a row for each worker, a slice for each task, and arrows along the data.

    A worker with several threads, or with tasks that wait for others, has as many rows as it needs.
    Open the file at https://ui.perfetto.dev (it is read in the browser, and sent nowhere).

    Parameters
    ----------
    records : Recorder or iterable of Record
        The tasks; those that did not run are left out.
    path : str or path
        The file to write, usually ``*.json``.
    """
    slices = _make_slices(records)
    names = _assign_rows(slices)
    events = [_name_row(name, row) for row, name in enumerate(names, start=1)]
    events += [_draw_slice(each) for each in slices]
    events += _draw_arrows(slices)
    text = json.dumps({"traceEvents": events, "displayTimeUnit": "ms", "otherData": {FORMAT: VERSION}})
    Path(path).write_text(text, encoding="utf-8")


@dataclass(slots=True)
class _Slice:
    """A task that ran, in the units of the file."""

    record: Record
    run: Run
    start: int
    """In microseconds since the first start."""
    end: int
    """In microseconds since the first start, at least one after ``start``."""
    called: int
    """In microseconds since the first start, so that the first call is before 0."""
    row: int = 0


def _make_slices(records: Iterable[Record]) -> list[_Slice]:
    ran = [(record, record.run) for record in records if record.run is not None]
    begin = min((run.start for _, run in ran), default=0.0)
    slices = [
        _Slice(record, run, *(_microseconds(moment - begin) for moment in (run.start, run.end, record.submitted)))
        for record, run in ran
    ]
    for each in slices:
        each.end = max(each.end, each.start + 1)
    return slices


def _assign_rows(slices: Sequence[_Slice]) -> list[str]:
    """Give each slice a row in which it overlaps with none but its caller; return the names of the rows."""
    names: list[str] = []
    by_worker: dict[str, list[_Slice]] = {}
    for each in slices:
        by_worker.setdefault(each.run.worker, []).append(each)
    for worker, own in sorted(by_worker.items()):
        first = len(names) + 1
        rows: list[list[_Slice]] = []  # of each row, what runs at the present moment, callers first
        for each in sorted(own, key=lambda each: (each.start, -each.end)):
            nth = _find_free(rows, each)
            if nth == len(rows):
                rows.append([])
                names.append(worker if nth == 0 else f"{worker} ({nth + 1})")
            rows[nth].append(each)
            each.row = first + nth
    return names


def _find_free(rows: Sequence[list[_Slice]], new: _Slice) -> int:
    for nth, running in enumerate(rows):
        while running and running[-1].end <= new.start:
            running.pop()
        if not running or (running[-1].record.key == new.record.caller and running[-1].end >= new.end):
            return nth
    return len(rows)


def _name_row(name: str, row: int) -> dict[str, Any]:
    return {"name": "thread_name", "ph": "M", "pid": PROCESS, "tid": row, "args": {"name": name}}


def _draw_slice(each: _Slice) -> dict[str, Any]:
    return {
        "name": each.record.name,
        "cat": "task",
        "ph": "X",
        "pid": PROCESS,
        "tid": each.row,
        "ts": each.start,
        "dur": each.end - each.start,
        "args": {
            "key": each.record.key,
            "called at": each.record.site,
            "state": each.record.state,
            "bytes in": each.run.bytes_in,
            "bytes out": each.run.bytes_out,
            "worker": each.run.worker,
            "caller": each.record.caller,
            "called": each.called,
            "reads": each.record.reads,
            "shared": each.record.shared,
            "priority": each.record.priority,
            "slots": each.record.slots,
            "caller cpu": _microseconds(each.record.caller_cpu),
            "settler cpu": _microseconds(each.record.settler_cpu),
        },
    }


def _draw_arrows(slices: Sequence[_Slice]) -> list[dict[str, Any]]:
    """An arrow, made of two events, from each task to those that read its result."""
    by_key = {each.record.key: each for each in slices}
    events: list[dict[str, Any]] = []
    for reader in slices:
        for key in reader.record.reads:
            maker = by_key.get(key)
            if maker is None:
                continue
            common = {"name": "data", "cat": "data", "pid": PROCESS, "id": len(events)}
            # an end belongs to the slice around its moment, so the arrow leaves just before the maker's end
            events.append({**common, "ph": "s", "tid": maker.row, "ts": maker.end - 1})
            events.append({**common, "ph": "f", "bp": "e", "tid": reader.row, "ts": reader.start})
    return events


def _microseconds(seconds: float) -> int:
    return round(seconds * 1e6)
