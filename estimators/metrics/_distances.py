"""Distances of rows from rows as a ds-array: one task for each block, which reads a row of blocks of X and one of Y."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.metrics

import dsarray as ds
from estimators.metrics._rows import any_blocks

__all__ = ["pairwise_distances"]


def pairwise_distances(X: Any, Y: Any = None, metric: Any = "euclidean", **kwds: Any) -> Any:
    """Return the distance of each row of ``X`` from each row of ``Y``.

    Parameters
    ----------
    X : array_like, sparse matrix or Array of shape (n_samples_X, n_features)
    Y : array_like, sparse matrix or Array of shape (n_samples_Y, n_features), optional
        ``X`` itself by default.
    metric : str or callable
        As in scikit-learn, but "precomputed" for ds-arrays. One that is made of all rows, such as "seuclidean" and
        "mahalanobis", needs what it makes of them as an argument: ``V``, or ``VI``.
    **kwds
        Passed to scikit-learn's function.

    Returns
    -------
    ndarray or Array of shape (n_samples_X, n_samples_Y)
        An Array if one of them is, of float64, in blocks as both are cut; blocks are computed when they are needed.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.metrics import pairwise_distances
    >>> pairwise_distances(ds.array([[0.0, 1], [1, 1]], block_size=1), [[0.0, 0]]).collect()
    array([[1.        ],
           [1.41421356]])
    """
    if not any_blocks(X, Y):
        return sklearn.metrics.pairwise_distances(X, Y, metric=metric, **kwds)
    if isinstance(metric, str):
        _refuse(metric, kwds)
    left, right = (each if isinstance(each, ds.Array) else ds.array(each) for each in (X, X if Y is None else Y))
    if left.ndim != 2 or right.ndim != 2 or left.shape[1] != right.shape[1]:
        raise ValueError(
            f"pairwise_distances: Incompatible dimension for X and Y matrices: shapes {left.shape} and {right.shape}; "
            "give rows of as many features."
        )
    rows = left.row_blocks()
    columns = rows if Y is None else right.row_blocks()
    chunks = (left.chunks[0], right.chunks[0])
    return ds.from_function(
        _measure,
        chunks,
        np.float64,
        lambda at: (rows[at[0]], columns[at[1]], metric, kwds, Y is None and at[0] == at[1]),
    )


def _refuse(metric: str, kwds: dict[str, Any]) -> None:
    needed = {"seuclidean": "V", "mahalanobis": "VI"}.get(metric)
    if metric == "precomputed" or (needed and needed not in kwds):
        raise ValueError(
            f"pairwise_distances: metric={metric!r} needs all rows in one place; "
            + (f"give {needed}." if needed else "ds-arrays of distances need no function.")
        )


def _measure(left: Any, right: Any, metric: Any, kwds: dict[str, Any], is_same: bool) -> Any:
    """Return the distances of rows, of which there may be none."""
    left, right = ds.to_host(left), ds.to_host(right)
    if not left.shape[0] or not right.shape[0]:
        return np.zeros((left.shape[0], right.shape[0]))
    found = sklearn.metrics.pairwise_distances(left, None if is_same else right, metric=metric, **kwds)
    return np.asarray(found, dtype=float)
