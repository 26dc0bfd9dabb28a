"""Parts of arrays: integers, slices, new axes, positions and masks.

Slices are recorded, and one that takes whole blocks is those blocks. Positions are gathered in one task for each block
of the result. A mask that is an Array is counted at once, so that shapes are always ints; its values stay where they
are.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsarray import _array, _fancy, _index, _lookup, _reshape, _sparse
from dsarray._cell import Cell, make_cells
from dsarray._grid import Chunks, Lengths, grid_of, locate, offsets, slice_pieces

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["Piece", "basic", "get", "iterate", "lengths_of", "pieces"]

MANY = 1 << 20
"""Positions that are an Array of one axis do not come to the main program if they are more than these."""


def get(a: Array, key: Any) -> Array:
    """Return a part of an array.

    Raises
    ------
    IndexError
        When the index does not fit, or is of a kind that is not supported.
    """
    index = _index.read(key, a.shape)
    if not index.chosen:
        part = basic(a, index.parts)
        part.is_scalar = part.is_scalar and not _index.is_open(key)
        return part
    mask = index.mask
    if mask is not None and mask.ndim:
        return _compress(a, index, mask)
    return _choose(a, index)


def _others(a: Array, index: _index.Index) -> Array:
    """Apply all parts of an index that are not arrays; the axes that these choose from stay whole."""
    parts: list[Any] = []
    for part in index.parts:
        parts += [slice(None)] * _index.n_axes_of(part) if _index.is_array(part) else [part]
    return basic(a, parts) if any(part != slice(None) for part in parts) else a


def _compress(a: Array, index: _index.Index, mask: Any) -> Array:
    """Return a part in which one mask chooses."""
    if a.sparse and mask.ndim > 1:
        raise _sparse.refuse("Array: a mask of two axes")
    axis = sum(not isinstance(part, int) for part in index.parts[: index.chosen[0]])
    return _reshape.move_axis(_fancy.compress(_others(a, index), axis, mask), axis, index.place)


def _choose(a: Array, index: _index.Index) -> Array:
    """Return a part in which positions choose."""
    if len(index.chosen) == 1 and not a.sparse:
        only = index.parts[index.chosen[0]]
        if isinstance(only, _array.Array) and only.ndim == 1 and only.size > MANY:
            axis = _axes_after(index)[0]
            return _reshape.move_axis(_lookup.gather_by_tasks(_others(a, index), axis, only), axis, index.place)
    axes, positions = _index.positions_of(index, a.shape)
    if not axes:
        blank = index.with_axis_for_chosen()
        return basic(a, [*blank.parts])[(slice(None),) * index.place + (slice(positions[0].size),)]
    base = _others(a, index)
    own = _axes_after(index)
    if len(own) == 1 and positions[0].ndim == 1:
        return _reshape.move_axis(_fancy.gather(base, own[0], positions[0]), own[0], index.place)
    lists = _index.as_lists(positions)
    if lists:
        for axis, each in zip(own, lists, strict=True):
            base = _fancy.gather(base, axis, each)
        others = [axis for axis in range(base.ndim) if axis not in own]
        return _reshape.transpose(base, [*others[: index.place], *own, *others[index.place :]])
    if base.sparse and len(own) == 1:
        raise _sparse.refuse(f"Array: positions of {positions[0].ndim} dimensions along one axis")
    return _fancy.pick(base, own, positions, index.place)


def _axes_after(index: _index.Index) -> tuple[int, ...]:
    """The axes that arrays choose from, when all other parts have been applied."""
    axes: list[int] = []
    axis = 0
    for part in index.parts:
        if _index.is_array(part):
            axes += range(axis, axis + _index.n_axes_of(part))
            axis += _index.n_axes_of(part)
        else:
            axis += not isinstance(part, int)
    return tuple(axes)


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
        rows = basic(a, [slice(start, stop), *[slice(None)] * (a.ndim - 1)])
        cells = make_cells(rows.grid, [Cell.of(_same, cell, anchor=True) for cell in rows._cells.flat])
        kept = _array.Array(cells, rows.chunks, a.dtype, sparse=a.sparse)
        yield from (get(kept, position) for position in range(stop - start))


def _same(block: Any) -> Any:
    return block


# --- integers and slices ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Piece:
    """What a part takes of one block, along one axis."""

    block: int
    key: int | slice
    whole: bool
    """True if that is the whole block, in order."""


def basic(a: Array, parts: list[Any]) -> Array:
    """Return a part given by integers, slices and new axes; what an integer takes of a sparse array is dense."""
    sparse = a.sparse and not any(isinstance(part, int) for part in parts)
    if sparse and None in parts:
        raise _sparse.refuse("Array: a new axis in an index")
    axes = iter(range(a.ndim))
    own = [part for part in parts if part is not None]
    taken = [pieces(a.chunks[axis], part, axis) for axis, part in zip(axes, own, strict=True)]
    lengths = iter([lengths_of(each) for each in taken])
    kept: list[Lengths] = []
    for part in parts:
        along: Lengths | None = (1,) if part is None else next(lengths)
        if along is not None:
            kept.append(along)
    chunks: Chunks = tuple(kept)
    take = _take_dense if a.sparse and not sparse else _take
    has_new_axes = len(own) < len(parts)
    cells = [take(a, choice, parts if has_new_axes else None) for choice in itertools.product(*taken)]
    return _array.Array(make_cells(grid_of(chunks), cells), chunks, a.dtype, sparse=sparse)


def pieces(lengths: Lengths, part: int | slice, axis: int) -> list[Piece]:
    """Return what an integer or slice takes of the blocks of an axis."""
    if isinstance(part, slice):
        found = slice_pieces(lengths, part)
        return [Piece(block, taken, taken == slice(0, lengths[block], 1)) for block, taken in found]
    n = sum(lengths)
    if not -n <= part < n:
        raise IndexError(f"Array: index {part} is out of bounds for axis {axis} with size {n}.")
    block, local = locate(lengths, part % n)
    return [Piece(block, local, whole=False)]


def lengths_of(taken: list[Piece]) -> Lengths | None:
    """Block lengths of the result along one axis; None if the axis is gone."""
    if isinstance(taken[0].key, int):
        return None
    return tuple(len(range(*piece.key.indices(piece.key.start + 1 if piece.key.step < 0 else piece.key.stop)))
                 for piece in taken if isinstance(piece.key, slice))  # fmt: skip


def _take(a: Array, choice: tuple[Piece, ...], parts: list[Any] | None) -> Cell:
    cell: Cell = a._cells[tuple(piece.block for piece in choice)]
    if parts is None:
        return cell if all(piece.whole for piece in choice) else cell.part(tuple(piece.key for piece in choice))
    keys = iter(choice)
    return cell.part(tuple(None if part is None else next(keys).key for part in parts))


def _take_dense(a: Array, choice: tuple[Piece, ...], parts: list[Any] | None) -> Cell:
    """Take a sparse row, column or element of a block, and make only that dense."""
    keys = [piece.key for piece in choice]
    thin = a._cells[tuple(piece.block for piece in choice)].part(
        tuple(slice(key, key + 1) if isinstance(key, int) else key for key in keys)
    )
    left = iter([0 if isinstance(key, int) else slice(None) for key in keys])
    return Cell.of(_sparse.dense_part, thin, tuple(None if part is None else next(left) for part in parts or keys))
