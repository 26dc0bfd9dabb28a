"""Blocks that do not exist, and how to make them: what a task takes that shall make its block itself.

What travels is a program and the Futures of its inputs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from dsarray._cell import Apply, Cell, compile_recipes, start_cells, survey
from dsarray._program import Step, run_program

__all__ = ["Deferred", "defer_cells"]


@dataclass(frozen=True, slots=True)
class Deferred:
    """A block that does not exist yet, and does not last: pass it to tasks, which call ``make()``."""

    program: tuple[Step, ...] = field(repr=False)
    """What to do."""
    inputs: tuple[Any, ...]
    """Futures of what the program reads; they arrive in the task as values."""

    def make(self) -> Any:
        """Return the block, made anew; call this inside of a task."""
        return run_program(self.program, self.inputs)


def defer_cells(cells: Iterable[Cell]) -> list[Deferred]:
    """Return how to make the blocks of cells; only the anchors below them are started."""
    return [_defer(cell) for cell in cells]


def _defer(cell: Cell) -> Deferred:
    if not isinstance(cell.state, Apply):
        return Deferred((), (cell.source(),))
    recipes, missing = survey(cell)
    start_cells(missing)
    program, inputs = compile_recipes(recipes)
    return Deferred(program, tuple(each.source() for each in inputs))
