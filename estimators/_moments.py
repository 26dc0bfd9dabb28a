"""One pass over rows: their number, weights, means, and how features and targets vary together.

One task for each row of blocks adds up products of what is left when a provisional mean, that of its first rows, has
been taken off, in float64, so that no large squares cancel; of sparse rows, that of columns without zeros only, so that
zeros stay zeros. Rows of weight 0 are as if they were not there. A tree of tasks combines them, as T. F. Chan, G. H.
Golub and R. J. LeVeque do in "Updating formulae and a pairwise algorithm for computing sample variances" (1979). What
travels and comes to the main program is one matrix of shape (n_columns, n_columns), for features and targets together;
rows that are streamed are read once and not kept.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

import dsarray as ds
from dsflow import Future, active_session
from estimators._validation import map_rows

__all__ = ["Moments", "add_moments", "measure_moments", "sum_moments"]

_PART_BYTES = 1 << 20
"""Size of the parts that rows are worked on in, which should stay in the cache of a core."""


class Moments(NamedTuple):
    """What is known of some rows of features, followed by targets."""

    n_rows: int
    """How many there are, whatever their weights."""
    weight: float
    """The sum of their weights; ``n_rows`` if they have none."""
    mean: Any
    """Weighted mean of each column, an ndarray of shape (n_columns,)."""
    scatter: Any
    """Weighted products of deviations from the mean, of shape (n_columns, n_columns)."""


def measure_moments(estimator: Any, X: ds.Array, y: ds.Array | None = None, weights: Any = None) -> Future[Moments]:
    """Return the moments of the rows of ``X`` and, behind them, of ``y``, as a Future.

    Parameters
    ----------
    estimator : BaseEstimator
        Who is named in errors.
    X : Array of shape (n_samples, n_features)
        As `check_X` returns it; its elements are checked by the tasks.
    y : Array of shape (n_samples, n_targets), optional
    weights : Array of shape (n_samples,), optional
        As `check_weights` returns them.

    Raises
    ------
    MemoryError
        When the products would exceed the memory given to ``dsflow.start``.
    """
    _check_budget(estimator, X.shape[1] + (0 if y is None else y.shape[1]))
    return ds.tree_reduce(add_moments, map_rows(estimator, sum_moments, X, y, weights))


def _check_budget(estimator: Any, n_columns: int) -> None:
    session = active_session()
    if session is None or session.memory_bytes is None:
        return
    needed = 8 * n_columns**2 * 2 * session.engine.n_slots
    if needed > session.memory_bytes:
        raise MemoryError(
            f"{type(estimator).__name__}.fit: products of {n_columns} columns take {needed} bytes in the tasks of "
            f"{session.engine.n_slots} slots, more than the {session.memory_bytes} bytes of the session; choose "
            "features, or give dsflow.start() more memory."
        )


def add_moments(left: Moments, right: Moments) -> Moments:
    """Return the moments of two groups of rows together."""
    weight = left.weight + right.weight
    if not weight:
        return left._replace(n_rows=left.n_rows + right.n_rows)
    share = right.weight / weight
    shift = right.mean - left.mean
    between = (left.weight * share) * np.outer(shift, shift)
    return Moments(
        left.n_rows + right.n_rows, weight, left.mean + share * shift, left.scatter + right.scatter + between
    )


def sum_moments(rows: Any, targets: Any = None, weights: Any = None) -> Moments:
    """Return the moments of a block of rows, of which there may be none."""
    if scipy.sparse.issparse(rows):
        return _sum_sparse(rows, targets, weights)
    xp = ds.namespace(rows)
    n_rows, n_features = rows.shape
    n_columns = n_features + (0 if targets is None else targets.shape[1])
    n_part = max(1, _PART_BYTES // (8 * n_columns))
    offset, total, weight = xp.zeros(n_columns), xp.zeros(n_columns), 0.0
    products = xp.zeros((n_columns, n_columns))
    for start in range(0, n_rows, n_part):
        part = slice(start, min(start + n_part, n_rows))
        given = xp.ones(part.stop - start) if weights is None else xp.asarray(weights[part]).astype(float)
        added = float(given.sum())
        if not added:
            continue
        deviations = xp.empty((len(given), n_columns))
        deviations[:, :n_features] = rows[part]
        if targets is not None:
            deviations[:, n_features:] = xp.asarray(targets[part])
        if not weight:
            offset = given @ deviations / added
        deviations -= offset
        total += given @ deviations
        weight += added
        if weights is not None:
            deviations *= xp.sqrt(given)[:, None]
        products += deviations.T @ deviations
    return _finish(n_rows, weight, offset, total, products)


def _sum_sparse(rows: Any, targets: Any, weights: Any) -> Moments:
    n_rows = rows.shape[0]
    given = np.ones(n_rows) if weights is None else np.asarray(weights, dtype=float)
    targets = np.empty((n_rows, 0)) if targets is None else np.asarray(targets, dtype=float)
    counted = given > 0
    rows, targets, given = rows[counted].astype(float, copy=False), targets[counted], given[counted]
    weight = float(given.sum())
    offset = np.concatenate([_shift_full_columns(rows), given @ targets / (weight or 1)])
    targets = targets - offset[rows.shape[1] :]
    weighted = rows if weights is None else scipy.sparse.diags_array(given, format="csr") @ rows
    total = np.concatenate([rows.T @ given, targets.T @ given])
    across = weighted.T @ targets
    products = np.block([[(weighted.T @ rows).toarray(), across], [across.T, (targets.T * given) @ targets]])
    return _finish(n_rows, weight, offset, total, products)


def _shift_full_columns(rows: Any) -> Any:
    """Take the mean off columns that have an element for each row, in place; return what was taken off each column."""
    rows.sum_duplicates()
    n_rows, n_columns = rows.shape
    full = np.bincount(rows.indices, minlength=n_columns) == n_rows
    offset = np.bincount(rows.indices, rows.data, minlength=n_columns) / max(n_rows, 1) * full
    rows.data -= offset[rows.indices]
    return offset


def _finish(n_rows: int, weight: float, offset: Any, total: Any, products: Any) -> Moments:
    """Return moments of sums of deviations from ``offset`` and of their products."""
    offset, total, products = ds.to_host(offset), ds.to_host(total), ds.to_host(products)
    if not weight:
        return Moments(n_rows, 0.0, offset, np.zeros_like(products))
    shift = total / weight
    return Moments(n_rows, weight, offset + shift, products - weight * np.outer(shift, shift))
