"""The rows of X as k-means works on them: made points once and kept, or read anew in each pass.

Rows that are kept lie twice in the memory of the workers, as they are and as points. Rows of streamed arrays, which may
be larger than memory, exist only inside of the tasks: what travels is how to read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import dsarray as ds
from dsflow import Task, share, task, wait_on
from estimators._validation import check_rows, defer_rows, map_rows
from estimators.cluster._lloyd import assign_and_sum, read_and_sum
from estimators.cluster._points import UnreadPoints, center_points, made, squared_norms

__all__ = ["Rows", "keep_rows", "stream_rows"]

_SAMPLE_ROWS = 1 << 12
"""Number of rows that tell where streamed rows lie: what points are relative to has to be near, not their mean."""

_FAR = 8.0
"""How many times as far from the origin as from their mean rows have to lie to be shifted, which costs a copy."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What tasks take for each row of blocks, and what is known of all rows."""

    blocks: list[Any]
    """The rows as they are."""
    points: list[Any]
    """The rows as points."""
    norms: list[Any]
    """Futures of the squared norms of the points; None where nobody needs them."""
    offset: Any
    """What points are relative to, of shape (n_features,)."""
    variance: float
    """The mean variance of the features."""
    step: Task[Any]
    """The task of an iteration."""


def keep_rows(estimator: Any, X: ds.Array) -> Rows:
    """Check rows and make points of them, once; they are kept, and relative to their mean."""
    rows = check_rows(estimator, X)
    mean = rows.mean(axis=0).collect()
    offset = np.zeros_like(mean) if rows.sparse else mean  # sparse rows have to keep their zeros
    shared = share(offset)
    blocks = rows.row_blocks()
    points, norms, totals = zip(*[center_rows(block, shared) for block in blocks], strict=True)
    variance = _variance(ds.tree_reduce(np.add, totals), mean - offset, X.shape)
    return Rows(blocks, list(points), list(norms), offset, variance, assign_and_sum)


def stream_rows(estimator: Any, X: ds.Array, *, measured: bool) -> Rows:
    """Have rows checked and read by the tasks that use them.

    One pass over all rows finds norms and variance, if ``measured``; else norms are None and the variance is 0.
    """
    sample = X[:_SAMPLE_ROWS].rechunk(-1)
    offset = wait_on(map_rows(estimator, _place, sample)[0])
    shared = share(offset)
    blocks = defer_rows(estimator, X)
    points = [UnreadPoints(block, shared) for block in blocks]
    if not measured:
        return Rows(blocks, points, [None] * len(blocks), offset, 0.0, read_and_sum)
    norms, sums = zip(*[measure_points(each) for each in points], strict=True)
    total, shift = np.split(wait_on(ds.tree_reduce(np.add, sums)), [1])
    variance = _variance(total[0], shift / X.shape[0], X.shape)
    return Rows(blocks, points, list(norms), offset, variance, read_and_sum)


def _variance(total: Any, shift: Any, shape: tuple[int, ...]) -> float:
    """Return the mean variance of features, of the sum of squared norms and the mean of points."""
    return float(wait_on(total) / shape[0] / shape[1] - (shift**2).mean())


def _place(rows: Any) -> Any:
    """Return the mean of rows; 0 if they lie about the origin."""
    mean = rows.mean(axis=0, dtype=float)
    distance = np.sqrt(((rows - mean) ** 2).sum(axis=1).mean())
    return mean if np.linalg.norm(mean) > _FAR * distance else np.zeros_like(mean)


# --- tasks ------------------------------------------------------------------------------------------------------------


@task(returns=3)
def center_rows(rows: Any, offset: Any) -> tuple[Any, Any, float]:
    """Return points, their squared norms, and the sum of these."""
    points = center_points(rows, offset)
    norms = squared_norms(points)
    return points, norms, float(norms.sum(dtype=float))


@task(returns=2)
def measure_points(points: Any) -> tuple[Any, Any]:
    """Return the squared norms of points; and the sum of these, followed by the sum of the points."""
    points = made(points)
    norms = squared_norms(points)
    return norms, np.concatenate([[norms.sum(dtype=float)], points[:, :-1].sum(axis=0, dtype=float)])
