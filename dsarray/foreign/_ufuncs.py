"""NumPy's universal functions by the array API standard: operands become of the types that NumPy computes in."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from dsarray.foreign._library import Library, Lifted, UnsupportedError

__all__ = ["call", "outer"]

_NAMES = {
    "absolute": "abs", "arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh", "arctan": "atan",
    "arctan2": "atan2", "arctanh": "atanh", "conjugate": "conj", "fabs": "abs", "float_power": "pow",
    "invert": "bitwise_invert", "left_shift": "bitwise_left_shift", "power": "pow", "rint": "round",
    "right_shift": "bitwise_right_shift",
}  # fmt: skip
"""Names of the standard that are not NumPy's."""

_SAME = frozenset(
    {
        "acos", "add", "bitwise_and", "bitwise_or", "bitwise_xor", "ceil", "copysign", "cos", "cosh", "divide", "equal",
        "exp", "expm1", "floor", "floor_divide", "greater", "greater_equal", "hypot", "isfinite", "isinf", "isnan",
        "less", "less_equal", "log", "log1p", "log2", "log10", "logaddexp", "logical_and", "logical_not", "logical_or",
        "logical_xor", "matmul", "maximum", "minimum", "multiply", "negative", "nextafter", "not_equal", "positive",
        "reciprocal", "remainder", "sign", "signbit", "sin", "sinh", "sqrt", "square", "subtract", "tan", "tanh",
        "trunc", "vecdot",
    }
)  # fmt: skip
"""Names of the standard that are NumPy's."""

_OF_BOOLS = {"add": "logical_or", "multiply": "logical_and", "maximum": "logical_or", "minimum": "logical_and",
             "absolute": "positive"}  # fmt: skip
"""What the standard calls what NumPy does with bools."""

_COMPARISONS = frozenset({"less", "less_equal", "greater", "greater_equal"})
_LOGICAL = frozenset({"logical_and", "logical_or", "logical_xor", "logical_not"})


def call(library: Library, ufunc: np.ufunc, *operands: Any, **keywords: Any) -> Any:
    """Call a universal function."""
    options = {name: value for name, value in keywords.items() if value is not None}
    options.pop("subok", None)
    options.pop("order", None)
    where = options.pop("where", True)
    if set(options) - {"dtype", "casting"} or where is not True:
        raise UnsupportedError(f"{ufunc.__name__} with {', '.join(options)}.")
    known = tuple(_type_of(operand) for operand in operands)
    types = _loop(ufunc, known, options.get("dtype"), options.get("casting", "same_kind"))
    if ufunc.__name__ in _LOGICAL:  # of anything
        types = tuple(np.dtype(bool) for _ in types)
    natives = [library.take(value, dtype) for value, dtype in zip(operands, types, strict=False)]
    results = _compute(library, ufunc, natives, types)
    many = results if isinstance(results, tuple) else (results,)
    cast = [library.astype(each, dtype, copy=False) for each, dtype in zip(many, types[ufunc.nin :], strict=True)]
    return tuple(cast) if isinstance(results, tuple) else cast[0]


def _type_of(operand: Any) -> Any:
    """What decides about types: that of an array or NumPy's scalar, or the kind of a Python scalar."""
    if isinstance(operand, (Lifted, np.ndarray, np.generic)):
        return operand.dtype
    if isinstance(operand, bool):
        return np.dtype(bool)
    return type(operand) if isinstance(operand, (int, float, complex)) else np.asarray(operand).dtype


@functools.lru_cache(maxsize=4096)
def _loop(ufunc: np.ufunc, known: tuple[Any, ...], dtype: Any, casting: Any) -> tuple[np.dtype[Any], ...]:
    """Return the types in which NumPy computes, of operands and results."""
    wanted = {} if dtype is None else {"signature": (*(None,) * ufunc.nin, *(np.dtype(dtype),) * ufunc.nout)}
    resolve: Callable[..., Any] = ufunc.resolve_dtypes
    return tuple(resolve((*known, *(None,) * ufunc.nout), casting=casting, **wanted))


def _compute(library: Library, ufunc: np.ufunc, natives: list[Any], types: tuple[np.dtype[Any], ...]) -> Any:
    xp, name, kind = library.module, ufunc.__name__, types[0].kind
    if _is_named(ufunc) is False:
        raise UnsupportedError(f"{name} is not NumPy's.")
    if name in _OTHERS:
        return _OTHERS[name](xp, *natives)
    if kind == "b":
        if name in _COMPARISONS:
            natives = [xp.astype(each, xp.uint8) for each in natives]
        if name in _OF_BOOLS:
            name = _OF_BOOLS[name]
            return natives[0] if name == "positive" else getattr(xp, name)(*natives)
    if kind != "c" and name == "conjugate":
        return natives[0]
    if kind in "biu" and name in ("isnan", "isinf", "isfinite"):
        return xp.full(natives[0].shape, name == "isfinite", dtype=xp.bool)
    standard = _NAMES.get(name, name if name in _SAME else None)
    if standard is None:
        raise UnsupportedError(f"{name} is not in the array API standard.")
    return getattr(xp, standard)(*natives)


@functools.lru_cache(maxsize=512)
def _is_named(ufunc: np.ufunc) -> bool:
    """True for a function of NumPy's; others, like those of SciPy, may have the same names."""
    return getattr(np, ufunc.__name__, None) is ufunc


def _fmax(xp: Any, left: Any, right: Any) -> Any:
    return xp.where(xp.isnan(left), right, xp.where(xp.isnan(right), left, xp.maximum(left, right)))


def _fmin(xp: Any, left: Any, right: Any) -> Any:
    return xp.where(xp.isnan(left), right, xp.where(xp.isnan(right), left, xp.minimum(left, right)))


def _divmod(xp: Any, left: Any, right: Any) -> Any:
    return xp.floor_divide(left, right), xp.remainder(left, right)


def _ratio(x: Any, above: float, below: float) -> float:
    """A factor as NumPy has it for elements of a type."""
    kind = np.float32 if str(x.dtype).endswith("float32") else np.float64
    return float(kind(above) / kind(below))


def _degrees(_: Any, x: Any) -> Any:
    return x * _ratio(x, 180, np.pi)


def _radians(_: Any, x: Any) -> Any:
    return x * _ratio(x, np.pi, 180)


def _power_of_two(xp: Any, x: Any) -> Any:
    return xp.pow(xp.full((), 2, dtype=x.dtype), x)


_OTHERS: dict[str, Callable[..., Any]] = {
    "fmax": _fmax,
    "fmin": _fmin,
    "divmod": _divmod,
    "degrees": _degrees,
    "rad2deg": _degrees,
    "radians": _radians,
    "deg2rad": _radians,
    "exp2": _power_of_two,
}
"""What takes a few functions of the standard."""


def outer(library: Library, ufunc: np.ufunc, left: Any, right: Any, **keywords: Any) -> Any:
    """Call a function on all pairs of elements."""
    a, b = library.take(left), library.take(right)
    a = library.module.reshape(a, (*a.shape, *(1,) * len(b.shape)))
    return call(library, ufunc, library.lift(a), library.lift(b), **keywords)
