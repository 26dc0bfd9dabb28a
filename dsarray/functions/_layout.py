"""The same elements in another layout: mirrored, rolled, turned, trimmed, tiled and repeated.

All but `repeat` are slices and joins of the blocks as they are; `repeat` works on each block by itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from dsarray import _array, _elementwise, _join, _rechunk
from dsarray._cell import Cell, make_cells, start_cells
from dsarray._grid import SMALL_BYTES, Chunks, Lengths, block_indices, cut, grid_of
from dsarray._registry import implements
from dsarray._reshape import expand_dims, transpose
from dsarray._reshape_plan import LARGE_BYTES
from dsflow import wait_on

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["flip", "tile"]


def flip(a: Array, axis: Any = None) -> Array:
    """Return an array with the elements along axes, by default along all, in opposite order."""
    axes = range(a.ndim) if axis is None else normalize_axis_tuple(axis, a.ndim)
    return a[tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(a.ndim))]


def tile(a: Array, reps: Sequence[int]) -> Array:
    """Return an array repeated side by side, ``reps`` times along each axis."""
    for axis, n in enumerate(reps):
        a = _tile_axis(a, axis, n)
    return a


def _tile_axis(a: Array, axis: int, n: int) -> Array:
    before = (slice(None),) * axis
    if n == 1:
        return a
    if n == 0 or not a.shape[axis]:
        return a[(*before, slice(0, 0))]
    n_bytes = math.prod(a.block_shape) * a.itemsize
    together = max(1, min(n, SMALL_BYTES // max(1, n_bytes))) if a.grid[axis] == 1 else 1
    if together > 1 and not a.sparse:  # small blocks are repeated within one
        n_whole, rest = divmod(n, together)
        inner = _inside(a, axis, together)
        parts = [_side_by_side(inner, axis, n_whole)] if n_whole else []
        parts += [_inside(a, axis, rest)] if rest else []
        return _join.concatenate(parts, axis)
    return _side_by_side(a, axis, n)


def _side_by_side(a: Array, axis: int, n: int) -> Array:
    if n == 1:
        return a
    for cell in a._cells.flat:
        cell.anchor = True
    cells = np.concatenate([a._cells] * n, axis=axis)
    chunks = (*a.chunks[:axis], a.chunks[axis] * n, *a.chunks[axis + 1 :])
    return _array.Array(cells, chunks, a.dtype, sparse=a.sparse)


def _inside(a: Array, axis: int, n: int) -> Array:
    reps = tuple(n if i == axis else 1 for i in range(a.ndim))
    cells = [Cell.of(np.tile, cell, reps) for cell in a._cells.flat]
    lengths = tuple(length * n for length in a.chunks[axis])
    return _array.Array(make_cells(a.grid, cells), (*a.chunks[:axis], lengths, *a.chunks[axis + 1 :]), a.dtype)


# --- NumPy's functions -----------------------------------------------------------------------------------------------


@implements(np.flip)
def _flip(m: Array, axis: Any = None) -> Array:
    return flip(m, axis)


@implements(np.fliplr)
def _fliplr(m: Array) -> Array:
    if m.ndim < 2:
        raise ValueError(f"fliplr: an array of {m.ndim} dimensions has no columns; give at least 2.")
    return flip(m, 1)


@implements(np.flipud)
def _flipud(m: Array) -> Array:
    if m.ndim < 1:
        raise ValueError("flipud: a 0-dimensional array has no rows; give at least 1.")
    return flip(m, 0)


@implements(np.rot90)
def _rot_ninety(m: Array, k: int = 1, axes: Any = (0, 1)) -> Array:
    first, second = normalize_axis_tuple(axes, m.ndim) if len(axes) == 2 else (0, 0)
    if first == second:
        raise ValueError(f"rot90: axes={axes!r} are not two different axes; name two.")
    order = list(range(m.ndim))
    order[first], order[second] = second, first
    turns = k % 4
    if turns == 0:
        return m.copy()
    if turns == 2:
        return flip(m, (first, second))
    return transpose(flip(m, second), order) if turns == 1 else flip(transpose(m, order), second)


@implements(np.roll)
def _roll(a: Array, shift: Any, axis: Any = None) -> Array:
    if axis is None:
        return _roll(a.ravel(), shift, 0).reshape(a.shape)
    axes = normalize_axis_tuple(axis, a.ndim, allow_duplicate=True)
    shifts, places = np.broadcast_arrays(shift, axes)
    if shifts.ndim > 1:
        raise ValueError(f"roll: shift={shift!r} has {shifts.ndim} dimensions; give an int for each axis.")
    total = dict.fromkeys(axes, 0)
    for each, place in zip(shifts.ravel().tolist(), places.ravel().tolist(), strict=True):
        total[place] += each
    for place, by in total.items():
        start = int(by) % max(1, a.shape[place])
        if start:
            before = (slice(None),) * place
            a = _join.concatenate([a[(*before, slice(-start, None))], a[(*before, slice(None, -start))]], place)
    return a.copy()


@implements(np.tile)
def _tile(A: Any, reps: Any) -> Array:  # noqa: N803 - NumPy's name
    wanted = tuple(map(int, reps if isinstance(reps, (tuple, list, np.ndarray)) else (reps,)))
    a = _elementwise.as_array(A)
    if min(wanted, default=0) < 0:
        raise ValueError(f"tile: reps={reps!r} has a negative number; give at least 0.")
    if len(wanted) > a.ndim:
        a = a.reshape((1,) * (len(wanted) - a.ndim) + a.shape)
    return tile(a, (1,) * (a.ndim - len(wanted)) + wanted).copy()


@implements(np.resize)
def _resize(a: Array, new_shape: Any) -> Array:
    shape = tuple(map(int, new_shape if isinstance(new_shape, (tuple, list)) else (new_shape,)))
    if min(shape, default=0) < 0:
        raise ValueError(f"resize: shape={new_shape!r} has a negative length; give lengths of at least 0.")
    n = math.prod(shape)
    if not a.size or not n:
        return cast("Array", np.zeros_like(cast("Any", a), shape=shape))
    return tile(a.ravel(), (-(-n // a.size),))[:n].reshape(shape)


@implements(np.trim_zeros)
def _trim_zeros(filt: Array, trim: str = "fb", axis: Any = None) -> Array:
    """Return the array without what is 0 at its ends; how much that is, is counted at once."""
    sides = trim.lower()
    if sides not in ("f", "b", "fb", "bf"):
        raise ValueError(f"trim_zeros: trim={trim!r} is unknown; give 'f', 'b' or 'fb'.")
    axes = range(filt.ndim) if axis is None else normalize_axis_tuple(axis, filt.ndim)
    kept = [slice(None)] * filt.ndim
    if not filt.size:
        return filt[tuple(slice(0, 0) if i in axes else slice(None) for i in range(filt.ndim))]
    used = filt.astype(bool)
    for place in axes:
        along = used.any(axis=tuple(i for i in range(filt.ndim) if i != place))
        if not bool(along.any()):
            return filt[tuple(slice(0, 0) if i in axes else slice(None) for i in range(filt.ndim))]
        first = int(along.argmax()) if "f" in sides else 0
        last = int(flip(along).argmax()) if "b" in sides else 0
        kept[place] = slice(first, filt.shape[place] - last)
    return filt[tuple(kept)]


@implements(np.repeat)
def _repeat(a: Any, repeats: Any, axis: Any = None) -> Array:
    values = _elementwise.as_dense(a, "repeat")
    if axis is None or (not values.ndim and axis in (0, -1)):
        values, axis = values.ravel(), 0
    axis = normalize_axis_index(axis, values.ndim)
    counts = repeats if isinstance(repeats, (_array.Array, np.ndarray)) else np.array(repeats, dtype=np.intp)
    if counts.ndim > 1:
        raise ValueError(f"repeat: repeats has {counts.ndim} dimensions; give a number, or one for each position.")
    if not np.can_cast(counts.dtype, np.intp, casting="safe"):
        raise TypeError(f"repeat: repeats of dtype {counts.dtype} are not counts; give ints.")
    if counts.size == 1:
        return _repeat_evenly(values, int(counts.reshape(())), axis)
    if counts.size != values.shape[axis]:
        raise ValueError(f"repeat: {counts.size} repeats do not fit axis {axis} with size {values.shape[axis]}.")
    return _repeat_each(values, _elementwise.as_array(counts), axis)


def _repeat_evenly(a: Array, n: int, axis: int) -> Array:
    if n < 0:
        raise ValueError(f"repeat: repeats={n} is negative; give at least 0.")
    n_bytes = math.prod(a.block_shape) * a.itemsize
    if n * n_bytes > LARGE_BYTES:
        wide = _join.broadcast_to(expand_dims(a, axis + 1), (*a.shape[: axis + 1], n, *a.shape[axis + 1 :]))
        return wide.reshape((*a.shape[:axis], a.shape[axis] * n, *a.shape[axis + 1 :]))
    lengths = tuple(length * n for length in a.chunks[axis])
    cells = [Cell.of(np.repeat, cell, n, axis) for cell in a._cells.flat]
    return _array.Array(make_cells(a.grid, cells), (*a.chunks[:axis], lengths, *a.chunks[axis + 1 :]), a.dtype)


def _repeat_each(a: Array, repeats: Array, axis: int) -> Array:
    """Repeat each position as often as its number says; the lengths of the blocks are counted at once."""
    lengths = tuple(part for length in a.chunks[axis] for part in _halves(a, axis, length))
    a = _rechunk.to_chunks(a, (*a.chunks[:axis], lengths, *a.chunks[axis + 1 :]))
    counts = list(_rechunk.to_chunks(repeats, (lengths,))._cells.flat)
    for cell in counts:
        cell.anchor = True
    found = wait_on(start_cells(Cell.of(_total, cell) for cell in counts))
    if min(found, default=0) < 0:
        raise ValueError("repeat: a number of repeats is negative; give at least 0.")
    new: Lengths = tuple(map(int, found))
    chunks: Chunks = (*a.chunks[:axis], new, *a.chunks[axis + 1 :])
    cells = [Cell.of(np.repeat, a._cells[index], counts[index[axis]], axis) for index in block_indices(a.chunks)]
    return _array.Array(make_cells(grid_of(chunks), cells), chunks, a.dtype)


def _halves(a: Array, axis: int, length: int) -> Lengths:
    """Cut a block of more than 1 MiB in pieces, because each of them may grow."""
    row = a.itemsize * math.prod(n for i, n in enumerate(a.block_shape) if i != axis)
    return cut(length, max(1, SMALL_BYTES // max(1, row)))


def _total(counts: Any) -> int:
    return -1 if (counts < 0).any() else int(counts.sum())
