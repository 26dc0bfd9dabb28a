"""How long a recorded run would take on other workers: its tasks are given out again, event by event, without running.

Ready tasks go in the order of the calls, those of a higher priority first, each to the worker that can start it first;
but a worker that ends a task goes on with the first one that this has made ready, as a thread does. A worker has one
slot, and gets the inputs that it does not hold before it starts a task: all at once, without others in its way. Nothing
is forgotten, no worker fails, and the scheduler is never the bottleneck.
"""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dsflow.observe.workload import Input, Step, Work, Workload

__all__ = ["Prediction", "simulate"]

MANY = 32
"""What more workers hold than these decides between workers, but does not bring any into question."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a run would come to."""

    n_workers: int
    """Number of workers, of one slot each."""
    makespan_s: float
    """From the first call to the last end of a task, in seconds."""
    busy_s: float
    """Time in tasks, over all slots, in seconds."""
    transfer_s: float
    """Time in which slots waited for inputs, in seconds."""
    bytes_moved: float
    """Data that went to workers that did not hold it, in bytes."""

    @property
    def utilisation(self) -> float:
        """Share of the slots' time that was spent in tasks."""
        return self.busy_s / (self.makespan_s * self.n_workers) if self.makespan_s else 0.0


def simulate(
    workload: Workload,
    n_workers: int,
    bandwidth: float = math.inf,
    *,
    latency_s: float = 0.0,
    overhead_s: float | None = None,
) -> Prediction:
    """Predict how long a run takes on a number of workers.

    Parameters
    ----------
    workload : Workload
        What there is to do.
    n_workers : int
        How many workers there are, of one slot each.
    bandwidth : float
        Bytes that a worker gets in a second from others.
    latency_s : float
        Time until the first of them is there, in seconds.
    overhead_s : float, optional
        Time that the engine takes for each task on its worker, in seconds; by default that of the recorded run.

    Returns
    -------
    Prediction
        The same one for the same arguments.

    Raises
    ------
    ValueError
        When a number makes no sense, a task needs more slots than there are, or the tasks wait for each other.
    """
    if n_workers < 1:
        raise ValueError(f"n_workers={n_workers} workers cannot run anything; give 1 or more.")
    if not bandwidth > 0:
        raise ValueError(f"bandwidth={bandwidth} bytes a second moves nothing; give more than 0.")
    overhead_s = workload.overhead_s if overhead_s is None else overhead_s
    if not (latency_s >= 0 and overhead_s >= 0):
        raise ValueError(f"latency_s={latency_s} and overhead_s={overhead_s} are to be 0 or more.")
    widest = max(workload.tasks.values(), key=lambda work: work.slots, default=None)
    if widest is not None and widest.slots > n_workers:
        raise ValueError(f"{widest.key} needs {widest.slots} slots at a time; give {widest.slots} workers or more.")
    n_used = min(n_workers, max(1, sum(work.slots for work in workload.tasks.values())))
    simulation = _Simulation(workload, n_used, bandwidth, latency_s, overhead_s)
    return dataclasses.replace(simulation.run(), n_workers=n_workers)


class _Program:
    """The main program, or a task that has been started: which of its steps it has come to."""

    __slots__ = ("awaited", "nth", "slots", "steps", "work")

    def __init__(self, steps: tuple[Step, ...], work: Work | None = None) -> None:
        self.steps = steps
        self.work = work
        self.nth = 0
        self.awaited = 0
        """How many tasks it waits for."""
        self.slots: list[int] = []
        """The workers that it keeps busy."""


class _Simulation:
    """The state of all workers and tasks at one moment."""

    def __init__(
        self, workload: Workload, n_workers: int, bandwidth: float, latency_s: float, overhead_s: float
    ) -> None:
        self._tasks = workload.tasks
        self._main = workload.main
        self._n_workers = n_workers
        self._bandwidth = bandwidth
        self._latency_s = latency_s
        self._overhead_s = overhead_s
        self._now = 0.0
        self._last_end = 0.0
        self._busy_s = self._transfer_s = self._bytes_moved = 0.0
        self._events: list[tuple[float, int, Callable[[Any], None], Any]] = []
        self._numbers = itertools.count()
        self._order = {key: nth for nth, key in enumerate(workload.tasks)}
        self._readers: dict[str, list[str]] = {}
        """Tasks that have been called, and wait for a result."""
        self._waiters: dict[str, list[_Program]] = {}
        """Programs that wait for the end of a task."""
        self._missing: dict[str, int] = {}
        """How many results a task that has been called waits for."""
        self._done: set[str] = set()
        self._ready: list[tuple[int, int, Work]] = []
        self._resuming: deque[_Program] = deque()
        """Tasks that have waited and need their slots again; they go before others."""
        self._idle = set(range(n_workers))
        self._lowest = list(range(n_workers))
        """A heap of the idle workers; some in it are busy again, and some are there twice."""
        self._queues: dict[int, deque[Work]] = {}
        """Tasks for which it pays to wait for a worker that is busy."""
        self._free_at = [0.0] * n_workers
        """When a worker that is busy will have nothing to do, as far as that is known."""
        self._holders: dict[str, set[int]] = {}
        """The workers that hold a value; no one holds what the main program has."""

    def run(self) -> Prediction:
        """Go from event to event."""
        if self._main:
            self._begin_step(_Program(self._main))
        while self._events:
            self._now = self._events[0][0]
            while self._events and self._events[0][0] == self._now:
                _, _, action, argument = heapq.heappop(self._events)
                action(argument)
            self._give_out()
        stuck = next((key for key in self._tasks if key not in self._done), None)
        if stuck is not None:
            raise ValueError(f"{stuck} is never called, or waits for tasks that wait for it: the trace is damaged.")
        return Prediction(self._n_workers, self._last_end, self._busy_s, self._transfer_s, self._bytes_moved)

    def _at(self, time: float, action: Callable[[Any], None], argument: Any) -> None:
        heapq.heappush(self._events, (time, next(self._numbers), action, argument))

    # --- programs ----------------------------------------------------------------------------------------------------

    def _begin_step(self, program: _Program) -> None:
        self._at(self._now + program.steps[program.nth].before_s, self._wait, program)

    def _wait(self, program: _Program) -> None:
        step = program.steps[program.nth]
        awaited = [key for key in step.awaits if key not in self._done]
        if not awaited:
            self._go_on(program)
            return
        program.awaited = len(awaited)
        for key in awaited:
            self._waiters.setdefault(key, []).append(program)
        self._free(program)

    def _go_on(self, program: _Program) -> None:
        after_s = program.steps[program.nth].after_s
        if after_s:
            self._at(self._now + after_s, self._end_step, program)
        else:
            self._end_step(program)

    def _end_step(self, program: _Program) -> None:
        step = program.steps[program.nth]
        if program.work is not None:
            self._busy_s += (step.before_s + step.after_s) * len(program.slots)
        if step.calls is not None:
            self._call(self._tasks[step.calls])
        program.nth += 1
        if program.nth < len(program.steps):
            self._begin_step(program)
        elif program.work is not None:
            self._end(program, program.work)

    def _call(self, work: Work) -> None:
        makers = [each.source for each in work.inputs if each.source in self._tasks and each.source not in self._done]
        for maker in makers:
            self._readers.setdefault(maker, []).append(work.key)
        self._missing[work.key] = len(makers)
        if not makers:
            self._queue(work)

    def _queue(self, work: Work) -> None:
        heapq.heappush(self._ready, (-work.priority, self._order[work.key], work))

    def _end(self, program: _Program, work: Work) -> None:
        self._last_end = self._now
        self._done.add(work.key)
        self._holders[work.key] = {program.slots[0]}
        ready = []
        for key in self._readers.pop(work.key, ()):
            self._missing[key] -= 1
            if not self._missing[key]:
                ready.append(self._tasks[key])
        if ready and self._is_best(program, ready[0]):
            self._start(ready.pop(0), program.slots)
        else:
            self._free(program)
        for each in ready:
            self._queue(each)
        for waiter in self._waiters.pop(work.key, ()):
            waiter.awaited -= 1
            if not waiter.awaited:
                if waiter.work is None:
                    self._go_on(waiter)
                else:
                    self._resuming.append(waiter)

    def _is_best(self, program: _Program, work: Work) -> bool:
        """Return whether the worker of a task that ends goes on with one that this has made ready."""
        worker = program.slots[0]
        is_later = self._ready and -self._ready[0][0] > work.priority
        if is_later or self._queues.get(worker) or not len(program.slots) == work.slots == 1:
            return False
        transfer_s, _ = self._count_transfer(work, worker)
        return not (transfer_s and self._idle) or transfer_s <= self._count_transfer(work, self._find_idle(work))[0]

    # --- workers -----------------------------------------------------------------------------------------------------

    def _free(self, program: _Program) -> None:
        for worker in program.slots:
            queue = self._queues.get(worker)
            if queue:
                self._start(queue.popleft(), [worker])
            else:
                self._idle.add(worker)
                heapq.heappush(self._lowest, worker)
        program.slots = []

    def _take_lowest(self) -> int:
        while (worker := self._lowest[0]) not in self._idle:
            heapq.heappop(self._lowest)
        self._idle.remove(worker)
        return worker

    def _give_out(self) -> None:
        """Give idle workers to those that need some, in their order; who needs several keeps others waiting."""
        while self._resuming and self._resuming[0].work is not None:
            n_slots = self._resuming[0].work.slots
            if n_slots > len(self._idle):
                return
            program = self._resuming.popleft()
            program.slots = [self._take_lowest() for _ in range(n_slots)]
            self._go_on(program)
        while self._ready and self._ready[0][2].slots <= len(self._idle):
            _, _, work = heapq.heappop(self._ready)
            worker = self._find_idle(work)
            later = self._find_busy(work, self._now + self._count_transfer(work, worker)[0])
            if later is not None:
                self._queues.setdefault(later, deque()).append(work)
                own_s = self._count_transfer(work, later)[0] + self._overhead_s + work.seconds
                self._free_at[later] = max(self._now, self._free_at[later]) + own_s
                continue
            self._idle.remove(worker)
            self._start(work, [worker, *(self._take_lowest() for _ in range(work.slots - 1))])

    def _count_transfer(self, work: Work, worker: int) -> tuple[float, float]:
        """Return for how long a worker waits for what it does not hold, in seconds, and how many bytes that is."""
        n_bytes = work.own_bytes
        latency_s = 0.0
        for each in work.inputs:
            if worker not in self._holders.get(each.source, ()):
                n_bytes += each.n_bytes
                latency_s = self._latency_s
        return latency_s + n_bytes / self._bandwidth, n_bytes

    def _find_idle(self, work: Work) -> int:
        """Return the idle worker that can start a task first, the lowest one of several."""
        while self._lowest[0] not in self._idle:
            heapq.heappop(self._lowest)
        held: dict[int, tuple[int, float]] = {self._lowest[0]: (0, 0.0)}  # how many inputs, and bytes of them
        for each, holders in self._find_holders(work):
            for worker in holders & self._idle if len(holders) <= MANY else held.keys() & holders:
                n, n_bytes = held.get(worker, (0, 0.0))
                held[worker] = n + 1, n_bytes + each.n_bytes
        return min(held, key=lambda worker: (-held[worker][1], -held[worker][0], worker))

    def _find_holders(self, work: Work) -> list[tuple[Input, set[int]]]:
        """Return who holds the inputs of a task, those that few hold first."""
        found = [(each, self._holders[each.source]) for each in work.inputs if each.source in self._holders]
        return sorted(found, key=lambda pair: len(pair[1]) > MANY)

    def _find_busy(self, work: Work, start: float) -> int | None:
        """Return a busy worker that can start a task before ``start``, since it holds a large input."""
        if start <= self._now or work.slots > 1:
            return None
        few = [(each.n_bytes, holders) for each, holders in self._find_holders(work) if len(holders) <= MANY]
        best, best_start = None, start
        for worker in sorted(max(few, key=lambda pair: pair[0])[1] - self._idle) if few else ():
            its_start = max(self._now, self._free_at[worker]) + self._count_transfer(work, worker)[0]
            if its_start < best_start:
                best, best_start = worker, its_start
        return best

    def _start(self, work: Work, slots: list[int]) -> None:
        transfer_s, n_bytes = self._count_transfer(work, slots[0])
        self._transfer_s += transfer_s * len(slots)
        self._bytes_moved += n_bytes
        for each in work.inputs:
            self._holders.setdefault(each.source, set()).add(slots[0])
        program = _Program(work.steps, work)
        program.slots = slots
        begin = self._now + self._overhead_s + transfer_s
        for worker in slots:
            self._free_at[worker] = max(self._free_at[worker], begin + work.seconds)
        self._at(begin, self._begin_step, program)
