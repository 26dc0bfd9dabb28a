"""What all factorisations begin with: arguments as Arrays, NumPy's opinion of them, and what NumPy does by itself.

A matrix of one block, or stacks of matrices, whose last two axes are made whole, are left to NumPy: one task for each
block. Nothing else moves.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array, _elementwise, _matmul, _rechunk
from dsarray._cell import Cell, make_cells
from dsarray._grid import Chunks, Lengths, grid_of

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = [
    "WHOLE_BYTES",
    "adjoint",
    "as_factors",
    "as_matrices",
    "ask_numpy",
    "check_whole",
    "from_cell",
    "in_rows",
    "is_left_to_numpy",
    "is_whole",
    "per_matrix",
    "square_lengths",
    "take",
]

WHOLE_BYTES = 1 << 28
"""Bytes of the largest matrix of several blocks that one task works on as a whole, 256 MiB."""

FOR_SCHUR = "use np.linalg.eigh if it is Hermitian, or rechunk(-1) if one task can hold it"
"""What to do with a matrix whose Schur form cannot be made in one piece."""


def as_matrices(value: Any, where: str) -> Array:
    """Return an argument as an Array of matrices.

    Raises
    ------
    LinAlgError
        When it has fewer than two axes.
    TypeError
        When it is sparse.
    """
    return as_factors(_elementwise.as_dense(value, where), where)


def as_factors(value: Any, where: str) -> Array:
    """Return an argument as an Array of matrices that are only multiplied with others, and may be sparse.

    Raises
    ------
    LinAlgError
        When it has fewer than two axes.
    """
    a = _elementwise.as_array(value)
    if a.ndim < 2:
        raise np.linalg.LinAlgError(f"{where}: an array of {a.ndim} dimensions is no matrix; give at least two.")
    return a


def is_left_to_numpy(*arrays: Array) -> bool:
    """Return whether tasks take whole matrices: stacks, and matrices of one block each."""
    return any(a.ndim > 2 for a in arrays) or all(a.n_blocks == 1 for a in arrays)


def ask_numpy(function: Callable[..., Any], arrays: Sequence[Array], **options: Any) -> Any:
    """Let NumPy work on a stack of no such matrices: it tells shapes and types, and raises what it would."""
    return function(*[np.empty((0, *a.shape[-2:]), a.dtype) for a in arrays], **options)


def per_matrix(function: Callable[..., Any], *arrays: Array, **options: Any) -> Any:
    """Return what one of NumPy's functions gives for each matrix; matrices are made whole."""
    sample = ask_numpy(function, arrays, **options)
    whole = [_rechunk.to_chunks(a, (*a.chunks[:-2], *((n,) for n in a.shape[-2:]))) for a in arrays]
    stacks, aligned = _matmul.align_stacks(*whole)
    grid = grid_of(stacks)
    operands = [np.broadcast_to(a._cells[..., 0, 0], grid).flat for a in aligned]
    calls = [Cell.of(_call, function, *blocks, anchor=True, **options) for blocks in zip(*operands, strict=True)]
    if not isinstance(sample, tuple):
        return _gathered(calls, stacks, sample)
    parts = [[take(call, i) for call in calls] for i in range(len(sample))]
    results = [_gathered(cells, stacks, like) for cells, like in zip(parts, sample, strict=True)]
    return type(sample)(*results) if hasattr(sample, "_fields") else tuple(results)


def _call(function: Callable[..., Any], *blocks: Any, **options: Any) -> Any:
    result = function(*blocks, **options)
    return tuple(result) if isinstance(result, tuple) else np.asarray(result) if np.isscalar(result) else result


def _gathered(cells: Sequence[Cell], stacks: Chunks, like: Any) -> Array:
    chunks = (*stacks, *((n,) for n in like.shape[1:]))
    return _array.Array(make_cells(grid_of(chunks), cells), chunks, like.dtype)


def take(cell: Cell, position: int) -> Cell:
    """Return the cell of one of several results."""
    return Cell.of(operator.getitem, cell, position)


def from_cell(cell: Cell, shape: Sequence[int], dtype: Any) -> Array:
    """Return an Array of one block."""
    chunks = tuple((n,) for n in shape)
    return _array.Array(make_cells(grid_of(chunks), [cell]), chunks, dtype)


def in_rows(a: Array) -> Array:
    """Return a matrix whose blocks are whole rows."""
    return _rechunk.to_chunks(a, (a.chunks[0], (a.shape[1],)))


def square_lengths(a: Array) -> Lengths:
    """Return how to cut both axes of a square matrix alike: as the one that is cut more, without empty blocks."""
    return tuple(n for n in max(a.chunks, key=len) if n) or (0,)


def is_whole(shape: Sequence[int], dtype: Any) -> bool:
    """Return whether a matrix of several blocks is small enough for one task."""
    return _bytes_of(shape, dtype) <= WHOLE_BYTES


def _bytes_of(shape: Sequence[int], dtype: Any) -> int:
    return math.prod(map(int, shape)) * int(np.dtype(dtype).itemsize)


def check_whole(where: str, shape: Sequence[int], dtype: Any, advice: str = FOR_SCHUR) -> None:
    """Raise MemoryError for a matrix that is too large for one task."""
    n_bytes = _bytes_of(shape, dtype)
    if n_bytes > WHOLE_BYTES:
        raise MemoryError(
            f"{where}: a matrix of shape {tuple(shape)} and {n_bytes} bytes would be one task's, at most "
            f"{WHOLE_BYTES} are; {advice}."
        )


def adjoint(a: Any) -> Any:
    """Return the conjugate transpose of a matrix, or of each matrix of a stack."""
    transposed = np.transpose(a, (*range(a.ndim - 2), a.ndim - 1, a.ndim - 2))
    return np.conjugate(transposed) if a.dtype.kind == "c" else transposed
