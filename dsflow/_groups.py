"""Task groups: calls that are waited for, cancelled, and fail together."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any

from dsflow._context import Context, current_context
from dsflow._errors import SessionError, TaskCancelledError, WallClockError
from dsflow._graph import Failure, Node, Outcome

if TYPE_CHECKING:
    from dsflow._session import Session

__all__ = [
    "TaskGroup",
    "barrier_group",
    "cancel_group",
    "current_groups",
    "join_groups",
    "leave_groups",
    "set_wall_clock",
]

_open_groups: ContextVar[tuple[Context | None, tuple[TaskGroup, ...]]] = ContextVar("open_groups", default=(None, ()))
"""The groups that are open in this thread or coroutine, and the caller that has opened them."""


def current_groups(context: Context) -> tuple[TaskGroup, ...]:
    """Return the groups that a call belongs to, the outermost first."""
    owner, groups = _open_groups.get()
    return groups if owner is context else ()


class TaskGroup:
    """The tasks that are called inside of a ``with`` block; its end waits for them.

    When one of them fails, those that have not started are cancelled, those that are called later too, and the end of
    the block raises its exception. When the block itself is left by an exception, all of them are cancelled. Groups
    may be nested: a task belongs to all that are open.

    Parameters
    ----------
    name : str
        For `barrier_group` and `cancel_group`; a new group replaces an older one of that name.
    implicit_barrier : bool
        False not to wait at the end of the block, but at `barrier_group` only.

    Examples
    --------
    >>> from dsflow import TaskGroup, task
    >>> @task
    ... def double(x):
    ...     return 2 * x
    >>> with TaskGroup("doubles"):
    ...     futures = [double(i) for i in range(3)]
    >>> [future.result() for future in futures]
    [0, 2, 4]
    """

    def __init__(self, name: str, implicit_barrier: bool = True) -> None:
        self.name = name
        self.implicit_barrier = implicit_barrier
        self._pending: dict[str, Node] = {}
        self._end: Failure | str | None = None
        """Why members are cancelled: the failure of one, or in words."""
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._token: Token[Any] | None = None

    def __enter__(self) -> TaskGroup:
        if self._token is not None:
            raise RuntimeError(f"TaskGroup {self.name!r} has been entered before; make another for more tasks.")
        context = current_context()
        self._session = context.session
        context.groups[self.name] = self
        self._token = _open_groups.set((context, (*current_groups(context), self)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._token is not None
        _open_groups.reset(self._token)
        if kind is not None:
            self.cancel(f"the block of its group {self.name!r} was left by {kind.__name__}")
        elif self.implicit_barrier:
            self.barrier()

    def barrier(self, timeout: float | None = None) -> None:
        """Wait for the tasks of the group.

        Raises
        ------
        Exception
            That of the first task that failed, unless it was raised before.
        TimeoutError
            When tasks are left after ``timeout`` seconds.
        """
        if self._session is not None:
            while pending := self._members():
                self._session.wait(pending, timeout)
        if isinstance(self._end, Failure) and not self._end.reported:
            assert self._session is not None
            self._session.note_seen(self._end)
            self._end.throw()

    def cancel(self, reason: str | None = None) -> None:
        """Cancel the tasks of the group, and those that are called in it from now on."""
        reason = reason or f"its group {self.name!r} was cancelled"
        self._end = self._end or reason
        if self._session is not None:
            self._session.cancel(self._members(), reason)

    def _members(self) -> list[Node]:
        with self._lock:
            return list(self._pending.values())

    # --- for the session ---------------------------------------------------------------------------------------------

    def join(self, node: Node) -> Failure | None:
        """Add a task that is being called; return why it is not to run, or None."""
        with self._lock:
            if not node.settled:  # it may have run as soon as the graph had it
                self._pending[node.key] = node
            end = self._end
        return None if end is None else _cancelled(node, self, end)

    def leave(self, node: Node, failure: Failure | None, session: Session) -> None:
        """Forget a task that has ended; after its own failure, cancel those that have not started."""
        with self._lock:
            self._pending.pop(node.key, None)
            if failure is None or failure.key != node.key or failure.seen:
                return
            if self._end is not None:  # it ran already when another failed: who is told of that one knows enough
                if isinstance(self._end, Failure):
                    failure.cover = failure.cover or self._end
                return
            self._end = failure
            waiting = [each for each in self._pending.values() if each.started is None]
        for each in waiting:
            session.settle(each, Outcome(failure=_cancelled(each, self, failure)))
        session.engine.cancel(waiting)

    def __repr__(self) -> str:
        return f"<TaskGroup {self.name!r}: {len(self._pending)} tasks pending>"


def _cancelled(node: Node, group: TaskGroup, end: Failure | str) -> Failure:
    why = end if isinstance(end, str) else f"{end.key}, of its group {group.name!r}, has failed"
    error = TaskCancelledError(f"{node.key} (called at {node.site}) was cancelled: {why}.")
    error.__cause__ = None if isinstance(end, str) else end.exception
    return Failure(error, node.key, seen=True)


def join_groups(node: Node) -> Failure | None:
    """Add a node to its groups; return why it is not to run, or None."""
    failures = [group.join(node) for group in node.groups]
    return next((failure for failure in failures if failure is not None), None)


def leave_groups(settled: list[Node], session: Session) -> None:
    """Take settled nodes out of their groups, which may end the others."""
    for node in settled:
        for group in node.groups:
            group.leave(node, node.failure, session)


def _group(name: str) -> TaskGroup:
    groups: dict[str, TaskGroup] = current_context().groups
    if name not in groups:
        known = ", ".join(map(repr, groups)) or "there is none"
        raise ValueError(f"no group {name!r} was opened by this caller; groups: {known}.")
    return groups[name]


def barrier_group(name: str, timeout: float | None = None) -> None:
    """Wait for the tasks of a group; see `TaskGroup.barrier`.

    Raises
    ------
    ValueError
        When no group has that name.
    Exception
        That of the first task of the group that failed, unless it was raised before.
    """
    _group(name).barrier(timeout)


def cancel_group(name: str) -> None:
    """Cancel the tasks of a group, those that run too.

    Raises
    ------
    ValueError
        When no group has that name.
    """
    _group(name).cancel()


def set_wall_clock(seconds: float) -> None:
    """Limit the time of the session from now on: when it is over, all tasks are cancelled.

    Parameters
    ----------
    seconds : float
        A new limit replaces an older one.

    Raises
    ------
    ValueError
        When it is not a positive number.
    SessionError
        When a task calls it.
    WallClockError
        When it is over: at the wait that it ends, else at the next barrier or at stop; and at every call of a task.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise ValueError(f"set_wall_clock: {seconds!r} is not a number of seconds greater than 0.")
    context = current_context()
    if context.is_task:
        raise SessionError(f"set_wall_clock: called by the task {context.label}; call it in the main program.")
    session = context.session

    def expire() -> None:
        session.expire(
            WallClockError(
                f"the session has reached its wall clock limit of {seconds:g} s; what was left is cancelled."
            )
        )

    _start_timer(session, seconds, expire)


def _start_timer(session: Session, seconds: float, expire: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.name = "dsflow-wall-clock"
    if session.wall_clock_timer is not None:
        session.wall_clock_timer.cancel()
    session.wall_clock_timer = timer
    timer.start()
