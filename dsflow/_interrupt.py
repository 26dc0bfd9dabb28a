"""Stopping Python code that runs in a thread: an exception is raised in it, where that breaks nothing but the code.

An exception that another thread raises can land between any two bytecodes. It is raised only while the innermost
function is the user's, never inside of dsflow, which others rely on; until then it is put off. C code cannot be
interrupted; the exception is raised when it returns. What waits inside of dsflow calls `checkpoint` now and then.
"""

from __future__ import annotations

import ctypes
import logging
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar, TypeVarTuple

from dsflow._stack import frames_can_be_read, is_interruptible, users_line

__all__ = [
    "PATIENCE_S",
    "TaskInterrupted",
    "checkpoint",
    "give_up",
    "interrupt",
    "nested",
    "run_interruptible",
    "where",
]

logger = logging.getLogger("dsflow")

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

PATIENCE_S = 5.0
"""Code that still runs so long after it was interrupted is stuck."""

_PAUSES_S = (0.001, 0.01)
"""Shortest and longest time between two tries to interrupt code that cannot be just then."""

_LATE_PAUSE_S = 0.25
"""The same for code that is stuck, and longest time between two looks at what was interrupted."""


class TaskInterrupted(BaseException):
    """Raised in a task that was cancelled while it ran. Let it pass: what the task returns is not wanted any more."""


class _Run:
    """A function that runs under a key."""

    __slots__ = ("deadline", "due", "ident", "inner", "interrupted", "key", "outer", "pause", "stop", "stuck")

    deadline: float
    """When it will be stuck. This and what follows is there if it was interrupted."""
    due: float
    """When to try again, or to look whether it is stuck."""
    pause: float
    stuck: Callable[[], object] | None
    """Called if it does not end in time."""

    def __init__(self, key: str, ident: int, outer: _Run | None, stop: Callable[[], object] | None) -> None:
        self.key = key
        self.ident = ident
        """The thread."""
        self.outer = outer
        """The run inside of which it runs."""
        self.inner: _Run | None = None
        """The run that runs inside of it now."""
        self.stop = stop
        """What to call in place of raising an exception."""
        self.interrupted = False

    def chain(self) -> Iterator[_Run]:
        """The run, and those it runs inside of."""
        run: _Run | None = self
        while run is not None:
            yield run
            run = run.outer


_innermost: dict[int, _Run] = {}
"""What each thread runs."""
_lock = threading.Lock()
_changed = threading.Condition(_lock)
"""Notified when there is something new to watch, and when something watched has ended."""
_running: dict[_Run, bool] = {}
"""Runs that are let alone. To take one out of here is to have it: a run that has taken itself out cannot be hit."""
_claimed: set[_Run] = set()
"""Runs that an interrupt has to do with; they end with the lock held."""
_watched: list[_Run] = []
"""Interrupted runs that have not ended."""
_watcher: threading.Thread | None = None
_other_hook: Callable[[sys.UnraisableHookArgs], object] | None = None
"""While there is a watcher, what is told of exceptions that are lost, but for ours."""


def _forget_after_fork() -> None:
    """In a forked child: the other threads are gone, and so is the one that may have had the lock."""
    global _lock, _changed, _watcher
    _lock = threading.Lock()
    _changed = threading.Condition(_lock)
    _watcher = None
    _innermost.clear()
    _watched.clear()
    _running.clear()
    _claimed.clear()


_raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc
_raise_in_thread.argtypes = (ctypes.c_ulong, ctypes.py_object)

os.register_at_fork(after_in_child=_forget_after_fork)


# --- what the interrupted thread does --------------------------------------------------------------------------------


def run_interruptible(
    key: str, function: Callable[[*Ts], T], *args: *Ts, stop: Callable[[], object] | None = None
) -> T | None:
    """Call a function in this thread in such a way that `interrupt` ends it.

    Parameters
    ----------
    key : str
        What `interrupt` knows it by. Inside of it others may run; who interrupts this one ends those too.
    function : callable
        It may catch the exception, to clean up or to return something after all.
    stop : callable, optional
        What ends it, in place of an exception; called again and again until it has ended.

    Returns
    -------
    object or None
        What the function returned; None if it was interrupted.

    Raises
    ------
    TaskInterrupted
        When a run that this one runs inside of was interrupted.
    """
    if _claimed:
        checkpoint()
    ident = threading.get_ident()
    outer = _innermost.get(ident)
    run = _Run(key, ident, outer, stop)
    result: T | None = None
    try:
        _innermost[ident] = run
        if outer is not None:
            outer.inner = run
        _running[run] = True
        result = function(*args)
        _leave(run)
    except BaseException as error:
        _leave(run)  # it may have been this that was interrupted; from here on nothing can be
        if not (run.interrupted and isinstance(error, TaskInterrupted)):
            raise
    if _claimed:
        checkpoint()
    return result


def _leave(run: _Run) -> None:
    """Make sure that no interrupt comes any more; doing it twice does no harm."""
    if run.outer is None:
        _innermost.pop(run.ident, None)
    else:
        _innermost[run.ident] = run.outer
        run.outer.inner = None
    if not _running.pop(run, False):
        with _lock:
            _take_back(run.ident)
            _claimed.discard(run)
            _changed.notify_all()


def _take_back(ident: int) -> None:
    """Have no exception left to be raised in this thread.

    Another one takes the place of what has not been raised yet, and is caught here. Asking the interpreter to forget
    it (with NULL) would leave its flag that there is one, and with that a traced function never begins (Python 3.11).
    """
    try:
        _raise_in_thread(ident, ctypes.py_object(TaskInterrupted))
        while True:
            time.sleep(0)
    except TaskInterrupted:
        return


def checkpoint() -> None:
    """Raise `TaskInterrupted` if what this thread runs has been interrupted."""
    if _claimed:
        run = _innermost.get(threading.get_ident())
        if run is not None and any(each.interrupted for each in run.chain()):
            raise TaskInterrupted


def nested(function: Callable[[], object]) -> Callable[[], None]:
    """Return a function for a thread that this one waits for: what runs there runs inside of what runs here.

    If that is interrupted, so is what runs there; the exception ends there, and is this thread's to raise.
    """
    outer = _innermost.get(threading.get_ident())

    def run_there() -> None:
        ident = threading.get_ident()
        if outer is not None:
            _innermost[ident] = outer
        try:
            function()
        except TaskInterrupted:
            return
        finally:
            _innermost.pop(ident, None)

    return run_there


# --- what others do --------------------------------------------------------------------------------------------------


def interrupt(key: str, stuck: Callable[[], object] | None = None) -> bool:
    """Raise `TaskInterrupted` in what runs under a key, as soon as that can be done. A second time does nothing.

    What runs in the calling thread itself and is ending by a KeyboardInterrupt is left to do so.

    Parameters
    ----------
    key : str
        As given to `run_interruptible`.
    stuck : callable, optional
        Called, in another thread, if it still runs after `PATIENCE_S`.

    Returns
    -------
    bool
        False if nothing runs under the key.
    """
    ending = threading.get_ident() if isinstance(sys.exc_info()[1], KeyboardInterrupt) else None
    with _lock:
        found = [run for run in (*_running, *_claimed) if run.key == key and run.ident != ending and _claim(run)]
        new = [run for run in found if not run.interrupted]
        for run in new:
            run.interrupted = True
            run.stuck = stuck
            run.pause = _PAUSES_S[0]
            run.deadline = time.monotonic() + PATIENCE_S
            _watched.append(run)
        stops = _try_all(new)
        if new:
            _watch()
    for stop in stops:
        stop()
    return bool(found)


def give_up(key: str) -> None:
    """Try no more to interrupt what runs under a key, and have no one told that it is stuck."""
    with _lock:
        _watched[:] = [run for run in _watched if run.key != key]
        _changed.notify_all()


def _claim(run: _Run) -> bool:
    """Keep a run from ending unnoticed; return False if it has ended (with the lock held)."""
    if _running.pop(run, False):
        _claimed.add(run)
    return run in _claimed


def _try_all(runs: list[_Run], *, force: bool = False) -> list[Callable[[], object]]:
    """Raise the exception where that can be done; return what to call for others (with the lock held)."""
    stops = []
    for run in runs:
        innermost = run
        while innermost.inner is not None and _claim(innermost.inner):
            innermost = innermost.inner
        if innermost.stop is not None:
            stops.append(innermost.stop)
        if innermost.stop is None and _try_to_raise(innermost.ident, force=force):
            run.due = run.deadline
        else:
            run.due = min(time.monotonic() + run.pause, run.deadline)
            run.pause = max(run.pause, min(2 * run.pause, _PAUSES_S[1]))
    return stops


def _watch() -> None:
    """Have a thread that watches (with the lock held)."""
    global _watcher, _other_hook
    if _watcher is None:
        if _other_hook is None:
            _other_hook, sys.unraisablehook = sys.unraisablehook, _try_again
        _watcher = threading.Thread(target=_watch_until_all_have_ended, name="dsflow-interrupts", daemon=True)
        _watcher.start()
    _changed.notify_all()


def _watch_until_all_have_ended() -> None:
    """Interrupt what could not be interrupted at once, and tell of what is stuck."""
    global _watcher, _other_hook
    while True:
        with _lock:
            now = time.monotonic()
            _watched[:] = [run for run in _watched if run in _claimed]
            if not _watched:
                _watcher = None
                if sys.unraisablehook is _try_again:  # else someone has put another one before it
                    sys.unraisablehook = _other_hook or sys.__unraisablehook__
                    _other_hook = None
                return
            due = [run for run in _watched if now >= run.due]
            if not due:
                _changed.wait(min(min(run.due for run in _watched) - now, _LATE_PAUSE_S))
                continue
            overdue = [run for run in due if now >= run.deadline]
            calls = _try_all([run for run in due if run not in overdue])
            for run in overdue:
                calls += [] if run.stuck is None else [run.stuck]
                run.stuck, run.deadline, run.pause = None, math.inf, _LATE_PAUSE_S
            calls += _try_all(overdue, force=True)
        for call in calls:
            try:
                call()
            except Exception:
                logger.exception("what was cancelled cannot be stopped")


def _try_again(unraisable: sys.UnraisableHookArgs) -> None:
    """Note that the exception came in a finaliser or the like, where it is lost; pass on what else is lost so."""
    if unraisable.exc_type is not TaskInterrupted:
        (_other_hook or sys.__unraisablehook__)(unraisable)
        return
    run = _innermost.get(threading.get_ident())
    for each in () if run is None else run.chain():
        if each.interrupted:
            each.due = 0.0


def _try_to_raise(ident: int, *, force: bool) -> bool:
    """Raise `TaskInterrupted` in a thread if that breaks nothing; return whether it was done.

    The thread must not move between the look at it and the exception. The interpreter changes threads when a call
    returns, at the start of a function and at jumps back; there is none of these after the step of the ``for``.
    """
    with frames_can_be_read():
        frame = sys._current_frames().get(ident)
        if frame is None or not is_interruptible(frame, force=force):
            return False
        instruction = frame.f_lasti
        for frames in iter(sys._current_frames, None):
            if frames[ident] is frame and frame.f_lasti == instruction:
                _raise_in_thread(ident, TaskInterrupted)
                return True
            return False
    raise AssertionError


def where(key: str) -> str | None:
    """Say in which thread, and at which line of the user's code, something runs; None if nothing runs under the key."""
    with _lock:
        run = next((run for run in (*_running, *_claimed) if run.key == key), None)
        while run is not None and run.inner is not None:
            run = run.inner
    if run is None:
        return None
    thread = next((each.name for each in threading.enumerate() if each.ident == run.ident), "a thread")
    with frames_can_be_read():
        line = users_line(sys._current_frames().get(run.ident))
    return f"in {thread}" + (f", now at {line}" if line else "")
