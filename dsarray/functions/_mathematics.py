"""NumPy's functions of one element at a time that are no ufuncs, and questions about all elements.

The former are recorded, and fused into the tasks that need them; the latter are answered at once, by one tree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dsarray import _array, _elementwise, _rechunk, _sparse
from dsarray._cell import Cell, make_cells
from dsarray._elementwise import elementwise, store, store_broadcast
from dsarray._reduce import NOTHING
from dsarray._registry import implements

if TYPE_CHECKING:
    from dsarray._array import Array

__all__: list[str] = []


def _function(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what is called in place of a function of one or several arrays."""

    def call(*operands: Any, **keywords: Any) -> Any:
        for name, value in keywords.items():  # which go to each block as they are
            if np.ndim(value):
                raise TypeError(f"np.{function.__name__}: an array for {name}= is not supported; give a scalar.")
        return elementwise(function, *operands, **keywords)

    return call


for _each in (np.real, np.imag, np.iscomplex, np.isreal, np.i0, np.sinc):
    implements(_each)(_function(_each))


@implements(np.angle)
def _angle(z: Any, deg: bool = False) -> Any:
    return elementwise(np.angle, z, deg=deg)


@implements(np.isclose)
def _isclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    return elementwise(_close, a, b, rtol, atol, equal_nan=equal_nan)


def _close(a: Any, b: Any, rtol: Any, atol: Any, *, equal_nan: bool) -> Any:
    return np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)


@implements(np.nan_to_num)
def _nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    result = _function(np.nan_to_num)(x, nan=nan, posinf=posinf, neginf=neginf)
    return result if copy else store(result, x, "np.nan_to_num")


@implements(np.clip)
def _clip(
    a: Any, a_min: Any = NOTHING, a_max: Any = NOTHING, out: Any = None, *, min: Any = NOTHING, max: Any = NOTHING,  # noqa: A002 - NumPy's names
    **keywords: Any,
) -> Any:  # fmt: skip
    if a_min is NOTHING and a_max is NOTHING:
        a_min = None if min is NOTHING else min
        a_max = None if max is NOTHING else max
    elif a_min is NOTHING or a_max is NOTHING:
        raise TypeError("np.clip: a_min and a_max go together; give both, or min= and max=.")
    elif min is not NOTHING or max is not NOTHING:
        raise ValueError("np.clip: min= and max= are other names of a_min and a_max; give one pair of them.")
    unknown = set(keywords) - {"dtype", "casting", "order", "subok"}
    if unknown:
        raise TypeError(f"np.clip: {', '.join(sorted(unknown))}= is not supported for an Array; use np.where.")
    known = {name: keywords[name] for name in ("dtype", "casting") if name in keywords}
    return store_broadcast(
        _elementwise.clip(a, a_min, a_max, **known), out, "np.clip", known.get("casting", "same_kind")
    )


@implements(np.round, np.around)
def _round(a: Any, decimals: int = 0, out: Any = None) -> Any:
    return store(elementwise(np.round, a, decimals=decimals), out, "np.round")


def _with_out(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(x: Any, out: Any = None) -> Any:
        return store_broadcast(elementwise(function, x), out, f"np.{function.__name__}")

    return call


for _one in (np.fix, np.isposinf, np.isneginf):
    implements(_one)(_with_out(_one))


@implements(np.real_if_close)
def _real_if_close(a: Any, tol: float = 100) -> Any:
    if np.asarray(_elementwise.sample_of(a)).dtype.kind != "c":
        return a.copy()
    raise TypeError(
        f"np.real_if_close: not supported for a complex Array, as the type of the result would depend on its values; "
        f"use .real where abs(a.imag) is small (tol={tol})."
    )


@implements(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **keywords: Any) -> Array:
    """The functions are given the elements for which their condition holds, block by block."""
    a = _elementwise.as_dense(x, "np.piecewise")
    if isinstance(condlist, _array.Array):
        condlist = [condlist] if condlist.ndim < 2 else list(condlist)  # as in NumPy, rows are conditions
    elif np.isscalar(condlist) or (a.ndim and not isinstance(condlist[0], (list, np.ndarray, _array.Array))):
        condlist = [condlist]
    conditions = [_elementwise.as_array(each).astype(bool) for each in condlist]
    if len(funclist) not in (len(conditions), len(conditions) + 1):
        n = len(conditions)
        raise ValueError(f"np.piecewise: with {n} condition(s), either {n} or {n + 1} functions are expected")
    wrong = [each.shape for each in conditions if each.shape != a.shape[: each.ndim]]
    if wrong:
        raise IndexError(f"np.piecewise: a condition of shape {wrong[0]} does not fit the array's shape {a.shape}.")
    full = [each[(..., *(None,) * (a.ndim - each.ndim))] for each in conditions]
    matched = [_elementwise.match_cells(each, a, "np.piecewise: a condition") for each in full]
    call = (list(funclist), args, keywords)
    cells = [Cell.of(_choose, call, cell, *masks) for cell, *masks in zip(a._cells.flat, *(m.flat for m in matched),
                                                                         strict=True)]  # fmt: skip
    return _array.Array(make_cells(a.grid, cells), a.chunks, a.dtype)


def _choose(call: tuple[Any, ...], block: Any, *masks: Any) -> Any:
    functions, args, keywords = call
    whole = [np.broadcast_to(mask, block.shape) for mask in masks]
    return np.piecewise(block, whole, functions, *args, **keywords)


@implements(np.interp)
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Array:
    """Block by block; the points between which is interpolated go whole to each task."""
    a, *points = (_elementwise.as_array(each) for each in (x, xp, fp))
    if a.sparse or any(each.sparse for each in points):
        raise _sparse.refuse("np.interp")
    options = {"left": left, "right": right, "period": period}
    samples = [np.ones((1,) * each.ndim, each.dtype) for each in points]
    dtype = _interpolate(np.ones(0, a.dtype), *samples, **options).dtype
    if points[0].shape != points[1].shape or points[0].ndim != 1:
        raise ValueError(f"np.interp: shapes {points[0].shape} of xp and {points[1].shape} of fp differ; give vectors.")
    if not points[0].size:
        raise ValueError("np.interp: array of sample points is empty")
    whole = [_rechunk.to_chunks(each, (each.shape,)) for each in points]
    _rechunk.keep_shared([each._cells[0] for each in whole] * 2)
    cells = [Cell.of(_interpolate, cell, *(each._cells[0] for each in whole), **options) for cell in a._cells.flat]
    return _array.Array(make_cells(a.grid, cells), a.chunks, dtype)


def _interpolate(x: Any, xp: Any, fp: Any, **options: Any) -> npt.NDArray[Any]:
    return np.asarray(np.interp(x, xp, fp, **options))


# --- all elements ----------------------------------------------------------------------------------------------------


@implements(np.allclose)
def _allclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> bool:
    return bool(np.all(_isclose(a, b, rtol, atol, equal_nan)))


@implements(np.array_equal)
def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    a, b = _elementwise.as_array(a1), _elementwise.as_array(a2)
    return a.shape == b.shape and _are_equal(a, b, equal_nan=equal_nan)


@implements(np.array_equiv)
def _array_equiv(a1: Any, a2: Any) -> bool:
    a, b = _elementwise.as_array(a1), _elementwise.as_array(a2)
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        return False
    return _are_equal(a, b, equal_nan=False)


def _are_equal(a: Array, b: Array, *, equal_nan: bool) -> bool:
    a, b = _elementwise.to_dense(a), _elementwise.to_dense(b)
    if not equal_nan or a.dtype.kind not in "fcmM" or b.dtype.kind not in "fcmM":
        return bool(np.all(a == b))
    return bool(np.all(elementwise(_equal_or_nan, a, b)))


def _equal_or_nan(a: Any, b: Any) -> Any:
    return (a == b) | (np.isnan(a) & np.isnan(b))
