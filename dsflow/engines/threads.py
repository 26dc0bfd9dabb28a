"""The threads engine: tasks run in threads of this process and share its memory. The default."""

from __future__ import annotations

import collections
import contextlib
import functools
import itertools
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from threadpoolctl import ThreadpoolController

from dsflow._execution import run_node
from dsflow._output import TaggedOutput, write_tagged

if TYPE_CHECKING:
    from dsflow._freeze import Stored
    from dsflow._graph import Node, Version
    from dsflow._session import Session
    from dsflow._task import Task

__all__ = ["ThreadsEngine"]

logger = logging.getLogger("dsflow")

_ABANDON_S = 1.0
"""How long an interrupted session waits for its running tasks before it leaves their threads behind."""


class ThreadsEngine:
    """Runs ready nodes in ``n_slots`` threads; a task that waits for others lends its slot to one more thread."""

    name = "threads"
    remote = False
    orders = False

    def __init__(self, session: Session, workers: int | None = None) -> None:
        self.n_slots = workers or os.cpu_count() or 1
        self._session = session
        self._ready: collections.deque[Node] = collections.deque()
        self._lock = threading.Lock()  # entered itself: an interrupt inside Condition.__enter__ would leave it locked
        self._changed = threading.Condition(self._lock)
        """Notified when there is something to run."""
        self._resumed = threading.Condition(self._lock)
        """Notified when a task that has waited can have a slot again."""
        self._resuming = 0
        """Tasks that have waited and wait for a slot; they go before ready nodes."""
        self._idle = 0
        """Threads that can be woken."""
        self._woken = 0
        """Threads that have been woken, and look for a node."""
        self._busy = 0
        """Threads that run a task and do not wait."""
        self._threads: set[threading.Thread] = set()
        self._numbers = itertools.count()
        self._closed = False
        self._of_thread = threading.local()
        self._output = TaggedOutput()
        self._limits: Any = None

    # --- the protocol ------------------------------------------------------------------------------------------------

    def accept(self, task: Task[Any]) -> None:
        """Do nothing: any function can run here."""

    def submit(self, nodes: Sequence[Node]) -> None:
        """Queue ready nodes; a thread that has just ended a task goes on with the first one it has made ready."""
        if getattr(self._of_thread, "ending", False) and self._of_thread.following is None:
            self._of_thread.following, *nodes = nodes
        if not nodes:
            return
        with self._lock:
            self._ready.extend(nodes)
            self._wake(len(nodes))

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Lend the slot of the task that waits, if the caller is one."""
        if not getattr(self._of_thread, "running", False):
            yield
            return
        following, self._of_thread.following = self._of_thread.following, None
        with self._lock:
            self._busy -= 1
            if following is not None:  # a callback waits, and this thread was to run it next
                self._ready.appendleft(following)
            self._resume()
            self._wake(1)
        try:
            yield
        finally:
            with self._lock:
                self._resuming += 1
                while self._busy >= self.n_slots and not self._closed:
                    self._resumed.wait()
                self._resuming -= 1
                self._busy += 1

    def fetch(self, versions: Sequence[Version]) -> list[Stored]:
        """Return the values, which are all here."""
        return [version.stored for version in versions]

    def holds(self, _: Version) -> bool:
        """Return True: there is no other session."""
        return True

    def cancel(self, _: Sequence[Node]) -> None:
        """Drop nodes that have not started."""
        with self._lock:
            self._ready = collections.deque(node for node in self._ready if not node.settled)

    def explain(self, node: Node) -> str:
        """Say where the node runs, or what keeps it from running."""
        if node.started is not None:
            return f"running for {time.time() - node.started:.1f} s"
        return f"ready; all {self.n_slots} slots are busy and {len(self._ready)} tasks are queued"

    def peak_memory_bytes(self) -> int:
        """Return 0: there is no other process."""
        return 0

    def bytes_moved(self) -> int:
        """Return 0: there is no other process."""
        return 0

    def close(self, *, abandon: bool) -> None:
        """End the threads; with ``abandon``, leave those behind that do not end within a second."""
        with self._lock:
            self._closed = True
            self._ready.clear()
            self._changed.notify_all()
            self._resumed.notify_all()
            threads = list(self._threads)
        deadline = time.monotonic() + _ABANDON_S
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()) if abandon else None)
        if left := [thread.name for thread in threads if thread.is_alive()]:
            logger.warning("threads left behind with tasks that did not end: %s", ", ".join(left))
        if self._limits is not None:
            self._limits.restore_original_limits()
        self._output.remove()

    # --- the threads -------------------------------------------------------------------------------------------------

    def _wake(self, count: int) -> None:
        """Find up to ``count`` threads for ready nodes (with the lock held)."""
        free = min(count, len(self._ready), self._free_slots())
        woken = min(free, self._idle)
        if woken > 0:
            self._changed.notify(woken)
            self._idle -= woken  # here, not when they wake: a second call before that must not count on them
            self._woken += woken
        for _ in range(free - woken):
            if len(self._threads) - self._waiting_threads() >= self.n_slots:
                break
            self._start_thread()

    def _free_slots(self) -> int:
        """How many slots ready nodes may take."""
        return self.n_slots - self._busy - self._resuming

    def _resume(self) -> None:
        """Let tasks that have waited go on, as many as there are slots (with the lock held)."""
        if self._resuming and self._busy < self.n_slots:
            self._resumed.notify(self.n_slots - self._busy)

    def _waiting_threads(self) -> int:
        return len(self._threads) - self._busy - self._idle - self._woken

    def _start_thread(self) -> None:
        if self._limits is None:
            # BLAS and OpenMP inside tasks: the cores are divided among the slots
            per_slot = max(1, (os.cpu_count() or 1) // self.n_slots)
            self._limits = ThreadpoolController().limit(limits=per_slot)
        name = f"thread-{next(self._numbers)}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._threads.add(thread)
        self._busy += 1  # as long as it looks for its first node
        thread.start()

    def _work(self) -> None:
        own = self._of_thread
        own.running = own.ending = False
        own.following = None
        node: Node | None = None
        with self._lock:
            self._busy -= 1
            node = self._next_node()
        while node is not None:
            own.running = True
            self._run(node)
            own.running = False
            node, own.following = own.following, None
            if node is None:
                with self._lock:
                    self._busy -= 1
                    node = self._next_node()
        with self._lock:
            self._threads.discard(threading.current_thread())

    def _next_node(self) -> Node | None:
        """Take a ready node and a slot, or None when this thread is no longer needed (with the lock held)."""
        while not self._closed:
            self._resume()
            if self._ready and self._free_slots() > 0:
                self._busy += 1
                return self._ready.popleft()
            if self._idle >= self.n_slots:
                return None
            self._idle += 1
            self._changed.wait()
            self._woken -= 1
        return None

    def _run(self, node: Node) -> None:
        if node.settled:
            return
        worker = threading.current_thread().name
        outcome = run_node(node, self._session, worker, functools.partial(write_tagged, node.key, worker))
        self._of_thread.ending = True
        self._session.settle(node, outcome)
        self._of_thread.ending = False
