"""Positions that are data themselves, and stay on workers: one for each element, or very many along one axis.

For one position an element, the axis is joined in whole lanes, and each task reads the lanes of its block. For many
along one axis, each task picks from one block what one block of positions wants of it; a tree joins what was picked.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from dsarray import _array, _assignment, _elementwise, _index, _rechunk, _sparse
from dsarray._cell import Cell, Cells, make_cells, start_cells
from dsarray._grid import Chunks, Lengths, block_indices, common_lengths, grid_of, offsets
from dsarray._namespace import namespace, to_host
from dsarray._tree import tree_cell
from dsflow import wait_on

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["gather_by_tasks", "put_along_axis", "take_along_axis"]


# --- many positions along one axis -----------------------------------------------------------------------------------


def gather_by_tasks(a: Array, axis: int, positions: Array) -> Array:
    """Return what is at positions along an axis, which do not come here; that they are in bounds is checked at once.

    Raises
    ------
    IndexError
        When they are not.
    """
    n = a.shape[axis]
    limits = [positions.min(), positions.max()]
    found = map(to_host, wait_on(start_cells(each._cells.item() for each in limits)))
    _index.check_bounds(np.array(list(found)).astype(np.intp), n, axis)
    starts = offsets(a.chunks[axis])
    chunks = _with(a.chunks, axis, positions.chunks[0])
    for cell in (*a._cells.flat, *positions._cells.flat):
        cell.anchor = True
    cells = []
    for index in block_indices(chunks):
        wanted = positions._cells[index[axis]]
        parts = [
            Cell.of(_pick_owned, a._cells[(*index[:axis], block, *index[axis + 1 :])], wanted, start, n, axis)
            for block, start in enumerate(starts[:-1])
        ]
        cells.append(Cell.of(_in_order, tree_cell(functools.partial(_join_picked, axis), parts), axis))
    return _array.Array(make_cells(grid_of(chunks), cells), chunks, a.dtype)


Picked = tuple[Any, Any]
"""Which of the positions were found, and what is there."""


def _pick_owned(block: Any, positions: Any, start: int, n: int, axis: int) -> Picked:
    local = namespace(positions).where(positions < 0, positions.astype(np.intp) + n, positions.astype(np.intp)) - start
    members = ((local >= 0) & (local < block.shape[axis])).nonzero()[0]
    return members, block[(*(slice(None),) * axis, local[members])]


def _join_picked(axis: int, left: Picked, right: Picked) -> Picked:
    xp = namespace(left[1])
    return namespace(left[0]).concatenate([left[0], right[0]]), xp.concatenate([left[1], right[1]], axis=axis)


def _in_order(picked: Picked, axis: int) -> Any:
    members, values = picked
    return values[(*(slice(None),) * axis, members.argsort())]


# --- one position for each element -----------------------------------------------------------------------------------


def take_along_axis(a: Array, indices: Any, axis: Any) -> Array:
    """Return the elements at positions along an axis, one for each of ``indices``; see `numpy.take_along_axis`.

    Positions of an Array that are out of bounds are an error where the blocks are computed.
    """
    a, positions, axis = _check(a, indices, axis, "np.take_along_axis")
    chunks = _common_chunks([a, positions], axis)
    lanes = _cells(a, _with(chunks, axis, (a.shape[axis],)), axis)
    wanted = _with(chunks, axis, positions.chunks[axis])
    places = _cells(positions, wanted, axis)
    lanes, places = (np.broadcast_to(each, grid_of(wanted)) for each in (lanes, places))
    _rechunk.keep_shared(lanes.flat)
    cells = [Cell.of(_take, *each, axis) for each in zip(lanes.flat, places.flat, strict=True)]
    return _array.Array(make_cells(grid_of(wanted), cells), wanted, a.dtype)


def _take(lane: Any, positions: Any, axis: int) -> Any:
    return np.take_along_axis(lane, positions, axis)


def put_along_axis(a: Array, indices: Any, values: Any, axis: Any) -> None:
    """Set the elements at positions along an axis, one for each of ``indices``; see `numpy.put_along_axis`."""
    known = _assignment.as_values(a, values)
    flat, positions, along = _check(a, indices, axis, "np.put_along_axis")
    if any(
        n not in (1, length)
        for i, (n, length) in enumerate(zip(positions.shape, flat.shape, strict=True))
        if i != along
    ):
        raise IndexError(
            f"np.put_along_axis: indices of shape {positions.shape} do not broadcast to shape {flat.shape} "
            f"beside axis {along}."
        )
    shape = tuple(
        n if i == along else length for i, (n, length) in enumerate(zip(positions.shape, flat.shape, strict=True))
    )
    known = _assignment.fit(known, shape)
    own = tuple((1,) if n == 1 else lengths for n, lengths in zip(flat.shape, flat.chunks, strict=True))
    whole = _with(own, along, (flat.shape[along],))
    places = _with(own, along, (positions.shape[along],))
    columns = [_cells(flat, whole, along), _cells(positions, places, along), _cells(known, places, along)]
    cells = [
        Cell.of(_put, *each, along, flat.dtype)
        for each in zip(*[np.broadcast_to(column, grid_of(whole)).flat for column in columns], strict=True)
    ]
    changed = _array.Array(make_cells(grid_of(whole), cells), whole, flat.dtype)
    a.become(_rechunk.to_chunks(changed.reshape(*a.shape), a.chunks))


def _put(lane: Any, positions: Any, values: Any, axis: int, dtype: np.dtype[Any]) -> Any:
    xp = namespace(lane)
    changed = xp.array(lane, dtype=dtype)
    np.put_along_axis(changed, xp.asarray(positions), xp.asarray(values), axis)
    return changed


def _check(a: Array, indices: Any, axis: Any, where: str) -> tuple[Array, Array, int]:
    """Return the array, its positions and the axis; None as the axis means all elements in one."""
    if a.sparse:
        raise _sparse.refuse(where)
    if axis is None:
        if np.ndim(indices) != 1:
            raise ValueError(f"{where}: with axis=None, the indices must have 1 axis, not {np.ndim(indices)}.")
        a, axis = a.ravel(), 0
    axis = normalize_axis_index(axis, a.ndim)
    if not isinstance(indices, _array.Array):
        indices = np.asarray(indices)
    if indices.dtype.kind not in "iu":
        raise IndexError(f"{where}: indices of dtype {indices.dtype} are not ints; convert them with astype(int).")
    if isinstance(indices, np.ndarray):
        _index.check_bounds(indices, a.shape[axis], axis)
    positions = _elementwise.as_array(indices)
    if positions.ndim != a.ndim:
        raise ValueError(f"{where}: indices of {positions.ndim} axes for an array of {a.ndim}; give as many.")
    return a, positions, axis


def _with(chunks: Chunks, axis: int, lengths: Lengths) -> Chunks:
    return (*chunks[:axis], lengths, *chunks[axis + 1 :])


def _common_chunks(arrays: Sequence[Array], axis: int) -> Chunks:
    """How arrays that broadcast, but along one axis, are cut together."""
    others = [tuple(1 if i == axis else n for i, n in enumerate(a.shape)) for a in arrays]
    try:
        shape = np.broadcast_shapes(*others)
    except ValueError:
        raise IndexError(
            f"np.take_along_axis: shapes {arrays[0].shape} and {arrays[1].shape} do not broadcast beside axis {axis}."
        ) from None
    return tuple(
        (1,) if n == 1 else common_lengths([a.chunks[i] for a in arrays if a.shape[i] == n])
        for i, n in enumerate(shape)
    )


def _cells(a: Array, chunks: Chunks, axis: int) -> Cells:
    """The cells of an array cut as given, but for other axes of length 1, which stay so."""
    own = tuple(
        (1,) if n == 1 and i != axis else lengths for i, (n, lengths) in enumerate(zip(a.shape, chunks, strict=True))
    )
    cut = _rechunk.to_chunks(a, own)
    _rechunk.keep_shared(np.broadcast_to(cut._cells, grid_of(chunks)).flat)
    return cut._cells
