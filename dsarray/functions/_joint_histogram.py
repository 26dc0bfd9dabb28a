"""Histograms of points: how many lie in each cell of a grid of bins.

Each block of points is counted by itself, and the counts are added in one tree; what travels has the size of the
histogram.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array, _elementwise, _rechunk, _sparse
from dsarray._cell import Cell, make_cells
from dsarray._grid import Lengths
from dsarray._registry import implements
from dsarray._tree import tree_cell

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["joint_histogram"]


def joint_histogram(
    sample: Any, bins: Any, limits: Any, density: bool, weights: Any
) -> tuple[Array, tuple[Array, ...]]:
    """Return the histogram of points, and the edges of the bins along each axis.

    Parameters
    ----------
    sample : Array of shape (n_points, n_axes), or sequence of n_axes arrays
    bins : int, or sequence of int or ndarray
        Their number or their edges, along each axis.
    limits : sequence of tuple or None, or None
        The range of the bins along each axis, where only their number is given; None for that of the points.
    density : bool
        True for a density in place of counts.
    weights : array_like or None
        What each point counts.
    """
    rows, lengths, n_axes, dtype = _rows(sample)
    bins = list(map(_known, bins)) if hasattr(bins, "__len__") else [bins] * n_axes
    unit = (dtype.type(0), dtype.type(1)) if any(lengths) else (0, 1)
    limits = [None] * n_axes if limits is None else list(limits)
    known: Any = [unit if each is None else each for each in limits]
    heavy = None if weights is None else _elementwise.as_array(weights)
    if heavy is not None and (heavy.sparse or heavy.shape != (sum(lengths),)):
        raise ValueError(f"np.histogramdd: weights of shape {heavy.shape} do not fit {sum(lengths)} points.")
    counted = None if heavy is None else np.empty(0, heavy.dtype)
    counts, edges = np.histogramdd(np.empty((0, n_axes), dtype), bins, known, weights=counted)  # what is an error
    if any(each is None for each in limits) and any(lengths) and any(np.ndim(each) == 0 for each in bins):
        ends = [Cell.of(_ends, cell) for cell, length in zip(rows, lengths, strict=True) if length]
        known = Cell.of(_limits, limits, tree_cell(_widest, ends), anchor=True)
    columns = [rows] if heavy is None else [rows, _rechunk.to_chunks(heavy, (lengths,))._cells]
    total = tree_cell(np.add, [Cell.of(_counts, bins, known, *cells) for cells in zip(*columns, strict=True)])
    found = Cell.of(_edges, bins, known, dtype, n_axes, anchor=True)
    if density:
        total = Cell.of(_density, total, found)
    each_edges = tuple(_one_block(Cell.of(_at, found, i), each.shape, each.dtype) for i, each in enumerate(edges))
    return _one_block(total, counts.shape, counts.dtype), each_edges


def _known(bins: Any) -> Any:
    return np.asarray(bins) if isinstance(bins, _array.Array) else bins


def _one_block(cell: Cell, shape: tuple[int, ...], dtype: Any) -> Array:
    cell.anchor = True
    return _array.Array(make_cells((1,) * len(shape), [cell]), tuple((n,) for n in shape), dtype)


def _rows(sample: Any) -> tuple[Sequence[Cell], Lengths, int, np.dtype[Any]]:
    """Return cells of points, one a row, with the number of points in each."""
    if isinstance(sample, _array.Array) and sample.ndim == 2:
        if sample.sparse:
            raise _sparse.refuse("np.histogramdd")
        whole = _rechunk.to_chunks(sample, (sample.chunks[0], (sample.shape[1],)))
        return list(whole._cells.flat), sample.chunks[0], sample.shape[1], sample.dtype
    given = [sample] if isinstance(sample, _array.Array) else sample
    arrays = [_elementwise.as_array(each) for each in given]
    if any(a.ndim != 1 or a.shape != arrays[0].shape for a in arrays):
        shapes = ", ".join(str(a.shape) for a in arrays)
        raise ValueError(f"np.histogramdd: the coordinates have shapes {shapes}; give one axis of one length for each.")
    lengths = max((a.chunks[0] for a in arrays), key=len)
    dtype = np.result_type(*[a.dtype for a in arrays])
    columns = [_rechunk.to_chunks(a.astype(dtype), (lengths,))._cells for a in arrays]
    rows = [Cell.of(_stacked, *cells, anchor=True) for cells in zip(*columns, strict=True)]
    return rows, lengths, len(arrays), dtype


def _stacked(*columns: Any) -> Any:
    return np.stack(columns, axis=1)


def _ends(rows: Any) -> Any:
    return np.stack([rows.min(axis=0), rows.max(axis=0)])


def _widest(left: Any, right: Any) -> Any:
    return np.stack([np.minimum(left[0], right[0]), np.maximum(left[1], right[1])])


def _limits(given: list[Any], ends: Any) -> list[tuple[Any, Any]]:
    return [
        (low, high) if limits is None else limits for limits, low, high in zip(given, ends[0], ends[1], strict=True)
    ]


def _counts(bins: Any, limits: Any, rows: Any, weights: Any = None) -> Any:
    return np.histogramdd(rows, bins, limits, weights=weights)[0]


def _edges(bins: Any, limits: Any, dtype: np.dtype[Any], n_axes: int) -> tuple[Any, ...]:
    return tuple(np.histogramdd(np.empty((0, n_axes), dtype), bins, limits)[1])


def _at(edges: tuple[Any, ...], axis: int) -> Any:
    return edges[axis]


def _density(counts: Any, edges: tuple[Any, ...]) -> Any:
    total = counts.sum()
    for axis, each in enumerate(edges):
        counts = counts / np.diff(each).reshape([-1 if i == axis else 1 for i in range(len(edges))])
    return counts / total


# --- NumPy's functions -----------------------------------------------------------------------------------------------

_OF_HISTOGRAMDD = inspect.signature(np.histogramdd)
_OF_HISTOGRAM2D = inspect.signature(np.histogram2d)


@implements(np.histogramdd)
def _histogramdd(*args: Any, **keywords: Any) -> tuple[Array, tuple[Array, ...]]:
    given = _OF_HISTOGRAMDD.bind(*args, **keywords)
    given.apply_defaults()
    sample, bins, limits, density, weights = given.args
    return joint_histogram(sample, bins, limits, bool(density), weights)


@implements(np.histogram2d)
def _histogram2d(*args: Any, **keywords: Any) -> tuple[Array, Array, Array]:
    given = _OF_HISTOGRAM2D.bind(*args, **keywords)
    given.apply_defaults()
    x, y, bins, limits, density, weights = given.args
    if hasattr(bins, "__len__") and len(bins) not in (1, 2):
        bins = [bins, bins]
    counts, (x_edges, y_edges) = joint_histogram([x, y], bins, limits, bool(density), weights)
    return counts, x_edges, y_edges
