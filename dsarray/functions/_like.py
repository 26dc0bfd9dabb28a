"""NumPy's functions that make an array like another one: of its shape, or with ``like=``.

The blocks are made where they are used; nothing of the array that is taken as an example moves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dsarray import _creation, _elementwise, _join, _ranges
from dsarray._array import Array
from dsarray._grid import check_shape
from dsarray._registry import implements
from dsarray.functions import _coordinates

__all__: list[str] = []


def _shape_like(a: Any, shape: Any, where: str) -> tuple[tuple[int, ...], Any]:
    """Return the shape asked for and a block size, which is that of the example where it has as many axes."""
    lengths = a.shape if shape is None else check_shape(shape, where)
    if lengths == a.shape:
        return lengths, a.chunks
    return lengths, tuple(max(1, n) for n in a.block_shape) if len(lengths) == a.ndim else None


def _check_kind(where: str, order: Any = "K", device: Any = None) -> None:
    if order not in ("K", "A", "C", "F", None):
        raise ValueError(f"{where}: order={order!r} is unknown; an Array has no order, leave it away.")
    if device not in (None, "cpu"):
        raise ValueError(f"{where}: device={device!r} is unknown; use map_blocks(to_device, a).")


@implements(np.full_like)
def _full_like(a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None,
               *, device: Any = None) -> Array:  # fmt: skip
    del subok  # an Array has no subclasses
    _check_kind("full_like", order, device)
    lengths, block_size = _shape_like(a, shape, "full_like")
    dtype = a.dtype if dtype is None else dtype
    if np.ndim(fill_value):
        whole = _join.broadcast_to(_elementwise.as_array(fill_value), lengths).astype(dtype)
        return whole if block_size is None else whole.rechunk(block_size)
    value = fill_value.collect() if isinstance(fill_value, Array) else fill_value
    return _creation.full(lengths, value, dtype, block_size=block_size)


def _constant_like(numpys: Callable[..., Any], where: str) -> Callable[..., Array]:
    """Return what does ``zeros_like`` and the like; ``numpys`` makes the value."""

    def call(a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None,
             *, device: Any = None) -> Array:  # fmt: skip
        del subok
        _check_kind(where, order, device)
        lengths, block_size = _shape_like(a, shape, where)
        value = numpys((), a.dtype if dtype is None else dtype)
        return _creation.full(lengths, value, value.dtype, block_size=block_size)

    return call


for _numpys, _value in ((np.zeros_like, np.zeros), (np.ones_like, np.ones), (np.empty_like, np.zeros)):
    implements(_numpys)(_constant_like(_value, _numpys.__name__))


# --- like= -----------------------------------------------------------------------------------------------------------


def _constant(ours: Callable[..., Array], where: str) -> Callable[..., Array]:
    def call(shape: Any, dtype: Any = None, order: str = "C", *, device: Any = None) -> Array:
        _check_kind(where, order, device)
        return ours(shape, dtype=float if dtype is None else dtype)

    return call


implements(np.zeros)(_constant(_creation.zeros, "zeros"))
implements(np.ones)(_constant(_creation.ones, "ones"))
implements(np.empty)(_constant(_creation.zeros, "empty"))


@implements(np.full)
def _full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", *, device: Any = None) -> Array:
    _check_kind("full", order, device)
    return _creation.full(shape, fill_value, dtype=dtype)


@implements(np.eye)
def _eye(N: Any, M: Any = None, k: int = 0, dtype: Any = float, order: str = "C",  # noqa: N803 - NumPy's names
         *, device: Any = None) -> Array:  # fmt: skip
    _check_kind("eye", order, device)
    return _creation.eye(N, M, k=k, dtype=dtype)


@implements(np.identity)
def _identity(n: Any, dtype: Any = None) -> Array:
    return _creation.identity(n, dtype=float if dtype is None else dtype)


@implements(np.arange)
def _arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None, *, device: Any = None) -> Array:
    _check_kind("arange", device=device)
    return _ranges.arange(start, stop, step, dtype=dtype)


@implements(np.tri)
def _tri(N: Any, M: Any = None, k: int = 0, dtype: Any = float) -> Array:  # noqa: N803 - NumPy's names
    return _ranges.tri(N, M, k, dtype=dtype)


@implements(np.fromfunction)
def _fromfunction(function: Callable[..., Any], shape: Any, *, dtype: Any = float, **keywords: Any) -> Any:
    return _coordinates.fromfunction(function, shape, dtype=dtype, **keywords)


@implements(np.array)
def _array(
    x: Any, dtype: Any = None, *, copy: Any = True, order: str = "K", subok: bool = False, ndmin: int = 0
) -> Any:
    del copy, subok  # an Array is a value, and has no subclasses
    _check_kind("array", order)
    made = _creation.array(x, dtype=dtype)
    return made.reshape((1,) * (ndmin - made.ndim) + made.shape) if made.ndim < ndmin else made


@implements(np.asarray, np.asanyarray)
def _asarray(a: Any, dtype: Any = None, order: str | None = None, *, device: Any = None, copy: Any = None) -> Any:
    del copy
    _check_kind("asarray", order, device)
    return _creation.array(a, dtype=dtype)
