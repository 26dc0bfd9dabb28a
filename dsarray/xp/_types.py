"""Data types: which there are, what comes of several, and conversions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from dsarray._array import Array
from dsarray._standard import check_device, to_device
from dsarray.xp._arguments import SCALARS, check_arrays

__all__ = ["astype", "can_cast", "finfo", "iinfo", "isdtype", "result_type"]


@dataclass(frozen=True, slots=True)
class FloatInfo:
    """Limits of a type of floating point numbers, or of the parts of complex ones."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: np.dtype[Any]


@dataclass(frozen=True, slots=True)
class IntegerInfo:
    """Limits of a type of integers."""

    bits: int
    max: int
    min: int
    dtype: np.dtype[Any]


def astype(x: Array, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Array:
    """Return an array with another type of elements; without a copy if that is the same and ``copy`` is False.

    Raises
    ------
    TypeError
        When complex numbers would lose their imaginary part.
    """
    check_arrays("astype", x)
    check_device(device, "xp.astype")
    dtype = np.dtype(dtype)
    if x.dtype.kind == "c" and dtype.kind != "c":
        raise TypeError(f"xp.astype: {x.dtype} to {dtype} would lose the imaginary part; use xp.real() first.")
    result = x if dtype == x.dtype and not copy else x.astype(dtype)
    return result if device is None else to_device(result, device)


_PROMOTED_TO = {"b": "b", "i": "iu", "u": "iu", "f": "fc", "c": "c"}
"""Kinds of data types that the standard promotes others to."""


def can_cast(from_: Any, to: Any, /) -> bool:
    """Return whether the standard promotes a data type, or that of an array, to another one.

    It has no promotion from bool to numbers, nor from integers to floating point, which NumPy has.
    """
    source, target = _dtype_of(from_, "can_cast"), np.dtype(to)
    return bool(np.can_cast(source, target)) and target.kind in _PROMOTED_TO.get(source.kind, source.kind)


def finfo(type: Any, /) -> FloatInfo:  # noqa: A002 - the standard's name
    """Return the limits of a type of floating point numbers, or of that of an array."""
    found = np.finfo(_dtype_of(type, "finfo"))
    eps, greatest, least, smallest = map(float, (found.eps, found.max, found.min, found.smallest_normal))
    return FloatInfo(int(found.bits), eps, greatest, least, smallest, np.dtype(found.dtype))


def iinfo(type: Any, /) -> IntegerInfo:  # noqa: A002 - the standard's name
    """Return the limits of a type of integers, or of that of an array."""
    dtype = _dtype_of(type, "iinfo")
    found = np.iinfo(dtype)
    return IntegerInfo(int(found.bits), int(found.max), int(found.min), dtype)


def isdtype(dtype: Any, kind: Any) -> bool:
    """Return whether a data type is another one, or of a kind, or of one in a tuple of them."""
    return bool(np.isdtype(np.dtype(dtype), kind))


def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """Return the data type that comes of arrays, data types and Python scalars.

    Raises
    ------
    ValueError
        When there are only scalars.
    """
    scalars = [each for each in arrays_and_dtypes if isinstance(each, SCALARS)]
    dtypes = [_dtype_of(each, "result_type") for each in arrays_and_dtypes if not isinstance(each, SCALARS)]
    if not dtypes:
        raise ValueError("xp.result_type: there is no array or dtype; give at least one.")
    return np.result_type(*dtypes, *scalars)


def _dtype_of(value: Any, where: str) -> np.dtype[Any]:
    if isinstance(value, Array):
        return value.dtype
    if value is None or isinstance(value, (*SCALARS, np.ndarray, np.generic)):
        raise TypeError(f"xp.{where}: a {type(value).__name__} is neither an Array nor a data type; give one.")
    dtype: np.dtype[Any] = np.dtype(value)
    return dtype
