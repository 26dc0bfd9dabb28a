"""What metrics are given, cut into rows of blocks: as soon as one of the arguments is a ds-array, all of them are."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse

import dsarray as ds
from dsflow import Future, wait_on

__all__ = [
    "any_blocks",
    "as_columns",
    "as_vector",
    "average_rows",
    "collected",
    "cut_alike",
    "map_on_host",
    "sum_over_rows",
]


def any_blocks(*values: Any) -> bool:
    """Return whether one of the values is a ds-array."""
    return any(isinstance(value, ds.Array) for value in values)


def cut_alike(where: str, *values: Any) -> list[ds.Array | None]:
    """Return values with a row for each sample as Arrays, cut as the first of them that is one; None stays None.

    Parameters
    ----------
    where : str
        The metric, for errors.
    *values : array_like, Array or None
        At least one is an Array.

    Raises
    ------
    ValueError
        When they have different numbers of rows, in scikit-learn's words; or none at all; or one is a single value.
    """
    first = next(value for value in values if isinstance(value, ds.Array))
    known = [value if value is None or _is_array(value) else np.asarray(value) for value in values]
    for given, value in zip(values, known, strict=True):
        if value is not None and not value.ndim:
            raise ValueError(
                f"{where}: got {given!r} in place of an array; give a row for each sample. 'sample_weight' must be an "
                "array-like or None."
            )
    lengths = [value.shape[0] for value in known if value is not None]
    if len(set(lengths)) > 1:
        raise ValueError(f"{where}: Found input variables with inconsistent numbers of samples: {lengths}")
    if not lengths[0]:
        raise ValueError(
            f"Found array with 0 sample(s) (shape={first.shape}) while a minimum of 1 is required by {where}."
        )
    rows = first.chunks[0]
    return [value if value is None or isinstance(value, ds.Array) else _cut(value, rows) for value in known]


def _is_array(value: Any) -> bool:
    return isinstance(value, ds.Array) or scipy.sparse.issparse(value)


def _cut(values: Any, rows: tuple[int, ...]) -> ds.Array:
    if values.dtype.kind == "O":
        values = np.array(values.tolist())
    size: tuple[Any, ...] = (rows, *(-1,) * (values.ndim - 1))
    return ds.array(values, block_size=size)


def as_vector(where: str, name: str, values: Any) -> Any:
    """Return an Array of shape (n_samples,) or (n_samples, 1) as one of shape (n_samples,); None stays None."""
    if values is None or values.ndim == 1:
        return values
    if values.ndim == 2 and values.shape[1] == 1:
        return values[:, 0]
    raise ValueError(
        f"{where}: {name} has shape {values.shape}; of ds-arrays, one value for each sample is supported, of shape "
        "(n_samples,)."
    )


def as_columns(where: str, name: str, values: Any) -> Any:
    """Return an Array of shape (n_samples,) or (n_samples, n_outputs) as one with two axes."""
    if values.ndim not in (1, 2) or values.dtype.kind not in "buif":
        raise ValueError(f"{where}: {name} has shape {values.shape} and type {values.dtype}; give numbers, in columns.")
    return values[:, None] if values.ndim == 1 else values


def collected(values: Any) -> Any:
    """Return what there is of a single sample as an ndarray; None stays None."""
    return None if values is None else values.collect()


def sum_over_rows(function: Callable[..., Any], *args: Any, combine: Callable[[Any, Any], Any] = np.add) -> Future[Any]:
    """Call a function on each row of blocks, and combine what it returns, in a tree of tasks."""
    return ds.tree_reduce(combine, map_on_host(function, *args))


def average_rows(metric: Callable[..., Any], *arrays: Any, weights: Any = None, **how: Any) -> Any:
    """Return the mean over samples of what a metric of scikit-learn is the mean of: it is called with rows of blocks.

    Parameters
    ----------
    metric : callable
        Called as ``metric(*rows, sample_weight=..., **how)``; returns a number, or one for each output.
    *arrays : Array
        With a row for each sample.
    weights : Array of shape (n_samples,), optional
    **how
        Passed to the metric.

    Returns
    -------
    ndarray
        Of one element, or one for each output. Where all weights are 0, what the metric makes of that, or its error.
    """
    found = wait_on(sum_over_rows(_add_up, functools.partial(metric, **how), weights, *arrays))
    if not found[-1]:
        return np.atleast_1d(metric(*(each[:1].collect() for each in arrays), sample_weight=np.zeros(1), **how))
    return found[:-1] / found[-1]


def _add_up(metric: Callable[..., Any], weights: Any, *rows: Any) -> Any:
    """Return sums of what the metric is the mean of, followed by that of the weights; a single 0 if there are none."""
    n_rows = rows[0].shape[0]
    if not n_rows:
        return np.zeros(1)
    if weights is not None and not weights.any():
        metric(*rows, sample_weight=None)  # for its errors
        return np.zeros(1)
    total = n_rows if weights is None else weights.sum()
    return total * np.append(metric(*rows, sample_weight=weights), 1.0)


def map_on_host(function: Callable[..., Any], *args: Any) -> list[Future[Any]]:
    """Call a function on each row of blocks, in main memory: scikit-learn's metrics are for that."""
    return ds.map_row_blocks(_call_on_host, function, *args)


def _call_on_host(function: Callable[..., Any], *args: Any) -> Any:
    return function(*map(ds.to_host, args))
