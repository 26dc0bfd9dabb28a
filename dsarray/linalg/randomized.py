"""The largest singular values by random projection (Halko, Martinsson & Tropp 2011).

The matrix is multiplied with matrices of a few columns, block by block; only these, as long as its sides, and the R's
of their QR factorisations travel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dsarray import _random
from dsarray.linalg._matrices import adjoint, as_factors, ask_numpy
from dsarray.linalg.svd import svd
from dsarray.linalg.tsqr import tsqr

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["TruncatedSVD", "check_components", "random_basis", "randomized_svd"]


class TruncatedSVD(NamedTuple):
    """The largest singular values and their vectors."""

    U: Array
    """(m, k) orthonormal columns."""
    S: Array
    """(k,) in descending order."""
    Vh: Array
    """(k, n) orthonormal rows."""


def randomized_svd(
    a: Any, n_components: int, n_oversamples: int = 10, n_power_iterations: int = 4, random_state: Any = None
) -> TruncatedSVD:
    """Compute the largest singular values of a matrix and their vectors, approximately.

    Parameters
    ----------
    a : Array of shape (m, n)
        Any blocks, which may be sparse.
    n_components : int
        How many, at most min(m, n).
    n_oversamples : int
        How many more columns the random projection has.
    n_power_iterations : int
        How often the projection is multiplied with ``a @ a.T``, and made orthonormal on either side.
    random_state : int or None
        Seed; the same seed gives the same projection, however ``a`` is cut.

    Returns
    -------
    U : Array of shape (m, n_components)
    S : Array of shape (n_components,)
    Vh : Array of shape (n_components, n)

    Raises
    ------
    LinAlgError
        When ``a`` is not a matrix.
    ValueError
        When ``n_components`` is not from 1 to min(m, n), or another number is negative.

    Notes
    -----
    With k components, p oversamples, q iterations, l = k + p and s the singular values, the expected error
    ``norm(a - U S Vh, 2)`` is at most ``s[k] * (1 + (1 + 4 * sqrt(2 * min(m, n) / (k - 1))) ** (1 / (2 q + 1)))``
    (their equation 1.11, for p >= k, and the truncation to k). Up to rounding, U and V are orthonormal whatever the
    error is; a matrix of rank k or less is recovered to rounding.

    Examples
    --------
    >>> import numpy as np
    >>> import dsarray as ds
    >>> x = ds.random_array((100, 40), block_size=(30, 20), random_state=0)
    >>> u, s, vh = ds.linalg.randomized_svd(x, 3, random_state=0)
    >>> u.shape, s.shape, vh.shape
    ((100, 3), (3,), (3, 40))
    """
    a = as_factors(a, "randomized_svd")
    check_components(a, n_components, "randomized_svd")
    if n_oversamples < 0 or n_power_iterations < 0:
        raise ValueError(
            f"randomized_svd: n_oversamples={n_oversamples} and n_power_iterations={n_power_iterations} "
            "must not be negative."
        )
    a = a.astype(ask_numpy(np.linalg.svd, [a]).U.dtype)
    for cell in a._cells.flat:
        cell.anchor = True  # they are needed once for each product
    width = min(n_components + n_oversamples, *a.shape)
    q = tsqr(a @ random_basis(a, width, random_state)).Q
    for _ in range(n_power_iterations):
        q = tsqr(a @ tsqr(adjoint(a) @ q).Q).Q
    v, s, uh = svd(adjoint(a) @ q, full_matrices=False)
    return TruncatedSVD(q @ adjoint(uh)[:, :n_components], s[:n_components], adjoint(v)[:n_components])


def check_components(a: Array, n_components: int, where: str) -> None:
    """Raise what is wrong with the number of singular values asked of a matrix."""
    if a.ndim != 2:
        raise np.linalg.LinAlgError(f"{where}: an array of {a.ndim} dimensions is no matrix; take one of the stack.")
    if not 1 <= n_components <= min(a.shape):
        raise ValueError(
            f"{where}: n_components={n_components} of a matrix of shape {a.shape}; ask for 1 to {min(a.shape)}."
        )


def random_basis(a: Array, n_columns: int, random_state: Any) -> Array:
    """Return normally distributed columns for a matrix to be multiplied with; they do not depend on its blocks."""
    lengths = a.chunks[1]
    size: Any = (lengths, -1)
    uniform = _random.random_array((a.shape[1], 2 * n_columns), size, random_state=random_state)
    radius, angle = uniform[:, :n_columns], uniform[:, n_columns:]
    normal: Array = np.sqrt(-2 * np.log1p(-radius)) * np.cos(2 * np.pi * angle)  # Box & Muller 1958
    return normal.astype(np.zeros(0, a.dtype).real.dtype)
