"""Positions of least and greatest elements by blocks: the first among equals, and NaN before all, as in NumPy.

Or NaN is passed over, and a lane of nothing else is an error of the task that finds it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray._namespace import namespace

if TYPE_CHECKING:
    from dsarray._reductions import Block

__all__ = [
    "combine_known_positions",
    "combine_positions",
    "partial_known_positions",
    "partial_positions",
    "take_known_positions",
    "take_positions",
]

Found = tuple[Any, Any]
"""The best elements, and their positions in the whole array."""


def partial_positions(block: Any, about: Block) -> Found:
    """Return the best elements of a block, and where they are in the array."""
    find = getattr(np, about.name)
    if len(about.axes) == 1:
        axis = about.axes[0]
        local = find(block, axis=axis, keepdims=True)
        return np.take_along_axis(block, local, axis=axis), local + about.start[axis]
    flat = int(find(block))
    index = np.unravel_index(flat, block.shape)
    position = (
        np.ravel_multi_index([i + s for i, s in zip(index, about.start, strict=True)], about.shape) if index else 0
    )
    shape = (1,) * block.ndim
    return block[index].reshape(shape), namespace(block).full(shape, position, dtype=np.intp)


def combine_positions(better: Callable[[Any, Any], Any], left: Found, right: Found) -> Found:
    """Choose the better element of two, and of equals the first."""
    (a, i), (b, j) = left, right
    a_is_nan, b_is_nan = a != a, b != b  # noqa: PLR0124 - the test for NaN that fits all types
    prefer = np.where(a_is_nan | b_is_nan, b_is_nan & ~a_is_nan, better(b, a))
    equal = (a_is_nan & b_is_nan) | (a == b)
    take = prefer | (equal & (j < i))
    return np.where(take, b, a), np.where(take, j, i)


def take_positions(found: Found) -> Any:
    """Return the positions."""
    return found[1]


# --- NaN passed over -------------------------------------------------------------------------------------------------


def partial_known_positions(block: Any, about: Block) -> tuple[Any, Any, Any]:
    """Return the best elements of a block, where they are in the array, and whether there was only NaN."""
    name = about.name.removeprefix("nan")
    missing = np.isnan(block) if block.dtype.kind in "fc" else np.zeros_like(block, dtype=bool)
    if block.dtype.kind in "fc":
        block = block.copy()
        block[missing] = np.inf if name == "argmin" else -np.inf
    best, positions = partial_positions(block, dataclasses.replace(about, name=name))
    return best, positions, missing.all(axis=about.axes, keepdims=True)


def combine_known_positions(better: Callable[[Any, Any], Any], left: Any, right: Any) -> tuple[Any, Any, Any]:
    """Choose the better element of two, and say whether there was only NaN in both."""
    best, positions = combine_positions(better, left[:2], right[:2])
    return best, positions, left[2] & right[2]


def take_known_positions(found: tuple[Any, Any, Any]) -> Any:
    """Return the positions; raise ValueError if there is none."""
    if found[2].any():
        raise ValueError("All-NaN slice encountered")
    return found[1]
