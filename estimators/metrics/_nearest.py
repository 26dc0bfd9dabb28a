"""The nearest row of others to each row: one task for each pair of rows of blocks, which holds some of their distances.

It gives two numbers for each row on the left, and of these, the least are taken, by one task for each row of blocks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.metrics

import dsarray as ds
from estimators.metrics._distances import check_metric, cut_sides
from estimators.metrics._rows import any_blocks

__all__ = ["pairwise_distances_argmin", "pairwise_distances_argmin_min"]


def pairwise_distances_argmin_min(
    X: Any, Y: Any, *, axis: int = 1, metric: Any = "euclidean", metric_kwargs: dict[str, Any] | None = None
) -> Any:
    """Return the position of the nearest row of ``Y`` to each row of ``X``, and its distance.

    Parameters
    ----------
    X : array_like, sparse matrix or Array of shape (n_samples_X, n_features)
    Y : array_like, sparse matrix or Array of shape (n_samples_Y, n_features)
    axis : int
        0 for the nearest row of ``X`` to each row of ``Y``.
    metric : str or callable
        As in `pairwise_distances`.
    metric_kwargs : dict, optional
        Passed to the metric.

    Returns
    -------
    argmin, distances : ndarray or Array of shape (n_samples_X,)
        Arrays if ``X`` or ``Y`` is one, computed when they are needed; the first of rows that are equally near.
    """
    if not any_blocks(X, Y):
        return sklearn.metrics.pairwise_distances_argmin_min(
            X, Y, axis=axis, metric=metric, metric_kwargs=metric_kwargs
        )
    where = "pairwise_distances_argmin_min"
    if axis not in (0, 1):
        raise ValueError(f"{where}: axis={axis!r} is no axis of distances; give 0 or 1.")
    left, right = cut_sides(where, X, Y)
    if right is None or not left.shape[0] or not right.shape[0]:
        raise ValueError(f"{where}: Found array with 0 sample(s), while a minimum of 1 is required; give some rows.")
    check_metric(where, metric, left, metric_kwargs or {})
    left, right = (right, left) if axis == 0 else (left, right)
    rows, others = left.row_blocks(), right.row_blocks()
    starts = np.cumsum([0, *right.chunks[0]]).tolist()
    found = ds.from_function(
        _find_nearest,
        (left.chunks[0], (2,) * len(others)),
        np.float64,
        lambda at: (rows[at[0]], others[at[1]], starts[at[1]], metric, metric_kwargs),
    )
    best = ds.map_blocks(_take_least, found.rechunk((left.chunks[0], -1)), dtype=np.float64, block_shape="same")
    return best[:, 1].astype(np.intp), best[:, 0]


def pairwise_distances_argmin(
    X: Any, Y: Any, *, axis: int = 1, metric: Any = "euclidean", metric_kwargs: dict[str, Any] | None = None
) -> Any:
    """Return the position of the nearest row of ``Y`` to each row of ``X``; see `pairwise_distances_argmin_min`."""
    if not any_blocks(X, Y):
        return sklearn.metrics.pairwise_distances_argmin(X, Y, axis=axis, metric=metric, metric_kwargs=metric_kwargs)
    return pairwise_distances_argmin_min(X, Y, axis=axis, metric=metric, metric_kwargs=metric_kwargs)[0]


def _find_nearest(left: Any, right: Any, start: int, metric: Any, metric_kwargs: Any) -> Any:
    """Return the distance of the nearest row to each one, and its position, in two columns."""
    left, right = ds.to_host(left), ds.to_host(right)
    if not left.shape[0] or not right.shape[0]:
        return np.tile([np.inf, np.inf], (left.shape[0], 1))
    places, distances = sklearn.metrics.pairwise_distances_argmin_min(
        left, right, metric=metric, metric_kwargs=metric_kwargs
    )
    return np.column_stack([distances, places + start]).astype(float)


def _take_least(found: Any) -> Any:
    """Return the first of the least distances, and its position, as the first two columns."""
    least = found[:, ::2].argmin(axis=1)
    rows = np.arange(len(found))
    return np.column_stack([found[rows, 2 * least], found[rows, 2 * least + 1], found[:, 2:]])
