"""Who is calling: the main program, or a task that itself calls tasks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from dsflow._versions import Tracker

if TYPE_CHECKING:
    from dsflow._graph import Node
    from dsflow._resources import Grant
    from dsflow._session import Session

__all__ = [
    "Context",
    "MainProgram",
    "active_context",
    "current_context",
    "enter_context",
    "has_context",
    "main_program",
]


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """What a running task can know of itself."""

    key: str
    """Its key, as messages show it."""
    gpus: tuple[str, ...]
    """The GPUs that its constraint has got it."""
    cpus: int
    """The cores that it may use."""


class Context:
    """A caller of tasks: its session, the objects of its own that tasks are changing, and the tasks it has started."""

    __slots__ = (
        "_connect",
        "_session",
        "calling",
        "children",
        "emit",
        "grant",
        "groups",
        "is_task",
        "label",
        "node",
        "streams",
        "tracker",
        "unwritten",
    )

    def __init__(
        self,
        session: Session | None = None,
        node: Node | None = None,
        label: str = "main",
        connect: Callable[[], Session] | None = None,
        emit: Callable[[str, str], None] | None = None,
    ) -> None:
        self._session = session
        self._connect = connect
        self.node = node
        """The node of the task, if it belongs to a session of this process."""
        self.label = label
        """Key of the task, as shown to the user."""
        self.is_task = label != "main"
        self.emit = emit
        """Takes the name of a stream and the lines that the task prints to it; None leaves the streams alone."""
        self.unwritten: dict[str, str] = {}
        """The last line of each stream, as long as it is not ended."""
        self.grant: Grant | None = None if node is None else node.grant
        """What the task has been given of the machine."""
        self.streams: dict[str, IO[str]] = {}
        """Files that stand for standard streams of the task."""
        self.groups: dict[str, Any] = {}
        """The newest task group of each name."""
        self.tracker = Tracker()
        self.calling = threading.RLock()
        """Held from where a call looks up what its arguments are to where it has noted what it makes of them."""
        self.children: list[Node] = []
        """Nodes that a task has started; it ends when they have ended. Empty for the main program."""

    @property
    def session(self) -> Session:
        """The session that calls go to; on a remote worker it is opened by the first call."""
        if self._session is None:
            assert self._connect is not None
            self._session = self._connect()
        return self._session


_thread = threading.local()


def active_context() -> Context | None:
    """Return the context of the task that this thread runs, or None outside of tasks."""
    context: Context | None = getattr(_thread, "context", None)
    return context


def enter_context(context: Context | None) -> Context | None:
    """Make ``context`` the active one of this thread; return the one before."""
    before = active_context()
    _thread.context = context
    return before


class MainProgram:
    """How the main program comes to its context; filled in by what opens sessions."""

    session: Callable[[], Session | None] = staticmethod(lambda: None)
    """Returns the session of this process, or None."""
    start: Callable[[], Session]
    """Starts a session with the default engine."""


main_program = MainProgram()


def has_context() -> bool:
    """Return whether the caller is a task, or the main program with a session."""
    return active_context() is not None or main_program.session() is not None


def current_context() -> Context:
    """Return the context of the caller; start a session with the default engine if there is none."""
    context = active_context()
    if context is not None:
        return context
    return (main_program.session() or main_program.start()).main


def current_task() -> TaskInfo | None:
    """Return what the running task can know of itself; None outside of tasks."""
    context = active_context()
    if context is None:
        return None
    grant = context.grant
    return TaskInfo(context.label, () if grant is None else grant.gpus, 1 if grant is None else grant.needs.cpus)
