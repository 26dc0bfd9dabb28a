"""Distances and kernels of rows as a ds-array: one task for each block, which reads two rows of blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse
import sklearn.metrics
from sklearn.metrics.pairwise import kernel_metrics

import dsarray as ds
from estimators.metrics._rows import any_blocks

__all__ = ["check_metric", "cut_sides", "euclidean_distances", "pairwise_distances", "pairwise_kernels"]


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

    Raises
    ------
    ValueError
        When there is no such metric, or it does not take rows of so many features.

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
    left, right = cut_sides("pairwise_distances", X, Y)
    check_metric("pairwise_distances", metric, left, kwds)
    return _between(sklearn.metrics.pairwise_distances, left, right, {"metric": metric, **kwds})


def euclidean_distances(
    X: Any, Y: Any = None, *, Y_norm_squared: Any = None, squared: bool = False, X_norm_squared: Any = None
) -> Any:
    """Return the distance of each row of ``X`` from each row of ``Y``, or its square.

    Parameters
    ----------
    X, Y
        As in `pairwise_distances`.
    Y_norm_squared, X_norm_squared : array_like, optional
        Not needed of ds-arrays, whose blocks find them as quickly.
    squared : bool

    Returns
    -------
    ndarray or Array of shape (n_samples_X, n_samples_Y)
        As `pairwise_distances` does.
    """
    if not any_blocks(X, Y):
        return sklearn.metrics.euclidean_distances(
            X, Y, Y_norm_squared=Y_norm_squared, squared=squared, X_norm_squared=X_norm_squared
        )
    left, right = cut_sides("euclidean_distances", X, Y)
    return _between(sklearn.metrics.euclidean_distances, left, right, {"squared": squared})


def pairwise_kernels(X: Any, Y: Any = None, metric: Any = "linear", *, filter_params: bool = False, **kwds: Any) -> Any:
    """Return the kernel of each row of ``X`` and each row of ``Y``.

    Parameters
    ----------
    X, Y
        As in `pairwise_distances`.
    metric : str or callable
        As in scikit-learn, but "precomputed" for ds-arrays.
    filter_params : bool
        Whether to leave away those of ``kwds`` that the kernel does not have.
    **kwds
        Passed to the kernel.

    Returns
    -------
    ndarray or Array of shape (n_samples_X, n_samples_Y)
        As `pairwise_distances` does.
    """
    reference, how = sklearn.metrics.pairwise_kernels, {"metric": metric, "filter_params": filter_params, **kwds}
    if not any_blocks(X, Y):
        return reference(X, Y, **how)
    if isinstance(metric, str) and metric not in kernel_metrics():
        raise ValueError(
            f"pairwise_kernels: there is no kernel metric={metric!r} of ds-arrays; give one of "
            f"{', '.join(sorted(kernel_metrics()))}, or a function."
        )
    return _between(_apply_kernel, *cut_sides("pairwise_kernels", X, Y), how)


def _apply_kernel(left: Any, right: Any, **how: Any) -> Any:
    """Call scikit-learn's function with copies: some of its kernels do not take arrays that are read-only."""
    return sklearn.metrics.pairwise_kernels(left.copy(), None if right is None else right.copy(), **how)


def cut_sides(where: str, X: Any, Y: Any) -> tuple[ds.Array, ds.Array | None]:
    """Return both as Arrays of as many columns; None stays None."""
    left, right = (value if value is None or isinstance(value, ds.Array) else ds.array(value) for value in (X, Y))
    other = left if right is None else right
    if left.ndim != 2 or other.ndim != 2 or left.shape[1] != other.shape[1]:
        raise ValueError(
            f"{where}: Incompatible dimension for X and Y matrices: shapes {left.shape} and {other.shape}; give rows "
            "of as many features."
        )
    return left, right


def check_metric(where: str, metric: Any, rows: ds.Array, kwds: dict[str, Any]) -> None:
    """Raise what scikit-learn would raise in each task: it is asked for the distance of one row from another."""
    if not isinstance(metric, str):
        return
    needed = {"seuclidean": "V", "mahalanobis": "VI"}.get(metric)
    if metric == "precomputed" or (needed and needed not in kwds):
        raise ValueError(
            f"{where}: metric={metric!r} needs all rows in one place; "
            + (f"give {needed}." if needed else "ds-arrays of distances need no function.")
        )
    row: Any = np.ones((1, rows.shape[1]), rows.dtype)
    row = scipy.sparse.csr_array(row) if rows.sparse else row
    sklearn.metrics.pairwise_distances(row, row, metric=metric, **kwds)


def _between(reference: Callable[..., Any], left: ds.Array, right: ds.Array | None, how: dict[str, Any]) -> ds.Array:
    """Return what a function of scikit-learn gives for rows of both, or of the one and itself."""
    rows = left.row_blocks()
    columns = rows if right is None else right.row_blocks()
    chunks = (left.chunks[0], left.chunks[0] if right is None else right.chunks[0])
    return ds.from_function(
        _measure,
        chunks,
        np.float64,
        lambda at: (reference, rows[at[0]], columns[at[1]], how, right is None and at[0] == at[1]),
    )


def _measure(reference: Callable[..., Any], left: Any, right: Any, how: dict[str, Any], is_same: bool) -> Any:
    """Return what it gives for rows, of which there may be none."""
    left, right = ds.to_host(left), ds.to_host(right)
    if not left.shape[0] or not right.shape[0]:
        return np.zeros((left.shape[0], right.shape[0]))
    found = reference(left, None if is_same else right, **how)
    found = found.toarray() if scipy.sparse.issparse(found) else found
    return np.asarray(found, dtype=float)
