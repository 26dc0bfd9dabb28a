"""NumPy's functions that pass over NaN: reductions with a mask, fused with the making of that mask.

NumPy's warnings of lanes of nothing but NaN are not given, as nobody knows of them before the tasks run; the values are
the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _elementwise
from dsarray._moments import combine_moments, finish_moments, partial_moments
from dsarray._reduce import NOTHING, reduce
from dsarray._reductions import Reduction, of_ufunc
from dsarray._registry import implements
from dsarray.functions._statistics import ddof_of

if TYPE_CHECKING:
    from dsarray._array import Array
    from dsarray._moments import Moments

__all__ = ["known_or"]


def known_or(a: Any, value: float) -> Array:
    """Return an array with NaN replaced; of types that have none, the array itself."""
    array = _elementwise.as_dense(a, "a function that passes over NaN")
    return _elementwise.elementwise(_replace, array, value=value) if array.dtype.kind in "fc" else array


def _replace(block: Any, value: float) -> Any:
    return np.where(np.isnan(block), value, block)


def _known(a: Any, where: Any) -> tuple[Array, Any]:
    """Return an array with 0 for NaN, and the mask of what counts."""
    array = _elementwise.as_array(a)
    if array.dtype.kind not in "fc":
        return array, where
    known: Any = _elementwise.elementwise(_is_known, array)
    return known_or(array, 0), known if where is True or where is NOTHING else np.logical_and(known, where)


def _is_known(block: Any) -> Any:
    return ~np.isnan(block)


def _with_dtype(name: str, neutral: float) -> Callable[..., Array]:
    def call(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = NOTHING,
             initial: Any = NOTHING, where: Any = True) -> Array:  # fmt: skip
        return reduce(known_or(a, neutral), name, axis, keepdims, dtype=dtype, out=out, initial=initial,
                      where=where)  # fmt: skip

    return call


implements(np.nansum)(_with_dtype("sum", 0))
implements(np.nanprod)(_with_dtype("prod", 1))


def _extreme(ufunc: np.ufunc) -> Callable[..., Array]:
    def call(a: Any, axis: Any = None, out: Any = None, keepdims: Any = NOTHING, initial: Any = NOTHING,
             where: Any = True) -> Array:  # fmt: skip
        return reduce(_elementwise.as_array(a), of_ufunc(ufunc), axis, keepdims, out=out, initial=initial,
                      where=where)  # fmt: skip

    return call


implements(np.nanmin)(_extreme(np.fmin))
implements(np.nanmax)(_extreme(np.fmax))


@implements(np.nanmean)
def _nanmean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = NOTHING, *,
             where: Any = True) -> Array:  # fmt: skip
    _check_inexact(a, dtype)
    array, mask = _known(a, where)
    return reduce(array, "mean", axis, keepdims, dtype=dtype, out=out, where=mask)


def _variance(oracle: Callable[..., Any], finish: Callable[..., Any], plain: str) -> Callable[..., Array]:
    how = Reduction(oracle, partial_moments, combine_moments, finish, averages=True)

    def call(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = NOTHING,
             *, where: Any = True, mean: Any = NOTHING, correction: Any = NOTHING) -> Array:  # fmt: skip
        _check_inexact(a, dtype)
        array, mask = _known(a, where)
        return reduce(array, how if array.dtype.kind in "fc" else plain, axis, keepdims, dtype=dtype, out=out,
                      where=mask, mean=mean, ddof=ddof_of(ddof, correction))  # fmt: skip

    return call


def _check_inexact(a: Any, dtype: Any) -> None:
    if dtype is not None and a.dtype.kind in "fc" and np.dtype(dtype).kind not in "fc":
        raise TypeError(f"np.nanmean, np.nanvar: dtype={np.dtype(dtype)} is not supported; give an inexact type.")


def _finish_known(moments: Moments, ddof: float) -> Any:
    variance = finish_moments(moments, ddof)
    return np.where(moments.n - ddof > 0, variance, np.asarray(np.nan, variance.dtype))


def _root_known(moments: Moments, ddof: float) -> Any:
    return np.sqrt(_finish_known(moments, ddof))


implements(np.nanvar)(_variance(np.nanvar, _finish_known, "var"))
implements(np.nanstd)(_variance(np.nanstd, _root_known, "std"))
