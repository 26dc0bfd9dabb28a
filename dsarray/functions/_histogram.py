"""Counting: histograms and counts of small ints, and where values belong among others that are in order.

Each block is counted by itself, and the counts are added in one tree; what travels has the size of the result. Places
among many blocks in order are the sums of the places in each.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array, _elementwise, _rechunk
from dsarray._cell import Cell, make_cells
from dsarray._elementwise import as_dense
from dsarray._registry import implements
from dsarray._tree import tree_cell
from dsarray.functions import _exchange
from dsarray.functions._bin_widths import count_bins
from dsarray.functions._exchange import chain

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["histogram", "search_sorted"]


def _one_block(cell: Cell, shape: tuple[int, ...], dtype: Any) -> Array:
    cell.anchor = True
    return _array.Array(make_cells((1,) * len(shape), [cell]), tuple((n,) for n in shape), dtype)


# --- places in order -------------------------------------------------------------------------------------------------


def search_sorted(a: Array, v: Array, side: Any) -> Array:
    """Return where values would have to be put into an array of one axis that is in order.

    Each block of values is looked up in each block of the array.
    """
    groups = _exchange.group_blocks(a.chunks[0], a.itemsize)
    parts = [Cell.of(_chained, *a._cells[group.start : group.stop], anchor=True) for group in groups]
    if len(parts) > 1 and not v.streamed:
        for cell in v._cells.flat:
            cell.anchor = True
    cells = [tree_cell(np.add, [Cell.of(_places, part, cell, side) for part in parts]) for cell in v._cells.flat]
    return _array.Array(make_cells(v.grid, cells), v.chunks, np.intp)


def _chained(*blocks: Any) -> Any:
    return chain(blocks)


def _places(part: Any, values: Any, side: Any) -> Any:
    return np.searchsorted(part, values, side)


def _digitize(values: Any, bins: Any, right: bool) -> Any:
    return np.digitize(values, bins, right)


# --- histograms ------------------------------------------------------------------------------------------------------


def histogram(a: Array, bins: Any, limits: Any, density: bool, weights: Array | None) -> tuple[Array, Array]:
    """Return the histogram of all elements, and the edges of its bins.

    Parameters
    ----------
    a : Array
    bins : int or ndarray
        Their number, or their edges.
    limits : tuple of two numbers, or Cell of them
        The range of the bins, if only their number is given.
    density : bool
        True for a density in place of counts.
    weights : Array or None
        What each element counts, in the same blocks.
    """
    sample = np.empty(0, dtype=a.dtype)
    known = (0, 1) if isinstance(limits, Cell) else limits
    counted = None if weights is None else np.empty(0, dtype=weights.dtype)
    with np.errstate(invalid="ignore"):
        counts, edges = np.histogram(sample, bins, known, density, counted)  # which raises what is an error
    columns = [a._cells.flat] if weights is None else [a._cells.flat, weights._cells.flat]
    parts = [Cell.of(_counts, bins, limits, *cells) for cells in zip(*columns, strict=True)]
    edge_cell = Cell.of(_edges, bins, limits, a.dtype, anchor=True)
    total = tree_cell(np.add, parts)
    if density:
        total = Cell.of(_density, total, edge_cell)
    return _one_block(total, counts.shape, counts.dtype), _one_block(edge_cell, edges.shape, edges.dtype)


def _counts(bins: Any, limits: Any, block: Any, weights: Any = None) -> Any:
    return np.histogram(block, bins, limits, weights=weights)[0]


def _edges(bins: Any, limits: Any, dtype: np.dtype[Any]) -> Any:
    return np.histogram_bin_edges(np.empty(0, dtype=dtype), bins, limits)


def _density(counts: Any, edges: Any) -> Any:
    return counts / np.array(np.diff(edges), float) / counts.sum()


def _prepared(name: str, a: Any, bins: Any, limits: Any, weights: Any) -> tuple[Array, Any, Any]:
    """Return the array, the number or edges of the bins, and their range or the cell of it."""
    array = as_dense(a, f"np.{name}")
    if array.dtype == bool:
        array = array.astype(np.uint8)
    if isinstance(bins, str):
        if weights is not None:
            raise TypeError(f"np.{name}: bins={bins!r} is not supported with weights; give a number or the edges.")
        bins = count_bins(bins, array, limits)
    bins = bins if np.ndim(bins) == 0 and not isinstance(bins, _array.Array) else np.asarray(bins)
    if limits is None and np.ndim(bins) == 0:
        if array.size == 0:
            return array, bins, (0, 1)
        ends = [reduce_(array)._cells.item() for reduce_ in (np.min, np.max)]
        return array, bins, Cell.of(_limits, *ends, anchor=True)
    return array, bins, limits


def _limits(low: Any, high: Any) -> tuple[Any, Any]:
    return low[()], high[()]


# --- NumPy's functions -----------------------------------------------------------------------------------------------


@implements(np.searchsorted)
def _searchsorted(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Array:
    array, values = as_dense(a, "np.searchsorted"), as_dense(v, "np.searchsorted")
    np.searchsorted(np.empty((0,) * array.ndim, array.dtype), np.empty(0, values.dtype), side)  # what is an error
    if sorter is not None:
        if np.shape(sorter) != array.shape:
            raise ValueError(
                f"np.searchsorted: sorter= of shape {np.shape(sorter)} does not fit {array.shape}; use argsort."
            )
        array = array[sorter]
    return search_sorted(array, values, side)


@implements(np.digitize)
def _digitize_function(x: Any, bins: Any, right: bool = False) -> Array:
    return _elementwise.elementwise(_digitize, as_dense(x, "np.digitize"), bins=np.asarray(bins), right=right)


@implements(np.bincount)
def _bincount(x: Any, /, weights: Any = None, minlength: Any = 0) -> Array:
    array = as_dense(x, "np.bincount")
    heavy = None if weights is None else as_dense(weights, "np.bincount")
    sample = np.ones((min(1, array.size),) * max(1, array.ndim), array.dtype)
    counted = None if heavy is None else np.ones(sample.shape, heavy.dtype)
    dtype = np.bincount(sample, counted, minlength).dtype  # which raises what is an error
    if heavy is not None and heavy.shape != array.shape:
        raise ValueError(f"np.bincount: weights of shape {heavy.shape} do not fit {array.shape}; give one an element.")
    low, high = (array.min().item(), array.max().item()) if array.size else (0, -1)
    if low < 0:
        raise ValueError(f"np.bincount: there is a negative element, {low}; give ints of at least 0.")
    length = max(operator.index(minlength), int(high) + 1)
    columns = [array._cells.flat]
    if heavy is not None:
        columns.append(_rechunk.to_chunks(heavy, array.chunks)._cells.flat)
    total = tree_cell(np.add, [Cell.of(_bin_counts, length, *cells) for cells in zip(*columns, strict=True)])
    return _one_block(total, (length,), dtype)


def _bin_counts(length: int, block: Any, weights: Any = None) -> Any:
    return np.bincount(block, weights, length)


def _arguments(function: Any) -> Callable[..., dict[str, Any]]:
    """Return what names the arguments of one of NumPy's functions, some of which have names of Python's own."""
    signature = inspect.signature(function)

    def bind(*args: Any, **keywords: Any) -> dict[str, Any]:
        bound = signature.bind(*args, **keywords)
        bound.apply_defaults()
        return bound.arguments

    return bind


_of_histogram = _arguments(np.histogram)
_of_histogram_bin_edges = _arguments(np.histogram_bin_edges)


@implements(np.histogram)
def _histogram(*args: Any, **keywords: Any) -> tuple[Array, Array]:
    given = _of_histogram(*args, **keywords)
    array, bins, limits = _prepared("histogram", *(given[each] for each in ("a", "bins", "range", "weights")))
    weights = given["weights"]
    if weights is not None:
        weights = as_dense(weights, "np.histogram")
        if weights.shape != array.shape:
            raise ValueError(
                f"np.histogram: weights of shape {weights.shape} do not fit {array.shape}; give one an element."
            )
        weights = _rechunk.to_chunks(weights, array.chunks)
    return histogram(array, bins, limits, bool(given["density"]), weights)


@implements(np.histogram_bin_edges)
def _histogram_bin_edges(*args: Any, **keywords: Any) -> Array:
    given = _of_histogram_bin_edges(*args, **keywords)
    array, bins, limits = _prepared("histogram_bin_edges", *(given[each] for each in ("a", "bins", "range", "weights")))
    return histogram(array, bins, limits, False, None)[1]
