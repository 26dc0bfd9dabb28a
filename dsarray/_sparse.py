"""SciPy's sparse matrices as blocks: always CSR, either ``csr_array`` or ``csr_matrix`` as the user has them.

Only what keeps zeros zero is done here; all else is refused, with the advice to make the array dense.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse

from dsarray._grid import Chunks

__all__ = [
    "check_dtype",
    "choose_kernel",
    "dense_part",
    "densify",
    "elements_at",
    "is_sparse",
    "join_sparse",
    "put",
    "reduce_sparse",
    "refuse",
    "to_csr",
    "transpose_sparse",
]

_KEEP_ZEROS = frozenset(
    {
        np.negative, np.positive, np.absolute, np.fabs, np.sqrt, np.square, np.sign, np.conjugate, np.floor, np.ceil,
        np.rint, np.trunc, np.sin, np.tan, np.arcsin, np.arctan, np.sinh, np.tanh, np.arcsinh, np.arctanh, np.expm1,
        np.log1p, np.deg2rad, np.rad2deg, np.cbrt, np.round, np.real, np.imag,
    }
)  # fmt: skip
"""Functions of one argument that are 0 at 0."""


def is_sparse(value: Any) -> bool:
    """Return whether a value is a sparse matrix or array of SciPy."""
    return bool(scipy.sparse.issparse(value))


def to_csr(matrix: Any) -> Any:
    """Return a CSR matrix of the same flavour that shares nothing with the given one."""
    csr = matrix.tocsr(copy=True)
    csr.sum_duplicates()
    return csr


def densify(block: Any) -> Any:
    """Return a block as an ndarray."""
    return block.toarray() if is_sparse(block) else block


def dense_part(block: Any, key: tuple[Any, ...]) -> Any:
    """Return an index of a block as an ndarray, also of no axes; the block is small."""
    return block.toarray()[(*key, ...)]


def elements_at(block: Any, positions: Sequence[Any]) -> Any:
    """Return the elements of a CSR block at pairs of positions as an ndarray of one axis."""
    return np.asarray(densify(block[tuple(positions)])).reshape(-1)  # csr_matrix gives np.matrix, which keeps two axes


def put(block: Any, key: tuple[Any, ...], values: Any, dtype: np.dtype[Any]) -> Any:
    """Return a CSR block in which what integers, slices and new axes select is set; zeros are not stored for that."""
    own = [part for part in key if part is not None]
    rows, columns = (np.atleast_1d(np.arange(n)[part]) for n, part in zip(block.shape, own, strict=True))
    chosen = [np.zeros(n, dtype=bool) for n in block.shape]
    chosen[0][rows], chosen[1][columns] = True, True
    old = block.tocoo()
    kept = ~(chosen[0][old.row] & chosen[1][old.col])
    shape = np.broadcast_to(False, block.shape)[key].shape
    new, at = _entries(values, shape, (len(rows), len(columns)))
    data = np.concatenate([old.data[kept], new.astype(dtype)])
    places = tuple(map(np.concatenate, ((old.row[kept], rows[at[0]]), (old.col[kept], columns[at[1]]))))
    return type(block)((data, places), shape=block.shape, dtype=dtype)


def _entries(values: Any, shape: tuple[int, ...], place: tuple[int, int]) -> tuple[Any, Any]:
    """Return what is not zero of values that are broadcast to a shape, and where in a block of rows and columns."""
    if is_sparse(values) and values.shape == shape:
        stored = values.tocoo()
        return stored.data, (stored.row, stored.col)
    dense = densify(values)
    entries = np.broadcast_to(dense, shape).reshape(place) if np.any(dense) else np.zeros((0, 0))
    at = np.nonzero(entries)
    return entries[at], at


def transpose_sparse(block: Any) -> Any:
    """Return the transpose of a CSR block as CSR."""
    return block.T.tocsr()


def join_sparse(chunks: Chunks, pieces: Sequence[Any]) -> Any:
    """Join CSR pieces, given in C order, to one."""
    n_columns = len(chunks[1])
    rows = [list(pieces[start : start + n_columns]) for start in range(0, len(pieces), n_columns)]
    return scipy.sparse.vstack([scipy.sparse.hstack(row, format="csr") for row in rows], format="csr")


def refuse(what: str) -> TypeError:
    """Return the error for what sparse arrays cannot do."""
    return TypeError(f"{what}: not supported for sparse arrays; use to_dense() first.")


def check_dtype(where: str, dtype: np.dtype[Any]) -> None:
    """Raise TypeError for elements that SciPy's sparse matrices cannot hold."""
    if dtype == np.float16 or dtype.kind not in "biufc":
        raise refuse(f"{where}: elements of dtype {dtype}")


def choose_kernel(
    function: Callable[..., Any], operands: Sequence[Any], n_sparse: int, name: str
) -> Callable[..., Any]:
    """Return what applies an elementwise function to CSR blocks, where that gives CSR blocks.

    Parameters
    ----------
    function : callable
        NumPy's function.
    operands : sequence
        Scalars as they are, and None for each array.
    n_sparse : int
        How many of the arrays are sparse.
    name : str
        What users know the function by, for messages.

    Raises
    ------
    TypeError
        When zeros would not stay zeros.
    """
    arrays = [operand is None for operand in operands]
    if arrays == [True]:
        if function in _KEEP_ZEROS:
            return _MapStored(function)
    elif arrays == [True, True]:
        if function is np.multiply:
            return multiply
        if n_sparse == 2 and function in (np.add, np.subtract):
            return operator.add if function is np.add else operator.sub
    elif len(arrays) == 2 and _keeps_zeros(function, operands):
        return _MapStored(function)
    raise refuse(name)


def _keeps_zeros(function: Callable[..., Any], operands: Sequence[Any]) -> bool:
    scalar = next(operand for operand in operands if operand is not None)
    if not np.isfinite(scalar):
        return False
    if function is np.multiply:
        return True
    if function is np.power:
        return operands[0] is None and not np.iscomplexobj(scalar) and bool(scalar > 0)
    return function is np.true_divide and operands[0] is None and scalar != 0


class _MapStored:
    """Apply a function of one array, and maybe a scalar, to the stored elements."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *operands: Any, **keywords: Any) -> Any:
        matrix = next(operand for operand in operands if is_sparse(operand))
        data = self.function(*[operand.data if operand is matrix else operand for operand in operands], **keywords)
        return type(matrix)((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def multiply(left: Any, right: Any) -> Any:
    """Return the elementwise product of two blocks of which one is sparse, as CSR."""
    matrix, other = (left, right) if is_sparse(left) else (right, left)
    product = matrix.multiply(other).tocsr()
    return product.astype(
        np.result_type(matrix.dtype, other.dtype), copy=False
    )  # SciPy widens a factor of shape (1, 1)


def reduce_sparse(name: str, block: Any, axes: tuple[int, ...], dtype: Any) -> Any:
    """Return a sum, least or greatest element of a CSR block as an ndarray that keeps its axes."""
    axis = None if len(axes) == 2 else axes[0]
    if not block.has_canonical_format:
        block = block.copy()  # SciPy sorts it in place, and blocks are read-only
    if name == "sum":
        reduced = np.asarray(block.sum(axis=axis, dtype=dtype))
    else:
        found = getattr(block, name)(axis=axis)
        reduced = np.asarray(found.toarray() if is_sparse(found) else found)
    return reduced.reshape([1 if i in axes else length for i, length in enumerate(block.shape)])
