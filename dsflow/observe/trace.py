"""The timeline of a run, in Chrome's trace event format: Perfetto and chrome://tracing open it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsflow.observe.record import Record

__all__ = ["write_trace"]

PROCESS = 1
"""Perfetto groups threads by process; all workers are threads of one, so that they stand one below the other."""


def write_trace(records: Iterable[Record], path: str | os.PathLike[str]) -> None:
    """Write a timeline with a row for each worker, a slice for each task, and arrows along the data.

    Open the file at https://ui.perfetto.dev (it is read in the browser, and sent nowhere).

    Parameters
    ----------
    records : Recorder or iterable of Record
        The tasks; those that did not run are left out.
    path : str or path
        The file to write, usually ``*.json``.
    """
    ran = [record for record in records if record.run is not None]
    begin = min((record.run.start for record in ran if record.run is not None), default=0.0)
    rows = {name: row for row, name in enumerate(sorted({_worker_of(record) for record in ran}), start=1)}
    events = [_row_name(name, row) for name, row in rows.items()]
    events += [_slice(record, rows[_worker_of(record)], begin) for record in ran]
    events += _arrows(ran, rows, begin)
    text = json.dumps({"traceEvents": events, "displayTimeUnit": "ms"})
    Path(path).write_text(text, encoding="utf-8")


def _worker_of(record: Record) -> str:
    assert record.run is not None
    return record.run.worker


def _row_name(name: str, row: int) -> dict[str, Any]:
    return {"name": "thread_name", "ph": "M", "pid": PROCESS, "tid": row, "args": {"name": name}}


def _slice(record: Record, row: int, begin: float) -> dict[str, Any]:
    run = record.run
    assert run is not None
    return {
        "name": record.name,
        "cat": "task",
        "ph": "X",
        "pid": PROCESS,
        "tid": row,
        "ts": _microseconds(run.start - begin),
        "dur": max(_microseconds(run.end - run.start), 1),
        "args": {
            "key": record.key,
            "called at": record.site,
            "state": record.state,
            "bytes in": run.bytes_in,
            "bytes out": run.bytes_out,
        },
    }


def _arrows(ran: Sequence[Record], rows: dict[str, int], begin: float) -> list[dict[str, Any]]:
    """An arrow, made of two events, from each task to those that read its result."""
    by_key = {record.key: record for record in ran}
    events: list[dict[str, Any]] = []
    for reader in ran:
        for key in reader.reads:
            maker = by_key.get(key)
            if maker is None or maker.run is None or reader.run is None:
                continue
            common = {"name": "data", "cat": "data", "pid": PROCESS, "id": len(events)}
            ends = (("s", maker, maker.run.end - 1e-6), ("f", reader, reader.run.start))
            for phase, record, moment in ends:
                event = {**common, "ph": phase, "tid": rows[_worker_of(record)], "ts": _microseconds(moment - begin)}
                events.append(event | ({"bp": "e"} if phase == "f" else {}))
    return events


def _microseconds(seconds: float) -> int:
    return round(seconds * 1e6)
