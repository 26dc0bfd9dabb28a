"""Elements at positions, and what masks select: one task for each block of the result, which reads what it needs.

The positions of each block are planned in the main program and travel with its task. What a mask selects of a block
stays where the block is; only how much that is comes to the main program.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dsarray import _array, _elementwise, _rechunk
from dsarray._cell import Cell, Value, make_cells, start_cells
from dsarray._grid import Chunks, Lengths, block_indices, cut, grid_of, offsets
from dsarray._namespace import adopt, namespace
from dsarray._sparse import elements_at, is_sparse
from dsflow import wait_on

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["compress", "cut_for_mask", "gather", "group_by_block", "mask_cells", "operand", "pick", "place_of"]


EMBEDDED_BYTES = 4096
"""Values of the main program of no more bytes travel with each task that needs them."""

# --- masks -----------------------------------------------------------------------------------------------------------


def cut_for_mask(a: Array, axis: int, n_axes: int) -> Array:
    """Cut an array so that blocks side by side hold, in C order, what a mask of axes selects.

    Of the axes that the mask has, all but the first become whole; rows get thinner so that blocks do not grow.
    """
    trailing = range(axis + 1, axis + n_axes)
    if all(a.grid[i] == 1 for i in trailing):
        return a
    n_elements = math.prod(max(a.chunks[i]) for i in range(axis, axis + n_axes))
    n_rows = max(1, n_elements // max(1, math.prod(a.shape[i] for i in trailing)))
    rows = tuple(itertools.chain.from_iterable(cut(length, n_rows) for length in a.chunks[axis]))
    chunks = tuple((sum(lengths),) if i in trailing else lengths for i, lengths in enumerate(a.chunks))
    return _rechunk.to_chunks(a, (*chunks[:axis], rows, *chunks[axis + 1 :]))


def mask_cells(mask: Any, chunks: Chunks, *, shared: bool = True) -> list[Cell]:
    """Return the cells of a mask, cut into blocks, in C order; ``shared`` if each is read more than once."""
    cells = list(_rechunk.to_chunks(_elementwise.as_array(mask), chunks)._cells.flat)
    for cell in cells:
        cell.anchor = cell.anchor or shared
    return cells


def operand(cell: Cell) -> Any:
    """Return a cell, or its value if that is of the main program and small enough to travel with a program."""
    if isinstance(cell.state, Value) and adopt(cell.state.value).nbytes <= EMBEDDED_BYTES:
        return cell.state.value
    return cell


def count_selected(mask: Any, lengths: Lengths, cells: Sequence[Cell]) -> Lengths:
    """Return how much each block of a mask selects; the mask is cut along its first axis only."""
    if isinstance(mask, np.ndarray):
        bounds = itertools.pairwise(offsets(lengths))
        return tuple(int(np.count_nonzero(mask[start:stop])) for start, stop in bounds)
    return tuple(map(int, wait_on(start_cells(Cell.of(_count, cell) for cell in cells))))


def _count(mask: Any) -> int:
    return int(np.count_nonzero(mask))


def compress(a: Array, axis: int, mask: Any) -> Array:
    """Return what a mask of axes, from one on, selects along them; it is one axis, in blocks cut as before."""
    a = cut_for_mask(a, axis, mask.ndim)
    lengths = a.chunks[axis]
    cells = mask_cells(mask, a.chunks[axis : axis + mask.ndim])
    counts = count_selected(mask, lengths, cells)
    picked = [_select_cell(a._cells[index], cells[index[axis]], axis) for index in block_indices(a.chunks)]
    chunks = (*a.chunks[:axis], counts, *a.chunks[axis + mask.ndim :])
    return _array.Array(make_cells(grid_of(chunks), picked), chunks, a.dtype, sparse=a.sparse)


def _select_cell(cell: Cell, chosen: Cell, axis: int) -> Cell:
    return Cell.of(_select, cell, operand(chosen), axis)


def _select(block: Any, chosen: Any, axis: int) -> Any:
    if isinstance(block, np.ndarray) and getattr(chosen, "ndim", None) == 1:
        if chosen.dtype == bool and len(chosen) == block.shape[axis]:
            chosen = np.flatnonzero(chosen)
        if chosen.dtype == np.intp:
            return block.take(chosen, axis)  # as block[..., chosen], in half of the time
    return block[(*(slice(None),) * axis, chosen)]


# --- positions along one axis ----------------------------------------------------------------------------------------


class Group(NamedTuple):
    """Positions that lie in one block."""

    block: tuple[int, ...]
    """The place of the block along the axes in question."""
    members: Any
    """Which of the positions these are."""
    local: list[Any]
    """Where they are in the block, along each of the axes."""


def group_by_block(lengths: Sequence[Lengths], positions: Sequence[Any]) -> list[Group]:
    """Group positions, one flat ndarray an axis, by the block that holds them; there is at least one group."""
    grid = tuple(map(len, lengths))
    starts = [np.array(offsets(each)) for each in lengths]
    owners = [np.searchsorted(s, p, side="right") - 1 for s, p in zip(starts, positions, strict=True)]
    local = [p - s[o] for p, s, o in zip(positions, starts, owners, strict=True)]
    flat = np.ravel_multi_index(owners, grid) if len(positions[0]) else np.zeros(0, dtype=np.intp)
    order = np.argsort(flat, kind="stable")
    blocks, first = np.unique(flat[order], return_index=True)
    members = np.split(order, first[1:]) if len(blocks) else [order]
    places = [tuple(map(int, np.unravel_index(block, grid))) for block in blocks] or [(0,) * len(grid)]
    return [Group(block, which, [each[which] for each in local]) for block, which in zip(places, members, strict=True)]


def gather(a: Array, axis: int, positions: Any) -> Array:
    """Return what is at positions along an axis, in the order asked for."""
    lengths = cut(len(positions), max(1, *a.chunks[axis]))
    chunks = (*a.chunks[:axis], lengths, *a.chunks[axis + 1 :])
    plans = [group_by_block([a.chunks[axis]], [positions[i:j]]) for i, j in itertools.pairwise(offsets(lengths))]
    others = [range(n) for i, n in enumerate(a.grid) if i != axis]
    _rechunk.keep_shared(
        a._cells[(*rest[:axis], *group.block, *rest[axis:])]
        for rest in itertools.product(*others)
        for groups in plans
        for group in groups
    )
    cells = []
    for index in itertools.product(*map(range, grid_of(chunks))):
        groups = plans[index[axis]]
        pieces = [
            Cell.of(_select, a._cells[(*index[:axis], *group.block, *index[axis + 1 :])], group.local[0], axis)
            for group in groups
        ]
        cells.append(_in_order(pieces[0] if len(pieces) == 1 else None, groups, axis, pieces))
    return _array.Array(make_cells(grid_of(chunks), cells), chunks, a.dtype, sparse=a.sparse)


def _in_order(only: Cell | None, groups: list[Group], axis: int, pieces: list[Cell]) -> Cell:
    return only or Cell.of(_interleave, axis, [group.members for group in groups], *pieces)


def _interleave(axis: int, members: list[Any], *pieces: Any) -> Any:
    """Join pieces; ``members`` says where each element of a piece goes along the axis."""
    if is_sparse(pieces[0]):
        lengths = [piece.shape[axis] for piece in pieces]
        other = (pieces[0].shape[1 - axis],)
        chunks = (tuple(lengths), other) if axis == 0 else (other, tuple(lengths))
        return _select(_rechunk.assemble(chunks, *pieces), np.argsort(np.concatenate(members)), axis)
    shape = list(pieces[0].shape)
    shape[axis] = sum(map(len, members))
    joined = namespace(pieces[0]).empty(tuple(shape), dtype=pieces[0].dtype)
    if axis == 0 and all(_has_rows_like(piece, joined) for piece in pieces):
        rows = _as_rows(joined)
        for piece, where in zip(pieces, members, strict=True):
            rows[where] = _as_rows(piece)
        return joined
    for piece, where in zip(pieces, members, strict=True):
        joined[(*(slice(None),) * axis, where)] = piece
    return joined


def _has_rows_like(block: Any, joined: Any) -> bool:
    if not isinstance(block, np.ndarray) or block.dtype != joined.dtype or block.shape[1:] != joined.shape[1:]:
        return False
    return block.ndim > 1 and block.size > 0 and block.flags.c_contiguous


def _as_rows(block: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """View each row as one element, which is put elsewhere in a third of the time."""
    return block.reshape(len(block), -1).view(np.dtype((np.void, block.nbytes // len(block))))[:, 0]


# --- positions along several axes ------------------------------------------------------------------------------------


def pick(a: Array, axes: tuple[int, ...], positions: Sequence[Any], at: int, chunks: Chunks | None = None) -> Array:
    """Return the elements at positions along axes.

    Parameters
    ----------
    a : Array
        Dense, or sparse with positions along both axes; the elements are dense.
    axes : tuple of int
        At least one, in order.
    positions : sequence of ndarray
        One for each of ``axes``, all of one shape, not negative.
    at : int
        Before which of the other axes those of the positions go.
    chunks : tuple of tuple of int, optional
        How to cut these; by default into blocks with as many elements as the blocks of ``a`` have along ``axes``.
    """
    shape = positions[0].shape
    along = [a.chunks[axis] for axis in axes]
    chunks = chunks or _cut_evenly(shape, math.prod(map(max, along)))
    others = [axis for axis in range(a.ndim) if axis not in axes]
    plans = [
        ([stop - start for start, stop in bounds], group_by_block(along, [p[key].ravel() for p in positions]))
        for bounds, key in _regions(chunks)
    ]
    rests = list(itertools.product(*[range(a.grid[axis]) for axis in others]))
    sources = {
        (rest, group.block): a._cells[place_of(a.ndim, axes, group.block, others, rest)]
        for rest in rests
        for _, groups in plans
        for group in groups
    }
    _rechunk.keep_shared(sources[rest, g.block] for rest in rests for _, groups in plans for g in groups)
    grid = grid_of(chunks)
    n_rest = tuple(a.grid[axis] for axis in others)
    kept = tuple(a.chunks[axis] for axis in others)
    result = np.empty((*n_rest[:at], *grid, *n_rest[at:]), dtype=object)
    for rest in rests:
        for index, (lengths, groups) in zip(np.ndindex(grid), plans, strict=True):
            pieces = [Cell.of(_pick, sources[rest, group.block], axes, group.local) for group in groups]
            order = None if len(groups) == 1 else np.argsort(np.concatenate([group.members for group in groups]))
            result[(*rest[:at], *index, *rest[at:])] = Cell.of(_arrange, tuple(lengths), at, order, *pieces)
    return _array.Array(result, (*kept[:at], *chunks, *kept[at:]), a.dtype)


def _regions(chunks: Chunks) -> Iterator[tuple[tuple[tuple[int, int], ...], tuple[slice, ...]]]:
    """Yield where each block starts and stops, in C order, as bounds and as an index."""
    for bounds in itertools.product(*[itertools.pairwise(offsets(lengths)) for lengths in chunks]):
        yield bounds, tuple(slice(start, stop) for start, stop in bounds)


def _cut_evenly(shape: tuple[int, ...], n_elements: int) -> Chunks:
    """Cut a shape into blocks of no more elements than given, later axes last."""
    chunks: list[Lengths] = []
    for length in shape[::-1]:
        lengths = cut(length, max(1, n_elements))
        chunks.append(lengths)
        n_elements //= max(1, *lengths)
    return tuple(chunks[::-1])


def place_of(
    ndim: int, axes: Sequence[int], block: Sequence[int], others: Sequence[int], rest: Sequence[int]
) -> tuple[int, ...]:
    """Return an index of all axes, of which some are given by ``block`` and the others by ``rest``."""
    place = dict(zip((*axes, *others), (*block, *rest), strict=True))
    return tuple(place[axis] for axis in range(ndim))


def _pick(block: Any, axes: tuple[int, ...], local: list[Any]) -> Any:
    """Elements at positions of a block: the positions are the first axis."""
    if is_sparse(block):
        return elements_at(block, local)
    others = [axis for axis in range(block.ndim) if axis not in axes]
    return block.transpose(*axes, *others)[tuple(local)]


def _arrange(shape: tuple[int, ...], at: int, order: Any, *pieces: Any) -> Any:
    """Put picked elements into the order asked for, and their axes where they belong."""
    joined = pieces[0] if len(pieces) == 1 else namespace(pieces[0]).concatenate(pieces)[order]
    rest = joined.shape[1:]
    new = range(len(shape))
    after = range(len(shape), len(shape) + len(rest))
    return joined.reshape(*shape, *rest).transpose(*after[:at], *new, *after[at:])
