"""Reductions: each block is reduced by itself, and what comes of it is combined in one tree.

What travels has the size of the result. Functions that are not associative (``np.subtract.reduce``) go from block to
block instead.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array, _elementwise, _sparse
from dsarray._cell import Cell, Cells, make_cells
from dsarray._grid import Chunks, block_shape, grid_of, offsets
from dsarray._namespace import namespace
from dsarray._reductions import ASSOCIATIVE, REDUCTIONS, Block, Reduction
from dsarray._tree import tree_cell

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["NOTHING", "reduce"]

NOTHING: Any = np._NoValue
"""What NumPy passes for a parameter that was not given."""

_SPARSE = ("sum", "mean", "min", "max")


# --- one reduction ---------------------------------------------------------------------------------------------------


def reduce(
    a: Array,
    how: str | Reduction,
    axis: Any,
    keepdims: Any = False,
    *,
    dtype: Any = None,
    out: Any = None,
    where: Any = True,
    initial: Any = NOTHING,
    mean: Any = NOTHING,
    ddof: float | None = None,
) -> Array:
    """Record a reduction of an array over axes.

    Parameters
    ----------
    a : Array
    how : str or Reduction
        NumPy's name of the reduction, or how it is done.
    axis : int, tuple of int or None
        The axes to reduce; None means all.
    keepdims : bool
        True to keep the reduced axes, with length 1.
    dtype : dtype, optional
        The type to reduce in.
    out : Array, optional
        Where the result is put.
    where : array_like of bool
        Which elements count.
    initial : scalar, optional
        What the reduction starts with.
    mean : array_like, optional
        The mean that variances are about.
    ddof : float, optional
        What to take off the number of elements, for variances.
    """
    reduction = REDUCTIONS[how] if isinstance(how, str) else how
    name = how if isinstance(how, str) else f"{reduction.combine.__name__}.reduce"
    keepdims = keepdims is not NOTHING and bool(keepdims)
    if a.sparse and (name not in _SPARSE or where is not True or initial is not NOTHING):
        raise _sparse.refuse(name if name not in _SPARSE else f"{name} with where= or initial=")
    if isinstance(initial, _array.Array):
        initial = initial.collect()[()]
    if isinstance(out, _array.Array):
        dtype = _type_for(out, a, reduction) if dtype is None else dtype
        _check_out(out, name, reduction)
    companions = _companions(where, mean)
    options = {} if initial is NOTHING else {"initial": initial}
    result_dtype = _ask_numpy(reduction, a, axis, dtype, {**companions, **options}, out)
    _check_dtype(name, dtype)
    axes = _reduced_axes(axis, a.ndim)
    if a.sparse and not axes:
        raise _sparse.refuse(f"{name} over no axis")
    if "where" not in companions:
        _warn_of_empty(reduction, math.prod(a.shape[i] for i in axes), ddof)
    about = Block(name, axes, None if dtype is None else np.dtype(dtype), (), a.shape, options)
    sources = [a._cells, *(_cells_of(companions, each, a) for each in _given(companions))]
    kept: Chunks = tuple((1,) if i in axes else lengths for i, lengths in enumerate(a.chunks))
    chunks = kept if keepdims else tuple(lengths for i, lengths in enumerate(a.chunks) if i not in axes)
    finish = {} if ddof is None else {"ddof": ddof}
    cells = []
    for index in itertools.product(*map(range, grid_of(kept))):
        root_cell = _combined(a, reduction, about, index, sources, result_dtype)
        shape = _final(kept, index, axes, keepdims)
        cells.append(Cell.of(_finish, reduction.finish, root_cell, shape, result_dtype, anchor=True, **finish))
    result = _array.Array(make_cells(grid_of(chunks), cells), chunks, result_dtype)
    stored: Array = _elementwise.store(result, out, name, "unsafe")
    return stored


def _type_for(out: Array, a: Array, reduction: Reduction) -> Any:
    """The type to reduce in, of which ``out=`` has a say if the user gives none."""
    if reduction.ufunc is not None:
        return reduction.ufunc(np.ones(1, out.dtype), np.ones(1, a.dtype)).dtype
    is_wider = reduction.averages and out.dtype.kind == a.dtype.kind == "f"
    return np.result_type(out.dtype, a.dtype) if is_wider else None


def _check_out(out: Array, name: str, reduction: Reduction) -> None:
    if reduction.averages and out.dtype.kind not in "fcmM":
        raise TypeError(f"{name}: out= of dtype {out.dtype} is not supported; give a type of floating point numbers.")


def _companions(where: Any, mean: Any) -> dict[str, Any]:
    """What is cut as the array is, or is a scalar: the mask and the mean, if they are given."""
    given = {}
    if where is not True and where is not NOTHING:
        given["where"] = _elementwise.as_operand(where)
    if mean is not NOTHING:
        given["mean"] = _elementwise.as_operand(mean)
    return given


def _given(companions: dict[str, Any]) -> tuple[str, ...]:
    """The further arguments of a partial reduction, in order; a mask may stand for none."""
    return ("where", "mean") if "mean" in companions else tuple(companions)


def _cells_of(companions: dict[str, Any], name: str, a: Array) -> Any:
    value = companions.get(name)
    if isinstance(value, _array.Array):
        return _elementwise.match_cells(value, a, f"{name}=")
    repeated = np.empty(a.grid, dtype=object)
    repeated.fill(value)
    return repeated


def _ask_numpy(
    reduction: Reduction, a: Array, axis: Any, dtype: Any, options: dict[str, Any], out: Any
) -> np.dtype[Any]:
    """Let NumPy reduce a tiny array; it raises what it would for the whole."""
    sample = np.ones([1 if reduction.averages else min(length, 1) for length in a.shape], dtype=a.dtype)
    given = {
        name: np.ones((1,) * value.ndim, value.dtype) if isinstance(value, _array.Array) else value
        for name, value in options.items()
    }
    if dtype is not None and reduction.oracle not in (np.min, np.max):
        given["dtype"] = dtype
    with np.errstate(all="ignore"):
        result = np.asarray(reduction.oracle(sample, axis=axis, **given))
        if isinstance(out, _array.Array):
            reduction.oracle(sample, axis=axis, out=np.empty(result.shape, out.dtype), **given)
    if result.dtype.kind in "OV":
        raise TypeError(f"{reduction.oracle.__name__}: a result of dtype {result.dtype} is not supported.")
    return np.dtype(dtype) if reduction.oracle in (np.min, np.max) and dtype is not None else result.dtype


def _check_dtype(name: str, dtype: Any) -> None:
    """Raise TypeError for variances in integers, in which NumPy's own steps lose nearly everything."""
    if name in ("var", "std", "nanvar", "nanstd") and dtype is not None and np.dtype(dtype).kind not in "fc":
        raise TypeError(f"{name}: dtype={np.dtype(dtype)} is not supported; give a type of floating point numbers.")


def _reduced_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return tuple(sorted(int(each) % ndim for each in axes)) if ndim else ()


def _warn_of_empty(reduction: Reduction, n_reduced: int, ddof: float | None) -> None:
    if not reduction.averages:
        return
    if ddof is None and n_reduced == 0:
        warnings.warn("Mean of empty slice.", RuntimeWarning, stacklevel=4)
    if ddof is not None and n_reduced - ddof <= 0:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=4)


# --- one block of the result -----------------------------------------------------------------------------------------


def _combined(
    a: Array, reduction: Reduction, about: Block, index: tuple[int, ...], sources: list[Cells], dtype: np.dtype[Any]
) -> Cell:
    """The cell of what comes of all blocks that reduce to one."""
    along = [range(n) if axis in about.axes else (index[axis],) for axis, n in enumerate(a.grid)]
    blocks = list(itertools.product(*along))
    longest = max(blocks, key=lambda block: math.prod(a.chunks[axis][block[axis]] for axis in about.axes))
    blocks = [block for block in blocks if 0 not in block_shape(a.chunks, block)] or [longest]
    initial = about.options.get("initial")
    ufunc = reduction.ufunc
    if ufunc is not None and ufunc not in ASSOCIATIVE:
        return _chained(ufunc, about, blocks, sources, dtype)
    if ufunc is not None and initial is not None and ufunc.identity is not None:
        about = dataclasses.replace(about, options={})
    starts = [offsets(lengths) for lengths in a.chunks]
    partials = []
    for block in blocks:
        start = tuple(s[i] for s, i in zip(starts, block, strict=True))
        source, *companions = [cells[block] for cells in sources]
        partials.append(Cell.of(reduction.partial, source, dataclasses.replace(about, start=start), *companions))
    root_cell = tree_cell(reduction.combine, partials)
    if ufunc is not None and initial is not None and ufunc.identity is not None:
        root_cell = Cell.of(ufunc, np.asarray(initial).astype(dtype)[()], root_cell)
    return root_cell


def _chained(
    ufunc: np.ufunc, about: Block, blocks: list[tuple[int, ...]], sources: list[Cells], dtype: np.dtype[Any]
) -> Cell:
    """Reduce one block after the other, each with what came of those before."""
    if len(sources) > 1:
        raise TypeError(f"{about.name}: where= is not supported for an Array; use np.where first.")
    axis = about.axes[0] if about.axes else None
    carry = None
    for block in blocks:
        carry = Cell.of(_reduce_on, ufunc, sources[0][block], carry, axis, dtype, about, anchor=True)
        about = dataclasses.replace(about, options={})
    assert carry is not None
    return carry


def _reduce_on(ufunc: np.ufunc, block: Any, carry: Any, axis: int | None, dtype: np.dtype[Any], about: Block) -> Any:
    if carry is not None:
        block = np.concatenate([carry, block.astype(dtype)], axis=axis)
    return ufunc.reduce(block, axis=about.axes, keepdims=True, dtype=about.dtype, **about.options)


def _final(kept: Chunks, index: tuple[int, ...], axes: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    """Shape of a block of the result."""
    shape = block_shape(kept, index)
    return shape if keepdims else tuple(length for i, length in enumerate(shape) if i not in axes)


def _finish(
    finish: Callable[..., Any] | None, partial: Any, shape: tuple[int, ...], dtype: np.dtype[Any], **options: Any
) -> Any:
    value = partial if finish is None else finish(partial, **options)
    result = namespace(value).asarray(value)
    return result.reshape(shape).astype(dtype, copy=False)
