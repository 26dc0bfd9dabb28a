"""The same array in other blocks: one task for each new block, which reads only the pieces it needs."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array
from dsarray._cell import Cell, is_view, make_cells
from dsarray._grid import Chunks, Lengths, chunks_for, grid_of, regroup
from dsarray._namespace import dtype_of, namespace
from dsarray._sparse import is_sparse, join_sparse

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["assemble", "check_block", "keep_shared", "to_block_size", "to_chunks"]


def to_block_size(a: Array, block_size: Any) -> Array:
    """Cut an array into blocks of a given size."""
    return to_chunks(a, chunks_for(a.shape, block_size, "rechunk"))


def to_chunks(a: Array, chunks: Chunks) -> Array:
    """Cut an array into given blocks, which must add up to its shape; blocks that stay as they are cost nothing."""
    if chunks == a.chunks:
        return a
    sources = [regroup(old, new) for old, new in zip(a.chunks, chunks, strict=True)]
    plans = [_pieces(a, per_axis) for per_axis in itertools.product(*sources)]
    keep_shared(cell for pieces, _ in plans for cell, key in pieces if key is not None)
    cells = [_join([_part(cell, key) for cell, key in pieces], lengths) for pieces, lengths in plans]
    return _array.Array(make_cells(grid_of(chunks), cells), chunks, a.dtype, sparse=a.sparse)


def _pieces(
    a: Array, per_axis: Sequence[list[tuple[int, slice]]]
) -> tuple[list[tuple[Cell, tuple[slice, ...] | None]], Chunks]:
    """What one new block takes of which cells (None: all of one), in C order, and the chunks these pieces form."""
    pieces: list[tuple[Cell, tuple[slice, ...] | None]] = []
    for choice in itertools.product(*per_axis):
        index = tuple(block for block, _ in choice)
        key = tuple(part for _, part in choice)
        whole = all(
            part == slice(0, lengths[block], 1) for (block, part), lengths in zip(choice, a.chunks, strict=True)
        )
        pieces.append((a._cells[index], None if whole else key))
    lengths = tuple(tuple(part.stop - part.start for _, part in axis) for axis in per_axis)
    return pieces, lengths


def _part(cell: Cell, key: tuple[slice, ...] | None) -> Cell:
    return cell if key is None else cell.part(key)


def _join(pieces: list[Cell], lengths: Chunks) -> Cell:
    return pieces[0] if len(pieces) == 1 else Cell.of(assemble, lengths, *pieces)


def keep_shared(cells: Any) -> None:
    """Make anchors of the cells that occur more than once, unless they cost nothing, so that they are computed once."""
    for cell, n_uses in Counter(cells).items():
        if n_uses > 1 and not is_view(cell):
            cell.anchor = True


def assemble(chunks: Chunks, *pieces: Any) -> Any:
    """Join pieces, given in C order, to one block; ``chunks`` are their lengths along each axis."""
    if is_sparse(pieces[0]):
        return join_sparse(chunks, pieces)
    xp = namespace(pieces[0])
    joined = xp.empty(tuple(map(sum, chunks)), dtype=pieces[0].dtype)
    for piece, key in zip(pieces, itertools.product(*map(_slices, chunks)), strict=True):
        check_block(piece, tuple(part.stop - part.start for part in key))
        joined[key] = piece
    return joined


def check_block(
    block: Any, shape: tuple[int, ...], dtype: np.dtype[Any] | None = None, *, sparse: bool = False
) -> None:
    """Raise ValueError for a block that is not of the shape its place in the grid says, or TypeError for its kind."""
    if not hasattr(block, "shape") or not hasattr(block, "dtype"):
        raise TypeError(
            f"Array: a block is of type {type(block).__name__}, which is no array; make it one, as with np.asarray()."
        )
    if is_sparse(block) != sparse:
        is_what, other = "dense", "as an ndarray, or from_blocks() sparse=True"
        if sparse:
            is_what, other = "sparse", "as a CSR matrix, or without sparse=True"
        raise TypeError(
            f"Array: a block is of type {type(block).__name__}, but the array is {is_what}; give it {other}."
        )
    if tuple(block.shape) != shape:
        raise ValueError(f"Array: a block has shape {block.shape}, not {shape}; correct the chunks given for it.")
    if dtype is not None and not isinstance(dtype_of(block), np.dtype):
        raise TypeError(f"Array: a block of {block.dtype} is no ndarray; make it one, as with np.asarray().")
    if dtype is not None and dtype_of(block) != dtype:
        raise TypeError(f"Array: a block has dtype {block.dtype}, not {dtype}; correct the dtype given for it.")


def _slices(lengths: Lengths) -> list[slice]:
    ends = list(itertools.accumulate(lengths))
    return [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]
