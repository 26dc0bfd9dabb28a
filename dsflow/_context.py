"""Who is calling: the main program, or a task that itself calls tasks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from dsflow._versions import Tracker

if TYPE_CHECKING:
    from dsflow._graph import Node
    from dsflow._session import Session

__all__ = ["Context", "active_context", "enter_context"]


class Context:
    """A caller of tasks: its session, the objects of its own that tasks are changing, and the tasks it has started."""

    __slots__ = ("_connect", "_session", "children", "emit", "is_task", "label", "node", "tracker", "unwritten")

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
        self.tracker = Tracker()
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
