"""What a wait waits at, and how the main thread waits: it must not miss an interrupt."""

from __future__ import annotations

import threading
import time
from typing import Protocol

from dsflow._graph import Node

__all__ = ["Countdown", "Gate", "wait_in_slices"]

SLICE_S = 0.25
"""Longest wait without a look at signals."""


class Gate(Protocol):
    """Something to wait at."""

    def wait(self, timeout: float) -> bool:
        """Wait for so many seconds at most; return whether it is open."""


def wait_in_slices(gate: Gate, timeout: float) -> bool:
    """Wait at a gate; the main thread looks up now and then, since it misses a signal that comes as a wait begins."""
    if threading.current_thread() is not threading.main_thread():
        return gate.wait(timeout)
    end = time.monotonic() + timeout
    while True:
        left = end - time.monotonic()
        if gate.wait(max(0.0, min(left, SLICE_S))):
            return True
        if left <= SLICE_S:
            return False


class Countdown:
    """A gate that opens when it has counted so many nodes."""

    __slots__ = ("_left", "_lock", "_opened")

    def __init__(self, left: int) -> None:
        self._left = left
        self._lock = threading.Lock()
        self._opened = threading.Lock()
        self._opened.acquire()

    def count(self, _: Node) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._opened.release()

    def wait(self, timeout: float) -> bool:
        return self._opened.acquire(timeout=timeout)
