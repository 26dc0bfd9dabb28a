"""NumPy's functions that take an Array: each module registers those that it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["FUNCTIONS", "implements"]

Ours = TypeVar("Ours", bound=Callable[..., Any])

FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""What is called in place of a function of NumPy's that is given an Array."""


def implements(*functions: Callable[..., Any]) -> Callable[[Ours], Ours]:
    """Have a function called in place of functions of NumPy's, with the arguments that these are given."""

    def register(ours: Ours) -> Ours:
        FUNCTIONS.update(dict.fromkeys(functions, ours))
        return ours

    return register
