"""Kronecker products and cross products: each block of the result is made of one block of either array.

What travels is blocks, each to all that it is multiplied with; blocks of the result are 16 MiB or less, where a block
of the second array is.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from dsarray import _array, _elementwise, _rechunk, _sparse
from dsarray._cell import Cell, make_cells
from dsarray._grid import Chunks, Lengths, common_lengths, cut, grid_of
from dsarray._registry import implements

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["cross", "kron"]

TARGET_BYTES = 1 << 24
"""The size of the largest blocks, where they can be made smaller."""


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
    x = _rechunk.to_chunks(x, _cut_for(x, y, dtype.itemsize))
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


def _cut_for(x: Array, y: Array, itemsize: int) -> Chunks:
    """Cut the first array: into single elements where the second has several blocks, else so that blocks are small."""
    is_cut = [n > 1 for n in y.grid]
    sizes = [1 if single else max(lengths) for lengths, single in zip(x.chunks, is_cut, strict=True)]
    n_bytes = math.prod(sizes) * math.prod(y.block_shape) * itemsize
    for axis, size in enumerate(sizes):
        if n_bytes > TARGET_BYTES and size > 1:
            sizes[axis] = max(1, size * TARGET_BYTES // n_bytes)
            n_bytes = n_bytes // size * sizes[axis]
    return tuple(_at_most(lengths, size) for lengths, size in zip(x.chunks, sizes, strict=True))


def _at_most(lengths: Lengths, size: int) -> Lengths:
    if max(lengths) <= size:
        return lengths
    return tuple(part for length in lengths for part in cut(length, size)) or common_lengths([lengths])


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
