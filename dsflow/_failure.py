"""What the user is told when a task fails: their own exception, their own frames, and where it happened.

A failure that travels between processes is packed so that it can be read back whatever the exception is made of.
"""

from __future__ import annotations

import io
import itertools
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import cloudpickle

from dsflow._freeze import freezing
from dsflow._graph import Failure

__all__ = ["describe_value", "explain_failure", "pack_failure", "unpack_failure"]

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


def pack_failure(failure: Failure) -> bytes:
    """Pickle an exception and its frames, so that they can be read back whatever the exception is made of."""
    from tblib import Traceback

    error = failure.exception
    frames = None if error.__traceback__ is None else Traceback(error.__traceback__).as_dict()
    # written out here, since packages (tblib is one) change how exceptions are pickled
    forms = (error.__reduce_ex__(2), (_new_exception, (type(error), error.args), error.__dict__))
    for dumps, form, cause in itertools.product((cloudpickle.dumps, _dumped), forms, (error.__cause__, None)):
        packed: bytes | None = _packed_if_readable(error, (form, cause, frames, failure.key), dumps)
        if packed is not None:
            return packed
    text = f"{type(error).__name__}: {error} (the exception itself cannot be pickled)"
    notes = {"__notes__": getattr(error, "__notes__", [])}
    packed = cloudpickle.dumps(((RuntimeError, (text,), notes), None, frames, failure.key))
    return packed


class _ExceptionPickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle has no annotations
    """Pickles the exceptions inside of others, of groups say, whatever their constructors take."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, BaseException):
            return _new_exception, (type(value), value.args), value.__dict__
        return super().reducer_override(value)


def _dumped(parts: tuple[Any, ...]) -> bytes:
    file = io.BytesIO()
    _ExceptionPickler(file).dump(parts)
    return file.getvalue()


def _packed_if_readable(
    error: BaseException, parts: tuple[Any, ...], dumps: Callable[[tuple[Any, ...]], bytes]
) -> bytes | None:
    try:
        with freezing:
            packed = dumps(parts)
        again = unpack_failure(packed).exception
        return packed if type(again) is type(error) and str(again) == str(error) else None
    except Exception:  # noqa: BLE001 - the user's exception may do anything when it is pickled
        return None


def _new_exception(kind: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    """Make an exception whose constructor takes other arguments than it passes on."""
    error = kind.__new__(kind, *args)
    error.args = args
    return error


def unpack_failure(packed: bytes) -> Failure:
    """Make the failure again from what `pack_failure` gave."""
    from tblib import Traceback

    (make, args, *state), cause, frames, key = pickle.loads(packed)
    error: BaseException = make(*args)
    if state and state[0]:
        error.__setstate__(state[0])
    error.__cause__ = cause
    traceback: TracebackType | None = Traceback.from_dict(frames).as_traceback() if frames else None
    return Failure(error.with_traceback(traceback), key)
