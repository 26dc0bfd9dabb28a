"""One call, on its way to a child process, which has to be able to read all of it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dsflow._failure import describe_value, pack_failure
from dsflow._freeze import ATOMS, LOCAL_ATOMS, Frozen, Stored, freeze, thaw
from dsflow._graph import Call, Failure
from dsflow._resources import Grant

if TYPE_CHECKING:
    from dsflow._task import Task

__all__ = ["CACHED_TASKS", "Job", "describe_call", "is_cached", "make_job"]

CACHED_TASKS = 512
"""A process keeps so many pickled tasks; one more, and it forgets them all. Its parent counts along."""

CACHED_TASK = 1 << 16
"""Largest pickled task that is kept, in bytes; others, with large closures, are sent each time."""


@dataclasses.dataclass(slots=True)
class Job:
    """One call, on its way to the process that runs it."""

    key: str
    """Key of the node."""
    task: bytes | None
    """The pickled task; None if the process has it."""
    task_id: int
    """What the process knows the task by."""
    call: Call
    inputs: Sequence[Stored]
    handles: Sequence[tuple[Stored, bytes | None]]
    """The values the task gets Futures of; of one that has failed, the packed failure."""
    site: str
    """Where the task was called."""
    worker: str
    """Where it runs, for messages."""
    announced: bool
    """True if the start of the function is to be reported."""
    log_level: int
    """Level of the root logger of the parent."""
    grant: Grant | None
    """What the task has been given of the machine."""
    folder: str
    """The working directory of the parent."""


def is_cached(task: bytes) -> bool:
    """Return whether a process keeps this pickled task."""
    return len(task) <= CACHED_TASK


def make_job(
    task: Task[Any],
    call: Call,
    inputs: Sequence[Stored],
    handles: Sequence[Stored],
    key: str,
    site: str,
    worker: str,
    announced: bool,
    grant: Grant | None,
) -> Job:
    """Make the job for a call of a task that has been pickled.

    Raises
    ------
    TypeError
        When an argument cannot be pickled for another process.
    """
    pickled = task.pickled
    assert pickled is not None
    inputs = list(inputs)
    try:
        call = dataclasses.replace(
            call,
            values=_movable(call.values, inputs),
            collections=_movable(call.collections, inputs),
            shared=_portable(call.shared),
            private=_portable(call.private),
        )
        return Job(
            key=key,
            task=pickled,
            task_id=hash(pickled),  # bytes remember it
            call=call,
            inputs=list(map(_portable, inputs)),
            handles=[(None, pack_failure(h)) if type(h) is Failure else (_portable(h), None) for h in handles],
            site=site,
            worker=worker,
            announced=announced,
            grant=grant,
            log_level=logging.getLogger().getEffectiveLevel(),
            folder=str(Path.cwd()),
        )
    except Exception as error:
        raise TypeError(
            f"{task.name}: an argument cannot be sent to a process of its own: {error}; "
            "pass what it is made from (a path, a configuration) and open it inside the task."
        ) from error


def _movable(entry: Any, inputs: list[Stored]) -> Any:
    """An entry of a call, or a container of entries, in which inputs stand for values that only this process has."""
    if type(entry) in (tuple, list):
        return type(entry)(_movable(each, inputs) for each in entry)
    if type(entry) is dict:
        return {key: _movable(each, inputs) for key, each in entry.items()}
    if not _is_local(entry):
        return entry
    inputs.append(entry)
    return ("value", len(inputs) - 1)


def _is_local(value: Any) -> bool:
    return type(value) in LOCAL_ATOMS and type(value) not in ATOMS


def _portable(stored: Stored) -> Stored:
    """Freeze a value anew that names what is defined in ``__main__``, which is another module elsewhere."""
    if _is_local(stored):
        return freeze(stored, portable=True)
    if type(stored) is not Frozen or stored.has_references:  # those are written by cloudpickle
        return stored
    by_name = b"__main__" in stored.payload and b"cloudpickle" not in stored.payload
    return freeze(thaw(stored), portable=True) if by_name else stored


def describe_call(task: Task[Any], call: Call) -> str:
    """Name a task and its arguments, by type as far as that is known without thawing them."""
    n_positional = len(call.values) - len(call.names)
    names = [*task.signature.parameters, *("*" * len(call.values))][:n_positional] + list(call.names)
    described = [
        name if type(value) is tuple else f"{name}={describe_value(value)}"
        for name, value in zip(names, call.values, strict=True)
    ]
    return f"{task.name}({', '.join(described)})"
