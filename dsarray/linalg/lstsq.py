"""Least squares, pseudo-inverses, ranks and condition numbers: what singular values tell.

See `qr` and `svd` for what moves. Rank and singular values, which have the size of a model, come to the main program
where the result has them as numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _creation, _elementwise
from dsarray._registry import implements
from dsarray.linalg._matrices import adjoint, as_matrices, ask_numpy
from dsarray.linalg.norm import norm
from dsarray.linalg.solve import inv
from dsarray.linalg.svd import svd, svdvals

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["cond", "lstsq", "matrix_rank", "pinv"]

_NOTHING: Any = np._NoValue


@implements(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: float | None = None) -> tuple[Array, Array, int, Array]:
    """Solve ``a @ x = b`` in the sense of least squares, with the shortest x, as `numpy.linalg.lstsq`.

    It computes the singular values at once, since the shape of the residuals depends on the rank.

    Parameters
    ----------
    a : Array of shape (m, n)
        Any blocks.
    b : array_like of shape (m,) or (m, k)
    rcond : float, optional
        Singular values below ``rcond`` times the largest are taken for 0; by default ``eps * max(m, n)``, and none
        for -1.

    Returns
    -------
    x : Array of shape (n,) or (n, k)
    residuals : Array of shape (k,), or (0,) when the rank is below n or m is not above n
        Sums of squares of ``b - a @ x``.
    rank : int
    s : Array of shape (min(m, n),)
        Singular values.

    Raises
    ------
    LinAlgError
        When the shapes do not fit, or an element of ``a`` is not finite.
    """
    a, right = as_matrices(a, "lstsq"), _elementwise.as_array(b)
    is_vector = right.ndim == 1
    right = as_matrices(right[:, None] if is_vector else right, "lstsq")
    if a.ndim != 2 or right.ndim != 2 or a.shape[0] != right.shape[0]:
        raise np.linalg.LinAlgError(f"lstsq: shapes {a.shape} and {np.shape(b)} do not fit; give (m, n) and (m, k).")
    dtype = ask_numpy(np.linalg.solve, [_empty(a), _empty(right)]).dtype
    a, right = a.astype(dtype), right.astype(dtype)
    u, s, vh = svd(a, full_matrices=False)
    eps = np.finfo(dtype).eps
    limit = rcond if rcond is not None else eps * max(a.shape)
    values = s.collect()
    if not np.isfinite(values).all():
        raise np.linalg.LinAlgError("lstsq: SVD did not converge in Linear Least Squares; a holds infinity or NaN.")
    is_kept = values > (eps if limit < 0 else limit) * values.max(initial=0)
    rank = int(is_kept.sum())
    inverse = np.divide(1, values, where=is_kept, out=np.zeros_like(values))
    x = adjoint(vh) @ (inverse[:, None] * (adjoint(u) @ right))
    if rank == a.shape[1] < a.shape[0]:
        misses = right - a @ x
        residuals = np.sum((misses * np.conjugate(misses)).real, axis=0)
    else:
        residuals = _elementwise.as_array(np.empty(0, values.dtype))
    return (x[:, 0] if is_vector else x), residuals, rank, s


def _empty(a: Array) -> Array:
    return _creation.zeros((1, 1), dtype=a.dtype)


@implements(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = _NOTHING) -> Array:
    """Compute the pseudo-inverse of a matrix, or of each of a stack, as `numpy.linalg.pinv`; see `svd`."""
    a = as_matrices(a, "pinv")
    if rcond is not None and rtol is not _NOTHING:
        raise ValueError("pinv: rtol and rcond cannot both be set; give one of them.")
    if rcond is None:
        rcond = 1e-15 if rtol is _NOTHING else rtol
    if rcond is None:
        rcond = max(a.shape[-2:]) * np.finfo(a.dtype).eps
    if 0 in a.shape[-2:]:
        return _creation.zeros((*a.shape[:-2], a.shape[-1], a.shape[-2]), dtype=a.dtype)
    u, s, vh = svd(a, full_matrices=False, hermitian=hermitian)
    cutoff = np.asarray(rcond)[..., None] * np.max(s, axis=-1, keepdims=True)
    inverse = _elementwise.elementwise(_inverted, s, cutoff)
    result: Array = adjoint(vh) @ (inverse[..., None] * adjoint(u))
    return result


def _inverted(values: Any, cutoff: Any) -> Any:
    large = values > cutoff
    return np.where(large, 1 / np.where(large, values, 1), 0).astype(values.dtype)


@implements(np.linalg.matrix_rank)
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:  # noqa: N803 - NumPy's
    """Return the rank of a matrix, or of each of a stack, as `numpy.linalg.matrix_rank`; see `svd`."""
    if rtol is not None and tol is not None:
        raise ValueError("matrix_rank: tol and rtol cannot both be set; give one of them.")
    a = _elementwise.as_array(A)
    if a.ndim < 2:
        return (a != 0).any().astype(np.intp)
    s = svd(a, compute_uv=False, hermitian=hermitian)
    if tol is None:
        relative = max(a.shape[-2:]) * np.finfo(s.dtype).eps if rtol is None else np.asarray(rtol)[..., None]
        tol = np.max(s, axis=-1, keepdims=True) * relative if s.shape[-1] else 0
    else:
        tol = np.asarray(tol)[..., None]
    return np.sum(s > tol, axis=-1)


@implements(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """Return the condition number of a matrix, or of each of a stack, as `numpy.linalg.cond`; see `svd` and `inv`."""
    a = as_matrices(x, "cond")
    if 0 in a.shape[-2:]:
        raise np.linalg.LinAlgError("cond is not defined on empty arrays")
    if p in (None, 2, -2):
        s = svdvals(a)
        first, last = s[..., 0], s[..., -1]
        ratio = _elementwise.elementwise(_quietly_divided, *((last, first) if p == -2 else (first, last)))
    else:
        ratio = norm(a, p, axis=(-2, -1)) * norm(inv(a), p, axis=(-2, -1))
    has_nan = np.isnan(a).any(axis=(-2, -1))
    return _elementwise.elementwise(_infinite_unless, ratio, has_nan)


def _quietly_divided(x: Any, y: Any) -> Any:
    with np.errstate(all="ignore"):
        return x / y


def _infinite_unless(ratio: Any, has_nan: Any) -> Any:
    return np.where(np.isnan(ratio) & ~has_nan, ratio.dtype.type(np.inf), ratio)
