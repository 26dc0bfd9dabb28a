"""Functions that select: at positions, by a condition, or among several arrays.

Positions that are ndarrays or lists are planned with in the main program, as in an index. What is found (`nonzero`,
`argwhere`, `where` with a condition alone) is counted at once, so that shapes are always ints; it stays where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from dsarray import _array, _elementwise, _fancy, _lookup, _sparse
from dsarray._cell import Cell, make_cells, start_cells
from dsarray._grid import Lengths, offsets
from dsarray._namespace import namespace
from dsarray._registry import implements
from dsflow import wait_on

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["as_positions", "compress", "find", "limited", "take"]

_NOTHING: Any = np._NoValue


# --- positions -------------------------------------------------------------------------------------------------------


def as_positions(indices: Any, where: str) -> Any:
    """Return positions as an ndarray or Array of ints; NumPy cuts lists of other numbers, and refuses arrays of them.

    Raises
    ------
    TypeError
        When they are an array of something else.
    """
    if isinstance(indices, _array.Array) or hasattr(indices, "dtype"):
        if indices.dtype.kind not in "biu":
            raise TypeError(f"{where}: positions of dtype {indices.dtype} are not ints; convert them with astype(int).")
        return indices.astype(np.intp)
    return np.array(indices, dtype=np.intp)


def limited(positions: Any, n: int, mode: str, where: str) -> Any:
    """Return positions in an axis of a length, as ``mode`` has it.

    Raises
    ------
    ValueError
        When ``mode`` is none of NumPy's.
    IndexError
        When the axis is empty, but the positions are not.
    """
    if mode not in ("raise", "wrap", "clip"):
        raise ValueError(f"{where}: mode={mode!r} is not known; give 'raise', 'wrap' or 'clip'.")
    if n == 0 and positions.size:
        raise IndexError(f"{where}: there is nothing to take from an empty axis; give no positions.")
    if mode == "raise" or n == 0:
        return positions
    return positions % n if mode == "wrap" else np.clip(positions, 0, n - 1)


def _read_axis(a: Any, axis: Any) -> tuple[Array, int]:
    """Return an array and an axis of it, not negative: all elements in one axis for None, or if there is no axis."""
    a = _elementwise.as_array(a)
    if axis is None or (not a.ndim and axis in (0, -1)):
        return a.ravel(), 0
    return a, normalize_axis_index(axis, a.ndim)


@implements(np.take)
def take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: str = "raise") -> Any:
    """Return the elements at positions along an axis, or of all elements in one axis; see `numpy.take`."""
    a, axis = _read_axis(a, axis)
    positions = as_positions(indices, "np.take")
    shape = (*a.shape[:axis], *positions.shape, *a.shape[axis + 1 :])
    positions = limited(positions, a.shape[axis] or int(0 in shape), mode, "np.take")
    if 0 in a.shape[:axis] or (0 in shape and mode != "raise"):  # NumPy does not look at positions then
        return _elementwise.store(_elementwise.as_array(np.empty(shape, a.dtype)), out, "np.take")
    return _elementwise.store(a[(*(slice(None),) * axis, positions)], out, "np.take")


@implements(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Any:
    return _lookup.take_along_axis(_elementwise.as_array(arr), indices, axis)


# --- conditions ------------------------------------------------------------------------------------------------------


def _as_condition(condition: Any) -> Any:
    """Return a condition as a mask, which is an ndarray or an Array."""
    known = condition if isinstance(condition, _array.Array) else np.asarray(condition)
    return known if known.dtype == bool else known.astype(bool)


@implements(np.compress)
def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    """Return the slices along an axis for which a condition holds; see `numpy.compress`."""
    mask = _as_condition(condition)
    if mask.ndim != 1:
        raise ValueError(f"np.compress: the condition has {mask.ndim} axes; give one of 1 axis.")
    a, axis = _read_axis(a, axis)
    n = a.shape[axis]
    if mask.size > n and bool(mask[n:].any()):
        if 0 in a.shape[:axis]:
            return take(a, np.flatnonzero(mask), axis, out)
        raise IndexError(f"np.compress: the condition holds beyond the end of axis {axis}, which has size {n}.")
    before = (slice(None),) * axis
    base = a[(*before, slice(mask.size))] if mask.size < n else a
    return _elementwise.store(base[(*before, mask[:n])], out, "np.compress")


@implements(np.extract)
def _extract(condition: Any, arr: Any) -> Any:
    return compress(np.ravel(_as_condition(condition)), _elementwise.as_array(arr).ravel())


def find(a: Array) -> Array:
    """Return the positions of the elements that are not 0, one a row, in C order; they are counted at once."""
    rows = _fancy.cut_for_mask(a, 0, a.ndim)
    starts = offsets(rows.chunks[0])
    flat = rows._cells.ravel()
    cells = [Cell.of(_find, cell, start, anchor=True) for cell, start in zip(flat, starts[:-1], strict=True)]
    counts: Lengths = tuple(map(int, wait_on(start_cells(Cell.of(len, cell) for cell in cells))))
    return _array.Array(make_cells((len(cells), 1), cells), (counts, (a.ndim,)), np.intp)


def _find(block: Any, start: int) -> Any:
    xp = namespace(block)
    found = block.nonzero()
    if _sparse.is_sparse(block):
        order = np.lexsort(found[::-1])
        found = [each[order] for each in found]
    positions = xp.stack(found, axis=1).astype(np.intp)
    positions[:, 0] += start
    return positions


@implements(np.argwhere)
def _argwhere(a: Any) -> Array:
    return find(a) if a.ndim else find(a[None])[:, :0]


@implements(np.nonzero)
def _nonzero(a: Any) -> tuple[Array, ...]:
    if not a.ndim:
        raise ValueError("np.nonzero: an array of 0 dimensions has no positions; reshape it to (1,).")
    found = find(a)
    return tuple(found[:, axis] for axis in range(a.ndim))


@implements(np.flatnonzero)
def _flatnonzero(a: Any) -> Array:
    return find(a.ravel())[:, 0]


@implements(np.where)
def _where(condition: Any, x: Any = _NOTHING, y: Any = _NOTHING, /) -> Any:
    if x is _NOTHING and y is _NOTHING:
        return _nonzero(condition)
    if y is _NOTHING:
        raise ValueError("np.where: either both or neither of x and y should be given.")
    return _elementwise.where(condition, x, y)


# --- one of several --------------------------------------------------------------------------------------------------


@implements(np.choose)
def _choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    result = _elementwise.elementwise(_chosen, a, *choices, mode=mode)
    return _elementwise.store(result, out, "np.choose")


def _chosen(which: Any, *choices: Any, mode: str) -> Any:
    return cast("Any", np.choose)(which, choices, mode=mode)


@implements(np.select)
def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Array:
    conditions, choices = list(condlist), list(choicelist)
    if len(conditions) != len(choices) or not conditions:
        raise ValueError(
            f"np.select: {len(conditions)} conditions for {len(choices)} choices; give as many of both, at least one."
        )
    return _elementwise.elementwise(_selected, *conditions, *choices, default, n=len(conditions))


def _selected(*operands: Any, n: int) -> Any:
    return np.select(list(operands[:n]), list(operands[n:-1]), operands[-1])


# --- flat positions --------------------------------------------------------------------------------------------------


@implements(np.unravel_index)
def _unravel_index(indices: Any, shape: Any, order: str = "C") -> tuple[Array, ...]:
    lengths = tuple(shape) if isinstance(shape, Sequence) else (int(shape),)
    return tuple(
        _elementwise.elementwise(_unraveled, indices, axis=axis, shape=lengths, order=order)
        for axis in range(len(lengths))
    )


def _unraveled(flat: Any, axis: int, shape: tuple[int, ...], order: Any) -> Any:
    return np.unravel_index(flat, shape, order)[axis]


@implements(np.ravel_multi_index)
def _ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Array:
    return _elementwise.elementwise(_raveled, *multi_index, dims=dims, mode=mode, order=order)


def _raveled(*indices: Any, dims: Any, mode: Any, order: Any) -> Any:
    return np.ravel_multi_index(indices, dims, mode=mode, order=order)
