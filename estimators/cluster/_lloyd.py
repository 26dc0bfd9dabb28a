"""Lloyd's iteration on blocks of rows.

Rows are kept as *points*: shifted to the mean of all rows, so that no digits are lost in squares, and with a last
column of ones. With *scorers*, the columns ``(-2 c, |c|²)`` for each center c, one matrix product gives the squared
distances up to ``|x|²``; and sums of points count them too. What travels in an iteration is a scorer to each row of
blocks, and the weighted sums of its points by cluster back, through a tree: k (d + 1) numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse

import dsarray as ds
from dsflow import Future, share, task, wait_on

__all__ = [
    "Descent",
    "Run",
    "add_pairs",
    "center_points",
    "find_nearest",
    "label_rows",
    "make_scorer",
    "own_distances",
    "run_lloyd",
    "squared_norms",
]

_SCORES_BYTES = 1 << 19
"""Size of the matrix of scores that is worked on at a time: it has to stay in the cache of a core."""

_ROWS_AT_ONCE = 1 << 12
"""Number of rows that are made points at a time, where these are used only once."""

_SPAN_ROWS = 1 << 16
"""Number of rows that are summed in the precision of the data, before sums go on in double precision."""


@dataclass(slots=True)
class Run:
    """One descent from one choice of initial centers."""

    centers: Any
    """ndarray of shape (n_clusters, n_features), float64, relative to the mean of the data."""
    labels: list[Future[Any]] = field(default_factory=list)
    """The cluster of each point, for each row of blocks; they stay on the workers."""
    n_iter: int = 0
    done: bool = False
    partials: Future[Any] | None = None
    """What the iteration under way is going to give."""


@dataclass(frozen=True, slots=True)
class Descent:
    """What all runs have in common."""

    points: list[Future[Any]]
    weights: list[Future[Any]] | list[None]
    max_iter: int
    tol: float
    """Sum of squared moves of the centers at which to stop."""
    arity: int


def run_lloyd(descent: Descent, starts: Sequence[Any]) -> list[Run]:
    """Iterate from each choice of initial centers until centers or labels stay; the runs share the workers."""
    runs = [Run(centers) for centers in starts]
    active = runs if descent.max_iter else []
    while active:
        for run in active:
            _start_iteration(run, descent)
        for run in active:
            _end_iteration(run, descent)
        active = [run for run in active if not run.done]
    return runs


def _start_iteration(run: Run, descent: Descent) -> None:
    scorer = share(make_scorer(run.centers))
    previous = run.labels or [None] * len(descent.points)
    pairs = [
        assign_and_sum(points, weights, labels, scorer)
        for points, weights, labels in zip(descent.points, descent.weights, previous, strict=True)
    ]
    run.labels = [labels for labels, _ in pairs]
    run.partials = ds.tree_reduce(add_pairs, [partial for _, partial in pairs], arity=descent.arity)


def _end_iteration(run: Run, descent: Descent) -> None:
    sums, n_changed = wait_on(run.partials)
    if (sums[:, -1] == 0).any():
        sums = _fill_empty(run, descent, sums)
    counts = sums[:, -1:]
    centers = np.divide(sums[:, :-1], counts, out=run.centers.copy(), where=counts > 0)
    moved = float(((centers - run.centers) ** 2).sum())
    run.centers = centers
    run.n_iter += 1
    run.done = n_changed == 0 or moved <= descent.tol or run.n_iter == descent.max_iter


def _fill_empty(run: Run, descent: Descent, sums: Any) -> Any:
    """Move the points that are farthest from their centers to the clusters that have none."""
    empty = np.flatnonzero(sums[:, -1] == 0)
    centers = share(run.centers)
    found = wait_on(
        [
            find_farthest(points, weights, labels, centers, len(empty))
            for points, weights, labels in zip(descent.points, descent.weights, run.labels, strict=True)
        ]
    )
    distances, points, labels = map(np.concatenate, zip(*found, strict=True))
    farthest = np.argsort(-distances, kind="stable")[: len(empty)]
    if not distances[farthest].any():
        return sums
    sums = sums.copy()
    for cluster, point in zip(empty, farthest, strict=False):
        sums[labels[point]] -= points[point]
        sums[cluster] = points[point]
    return sums


# --- mathematics of blocks --------------------------------------------------------------------------------------------


def center_points(rows: Any, mean: Any) -> Any:
    """Return points: rows relative to ``mean``, which is 0 for sparse rows, with a last column of ones."""
    if scipy.sparse.issparse(rows):
        ones = scipy.sparse.csr_array(np.ones((rows.shape[0], 1), dtype=rows.dtype))
        return scipy.sparse.hstack([rows, ones], format="csr")
    xp = ds.namespace(rows)
    points = xp.empty((rows.shape[0], rows.shape[1] + 1), dtype=rows.dtype)
    xp.subtract(rows, xp.asarray(mean, dtype=rows.dtype), out=points[:, :-1])
    points[:, -1] = 1
    return points


def make_scorer(centers: Any) -> Any:
    """Return the matrix that gives, in a product with points, their squared distances from centers less ``|x|²``."""
    return np.concatenate([-2 * centers.T, np.einsum("ij,ij->i", centers, centers)[None]])


def find_nearest(points: Any, scorer: Any) -> Any:
    """Return the number of the nearest center of each point; of several, the first."""
    xp = ds.namespace(points)
    scorer = xp.asarray(scorer, dtype=points.dtype)
    labels = xp.empty(points.shape[0], dtype=xp.int32)
    n_at_once = max(64, _SCORES_BYTES // (scorer.shape[1] * scorer.itemsize))
    for start in range(0, points.shape[0], n_at_once):
        part = slice(start, start + n_at_once)
        labels[part] = (points[part] @ scorer).argmin(axis=1)
    return labels


def label_rows(rows: Any, centers: Any) -> Any:
    """Return the number of the nearest center of each row, as it came."""
    xp = ds.namespace(rows)
    offset = 0 if scipy.sparse.issparse(rows) else centers.mean(axis=0)
    scorer = make_scorer(centers - offset)
    parts = [rows[start : start + _ROWS_AT_ONCE] for start in range(0, rows.shape[0], _ROWS_AT_ONCE)]
    labels = [find_nearest(center_points(part, offset), scorer) for part in parts]
    return xp.concatenate(labels) if labels else xp.empty(0, dtype=xp.int32)


def own_distances(rows: Any, centers: Any, labels: Any) -> Any:
    """Return the squared distance of each row from the center of its label."""
    xp = ds.namespace(rows)
    centers = xp.asarray(centers)
    distances = xp.empty(rows.shape[0], dtype=rows.dtype)
    n_at_once = max(64, _SCORES_BYTES // (centers.shape[1] * centers.itemsize))
    for start in range(0, rows.shape[0], n_at_once):
        part = slice(start, start + n_at_once)
        distances[part] = _squared_distances(rows[part], centers[labels[part]])
    return distances


def _squared_distances(rows: Any, others: Any) -> Any:
    """Return the squared distance of each row from the row of ``others`` at the same place."""
    if not scipy.sparse.issparse(rows):
        differences = rows - others
        return ds.namespace(rows).einsum("ij,ij->i", differences, differences)
    squares, products = rows.multiply(rows).sum(axis=1), rows.multiply(others).sum(axis=1)
    distances = np.ravel(squares) - 2 * np.ravel(products) + np.einsum("ij,ij->i", others, others)
    return np.maximum(distances, 0)


def squared_norms(points: Any) -> Any:
    """Return ``|x|²`` of each point."""
    if scipy.sparse.issparse(points):
        return np.ravel(points.multiply(points).sum(axis=1)) - 1
    return ds.namespace(points).einsum("ij,ij->i", points[:, :-1], points[:, :-1])


def sum_by_label(points: Any, weights: Any, labels: Any, n_clusters: int) -> Any:
    """Return weighted sums of points by cluster, in double precision, as an ndarray."""
    total = np.zeros((n_clusters, points.shape[1]))
    for start in range(0, points.shape[0], _SPAN_ROWS):
        part = slice(start, start + _SPAN_ROWS)
        members = _membership(labels[part], None if weights is None else weights[part], n_clusters, points.dtype)
        sums = members @ points[part]
        total += sums.toarray() if scipy.sparse.issparse(sums) else ds.to_host(sums)
    return total


def _membership(labels: Any, weights: Any, n_clusters: int, dtype: Any) -> Any:
    """Return the matrix of shape (n_clusters, n_points) with each point's weight in the row of its cluster."""
    xp = ds.namespace(labels)
    if xp is not np:
        members = labels[None] == xp.arange(n_clusters)[:, None]
        return members.astype(dtype) if weights is None else members * xp.asarray(weights, dtype=dtype)
    n_points = len(labels)
    entries = np.ones(n_points, dtype=dtype) if weights is None else weights
    starts = np.arange(n_points + 1, dtype=labels.dtype)
    return scipy.sparse.csc_array((entries, labels, starts), shape=(n_clusters, n_points))


def add_pairs(left: Any, right: Any) -> Any:
    """Add the first and the second of two pairs."""
    return left[0] + right[0], left[1] + right[1]


# --- tasks ------------------------------------------------------------------------------------------------------------


@task(returns=2)
def assign_and_sum(points: Any, weights: Any, previous: Any, scorer: Any) -> tuple[Any, Any]:
    """Return the nearest center of each point; and sums of points by it, with the number of points that changed it."""
    labels = find_nearest(points, scorer)
    n_changed = len(labels) if previous is None else int((labels != previous).sum())
    return labels, (sum_by_label(points, weights, labels, scorer.shape[1]), n_changed)


@task
def find_farthest(points: Any, weights: Any, labels: Any, centers: Any, n_wanted: int) -> tuple[Any, Any, Any]:
    """Return the points farthest from their centers: squared distances, weighted points, clusters."""
    distances = ds.to_host(own_distances(points[:, :-1], centers, labels))
    weights = np.ones(len(distances)) if weights is None else ds.to_host(weights)
    farthest = np.argsort(np.where(weights > 0, -distances, 0), kind="stable")[:n_wanted]
    found = points[farthest]
    found = found.toarray() if scipy.sparse.issparse(found) else ds.to_host(found)
    return distances[farthest], found * weights[farthest, None], ds.to_host(labels)[farthest]
