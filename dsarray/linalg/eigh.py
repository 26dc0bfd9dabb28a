"""Eigenvalues: of Hermitian matrices in one task, up to a stated size; of others where they are one block.

A matrix of several blocks goes whole to one task, if it is at most `WHOLE_BYTES`; a larger one is refused before
anything starts. Nothing else travels.
"""

# ruff: noqa: N803 - NumPy's names of parameters

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray._cell import Cell, start_cells
from dsarray._functions import implements
from dsarray.linalg._matrices import as_matrices, ask_numpy, check_whole, per_matrix
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
        Any blocks; each matrix is made whole, in one task.
    UPLO : {"L", "U"}
        The triangle to look at.

    Returns
    -------
    eigenvalues : Array of shape (..., n)
        In ascending order.
    eigenvectors : Array of shape (..., n, n)
        Columns, in one block.

    Raises
    ------
    LinAlgError
        When the matrices are not square.
    MemoryError
        When a matrix of several blocks has more than 256 MiB: 5792 rows for float64.

    Examples
    --------
    >>> import numpy as np
    >>> import dsarray as ds
    >>> w, v = np.linalg.eigh(ds.array([[2.0, 1.0], [1.0, 2.0]], block_size=1))
    >>> w.collect()
    array([1., 3.])
    """
    return _whole(np.linalg.eigh, a, UPLO=UPLO)


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Array:
    """Compute the eigenvalues of Hermitian matrices, in ascending order; see `eigh`."""
    values: Array = _whole(np.linalg.eigvalsh, a, UPLO=UPLO)
    return values


def _whole(function: Any, a: Any, **options: Any) -> Any:
    a = as_matrices(a, function.__name__)
    ask_numpy(function, [a], **options)
    if a.grid[-2:] != (1, 1):
        check_whole(function.__name__, a.shape[-2:], a.dtype)
    return per_matrix(function, a, **options)


@implements(np.linalg.eig)
def eig(a: Any) -> Any:
    """Compute the eigenvalues and right eigenvectors of matrices of one block each, as `numpy.linalg.eig`.

    It computes at once, since the type of the result depends on the values: real where all eigenvalues are.

    Raises
    ------
    TypeError
        When a matrix has several blocks: its Schur form is made in one piece.
    """
    return _of_any(np.linalg.eig, a)


@implements(np.linalg.eigvals)
def eigvals(a: Any) -> Array:
    """Compute the eigenvalues of matrices of one block each, as `numpy.linalg.eigvals`; see `eig`."""
    values: Array = _of_any(np.linalg.eigvals, a)
    return values


def _of_any(function: Any, a: Any) -> Any:
    name = function.__name__
    a = as_matrices(a, name)
    sample = ask_numpy(function, [a])
    if a.grid[-2:] != (1, 1):
        raise TypeError(
            f"np.linalg.{name}: not supported for a matrix of several blocks; use np.linalg.eigh if it is Hermitian, "
            "or rechunk(-1) if one task can hold it."
        )
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
