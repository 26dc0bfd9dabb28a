"""Rows as points: what the steps of k-means do to one row of blocks, as pure functions.

Points are rows shifted to the mean of all rows, so that no digits are lost in squares, with a last column of ones.
With a *scorer*, whose columns are ``(-2 c, |c|²)`` for each center c, one matrix product gives squared distances up to
``|x|²``; and sums of points count them too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

import dsarray as ds

__all__ = [
    "UnreadPoints",
    "center_points",
    "find_nearest",
    "find_nearest_of_rows",
    "find_nearest_with_gap",
    "label_rows",
    "made",
    "make_scorer",
    "own_distances",
    "squared_norms",
    "sum_by_label",
]

_SCORES_BYTES = 1 << 19
"""Size of the matrix of scores that is worked on at a time: it has to stay in the cache of a core."""

_SMALL_PRODUCT = 1_000_000
"""Multiplications of a matrix product up to which OpenBLAS takes the factors as they lie, which is quicker here."""

_FEW_ROWS = 1 << 6
"""Number of rows that are worked on at a time, at least."""

_ROWS_AT_ONCE = 1 << 11
"""Number of rows that are made points at a time, where these are used only once."""

_SPAN_ROWS = 1 << 16
"""Number of rows that are summed in the precision of the data, before sums go on in double precision."""


def center_points(rows: Any, mean: Any, out: Any = None) -> Any:
    """Return points: rows relative to ``mean``, which is 0 for sparse rows, with a last column of ones.

    Those of dense rows are put into the first rows of ``out``, if given.
    """
    if scipy.sparse.issparse(rows):
        ones = scipy.sparse.csr_array(np.ones((rows.shape[0], 1), dtype=rows.dtype))
        return scipy.sparse.hstack([rows, ones], format="csr")
    xp = ds.namespace(rows)
    shape = (rows.shape[0], rows.shape[1] + 1)
    points = xp.empty(shape, dtype=rows.dtype) if out is None else out[: shape[0]]
    xp.subtract(rows, xp.asarray(mean, dtype=rows.dtype), out=points[:, :-1])
    points[:, -1] = 1
    return points


@dataclass(frozen=True, slots=True)
class UnreadPoints:
    """Points that the tasks that take them make of rows that they read."""

    rows: ds.Deferred
    offset: Any
    """What they are relative to; a Future until it arrives in a task."""

    def make(self) -> Any:
        """Read the rows; return all their points."""
        return center_points(self.rows.make(), self.offset)

    def make_rows(self) -> Any:
        """Read the rows; return them relative to the offset, without the column of ones."""
        rows = self.rows.make()
        return rows - ds.namespace(rows).asarray(self.offset, dtype=rows.dtype) if self.offset.any() else rows


def _make_parts(rows: Any, mean: Any) -> Iterator[tuple[slice, Any]]:
    """Yield a few points at a time, which are overwritten by the next, with their place."""
    table = None if scipy.sparse.issparse(rows) else center_points(rows[:_ROWS_AT_ONCE], mean)
    for start in range(0, rows.shape[0], _ROWS_AT_ONCE):
        part = slice(start, min(start + _ROWS_AT_ONCE, rows.shape[0]))
        yield part, center_points(rows[part], mean, table)


def made(block: Any) -> Any:
    """Return rows or points as they are, or as they are made if they have not been read."""
    return block.make() if isinstance(block, (ds.Deferred, UnreadPoints)) else block


def make_scorer(centers: Any) -> Any:
    """Return the matrix that gives, in a product with points, their squared distances from centers less ``|x|²``."""
    return np.concatenate([-2 * centers.T, np.einsum("ij,ij->i", centers, centers)[None]])


def find_nearest(points: Any, scorer: Any) -> Any:
    """Return the number of the nearest center of each point; of several, the first."""
    xp = ds.namespace(points)
    scorer = xp.asarray(scorer, dtype=points.dtype)
    labels = xp.empty(points.shape[0], dtype=xp.int32)
    for part in _parts(points.shape[0], scorer.shape[1] * scorer.itemsize):
        labels[part] = (points[part] @ scorer).argmin(axis=1)
    return labels


def find_nearest_of_rows(rows: Any, scorer: Any) -> Any:
    """Return what `find_nearest` returns of points, of which these are all columns but that of ones."""
    xp = ds.namespace(rows)
    centered = scorer - scorer.mean(axis=1, keepdims=True)  # small numbers lose no digits
    scorer = xp.asarray(centered, dtype=rows.dtype, order="C")
    labels = xp.empty(rows.shape[0], dtype=xp.int32)
    for part in _score_parts(rows.shape[0], scorer):
        scores = rows[part] @ scorer[:-1]
        scores += scorer[-1]
        labels[part] = scores.argmin(axis=1)
    return labels


def find_nearest_with_gap(points: Any, norms: Any, scorer: Any, where: Any) -> tuple[Any, Any]:
    """Return the nearest center of the points at some positions, and how much farther than it the second nearest is.

    ``norms`` are the `squared_norms` of all points.
    The gap is a difference of distances, not of their squares, and less than the true one by the error of rounding.
    """
    xp = ds.namespace(points)
    scorer = xp.asarray(scorer, dtype=points.dtype)
    error = 4 * (points.shape[1] + 4) * float(xp.finfo(points.dtype).eps)
    labels, gaps = xp.empty(len(where), dtype=xp.int32), xp.empty(len(where))
    for part in _parts(len(where), (scorer.shape[1] + points.shape[1]) * scorer.itemsize):
        scores = points[where[part]] @ scorer
        labels[part] = nearest = scores.argmin(axis=1)
        norm = norms[where[part]]
        uncertain = error * (norm + scorer[-1].max())
        rows = xp.arange(len(nearest))
        first = xp.sqrt(xp.maximum(scores[rows, nearest] + norm, 0) + uncertain)
        scores[rows, nearest] = xp.inf
        gaps[part] = xp.sqrt(xp.maximum(scores.min(axis=1) + norm - uncertain, 0)) - first
    return labels, gaps


def _parts(n_rows: int, row_bytes: int) -> Iterator[slice]:
    """Yield parts of rows of which a table stays in the cache."""
    n_at_once = max(_FEW_ROWS, _SCORES_BYTES // row_bytes)
    return (slice(start, start + n_at_once) for start in range(0, n_rows, n_at_once))


def _score_parts(n_rows: int, scorer: Any) -> Iterator[slice]:
    """Yield parts of rows whose scores stay in the cache, and are a small product unless that makes the parts tiny."""
    n_small = _SMALL_PRODUCT // scorer.size
    row_bytes = scorer.shape[1] * scorer.itemsize
    return _parts(n_rows, max(row_bytes, -(-_SCORES_BYTES // n_small)) if n_small >= _FEW_ROWS else row_bytes)


def label_rows(rows: Any, centers: Any) -> Any:
    """Return the number of the nearest center of each row, as it came."""
    xp = ds.namespace(rows)
    offset = 0 if scipy.sparse.issparse(rows) else centers.mean(axis=0)
    scorer = make_scorer(centers - offset)
    labels = xp.empty(rows.shape[0], dtype=xp.int32)
    for part, points in _make_parts(rows, offset):
        labels[part] = find_nearest(points, scorer)
    return labels


def own_distances(rows: Any, centers: Any, labels: Any) -> Any:
    """Return the squared distance of each row from the center of its label."""
    xp = ds.namespace(rows)
    centers = xp.asarray(centers)
    distances = xp.empty(rows.shape[0], dtype=rows.dtype)
    for part in _parts(rows.shape[0], centers.shape[1] * centers.itemsize):
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
