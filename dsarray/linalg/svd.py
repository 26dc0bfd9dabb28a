"""Singular values: QR, in tasks of a few blocks, and then the SVD of R.

R is as large as the shorter side of the matrix squared. One of at most `WHOLE_BYTES` is done in one task; a larger one
in tasks of a few blocks, see `_deflation`. What travels is what `qr` moves, R, and its singular vectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _elementwise
from dsarray._cell import Cell
from dsarray._registry import implements
from dsarray.linalg._deflation import Factors, large_svd, made_whole, whole_svd
from dsarray.linalg._jacobi import large_eigh, to_range
from dsarray.linalg._matrices import adjoint, as_matrices, ask_numpy, from_cell, is_left_to_numpy, is_whole, per_matrix
from dsarray.linalg.qr import qr

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["svd", "svdvals"]


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
        True to look at the lower triangle of square matrices alone, and to find eigenvalues; see `eigh`.

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
        When ``a`` has fewer than two axes, or holds infinity or NaN.

    Notes
    -----
    The error of each singular value and ``norm(a - U S Vh)`` are of the order of ``min(m, n) * eps * norm(a)``, and so
    is what the vectors lack of being orthonormal, without ``norm(a)``; for any rank.

    A shorter side of at most 256 MiB squared, 5792 for float64, ends in one task of LAPACK. A longer one is done by
    rotations of pairs of blocks, in tasks that need some 200 MiB each, and computes at once: about ten sweeps of
    ``12 n**3`` operations, beside QR.

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
    if is_left_to_numpy(a) or (hermitian and is_whole(a.shape, _float_type(a))):
        return per_matrix(np.linalg.svd, a, full_matrices=full_matrices, compute_uv=compute_uv, hermitian=hermitian)
    sample = ask_numpy(np.linalg.svd, [a], hermitian=hermitian)
    a = a.astype(sample.U.dtype)
    if hermitian:
        factors = _hermitian_svd(a, with_vectors=compute_uv)
        return type(sample)(*factors) if compute_uv else factors.s
    is_wide = a.shape[0] < a.shape[1]
    tall = adjoint(a) if is_wide else a
    if not compute_uv:
        return _values(tall)
    u, s, vh = _tall_svd(tall, full=full_matrices)
    return type(sample)(adjoint(vh), s, adjoint(u)) if is_wide else type(sample)(u, s, vh)


@implements(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    """Return the singular values of a matrix, or of each matrix of a stack, in descending order; see `svd`."""
    return svd(x, compute_uv=False)


def _float_type(a: Array) -> Any:
    return ask_numpy(np.linalg.svd, [a]).U.dtype


def _values(a: Array) -> Any:
    """The singular values of a matrix that is not wide."""
    n = a.shape[1]
    if is_whole((n, n), a.dtype):
        cell = Cell.of(_values_of, made_whole(qr(a, "r")), anchor=True)
        return from_cell(cell, (n,), np.zeros(0, a.dtype).real.dtype)
    return large_svd(a if a.shape[0] == n else qr(a, "r"), with_vectors=False).s


def _values_of(block: Any) -> Any:
    return np.linalg.svd(block, compute_uv=False)


def _tall_svd(a: Array, *, full: bool) -> Factors:
    m, n = a.shape
    is_large = not is_whole((n, n), a.dtype)
    if is_large and m == n:
        return large_svd(a)
    q, r = qr(a, "complete" if full else "reduced")
    turn, s, vh = large_svd(r[:n]) if is_large else whole_svd(r[:n])
    u: Any = q[:, :n] @ turn
    if full and m > n:
        u = np.concatenate([u, q[:, n:]], axis=1)
    return Factors(u, s, vh)


def _hermitian_svd(a: Array, *, with_vectors: bool) -> Factors:
    """The factors of a Hermitian matrix that is too large for one task, of its eigenvalues."""
    scaled, scale = to_range(a, "svd")
    values, vectors = large_eigh(scaled, with_vectors=with_vectors)
    order = np.argsort(-np.abs(values), kind="stable")
    s = _elementwise.as_array(np.abs(values[order]) * np.asarray(scale, values.dtype))
    if vectors is None:
        return Factors(None, s, None)
    u: Any = vectors[:, order]
    return Factors(u, s, adjoint(u * np.where(values[order] < 0, -1, 1).astype(values.dtype)))
