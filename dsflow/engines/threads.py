"""The threads engine: tasks run in threads of this process and share its memory. The default."""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from threadpoolctl import ThreadpoolController

from dsflow._interrupt import checkpoint, give_up, interrupt, where
from dsflow._output import TaggedOutput, write_tagged
from dsflow.engines._adoption import adopt_here
from dsflow.engines._machine import this_machine
from dsflow.engines._queue import ReadyQueue
from dsflow.engines._runner import Runner

if TYPE_CHECKING:
    from dsflow._freeze import Stored
    from dsflow._graph import Node, Version
    from dsflow._resources import Needs, Place
    from dsflow._session import Session
    from dsflow._task import Task

__all__ = ["ThreadsEngine"]

logger = logging.getLogger("dsflow")

_ABANDON_S = 1.0
"""How long an interrupted session waits for its running tasks before it leaves their threads behind."""

_SLICE_S = 0.25
"""Longest wait for a thread without a look at signals, and at whether it was left behind."""


class _Worker:
    """A thread that runs tasks, and what it does."""

    def __init__(self, name: str, work: Callable[[_Worker], object]) -> None:
        self.name = name
        self.thread = threading.Thread(target=work, args=(self,), name=name, daemon=True)
        self.n_modules = 0
        """How many modules there were when the threads of libraries were limited."""
        self.node: Node | None = None
        """What it runs."""
        self.following: Node | None = None
        """What it runs next."""
        self.is_running = False
        """Whether it has a slot, or has lent one out."""
        self.is_settling = False
        """Whether it reports what came of a task."""
        self.has_lent = False
        """Whether it waits for others, and so has lent its slot out."""
        self.abandoned = False
        """Whether its slot was given to another one, since its task was cancelled and did not end."""

    @property
    def is_cancelled(self) -> bool:
        """Whether its task was cancelled, or has ended."""
        return self.node is None or self.node.settled


class _Local(threading.local):
    worker: _Worker | None = None


class ThreadsEngine:
    """Runs ready nodes in ``n_slots`` threads; a task that waits for others lends its slot to one more thread.

    A task whose constraint asks for more than one cpu may use more threads inside of libraries: exactly so with OpenMP,
    where each thread has a limit of its own; with BLAS, where there is one limit for the process, only if the task has
    all cpus, so that no other runs beside it. In a process of its own (``killable=True``) both hold.
    """

    name = "threads"
    remote = False
    orders = False

    def __init__(self, session: Session, workers: int | None = None) -> None:
        n_cores = os.cpu_count() or 1
        self.n_slots = workers or n_cores
        self._threads_each = max(1, n_cores // self.n_slots)
        """BLAS and OpenMP inside tasks: the cores are divided among the slots."""
        self._session = session
        self._runner = Runner(session, self._threads_each)
        self._place = this_machine(self.n_slots, session.memory_bytes, session.labels, session.n_gpus)
        self._ready = ReadyQueue()
        self._lock = threading.Lock()  # entered itself: an interrupt inside Condition.__enter__ would leave it locked
        self._changed = threading.Condition(self._lock)
        """Notified when there is something to run."""
        self._resumed = threading.Condition(self._lock)
        """Notified when a task that has waited can have a slot again, or needs none."""
        self._resuming = 0
        """Tasks that have waited and wait for a slot; they go before ready nodes."""
        self._idle = 0
        """Threads that can be woken."""
        self._woken = 0
        """Threads that have been woken, and look for a node."""
        self._busy = 0
        """Threads that run a task and do not wait."""
        self._workers: set[_Worker] = set()
        self._left: list[_Worker] = []
        """Those that were abandoned, and may have ended since."""
        self._numbers = itertools.count()
        self._closed = False
        self._of_thread = _Local()
        self._output = TaggedOutput()
        self._limiting = threading.Lock()
        self._libraries: Any = None
        """Those that have threads of their own."""
        self._limits: list[Any] = []
        self._n_modules = 0
        """How many modules there were when libraries were looked for."""

    # --- the protocol ------------------------------------------------------------------------------------------------

    def accept(self, task: Task[Any]) -> None:
        """Raise TypeError if the task is to run in a process of its own, and cannot be sent there."""
        if task.options.isolated:
            self._runner.accept(task)

    def submit(self, nodes: Sequence[Node]) -> None:
        """Queue ready nodes; a thread that has just ended a task goes on with the first one it has made ready."""
        worker = self._of_thread.worker
        if worker is not None and worker.is_settling and worker.following is None:
            worker.following, *nodes = nodes
        if not nodes:
            return
        with self._lock:
            self._ready.extend(nodes)
            self._wake(len(nodes))

    def may_wait(self) -> bool:
        """Return True: no thread is but for reports."""
        return True

    def takes_early(self, _: Node) -> bool:
        """Return False: a node runs when its inputs are there."""
        return False

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Lend the slot of the task that waits, if the caller is one."""
        checkpoint()
        worker = self._of_thread.worker
        if worker is None or not worker.is_running or worker.abandoned:
            yield
            return
        self._lend_slot(worker)
        try:
            yield
        finally:
            self._take_slot_again(worker)
        checkpoint()

    def fetch(self, versions: Sequence[Version]) -> list[Stored]:
        """Return the values, which are all here."""
        return [version.stored for version in versions]

    def holds(self, _: Version) -> bool:
        """Return True: there is no other session."""
        return True

    def on_held(self, _: Version, callback: Callable[[], object]) -> None:
        """Call back at once: there is no other session."""
        callback()

    def adopt(self, value: Any, where: str) -> Version:
        """Return a version of a Dask collection or Future, which a task of its own computes here."""
        return adopt_here(value, where)

    def places(self) -> Sequence[Place]:
        """Return this machine, with a cpu for each slot."""
        return [self._place]

    def cancel(self, nodes: Sequence[Node]) -> None:
        """Drop nodes that have not started; interrupt those that run, and go on without those that do not end."""
        cancelled = set(nodes)
        with self._lock:
            self._ready.forget(len(cancelled))
            running = [(worker, worker.node) for worker in self._workers if worker.node in cancelled]
            if running:
                self._resumed.notify_all()
        for worker, node in running:
            if node is not None:
                interrupt(node.key, stuck=functools.partial(self._abandon, worker, node))

    def explain(self, node: Node) -> str:
        """Say where the node runs, or what keeps it from running."""
        running = self._runner.explain(node)
        if running is not None:
            return running
        with self._lock:
            n_ahead = self._ready.n_ahead(node)
        if n_ahead is None:
            return "about to start"
        priority = f" of priority {node.options.priority} or higher" if node.options.priority else ""
        return f"ready; all {self.n_slots} slots are busy and {n_ahead} tasks{priority} are queued before it"

    def peak_memory_bytes(self) -> int:
        """Return 0: there is no other process."""
        return 0

    def bytes_moved(self) -> int:
        """Return 0: there is no other process."""
        return 0

    def close(self, *, abandon: bool) -> None:
        """End the threads, but for those whose tasks do not end; with ``abandon`` these have a second to do so."""
        with self._lock:
            self._closed = True
            self._ready.clear()
            self._changed.notify_all()
            self._resumed.notify_all()
        try:
            self._runner.close()
            self._wait_for_threads(time.monotonic() + _ABANDON_S if abandon else math.inf)
        finally:
            for limit in reversed(self._limits):
                limit.restore_original_limits()
            self._output.remove()

    def _wait_for_threads(self, deadline: float) -> None:
        with self._lock:
            workers = [worker for worker in self._workers if worker is not self._of_thread.worker]
        for worker in workers:
            while worker.thread.is_alive() and not worker.abandoned and (left := deadline - time.monotonic()) > 0:
                worker.thread.join(min(left, _SLICE_S))
        alive = [worker for worker in {*workers, *self._left} if worker.thread.is_alive()]
        for node in [worker.node for worker in alive]:
            if node is not None:
                give_up(node.key)
        if alive:
            logger.warning("threads left behind with tasks that did not end: %s", ", ".join(map(_describe, alive)))

    # --- the threads -------------------------------------------------------------------------------------------------

    def _wake(self, count: int) -> None:
        """Find up to ``count`` threads for ready nodes (with the lock held)."""
        free = min(count, self.n_slots - self._busy - self._resuming)
        if free <= 0:
            return
        free = min(free, len(self._ready))
        woken = min(free, self._idle)
        if woken > 0:
            self._changed.notify(woken)
            self._idle -= woken  # here, not when they wake: a second call before that must not count on them
            self._woken += woken
        for _ in range(free - woken):
            if len(self._workers) - self._waiting_threads() >= self.n_slots:
                break
            self._start_thread()

    def _resume(self) -> None:
        """Let tasks that have waited go on, as many as there are slots (with the lock held)."""
        if self._busy < self.n_slots:
            self._resumed.notify(self.n_slots - self._busy)

    def _waiting_threads(self) -> int:
        return len(self._workers) - self._busy - self._idle - self._woken

    def _start_thread(self) -> None:
        worker = _Worker(f"thread-{next(self._numbers)}", self._work)
        self._workers.add(worker)
        self._busy += 1  # as long as it looks for its first node
        worker.thread.start()

    def _work(self, worker: _Worker) -> None:
        self._of_thread.worker = worker
        with self._lock:
            self._busy -= 1
            node = self._next_node()
        while node is not None:
            worker.is_running = True
            self._run(worker, node)
            worker.is_running = False
            if worker.abandoned:
                return
            node, worker.following = worker.following, None
            if node is None or self._ready.goes_before(node):
                with self._lock:
                    if node is not None:
                        self._ready.put_first(node)
                    self._busy -= 1
                    node = self._next_node()
        with self._lock:
            self._workers.discard(worker)

    def _next_node(self) -> Node | None:
        """Take a ready node and a slot, or None when this thread is no longer needed (with the lock held)."""
        while not self._closed:
            if self._resuming:
                self._resume()
            if self._busy + self._resuming < self.n_slots:
                node = self._ready.take()
                if node is not None:
                    self._busy += 1
                    return node
            if self._idle >= self.n_slots:
                return None
            self._idle += 1
            self._changed.wait()
            self._woken -= 1
        return None

    def _run(self, worker: _Worker, node: Node) -> None:
        worker.node = node
        if worker.n_modules != len(sys.modules):
            self._limit_libraries(worker)
        emit = functools.partial(write_tagged, node.key, worker.name)
        if node.needs is None:
            outcome = self._runner.run(node, worker.name, emit)
        else:
            with self._cores_for(node, node.needs):
                outcome = self._runner.run(node, worker.name, emit)
        if outcome is None or node.settled:
            with self._lock:  # whether it was abandoned is settled, too
                worker.node = None
            return
        worker.node = None
        worker.is_settling = True
        self._session.settle(node, outcome)
        worker.is_settling = False

    def _limit_libraries(self, worker: _Worker) -> None:
        """Divide the cores among the slots, as far as libraries are loaded by now."""
        with self._limiting:
            worker.n_modules = len(sys.modules)
            if worker.n_modules != self._n_modules:
                self._n_modules = worker.n_modules
                self._libraries = ThreadpoolController()
                self._limits.append(self._libraries.limit(limits=self._threads_each, user_api="blas"))
            self._libraries.limit(limits=self._threads_each, user_api="openmp")

    @contextlib.contextmanager
    def _cores_for(self, node: Node, needs: Needs) -> Iterator[None]:
        """Let libraries use as many threads as the task may have, where that is no one else's limit too."""
        if needs.cpus == 1 or node.options.isolated:
            yield
            return
        interfaces = None if needs.cpus >= self.n_slots else "openmp"
        with self._libraries.limit(limits=needs.cpus * self._threads_each, user_api=interfaces):
            yield

    # --- slots of tasks that wait, and of those that do not end -------------------------------------------------------

    def _lend_slot(self, worker: _Worker) -> None:
        following, worker.following = worker.following, None
        with self._lock:
            worker.has_lent = True
            self._busy -= 1
            if following is not None:  # a callback waits, and this thread was to run it next
                self._ready.put_first(following)
            self._resume()
            self._wake(1)

    def _take_slot_again(self, worker: _Worker) -> None:
        """Wait for a slot; a task that was cancelled takes one in any case, since it is about to end."""
        with self._lock:
            self._resuming += 1
            while self._busy >= self.n_slots and not self._closed and not worker.is_cancelled:
                self._resumed.wait()
            self._resuming -= 1
            if worker.abandoned:
                self._resume()
                return
            worker.has_lent = False
            self._busy += 1

    def _abandon(self, worker: _Worker, node: Node) -> None:
        """Give the slot of a worker to another one, if it still runs a cancelled node."""
        place = where(node.key)
        with self._lock:
            if worker.node is not node or worker.abandoned:
                return
            worker.abandoned = True
            self._workers.discard(worker)
            self._left = [*(each for each in self._left if each.thread.is_alive()), worker]
            if not worker.has_lent:
                self._busy -= 1
            self._resumed.notify_all()
            self._wake(len(self._ready))
        logger.warning(
            "%s was cancelled, but did not end: it is left behind %s; another thread goes on", node.key, place
        )


def _describe(worker: _Worker) -> str:
    node = worker.node
    place = None if node is None else where(node.key)
    return worker.name if node is None or place is None else f"{node.key} {place}"
