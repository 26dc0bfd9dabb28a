# ruff: noqa: A001 - the standard's names
"""Functions of one element at a time: those of NumPy, of Arrays and Python scalars only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dsarray._array import Array
from dsarray._elementwise import clip as _clip
from dsarray.xp._arguments import check_arrays, check_operands

__all__ = ["abs", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and", "bitwise_invert",
           "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "ceil", "clip", "conj",
           "copysign", "cos", "cosh", "divide", "equal", "exp", "expm1", "floor", "floor_divide", "greater",
           "greater_equal", "hypot", "imag", "isfinite", "isinf", "isnan", "less", "less_equal", "log", "log1p",
           "log2", "log10", "logaddexp", "logical_and", "logical_not", "logical_or", "logical_xor", "maximum",
           "minimum", "multiply", "negative", "nextafter", "not_equal", "positive", "pow", "real", "reciprocal",
           "remainder", "round", "sign", "signbit", "sin", "sinh", "sqrt", "square", "subtract", "tan", "tanh",
           "trunc"]  # fmt: skip


def _of_one(name: str, function: Callable[..., Any]) -> Callable[[Array], Array]:
    def call(x: Array, /) -> Array:
        check_arrays(name, x)
        result: Array = function(x)
        return result

    _name(call, name, function)
    return call


def _of_two(name: str, function: Callable[..., Any]) -> Callable[[Any, Any], Array]:
    def call(x1: Any, x2: Any, /) -> Array:
        check_operands(name, x1, x2)
        result: Array = function(x1, x2)
        return result

    _name(call, name, function)
    return call


def _name(call: Any, name: str, function: Callable[..., Any]) -> None:
    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"Return `numpy.{function.__name__}`, element by element."


abs = _of_one("abs", np.absolute)
acos = _of_one("acos", np.arccos)
acosh = _of_one("acosh", np.arccosh)
asin = _of_one("asin", np.arcsin)
asinh = _of_one("asinh", np.arcsinh)
atan = _of_one("atan", np.arctan)
atanh = _of_one("atanh", np.arctanh)
bitwise_invert = _of_one("bitwise_invert", np.invert)
ceil = _of_one("ceil", np.ceil)
conj = _of_one("conj", np.conjugate)
cos = _of_one("cos", np.cos)
cosh = _of_one("cosh", np.cosh)
exp = _of_one("exp", np.exp)
expm1 = _of_one("expm1", np.expm1)
floor = _of_one("floor", np.floor)
imag = _of_one("imag", np.imag)
isfinite = _of_one("isfinite", np.isfinite)
isinf = _of_one("isinf", np.isinf)
isnan = _of_one("isnan", np.isnan)
log = _of_one("log", np.log)
log1p = _of_one("log1p", np.log1p)
log2 = _of_one("log2", np.log2)
log10 = _of_one("log10", np.log10)
logical_not = _of_one("logical_not", np.logical_not)
negative = _of_one("negative", np.negative)
positive = _of_one("positive", np.positive)
real = _of_one("real", np.real)
reciprocal = _of_one("reciprocal", np.reciprocal)
round = _of_one("round", np.round)
sign = _of_one("sign", np.sign)
signbit = _of_one("signbit", np.signbit)
sin = _of_one("sin", np.sin)
sinh = _of_one("sinh", np.sinh)
sqrt = _of_one("sqrt", np.sqrt)
square = _of_one("square", np.square)
tan = _of_one("tan", np.tan)
tanh = _of_one("tanh", np.tanh)
trunc = _of_one("trunc", np.trunc)

add = _of_two("add", np.add)
atan2 = _of_two("atan2", np.arctan2)
bitwise_and = _of_two("bitwise_and", np.bitwise_and)
bitwise_left_shift = _of_two("bitwise_left_shift", np.left_shift)
bitwise_or = _of_two("bitwise_or", np.bitwise_or)
bitwise_right_shift = _of_two("bitwise_right_shift", np.right_shift)
bitwise_xor = _of_two("bitwise_xor", np.bitwise_xor)
copysign = _of_two("copysign", np.copysign)
divide = _of_two("divide", np.true_divide)
equal = _of_two("equal", np.equal)
floor_divide = _of_two("floor_divide", np.floor_divide)
greater = _of_two("greater", np.greater)
greater_equal = _of_two("greater_equal", np.greater_equal)
hypot = _of_two("hypot", np.hypot)
less = _of_two("less", np.less)
less_equal = _of_two("less_equal", np.less_equal)
logaddexp = _of_two("logaddexp", np.logaddexp)
logical_and = _of_two("logical_and", np.logical_and)
logical_or = _of_two("logical_or", np.logical_or)
logical_xor = _of_two("logical_xor", np.logical_xor)
maximum = _of_two("maximum", np.maximum)
minimum = _of_two("minimum", np.minimum)
multiply = _of_two("multiply", np.multiply)
nextafter = _of_two("nextafter", np.nextafter)
not_equal = _of_two("not_equal", np.not_equal)
pow = _of_two("pow", np.power)
remainder = _of_two("remainder", np.remainder)
subtract = _of_two("subtract", np.subtract)


def clip(x: Array, /, min: Any = None, max: Any = None) -> Array:  # noqa: A002 - the standard's names
    """Return the array with its values limited to a range; None is no limit, and the type stays."""
    check_arrays("clip", x)
    check_operands("clip", x, *[limit for limit in (min, max) if limit is not None])
    if min is None and max is None:
        return x.copy()
    return _clip(x, min, max).astype(x.dtype)
