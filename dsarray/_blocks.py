"""Blocks: the Futures of an array's blocks, started when taken.

They are the taker's own: a task that changes one changes no Array.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

import numpy as np

from dsarray._cell import Cell, Cells, start_cells
from dsflow import Future

__all__ = ["Blocks", "start_own"]


def start_own(cells: Iterable[Cell]) -> list[Future[Any]]:
    """Start the blocks of cells; return Futures of them for the caller to do with as he likes."""
    return [copy.copy(future) for future in start_cells(cells)]


class Blocks:
    """The grid of an array: indexing it as an ndarray starts the blocks taken, and gives their Futures."""

    __slots__ = ("_cells",)

    def __init__(self, cells: Cells) -> None:
        self._cells = cells

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of blocks along each axis."""
        return self._cells.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._cells.ndim

    @property
    def size(self) -> int:
        """Number of blocks."""
        return self._cells.size

    @property
    def flat(self) -> list[Future[Any]]:
        """The Futures of all blocks, in C order."""
        return start_own(self._cells.flat)

    def tolist(self) -> Any:
        """Return the Futures of all blocks in nested lists."""
        return self[...].tolist()

    def __getitem__(self, key: Any) -> Any:
        taken = self._cells[key]
        if isinstance(taken, Cell):
            return copy.copy(taken.future)
        futures = np.empty(taken.shape, dtype=object)
        for index, future in zip(np.ndindex(taken.shape), start_own(taken.flat), strict=True):
            futures[index] = future
        return futures

    def __len__(self) -> int:
        return len(self._cells)

    def __iter__(self) -> Iterator[Any]:
        return (self[position] for position in range(len(self)))

    def __reduce__(self) -> NoReturn:
        raise TypeError("Blocks do not travel, only their Futures do; pass x.blocks.tolist(), or the Array x itself")

    def __repr__(self) -> str:
        return f"<Blocks: grid {self.shape}>"
