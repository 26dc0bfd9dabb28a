"""Making arrays, in blocks as `dsarray.array` and `dsarray.config` choose them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dsarray import _creation, _ranges
from dsarray._array import Array
from dsarray._namespace import namespace, to_host
from dsarray._standard import check_device, device_of, to_device
from dsarray.xp._arguments import SCALARS, check_arrays, numpys, several

__all__ = ["arange", "asarray", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like", "linspace",
           "meshgrid", "ones", "ones_like", "tril", "triu", "zeros", "zeros_like"]  # fmt: skip


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Array:
    """Make an array of a scalar, nested sequences, a buffer, or another array.

    Parameters
    ----------
    obj : scalar, nested sequence, array_like or Array
        An Array is returned as it is, unless something else is asked for.
    dtype : dtype, optional
        Type of the elements.
    device : {"cpu", "cuda"}, optional
        Where its blocks shall lie; by default, where ``obj`` does.
    copy : bool, optional
        True for an Array that changes apart from ``obj``; False to have nothing copied, which goes for an Array only.

    Raises
    ------
    ValueError
        When ``copy`` is False and there is something to copy.
    TypeError
        When the elements are no numbers, or a sequence holds Arrays.
    """
    check_device(device, "xp.asarray")
    if isinstance(obj, Array):
        return _as_asked(obj, dtype, device, copy)
    if copy is False:
        raise ValueError(f"xp.asarray: a {type(obj).__name__} is copied into blocks; leave copy=False away.")
    if isinstance(obj, (list, tuple)) and any(isinstance(each, Array) for each in obj):
        raise TypeError("xp.asarray: a sequence of Arrays is not an array; use xp.stack().")
    if type(obj) is int and dtype is None and not -(2**63) <= obj < 2**64:
        raise OverflowError(f"xp.asarray: {obj} does not fit any type of integers; give a dtype of floating point.")
    is_here = namespace(obj) is np
    made = _creation.array(obj if is_here else to_host(obj), dtype=None if dtype is None else np.dtype(dtype))
    if made.dtype.kind not in "biufc":
        raise TypeError(f"xp.asarray: elements of {made.dtype} are no numbers; give numbers.")
    return _put(made, ("cpu" if is_here else "cuda") if device is None else device)


def _as_asked(x: Array, dtype: Any, device: Any, copy: bool | None) -> Array:
    is_same = (dtype is None or np.dtype(dtype) == x.dtype) and (device is None or device == device_of(x))
    if copy is False and not is_same:
        raise ValueError("xp.asarray: another dtype or device takes a copy; leave copy=False away.")
    if is_same:
        return x.copy() if copy else x
    result = x if dtype is None else x.astype(dtype)
    return result if device is None else to_device(result, device)


def _put(made: Array, device: Any) -> Array:
    """Move what has been made on the CPU to a device."""
    return made if device is None or device == "cpu" else to_device(made, device)


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Array:
    """Make an array of one of another library, which it shares nothing with; an Array is returned as it is.

    Raises
    ------
    ValueError
        When ``copy`` is False and there is something to copy.
    """
    check_device(device, "xp.from_dlpack")
    if isinstance(x, Array) or namespace(x) is not np:
        return asarray(x, device=device, copy=copy)
    if copy is False:
        raise ValueError("xp.from_dlpack: elements are copied into blocks; leave copy=False away.")
    return _put(_creation.array(np.from_dlpack(x)), device)


# --- constants -------------------------------------------------------------------------------------------------------


def full(shape: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """Make an array of one value.

    Raises
    ------
    TypeError
        When ``fill_value`` is not a Python scalar.
    """
    check_device(device, "xp.full")
    _check_scalar(fill_value, "full")
    return _put(_creation.full(shape, fill_value, dtype=dtype), device)


def _check_scalar(value: Any, where: str) -> None:
    if not isinstance(value, SCALARS):
        raise TypeError(f"xp.{where}: fill_value of type {type(value).__name__} is not a Python scalar; give one.")


def empty(shape: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """Make an array to be filled: of zeros."""
    return _made_of(_creation.zeros, shape, dtype, device, "empty")


def ones(shape: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """Make an array of ones."""
    return _made_of(_creation.ones, shape, dtype, device, "ones")


def zeros(shape: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """Make an array of zeros."""
    return _made_of(_creation.zeros, shape, dtype, device, "zeros")


def _made_of(make: Callable[..., Array], shape: Any, dtype: Any, device: Any, where: str) -> Array:
    check_device(device, f"xp.{where}")
    return _put(make(shape, dtype=float if dtype is None else dtype), device)


def full_like(x: Array, /, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Array:
    """Make an array of one value that is like another one."""
    check_arrays("full_like", x)
    check_device(device, "xp.full_like")
    _check_scalar(fill_value, "full_like")
    return _put(np.full_like(x, fill_value, dtype=dtype), device_of(x) if device is None else device)  # type: ignore[arg-type]  # it dispatches


def empty_like(x: Array, /, *, dtype: Any = None, device: Any = None) -> Array:
    """Make an array to be filled that is like another one: of zeros."""
    return full_like(x, 0, dtype=dtype, device=device)


def ones_like(x: Array, /, *, dtype: Any = None, device: Any = None) -> Array:
    """Make an array of ones that is like another one."""
    return full_like(x, 1, dtype=dtype, device=device)


def zeros_like(x: Array, /, *, dtype: Any = None, device: Any = None) -> Array:
    """Make an array of zeros that is like another one."""
    return full_like(x, 0, dtype=dtype, device=device)


# --- ranges and matrices ---------------------------------------------------------------------------------------------


def arange(start: Any, /, stop: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None) -> Array:
    """Make evenly spaced values from ``start`` up to, and without, ``stop``."""
    check_device(device, "xp.arange")
    return _put(_ranges.arange(start, stop, step, dtype=dtype), device)


def linspace(
    start: Any, stop: Any, /, num: int, *, dtype: Any = None, device: Any = None, endpoint: bool = True
) -> Array:
    """Make evenly spaced numbers over an interval."""
    check_device(device, "xp.linspace")
    return _put(_ranges.linspace(start, stop, num, endpoint, dtype=dtype), device)


def eye(n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None, device: Any = None) -> Array:
    """Make a matrix with ones on a diagonal and zeros elsewhere."""
    check_device(device, "xp.eye")
    return _put(_creation.eye(n_rows, n_cols, k=k, dtype=float if dtype is None else dtype), device)


def meshgrid(*arrays: Array, indexing: str = "xy") -> tuple[Array, ...]:
    """Return coordinate matrices of coordinate vectors."""
    check_arrays("meshgrid", *arrays)
    return several(np.meshgrid, *arrays, indexing=indexing)


def tril(x: Array, /, *, k: int = 0) -> Array:
    """Return the lower triangles of matrices."""
    check_arrays("tril", x)
    return numpys(np.tril, x, k)


def triu(x: Array, /, *, k: int = 0) -> Array:
    """Return the upper triangles of matrices."""
    check_arrays("triu", x)
    return numpys(np.triu, x, k)
