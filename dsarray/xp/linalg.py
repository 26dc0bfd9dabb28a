"""The standard's linear algebra: of matrices in the last two axes, and stacks of them; see `dsarray.linalg`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from dsarray import linalg as _linalg
from dsarray._array import Array
from dsarray.linalg._matrices import as_matrices, check_whole, per_matrix
from dsarray.xp._arguments import check_arrays, numpys
from dsarray.xp._manipulation import matrix_transpose

__all__ = ["cholesky", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "inv", "matmul",
           "matrix_norm", "matrix_power", "matrix_rank", "matrix_transpose", "outer", "pinv", "qr", "slogdet",
           "solve", "svd", "svdvals", "tensordot", "trace", "vecdot", "vector_norm"]  # fmt: skip


class EigResult(NamedTuple):
    """Eigenvalues, and eigenvectors as columns."""

    eigenvalues: Array
    eigenvectors: Array


class EighResult(NamedTuple):
    """Eigenvalues, and eigenvectors as columns."""

    eigenvalues: Array
    eigenvectors: Array


class QRResult(NamedTuple):
    """Orthonormal columns, and an upper triangle."""

    Q: Array
    R: Array


class SlogdetResult(NamedTuple):
    """Sign of a determinant, and the logarithm of its absolute value."""

    sign: Array
    logabsdet: Array


class SVDResult(NamedTuple):
    """Left singular vectors as columns, singular values, right singular vectors as conjugate rows."""

    U: Array
    S: Array
    Vh: Array


# --- products --------------------------------------------------------------------------------------------------------


def matmul(x1: Array, x2: Array, /) -> Array:
    """Return the matrix product."""
    check_arrays("matmul", x1, x2)
    return numpys(np.matmul, x1, x2)


def tensordot(x1: Array, x2: Array, /, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Array:
    """Return the sum of products over axes."""
    check_arrays("tensordot", x1, x2)
    return numpys(np.tensordot, x1, x2, axes)


def vecdot(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    """Return the dot products of vectors along an axis, the first ones conjugated.

    Raises
    ------
    ValueError
        When ``axis`` is not negative: the vectors are found before broadcasting.
    """
    check_arrays("vecdot", x1, x2)
    _check_negative(axis, "vecdot")
    return numpys(np.vecdot, x1, x2, axis=axis)


def cross(x1: Array, x2: Array, /, *, axis: int = -1) -> Array:
    """Return the cross products of vectors of 3 elements along an axis, which is counted from the last one."""
    check_arrays("cross", x1, x2)
    _check_negative(axis, "cross")
    return numpys(np.linalg.cross, x1, x2, axis=axis)


def _check_negative(axis: int, where: str) -> None:
    if axis >= 0:
        raise ValueError(f"xp.{where}: axis={axis} is not negative; count it from the last one, -1.")


def outer(x1: Array, x2: Array, /) -> Array:
    """Return all products of the elements of two vectors."""
    check_arrays("outer", x1, x2)
    return numpys(np.linalg.outer, x1, x2)


def matrix_power(x: Array, n: int, /) -> Array:
    """Return a power of square matrices."""
    check_arrays("matrix_power", x)
    return numpys(np.linalg.matrix_power, x, n)


# --- parts and numbers -----------------------------------------------------------------------------------------------


def diagonal(x: Array, /, *, offset: int = 0) -> Array:
    """Return the diagonals of matrices."""
    check_arrays("diagonal", x)
    return numpys(np.diagonal, x, offset, -2, -1)


def trace(x: Array, /, *, offset: int = 0, dtype: Any = None) -> Array:
    """Return the sums of diagonals."""
    check_arrays("trace", x)
    return numpys(np.trace, x, offset, -2, -1, dtype)


def det(x: Array, /) -> Array:
    """Return the determinants of square matrices."""
    check_arrays("det", x)
    return _linalg.det(x)


def slogdet(x: Array, /) -> SlogdetResult:
    """Return signs, and logarithms of the absolute values, of determinants."""
    check_arrays("slogdet", x)
    return SlogdetResult(*_linalg.slogdet(x))


def matrix_rank(x: Array, /, *, rtol: Any = None) -> Array:
    """Return how many singular values exceed ``rtol`` times the greatest; by default ``max(M, N) * eps``."""
    check_arrays("matrix_rank", x)
    if x.ndim < 2:
        raise np.linalg.LinAlgError(f"xp.matrix_rank: an array of {x.ndim} dimensions is no matrix; give two axes.")
    return numpys(np.linalg.matrix_rank, x, rtol=rtol)


def matrix_norm(x: Array, /, *, keepdims: bool = False, ord: Any = "fro") -> Array:  # noqa: A002 - the standard's name
    """Return norms of matrices."""
    check_arrays("matrix_norm", x)
    result: Array = _linalg.matrix_norm(x, keepdims=keepdims, ord="fro" if ord is None else ord)
    return result


def vector_norm(
    x: Array,
    /,
    *,
    axis: int | tuple[int, ...] | None = None,
    keepdims: bool = False,
    ord: Any = 2,  # noqa: A002 - the standard's name
) -> Array:
    """Return norms of the vectors along axes."""
    check_arrays("vector_norm", x)
    result: Array = _linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)
    return result


# --- factors and solutions -------------------------------------------------------------------------------------------


def cholesky(x: Array, /, *, upper: bool = False) -> Array:
    """Return the triangular factors of positive definite matrices."""
    check_arrays("cholesky", x)
    return _linalg.cholesky(x, upper=upper)


def eig(x: Array, /) -> EigResult:
    """Return complex eigenvalues and eigenvectors of square matrices; each is made whole, in one task.

    Raises
    ------
    MemoryError
        When a matrix of several blocks has more than 256 MiB.
    """
    return EigResult(*_whole("eig", _eig, x))


def eigh(x: Array, /) -> EighResult:
    """Return eigenvalues, in order, and eigenvectors of Hermitian matrices."""
    check_arrays("eigh", x)
    return EighResult(*_linalg.eigh(x))


def eigvals(x: Array, /) -> Array:
    """Return complex eigenvalues of square matrices; see `eig`."""
    values: Array = _whole("eigvals", _eigvals, x)
    return values


def eigvalsh(x: Array, /) -> Array:
    """Return eigenvalues, in order, of Hermitian matrices."""
    check_arrays("eigvalsh", x)
    return _linalg.eigvalsh(x)


def _whole(name: str, function: Callable[..., Any], x: Array) -> Any:
    check_arrays(name, x)
    as_matrices(x, f"xp.linalg.{name}")
    if x.grid[-2:] != (1, 1):
        check_whole(f"xp.linalg.{name}", x.shape[-2:], x.dtype)
    return per_matrix(function, x)


def _eig(block: Any) -> tuple[Any, Any]:
    values, vectors = np.linalg.eig(block)
    return _as_complex(values), _as_complex(vectors)


def _eigvals(block: Any) -> Any:
    return _as_complex(np.linalg.eigvals(block))


def _as_complex(values: Any) -> Any:
    return values.astype(np.result_type(values.dtype, np.complex64), copy=False)


def inv(x: Array, /) -> Array:
    """Return the inverses of square matrices."""
    check_arrays("inv", x)
    return _linalg.inv(x)


def pinv(x: Array, /, *, rtol: Any = None) -> Array:
    """Return pseudo-inverses, of the singular values above ``rtol`` times the greatest."""
    check_arrays("pinv", x)
    return _linalg.pinv(x, rtol=rtol)


def qr(x: Array, /, *, mode: str = "reduced") -> QRResult:
    """Return the QR factors of matrices.

    Raises
    ------
    ValueError
        When ``mode`` is neither "reduced" nor "complete".
    """
    check_arrays("qr", x)
    if mode not in ("reduced", "complete"):
        raise ValueError(f"xp.qr: mode={mode!r} is not known; give 'reduced' or 'complete'.")
    return QRResult(*_linalg.qr(x, mode))


def solve(x1: Array, x2: Array, /) -> Array:
    """Return the solutions of systems of linear equations; only an array of one axis is a vector."""
    check_arrays("solve", x1, x2)
    return _linalg.solve(x1, x2)


def svd(x: Array, /, *, full_matrices: bool = True) -> SVDResult:
    """Return the singular value decompositions of matrices."""
    check_arrays("svd", x)
    return SVDResult(*_linalg.svd(x, full_matrices))


def svdvals(x: Array, /) -> Array:
    """Return the singular values of matrices, the greatest first."""
    check_arrays("svdvals", x)
    result: Array = _linalg.svdvals(x)
    return result
