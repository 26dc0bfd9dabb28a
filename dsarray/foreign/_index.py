"""Indices of NumPy done with what the array API standard has: basic indices, masks of all axes, and `take`."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from dsarray.foreign._library import Library, Lifted, UnsupportedError

__all__ = ["get", "put"]


def get(library: Library, native: Any, key: Any) -> Any:
    """Return what ``native[key]`` means in NumPy."""
    if library.speaks_numpy:
        return native[library.lower(key)]
    shape = tuple(native.shape)
    parts = [_part(part) for part in (key if isinstance(key, tuple) else (key,))]
    if not any(_is_array(part) for part in parts):
        return native[_basic(parts, shape)]
    if len(parts) == 1 and _kind(parts[0]) == "b" and parts[0].shape == shape and shape:
        return native[library.take(parts[0])]
    return _chosen(library, native, _full(parts, len(shape)))


def put(library: Library, native: Any, key: Any, value: Any) -> None:
    """Do what ``native[key] = value`` means in NumPy."""
    if library.speaks_numpy:
        native[library.lower(key)] = library.lower(value)
        return
    shape = tuple(native.shape)
    dtype = library.dtype_of(native)
    given = value.dtype if isinstance(value, (Lifted, np.ndarray, np.generic)) else None
    if given is not None and given.kind == "c" and dtype.kind != "c":
        raise UnsupportedError("complex numbers are not set in real ones.")
    values = library.take(value if given is not None else np.asarray(value).astype(dtype), dtype)
    parts = [_part(part) for part in (key if isinstance(key, tuple) else (key,))]
    if not any(_is_array(part) for part in parts):
        native[_basic(parts, shape)] = values
    elif len(parts) == 1 and _kind(parts[0]) == "b" and parts[0].shape == shape and shape and not values.shape:
        native[library.take(parts[0])] = values
    else:
        _scatter(library, native, parts, values)


def _scatter(library: Library, native: Any, parts: list[Any], values: Any) -> None:
    """Set elements at positions that are known here: choose from all the old ones and the new ones."""
    if any(isinstance(part, Lifted) for part in parts):
        raise UnsupportedError("elements are not set at positions that the library has.")
    xp = library.module
    shape, n = tuple(native.shape), math.prod(native.shape)
    order = np.arange(n).reshape(shape)
    chosen = order[tuple(parts)].shape
    order[tuple(parts)] = n + np.arange(math.prod(chosen)).reshape(chosen)
    if len(values.shape) > len(chosen):
        values = xp.reshape(values, tuple(values.shape)[len(values.shape) - len(chosen) :])
    values = xp.reshape(xp.broadcast_to(values, chosen), (-1,))
    both = xp.concat([xp.reshape(native, (-1,)), values])
    native[...] = xp.reshape(xp.take(both, library.take(order.ravel())), shape)


# --- reading a key ---------------------------------------------------------------------------------------------------


def _part(part: Any) -> Any:
    """A part of a key: an int, a slice, None, an ellipsis, an ndarray or an array of the library."""
    if part is None or part is Ellipsis or isinstance(part, (slice, Lifted, np.ndarray)):
        return part
    if isinstance(part, (bool, np.bool_, list, tuple)):
        found = np.asarray(part)
        return found if found.size else found.astype(np.intp)
    return operator.index(part)


def _is_array(part: Any) -> bool:
    return isinstance(part, (Lifted, np.ndarray))


def _kind(part: Any) -> str:
    return str(part.dtype.kind) if _is_array(part) else ""


def _n_axes(part: Any) -> int:
    return 0 if part is None else part.ndim if _kind(part) == "b" else 1


def _full(parts: list[Any], ndim: int) -> list[Any]:
    """Replace the ellipsis, if any, by a slice for each axis that is not named."""
    if not any(part is Ellipsis for part in parts):
        parts = [*parts, Ellipsis]
    at = next(i for i, part in enumerate(parts) if part is Ellipsis)
    before, after = parts[:at], parts[at + 1 :]
    if any(part is Ellipsis for part in after):
        raise UnsupportedError("two ellipses in an index.")
    missing = ndim - sum(map(_n_axes, before)) - sum(map(_n_axes, after))
    if missing < 0:
        raise IndexError("too many indices for array")
    return [*before, *[slice(None)] * missing, *after]


def _basic(parts: list[Any], shape: tuple[int, ...]) -> tuple[Any, ...]:
    """A key of ints, slices and None, within bounds, for each axis."""
    key: list[Any] = []
    axis = 0
    for part in _full(parts, len(shape)):
        if isinstance(part, slice):
            start, stop, step = part.indices(shape[axis])
            is_empty = not range(start, stop, step)
            key.append(slice(0, 0, 1) if is_empty else slice(start, None if stop < 0 else stop, step))
        elif part is not None and not -shape[axis] <= part < shape[axis]:
            raise IndexError(f"index {part} is out of bounds for axis {axis} with size {shape[axis]}")
        else:
            key.append(part)
        axis += part is not None
    return tuple(key)


# --- arrays that choose ----------------------------------------------------------------------------------------------


def _chosen(library: Library, native: Any, parts: list[Any]) -> Any:
    """What arrays of positions or masks choose, after what the other parts do."""
    xp = library.module
    basic = [part if not _is_array(part) else slice(None) for part in parts for _ in range(max(1, _n_axes(part)))]
    advanced = [i for i, part in enumerate(parts) if _is_array(part) or isinstance(part, int)]
    is_apart = advanced != list(range(advanced[0], advanced[-1] + 1))
    if is_apart and any(isinstance(part, int) for part in parts):
        return _by_numbers(library, native, parts)
    native = native[_basic(basic, tuple(native.shape))]
    axes: list[int] = []
    positions: list[Any] = []
    axis = 0
    for part in parts:
        if _is_array(part):
            axes += range(axis, axis + _n_axes(part))
            positions += _positions(library, part, tuple(native.shape)[axis:])
        axis += 0 if isinstance(part, int) else max(1, _n_axes(part))
    place = 0 if is_apart else axes[0]
    rest = [i for i in range(len(native.shape)) if i not in axes]
    moved = xp.permute_dims(native, (*rest[:place], *axes, *rest[place:]))
    lengths = tuple(moved.shape)
    n_axes = len(axes)
    joined = (*lengths[:place], math.prod(lengths[place : place + n_axes]), *lengths[place + n_axes :])
    flat = _flat_positions(library, positions, lengths[place : place + n_axes])
    taken = xp.take(xp.reshape(moved, joined), xp.reshape(flat, (-1,)), axis=place)
    return xp.reshape(taken, (*lengths[:place], *flat.shape, *lengths[place + n_axes :]))


def _by_numbers(library: Library, native: Any, parts: list[Any]) -> Any:
    """What a key chooses by NumPy's rules for ints among positions: of the numbers of all elements, first."""
    if any(isinstance(part, Lifted) for part in parts):
        raise UnsupportedError("ints apart from positions that the library has.")
    chosen = np.arange(math.prod(native.shape)).reshape(native.shape)[tuple(parts)]
    taken = library.module.take(library.module.reshape(native, (-1,)), library.take(chosen.ravel()))
    return library.module.reshape(taken, chosen.shape)


def _positions(library: Library, part: Any, lengths: tuple[int, ...]) -> list[Any]:
    """Positions along each axis that an array chooses from, none negative."""
    xp = library.module
    if _kind(part) == "b":
        if not part.ndim or tuple(part.shape) != lengths[: part.ndim]:
            raise UnsupportedError("a mask of another shape, or of no axis.")
        return list(xp.nonzero(library.take(part)))
    if _kind(part) not in "iu":
        raise IndexError("arrays used as indices must be of integer (or boolean) type")
    if isinstance(part, np.ndarray):
        if part.size and not (-lengths[0] <= part.min() and part.max() < lengths[0]):
            raise IndexError(f"a position is out of bounds for an axis of size {lengths[0]}")
        return [library.take(np.where(part < 0, part + lengths[0], part).astype(np.int64))]
    found = library.take(part, np.int64)
    return [xp.where(found < 0, found + lengths[0], found)]


def _flat_positions(library: Library, positions: list[Any], lengths: tuple[int, ...]) -> Any:
    """Positions along several axes as positions in all their elements."""
    together = library.module.broadcast_arrays(*positions) if len(positions) > 1 else positions
    flat = together[0]
    for each, length in zip(together[1:], lengths[1:], strict=True):
        flat = flat * length + each
    return flat
