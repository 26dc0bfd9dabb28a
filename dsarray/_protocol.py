"""NumPy's functions on an Array: those in the table, and a clear error for all others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dsarray import _elementwise, _map, _matmul, _reshape

__all__ = ["apply_function", "dot"]


def apply_function(function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Do what ``function(*args, **keywords)`` means.

    Raises
    ------
    TypeError
        When this function, or one of its arguments, is not supported.
    """
    ours = _FUNCTIONS.get(function)
    name = f"{function.__module__}.{function.__name__}".replace("numpy", "np")
    if ours is None:
        raise TypeError(
            f"{name} is not supported for an Array; use another function, map_blocks(), "
            "or collect() the array if it is small."
        )
    try:
        return ours(*args, **keywords)
    except TypeError as error:
        if "argument" in str(error):
            raise TypeError(f"{name}: this use is not supported for an Array ({error}).") from error
        raise


def dot(a: Any, b: Any) -> Any:
    """Return the product of two arrays of at most two axes, as `numpy.dot`."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if np.ndim(a) > 2 or np.ndim(b) > 2:
        raise TypeError(
            "dot: arrays of more than 2 axes are not supported; use @, which multiplies stacks of matrices."
        )
    return _matmul.matmul(a, b)


def _method(name: str) -> Callable[..., Any]:
    def call(a: Any, *args: Any, **keywords: Any) -> Any:
        return getattr(_elementwise.as_array(a), name)(*args, **keywords)

    return call


def _elementwise_function(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*operands: Any, **keywords: Any) -> Any:
        for name, value in keywords.items():  # which go to each block as they are
            if np.ndim(value):
                raise TypeError(f"np.{function.__name__}: an array for {name}= is not supported; give a scalar.")
        return _elementwise.elementwise(function, *operands, **keywords)

    return call


def _nan_to_num(x: Any, copy: bool = True, **keywords: Any) -> Any:
    if not copy:
        raise TypeError("np.nan_to_num: copy=False is not supported for an Array; use what the call returns.")
    return _elementwise_function(np.nan_to_num)(x, **keywords)


def _reshape_function(a: Any, shape: Any) -> Any:
    return _reshape.reshape(_elementwise.as_array(a), shape)


def _where(condition: Any, x: Any, y: Any) -> Any:
    return _elementwise.where(condition, x, y)


def _full_like(a: Any, fill_value: Any, dtype: Any = None) -> Any:
    from dsarray._creation import full

    dtype = a.dtype if dtype is None else dtype
    return full(a.shape, fill_value, tuple(max(1, n) for n in a.block_shape), dtype=dtype)


def _array_equal(a: Any, b: Any) -> bool:
    a, b = _elementwise.as_array(a), _elementwise.as_array(b)
    return a.shape == b.shape and bool((a == b).all())


def _allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, *, equal_nan: bool = False) -> bool:
    return bool(_elementwise.elementwise(np.isclose, a, b, rtol=rtol, atol=atol, equal_nan=equal_nan).all())


def _axis_length(a: Any, axis: int | None = None) -> int:
    length: int = a.size if axis is None else a.shape[axis]
    return length


_FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    **{
        getattr(np, name): _method(name)
        for name in (
            "all", "any", "argmax", "argmin", "clip", "max", "mean", "min", "prod", "ravel", "round",
            "squeeze", "std", "sum", "var", "copy",
        )
    },
    **{
        function: _elementwise_function(function)
        for function in (np.isclose, np.real, np.imag, np.angle, np.iscomplex, np.isreal, np.i0, np.sinc)
    },
    np.transpose: lambda a, axes=None: _reshape.transpose(a, axes),
    np.amax: _method("max"),
    np.amin: _method("min"),
    np.where: _where,
    np.nan_to_num: _nan_to_num,
    np.reshape: _reshape_function,
    np.dot: dot,
    np.concatenate: lambda arrays, axis=0: _reshape.concatenate(arrays, axis),
    np.expand_dims: _reshape.expand_dims,
    np.apply_along_axis: _map.apply_along_axis,
    np.zeros_like: lambda a, dtype=None: _full_like(a, np.zeros((), a.dtype if dtype is None else dtype), dtype),
    np.ones_like: lambda a, dtype=None: _full_like(a, np.ones((), a.dtype if dtype is None else dtype), dtype),
    np.full_like: _full_like,
    np.array_equal: _array_equal,
    np.allclose: _allclose,
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: _axis_length,
}  # fmt: skip
