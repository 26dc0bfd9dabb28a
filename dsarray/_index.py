"""What the user wrote between brackets, checked and with one entry an axis.

Lists, ndarrays and masks are the user's own and are here already. Nothing moves, but an Array of positions, or a mask
that is an Array beside other positions: they are of the size of the result along an axis, and come here to be planned.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dsarray import _array

__all__ = ["Index", "as_lists", "check_bounds", "is_array", "is_open", "n_axes_of", "positions_of", "read"]


@dataclass(frozen=True, slots=True)
class Index:
    """An index of an array."""

    parts: list[Any]
    """An int or slice for an axis, None for a new one, and ndarrays and Arrays: a mask stands for all of its axes."""
    goes_first: bool
    """True if what the arrays among the parts choose is the first axis of the result: as NumPy has it."""

    @property
    def chosen(self) -> list[int]:
        """Which parts are ndarrays or Arrays."""
        return [i for i, part in enumerate(self.parts) if is_array(part)]

    @property
    def mask(self) -> Any:
        """The mask, if it is all that is chosen; else None."""
        chosen = self.chosen
        return self.parts[chosen[0]] if len(chosen) == 1 and self.parts[chosen[0]].dtype == bool else None

    @property
    def place(self) -> int:
        """How many axes of the result are before those that the arrays choose."""
        advanced = [i for i, part in enumerate(self.parts) if is_array(part) or isinstance(part, int)]
        return 0 if self.goes_first else sum(not isinstance(part, int) for part in self.parts[: advanced[0]])

    def with_axis_for_chosen(self) -> Index:
        """Return the index with None in place of what is chosen, where masks of no axis are all of it."""
        parts = [part for part in self.parts if not is_array(part)]
        at = 0 if self.goes_first else self.chosen[0]
        return Index([*parts[:at], None, *parts[at:]], goes_first=False)


def is_array(part: Any) -> bool:
    """Return whether a part chooses positions."""
    return isinstance(part, (np.ndarray, _array.Array))


def is_open(key: Any) -> bool:
    """Return whether an ellipsis is in an index: NumPy then gives an array even of no axes, and never a scalar."""
    return any(part is Ellipsis for part in (key if isinstance(key, tuple) else (key,)))


def read(key: Any, shape: tuple[int, ...]) -> Index:
    """Check an index of an array of some shape.

    Raises
    ------
    IndexError
        When it does not fit, or is nothing that can be an index.
    """
    parts = [_checked(part) for part in (key if isinstance(key, tuple) else (key,))]
    n_ellipses = sum(part is Ellipsis for part in parts)
    if n_ellipses > 1:
        raise IndexError("Array: an index can only have a single ellipsis ('...').")
    n_axes = sum(map(n_axes_of, parts))
    if n_axes > len(shape):
        raise IndexError(f"Array: {n_axes} indices for an array of {len(shape)} dimensions; leave some away.")
    goes_first = _goes_first(parts)
    at = next((i for i, part in enumerate(parts) if part is Ellipsis), len(parts))
    parts = [*parts[:at], *[slice(None)] * (len(shape) - n_axes), *parts[at + n_ellipses :]]
    axis = 0
    fitting: list[Any] = []
    for part in parts:
        fitting += _fitting(part, shape, axis) if is_array(part) else [part]
        axis += n_axes_of(part)
    return Index(fitting, goes_first)


def n_axes_of(part: Any) -> int:
    """Return how many axes of the array a part stands for."""
    if part is None or part is Ellipsis:
        return 0
    return int(part.ndim) if is_array(part) and part.dtype == bool else 1


def _goes_first(parts: list[Any]) -> bool:
    """Whether NumPy puts the chosen axes first: when something lies between two of them, or them and an integer."""
    advanced = [i for i, part in enumerate(parts) if is_array(part) or isinstance(part, int)]
    return any(map(is_array, parts)) and advanced[-1] - advanced[0] >= len(advanced)


def _checked(part: Any) -> Any:
    """Return one entry of an index as an int, a slice, None, Ellipsis, an ndarray or an Array."""
    if part is None or part is Ellipsis or isinstance(part, slice):
        return part
    if isinstance(part, (bool, np.bool_)):
        return np.asarray(part)
    if hasattr(part, "__index__") and not is_array(part):
        return operator.index(part)
    if not is_array(part):
        part = np.asarray(part)
        part = part.astype(np.intp) if part.size == 0 else part
    if part.ndim == 0 and part.dtype.kind in "iu":
        return int(part)
    if part.dtype.kind not in "biu" or getattr(part, "sparse", False):
        kind = "a sparse Array" if getattr(part, "sparse", False) else f"dtype {part.dtype}"
        raise IndexError(f"Array: an index that is {kind} is not supported; use ints, slices, lists of ints or masks.")
    return np.asarray(bool(part)) if part.ndim == 0 else part


def _fitting(part: Any, shape: tuple[int, ...], axis: int) -> list[Any]:
    """Check an array for the axes from one on; return what stands for it, one or more arrays."""
    if part.dtype != bool:
        if isinstance(part, np.ndarray):
            check_bounds(part.astype(np.intp, copy=False), shape[axis], axis)
        return [part]
    expected = shape[axis : axis + part.ndim]
    if part.shape == expected:
        return [part]
    if part.size or any(n not in (0, length) for n, length in zip(part.shape, expected, strict=True)):
        raise IndexError(
            f"Array: a mask of shape {part.shape} does not fit the axes from {axis} on, of shape {expected}."
        )
    return [np.zeros(0, dtype=np.intp)] * part.ndim  # NumPy does not mind a mask of nothing


def check_bounds(positions: Any, n: int, axis: int) -> None:
    """Raise IndexError for positions that an axis does not have."""
    if positions.size and not (-n <= positions.min() and positions.max() < n):
        wrong = positions[(positions < -n) | (positions >= n)]
        raise IndexError(f"Array: index {wrong[0]} is out of bounds for axis {axis} with size {n}.")


def positions_of(index: Index, shape: tuple[int, ...]) -> tuple[tuple[int, ...], list[Any]]:
    """Return which axes arrays choose from, and the positions along each, broadcast and not negative.

    Raises
    ------
    IndexError
        When they do not broadcast, or an Array of them is out of bounds.
    """
    axes: list[int] = []
    found: list[Any] = []
    blanks: list[Any] = []
    axis = 0
    for part in index.parts:
        if is_array(part):
            values = np.asarray(part)
            if values.dtype == bool and not values.ndim:
                blanks.append(np.zeros(int(values), dtype=np.intp))
            elif values.dtype == bool:
                found += np.nonzero(values)
                axes += range(axis, axis + values.ndim)
            else:
                positions = values.astype(np.intp)
                check_bounds(positions, shape[axis], axis)
                found.append(np.where(positions < 0, positions + shape[axis], positions))
                axes.append(axis)
        axis += n_axes_of(part)
    try:
        together = np.broadcast_arrays(*found, *blanks)
    except ValueError:
        shapes = " ".join(str(each.shape) for each in (*found, *blanks))
        raise IndexError(f"Array: shape mismatch: index arrays of shapes {shapes} do not broadcast together.") from None
    return tuple(axes), list(together[: len(found)] or together)


def as_lists(positions: list[Any]) -> list[Any]:
    """Return one list for each axis, if positions are all combinations of lists, as `numpy.ix_` makes; else nothing."""
    n = len(positions)
    shape = positions[0].shape
    for i, each in enumerate(positions):
        if n != len(shape) or any(each.strides[j] and shape[j] != 1 for j in range(n) if j != i) or 0 in shape:
            return []
    return [each[tuple(slice(None) if j == i else 0 for j in range(n))] for i, each in enumerate(positions)]
