"""Getting values back: ``wait_on``, ``barrier``, ``as_completed``, ``await``."""

from __future__ import annotations

import asyncio
import queue
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar, overload

from dsflow._context import Context, current_context, has_context
from dsflow._future import Future

__all__ = ["as_completed", "barrier", "delete_object", "settle_async", "share", "wait_on"]

T = TypeVar("T")


@overload
def wait_on(value: Future[T], /) -> T: ...
@overload
def wait_on(value: T, /) -> T: ...
@overload
def wait_on(value: Any, /, *more: Any) -> list[Any]: ...
def wait_on(value: Any, /, *more: Any) -> Any:
    """Wait for values and return them.

    Parameters
    ----------
    value, *more
        Futures; objects that tasks are changing (``INOUT``), which are brought up to date in place where their type
        allows it; lists, tuples and dicts that hold such. Anything else is returned as it is.

    Returns
    -------
    object or list of object
        The value, or a list of them if several were asked for.

    Raises
    ------
    Exception
        The exception of the task that should have given the value.
    """
    context = current_context() if has_context() else Context()  # waiting starts no session
    asked: Any = [value, *more] if more else value
    try:
        return _resolve(asked, context, _values_in(asked), {})
    except BaseException:
        _ignore_failures(asked, context)
        raise


def _values_in(asked: Any) -> dict[Future[Any], Any]:
    """The values of all Futures in a container, brought here together."""
    futures = list(dict.fromkeys(_futures_in(asked, set())))
    if not futures:
        return {}
    versions = [future._current() for future in futures]
    return dict(zip(futures, futures[0]._session.values_of(versions), strict=True))


def _futures_in(value: Any, looked_at: set[int]) -> Iterator[Future[Any]]:
    if type(value) is Future:
        yield value
    elif isinstance(value, (list, tuple, dict)) and id(value) not in looked_at:
        looked_at.add(id(value))
        for item in value.values() if isinstance(value, dict) else value:
            yield from _futures_in(item, looked_at)


def _ignore_failures(value: Any, context: Context) -> None:
    """Regard the failures of all that was waited for as seen, since one of them is being raised."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            _ignore_failures(item, context)
    future = value if type(value) is Future else context.tracker.find(value)
    if future is not None:
        future.add_done_callback(_mark_seen)


def _mark_seen(future: Future[Any]) -> None:
    failure = future._version.failure
    if failure is not None:
        future._session.note_seen(failure)


def _resolve(value: Any, context: Context, values: dict[Future[Any], Any], done: dict[int, tuple[Any, Any]]) -> Any:
    """The value with all that it holds; ``done`` has the containers that were seen, and what they have become."""
    if type(value) is Future:
        return values[value] if value in values else value.result()
    if id(value) in done:
        return done[id(value)][1]
    found = value
    if context.tracker.find(value) is not None:
        found = context.session.bring_up_to_date(value, context)
    if _holds_pending(found, context, set()):
        found = _rebuilt(found, lambda item: _resolve(item, context, values, done))
    if isinstance(value, (list, tuple, dict)):
        done[id(value)] = (value, found)  # with the value itself, so that no other gets its identity
    return found


def _rebuilt(value: Any, resolve: Callable[[Any], Any]) -> Any:
    if isinstance(value, tuple):
        items = list(map(resolve, value))
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if isinstance(value, list):
        return list(map(resolve, value))
    return {key: resolve(item) for key, item in value.items()}


def _holds_pending(value: Any, context: Context, looked_at: set[int]) -> bool:
    """Whether a container holds, at any depth, a Future or an object that tasks are changing."""
    if not isinstance(value, (list, tuple, dict)) or id(value) in looked_at:
        return False
    looked_at.add(id(value))
    return any(
        type(item) is Future or context.tracker.find(item) is not None or _holds_pending(item, context, looked_at)
        for item in (value.values() if isinstance(value, dict) else value)
    )


def barrier(timeout: float | None = None) -> None:
    """Wait for all tasks called so far; inside a task, for those it has called itself.

    Parameters
    ----------
    timeout : float, optional
        Seconds to wait at most.

    Raises
    ------
    Exception
        The exception of the first failed task that no wait has raised yet.
    TimeoutError
        When tasks are left after ``timeout`` seconds.
    """
    if not has_context():
        return
    context = current_context()
    context.session.barrier(context, timeout)


def as_completed(futures: Iterable[Future[T]], timeout: float | None = None) -> Iterator[Future[T]]:
    """Yield Futures as their tasks end, first those that end first.

    Parameters
    ----------
    futures : iterable of Future
        Each is yielded once.
    timeout : float, optional
        Seconds that it may take in all.

    Raises
    ------
    TimeoutError
        When tasks are left after ``timeout`` seconds.
    """
    waiting = list(dict.fromkeys(futures))
    arrivals = _Arrivals()
    for future in waiting:
        if not isinstance(future, Future):
            raise TypeError(f"as_completed: expected Futures, got {type(future).__name__}; pass what tasks return.")
        future.add_done_callback(arrivals.put)
    nodes = [node for node in (future._version.node for future in waiting) if node is not None]
    deadline = None if timeout is None else time.monotonic() + timeout
    for _ in range(len(waiting)):
        left = None if deadline is None else deadline - time.monotonic()
        try:
            if not arrivals.wait(0.0):
                current_context().session.wait_at(arrivals, nodes, left)
        except TimeoutError as error:
            reasons = str(error).partition("; ")[2]
            raise TimeoutError(f"as_completed: tasks are left after {timeout:g} s; {reasons}") from None
        yield arrivals.last


class _Arrivals:
    """A gate that opens once for each Future that has ended, and says which it was."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        self.last: Any = None

    def put(self, future: Future[Any]) -> None:
        self._queue.put(future)

    def wait(self, timeout: float) -> bool:
        try:
            self.last = self._queue.get(timeout=timeout) if timeout > 0 else self._queue.get_nowait()
        except queue.Empty:
            return False
        return True


async def settle_async(future: Future[Any]) -> None:
    """Return once the Future is settled, without blocking the event loop."""
    loop = asyncio.get_running_loop()
    settled: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not settled.done():
            settled.set_result(None)

    future.add_done_callback(lambda _: loop.call_soon_threadsafe(wake))
    await settled


def share(value: T) -> Future[T]:
    """Place a value where all tasks can use it, without copying its arrays.

    Pass the Future instead of the value. In return you promise not to change the value any more.

    Parameters
    ----------
    value
        Anything that can be pickled.

    Returns
    -------
    Future
        It can be passed to any number of tasks.
    """
    context = current_context()
    future: Future[T] | None = context.tracker.find(value)
    if future is not None:  # tasks are changing it: what is shared is its newest version
        version = future._current()
        if version.commuters is not None:
            version.commuters.closed = True
        return Future(version, context.session)
    return context.session.put(value)


def delete_object(value: Any, /, *more: Any) -> None:
    """Let go of values: tasks that were called with them still have them, nobody else.

    Parameters
    ----------
    value, *more
        Futures, whose values are freed on the workers; objects that tasks are changing, which are then as the main
        program left them, and are passed on as they are; lists, tuples and dicts of such.
    """
    context = current_context() if has_context() else Context()
    for each in (value, *more):
        if type(each) is Future:
            each._delete("it was deleted by delete_object")
        elif context.tracker.find(each) is not None:
            context.tracker.forget(each)
        elif isinstance(each, (list, tuple)) and each:
            delete_object(*each)
        elif isinstance(each, dict) and each:
            delete_object(*each.values())
