"""Matrix products: a chain of tasks for each block of the result, each of which adds a few products of blocks.

What travels is blocks to the tasks that multiply them; the sum so far is handed on, mostly on one worker. Where there
are few blocks in the result, there are several chains for each, whose sums are added up in one tree; how many depends
on the blocks alone, so that a product does not depend on the machine.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array, _elementwise, _rechunk, _reshape, _sparse
from dsarray._cell import Cell, make_cells
from dsarray._grid import Chunks, common_lengths, grid_of
from dsarray._tree import tree_cell

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["N_CHAINS", "align_stacks", "matmul", "sum_of_products"]

PER_TASK = 4
"""How many products a task adds; it needs twice as many blocks."""

N_CHAINS = 16
"""There are at least as many chains, where there are as many groups of products."""


def matmul(left: Any, right: Any) -> Array:
    """Return the matrix product, as NumPy's ``@``: of vectors, matrices or stacks of matrices, in any blocks.

    Raises
    ------
    ValueError
        When the shapes do not fit, or one of them is a scalar.
    """
    a, b = _operand(left), _operand(right)
    dtype = np.matmul(np.ones((1, 1), a.dtype), np.ones((1, 1), b.dtype)).dtype
    if not a.ndim or not b.ndim:
        raise ValueError("matmul: a scalar has no matrix product; use * instead.")
    inner = a.shape[-1], b.shape[-2 if b.ndim > 1 else 0]
    if inner[0] != inner[1]:
        raise ValueError(
            f"matmul: shapes {a.shape} and {b.shape} do not fit: {inner[0]} columns for {inner[1]} rows; "
            "transpose or slice one of them."
        )
    if a.sparse or b.sparse:
        product = _sparse_product(a, b, dtype)
    else:
        product = _product(_as_stack(a, 0), _as_stack(b, 1), dtype, sparse=False)
    drop = [axis for axis, operand in ((-2, a), (-1, b)) if operand.ndim == 1]
    return product if not drop else _reshape.squeeze(product, tuple(drop))


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
    stacks, (a, b) = align_stacks(a, b)
    chunks: Chunks = (*stacks, a.chunks[-2], b.chunks[-1])
    grid = grid_of(chunks)
    a_cells = np.broadcast_to(a._cells, (*grid[:-2], *a.grid[-2:]))
    b_cells = np.broadcast_to(b._cells, (*grid[:-2], *b.grid[-2:]))
    _anchor(a, a_cells.size * grid[-1])
    _anchor(b, b_cells.size * grid[-2])
    multiply = operator.matmul if a.sparse or b.sparse else np.matmul
    n_chains = -(-N_CHAINS // max(1, math.prod(grid)))
    cells = []
    for *stack, row, column in itertools.product(*map(range, grid)):
        pairs = [(a_cells[(*stack, row, i)], b_cells[(*stack, i, column)]) for i in range(len(k))]
        cells.append(sum_of_products(multiply, pairs, n_chains))
    return _array.Array(make_cells(grid, cells), chunks, dtype, sparse=sparse)


def sum_of_products(multiply: Callable[..., Any], factors: Sequence[Sequence[Cell]], n_chains: int) -> Cell:
    """Return the anchor of the sum of ``multiply(*each)`` for each of the factors, in at most so many chains."""
    n_groups = -(-len(factors) // PER_TASK)
    n_chains = max(1, min(n_chains, n_groups))
    size = PER_TASK * -(-n_groups // n_chains)
    chains = [_chain(multiply, factors[start : start + size]) for start in range(0, len(factors), size)]
    root = tree_cell(operator.add, chains)
    root.anchor = True
    return root


def _chain(multiply: Callable[..., Any], factors: Sequence[Sequence[Cell]]) -> Cell:
    total: Cell | None = None
    for start in range(0, len(factors), PER_TASK):
        group = factors[start : start + PER_TASK]
        if total is not None:
            total.anchor = True
        total = Cell.of(_add_products, multiply, len(group[0]), total, *itertools.chain.from_iterable(group))
    assert total is not None
    return total


def _add_products(multiply: Callable[..., Any], n_factors: int, total: Any, *factors: Any) -> Any:
    for start in range(0, len(factors), n_factors):
        product = multiply(*factors[start : start + n_factors])
        if total is not None:
            product += total  # a product is ours; what came from another task is not
        total = product
    return total


def align_stacks(*arrays: Array) -> tuple[Chunks, tuple[Array, ...]]:
    """Cut the axes before the last two so that they broadcast block by block."""
    shape = np.broadcast_shapes(*[x.shape[:-2] for x in arrays])
    stacks = []
    for axis, length in enumerate(shape, start=-len(shape) - 2):
        candidates = [x.chunks[axis] for x in arrays if x.ndim >= -axis and sum(x.chunks[axis]) == length]
        stacks.append((1,) if length == 1 else common_lengths(candidates))
    aligned = [
        _rechunk.to_chunks(
            x,
            (
                *((1,) if n == 1 else stacks[i - (x.ndim - 2)] for i, n in enumerate(x.shape[:-2])),
                *x.chunks[-2:],
            ),
        )
        for x in arrays
    ]
    return tuple(stacks), tuple(aligned)


def _anchor(a: Array, n_uses: int) -> None:
    """Compute blocks that several products need once."""
    if n_uses > a._cells.size:
        for cell in a._cells.flat:
            cell.anchor = True
