"""What computing an array takes, known before anything runs: tasks, bytes read, made and kept, memory of a task.

Nothing moves. The sizes are those of the blocks of the arrays involved; of what functions make in between, which
nobody has declared, nothing is known, and it is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dsarray._cell import Apply, Cell, Cells, Reading, name_of, survey
from dsarray._grid import Chunks
from dsflow import active_session

__all__ = ["Plan", "check_plan", "note_sizes", "plan_of", "planned_tasks"]

MAX_NAMES = 3
"""A task is named after the last functions that it calls, at most so many."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What computing an array takes. Sizes are in bytes; those of functions' results are as far as they are known."""

    n_tasks: int
    """Tasks that would run; what has run before is not run again."""
    read_bytes: int
    """Bytes read from where arrays are stored."""
    made_bytes: int
    """Bytes of what the tasks return, which is kept as long as somebody needs it."""
    result_bytes: int
    """Bytes of the array itself."""
    task_bytes: int
    """Memory of the task that needs most, with what it reads."""
    task_name: str
    """That task."""
    n_slots: int
    """How many tasks run at a time; 1 if there is no session yet."""

    @property
    def peak_bytes(self) -> int:
        """Memory that is needed at least: of the largest task, as often as tasks run at a time."""
        return self.task_bytes * min(self.n_slots, max(1, self.n_tasks))

    def __str__(self) -> str:
        from dsflow.observe import format_bytes

        tasks = "1 task" if self.n_tasks == 1 else f"{self.n_tasks} tasks"
        lines = [
            f"{tasks}, {self.n_slots} at a time",
            f"reads    {format_bytes(self.read_bytes)} from files",
            f"makes    {format_bytes(self.made_bytes)}, of which the result has {format_bytes(self.result_bytes)}",
        ]
        if self.n_tasks:
            lines.append(f"needs    {format_bytes(self.task_bytes)} in the largest task ({self.task_name})")
        return "\n".join(lines)

    __repr__ = __str__


def note_sizes(cells: Cells, chunks: Chunks, itemsize: int) -> None:
    """Note the sizes of the blocks of an array in its cells."""
    sizes = np.full((), itemsize, dtype=np.int64)
    for lengths in chunks:
        sizes = np.multiply.outer(sizes, np.asarray(lengths, dtype=np.int64))
    for cell, size in zip(cells.flat, sizes.ravel().tolist(), strict=True):
        cell.nbytes = size


def plan_of(cells: Iterable[Cell]) -> Plan:
    """Say what starting cells takes; nothing is started."""
    session = active_session()
    n_slots = 1 if session is None else session.engine.n_slots
    wanted = list(cells)
    seen: set[Cell] = set()
    n_tasks, read_bytes, made_bytes, largest, name = 0, 0, 0, 0, ""
    stack = list(wanted)
    while stack:
        cell = stack.pop()
        if cell in seen or not isinstance(cell.state, Apply):
            continue
        seen.add(cell)
        steps, missing = survey(cell)
        stack += missing
        n_tasks += 1
        read_bytes += sum(each.nbytes for each, recipe in steps.items() if isinstance(recipe, Reading))
        made_bytes += cell.nbytes
        task_bytes = _memory_of(steps)
        if task_bytes > largest:
            largest, name = task_bytes, name_of(cell.state.function)
    result_bytes = sum(cell.nbytes for cell in wanted)
    return Plan(n_tasks, read_bytes, made_bytes, result_bytes, largest, name, n_slots)


def planned_tasks(cells: Iterable[Cell]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return key and name of each task that starting cells would run, and the keys of the tasks that it reads."""
    from dsflow.observe import format_bytes

    records: dict[Cell, tuple[str, str, tuple[str, ...]]] = {}
    stack = list(cells)[::-1]
    while stack:
        cell = stack[-1]
        if cell in records or not isinstance(cell.state, Apply):
            stack.pop()
            continue
        steps, missing = survey(cell)
        waiting = [each for each in missing if each not in records]
        if waiting:
            stack += waiting[::-1]
            continue
        stack.pop()
        names = list(dict.fromkeys(name_of(recipe.function) for recipe in steps.values()))
        name = ", ".join(names[-MAX_NAMES:])
        key = f"task {len(records)}, {format_bytes(cell.nbytes)}"
        records[cell] = key, name, tuple(records[each][0] for each in missing)
    return list(records.values())


def _memory_of(steps: dict[Cell, Apply]) -> int:
    """The most that the inputs and results of steps take at one moment."""
    readers: dict[Cell, int] = {}
    for recipe in steps.values():
        for arg in recipe.args:
            if isinstance(arg, Cell):
                readers[arg] = readers.get(arg, 0) + 1
    held = sum(cell.nbytes for cell in readers if cell not in steps)
    most = held
    for cell, recipe in steps.items():
        held += cell.nbytes
        most = max(most, held)
        for arg in recipe.args:
            if isinstance(arg, Cell):
                readers[arg] -= 1
                if not readers[arg]:
                    held -= arg.nbytes
    return most


def check_plan(cells: Iterable[Cell], memory_bytes: int) -> None:
    """Refuse to start what cannot fit the memory of the session.

    Raises
    ------
    MemoryError
        When the largest task, as often as tasks run at a time, needs more.
    """
    plan = plan_of(cells)
    if plan.peak_bytes > memory_bytes:
        times = f", {plan.n_slots} at a time," if plan.n_slots > 1 else ""
        raise MemoryError(
            f"{plan.task_name}: a task needs {plan.task_bytes} bytes{times} but the session has {memory_bytes} bytes "
            f"in all; use smaller blocks (rechunk), or start it with more memory=."
        )
