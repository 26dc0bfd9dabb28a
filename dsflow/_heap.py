"""Giving memory that was freed back to the system; glibc keeps up to 64 MiB a thread for itself otherwise."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["Heap"]

SHARE = 0.5
"""Share of its memory above which a session gives back what it does not use: what is kept is quicker to use again."""

PAUSE_S = 0.1
"""Time between two looks."""

_STATUS = Path("/proc/self/statm")


class Heap:
    """The memory of this process, as the system sees it.

    Parameters
    ----------
    memory_bytes : int or None
        How much a session may take, besides what the process has already; None if that does not matter.
    """

    def __init__(self, memory_bytes: int | None) -> None:
        self._trim = None if memory_bytes is None else _trimmer()
        self._next_look = 0.0
        self._limit_bytes = 0 if self._trim is None or memory_bytes is None else _resident() + int(SHARE * memory_bytes)

    def look(self) -> None:
        """Give back what is not used, if the process has grown by much; this is cheap, and may be called often."""
        if self._trim is None:
            return
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + PAUSE_S
        if _resident() > self._limit_bytes:
            self._trim(0)


def _trimmer() -> Callable[[int], int] | None:
    """Return glibc's ``malloc_trim``, or None where there is none."""
    if not _STATUS.exists():
        return None
    trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim


def _resident() -> int:
    """Return the bytes of memory that this process has."""
    return int(_STATUS.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
