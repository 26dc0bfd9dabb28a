"""NumPy's reductions and scans by the array API standard."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from dsarray.foreign import _ufuncs
from dsarray.foreign._library import Library, UnsupportedError

__all__ = ["FUNCTIONS", "accumulate", "reduce"]

_NOTHING: Any = np._NoValue

_NAMES: dict[Any, str] = {np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min",
                          np.logical_and: "all", np.logical_or: "any"}  # fmt: skip


_SCANS: dict[Any, str] = {np.add: "cumulative_sum", np.multiply: "cumulative_prod"}


def reduce(
    library: Library,
    ufunc: np.ufunc,
    a: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = _NOTHING,
    where: Any = True,
) -> Any:
    """Reduce by a universal function."""
    name = _NAMES.get(ufunc)
    if name is None or out is not None:
        raise UnsupportedError(f"{ufunc.__name__}.reduce is not in the array API standard.")
    native, given = library.take(a), initial is not _NOTHING and initial is not None
    known = _result_of(ufunc, library.dtype_of(native), dtype)
    native = library.astype(native, np.dtype(bool) if name in ("all", "any") else known, copy=False)
    if where is not True and where is not _NOTHING:
        start = ufunc.identity if ufunc.identity is not None else initial if given else None
        if start is None:
            raise ValueError(f"reduction operation '{name}' needs initial= with where=")
        inside = library.take(where, np.dtype(bool))
        native = library.module.where(inside, native, library.take(start, library.dtype_of(native)))
    result = _reduced(library, name, native, axis, keepdims is True)
    if given:
        result = _ufuncs.call(library, ufunc, library.lift(result), np.asarray(initial).astype(known)[()])
    return library.astype(result, known, copy=False)


@functools.lru_cache(maxsize=512)
def _result_of(ufunc: np.ufunc, known: np.dtype[Any], dtype: Any) -> np.dtype[Any]:
    with np.errstate(all="ignore"):
        result: np.dtype[Any] = ufunc.reduce(np.ones(1, known), dtype=dtype).dtype
    return result


def _reduced(library: Library, name: str, native: Any, axis: Any, keepdims: bool) -> Any:
    is_bool = library.dtype_of(native).kind == "b" and name in ("max", "min")
    if is_bool:
        name = {"max": "any", "min": "all"}[name]
        _check_some(native, axis, name)
    options = {"dtype": native.dtype} if name in ("sum", "prod") else {}
    axes = tuple(axis) if isinstance(axis, (tuple, list)) else axis
    if axes == ():
        return native
    if not native.shape and axis in (0, -1):
        axes = None
    return getattr(library.module, name)(native, axis=axes, keepdims=keepdims, **options)


def _check_some(native: Any, axis: Any, name: str) -> None:
    axes = range(len(native.shape)) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    if not math.prod(native.shape[i] for i in axes):
        raise ValueError(f"zero-size array to reduction operation {name} which has no identity")


def accumulate(library: Library, ufunc: np.ufunc, a: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    """Reduce up to each element."""
    name = _SCANS.get(ufunc)
    if name is None or out is not None:
        raise UnsupportedError(f"{ufunc.__name__}.accumulate is not in the array API standard.")
    native = library.take(a)
    known = _result_of(ufunc, library.dtype_of(native), dtype)
    if known.kind == "b":
        raise UnsupportedError("scans of bools.")
    native = library.astype(native, known, copy=False)
    return getattr(library.module, name)(native, axis=axis, dtype=native.dtype)


# --- functions -------------------------------------------------------------------------------------------------------


def _by(ufunc: np.ufunc, *, typed: bool = False) -> Callable[..., Any]:
    def of(library: Library, a: Any, axis: Any = None, *rest: Any, **keywords: Any) -> Any:
        names = ("dtype", "out", "keepdims") if typed else ("out", "keepdims")
        options = {**dict(zip(names, rest, strict=False)), **keywords}
        return reduce(library, ufunc, a, axis, **{k: v for k, v in options.items() if v is not _NOTHING})

    return of


def _logical(ufunc: np.ufunc) -> Callable[..., Any]:
    return _by(ufunc)


def _averaging(name: str) -> Callable[..., Any]:
    def of(library: Library, a: Any, axis: Any = None, dtype: Any = None, **options: Any) -> Any:
        given = {key: value for key, value in options.items() if value is not _NOTHING and value is not None}
        keepdims, ddof = given.pop("keepdims", False), given.pop("ddof", given.pop("correction", 0))
        if given or not all(library.take(a).shape):
            raise UnsupportedError(f"{name} with {', '.join(given)}, or of nothing.")
        native = library.take(a)
        known = library.dtype_of(native)
        kind = np.dtype(dtype) if dtype is not None else known if known.kind in "fc" else np.dtype(float)
        native = library.astype(native, kind, copy=False)
        extra = {} if name == "mean" else {"correction": ddof}
        return getattr(library.module, name)(native, axis=axis, keepdims=keepdims, **extra)

    return of


def _position(name: str) -> Callable[..., Any]:
    def of(library: Library, a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
        native = library.take(a)
        if library.dtype_of(native).kind == "b":
            native = library.astype(native, np.dtype(np.uint8), copy=False)
        if out is not None:
            raise UnsupportedError(f"{name} with out=.")
        found = getattr(library.module, name)(native, axis=axis, keepdims=keepdims is True)
        return library.astype(found, np.dtype(np.intp), copy=False)

    return of


def _count_nonzero(library: Library, a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    mask = library.astype(library.take(a), np.dtype(bool), copy=False)
    counted = reduce(library, np.add, library.lift(mask), axis, dtype=np.intp, keepdims=keepdims)
    return int(counted) if axis is None and not keepdims else counted


def _ptp(library: Library, a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    high, low = (
        reduce(library, each, a, axis, out=out, keepdims=keepdims is True) for each in (np.maximum, np.minimum)
    )
    return _ufuncs.call(library, np.subtract, library.lift(high), library.lift(low))


def _scan(ufunc: np.ufunc) -> Callable[..., Any]:
    def of(library: Library, a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        native = library.take(a)
        if axis is None:
            native, axis = library.module.reshape(native, (-1,)), 0
        return accumulate(library, ufunc, library.lift(native), axis, dtype, out)

    return of


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.sum: _by(np.add, typed=True),
    np.prod: _by(np.multiply, typed=True),
    np.max: _by(np.maximum),
    np.min: _by(np.minimum),
    np.any: _logical(np.logical_or),
    np.all: _logical(np.logical_and),
    np.mean: _averaging("mean"),
    np.var: _averaging("var"),
    np.std: _averaging("std"),
    np.argmax: _position("argmax"),
    np.argmin: _position("argmin"),
    np.count_nonzero: _count_nonzero,
    np.ptp: _ptp,
    np.cumsum: _scan(np.add),
    np.cumprod: _scan(np.multiply),
}
