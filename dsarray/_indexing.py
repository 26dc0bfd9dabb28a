"""Parts of arrays: integers, slices, new axes, one list of positions or one mask.

Slices are recorded, and one that takes whole blocks is those blocks. Positions are gathered in one task for each block
of the result. A mask that is an Array is counted at once, so that shapes are always ints; its values stay where they
are.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array, _rechunk, _reshape
from dsarray._cell import Cell, make_cells, start_cells
from dsarray._grid import Chunks, Lengths, cut, grid_of, locate, offsets, slice_pieces
from dsarray._namespace import namespace
from dsarray._sparse import is_sparse
from dsflow import wait_on

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["get", "iterate"]


def get(a: Array, key: Any) -> Array:
    """Return a part of an array.

    Raises
    ------
    IndexError
        When the index does not fit, or is of a kind that is not supported.
    """
    parts = _expand(a, key if isinstance(key, tuple) else (key,))
    chosen = [i for i, part in enumerate(parts) if _is_array(part)]
    if len(chosen) > 1:
        raise IndexError(
            "Array: more than one list, array or mask in an index is not supported; apply them one by one."
        )
    if not chosen:
        return _basic(a, parts)
    return _choose(a, parts, chosen[0])


def iterate(a: Array) -> Iterator[Array]:
    """Yield the parts along the first axis; blocks are started once, not for each part."""
    n = len(a)
    if a.streamed:
        return _iterate_streamed(a)
    for cell in a._cells.flat:
        cell.anchor = True
    return (get(a, position) for position in range(n))


def _iterate_streamed(a: Array) -> Iterator[Array]:
    """Yield the parts along the first axis, and keep one row of blocks at a time."""
    for start, stop in itertools.pairwise(offsets(a.chunks[0])):
        rows = _basic(a, [slice(start, stop), *[slice(None)] * (a.ndim - 1)])
        cells = make_cells(rows.grid, [Cell.of(_same, cell, anchor=True) for cell in rows._cells.flat])
        kept = _array.Array(cells, rows.chunks, a.dtype, sparse=a.sparse)
        yield from (get(kept, position) for position in range(stop - start))


def _same(block: Any) -> Any:
    return block


# --- what the user wrote ---------------------------------------------------------------------------------------------


def _is_array(part: Any) -> bool:
    return isinstance(part, (np.ndarray, _array.Array))


def _expand(a: Array, key: tuple[Any, ...]) -> list[Any]:
    """Return the index with one entry an axis, and None for each new axis."""
    parts = [_checked(part) for part in key]
    n_ellipses = sum(part is Ellipsis for part in parts)
    if n_ellipses > 1:
        raise IndexError("Array: an index can only have a single ellipsis ('...').")
    n_axes = sum(part is not None and part is not Ellipsis for part in parts)
    if n_axes > a.ndim:
        raise IndexError(f"Array: {n_axes} indices for an array of {a.ndim} dimensions; leave some away.")
    fill = [slice(None)] * (a.ndim - n_axes)
    at = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
    return [*parts[:at], *fill, *parts[at + n_ellipses :]]


def _checked(part: Any) -> Any:
    """Return one entry of an index as an int, a slice, None, Ellipsis, an ndarray or an Array."""
    if part is None or part is Ellipsis or isinstance(part, slice):
        return part
    if isinstance(part, (bool, np.bool_)):
        raise IndexError(f"Array: {part} as an index is not supported; use a mask with one value a row.")
    if hasattr(part, "__index__") and not isinstance(part, (np.ndarray, _array.Array)):
        return operator.index(part)
    if not isinstance(part, _array.Array):
        part = np.asarray(part)
        part = part.astype(np.intp) if part.size == 0 and part.dtype.kind == "f" else part
    if part.ndim == 0 and part.dtype.kind in "iu":
        return int(part)
    if part.dtype.kind not in "biu":
        raise IndexError(
            f"Array: an index of dtype {part.dtype} is not supported; use ints, slices, lists of ints or masks."
        )
    if part.ndim != 1:
        raise IndexError(f"Array: an index of {part.ndim} dimensions is not supported; use one of 1 dimension.")
    return part


# --- integers and slices ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Piece:
    """What a part takes of one block, along one axis."""

    block: int
    key: int | slice
    whole: bool
    """True if that is the whole block, in order."""


def _basic(a: Array, parts: list[Any]) -> Array:
    """Return a part given by integers, slices and new axes."""
    if a.sparse and any(part is None or isinstance(part, int) for part in parts):
        raise IndexError("Array: an integer or new axis in the index of a sparse array is not supported; use x[i:i+1].")
    axes = iter(range(a.ndim))
    own = [part for part in parts if part is not None]
    taken = [_pieces(a.chunks[axis], part, axis) for axis, part in zip(axes, own, strict=True)]
    lengths = iter([_lengths(pieces) for pieces in taken])
    kept: list[Lengths] = []
    for part in parts:
        along: Lengths | None = (1,) if part is None else next(lengths)
        if along is not None:
            kept.append(along)
    chunks: Chunks = tuple(kept)
    has_new_axes = len(own) < len(parts)
    cells = [_take(a, choice, parts if has_new_axes else None) for choice in itertools.product(*taken)]
    return _array.Array(make_cells(grid_of(chunks), cells), chunks, a.dtype, sparse=a.sparse)


def _pieces(lengths: Lengths, part: int | slice, axis: int) -> list[Piece]:
    if isinstance(part, slice):
        found = slice_pieces(lengths, part)
        return [Piece(block, taken, taken == slice(0, lengths[block], 1)) for block, taken in found]
    n = sum(lengths)
    if not -n <= part < n:
        raise IndexError(f"Array: index {part} is out of bounds for axis {axis} with size {n}.")
    block, local = locate(lengths, part % n)
    return [Piece(block, local, whole=False)]


def _lengths(pieces: list[Piece]) -> Lengths | None:
    """Block lengths of the result along one axis; None if the axis is gone."""
    if isinstance(pieces[0].key, int):
        return None
    return tuple(len(range(*piece.key.indices(piece.key.start + 1 if piece.key.step < 0 else piece.key.stop)))
                 for piece in pieces if isinstance(piece.key, slice))  # fmt: skip


def _take(a: Array, choice: tuple[Piece, ...], parts: list[Any] | None) -> Cell:
    cell: Cell = a._cells[tuple(piece.block for piece in choice)]
    if parts is None:
        return cell if all(piece.whole for piece in choice) else cell.part(tuple(piece.key for piece in choice))
    keys = iter(choice)
    return cell.part(tuple(None if part is None else next(keys).key for part in parts))


# --- positions and masks ---------------------------------------------------------------------------------------------


def _choose(a: Array, parts: list[Any], at: int) -> Array:
    """Return a part in which one axis is given by positions or a mask."""
    chosen = parts[at]
    others = [slice(None) if i == at else part for i, part in enumerate(parts)]
    axis_before = sum(part is not None for part in parts[:at])
    base = _basic(a, others) if any(part != slice(None) for part in others) else a
    axis = at - sum(isinstance(part, int) for part in parts[:at])
    n = a.shape[axis_before]
    if chosen.dtype == bool:
        if len(chosen) != n:
            raise IndexError(f"Array: a mask of {len(chosen)} values does not fit axis {axis_before} with size {n}.")
        result = _compress(base, axis, chosen)
    else:
        positions = np.asarray(chosen)
        wrong = positions[(positions < -n) | (positions >= n)]
        if wrong.size:
            raise IndexError(f"Array: index {wrong[0]} is out of bounds for axis {axis_before} with size {n}.")
        positions = positions.astype(np.intp)
        result = _gather(base, axis, np.where(positions < 0, positions + n, positions))
    return _reshape.move_axis(result, axis, 0) if _goes_first(parts) else result


def _goes_first(parts: list[Any]) -> bool:
    """Whether NumPy puts the chosen axis first: when a slice or new axis lies between it and an integer."""
    advanced = [i for i, part in enumerate(parts) if _is_array(part) or isinstance(part, int)]
    return advanced[-1] - advanced[0] >= len(advanced)


def _compress(a: Array, axis: int, mask: Any) -> Array:
    """Return what a mask selects along an axis, in blocks cut as before."""
    lengths = a.chunks[axis]
    masks: list[Any]
    if isinstance(mask, _array.Array):
        masks = list(_rechunk.to_chunks(mask, (lengths,))._cells.flat)
        for cell in masks:
            cell.anchor = True
        counts = tuple(map(int, wait_on(start_cells(Cell.of(np.count_nonzero, cell) for cell in masks))))
    else:
        bounds = itertools.pairwise(offsets(lengths))
        masks = [np.flatnonzero(mask[start:stop]) for start, stop in bounds]
        counts = tuple(found.size for found in masks)
    cells = [Cell.of(_select, a._cells[index], masks[index[axis]], axis) for index in np.ndindex(a.grid)]
    chunks = (*a.chunks[:axis], counts, *a.chunks[axis + 1 :])
    return _array.Array(make_cells(a.grid, cells), chunks, a.dtype, sparse=a.sparse)


def _select(block: Any, chosen: Any, axis: int) -> Any:
    return block[(*(slice(None),) * axis, chosen)]


def _gather(a: Array, axis: int, positions: Any) -> Array:
    """Return what is at positions along an axis, in the order asked for."""
    lengths = cut(len(positions), max(1, *a.chunks[axis]))
    starts = np.array(offsets(a.chunks[axis]))
    owners = np.searchsorted(starts, positions, side="right") - 1
    bounds = list(itertools.pairwise(offsets(lengths)))
    chunks = (*a.chunks[:axis], lengths, *a.chunks[axis + 1 :])
    plans = [_plan(positions[i:j] - starts[owners[i:j]], owners[i:j]) for i, j in bounds]
    others = [range(n) for i, n in enumerate(a.grid) if i != axis]
    used = (a._cells[(*rest[:axis], block, *rest[axis:])]
            for rest in itertools.product(*others) for blocks, _, _ in plans for block in blocks)  # fmt: skip
    _rechunk.keep_shared(used)
    cells = []
    for index in itertools.product(*map(range, grid_of(chunks))):
        blocks, taken, order = plans[index[axis]]
        pieces = [
            Cell.of(_select, a._cells[(*index[:axis], block, *index[axis + 1 :])], local, axis)
            for block, local in zip(blocks, taken, strict=True)
        ]
        cells.append(pieces[0] if len(pieces) == 1 else Cell.of(_interleave, axis, order, *pieces))
    return _array.Array(make_cells(grid_of(chunks), cells), chunks, a.dtype, sparse=a.sparse)


def _plan(local: Any, owners: Any) -> tuple[list[int], list[Any], Any]:
    """Return the blocks needed, what is taken of each, and where these pieces' elements go when put together."""
    blocks = np.unique(owners) if len(owners) else np.zeros(1, dtype=np.intp)
    members = [np.flatnonzero(owners == block) for block in blocks]
    return blocks.tolist(), [local[member] for member in members], np.argsort(np.concatenate(members))


def _interleave(axis: int, order: Any, *pieces: Any) -> Any:
    if is_sparse(pieces[0]):
        lengths = [piece.shape[axis] for piece in pieces]
        other = (pieces[0].shape[1 - axis],)
        chunks = (tuple(lengths), other) if axis == 0 else (other, tuple(lengths))
        joined = _rechunk.assemble(chunks, *pieces)
    else:
        joined = namespace(pieces[0]).concatenate(pieces, axis=axis)
    return _select(joined, order, axis)
