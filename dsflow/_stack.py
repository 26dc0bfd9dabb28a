"""Whose code a thread is in: the user's, that of a library, or ours; seen from another thread."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator
from types import FrameType

__all__ = ["frames_can_be_read", "is_interruptible", "users_line"]

_CORE = ("dsflow._", "dsflow.engines", "dsflow.observe", "dsflow.journal")
"""Modules in whose functions an exception would leave things half done. The other ones are as good as the user's."""

_CALLERS = {"run_interruptible", "run_task"}
"""The functions in there that call the user's."""

_DELICATE = {"__enter__", "__exit__", "acquire", "release", "_acquire_restore", "_release_save"}
"""Functions after which something is taken that a caller gives back: an exception at their end would leave it taken."""

_IMPORTERS = {"importlib._bootstrap", "_frozen_importlib"}
"""A module that was left half imported may be broken for the whole process."""


@contextlib.contextmanager
def frames_can_be_read() -> Iterator[None]:
    """Keep the garbage collector from running while ``sys._current_frames`` does.

    That function makes frame objects, which may start a collection; while finalisers run, other threads go on and leave
    the frames it is about to read. CPython has stopped that itself since (gh-106883).
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def is_interruptible(innermost: FrameType, *, force: bool = False) -> bool:
    """Return whether a thread that is at this frame runs code of the user, and nothing that must not be left half done.

    With ``force`` the user's locks are left taken if need be; nothing else is broken even then.
    """
    if innermost.f_code.co_name in _DELICATE and not force:
        return False
    for frame in _outward(innermost):
        module = _module_of(frame)
        if module.startswith(_CORE):
            return frame is not innermost and frame.f_code.co_name in _CALLERS
        if module in _IMPORTERS or frame.f_code.co_name == "__del__":  # an exception in the latter is lost
            return False
    return False


def users_line(innermost: FrameType | None) -> str | None:
    """Return the innermost line that is the user's own, or else a library's; None if there is neither."""
    first = None
    for frame in _outward(innermost):
        if _module_of(frame).startswith(_CORE):
            if frame.f_code.co_name in _CALLERS:
                break
            first = None  # what we have called in turn
            continue
        text = f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
        if not frame.f_code.co_filename.startswith(_library_paths()):
            return text
        first = first or text
    return first


def _outward(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _module_of(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__"))


def _library_paths() -> tuple[str, ...]:
    import sysconfig

    return ("<frozen", *{sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")})
