"""What a recorded run had to do, apart from where it did it: the tasks, their inputs, and what their callers did.

The trace says when calls were made, not why then. So a caller that was idle before a call, while tasks that it had
called came to their ends, is taken to have waited for these. When a task has waited, it also waits for a slot before it
goes on, so what it does around a wait is what its thread was busy with: that it slept, or read a file, is not seen.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsflow.observe.trace import FORMAT, VERSION

__all__ = ["Input", "Step", "Work", "Workload", "find_critical_path", "read_workload"]

MIN_WAIT_S = 0.001
"""A caller that was idle for a shorter time was held up by the interpreter, not by a wait."""

IN_PLACE = "main"
"""What the serial engine calls its one worker: the thread of the caller."""


@dataclass(frozen=True, slots=True)
class Input:
    """What a task reads, and can be left on a worker for the next one that reads it."""

    source: str
    """Key of the task that makes it, or a name for a value of the main program."""
    n_bytes: float
    """Its size, in bytes."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a program or a task does on its own, up to a call or to its end."""

    before_s: float = 0.0
    """Time until it waits, in seconds."""
    awaits: tuple[str, ...] = ()
    """Keys of the tasks that it waits for then; meanwhile its slots are free."""
    after_s: float = 0.0
    """Time after that, in seconds."""
    calls: str | None = None
    """Key of the task that it calls then; None at the end."""


@dataclass(frozen=True, slots=True)
class Work:
    """One task."""

    key: str
    """Key of the task."""
    steps: tuple[Step, ...]
    """What it does; just one if it calls no tasks."""
    inputs: tuple[Input, ...] = ()
    """What it reads, each source once."""
    own_bytes: float = 0.0
    """Size of the arguments that came with the call, in bytes."""
    priority: int = 0
    """Among tasks that are ready, those of a higher one go first."""
    slots: int = 1
    """How many slots it takes while it runs."""

    @property
    def seconds(self) -> float:
        """How long it keeps its slots busy, in seconds; waits do not count."""
        return sum(step.before_s + step.after_s for step in self.steps)


@dataclass(frozen=True, slots=True)
class Workload:
    """All that was recorded of a run."""

    tasks: Mapping[str, Work]
    """The tasks by their keys, in the order of the calls."""
    main: tuple[Step, ...]
    """What the main program does, from its first call to its last."""
    overhead_s: float = 0.0
    """Time that the engine takes between two tasks of a worker, in seconds."""
    n_workers: int = 1
    """How many workers have run tasks."""
    makespan_s: float = 0.0
    """From the first call to the last end of a task in the recorded run, in seconds."""
    doubts: tuple[str, ...] = ()
    """What the trace does not tell, one sentence each."""

    @property
    def seconds(self) -> float:
        """Time in all tasks, in seconds."""
        return sum(work.seconds for work in self.tasks.values())


@dataclass(frozen=True, slots=True)
class _Event:
    """A slice of the trace; times are in seconds since the start of the first task."""

    key: str
    worker: str
    called: float
    start: float
    end: float
    caller: str | None
    reads: tuple[str, ...]
    shared: tuple[str, ...]
    bytes_in: int
    bytes_out: int
    priority: int
    slots: int
    caller_cpu: float
    settler_cpu: float


def read_workload(path: str | os.PathLike[str]) -> Workload:
    """Read what `write_trace` has written.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    Workload
        What there is to simulate.

    Raises
    ------
    OSError
        When the file cannot be read.
    ValueError
        When it is not a trace of ours, or has no tasks.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:  # of the encoding, too
        raise ValueError(f"{path} is not JSON ({error}); give a file of dsflow.observe.write_trace.") from None
    version = _version_of(content)
    if version is None:
        raise ValueError(f"{path} is not a trace of dsflow; give a file of dsflow.observe.write_trace.")
    if version != VERSION:
        raise ValueError(f"{path} is a trace of version {version}, not {VERSION}; record the run anew.")
    try:
        events = [_read_event(each) for each in content["traceEvents"] if each["ph"] == "X"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({type(error).__name__}: {error}); record the run anew.") from None
    if not events:
        raise ValueError(f"{path} has no tasks; attach Recorder.of(session) before the first call.")
    return _make_workload(sorted(events, key=lambda event: event.called))


def _version_of(content: Any) -> Any:
    other = content.get("otherData") if isinstance(content, dict) else None
    return other.get(FORMAT) if isinstance(other, dict) else None


def _read_event(event: Mapping[str, Any]) -> _Event:
    more = event["args"]
    start = event["ts"] / 1e6
    return _Event(
        key=str(more["key"]),
        worker=str(more["worker"]),
        called=more["called"] / 1e6,
        start=start,
        end=start + event["dur"] / 1e6,
        caller=more["caller"],
        reads=tuple(more["reads"]),
        shared=tuple(f"value {number} of main" for number in more["shared"]),
        bytes_in=int(more["bytes in"]),
        bytes_out=int(more["bytes out"]),
        priority=int(more["priority"]),
        slots=max(1, int(more["slots"])),
        caller_cpu=more["caller cpu"] / 1e6,
        settler_cpu=more["settler cpu"] / 1e6,
    )


def _make_workload(events: Sequence[_Event]) -> Workload:
    by_key = {event.key: event for event in events}
    called_by: dict[str | None, list[_Event]] = {}
    for event in events:
        called_by.setdefault(event.caller if event.caller in by_key else None, []).append(event)
    tasks = {event.key: _make_work(event, called_by.get(event.key, ()), by_key) for event in events}
    of_main = called_by.get(None, [])
    begin = of_main[0].called if of_main else 0.0
    return Workload(
        tasks=tasks,
        main=_follow_calls(of_main, begin),
        overhead_s=_estimate_overhead(events, by_key),
        n_workers=len({event.worker for event in events}),
        makespan_s=max(event.end for event in events) - begin,
        doubts=tuple(_find_doubts(events, by_key)),
    )


def _make_work(event: _Event, children: Sequence[_Event], by_key: Mapping[str, _Event]) -> Work:
    inputs, own_bytes = _divide_bytes(event, by_key)
    steps = (*_follow_calls(children, event.start), _end_steps(event, children))
    return Work(event.key, steps, inputs, own_bytes, event.priority, event.slots)


def _divide_bytes(event: _Event, by_key: Mapping[str, _Event]) -> tuple[tuple[Input, ...], float]:
    """What a task reads from whom: the trace has the sum, and all that each maker has made, of which it may be part."""
    makers = [by_key[key] for key in event.reads if key in by_key]
    made = sum(maker.bytes_out for maker in makers)
    share = min(1.0, event.bytes_in / made) if made else 0.0
    inputs = [Input(maker.key, maker.bytes_out * share) for maker in makers]
    rest = max(0.0, event.bytes_in - made)
    if not event.shared:
        return tuple(inputs), rest
    inputs += [Input(source, rest / len(event.shared)) for source in event.shared]
    return tuple(inputs), 0.0


def _follow_calls(children: Sequence[_Event], begin: float) -> tuple[Step, ...]:
    """Return the steps of a caller up to its last call; ``begin`` is when it began."""
    by_end = sorted(children, key=lambda child: child.end)
    steps: list[Step] = []
    n_ended = 0
    now, cpu = begin, None
    for child in children:
        first = n_ended
        while n_ended < len(by_end) and by_end[n_ended].end <= child.called:
            n_ended += 1
        busy_s = None if cpu is None else child.caller_cpu - cpu
        steps.append(_make_step(now, child.called, by_end[first:n_ended], busy_s, child.key))
        now, cpu = max(now, child.called), child.caller_cpu
    return tuple(steps)


def _make_step(begin: float, end: float, ended: Sequence[_Event], busy_s: float | None, calls: str) -> Step:
    """Find out what a caller did from one call to the next: ``ended`` came to their ends then, in this order."""
    gap_s = max(0.0, end - begin)
    if ended and ended[-1].worker == IN_PLACE:
        return Step(max(0.0, gap_s - sum(each.end - each.start for each in ended)), calls=calls)
    busy_s = gap_s if busy_s is None else min(gap_s, max(0.0, busy_s))
    if not ended or gap_s - busy_s < max(MIN_WAIT_S, 0.1 * gap_s):
        return Step(gap_s, calls=calls)
    keys = tuple(each.key for each in ended)
    return _divide_step(begin, ended[-1].end, end, busy_s, keys, calls, of_main=ended[-1].caller is None)


def _divide_step(
    begin: float, wake: float, end: float, busy_s: float, awaits: tuple[str, ...], calls: str | None, *, of_main: bool
) -> Step:
    """Divide a step by its wait, which was over at ``wake``."""
    after_s = end - wake if of_main else min(busy_s, end - wake)
    before_s = min(max(0.0, busy_s - after_s), max(0.0, wake - begin))
    return Step(before_s, awaits, after_s, calls)


def _end_steps(event: _Event, children: Sequence[_Event]) -> Step:
    """Return what a task does after its last call; it does not end before the tasks that it has called."""
    if not children:
        return Step(event.end - event.start)
    last_call = children[-1]
    late = tuple(child.key for child in children if child.end > last_call.called)
    last_end = min(event.end, max(child.end for child in children))
    if not late or last_call.worker == IN_PLACE:
        begin = max(last_call.called, last_end)
        return Step(awaits=tuple(child.key for child in children), after_s=event.end - begin)
    busy_s = max(0.0, event.settler_cpu - last_call.caller_cpu)
    return _divide_step(last_call.called, last_end, event.end, busy_s, late, None, of_main=False)


def _estimate_overhead(events: Iterable[_Event], by_key: Mapping[str, _Event]) -> float:
    """Return the median time from an end to the next start on a worker for which there was something to do."""
    by_worker: dict[str, list[_Event]] = {}
    for event in events:
        by_worker.setdefault(event.worker, []).append(event)
    gaps: list[float] = []
    for own in by_worker.values():
        own.sort(key=lambda event: event.start)
        for one, other in itertools.pairwise(own):
            ready = max([other.called, *(by_key[key].end for key in other.reads if key in by_key)])
            if ready <= one.end <= other.start:
                gaps.append(other.start - one.end)
    return statistics.median(gaps) if gaps else 0.0


def _find_doubts(events: Sequence[_Event], by_key: Mapping[str, _Event]) -> Iterable[str]:
    n_lost = sum(key not in by_key for event in events for key in event.reads)
    if n_lost:
        yield (
            f"{n_lost:,} inputs are of tasks that are not in the trace, as if they had always been there; "
            "Recorder(keep=...) says how many tasks are kept."
        )
    if all(event.worker == IN_PLACE for event in events):
        yield (
            "A serial run does not tell where the main program waits, so it is taken to wait for nothing; "
            "record the run on threads, with one worker if need be."
        )


def find_critical_path(workload: Workload) -> float:
    """Return how long the longest chain of tasks takes, each of which reads from the one before, in seconds.

    No number of workers is quicker.

    Parameters
    ----------
    workload : Workload
        The tasks.
    """
    ends: dict[str, float] = {}
    for work in workload.tasks.values():  # in the order of the calls, so that makers come first
        ends[work.key] = work.seconds + max((ends.get(each.source, 0.0) for each in work.inputs), default=0.0)
    return max(ends.values(), default=0.0)
