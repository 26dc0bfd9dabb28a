"""Cholesky's factorisation in blocks: each block of L is what the blocks on its left leave of it.

A task factors or solves with one block on the diagonal, or subtracts a few products of blocks; these travel along rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array, _matmul, _rechunk
from dsarray._cell import Cell, make_cells
from dsarray._registry import implements
from dsarray.linalg import _triangular
from dsarray.linalg._matrices import adjoint, as_matrices, ask_numpy, is_left_to_numpy, per_matrix, square_lengths

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["cholesky"]


@implements(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Array:
    """Compute the Cholesky factor of a positive definite matrix, or of each of a stack, as `numpy.linalg.cholesky`.

    Parameters
    ----------
    a : Array of shape (..., n, n)
        Hermitian; the upper triangle is not looked at, or the lower one if ``upper``. Any blocks; matrices of a stack
        are made whole.
    upper : bool
        True for U of ``U^H U``, False for L of ``L L^H``.

    Returns
    -------
    Array of shape (..., n, n)
        The factor, with zeros in the other triangle.

    Raises
    ------
    LinAlgError
        When ``a`` is not square; at the wait for the result, when it is not positive definite.

    Notes
    -----
    ``norm(a - L L^H)`` is of the order of ``n * eps * norm(a)``.

    Examples
    --------
    >>> import numpy as np
    >>> import dsarray as ds
    >>> x = ds.random_array((60, 60), block_size=(20, 20), random_state=0)
    >>> a = x @ x.T + ds.eye(60)
    >>> low = np.linalg.cholesky(a)
    >>> bool(np.allclose(low @ low.T, a))
    True
    """
    a = as_matrices(a, "cholesky")
    sample = ask_numpy(np.linalg.cholesky, [a], upper=upper)
    if is_left_to_numpy(a):
        factor: Array = per_matrix(np.linalg.cholesky, a, upper=upper)
        return factor
    a = a.astype(sample.dtype)
    factor = adjoint(_lower_factor(adjoint(a))) if upper else _lower_factor(a)
    return factor


def _lower_factor(a: Array) -> Array:
    lengths = square_lengths(a)
    n = len(lengths)
    source = _rechunk.to_chunks(a, (lengths, lengths))._cells
    cells = make_cells((n, n), (Cell.of(np.zeros, (rows, columns), a.dtype) for rows in lengths for columns in lengths))
    for j in range(n):
        for i in range(j, n):
            left = source[i, j]
            if j:
                pairs = [(cells[i, k], cells[j, k]) for k in range(j)]
                left = Cell.of(np.subtract, left, _matmul.sum_of_products(_times_adjoint, pairs, 1))
            done = (left,) if i == j else (left, cells[j, j])
            cells[i, j] = Cell.of(_factor if i == j else _divided, *done, anchor=True)
    return _array.Array(cells, (lengths, lengths), a.dtype)


def _times_adjoint(left: Any, right: Any) -> Any:
    return left @ _triangular.adjoint(right)


def _factor(block: Any) -> Any:
    return np.linalg.cholesky(block)


def _divided(block: Any, diagonal: Any) -> Any:
    return _triangular.solve_from_right(block, _triangular.adjoint(diagonal), lower=False)
