"""The best columns for some rows, by the products of their factors: one task for some rows at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from dsflow import share, task, wait_on

__all__ = ["rank_columns"]

_SCORES = 1 << 22
"""Number of scores that a task holds: 32 MiB."""


def rank_columns(rows: Any, columns: Any, n_best: int, left_out: Any) -> tuple[Any, Any]:
    """Return the best columns for each row, and their scores.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_factors)
    columns : ndarray of shape (n_columns, n_factors)
    n_best : int
    left_out : CSR matrix of shape (n_rows, n_columns) or None
        What it stores is not to be found.

    Returns
    -------
    positions : ndarray of shape (n_rows, n_best)
        The best first, and of those that are as good the first; -1 where there are no more.
    scores : ndarray of shape (n_rows, n_best)
        -inf where there are no more.
    """
    step = max(1, _SCORES // len(columns))
    shared = share(columns)
    parts = [
        rank_some(
            rows[start : start + step], shared, n_best, None if left_out is None else left_out[start : start + step]
        )
        for start in range(0, len(rows), step)
    ]
    if not parts:
        return np.empty((0, n_best), np.intp), np.empty((0, n_best))
    positions, scores = zip(*wait_on(parts), strict=True)
    return np.concatenate(positions), np.concatenate(scores)


@task
def rank_some(rows: Any, columns: Any, n_best: int, left_out: Any) -> tuple[Any, Any]:
    """Return the best columns for each of some rows, and their scores."""
    scores = (rows @ columns.T).astype(float)
    if left_out is not None:
        pairs = scipy.sparse.coo_array(left_out)
        scores[pairs.row, pairs.col] = -np.inf
    n_taken = min(n_best, scores.shape[1])
    taken = np.argpartition(-scores, n_taken - 1, axis=1)[:, :n_taken]
    order = np.lexsort((taken, -np.take_along_axis(scores, taken, axis=1)), axis=1)
    positions = np.full((len(rows), n_best), -1, dtype=np.intp)
    best = np.full((len(rows), n_best), -np.inf)
    positions[:, :n_taken] = np.take_along_axis(taken, order, axis=1)
    best[:, :n_taken] = np.take_along_axis(scores, positions[:, :n_taken], axis=1)
    positions[np.isneginf(best)] = -1
    return positions, best
