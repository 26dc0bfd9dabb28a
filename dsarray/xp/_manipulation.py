"""Other shapes and orders of the same elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from dsarray._array import Array
from dsarray.xp._arguments import check_arrays, check_sequence, numpys, several

__all__ = ["broadcast_arrays", "broadcast_shapes", "broadcast_to", "concat", "expand_dims", "flip", "matrix_transpose",
           "moveaxis", "permute_dims", "repeat", "reshape", "roll", "squeeze", "stack", "tile",
           "unstack"]  # fmt: skip

Axes = int | tuple[int, ...]


def broadcast_arrays(*arrays: Array) -> tuple[Array, ...]:
    """Return arrays broadcast to one shape."""
    check_arrays("broadcast_arrays", *arrays)
    return several(np.broadcast_arrays, *arrays) if arrays else ()


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that shapes broadcast to."""
    return np.broadcast_shapes(*shapes)


def broadcast_to(x: Array, /, shape: tuple[int, ...]) -> Array:
    """Return an array broadcast to a shape."""
    check_arrays("broadcast_to", x)
    return numpys(np.broadcast_to, x, shape)


def concat(arrays: Any, /, *, axis: int | None = 0) -> Array:
    """Join arrays along an axis; None joins their elements."""
    return numpys(np.concatenate, check_sequence("concat", arrays), axis)


def expand_dims(x: Array, /, axis: Axes) -> Array:
    """Return an array with new axes of length 1."""
    check_arrays("expand_dims", x)
    return numpys(np.expand_dims, x, axis)


def flip(x: Array, /, *, axis: Axes | None = None) -> Array:
    """Return an array with its elements in reverse order along axes."""
    check_arrays("flip", x)
    return numpys(np.flip, x, axis)


def matrix_transpose(x: Array, /) -> Array:
    """Return an array with its last two axes exchanged."""
    check_arrays("matrix_transpose", x)
    return numpys(np.matrix_transpose, x)


def moveaxis(x: Array, source: Axes, destination: Axes, /) -> Array:
    """Return an array with axes moved to other places."""
    check_arrays("moveaxis", x)
    return numpys(np.moveaxis, x, source, destination)


def permute_dims(x: Array, /, axes: tuple[int, ...]) -> Array:
    """Return an array with its axes in another order."""
    check_arrays("permute_dims", x)
    return numpys(np.transpose, x, axes)


def repeat(x: Array, repeats: Any, /, *, axis: int | None = None) -> Array:
    """Return an array with each element repeated; the numbers of an Array are counted at once.

    Raises
    ------
    TypeError
        When ``repeats`` is neither int nor Array.
    """
    check_arrays("repeat", x)
    if not isinstance(repeats, int):
        check_arrays("repeat", repeats)
    if isinstance(repeats, Array) and repeats.dtype == np.uint64:
        repeats = repeats.astype(np.int64)  # which NumPy does not take for a number of repeats
    return numpys(np.repeat, x, repeats, axis)


def reshape(x: Array, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Array:
    """Return the elements in another shape; one length may be -1.

    Raises
    ------
    ValueError
        When ``copy`` is False and the shape is another one: an Array has no views.
    """
    check_arrays("reshape", x)
    result = numpys(np.reshape, x, shape)
    if copy is False and result.shape == x.shape:
        return x
    return numpys(np.reshape, x, shape, copy=copy) if copy is False else result


def roll(x: Array, /, shift: Axes, *, axis: Axes | None = None) -> Array:
    """Return an array with its elements moved along axes, those that leave one end coming in at the other."""
    check_arrays("roll", x)
    return numpys(np.roll, x, shift, axis)


def squeeze(x: Array, /, axis: Axes) -> Array:
    """Return an array without axes of length 1.

    Raises
    ------
    ValueError
        When ``axis`` is None, or an axis is longer.
    """
    check_arrays("squeeze", x)
    if axis is None:
        raise ValueError("xp.squeeze: axis=None is not in the standard; name the axes.")
    return numpys(np.squeeze, x, axis)


def stack(arrays: Any, /, *, axis: int = 0) -> Array:
    """Join arrays of one shape along a new axis."""
    return numpys(np.stack, check_sequence("stack", arrays), axis)


def tile(x: Array, repetitions: tuple[int, ...], /) -> Array:
    """Return an array repeated along its axes."""
    check_arrays("tile", x)
    return numpys(np.tile, x, repetitions)


def unstack(x: Array, /, *, axis: int = 0) -> tuple[Array, ...]:
    """Return the parts of an array along an axis."""
    check_arrays("unstack", x)
    return several(np.unstack, x, axis=axis)
