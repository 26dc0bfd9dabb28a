"""Executor: tasks behind the interface of `concurrent.futures`, for libraries that take an executor.

What moves: arguments, as with any task; and each result, to this process, as soon as its call has ended, since a
`concurrent.futures.Future` holds its value. Results that lie on workers come many at a time.
"""

from __future__ import annotations

import concurrent.futures
import functools
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import attrgetter
from types import FrameType, FunctionType, MethodType, SimpleNamespace
from typing import Any, NoReturn, TypeVar

from dsflow._context import Context, current_context, enter_context
from dsflow._errors import SessionError, TaskCancelledError
from dsflow._freeze import Stored, thaw
from dsflow._future import Future
from dsflow._graph import REMOTE
from dsflow._session import Session
from dsflow._task import Task, task

__all__ = ["CallFuture", "Courier", "Executor", "cancel_calls", "name_of", "named_task", "site_of", "start_call"]

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
        self.announce()

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
    """Brings values here that lie on workers: all that are ready together, in a thread of their own.

    The engine's thread has better things to do, and must not wait for tasks, as callbacks may.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ready: list[CallFuture[Any]] = []
        self._fetching = False

    def bring(self, future: CallFuture[Any]) -> None:
        """Bring the value of a Future whose task has ended."""
        with self._lock:
            self._ready.append(future)
            self._fetch_if_ready()

    def _fetch_if_ready(self) -> None:
        if self._ready and not self._fetching:
            self._fetching = True
            threading.Thread(target=self._fetch, name="dsflow-courier", daemon=True).start()

    def _fetch(self) -> None:
        with self._lock:
            futures, self._ready = self._ready, []
        for session, own in groupby(futures, attrgetter("session")):
            _deliver(list(own), session)
        with self._lock:
            self._fetching = False
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
    positional = tuple(map(_as_argument, args))
    named = {name: _as_argument(value) for name, value in kwargs.items()}
    future = CallFuture[T](task._call(task._positional, positional, named, site), context)
    future.task_future.add_done_callback(lambda _: future.settle(courier))
    return future


def _as_argument(value: Any) -> Any:
    """What to pass for an argument: of Futures of an Executor, the Futures of their tasks."""
    if isinstance(value, CallFuture):
        return value.task_future
    if type(value) in (list, tuple) and any(isinstance(item, CallFuture) for item in value):
        return type(value)(map(_as_argument, value))
    if type(value) is dict and any(isinstance(item, CallFuture) for item in value.values()):
        return {key: _as_argument(item) for key, item in value.items()}
    return value


@task
def _apply(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    return function(*args, **kwargs)


@task
def _apply_to_each(function: Callable[..., Any], calls: list[tuple[Any, ...]], /) -> list[Any]:
    return [function(*args) for args in calls]


@functools.lru_cache(maxsize=256)
def named_task(task: Task[T], name: str) -> Task[T]:
    """Return one of our tasks under the name of the user's function that it calls."""
    return task.named(name)


def name_of(function: Any) -> str:
    """Name of a callable, for keys and messages."""
    while isinstance(function, functools.partial):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__))


class Executor(concurrent.futures.Executor):
    """Runs any callable as a task, and gives `concurrent.futures` Futures.

    For libraries that take an executor, ``asyncio``'s ``run_in_executor`` among them. Calls go to the session that is
    active, or to the default one, which the first call starts. They are tasks like others: arguments arrive as copies
    (a method's object and what a `functools.partial` holds too), arrays read-only; and a Future, of a task or of an
    Executor, may be passed in place of a value that is not there yet.

    As always with `concurrent.futures`, a failure that no one asks the Future for is silent: `barrier` and `stop` do
    not raise it.

    Examples
    --------
    >>> from dsflow import Executor
    >>> with Executor() as executor:
    ...     first = executor.submit(pow, 2, 10)
    ...     second = executor.submit(max, first, 1000)
    ...     second.result()
    1024
    """

    def __init__(self) -> None:
        self._tasks: weakref.WeakValueDictionary[int, Task[Any]] = weakref.WeakValueDictionary()
        """Tasks by the identity of their function; the Futures of their calls hold them."""
        self._pending: set[CallFuture[Any]] = set()
        self._courier = Courier()
        self._closed = False

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[T]:
        """Call a function as a task; return the Future of its result at once.

        Parameters
        ----------
        fn : callable
            A task, or any callable that can be pickled: a lambda, a bound method.
        *args, **kwargs
            Its arguments. A Future stands for its value.

        Raises
        ------
        RuntimeError
            After `shutdown`.
        TypeError
            When the arguments do not fit the function, or cannot be copied.
        """
        return self._submit(*self._task_of(fn, args), kwargs, site_of(sys._getframe(1)))

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Iterator[T]:
        """Call a function with the items of iterables, side by side; yield the results in order.

        An error, or closing the iterator, cancels what has not begun.

        Parameters
        ----------
        fn : callable
            Called with one item of each iterable, until the shortest one ends.
        *iterables
            They are read at once, unless ``buffersize`` is given.
        timeout : float, optional
            Seconds from now on that all results may take.
        chunksize : int
            How many calls are one task.
        buffersize : int, optional
            How many tasks are called ahead of the results that have been taken; all by default.

        Raises
        ------
        ValueError
            When ``chunksize`` or ``buffersize`` is less than 1.
        TimeoutError
            From the iterator, when the time is over.
        """
        for name, size in (("chunksize", chunksize), ("buffersize", buffersize)):
            if size is not None and size < 1:
                raise ValueError(f"Executor.map: {name}={size!r} is less than 1.")
        deadline = None if timeout is None else time.monotonic() + timeout
        site = site_of(sys._getframe(1))
        calls = zip(*iterables, strict=False)
        futures: Iterator[CallFuture[Any]]
        if chunksize == 1:
            futures = (self._submit(*self._task_of(fn, args), {}, site) for args in calls)
        else:
            each = named_task(_apply_to_each, name_of(fn))
            chunks = iter(lambda: list(map(_as_argument, islice(calls, chunksize))), [])
            futures = (self._submit(each, (fn, chunk), {}, site) for chunk in chunks)
        results = _in_order(deque(islice(futures, buffersize)), futures, deadline)
        return results if chunksize == 1 else (result for chunk in results for result in chunk)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls. The session goes on.

        Parameters
        ----------
        wait : bool
            Wait until the calls of this executor have ended.
        cancel_futures : bool
            Cancel those that have not begun.
        """
        self._closed = True
        pending = list(self._pending)
        if cancel_futures:
            cancel_calls([future for future in pending if not future.running()], "its executor was shut down")
        if wait:
            for future in pending:
                if (node := future.version.node) is not None:
                    future.session.wait([node])
            concurrent.futures.wait(pending)

    def _submit(self, task: Task[T], args: Sequence[Any], kwargs: dict[str, Any], site: Any) -> CallFuture[T]:
        if self._closed:
            raise RuntimeError("Executor.submit: cannot schedule new futures after shutdown; make another Executor.")
        future = start_call(task, args, kwargs, self._courier, site)
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        return future

    def _task_of(self, function: Any, args: tuple[Any, ...]) -> tuple[Task[Any], tuple[Any, ...]]:
        """The task for a callable, and what to call it with: what a callable holds is an argument like others."""
        if isinstance(function, Task):
            several = function.returns is not None
            whole = Task(function.function, None, function.directions, function.options) if several else function
            return whole, args
        if isinstance(function, MethodType):
            function, args = function.__func__, (function.__self__, *args)
        if not isinstance(function, FunctionType):
            return named_task(_apply, name_of(function)), (function, *args)
        found = self._tasks.get(id(function))
        if found is None:
            found = self._tasks[id(function)] = Task(function)
        return found, args

    def __reduce__(self) -> tuple[Any, ...]:
        return Executor, ()  # a task that has been given one calls in its own session


def _in_order(
    started: deque[CallFuture[Any]], more: Iterator[CallFuture[Any]], deadline: float | None
) -> Iterator[Any]:
    """Yield results; start one more call for each that is asked for."""
    try:
        while started:
            started.extend(islice(more, 1))
            started[0].result(None if deadline is None else deadline - time.monotonic())
            yield started.popleft().result()  # without a name, which would hold it until the next one is asked for
    finally:
        cancel_calls([future for future in started if not future.running()], "its result is not wanted any more")
