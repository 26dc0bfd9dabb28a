"""What a wait waits at, and how a thread waits so that it misses no interrupt."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from dsflow._graph import Node
from dsflow._interrupt import checkpoint

__all__ = ["Countdown", "Gate", "wait_in_slices", "wait_patiently"]

logger = logging.getLogger("dsflow")

PATIENCE_S = 30.0
"""A wait that lasts this long says what it waits for, and again after each such time."""

SLICE_S = 0.25
"""Longest wait without a look at signals."""


class Gate(Protocol):
    """Something to wait at."""

    def wait(self, timeout: float) -> bool:
        """Wait for so many seconds at most; return whether it is open."""


def wait_in_slices(gate: Gate, timeout: float) -> bool:
    """Wait at a gate, and look up now and then.

    The main thread misses a signal that comes as a wait begins, and a task that is to stop cannot be told meanwhile.
    """
    end = time.monotonic() + timeout
    while True:
        left = end - time.monotonic()
        if gate.wait(max(0.0, min(left, SLICE_S))):
            return True
        if left <= SLICE_S:
            return False
        checkpoint()


def wait_patiently(gate: Gate, timeout: float | None, reasons: Callable[[], str]) -> None:
    """Wait at a gate; say what for if it takes long.

    Raises
    ------
    TimeoutError
        When it is not open after ``timeout`` seconds.
    """
    start = time.monotonic()
    deadline = None if timeout is None else start + timeout
    while True:
        left = PATIENCE_S if deadline is None else min(PATIENCE_S, deadline - time.monotonic())
        if wait_in_slices(gate, max(left, 0.0)):
            return
        waited = time.monotonic() - start
        why = reasons()
        if deadline is not None and time.monotonic() >= deadline:
            raise TimeoutError(f"not there after {waited:.3g} s; waiting for {why}.")
        logger.warning("waiting for %s (since %.0f s)", why, waited)


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
