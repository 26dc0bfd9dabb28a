"""Who is told what happens in a session."""

from __future__ import annotations

from typing import Protocol

from dsflow._graph import Node

__all__ = ["Listener"]


class Listener(Protocol):
    """Something that is told what happens in a session, from any thread; it must be quick."""

    def submitted(self, node: Node) -> None:
        """A node was called."""

    def settled(self, node: Node) -> None:
        """A node has ended, failed or was cancelled."""
