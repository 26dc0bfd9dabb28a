"""What is known of tasks: how long they take and how much they return, as far as they have run in this session."""

from __future__ import annotations

import weakref
from typing import Any

from dsflow._options import Options

__all__ = ["BUDGET_S", "SMALL_BYTES", "SMALL_RESULT", "SMALL_S", "Profile", "Profiles"]

BUDGET_S = 0.02
"""A pack runs for so long; what it has not begun by then goes elsewhere."""

SMALL_S = 0.01
"""Tasks that take no longer are sent many at a time."""

SMALL_BYTES = 1 << 16
"""Calls whose arguments are no larger are sent with others."""

OVERHEAD_S = 2e-5
"""What a task in a pack takes besides its function."""

MEMORY = 0.8
"""How much what was seen before the last run counts, beside that."""

MOSTLY, SELDOM = 0.6, 0.3
"""A task is long from when this share of its runs is, until that one is."""

SMALL_RESULT = 1 << 14
"""Tasks that return no more bytes are sent many at a time; so much comes with a report."""


class Profile:
    """What is known of one task.

    That a run takes long now and then does no harm: it delays those it was sent with by `BUDGET_S` at most.
    """

    __slots__ = ("_is_long", "_long_share", "_n_long", "_nbytes", "_seconds", "is_plain")

    def __init__(self, options: Options) -> None:
        self.is_plain = (
            not options.is_opaque
            and not options.isolated
            and not options.side_effects
            and options.priority == 0
            and options.constraint is None
        )
        """Whether it can be sent with others at all."""
        self._seconds: float | None = None
        """What its quick runs take; None if there was none."""
        self._nbytes = 0.0
        self._n_long = 0
        """How many runs took long."""
        self._long_share = 0.0
        """Which share of the runs does, of late."""
        self._is_long = False

    def note(self, seconds: float, nbytes: int, *, is_news: bool = True) -> None:
        """Learn from a run; that it takes long may have been noted before."""
        self._nbytes = max(nbytes, MEMORY * self._nbytes)
        if seconds > SMALL_S:
            if is_news:
                self.note_long()
            return
        self._long_share *= MEMORY
        self._is_long &= self._long_share > SELDOM
        self._seconds = seconds if self._seconds is None else MEMORY * self._seconds + (1 - MEMORY) * seconds

    def note_long(self) -> None:
        """Learn that a run takes long."""
        self._n_long += 1
        self._long_share = MEMORY * self._long_share + 1 - MEMORY
        self._is_long |= self._long_share > MOSTLY

    @property
    def estimate_s(self) -> float | None:
        """What one run takes in a pack; None if it is not known."""
        return None if self._seconds is None else self._seconds + OVERHEAD_S

    def is_small(self) -> bool:
        """Whether it is known to be quick and to return little."""
        return self.is_plain and self._seconds is not None and not self._is_long and self._nbytes <= SMALL_RESULT

    def is_large(self, n_seen: int) -> bool:
        """Whether it is not to be held back to be sent with others; the first runs on ``n_seen`` slots may mislead."""
        if not self.is_plain or self._nbytes > SMALL_RESULT:
            return True
        return self._n_long >= n_seen if self._seconds is None else self._is_long


class Profiles:
    """The profiles of all tasks that a session has called."""

    def __init__(self) -> None:
        self._of_task: weakref.WeakKeyDictionary[Any, Profile] = weakref.WeakKeyDictionary()

    def of(self, task: Any) -> Profile:
        """Return the profile of a task; one under another name is another task."""
        profile = self._of_task.get(task)
        if profile is None:
            profile = self._of_task[task] = Profile(task.options)
        return profile
