"""Equations with square matrices, inverses and determinants, by Gauss's elimination in blocks.

See `_elimination` for what moves: a few blocks to each task. One column of blocks is one step; steps follow each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array, _creation, _elementwise
from dsarray._cell import Cell, make_cells
from dsarray._registry import implements
from dsarray.linalg._elimination import Elimination
from dsarray.linalg._matrices import as_matrices, ask_numpy, from_cell, is_left_to_numpy, per_matrix, take

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["det", "inv", "slogdet", "solve"]


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Array:
    """Solve ``a @ x = b`` for square matrices, as `numpy.linalg.solve`.

    Parameters
    ----------
    a : Array of shape (..., n, n)
        Any blocks. Matrices of a stack are made whole.
    b : array_like of shape (n,) or (..., n, k)
        As in NumPy 2, only an array of one axis is a vector.

    Returns
    -------
    Array of the shape of ``b``, broadcast with the stacks of ``a``

    Raises
    ------
    LinAlgError
        When ``a`` is not square; at the wait for the result, when it is singular.
    ValueError
        When the shapes do not fit.

    Notes
    -----
    Each row of the residual, ``norm(a @ x - b)``, is in practice of the order of
    ``n * eps * norm(a) * norm(x)``, as with partial pivoting.

    Examples
    --------
    >>> import numpy as np
    >>> import dsarray as ds
    >>> a = ds.random_array((60, 60), block_size=(20, 20), random_state=0)
    >>> bool(np.allclose(np.linalg.solve(a, a @ np.ones(60)), 1))
    True
    """
    a, right = as_matrices(a, "solve"), _elementwise.as_array(b)
    is_vector = right.ndim == 1
    if is_vector:
        right = right[:, None]
    right = as_matrices(right, "solve")
    dtype = ask_numpy(np.linalg.solve, [a, right]).dtype
    if is_left_to_numpy(a, right):
        solution = per_matrix(np.linalg.solve, a, right)
    else:
        work = Elimination(a.astype(dtype), right.astype(dtype), is_singular_error=True)
        rows = work.solution()
        chunks = (work.lengths, right.chunks[1])
        cells = make_cells((len(chunks[0]), len(chunks[1])), [cell for row in rows for cell in row])
        solution = _array.Array(cells, chunks, dtype)
    result: Array = solution[..., 0] if is_vector else solution
    return result


@implements(np.linalg.inv)
def inv(a: Any) -> Array:
    """Compute the inverse of a matrix, or of each of a stack, as `numpy.linalg.inv`; see `solve`."""
    a = as_matrices(a, "inv")
    dtype = ask_numpy(np.linalg.inv, [a]).dtype
    if is_left_to_numpy(a):
        inverse: Array = per_matrix(np.linalg.inv, a)
        return inverse
    return solve(a, _creation.eye(a.shape[0], block_size=(a.chunks[0], a.chunks[0]), dtype=dtype))


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """Compute sign and logarithm of the determinant of a matrix, or of each of a stack, as `numpy.linalg.slogdet`.

    NaN among the elements gives NaN. So may an infinity, where NumPy gives it or an infinity: which of them depends on
    the order in which rows are eliminated.
    """
    a = as_matrices(a, "slogdet")
    sample = ask_numpy(np.linalg.slogdet, [a])
    if is_left_to_numpy(a):
        return per_matrix(np.linalg.slogdet, a)
    work = Elimination(a.astype(np.linalg.inv(np.empty((0, 1, 1), a.dtype)).dtype), None, is_singular_error=False)
    factors = [Cell.of(_rows_and_diagonal, pivots, anchor=True) for pivots in work.pivots]
    both = Cell.of(_determinant, *factors, anchor=True)
    parts = [from_cell(take(both, i), (), like.dtype) for i, like in enumerate(sample)]
    return type(sample)(*parts)


@implements(np.linalg.det)
def det(a: Any) -> Array:
    """Compute the determinant of a matrix, or of each of a stack, as `numpy.linalg.det`; infinities as in `slogdet`."""
    a = as_matrices(a, "det")
    dtype = ask_numpy(np.linalg.det, [a]).dtype
    if is_left_to_numpy(a):
        result: Array = per_matrix(np.linalg.det, a)
        return result
    sign, logarithm = slogdet(a)
    result = (sign * np.exp(logarithm)).astype(dtype)
    return result


def _rows_and_diagonal(pivots: Any) -> tuple[Any, Any]:
    return pivots.rows, pivots.values.diagonal()


def _determinant(*factors: Any) -> tuple[Any, Any]:
    """Sign and logarithm of the product of the diagonal of U, and of the sign of the permutation."""
    rows = np.concatenate([each[0] for each in factors])
    diagonal = np.concatenate([each[1] for each in factors])
    sizes = np.abs(diagonal)
    if not sizes.all():
        return diagonal.dtype.type(0), sizes.dtype.type(-np.inf)
    with np.errstate(invalid="ignore"):
        signs = diagonal / sizes if diagonal.dtype.kind == "c" else np.where(diagonal < 0, -1, 1)
    sign = np.prod(signs) * (-1 if _is_odd(rows) else 1)
    return diagonal.dtype.type(sign), np.log(sizes).sum()


def _is_odd(permutation: Any) -> bool:
    """Whether a permutation is made of an odd number of swaps: elements less cycles."""
    left = np.ones(len(permutation), bool)
    n_cycles = 0
    for start in range(len(permutation)):
        n_cycles += bool(left[start])
        at = start
        while left[at]:
            left[at] = False
            at = permutation[at]
    return bool((len(permutation) - n_cycles) % 2)
