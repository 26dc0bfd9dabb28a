"""The one session of this process: who has it, who may open one, and how it ends with the program."""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import io
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from dsflow._context import active_context, enter_context, main_program
from dsflow._errors import SessionError
from dsflow._session import Session
from dsflow.engines.protocol import Engine

__all__ = ["active_session", "end_session", "open_session"]

_active: Session | None = None
_registered = False
_lock = threading.RLock()


def _forget_after_fork() -> None:
    """In a forked child: the threads and connections of the session are the parent's; the child starts its own."""
    global _active, _lock
    _lock = threading.RLock()
    enter_context(None)
    if _active is not None:
        _active.closed = True
        _active = None


os.register_at_fork(after_in_child=_forget_after_fork)


def active_session() -> Session | None:
    """Return the session of this process, or None."""
    return _active


main_program.session = active_session


def open_session(make_engine: Callable[[Session], Engine], **options: Any) -> Session:
    """Make the session of this process; ``options`` are those of `Session`.

    Raises
    ------
    SessionError
        When there is one already.
    """
    global _active
    _refuse_in_task("start")
    with _lock:
        if _active is not None:
            raise SessionError(f"dsflow.start: {_active!r} is running in this process; call dsflow.stop() first.")
        session = Session(make_engine, **options)
        _active = session
        _register_exit()
    return session


def _refuse_in_task(what: str) -> None:
    context = active_context()
    if context is not None:
        raise SessionError(
            f"dsflow.{what}: called by the task {context.label}; a task uses the session it runs in, "
            "so leave start and stop to the main program."
        )


def end_session(session: Session | None = None, *, abandon: bool = False) -> None:
    """End the session of this process, if it is ``session`` (or whichever it is); raise what no one has seen."""
    global _active
    _refuse_in_task("stop")
    with _lock:
        ending = _active
        if ending is None or (session is not None and session is not ending):
            return
        try:
            ending.close(abandon=abandon)
        finally:
            _active = None
    if not abandon:
        ending.raise_unseen()


def _register_exit() -> None:
    """Have the session ended with the program, as long as thread pools still work: tasks may use them."""
    global _registered
    if not _registered:
        importlib.import_module("concurrent.futures.thread")  # its pools end in such a function too, after ours
        threading._register_atexit(_end_at_exit)  # type: ignore[attr-defined]  # as concurrent.futures does
        _registered = True


def _end_at_exit() -> None:
    """End the session with the program: cancel if an error ended it, else wait, and let a failure set the exit code."""
    try:
        end_session(abandon=getattr(sys, "last_value", None) is not None)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is shown and sets the exit code
        sys.excepthook(type(error), error, error.__traceback__)
        atexit.register(_exit_with_failure)


def _exit_with_failure() -> None:
    """End the process with exit code 1, after all other exit handlers; an exception in one would leave it at 0."""
    atexit.unregister(_exit_with_failure)
    atexit._run_exitfuncs()
    for stream in gc.get_objects():
        if isinstance(stream, io.IOBase):
            with contextlib.suppress(OSError, ValueError):  # one that is closed, or broken
                stream.flush()
    os._exit(1)
