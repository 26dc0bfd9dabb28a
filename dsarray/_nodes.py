"""Blocks as nodes of another library's graph: how each is got, in this process or where it travels.

What travels is a recipe, if the block is made of nothing else; else the block.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from dsarray._cell import Apply, Cell, Reading, Value, compile_recipes, start_cells, survey
from dsarray._namespace import to_host
from dsarray._program import Step, run_program

__all__ = ["BlockNode", "bring_blocks", "name_of", "nodes_of"]

_STARTING = threading.Lock()
"""Cells are started by one thread of the library's at a time."""

_NAMES: WeakKeyDictionary[Cell, str] = WeakKeyDictionary()
"""What cells are called in graphs, so that the same block is known again."""

_NODES: WeakValueDictionary[str, BlockNode] = WeakValueDictionary()
"""The nodes of graphs that live, by these names: a graph is asked for more than once."""


class BlockNode:
    """A node of a graph: how to get a block."""

    def __init__(self, cell: Cell, name: str) -> None:
        self.cell = cell
        self.name = name
        self.values: tuple[Any, ...] = ()
        """The block, brought here so that it can travel: a client that pickles its graph cannot wait for it."""

    def __call__(self) -> Any:
        program = _program_of(self.cell)
        if program is not None:
            return to_host(run_program(program, ()))
        if isinstance(self.cell.state, Value):
            return to_host(self.cell.state.value)
        with _STARTING:
            future = self.cell.future
        return to_host(future.result())

    def __dask_tokenize__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Any, ...]:
        program = _program_of(self.cell)
        if program is not None:
            return _Recipe, (program,)
        if self.values or isinstance(self.cell.state, Value):
            return _Held, (self.values[0] if self.values else self(),)
        raise RuntimeError(
            "to_dask: a block that tasks have to make cannot be sent to Dask's workers; make the client that shall "
            "compute it the default one (Client(…).as_current()) before to_dask(), or compute with scheduler='threads'."
        )


class _Recipe:
    """How to make a block of nothing but a recipe."""

    def __init__(self, program: tuple[Step, ...]) -> None:
        self.program = program

    def __call__(self) -> Any:
        return to_host(run_program(self.program, ()))


class _Held:
    """A block that travels."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self) -> Any:
        return self.value


def name_of(cell: Cell) -> str:
    """Return what a cell is called in graphs."""
    return _NAMES.setdefault(cell, uuid.uuid4().hex)


def nodes_of(cells: Iterable[Cell]) -> list[BlockNode]:
    """Return the nodes of cells."""
    return [_NODES.setdefault(name_of(cell), BlockNode(cell, name_of(cell))) for cell in cells]


def bring_blocks(cells: Iterable[Cell]) -> None:
    """Bring the blocks here that could not travel otherwise, for as long as a graph has their nodes."""
    nodes = [node for node in nodes_of(cells) if not node.values and _program_of(node.cell) is None]
    with _STARTING:
        start_cells(node.cell for node in nodes)
    for node in nodes:
        node.values = (node(),)


def _program_of(cell: Cell) -> tuple[Step, ...] | None:
    """Return what makes a block of nothing; None if it exists, or needs blocks that exist or shall be kept."""
    if not isinstance(cell.state, Apply):
        return None
    recipes, missing = survey(cell)
    program, inputs = compile_recipes(recipes)
    return None if missing or inputs or (cell.anchor and not isinstance(cell.state, Reading)) else program
