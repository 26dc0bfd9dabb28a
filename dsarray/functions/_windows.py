"""Parts of an array along an axis that overlap: each is one block, made of the few blocks that it touches."""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array, _rechunk
from dsarray._cell import Cell, make_cells
from dsarray._grid import Lengths, block_shape, grid_of, offsets

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["from_windows", "keep", "shortened", "windows"]


def windows(a: Array, axis: int, bounds: Sequence[tuple[int, int]]) -> list[Any]:
    """Return the cells of parts of an array along an axis, each in one block along it."""
    if len(bounds) > 1:
        keep(a)
    starts = offsets(a.chunks[axis])
    grid = (*a.grid[:axis], 1, *a.grid[axis + 1 :])
    parts = []
    for low, high in bounds:
        taken = _taken(starts, low, high)
        cells = [_window(a, axis, index, taken) for index in np.ndindex(*grid)]
        parts.append(make_cells(grid, cells))
    return parts


def _taken(starts: Sequence[int], low: int, high: int) -> list[tuple[int, slice]]:
    """What a part of an axis takes of each block."""
    first, last = bisect_right(starts, low) - 1, bisect_left(starts, high)
    found = []
    for block in range(first, min(last, len(starts) - 1)):
        start, stop = max(low, starts[block]), min(high, starts[block + 1])
        if start < stop:
            found.append((block, slice(start - starts[block], stop - starts[block], 1)))
    return found or [(0, slice(0, 0, 1))]


def _window(a: Array, axis: int, index: tuple[int, ...], taken: list[tuple[int, slice]]) -> Cell:
    lengths: list[Lengths] = [(n,) for n in block_shape(a.chunks, (*index[:axis], 0, *index[axis + 1 :]))]
    pieces = []
    for block, part in taken:
        cell: Cell = a._cells[(*index[:axis], block, *index[axis + 1 :])]
        key = tuple(part if i == axis else slice(None) for i in range(a.ndim))
        pieces.append(cell if part == slice(0, a.chunks[axis][block], 1) else cell.part(key))
    if len(pieces) == 1:
        return pieces[0]
    lengths[axis] = tuple(part.stop - part.start for _, part in taken)
    return Cell.of(_rechunk.assemble, tuple(lengths), *pieces)


def keep(a: Array) -> None:
    """Compute once the blocks that several tasks need."""
    for cell in a._cells.flat:
        cell.anchor = True


def from_windows(
    a: Array, axis: int, lengths: Lengths, bounds: Sequence[tuple[int, int]], function: Callable[..., Any],
    calls: Sequence[Any], dtype: np.dtype[Any],
) -> Array:  # fmt: skip
    """Return the array of ``function(part, call)`` for each part of another along an axis, with its call."""
    parts = windows(a, axis, bounds)
    chunks = (*a.chunks[:axis], lengths, *a.chunks[axis + 1 :])
    grid = grid_of(chunks)
    cells = []
    for index in np.ndindex(*grid):
        within = (*index[:axis], 0, *index[axis + 1 :])
        cells.append(Cell.of(function, parts[index[axis]][within], calls[index[axis]]))
    return _array.Array(make_cells(grid, cells), chunks, dtype)


def shortened(lengths: Lengths, total: int) -> Lengths:
    """Blocks of an axis that is cut to a length at its end."""
    ends = [min(end, total) for end in offsets(lengths)]
    return tuple(b - a for a, b in itertools.pairwise(ends) if b > a) or (0,)
