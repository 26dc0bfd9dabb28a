"""A thread of a worker that looks at what runs there, so that something is done about what takes long."""

from __future__ import annotations

import logging
import threading
import time
from typing import Protocol

__all__ = ["Watched", "hand_over", "watch"]

logger = logging.getLogger("dsflow")

LOOK_S = 0.005
"""Time between two looks."""

IDLE_S = 1.0
"""The thread ends when there was nothing to look at for so long."""


class Watched(Protocol):
    """Something that runs."""

    def look(self) -> bool:
        """See whether it takes long; called from another thread, again and again while it returns True."""

    def hand_over(self) -> None:
        """Begin nothing more, and say so: what runs now takes long, or waits."""


_of_thread = threading.local()


def hand_over() -> None:
    """If this thread runs something that is watched, have that begin nothing more: what it runs now waits."""
    watched: Watched | None = getattr(_of_thread, "watched", None)
    if watched is not None:
        watched.hand_over()


class _Watch:
    """Looks at what it is given, as long as there is anything."""

    def __init__(self) -> None:
        self._watched: set[Watched] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._ending = False

    def add(self, watched: Watched) -> None:
        """Look at something that this thread runs, from now on."""
        _of_thread.watched = watched
        with self._lock:
            self._watched.add(watched)
            self._wake.set()
            self._ending = False
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="dsflow-watch", daemon=True)
                self._thread.start()

    def discard(self, watched: Watched) -> None:
        """Look no more at something that this thread has run."""
        _of_thread.watched = None
        with self._lock:
            self._watched.discard(watched)
            if not self._watched and not self._ending:
                self._wake.clear()

    def end(self) -> None:
        """End the thread, unless there is something to look at."""
        with self._lock:
            self._ending = not self._watched
            thread = self._thread
            if self._ending:
                self._wake.set()
        if self._ending and thread is not None:
            thread.join()

    def _look(self) -> None:
        while True:
            woken = self._wake.wait(IDLE_S)
            with self._lock:
                if not self._watched and (self._ending or not woken):
                    self._thread = None
                    return
            time.sleep(LOOK_S)
            with self._lock:
                watched = list(self._watched)
            seen = [each for each in watched if not _may_look_again(each)]
            with self._lock:
                self._watched.difference_update(seen)
                if not self._watched and not self._ending:
                    self._wake.clear()


def _may_look_again(watched: Watched) -> bool:
    try:
        return watched.look()
    except Exception:
        logger.exception("what takes long cannot be reported")
        return False


watch = _Watch()
