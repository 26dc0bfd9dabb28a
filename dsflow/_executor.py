"""Executor: tasks behind the interface of `concurrent.futures`, for libraries that take an executor.

What moves: arguments, as with any task; and each result, to this process, as soon as its call has ended, since a
`concurrent.futures.Future` holds its value.
"""

from __future__ import annotations

import concurrent.futures
import functools
import sys
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from types import FunctionType, MethodType
from typing import Any, TypeVar

from dsflow._calls import CallFuture, Courier, as_argument, cancel_calls, site_of, start_call
from dsflow._task import Task, task

__all__ = ["Executor", "name_of", "named_task"]

T = TypeVar("T")


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
            chunks = iter(lambda: list(map(as_argument, islice(calls, chunksize))), [])
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
