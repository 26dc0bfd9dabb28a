"""What the user is told when a task fails: their own exception, their own frames, and where it happened."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["describe_value", "explain_failure"]

_PACKAGE = str(Path(__file__).parent) + os.sep


def explain_failure(
    error: BaseException, task: Any, positional: list[Any], named: dict[str, Any], site: str, worker: str
) -> None:
    """Add to ``error`` the task, its arguments and the place, and drop the frames that are not the user's."""
    error.__traceback__ = _users_frames(error.__traceback__)
    described = [describe_value(value) for value in positional]
    described += [f"{name}={describe_value(value)}" for name, value in named.items()]
    error.add_note(f"In task {task.name}({', '.join(described)}), called at {site}, which ran on {worker}.")
    if isinstance(error, ValueError) and "read-only" in str(error):
        error.add_note(
            "The arguments of a task are read-only arrays. Declare the parameter INOUT if the caller is to see the "
            "change, or IN(copy=True) for a writable copy: @task(x=IN(copy=True))."
        )


def describe_value(value: Any) -> str:
    """Describe a value by type, shape and dtype, never by content."""
    name = type(value).__name__
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"{name} {shape} {getattr(value, 'dtype', '')}".rstrip()
    if isinstance(value, (list, tuple, dict, set, str, bytes)):
        return f"{name} of length {len(value)}"
    return name


def _users_frames(traceback: TracebackType | None) -> TracebackType | None:
    """Skip our own frames on top; keep them all if there are no others."""
    frames = traceback
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_PACKAGE):
        frames = frames.tb_next
    return frames or traceback
