"""Matrix products: one task for each pair of blocks, whose products are added up in one tree.

What travels is blocks to the tasks that multiply them, and partial products of the size of a block of the result.
"""

from __future__ import annotations

import itertools
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array, _elementwise, _rechunk, _sparse
from dsarray._cell import Cell, make_cells
from dsarray._functions import implements
from dsarray._grid import Chunks, common_lengths, grid_of
from dsarray._tree import tree_cell

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["dot", "matmul"]


def matmul(left: Any, right: Any) -> Array:
    """Return the matrix product, as NumPy's ``@``: of vectors, matrices or stacks of matrices, in any blocks.

    Raises
    ------
    ValueError
        When the shapes do not fit, or one of them is a scalar.
    """
    a, b = _operand(left), _operand(right)
    if not a.ndim or not b.ndim:
        raise ValueError("matmul: a scalar has no matrix product; use * instead.")
    inner = a.shape[-1], b.shape[-2 if b.ndim > 1 else 0]
    if inner[0] != inner[1]:
        raise ValueError(
            f"matmul: shapes {a.shape} and {b.shape} do not fit: {inner[0]} columns for {inner[1]} rows; "
            "transpose or slice one of them."
        )
    dtype = np.matmul(np.ones((1, 1), a.dtype), np.ones((1, 1), b.dtype)).dtype
    if a.sparse or b.sparse:
        product = _sparse_product(a, b, dtype)
    else:
        product = _product(_as_stack(a, 0), _as_stack(b, 1), dtype, sparse=False)
    drop = [axis for axis, operand in ((-2, a), (-1, b)) if operand.ndim == 1]
    return product if not drop else product.squeeze(tuple(drop))


def _operand(value: Any) -> Array:
    operand = _elementwise.as_operand(value)
    return operand if isinstance(operand, _array.Array) else _elementwise.as_array(operand)


def _as_stack(a: Array, new_axis: int) -> Array:
    """A vector as a matrix of one row or column."""
    if a.ndim > 1:
        return a
    return a[None] if new_axis == 0 else a[:, None]


def _sparse_product(a: Array, b: Array, dtype: np.dtype[Any]) -> Array:
    if a.ndim > 2 or b.ndim > 2 or (a.ndim == 1 and b.sparse):
        raise _sparse.refuse(f"matmul of shapes {a.shape} and {b.shape}")
    return _product(_as_stack(a, 0), _as_stack(b, 1), dtype, sparse=a.sparse and b.sparse)


def _product(a: Array, b: Array, dtype: np.dtype[Any], *, sparse: bool) -> Array:
    """The product of two matrices, or stacks of matrices."""
    k = common_lengths([a.chunks[-1], b.chunks[-2]])
    a = _rechunk.to_chunks(a, (*a.chunks[:-1], k))
    b = _rechunk.to_chunks(b, (*b.chunks[:-2], k, b.chunks[-1]))
    stacks, (a, b) = _align_stacks(a, b)
    chunks: Chunks = (*stacks, a.chunks[-2], b.chunks[-1])
    grid = grid_of(chunks)
    a_cells = np.broadcast_to(a._cells, (*grid[:-2], *a.grid[-2:]))
    b_cells = np.broadcast_to(b._cells, (*grid[:-2], *b.grid[-2:]))
    _anchor(a, a_cells.size * grid[-1])
    _anchor(b, b_cells.size * grid[-2])
    multiply = operator.matmul if a.sparse or b.sparse else np.matmul
    add = operator.add if sparse else np.add
    cells = []
    for *stack, row, column in itertools.product(*map(range, grid)):
        pairs = [(a_cells[(*stack, row, i)], b_cells[(*stack, i, column)]) for i in range(len(k))]
        root = tree_cell(add, [Cell.of(multiply, *pair) for pair in pairs])
        root.anchor = True
        cells.append(root)
    return _array.Array(make_cells(grid, cells), chunks, dtype, sparse=sparse)


def _align_stacks(a: Array, b: Array) -> tuple[Chunks, tuple[Array, Array]]:
    """Cut the axes before the last two so that they broadcast block by block."""
    shape = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    stacks = []
    for axis, length in enumerate(shape, start=-len(shape) - 2):
        candidates = [x.chunks[axis] for x in (a, b) if x.ndim >= -axis and sum(x.chunks[axis]) == length]
        stacks.append((1,) if length == 1 else common_lengths(candidates))
    aligned = [
        _rechunk.to_chunks(
            x,
            (
                *((1,) if n == 1 else stacks[i - (x.ndim - 2)] for i, n in enumerate(x.shape[:-2])),
                *x.chunks[-2:],
            ),
        )
        for x in (a, b)
    ]
    return tuple(stacks), (aligned[0], aligned[1])


def _anchor(a: Array, n_uses: int) -> None:
    """Compute blocks that several products need once."""
    if n_uses > a._cells.size:
        for cell in a._cells.flat:
            cell.anchor = True


@implements(np.dot)
def dot(a: Any, b: Any) -> Any:
    """Return the product of two arrays of at most two axes, as `numpy.dot`."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if np.ndim(a) > 2 or np.ndim(b) > 2:
        raise TypeError(
            "dot: arrays of more than 2 axes are not supported; use @, which multiplies stacks of matrices."
        )
    return matmul(a, b)
