"""Assignment to parts of an array: everyone who holds the array sees it, what was sliced from it before does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["assign"]


def assign(a: Array, key: Any, value: Any) -> None:
    """Do what ``a[key] = value`` means."""
    raise TypeError(
        f"Array: assignment of a {type(value).__name__} to [{key!r}] of shape {a.shape} is not supported; "
        "use ds.where(condition, new, a), or build the array anew."
    )
