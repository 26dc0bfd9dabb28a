"""NumPy's functions on an Array: those that are registered, and a clear error for all others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dsarray._registry import FUNCTIONS, implements

__all__ = ["apply_function"]


def apply_function(function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Do what ``function(*args, **keywords)`` means.

    Raises
    ------
    TypeError
        When this function, or one of its arguments, is not supported.
    """
    ours = FUNCTIONS.get(function)
    name = f"{function.__module__}.{function.__name__}".replace("numpy", "np")
    if ours is None:
        raise TypeError(
            f"{name} is not supported for an Array; use another function, map_blocks(), "
            "or collect() the array if it is small."
        )
    try:
        return ours(*args, **keywords)
    except TypeError as error:
        if "argument" in str(error):
            raise TypeError(f"{name}: this use is not supported for an Array ({error}).") from error
        raise


@implements(np.size)
def _axis_length(a: Any, axis: int | None = None) -> int:
    length: int = a.size if axis is None else a.shape[axis]
    return length


@implements(np.shape)
def _shape(a: Any) -> tuple[int, ...]:
    shape: tuple[int, ...] = a.shape
    return shape


@implements(np.ndim)
def _ndim(a: Any) -> int:
    ndim: int = a.ndim
    return ndim


@implements(np.copy)
def _copy(a: Any, order: str = "K", subok: bool = False) -> Any:  # noqa: ARG001 - NumPy's parameters
    if order not in ("K", "C", "A"):
        raise TypeError(f"np.copy: order={order!r} is not supported for an Array; its blocks are in C order.")
    return a.copy()


@implements(np.may_share_memory, np.shares_memory)
def _shares_memory(a: Any, b: Any, max_work: Any = None) -> bool:  # noqa: ARG001 - NumPy's parameters
    """Return False: what changes one array never changes another."""
    return False
