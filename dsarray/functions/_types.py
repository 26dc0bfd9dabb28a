"""Questions about the type of an Array's elements, and conversions; no element is looked at, but of 0-d arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _array, _elementwise, _join
from dsarray._registry import implements

if TYPE_CHECKING:
    from dsarray._array import Array

__all__: list[str] = []


def _dtype_or_value(value: Any) -> Any:
    return value.dtype if isinstance(value, _array.Array) else value


@implements(np.result_type)
def _result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    return np.result_type(*map(_dtype_or_value, arrays_and_dtypes))


@implements(np.can_cast)
def _can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    return np.can_cast(_dtype_or_value(from_), _dtype_or_value(to), casting)


@implements(np.common_type)
def _common_type(*arrays: Any) -> Any:
    return np.common_type(*map(_elementwise.sample_of, arrays))


@implements(np.min_scalar_type)
def _min_scalar_type(a: Any, /) -> np.dtype[Any]:
    return a.dtype if a.ndim else np.min_scalar_type(a.collect())


@implements(np.iscomplexobj)
def _iscomplexobj(x: Any) -> bool:
    return bool(x.dtype.kind == "c")


@implements(np.isrealobj)
def _isrealobj(x: Any) -> bool:
    return bool(x.dtype.kind != "c")


if hasattr(np, "astype"):  # NumPy 2.1

    @implements(np.astype)
    def _astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Array:
        if device not in (None, "cpu"):
            raise ValueError(f"np.astype: device={device!r} is not supported; use to_device with map_blocks().")
        return x if not copy and np.dtype(dtype) == x.dtype else _elementwise.astype(x, dtype)


@implements(np.broadcast_arrays)
def _broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Array, ...]:  # noqa: ARG001 - NumPy's parameter
    arrays = [_elementwise.as_array(each) for each in args]
    shape = np.broadcast_shapes(*(each.shape for each in arrays))
    return tuple(_join.broadcast_to(each, shape) for each in arrays)
