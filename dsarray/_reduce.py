"""Reductions: each block is reduced by itself, and what comes of it is combined in one tree.

What travels has the size of the result.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array, _elementwise, _sparse
from dsarray._cell import Cell, make_cells
from dsarray._functions import implements
from dsarray._grid import Chunks, block_shape, grid_of, offsets
from dsarray._moments import combine_moments, finish_moments, mean_of_sum, partial_moments, partial_sum, root
from dsarray._positions import combine_positions, partial_positions, take_positions
from dsarray._tree import tree_cell

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["reduce"]


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


@dataclass(frozen=True, slots=True)
class Reduction:
    """How a reduction is done by blocks."""

    oracle: Callable[..., Any]
    """NumPy's function, which says of what type the result is, and what is an error."""
    partial: Callable[[Any, Block], Any]
    """Reduces one block, and keeps its axes."""
    combine: Callable[[Any, Any], Any]
    """Combines two of these."""
    finish: Callable[..., Any] | None = None
    """Makes the result of the combined partials; further options are passed to it."""
    skips_empty: bool = False
    """True if an empty block has no partial."""


def _partial(block: Any, about: Block) -> Any:
    if _sparse.is_sparse(block):
        return _sparse.reduce_sparse(about.name, block, about.axes, about.dtype)
    dtype = about.dtype
    if about.name == "sum" and (dtype or block.dtype) == np.float16:
        dtype = np.dtype(np.float32)  # as inside np.sum: parts may be larger than the whole
    options = {} if dtype is None else {"dtype": dtype}
    return getattr(np, about.name)(block, axis=about.axes, keepdims=True, **options)


_REDUCTIONS = {
    "sum": Reduction(np.sum, _partial, np.add),
    "prod": Reduction(np.prod, _partial, np.multiply),
    "min": Reduction(np.min, _partial, np.minimum, skips_empty=True),
    "max": Reduction(np.max, _partial, np.maximum, skips_empty=True),
    "any": Reduction(np.any, _partial, np.logical_or),
    "all": Reduction(np.all, _partial, np.logical_and),
    "mean": Reduction(np.mean, partial_sum, np.add, mean_of_sum),
    "var": Reduction(np.var, partial_moments, combine_moments, finish_moments, skips_empty=True),
    "std": Reduction(np.std, partial_moments, combine_moments, root, skips_empty=True),
    "argmin": Reduction(
        np.argmin, partial_positions, functools.partial(combine_positions, np.less), take_positions, True
    ),
    "argmax": Reduction(
        np.argmax, partial_positions, functools.partial(combine_positions, np.greater), take_positions, True
    ),
}

_SPARSE = ("sum", "mean", "min", "max")


def reduce(a: Array, name: str, axis: Any, keepdims: bool, *, dtype: Any = None, ddof: float = 0) -> Array:
    """Record a reduction of an array over axes.

    Parameters
    ----------
    a : Array
    name : str
        NumPy's name of the reduction.
    axis : int, tuple of int or None
        The axes to reduce; None means all.
    keepdims : bool
        True to keep the reduced axes, with length 1.
    dtype : dtype, optional
        The type to reduce in.
    ddof : float
        What to take off the number of elements, for variances.
    """
    reduction = _REDUCTIONS[name]
    if a.sparse and name not in _SPARSE:
        raise _sparse.refuse(name)
    result_dtype = _ask_numpy(reduction, a, axis, dtype)
    _check_dtype(name, dtype)
    axes = _reduced_axes(axis, a.ndim)
    if a.sparse and not axes:
        raise _sparse.refuse(f"{name} over no axis")
    kept: Chunks = tuple((1,) if i in axes else lengths for i, lengths in enumerate(a.chunks))
    n_reduced = math.prod(a.shape[i] for i in axes)
    options = _finish_options(name, n_reduced, ddof)
    _warn_of_empty(name, n_reduced, ddof)
    about = Block(name, axes, None if dtype is None else np.dtype(dtype), (), a.shape)
    starts = [offsets(lengths) for lengths in a.chunks]
    cells = []
    for index in itertools.product(*map(range, grid_of(kept))):
        shape = _final(kept, index, axes, keepdims)
        partials = _partials(a, reduction, about, index, starts)
        if partials:
            root = tree_cell(reduction.combine, partials)
            cells.append(Cell.of(_finish, reduction.finish, root, shape, result_dtype, anchor=True, **options))
        else:
            nothing = np.nan if name in ("var", "std") and ddof >= 0 else 0  # NumPy divides 0 by max(-ddof, 0)
            cells.append(Cell.of(np.full, shape, nothing, result_dtype))
    chunks = kept if keepdims else tuple(lengths for i, lengths in enumerate(a.chunks) if i not in axes)
    return _array.Array(make_cells(grid_of(chunks), cells), chunks, result_dtype)


def _finish_options(name: str, n_reduced: int, ddof: float) -> dict[str, Any]:
    if name == "mean":
        return {"n": n_reduced}
    return {"n": n_reduced, "ddof": ddof} if name in ("var", "std") else {}


def _ask_numpy(reduction: Reduction, a: Array, axis: Any, dtype: Any) -> np.dtype[Any]:
    """Let NumPy reduce a tiny array; it raises what it would for the whole."""
    has_identity = reduction.oracle not in (np.min, np.max, np.argmin, np.argmax)
    sample = np.ones([1 if has_identity else min(length, 1) for length in a.shape], dtype=a.dtype)
    options = {} if dtype is None else {"dtype": dtype}
    return np.asarray(reduction.oracle(sample, axis=axis, **options)).dtype


def _check_dtype(name: str, dtype: Any) -> None:
    """Raise TypeError for variances in integers, in which NumPy's own steps lose nearly everything."""
    if name in ("var", "std") and dtype is not None and np.dtype(dtype).kind not in "fc":
        raise TypeError(f"{name}: dtype={np.dtype(dtype)} is not supported; give a type of floating point numbers.")


def _reduced_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return tuple(sorted(int(each) % ndim for each in axes)) if ndim else ()


def _warn_of_empty(name: str, n_reduced: int, ddof: float) -> None:
    if name == "mean" and n_reduced == 0:
        warnings.warn("Mean of empty slice.", RuntimeWarning, stacklevel=4)
    if name in ("var", "std") and n_reduced - ddof <= 0:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=4)


def _partials(
    a: Array, reduction: Reduction, about: Block, index: tuple[int, ...], starts: list[list[int]]
) -> list[Cell]:
    """The partials of all blocks that reduce to one."""
    along = [range(n) if axis in about.axes else (index[axis],) for axis, n in enumerate(a.grid)]
    partials = []
    for block in itertools.product(*along):
        if reduction.skips_empty and 0 in block_shape(a.chunks, block):
            continue
        start = tuple(s[i] for s, i in zip(starts, block, strict=True))
        partials.append(Cell.of(reduction.partial, a._cells[block], dataclasses.replace(about, start=start)))
    return partials


def _final(kept: Chunks, index: tuple[int, ...], axes: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    """Shape of a block of the result."""
    shape = block_shape(kept, index)
    return shape if keepdims else tuple(length for i, length in enumerate(shape) if i not in axes)


def _finish(
    finish: Callable[..., Any] | None, partial: Any, shape: tuple[int, ...], dtype: np.dtype[Any], **options: Any
) -> Any:
    result = np.asarray(partial if finish is None else finish(partial, **options))
    return result.reshape(shape).astype(dtype, copy=False)


# --- NumPy's functions -----------------------------------------------------------------------------------------------

_NOTHING: Any = np._NoValue


def _refuse_unless_default(name: str, **options: Any) -> None:
    for option, value in options.items():
        if value is not None and value is not _NOTHING and value is not True:
            raise TypeError(f"np.{name}: {option}= is not supported for an Array.")


def _function(name: str, *, has_dtype: bool) -> Callable[..., Any]:
    """Return what is called in place of one of NumPy's reductions."""

    def with_dtype(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
                   initial: Any = _NOTHING, where: Any = _NOTHING) -> Array:  # fmt: skip
        _refuse_unless_default(name, out=out, initial=initial, where=where)
        return reduce(_elementwise.as_array(a), name, axis, keepdims is True, dtype=dtype)

    def without_dtype(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False,
                      initial: Any = _NOTHING, where: Any = _NOTHING) -> Array:  # fmt: skip
        _refuse_unless_default(name, out=out, initial=initial, where=where)
        return reduce(_elementwise.as_array(a), name, axis, keepdims is True)

    return with_dtype if has_dtype else without_dtype


def _variance(name: str) -> Callable[..., Any]:
    def call(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = False,
             where: Any = _NOTHING) -> Array:  # fmt: skip
        _refuse_unless_default(name, out=out, where=where)
        return reduce(_elementwise.as_array(a), name, axis, keepdims is True, dtype=dtype, ddof=ddof)

    return call


for _name in ("sum", "prod", "mean"):
    implements(getattr(np, _name))(_function(_name, has_dtype=True))
for _name in ("min", "max", "any", "all", "argmin", "argmax"):
    implements(getattr(np, _name))(_function(_name, has_dtype=False))
for _name in ("var", "std"):
    implements(getattr(np, _name))(_variance(_name))
implements(np.amin)(_function("min", has_dtype=False))
implements(np.amax)(_function("max", has_dtype=False))
