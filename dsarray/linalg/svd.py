"""Singular values: QR, in tasks of a few blocks, and then the SVD of R in one task.

R is as large as the shorter side of the matrix squared, and at most `WHOLE_BYTES`; a larger one is refused before
anything starts. What travels is what `qr` moves, R, and its singular vectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _rechunk
from dsarray._cell import Cell
from dsarray._functions import implements
from dsarray.linalg._matrices import as_matrices, ask_numpy, check_whole, from_cell, is_left_to_numpy, per_matrix, take
from dsarray.linalg.qr import qr

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["adjoint", "svd", "svdvals"]


@implements(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """Compute the singular value decomposition of a matrix, or of each matrix of a stack, as `numpy.linalg.svd`.

    Parameters
    ----------
    a : Array of shape (..., m, n)
        Any blocks. Matrices of a stack are made whole, each in one task.
    full_matrices : bool
        True for square U and Vh, which are as large as the longer side squared; False for what the product needs.
    compute_uv : bool
        False to compute the singular values alone.
    hermitian : bool
        Matrices of one block are then done by `numpy.linalg.eigh`; others as if it were not given.

    Returns
    -------
    U : Array of shape (m, m), or (m, min(m, n))
    S : Array of shape (min(m, n),)
        In descending order.
    Vh : Array of shape (n, n), or (min(m, n), n)
        Each pair of singular vectors has a sign, or phase, that is not determined; it may differ from NumPy's.

    Raises
    ------
    LinAlgError
        When ``a`` has fewer than two axes.
    MemoryError
        When a matrix of several blocks has a shorter side of more than 256 MiB squared: 5792 for float64.

    Notes
    -----
    The error of each singular value and ``norm(a - U S Vh)`` are of the order of ``min(m, n) * eps * norm(a)``.

    Examples
    --------
    >>> import numpy as np
    >>> import dsarray as ds
    >>> x = ds.random_array((100, 4), block_size=30, random_state=0)
    >>> u, s, vh = np.linalg.svd(x, full_matrices=False)
    >>> bool(np.allclose((u * s) @ vh, x))
    True
    """
    a = as_matrices(a, "svd")
    if is_left_to_numpy(a):
        return per_matrix(np.linalg.svd, a, full_matrices=full_matrices, compute_uv=compute_uv, hermitian=hermitian)
    sample = ask_numpy(np.linalg.svd, [a])
    check_whole("svd", (min(a.shape), min(a.shape)), sample.U.dtype)
    is_wide = a.shape[0] < a.shape[1]
    tall = adjoint(a) if is_wide else a
    if not compute_uv:
        cell = Cell.of(_values, _whole(qr(tall, "r")), anchor=True)
        return from_cell(cell, (min(a.shape),), sample.S.dtype)
    u, s, vh = _tall_svd(tall, full=full_matrices)
    return type(sample)(adjoint(vh), s, adjoint(u)) if is_wide else type(sample)(u, s, vh)


@implements(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    """Return the singular values of a matrix, or of each matrix of a stack, in descending order; see `svd`."""
    return svd(x, compute_uv=False)


def _tall_svd(a: Array, *, full: bool) -> tuple[Array, Array, Array]:
    m, n = a.shape
    q, r = qr(a, "complete" if full else "reduced")
    parts = Cell.of(_factors, _whole(r[:n]), anchor=True)
    real = np.zeros(0, q.dtype).real.dtype
    turn, vh = (from_cell(take(parts, i), (n, n), q.dtype) for i in (0, 2))
    s = from_cell(take(parts, 1), (n,), real)
    u: Any = q[:, :n] @ turn
    if full and m > n:
        u = np.concatenate([u, q[:, n:]], axis=1)
    return u, s, vh


def _whole(a: Array) -> Cell:
    cell: Cell = _rechunk.to_chunks(a, tuple((n,) for n in a.shape))._cells.flat[0]
    return cell


def _factors(r: Any) -> tuple[Any, ...]:
    return tuple(np.linalg.svd(r, full_matrices=False))


def _values(r: Any) -> Any:
    return np.linalg.svd(r, compute_uv=False)


def adjoint(a: Any) -> Any:
    """Return the conjugate transpose of a matrix, or of each matrix of a stack."""
    transposed = np.transpose(a, (*range(a.ndim - 2), a.ndim - 1, a.ndim - 2))
    return np.conjugate(transposed) if a.dtype.kind == "c" else transposed
