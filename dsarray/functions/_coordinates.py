"""Coordinates of a grid, and functions of them.

Each block is computed from where it lies, inside of the task that uses it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from dsarray import _elementwise, _join
from dsarray._array import Array
from dsarray._config import default_chunks
from dsarray._creation import BlockSize, check_is_dtype, from_function, zeros
from dsarray._grid import block_shape, check_shape, offsets
from dsarray._ranges import arange
from dsarray._registry import implements

__all__ = ["fromfunction", "indices", "meshgrid"]


def indices(dimensions: Any, dtype: npt.DTypeLike = int, sparse: bool = False, *, block_size: BlockSize = None) -> Any:
    """Return the coordinates of each place of a grid, as `numpy.indices`.

    Parameters
    ----------
    dimensions : sequence of int
        Shape of the grid.
    dtype : dtype
        Type of the coordinates.
    sparse : bool
        True to return a tuple of Arrays that broadcast, instead of one whose first axis is that of the grid's axes.
    block_size : int or tuple of int, optional
        Of the grid; see `array`.
    """
    check_is_dtype(dtype, "indices")
    shape = check_shape(tuple(dimensions), "indices")
    along = _axes(shape, np.dtype(dtype), block_size, "indices")
    if sparse:
        return tuple(along)
    if not shape:
        return zeros((0,), dtype=dtype)
    chunks = default_chunks(shape, np.dtype(dtype).itemsize, block_size, "indices")
    return np.stack(cast("Any", [_join.broadcast_to(each, shape).rechunk(chunks) for each in along]))


def _axes(shape: tuple[int, ...], dtype: np.dtype[Any], block_size: Any, where: str) -> list[Array]:
    """The positions along each axis, as an Array with axes of length 1 but for that one."""
    chunks = default_chunks(shape, dtype.itemsize, block_size, where)
    found = []
    for axis, n in enumerate(shape):
        lengths: Any = (chunks[axis],)
        positions = arange(n, block_size=lengths, dtype=dtype)
        found.append(positions.reshape(tuple(n if i == axis else 1 for i in range(len(shape)))))
    return found


def fromfunction(
    function: Callable[..., Any],
    shape: Any,
    *,
    dtype: npt.DTypeLike = float,
    block_size: BlockSize = None,
    **keywords: Any,
) -> Any:
    """Return what a function makes of the coordinates, which are Arrays, as `numpy.fromfunction`.

    Parameters
    ----------
    function : callable
        It is called once, with an Array for each axis; it must keep to what Arrays can do.
    shape : tuple of int
    block_size : int or tuple of int, optional
        See `array`.
    dtype : dtype
        Type of the coordinates.
    **keywords
        Passed on.
    """
    lengths = check_shape(shape, "fromfunction")
    chunks = default_chunks(lengths, np.dtype(dtype).itemsize, block_size, "fromfunction")
    known: np.dtype[Any] = np.dtype(dtype)
    starts = list(map(offsets, chunks))

    def along(axis: int) -> Array:
        return from_function(
            _coordinates,
            chunks,
            known,
            lambda index: (axis, block_shape(chunks, index), starts[axis][index[axis]], known),
        )

    return function(*map(along, range(len(lengths))), **keywords)


def _coordinates(axis: int, shape: tuple[int, ...], start: int, dtype: np.dtype[Any]) -> Any:
    positions = np.arange(start, start + shape[axis]).astype(dtype)
    return np.broadcast_to(positions.reshape([-1 if i == axis else 1 for i in range(len(shape))]), shape)


@implements(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Array, ...]:
    """Return coordinates of a grid from those along its axes, as `numpy.meshgrid`.

    Parameters
    ----------
    *xi : Array or array_like
        The coordinates along each axis.
    copy : bool
        Of no influence: an Array is a value.
    sparse : bool
        True to return Arrays that broadcast to the grid, instead of being repeated.
    indexing : {"xy", "ij"}
        "xy" exchanges the first two axes.
    """
    del copy
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing={indexing!r} is unknown; give 'xy' or 'ij'.")
    n = len(xi)
    swapped = {0: 1, 1: 0} if indexing == "xy" and n > 1 else {}
    along = []
    for i, each in enumerate(xi):
        a = _elementwise.as_array(each)
        along.append(a.reshape(tuple(-1 if axis == swapped.get(i, i) else 1 for axis in range(n)) or (a.size,)))
    if sparse or not along:
        return tuple(along)
    _, aligned = _elementwise.align(along)
    shape = tuple(aligned[swapped.get(axis, axis)].shape[axis] for axis in range(n))
    return tuple(_join.broadcast_to(a, shape) for a in aligned)


@implements(np.ix_)
def _open_mesh(*args: Any) -> tuple[Any, ...]:
    """Return ndarrays: what an index is made of is brought here."""
    return np.ix_(*(np.asarray(each) for each in args))
