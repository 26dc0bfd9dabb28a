"""Eigenvalues of Hermitian matrices of any size, and of others that one task can hold.

A matrix of several blocks goes whole to one task, if it is at most `WHOLE_BYTES`. A larger Hermitian one is done in
tasks of a few blocks, see `_jacobi`; another one is refused before anything starts.
"""

# ruff: noqa: N803 - NumPy's names of parameters

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _elementwise
from dsarray._cell import Cell, start_cells
from dsarray._registry import implements
from dsarray.linalg._jacobi import large_eigh, to_range
from dsarray.linalg._matrices import as_matrices, ask_numpy, check_whole, is_whole, per_matrix
from dsflow import wait_on

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["eig", "eigh", "eigvals", "eigvalsh"]


@implements(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    """Compute the eigenvalues and eigenvectors of Hermitian matrices, as `numpy.linalg.eigh`.

    Parameters
    ----------
    a : Array of shape (..., n, n)
        Any blocks. A matrix of at most 256 MiB (5792 rows for float64) is made whole, in one task.
    UPLO : {"L", "U"}
        The triangle to look at.

    Returns
    -------
    eigenvalues : Array of shape (..., n)
        In ascending order.
    eigenvectors : Array of shape (..., n, n)
        Columns.

    Raises
    ------
    LinAlgError
        When the matrices are not square; when a large one holds infinity or NaN.
    MemoryError
        When a matrix of a stack has several blocks and is larger.

    Notes
    -----
    The error of each eigenvalue, ``norm(a @ v - v * w)`` and ``norm(a) * norm(I - v^H v)`` are of the order of
    ``n * eps * norm(a)``.

    A larger matrix is done by rotations of pairs of blocks (Jacobi's method, with the order of Becka, Oksa & Vajtersic
    2002), in tasks that need some 200 MiB each. It computes at once, since the number of rounds depends on the values:
    five to ten sweeps of ``10 n**3`` operations, and half of that for the eigenvalues alone.

    Examples
    --------
    >>> import numpy as np
    >>> import dsarray as ds
    >>> w, v = np.linalg.eigh(ds.array([[2.0, 1.0], [1.0, 2.0]], block_size=1))
    >>> w.collect()
    array([1., 3.])
    """
    a = as_matrices(a, "eigh")
    sample = ask_numpy(np.linalg.eigh, [a], UPLO=UPLO)
    if _is_left_to_task(a, sample.eigenvectors.dtype, "eigh"):
        return per_matrix(np.linalg.eigh, a, UPLO=UPLO)
    return type(sample)(*_large(a.astype(sample.eigenvectors.dtype), UPLO, with_vectors=True))


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Array:
    """Compute the eigenvalues of Hermitian matrices, in ascending order; see `eigh`."""
    a = as_matrices(a, "eigvalsh")
    ask_numpy(np.linalg.eigvalsh, [a], UPLO=UPLO)
    dtype = ask_numpy(np.linalg.eigh, [a]).eigenvectors.dtype
    if _is_left_to_task(a, dtype, "eigvalsh"):
        values: Array = per_matrix(np.linalg.eigvalsh, a, UPLO=UPLO)
        return values
    return _large(a.astype(dtype), UPLO, with_vectors=False)[0]


def _is_left_to_task(a: Array, dtype: Any, where: str) -> bool:
    """Whether a task takes a whole matrix: of one block, a small one, or one of a stack."""
    if a.grid[-2:] == (1, 1) or is_whole(a.shape[-2:], dtype):
        return True
    if a.ndim > 2:
        check_whole(where, a.shape[-2:], dtype, "take the matrices of the stack one by one")
    return False


def _large(a: Array, triangle: str, *, with_vectors: bool) -> tuple[Array, Array | None]:
    is_lower = triangle.upper() == "L"
    given: Any = a  # NumPy gives what it is given
    beside: Any = np.tril(given, -1) if is_lower else np.triu(given, 1)
    diagonal: Any = np.diagonal(given).real
    scaled, scale = to_range(a, "eigh", beside, diagonal)  # the rest may be anything
    values, vectors = large_eigh(scaled, lower=is_lower, with_vectors=with_vectors)
    return _elementwise.as_array(values * np.asarray(scale, values.dtype)), vectors


@implements(np.linalg.eig)
def eig(a: Any) -> Any:
    """Compute the eigenvalues and right eigenvectors of matrices, as `numpy.linalg.eig`; each is made whole, in a task.

    It computes at once, since the type of the result depends on the values: real where all eigenvalues are.

    Raises
    ------
    MemoryError
        When a matrix of several blocks has more than 256 MiB, 5792 rows for float64: its Schur form is made in one
        piece. One of one block is done as it is.
    """
    return _of_any(np.linalg.eig, a)


@implements(np.linalg.eigvals)
def eigvals(a: Any) -> Array:
    """Compute the eigenvalues of matrices, as `numpy.linalg.eigvals`; see `eig`."""
    values: Array = _of_any(np.linalg.eigvals, a)
    return values


def _of_any(function: Any, a: Any) -> Any:
    name = function.__name__
    a = as_matrices(a, name)
    sample = ask_numpy(function, [a])
    if a.grid[-2:] != (1, 1):
        dtype = ask_numpy(np.linalg.eigh, [a]).eigenvectors.dtype
        check_whole(f"np.linalg.{name}", a.shape[-2:], dtype)
    results = per_matrix(_COMPLEX[name], a)
    values = results[0] if isinstance(results, tuple) else results
    for cell in a._cells.flat:
        cell.anchor = True
    found = wait_on(start_cells(Cell.of(_has_imaginary, cell) for cell in values._cells.flat))
    if a.dtype.kind == "c" or any(map(bool, found)):
        return type(sample)(*results) if isinstance(sample, tuple) else results
    return type(sample)(*[np.real(each) for each in results]) if isinstance(sample, tuple) else np.real(results)


def _eig(block: Any) -> tuple[Any, Any]:
    values, vectors = np.linalg.eig(block)
    return _as_complex(values), _as_complex(vectors)


def _eigvals(block: Any) -> Any:
    return _as_complex(np.linalg.eigvals(block))


_COMPLEX = {"eig": _eig, "eigvals": _eigvals}


def _as_complex(values: Any) -> Any:
    return values.astype(np.result_type(values.dtype, np.complex64), copy=False)


def _has_imaginary(values: Any) -> bool:
    return bool((values.imag != 0).any())
