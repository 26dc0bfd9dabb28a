"""NumPy's running sums and products, those that pass over NaN too; how they are done is told in `_cumulative`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from dsarray import _elementwise, _join, _reshape
from dsarray._cumulative import accumulate
from dsarray._registry import implements
from dsarray.functions._nan import known_or

__all__: list[str] = []


def _cumulative(ufunc: np.ufunc, known: Callable[[Any], Any]) -> Callable[..., Any]:
    def call(a: Any, axis: int | None = None, dtype: Any = None, out: Any = None) -> Any:
        array = _elementwise.as_array(known(a))
        if axis is None:
            array, axis = _reshape.reshape(array, (-1,)), 0
        elif not array.ndim and axis in (0, -1):
            array = _reshape.reshape(array, (1,))
        return accumulate(ufunc, array, axis, dtype=dtype, out=out)

    return call


def _same(a: Any) -> Any:
    return a


def _zero_for_nan(a: Any) -> Any:
    return known_or(a, 0)


def _one_for_nan(a: Any) -> Any:
    return known_or(a, 1)


implements(np.cumsum)(_cumulative(np.add, _same))
implements(np.cumprod)(_cumulative(np.multiply, _same))
implements(np.nancumsum)(_cumulative(np.add, _zero_for_nan))
implements(np.nancumprod)(_cumulative(np.multiply, _one_for_nan))


def _with_initial(ufunc: np.ufunc) -> Callable[..., Any]:
    def call(x: Any, /, *, axis: int | None = None, dtype: Any = None, out: Any = None,
             include_initial: bool = False) -> Any:  # fmt: skip
        array = _elementwise.as_array(x)
        if not array.ndim:
            array = _reshape.reshape(array, (1,))
        if axis is None and array.ndim > 1:
            raise ValueError("np.cumulative_sum, np.cumulative_prod: an array of more than one axis needs axis=.")
        axis = 0 if axis is None else axis
        if not include_initial:
            return accumulate(ufunc, array, axis, dtype=dtype, out=out)
        result = accumulate(ufunc, array, axis, dtype=dtype if out is None or dtype is not None else out.dtype)
        axis = normalize_axis_index(axis, array.ndim)
        shape = (*array.shape[:axis], 1, *array.shape[axis + 1 :])
        start = _elementwise.as_array(np.full((1,) * array.ndim, ufunc.identity, result.dtype))
        first = _join.broadcast_to(start, shape)
        return _elementwise.store(_join.concatenate([first, result], axis=axis), out, "np.cumulative_sum", "unsafe")

    return call


if hasattr(np, "cumulative_sum"):  # NumPy 2.1
    implements(np.cumulative_sum)(_with_initial(np.add))
    implements(np.cumulative_prod)(_with_initial(np.multiply))
