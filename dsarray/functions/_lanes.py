"""Lanes: the 1-D parts along an axis, each whole in one block, for what needs all of a lane at once.

Where an axis is cut, other axes are cut finer, so that blocks stay as large as they were, as far as one lane allows.
Each piece is cut off where its block is, and moves once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array, _rechunk
from dsarray._cell import Cell, make_cells
from dsarray._grid import TARGET_BYTES, Chunks, Lengths, cut, grid_of

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["are_long", "each_lane", "whole_lanes"]

LONG_BYTES = 4 * TARGET_BYTES
"""A lane of more bytes is not brought to one task, if it is cut."""


def are_long(a: Array, axis: int) -> bool:
    """Return whether lanes are cut, and too long for one task; the only lane of an array counts as long."""
    if a.grid[axis] == 1:
        return False
    return a.size == a.shape[axis] or a.shape[axis] * a.itemsize > LONG_BYTES


def whole_lanes(a: Array, axes: Sequence[int]) -> Array:
    """Return an array in blocks that hold lanes along some axes whole."""
    excess = math.prod(max(1, a.shape[axis]) / max(1, *a.chunks[axis]) for axis in axes)
    if all(a.grid[axis] == 1 for axis in axes):
        return a
    finer: list[Lengths] = []
    for axis, lengths in enumerate(a.chunks):
        largest = max(lengths)
        if axis in axes or largest == 0:
            finer.append(lengths)
            continue
        size = max(1, math.floor(largest / excess))
        excess = max(1.0, excess * size / largest)
        finer.append(tuple(part for length in lengths for part in cut(length, size)))
    pieces = _rechunk.to_chunks(a, tuple(finer))
    for cell in pieces._cells.flat:
        cell.anchor = True
    chunks = tuple((a.shape[axis],) if axis in axes else lengths for axis, lengths in enumerate(finer))
    return _rechunk.to_chunks(pieces, chunks)


def each_lane(a: Array, axis: int, function: Callable[[Array], Array]) -> Array:
    """Call a function on each lane, as an Array of one axis, and return what it gives as lanes of one Array.

    All results have the same blocks.
    """
    others = [length for i, length in enumerate(a.shape) if i != axis]
    results = []
    for index in np.ndindex(*others):
        key: tuple[Any, ...] = (*index[:axis], slice(None), *index[axis:])
        results.append(function(a[key]))
    lengths = results[0].chunks[0]
    units: Chunks = tuple((1,) * length for length in others)
    chunks = (*units[:axis], lengths, *units[axis:])
    cells = np.empty(grid_of(chunks), dtype=object)
    for index, lane in zip(np.ndindex(*others), results, strict=True):
        for i, cell in enumerate(lane._cells.flat):
            shape = (*(1,) * axis, lengths[i], *(1,) * (len(others) - axis))
            cells[(*index[:axis], i, *index[axis:])] = Cell.of(np.reshape, cell, shape)
    return _array.Array(make_cells(cells.shape, cells.flat), chunks, results[0].dtype)
