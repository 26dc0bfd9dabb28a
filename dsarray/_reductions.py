"""How each reduction is done by blocks: what reduces one, what combines two of these, what makes the result."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dsarray import _sparse
from dsarray._moments import (
    combine_moments,
    combine_totals,
    finish_moments,
    mean_of_total,
    partial_moments,
    partial_total,
    root,
)
from dsarray._positions import (
    combine_known_positions,
    combine_positions,
    partial_known_positions,
    partial_positions,
    take_known_positions,
    take_positions,
)

__all__ = ["ASSOCIATIVE", "REDUCTIONS", "Block", "Reduction", "of_ufunc"]

ASSOCIATIVE = frozenset(
    {
        np.add, np.multiply, np.minimum, np.maximum, np.fmin, np.fmax, np.logical_and, np.logical_or, np.logical_xor,
        np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.gcd, np.lcm, np.hypot, np.logaddexp, np.logaddexp2,
    }
)  # fmt: skip
"""Functions of two arguments whose results may be combined in any grouping."""


@dataclass(frozen=True, slots=True)
class Block:
    """What a partial reduction may know of its block."""

    name: str
    """The reduction."""
    axes: tuple[int, ...]
    """The axes that are reduced."""
    dtype: np.dtype[Any] | None
    """The type to reduce in, if the user gave one."""
    start: tuple[int, ...]
    """Where the block starts in the array."""
    shape: tuple[int, ...]
    """Shape of the whole array."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further parameters for NumPy's function."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """How a reduction is done by blocks."""

    oracle: Callable[..., Any]
    """NumPy's function, which says of what type the result is, and what is an error."""
    partial: Callable[..., Any]
    """Reduces one block, and keeps its axes. It is given a mask and a mean, if the user gave one."""
    combine: Callable[[Any, Any], Any]
    """Combines two of these."""
    finish: Callable[..., Any] | None = None
    """Makes the result of the combined partials; ``ddof`` is passed to it if there is one."""
    averages: bool = False
    """True if NumPy's function warns of an empty array."""
    ufunc: np.ufunc | None = None
    """The ufunc that it is the reduction of."""


def _partial(block: Any, about: Block, where: Any = None) -> Any:
    if _sparse.is_sparse(block):
        return _sparse.reduce_sparse(about.name, block, about.axes, about.dtype)
    options = about.options if where is None else {**about.options, "where": where}
    dtype = about.dtype
    if about.name == "sum" and (dtype or block.dtype) == np.float16:
        dtype = np.dtype(np.float32)  # as inside np.sum: parts may be larger than the whole
    if dtype is not None:
        options = {**options, "dtype": dtype}
        if about.name in ("min", "max"):  # which have no dtype=
            return getattr(np, f"{about.name}imum").reduce(block, axis=about.axes, keepdims=True, **options)
    return getattr(np, about.name)(block, axis=about.axes, keepdims=True, **options)


def partial_ufunc(ufunc: np.ufunc, block: Any, about: Block, where: Any = None) -> Any:
    """Reduce a block by a ufunc."""
    options = about.options if where is None else {**about.options, "where": where}
    return ufunc.reduce(block, axis=about.axes, keepdims=True, dtype=about.dtype, **options)


def _partial_range(block: Any, about: Block) -> tuple[Any, Any]:
    options: dict[str, Any] = {"axis": about.axes, "keepdims": True}
    return np.max(block, **options), np.min(block, **options)


def _combine_ranges(left: tuple[Any, Any], right: tuple[Any, Any]) -> tuple[Any, Any]:
    return np.maximum(left[0], right[0]), np.minimum(left[1], right[1])


def _length_of_range(extremes: tuple[Any, Any]) -> Any:
    return np.subtract(*extremes)


REDUCTIONS = {
    "sum": Reduction(np.sum, _partial, np.add, ufunc=np.add),
    "prod": Reduction(np.prod, _partial, np.multiply, ufunc=np.multiply),
    "min": Reduction(np.min, _partial, np.minimum, ufunc=np.minimum),
    "max": Reduction(np.max, _partial, np.maximum, ufunc=np.maximum),
    "any": Reduction(np.any, _partial, np.logical_or),
    "all": Reduction(np.all, _partial, np.logical_and),
    "count_nonzero": Reduction(np.count_nonzero, _partial, np.add),
    "ptp": Reduction(np.ptp, _partial_range, _combine_ranges, _length_of_range),
    "mean": Reduction(np.mean, partial_total, combine_totals, mean_of_total, averages=True),
    "var": Reduction(np.var, partial_moments, combine_moments, finish_moments, averages=True),
    "std": Reduction(np.std, partial_moments, combine_moments, root, averages=True),
}
for _end, _better in (("argmin", np.less), ("argmax", np.greater)):
    REDUCTIONS[_end] = Reduction(
        getattr(np, _end), partial_positions, functools.partial(combine_positions, _better), take_positions
    )
    REDUCTIONS[f"nan{_end}"] = Reduction(
        getattr(np, f"nan{_end}"),
        partial_known_positions,
        functools.partial(combine_known_positions, _better),
        take_known_positions,
    )


def of_ufunc(ufunc: np.ufunc) -> str | Reduction:
    """Return how ``ufunc.reduce`` is done, or the name of the function that does it."""
    named = {np.add: "sum", np.multiply: "prod", np.minimum: "min", np.maximum: "max"}
    if ufunc in named:
        return named[ufunc]
    return Reduction(ufunc.reduce, functools.partial(partial_ufunc, ufunc), ufunc, ufunc=ufunc)
