"""Why something is not done: which task, what that waits for, and where it is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dsflow._context import current_context, has_context
from dsflow._future import Future
from dsflow._graph import Node, Version

if TYPE_CHECKING:
    from dsflow._session import Session

__all__ = ["explain", "reasons"]


def reasons(nodes: Sequence[Node], session: Session) -> str:
    """Say why nodes are not settled: each by the first node it waits for that could run."""
    unsettled = [node for node in nodes if not node.settled]
    lines = [_reason(node, session) for node in unsettled[:3]]
    more = f"; and {len(unsettled) - 3} more" if len(unsettled) > 3 else ""
    return "; ".join(lines) + more


def _reason(node: Node, session: Session) -> str:
    causes = _causes(node)
    text = f"{node.key} (called at {node.site})"
    for cause in causes[1:-1][:3]:
        text += f", which needs {cause.key}"
    if len(causes) > 5:
        text += f", … ({len(causes) - 5} more)"
    if len(causes) > 1:
        text += f", which needs {causes[-1].key} (called at {causes[-1].site})"
    return f"{text}: {_state(causes[-1], session)}"


def _causes(node: Node) -> list[Node]:
    """The node, one that it waits for, and so on; the last one waits for none."""
    causes = [node]
    seen = {node}
    while True:
        blocking = [each for each in causes[-1].awaited() if each not in seen]
        if not blocking:
            return causes
        causes.append(blocking[0])
        seen.add(blocking[0])


def _state(node: Node, session: Session) -> str:
    again = f"try {node.attempt + 1}, " if node.attempt else ""
    return again + (session.dispatcher.explain(node) or session.engine.explain(node))


def explain(future: Any) -> str:
    """Say why a Future is not done, or what came of it.

    Parameters
    ----------
    future : Future, or an object or path that tasks are changing
        What to explain.

    Returns
    -------
    str
        Which task makes it, and called where; if it is pending, the tasks that it waits for down to one that could
        run, and where that is: running on which worker for how long, queued, or held back for what resource; if it
        has failed, by which exception.
    """
    version = _version_of(future)
    if version is None:
        return f"{_described(future)} is not what a task makes or changes."
    session = future._session if type(future) is Future else None
    node = version.node
    if node is not None and not node.settled:
        return _reason(node, session or current_context().session)
    if version.failure is not None:
        error = version.failure.exception
        return f"it failed, by {version.failure.key}: {type(error).__name__}: {error}"
    if version.is_foreign:
        return "it is made by a task that another program or task has called; " + (
            "it is there" if future.done() else "it is not there yet"
        )
    return "it is done" + (f", by {version.maker}" if version.maker else "")


def _version_of(value: Any) -> Version | None:
    if type(value) is Future:
        version: Version = value._version
        return version
    if not has_context():
        return None
    tracker = current_context().tracker
    future = tracker.find(value)
    if future is None and isinstance(value, (str, os.PathLike)):
        known = tracker.paths.get(os.path.realpath(value))
        future = None if known is None else known.newest()
    return None if future is None else future._version


def _described(value: Any) -> str:
    return repr(value) if isinstance(value, str) else f"a {type(value).__name__}"
