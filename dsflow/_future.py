"""Future: what a call of a task gives at once, in place of the value."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from dsflow._errors import ArgumentError, SessionError, TaskCancelledError
from dsflow._freeze import HandleFound
from dsflow._graph import Version

if TYPE_CHECKING:
    from dsflow._session import Session

__all__ = ["Future"]

logger = logging.getLogger("dsflow")

T = TypeVar("T")

_GONE = Version(stored=None)
"""What a Future has whose value was deleted."""


class Future(Generic[T]):
    """The value of a call that may not have ended yet.

    Pass it to other tasks as if it were the value. To get the value itself, use ``wait_on(future)``,
    ``future.result()`` or, in a coroutine, ``await future``.

    A Future names a piece of data, not one moment of it: after a task with an ``INOUT`` parameter has been called on
    it, it stands for the changed value. ``copy.copy(future)`` is a Future of the value as it is at that moment: what
    tasks change through one of the two is not seen through the other.
    """

    __slots__ = ("__weakref__", "_deleted", "_kind", "_session", "_version")

    def __init__(self, version: Version, session: Session, kind: Callable[[], type | None] | None = None) -> None:
        self._version = version
        self._session = session
        self._kind = kind
        self._deleted: str | None = None
        """Why there is no value any more."""

    # --- the value ---------------------------------------------------------------------------------------------------

    def result(self, timeout: float | None = None) -> T:
        """Wait for the value and return it: an object of the caller's own, free to change.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; None (the default) waits as long as it takes.

        Raises
        ------
        TimeoutError
            When the value is not there in time. The task goes on.
        Exception
            The task's own exception, if it raised one.
        """
        value: T = self._session.value_of(self._current(), timeout)
        return value

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the task to end and return its exception, or None if it succeeded."""
        version = self._current()
        if version.node is not None:
            self._session.wait([version.node], timeout)
        if version.is_foreign:
            try:
                self._session.stored_of(version, timeout)
            except Exception as error:  # noqa: BLE001 - the task's own exception is what was asked for
                return error
        if version.failure is None:
            return None
        self._session.note_seen(version.failure)
        return version.failure.exception

    def cancel(self) -> bool:
        """Cancel the task that makes the value, and what depends on it.

        A task that runs is stopped: at once if it is ``killable`` or has a ``time_out``, else at its next line of
        Python. Waiting for the value raises TaskCancelledError.

        Returns
        -------
        bool
            False if the task had ended.
        """
        node = self._current().node
        if node is None or node.settled:
            return False
        makers = [node] if node.awaits is None else [*node.awaits(), node]
        self._session.cancel(makers, "cancel() was called")
        return isinstance(node.failure and node.failure.exception, TaskCancelledError)

    def cancelled(self) -> bool:
        """Return whether the task was cancelled."""
        failure = self._version.failure
        return failure is not None and isinstance(failure.exception, TaskCancelledError)

    def done(self) -> bool:
        """Return whether the value, or the reason why there is none, is known."""
        version = self._version
        return version.settled and (not version.is_foreign or self._session.engine.holds(version))

    def add_done_callback(self, callback: Callable[[Future[T]], object]) -> None:
        """Call ``callback(self)`` once the task has ended, in the thread that notices it; its exceptions are logged."""

        def call(_: object) -> None:
            try:
                callback(self)
            except Exception:
                logger.exception("a callback of %r failed", self)

        version = self._version
        if version.node is not None:
            self._session.graph.on_settled(version.node, call)
        elif version.is_foreign:
            self._session.engine.on_held(version, lambda: call(None))
        else:
            call(None)

    def __await__(self) -> Generator[Any, None, T]:
        from dsflow._waiting import settle_async

        yield from settle_async(self).__await__()
        return self.result()

    def __copy__(self) -> Future[T]:
        copied: Future[T] = Future(self._version, self._session, self._kind)
        copied._deleted = self._deleted
        return copied

    # --- for dsflow itself -------------------------------------------------------------------------------------------

    def _current(self) -> Version:
        """The newest version, for use in the session it belongs to."""
        if self._session.closed:
            raise SessionError(
                f"{self!r}: its session has ended; read the value with wait_on() before stop(), "
                "or call the task again in the new session."
            )
        if self._deleted is not None:
            raise ArgumentError(f"{self!r}: {self._deleted}; its value is gone.")
        return self._version

    def _delete(self, why: str) -> None:
        """Let go of the value; whoever asks for it is told why."""
        self._deleted = why
        self._version = _GONE

    def __reduce__(self) -> NoReturn:
        raise HandleFound

    # --- what a Future is not ----------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        version = self._version
        if version.node is not None:
            state = f"pending, from {version.node.key}"
        elif version.failure is not None:
            state = f"failed: {type(version.failure.exception).__name__}"
        else:
            state = "done"
        return f"<Future: {state}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        kind = self._kind() if self._kind is not None else None
        method = getattr(kind, name, None) if kind is not None else None
        if method is not None and hasattr(method, "bind_to"):
            return method.bind_to(self)
        if kind is None:
            advice = "annotate what the task returns, so that its task methods are known, or use wait_on(future)"
        else:
            advice = f"{kind.__name__} has no task method of that name; use wait_on(future).{name} for anything else"
        raise AttributeError(f"Future: no attribute {name!r}; {advice}.", name=name, obj=self)

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError(
            f"{self!r} is not the value yet; pass it to a task as it is, or use wait_on(future) to get the value."
        )

    __array__ = __bool__ = __iter__ = __len__ = __contains__ = __getitem__ = __setitem__ = __delitem__ = _refuse
    __int__ = __float__ = __complex__ = __index__ = __call__ = __enter__ = __next__ = _refuse
    __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __mod__ = __pow__ = __matmul__ = _refuse
    __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = __rmatmul__ = _refuse
    __and__ = __or__ = __xor__ = __rand__ = __ror__ = __rxor__ = __lshift__ = __rshift__ = _refuse
    __divmod__ = __rdivmod__ = __rlshift__ = __rrshift__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __neg__ = __pos__ = __abs__ = __invert__ = __round__ = _refuse
