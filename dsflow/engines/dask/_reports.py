"""What workers report: measures of their processes, what tasks print, and why tasks failed."""

from __future__ import annotations

import logging
import os
from typing import Any

from distributed import KilledWorker

from dsflow._errors import EngineError, TaskLostError
from dsflow._failure import unpack_failure
from dsflow._graph import Failure, Node, Run
from dsflow._output import write_tagged
from dsflow.engines.dask._worker import TaskFailed

__all__ = ["Measures", "failure_of", "lost_text", "read_failure", "show"]


class Measures:
    """What is known of the workers' processes."""

    def __init__(self) -> None:
        self._peak_bytes: dict[str, int] = {}
        self._bytes_moved: dict[str, int] = {}

    def read(self, measures: list[Any]) -> Run:
        """Note what a report says of its worker; return what it says of its task."""
        *own, address, pid, peak_bytes, moved_bytes = measures
        self.note(address, pid, peak_bytes, moved_bytes)
        return Run(*own)

    def note(self, address: str, pid: int, peak_bytes: int, moved_bytes: int) -> None:
        """Note what a report says of its worker."""
        if pid != os.getpid():
            self._peak_bytes[address] = max(peak_bytes, self._peak_bytes.get(address, 0))
        self._bytes_moved[address] = max(moved_bytes, self._bytes_moved.get(address, 0))

    @property
    def peak_bytes(self) -> int:
        """Sum of the largest memory of each worker process."""
        return sum(self._peak_bytes.values())

    @property
    def bytes_moved(self) -> int:
        """Bytes that workers have sent to each other and here."""
        return sum(self._bytes_moved.values())


def show(message: dict[str, Any]) -> None:
    """Show what a task has printed or logged."""
    stream, key, place, text = message["stream"], message["key"], message["place"], message["text"]
    if stream.startswith("log:"):
        _, level, name = stream.split(":", 2)
        logging.getLogger(name).log(int(level), "[%s %s] %s", key, place, text)
    else:
        write_tagged(key, place, stream, text)


def read_failure(packed: bytes, node: Node) -> Failure:
    """Make a failure from its packed form."""
    try:
        return unpack_failure(packed)
    except Exception as error:  # noqa: BLE001 - its class may be one that only the worker can import
        reason = EngineError(
            f"{node.key} failed, called at {node.site}, but its exception cannot be read here: {error}"
        )
        return Failure(reason, node.key)


def lost_text(error: KilledWorker) -> str:
    """Say that all workers died that ran a task."""
    return (
        f"{error.task}: {error.allowed_failures + 1} workers died while they ran it, the last one at "
        f"{error.last_worker.address}; it may use too much memory, or crash in C code."
    )


def failure_of(node: Node, handle: Any) -> Failure:
    """Find out why Dask ended a task that has sent no report."""
    status = handle.status
    error = handle.exception() if status == "error" else None
    if isinstance(error, TaskFailed):
        return unpack_failure(error.packed)
    if isinstance(error, KilledWorker):
        error = TaskLostError(lost_text(error))
    elif error is None:
        error = EngineError(f"{node.key}: the cluster lost the task (it is {status!r}); was the scheduler restarted?")
    error.add_note(f"In task {node.name}, called at {node.site}.")
    return Failure(error, node.key)
