"""NumPy's reductions and statistics: sums, extremes, means, variances, averages and covariances.

What reaches no worker but the next is of the size of a result; covariances are one matrix product.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from dsarray import _elementwise, _join, _sparse
from dsarray._matmul import matmul
from dsarray._reduce import NOTHING, reduce
from dsarray._registry import implements

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["ddof_of"]


# --- reductions ------------------------------------------------------------------------------------------------------


def _with_dtype(name: str) -> Callable[..., Array]:
    """Return what is called in place of a sum or product."""

    def call(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = NOTHING,
             initial: Any = NOTHING, where: Any = True) -> Array:  # fmt: skip
        return reduce(_elementwise.as_array(a), name, axis, keepdims, dtype=dtype, out=out, initial=initial,
                      where=where)  # fmt: skip

    return call


def _extreme(name: str) -> Callable[..., Array]:
    def call(a: Any, axis: Any = None, out: Any = None, keepdims: Any = NOTHING, initial: Any = NOTHING,
             where: Any = True) -> Array:  # fmt: skip
        return reduce(_elementwise.as_array(a), name, axis, keepdims, out=out, initial=initial, where=where)

    return call


def _logical(name: str) -> Callable[..., Array]:
    def call(a: Any, axis: Any = None, out: Any = None, keepdims: Any = NOTHING, *, where: Any = True) -> Array:
        return reduce(_elementwise.as_array(a), name, axis, keepdims, out=out, where=where)

    return call


def _position(name: str) -> Callable[..., Array]:
    def call(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = NOTHING) -> Array:
        return reduce(_elementwise.as_array(a), name, axis, keepdims, out=out)

    return call


def _variance(name: str) -> Callable[..., Array]:
    def call(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0, keepdims: Any = NOTHING,
             *, where: Any = True, mean: Any = NOTHING, correction: Any = NOTHING) -> Array:  # fmt: skip
        return reduce(_elementwise.as_array(a), name, axis, keepdims, dtype=dtype, out=out, where=where, mean=mean,
                      ddof=ddof_of(ddof, correction))  # fmt: skip

    return call


def ddof_of(ddof: float, correction: Any) -> float:
    """Return what a variance takes off the number of elements, which has two names.

    Raises
    ------
    ValueError
        When both are given.
    """
    if correction is NOTHING:
        return ddof
    if ddof != 0:
        raise ValueError("ddof and correction can't be provided simultaneously.")
    value: float = correction
    return value


for _name in ("sum", "prod"):
    implements(getattr(np, _name))(_with_dtype(_name))
for _name in ("min", "max"):
    implements(getattr(np, _name), getattr(np, f"a{_name}"))(_extreme(_name))
for _name in ("any", "all"):
    implements(getattr(np, _name))(_logical(_name))
for _name in ("argmin", "argmax", "nanargmin", "nanargmax"):
    implements(getattr(np, _name))(_position(_name))
for _name in ("var", "std"):
    implements(getattr(np, _name))(_variance(_name))


@implements(np.mean)
def _mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = NOTHING, *,
          where: Any = True) -> Array:  # fmt: skip
    return reduce(_elementwise.as_array(a), "mean", axis, keepdims, dtype=dtype, out=out, where=where)


@implements(np.count_nonzero)
def _count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Array:
    return reduce(_elementwise.as_array(a), "count_nonzero", axis, keepdims)


@implements(np.ptp)
def _ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = NOTHING) -> Any:
    return _elementwise.store(reduce(_elementwise.as_array(a), "ptp", axis, keepdims), out, "np.ptp")


# --- averages --------------------------------------------------------------------------------------------------------


@implements(np.average)
def _average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = NOTHING) -> Any:
    array = _elementwise.as_array(a)
    axes = None if axis is None else normalize_axis_tuple(axis, array.ndim, argname="axis")
    if weights is None:
        average = reduce(array, "mean", axes, keepdims)
        if not returned:
            return average
        return average, np.full_like(average, array.size / average.size if average.size else np.nan)
    if array.sparse:
        raise _sparse.refuse("np.average with weights")
    factors = _weights_for(array, axes, _elementwise.as_array(weights))
    wide = [np.dtype(np.float64)] if array.dtype.kind in "biu" else []
    dtype = np.result_type(array.dtype, factors.dtype, *wide)
    product: Any = np.multiply(array, factors, dtype=dtype)
    total = reduce(product, "sum", axes, keepdims)
    scale = reduce(factors, "sum", axes, keepdims, dtype=dtype)
    average = _elementwise.elementwise(_divide_by_weights, total, scale)
    return (average, _join.broadcast_to(scale, average.shape)) if returned else average


def _weights_for(a: Array, axes: tuple[int, ...] | None, weights: Array) -> Array:
    """Return weights with as many axes as the array."""
    if weights.shape == a.shape:
        return weights
    if axes is None:
        raise TypeError("np.average: axis must be specified when the shapes of a and weights differ.")
    if weights.shape != tuple(a.shape[axis] for axis in axes):
        raise ValueError(
            f"np.average: weights of shape {weights.shape} do not fit the axes {axes} of an array of shape {a.shape}."
        )
    ordered = np.transpose(weights, np.argsort(axes).tolist())
    shape = tuple(n if axis in axes else 1 for axis, n in enumerate(a.shape))
    return cast("Array", np.reshape(ordered, shape))


def _divide_by_weights(total: Any, scale: Any) -> Any:
    if np.any(scale == 0):
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    return np.true_divide(total, scale)


@implements(np.apply_over_axes)
def _apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    value = a
    for axis in np.atleast_1d(axes).tolist():
        place = axis + a.ndim if axis < 0 else axis
        result = func(value, place)
        if result.ndim != value.ndim:
            result = np.expand_dims(result, place)
        if result.ndim != value.ndim:
            raise ValueError("np.apply_over_axes: function is not returning an array of the correct shape")
        value = result
    return value


# --- covariances -----------------------------------------------------------------------------------------------------


@implements(np.cov)
def _cov(m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None, fweights: Any = None,
         aweights: Any = None, *, dtype: Any = None) -> Any:  # fmt: skip
    """Weights are as long as there are observations; ndarrays of these are checked at once, Arrays in no way."""
    if ddof is not None and ddof != int(ddof):
        raise ValueError("np.cov: ddof must be an integer")
    x = _variables(m, y, rowvar, dtype)
    if x.shape[0] == 0:
        return np.zeros_like(x, dtype=float, shape=(0, 0))
    taken_off = (0 if bias else 1) if ddof is None else ddof
    weights = [_checked_weights(each, x.shape[1], name)
               for each, name in ((fweights, "fweights"), (aweights, "aweights")) if each is not None]  # fmt: skip
    w: Any = math.prod(weights[1:], start=weights[0]) if weights else None
    average, total = np.average(x, axis=1, weights=w, returned=True)
    n: Any = x.shape[1] - taken_off
    if w is not None:
        n = total[0] - taken_off * ((w * weights[-1]).sum() / total[0] if aweights is not None else 1)
    elif n <= 0:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=4)
    deviations: Any = x - average[:, None]
    right = deviations if w is None else deviations * w
    product = matmul(deviations, np.transpose(right).conj())
    return (product * np.true_divide(1, np.maximum(n, 0.0))).squeeze()


def _variables(m: Any, y: Any, rowvar: bool, dtype: Any) -> Any:
    """The observations of all variables, one row each."""
    parts = [_elementwise.as_array(each) for each in (m, y) if each is not None]
    if any(each.ndim > 2 for each in parts):
        raise ValueError("np.cov: m or y has more than 2 dimensions")
    common = np.result_type(np.float64, *[each.dtype for each in parts]) if dtype is None else np.dtype(dtype)
    rows: list[Any] = []
    for each in parts:
        matrix: Any = (each if each.ndim == 2 else each.reshape(1, -1)).astype(common)
        turned = not rowvar and (each.ndim != 1 if not rows else matrix.shape[0] != 1)
        rows.append(matrix.T if turned else matrix)
    return rows[0] if len(rows) == 1 or rows[0].shape[0] == 0 else np.concatenate(rows, axis=0)


def _checked_weights(weights: Any, n: int, name: str) -> Any:
    w = _elementwise.as_array(weights).astype(np.float64)
    if w.ndim > 1:
        raise RuntimeError(f"np.cov: cannot handle multidimensional {name}")
    if w.shape != (n,):
        raise RuntimeError(f"np.cov: incompatible numbers of samples and {name}")
    if weights is not None and not isinstance(weights, type(w)):
        if name == "fweights" and not np.all(np.asarray(weights) == np.around(weights)):
            raise TypeError("np.cov: fweights must be integer")
        if np.any(np.asarray(weights) < 0):
            raise ValueError(f"np.cov: {name} cannot be negative")
    return w


@implements(np.corrcoef)
def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    covariance = _cov(x, y, rowvar, dtype=dtype)
    if covariance.ndim == 0:
        return covariance / covariance
    n = covariance.shape[0]
    # of the size of a model: its diagonal is taken as the sum of a product with the identity
    spread = np.sqrt(np.where(np.eye(n, dtype=bool), covariance, 0).sum(axis=1).real)
    return _elementwise.elementwise(_limit_parts, covariance / spread[:, None] / spread[None, :])


def _limit_parts(values: Any) -> Any:
    if values.dtype.kind != "c":
        return np.clip(values, -1, 1)
    return np.clip(values.real, -1, 1) + 1j * np.clip(values.imag, -1, 1)
