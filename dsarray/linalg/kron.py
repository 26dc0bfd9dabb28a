"""Kronecker products and cross products: each block of the result is made of one block of either array.

Both are first cut so that blocks of a Kronecker product are as large as those that we choose for other arrays; most
often, the second array is whole then. What travels is these blocks, each to all that it is multiplied with.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from dsarray import _array, _elementwise, _rechunk, _sparse
from dsarray._cell import Cell, make_cells
from dsarray._config import room_for_blocks
from dsarray._grid import SMALL_BYTES, Chunks, Lengths, block_bytes, coarsen, cut, grid_of
from dsarray._registry import implements

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["cross", "kron"]


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    """Return the Kronecker product of two arrays, as `numpy.kron`."""
    x, y = _elementwise.as_array(a), _elementwise.as_array(b)
    if x.sparse or y.sparse:
        raise _sparse.refuse("kron")
    if not x.ndim or not y.ndim:
        product: Any = np.multiply(x, y)
        return product
    ndim = max(x.ndim, y.ndim)
    x, y = x[(None,) * (ndim - x.ndim)], y[(None,) * (ndim - y.ndim)]
    dtype = np.kron(np.ones(1, x.dtype), np.ones(1, y.dtype)).dtype
    x, y = map(_rechunk.to_chunks, (x, y), _cut_for(x, y, dtype.itemsize))
    chunks: Chunks = tuple(
        tuple(n * m for n in of_x for m in of_y) for of_x, of_y in zip(x.chunks, y.chunks, strict=True)
    )
    pairs = []
    for place in itertools.product(*map(range, grid_of(chunks))):
        of_both = [divmod(i, n) for i, n in zip(place, y.grid, strict=True)]
        pairs.append((x._cells[tuple(i for i, _ in of_both)], y._cells[tuple(j for _, j in of_both)]))
    _rechunk.keep_shared(cell for pair in pairs for cell in pair)
    cells = [Cell.of(np.kron, *pair) for pair in pairs]
    return _array.Array(make_cells(grid_of(chunks), cells), chunks, dtype)


def _cut_for(x: Array, y: Array, itemsize: int) -> tuple[Chunks, Chunks]:
    """Cut both arrays so that a block of the second, and its product with one of the first, have a fitting size.

    Along axes where the second array is not whole, the first is cut into single elements: what lies between the places
    of one element and the next comes of other blocks.
    """
    n_most = block_bytes(x.size * y.size * itemsize, *room_for_blocks()) // itemsize
    of_y = _fit(y.chunks, range(y.ndim), n_most, n_most)
    whole = [axis for axis, lengths in enumerate(of_y) if len(lengths) == 1]
    of_x = tuple(each if axis in whole else cut(sum(each), 1) for axis, each in enumerate(x.chunks))
    n_least, n_most = (n // _largest(of_y) for n in (min(n_most, SMALL_BYTES // itemsize), n_most))
    return _fit(of_x, whole, n_least, n_most), of_y


def _fit(chunks: Chunks, axes: Sequence[int], n_least: int, n_most: int) -> Chunks:
    """Join blocks while they have no more than ``n_least`` elements, and cut those of more than ``n_most``."""
    fitting = list(coarsen(chunks, axes, 1, max(1, n_least // _largest(chunks))))
    for axis in axes:
        longest = max(fitting[axis])
        n_parts = -(-_largest(fitting) // max(1, n_most))
        fitting[axis] = tuple(part for length in fitting[axis] for part in cut(length, max(1, -(-longest // n_parts))))
    return tuple(fitting)


def _largest(chunks: Sequence[Lengths]) -> int:
    return max(1, math.prod(map(max, chunks)))


@implements(np.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """Return the cross products of vectors of 3 elements, as `numpy.cross`.

    Raises
    ------
    ValueError
        When an axis has another length than 3 or 2.
    TypeError
        When it has 2, of which NumPy gives up the meaning.
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = (_split(each, at) for each, at in ((a, axisa), (b, axisb)))
    parts = [x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], x[0] * y[1] - x[1] * y[0]]
    at = normalize_axis_index(axisc, parts[0].ndim + 1)
    result: Any = np.concatenate([np.expand_dims(part, at) for part in parts], axis=at)
    return _rechunk.to_chunks(result, (*result.chunks[:at], (3,), *result.chunks[at + 1 :]))


def _split(value: Any, axis: int) -> list[Array]:
    """The three components."""
    a = _elementwise.as_array(value)
    at = normalize_axis_index(axis, a.ndim)
    if a.shape[at] == 2:
        raise TypeError("np.cross: vectors of 2 elements are not supported for an Array; add a third one, 0.")
    if a.shape[at] != 3:
        raise ValueError(f"cross: incompatible dimensions for cross product: {a.shape[at]}; it must be 3.")
    return [a[(*(slice(None),) * at, i)] for i in range(3)]


@implements(np.linalg.cross)
def _cross_of_three(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    for each in (x1, x2):
        if np.shape(each)[axis] != 3:
            raise ValueError(f"cross: vectors of {np.shape(each)[axis]} elements; both must have 3.")
    return cross(x1, x2, axis=axis)
