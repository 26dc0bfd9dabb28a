"""What the functions of the standard take: Arrays, and where it says so Python scalars; nothing is converted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from dsarray._array import Array

__all__ = ["SCALARS", "check_arrays", "check_operands", "check_sequence", "numpys", "several"]

SCALARS = (bool, int, float, complex)
"""Python scalars, which take the type of the array that they meet."""


def check_arrays(where: str, *values: Any) -> None:
    """Raise TypeError for what is no Array."""
    for value in values:
        if not isinstance(value, Array):
            raise TypeError(f"xp.{where}: a {type(value).__name__} is not an Array; use xp.asarray() first.")


def check_operands(where: str, *values: Any) -> None:
    """Raise TypeError for what is neither Array nor Python scalar, and where nothing is an Array."""
    if not any(isinstance(value, Array) for value in values):
        raise TypeError(f"xp.{where}: none of the operands is an Array; use xp.asarray() first.")
    for value in values:
        if not isinstance(value, SCALARS) or isinstance(value, np.generic):
            check_arrays(where, value)


def check_sequence(where: str, arrays: Any) -> Sequence[Array]:
    """Return a list or tuple of Arrays.

    Raises
    ------
    TypeError
        When it is something else.
    """
    if not isinstance(arrays, (list, tuple)):
        raise TypeError(f"xp.{where}: a {type(arrays).__name__} is not a list or tuple of Arrays; give one.")
    check_arrays(where, *arrays)
    return arrays


def numpys(function: Callable[..., Any], *args: Any, **keywords: Any) -> Array:
    """Call a function of NumPy's, which gives an Array of Arrays."""
    result: Array = function(*args, **keywords)
    return result


def several(function: Callable[..., Any], *args: Any, **keywords: Any) -> tuple[Array, ...]:
    """Call a function of NumPy's, which gives several Arrays of Arrays."""
    return tuple(function(*args, **keywords))
