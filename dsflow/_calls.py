"""Calls behind the Futures of `concurrent.futures`: each ends as its task does, once the value is here.

Results that lie on workers come many at a time.
"""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from types import FrameType, SimpleNamespace
from typing import Any, NoReturn, TypeVar

from dsflow._context import Context, current_context, enter_context
from dsflow._errors import SessionError, TaskCancelledError
from dsflow._freeze import Stored, thaw
from dsflow._future import Future
from dsflow._graph import REMOTE
from dsflow._session import Session
from dsflow._task import Task

__all__ = ["CallFuture", "Courier", "as_argument", "cancel_calls", "site_of", "start_call"]

T = TypeVar("T")


class CallFuture(concurrent.futures.Future[T]):
    """A `concurrent.futures.Future` whose call is a task."""

    def __init__(self, future: Future[T], context: Context) -> None:
        super().__init__()
        self.task_future = future
        """Stands for the value where it is passed on to another call."""
        self.version = future._version
        self.session = future._session
        self._context = context if context.is_task else None
        """The task that has made the call, for calls that callbacks make."""
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[concurrent.futures.Future[T]], object]] | None = []
        """None when they have been called."""

    def running(self) -> bool:
        """Return whether the call has begun and not ended. On a cluster it is never seen to have begun."""
        node = self.version.node
        return node is not None and node.started is not None and not node.settled

    def cancel(self) -> bool:
        """Cancel the call, unless it is `running` or has ended, and what depends on it; return whether it is."""
        if not self.running():
            cancel_calls([self], "its Future was cancelled")
        return self.cancelled()

    def result(self, timeout: float | None = None) -> T:
        """Wait for the call and return its result, or raise its exception; a task that waits gives up its slot."""
        try:
            return super().result(self._wait_for_task(timeout))
        finally:
            del self  # as the base class does: the exception's frames must not hold what holds the exception

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the call and return its exception, or None if it succeeded; a task that waits gives up its slot."""
        return super().exception(self._wait_for_task(timeout))

    def _wait_for_task(self, timeout: float | None) -> float | None:
        """Wait until the task has ended, and regard its failure as told; return what is left of the time."""
        start = time.monotonic()
        node = self.version.node
        if node is not None:
            self.session.wait([node], timeout)
        if self.version.failure is not None:
            self.session.note_seen(self.version.failure)
        return None if timeout is None else max(0.0, timeout - (time.monotonic() - start))

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a Future of a dsflow.Executor stands for its value as an argument of submit, or in a list, tuple or dict "
            "that is one; elsewhere use the value itself: future.result()"
        )

    def settle(self, courier: Courier) -> None:
        """End as the task has ended, once the value is here."""
        failure = self.version.failure
        if failure is None and self.version.stored is REMOTE:
            courier.bring(self)
            return
        if failure is None:
            self.receive(self.version.stored)
        else:
            if failure.key == self.version.maker:  # its own failure is told here, and nowhere else
                self.session.note_seen(failure)
            self.fail(failure.exception)
        if self.session.engine.may_wait():
            self.announce()
        else:  # as callbacks may
            courier.bring(self)

    def receive(self, stored: Stored) -> None:
        """End with a value."""
        try:
            value = thaw(stored, writable=True)
        except Exception as error:  # noqa: BLE001 - it may be of a class that only the worker can import
            self.fail(error)
        else:
            self.set_result(value)

    def fail(self, error: BaseException) -> None:
        """End without a value."""
        if isinstance(error, TaskCancelledError):
            super().cancel()
            self.set_running_or_notify_cancel()
        else:
            self.set_exception(error)

    def add_done_callback(self, fn: Callable[[concurrent.futures.Future[T]], object]) -> None:
        """Call ``fn(self)`` once the call has ended; its exceptions are logged."""
        with self._lock:
            if self._callbacks is not None:
                self._callbacks.append(fn)
                return
        super().add_done_callback(fn)

    def announce(self) -> None:
        """Call the callbacks: after all that end together have, and in the name of the task that has made this call."""
        with self._lock:
            callbacks, self._callbacks = self._callbacks, None
        before = enter_context(self._context)
        try:
            for fn in callbacks or ():
                super().add_done_callback(fn)  # at once
        finally:
            enter_context(before)


class Courier:
    """Brings values here that lie on workers, all that are ready together, and calls callbacks; in its own thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ready: list[CallFuture[Any]] = []
        self._fetching: threading.Thread | None = None

    def bring(self, future: CallFuture[Any]) -> None:
        """Bring the value of a Future whose task has ended, if it is not here, and call its callbacks."""
        with self._lock:
            self._ready.append(future)
            self._fetch_if_ready()

    def _fetch_if_ready(self) -> None:
        if self._ready and self._fetching is None:
            self._fetching = threading.Thread(target=self._fetch, name="dsflow-courier", daemon=True)
            self._fetching.start()

    def finish(self) -> None:
        """Wait until all values are here that were on their way."""
        while True:
            with self._lock:
                fetching = self._fetching
            if fetching is None or fetching is threading.current_thread():
                return
            fetching.join()

    def _fetch(self) -> None:
        with self._lock:
            futures, self._ready = self._ready, []
        for session, own in groupby((future for future in futures if not future.done()), attrgetter("session")):
            _deliver(list(own), session)
        with self._lock:
            self._fetching = None
            self._fetch_if_ready()
        for future in futures:
            future.announce()


def _deliver(futures: Sequence[CallFuture[Any]], session: Session) -> None:
    """Fetch values together; if that fails, one by one, so that each Future has its own error."""
    try:
        values = session.engine.fetch([future.version for future in futures])
    except BaseException as error:  # noqa: BLE001 - a cancelled transfer too: every wait has to end
        if len(futures) > 1:
            for future in futures:
                _deliver([future], session)
        else:
            ended = SessionError("the session ended before a value was here; shut an executor down before it ends.")
            futures[0].fail(ended if session.closed else error)
        return
    for future, value in zip(futures, values, strict=True):
        future.receive(value)


def cancel_calls(futures: Iterable[CallFuture[Any]], reason: str) -> None:
    """Cancel calls that have not ended, and what depends on them."""
    for session, own in groupby(futures, attrgetter("session")):
        session.cancel([node for node in (future.version.node for future in own) if node is not None], reason)


def site_of(frame: FrameType) -> Any:
    """Return what a task reads of its caller's frame, the line, without the variables."""
    return SimpleNamespace(f_code=frame.f_code, f_lineno=frame.f_lineno)


def start_call(
    task: Task[T], args: Iterable[Any], kwargs: dict[str, Any], courier: Courier, site: Any
) -> CallFuture[T]:
    """Call a task; return a Future for `concurrent.futures`."""
    context = current_context()
    positional = tuple(map(as_argument, args))
    named = {name: as_argument(value) for name, value in kwargs.items()}
    future = CallFuture[T](task._call(task._positional, positional, named, site), context)
    future.session.before_end.add(courier.finish)
    future.task_future.add_done_callback(lambda _: future.settle(courier))
    return future


def as_argument(value: Any) -> Any:
    """What to pass for an argument: of Futures of an Executor, the Futures of their tasks."""
    if isinstance(value, CallFuture):
        return value.task_future
    if type(value) in (list, tuple) and any(isinstance(item, CallFuture) for item in value):
        return type(value)(map(as_argument, value))
    if type(value) is dict and any(isinstance(item, CallFuture) for item in value.values()):
        return {key: as_argument(item) for key, item in value.items()}
    return value
