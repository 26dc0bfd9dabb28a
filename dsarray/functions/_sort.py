"""Elements in order: sorting, the positions that sort, and partitions.

An axis that is whole in its blocks is sorted block by block. A cut axis of many lanes is made whole first; a lane that
is too long for that, or the only one, is sorted in runs that one exchange merges: each task holds a few blocks, and
each element moves once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from dsarray import _array, _rechunk
from dsarray._cell import Cell, Cells, make_cells
from dsarray._elementwise import as_dense
from dsarray._grid import Lengths
from dsarray._registry import implements
from dsarray.functions import _exchange, _lanes

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["argsort", "element_counts", "sort"]


def sort(a: Array, axis: int | None = -1, kind: Any = None) -> Array:
    """Return an array with its elements in order along an axis, or all of them in one axis.

    Complex numbers, text and times come in NumPy's order, and NaN last. Zeros of either sign are equal; which of them
    comes first depends on the blocks, unless ``kind="stable"``.
    """
    if axis is None:
        return _sorted_cells(a, a._cells.ravel(), element_counts(a), kind)
    axis = normalize_axis_index(axis, a.ndim)
    return _along(a, axis, a.dtype, _sort_block, lambda lane: sort(lane, None, kind), kind)


def argsort(a: Array, axis: int | None = -1) -> Array:
    """Return the positions that put the elements in order along an axis, or all of them; equal ones as they stand."""
    if axis is None:
        return _argsort_lane(a.ravel())
    axis = normalize_axis_index(axis, a.ndim)
    return _along(a, axis, np.dtype(np.intp), _argsort_block, _argsort_lane)


def _along(
    a: Array,
    axis: int,
    dtype: np.dtype[Any],
    kernel: Callable[..., Any],
    by_exchange: Callable[[Array], Array],
    *options: Any,
) -> Array:
    """Call a kernel on blocks that hold lanes whole; lanes that are too long go through the exchange."""
    if a.size and _lanes.are_long(a, axis):
        return by_exchange(a) if a.ndim == 1 else _lanes.each_lane(a, axis, by_exchange)
    lanes = _lanes.whole_lanes(a, (axis,))
    cells = [Cell.of(kernel, cell, axis, *options, anchor=True) for cell in lanes._cells.flat]
    return _array.Array(make_cells(lanes.grid, cells), lanes.chunks, dtype)


def element_counts(a: Array) -> Lengths:
    """Return the number of elements of each block, in C order."""
    counts = np.ones((), dtype=np.int64)
    for lengths in a.chunks:
        counts = np.multiply.outer(counts, np.array(lengths, dtype=np.int64))
    return tuple(counts.ravel().tolist())


def _sorted_cells(a: Array, cells: Cells, sizes: Lengths, kind: Any) -> Array:
    """Return the elements of all blocks in order; each block of the result is as long as one of them."""
    runs = _exchange.sort_runs(list(cells), sizes, a.itemsize, kind=kind, positions=False)
    return _in_order(runs, 0, a.dtype, sizes)


def _argsort_lane(a: Array) -> Array:
    runs = _exchange.sort_runs(list(a._cells.flat), a.chunks[0], a.itemsize, kind="stable", positions=True)
    return _in_order(runs, 1, np.dtype(np.intp), a.chunks[0])


def _in_order(runs: _exchange.Runs, column: int, dtype: np.dtype[Any], lengths: Lengths) -> Array:
    """Return one array of merged runs, cut as asked for."""
    ranges = _exchange.ranges_of(runs.lengths)
    merged = _exchange.select_ranks(runs, ranges, len(ranges))
    cells = [_exchange.take_array(cell, column, anchor=True) for cell in merged]
    return _rechunk.to_chunks(_array.Array(make_cells((len(cells),), cells), (runs.lengths,), dtype), (lengths,))


def _sort_block(block: Any, axis: int, kind: Any) -> Any:
    return np.sort(block, axis=axis, kind=kind)


def _argsort_block(block: Any, axis: int) -> Any:
    return np.argsort(block, axis=axis, kind="stable")


# --- NumPy's functions -----------------------------------------------------------------------------------------------


def _ask_numpy(function: Callable[..., Any], a: Array, axis: Any, **options: Any) -> None:
    """Let NumPy sort an array without elements; it raises what it would for the whole."""
    function(np.empty((0,) * a.ndim if a.ndim else (), dtype=a.dtype), axis, **options)


@implements(np.sort)
def _sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None) -> Array:
    array = as_dense(a, "np.sort")
    _ask_numpy(np.sort, array, axis, kind=kind, order=order, stable=stable)
    return sort(array, axis, "stable" if stable else kind)


@implements(np.argsort)
def _argsort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: bool | None = None) -> Array:
    array = as_dense(a, "np.argsort")
    _ask_numpy(np.argsort, array, axis, kind=kind, order=order, stable=stable)
    return argsort(array, axis) if array.ndim else argsort(array.reshape(1), 0)


@implements(np.lexsort)
def _lexsort(keys: Any, axis: Any = -1) -> Array:
    arrays: list[Any] = [as_dense(key, "np.lexsort") for key in keys]
    if not arrays:
        raise TypeError("np.lexsort: there are no keys; give one at least.")
    if len({key.shape for key in arrays}) > 1:
        raise ValueError(f"np.lexsort: keys of shapes {[key.shape for key in arrays]} differ; give equal ones.")
    first, *others = arrays
    if not first.ndim:
        normalize_axis_index(axis, 1)
        return argsort(first.reshape(1), 0).reshape(())
    axis = normalize_axis_index(axis, first.ndim)
    order: Any = argsort(first, axis)
    for key in others:  # a stable sort by one keeps the order by those before it where it does not decide
        sorted_key: Any = np.take_along_axis(key, order, axis)
        order = np.take_along_axis(order, np.argsort(sorted_key, axis, stable=True), axis)
    return order  # type: ignore[no-any-return]  # NumPy gives what it is given


def _check_kth(name: str, a: Array, kth: Any, axis: int | None, kind: str, order: Any) -> None:
    """Raise what NumPy raises for positions of no element."""
    if kind != "introselect" or order is not None:
        raise ValueError(f"np.{name}: kind={kind!r}, order={order!r} select nothing; leave both away.")
    n = a.size if axis is None else a.shape[normalize_axis_index(axis, a.ndim)]
    positions = np.asarray(kth)
    if positions.dtype.kind not in "iu":
        raise TypeError(f"np.{name}: kth={kth!r} holds no ints; give positions.")
    if a.size and (positions.ndim > 1 or ((positions < -n) | (positions >= n)).any()):
        raise ValueError(f"np.{name}: kth={kth!r} is out of bounds for {n} elements; give positions among them.")


@implements(np.partition)
def _partition(a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: Any = None) -> Array:
    array = as_dense(a, "np.partition")
    _check_kth("partition", array, kth, axis, kind, order)
    return sort(array, axis)


@implements(np.argpartition)
def _argpartition(a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: Any = None) -> Array:
    array = as_dense(a, "np.argpartition")
    _check_kth("argpartition", array, kth, axis, kind, order)
    return argsort(array, axis)


@implements(np.sort_complex)
def _sort_complex(a: Any) -> Array:
    array = as_dense(a, "np.sort_complex")
    dtype = np.sort_complex(np.empty(0, dtype=array.dtype)).dtype
    return sort(array, -1).astype(dtype)
