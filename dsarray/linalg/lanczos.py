"""The largest singular values by Golub and Kahan's bidiagonalisation, in blocks of vectors, with restarts.

The matrix is multiplied, block by block, with the newest vectors, which are made orthogonal to all others (in full, so
that none comes twice). The singular values of the matrix on the basis tell whether another round is needed: residuals,
one number for each, come to the main program once a round. Vectors, as long as the sides of the matrix, stay blocked.
"""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray.linalg._matrices import adjoint, as_factors, ask_numpy
from dsarray.linalg.randomized import TruncatedSVD, check_components, random_basis
from dsarray.linalg.svd import svd
from dsarray.linalg.tsqr import tsqr

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["lanczos_svd"]

_log = logging.getLogger(__name__)

N_SPARE = 4
"""Vectors in a block beyond those asked for, which makes the last ones converge."""


def lanczos_svd(
    a: Any, k: int, *, n_steps: int = 3, tol: float | None = None, max_restarts: int = 50, random_state: Any = None
) -> TruncatedSVD:
    """Compute the ``k`` largest singular values of a matrix and their vectors, to a given residual.

    It computes at once, since the number of rounds depends on the values.

    Parameters
    ----------
    a : Array of shape (m, n)
        Any blocks, which may be sparse.
    k : int
        How many, at most min(m, n).
    n_steps : int
        Blocks of ``k + 4`` vectors that are added to the basis in a round.
    tol : float, optional
        Largest ``norm(a^H u - s v) / s[0]`` of what is returned, and so the error of each singular value by ``s[0]``;
        by default ``100 * eps * sqrt(max(m, n))``.
    max_restarts : int
        After that many rounds it returns what it has, with a warning that says the residual.
    random_state : int or None
        Seed of the first vectors.

    Returns
    -------
    U : Array of shape (m, k)
    S : Array of shape (k,)
        In descending order.
    Vh : Array of shape (k, n)

    Raises
    ------
    LinAlgError
        When ``a`` is not a matrix.
    ValueError
        When ``k`` is not from 1 to min(m, n), or ``n_steps`` or ``max_restarts`` is below 1.

    Notes
    -----
    Up to rounding, ``a V = U S``, and U and V are orthonormal; there is a singular value within ``tol * s[0]`` of each
    one returned (Golub & Kahan 1965; restarted with the singular vectors found, as Baglama & Reichel 2005 do).

    Examples
    --------
    >>> import numpy as np
    >>> import dsarray as ds
    >>> x = ds.random_array((100, 40), block_size=(30, 20), random_state=0)
    >>> u, s, vh = ds.linalg.lanczos_svd(x, 2, random_state=0)
    >>> bool(np.allclose(s, np.linalg.svdvals(x)[:2]))
    True
    """
    a = as_factors(a, "lanczos_svd")
    check_components(a, k, "lanczos_svd")
    if n_steps < 1 or max_restarts < 1:
        raise ValueError(f"lanczos_svd: n_steps={n_steps} and max_restarts={max_restarts} must be at least 1.")
    dtype = ask_numpy(np.linalg.svd, [a]).U.dtype
    a = a.astype(dtype)
    for cell in a._cells.flat:
        cell.anchor = True  # they are needed once for each product
    if tol is None:
        tol = 100 * float(np.finfo(dtype).eps) * max(a.shape) ** 0.5
    start = tsqr(random_basis(a, min(k + N_SPARE, *a.shape), random_state)).Q.astype(dtype)
    for n_rounds in range(1, max_restarts + 1):
        u, s, v = _round(a, start, n_steps)
        residual = _residual(a, u[:, :k], s[:k], v[:, :k])
        _log.debug("lanczos_svd: round %d, residual %.2e", n_rounds, residual)
        if not residual > tol:  # NaN ends it too
            break
        start = v[:, : start.shape[1]]
    else:
        warnings.warn(
            f"lanczos_svd: residual {residual:.1e} after {max_restarts} rounds, not {tol:.1e}; "
            "ask for more steps or restarts, or a larger tol.",
            RuntimeWarning,
            stacklevel=2,
        )
    return TruncatedSVD(u[:, :k], s[:k], adjoint(v[:, :k]))


def _round(a: Array, start: Array, n_steps: int) -> tuple[Array, Array, Array]:
    """Singular vectors and values of the matrix on the space that the start and some steps span."""
    basis = newest = start
    for _ in range(n_steps):
        n_new = min(start.shape[1], min(a.shape) - basis.shape[1])
        if n_new < 1:
            break
        grown = adjoint(a) @ tsqr(a @ newest).Q[:, :n_new]
        basis = tsqr(np.concatenate([basis, grown], axis=1)).Q
        newest = basis[:, -n_new:]
    u, s, wh = svd(a @ basis, full_matrices=False)
    return u, s, basis @ adjoint(wh)


def _residual(a: Array, u: Array, s: Array, v: Array) -> float:
    misses = adjoint(a) @ u - v * s
    squared = np.sum((misses * misses.conj()).real, axis=0)
    ends: Any = np.concatenate([s[:1], np.sqrt(np.max(squared))[None]])
    largest, worst = ends.collect().tolist()
    return float(worst / largest) if largest else 0.0
