"""The factors of many rows at once, given those of the columns: batched least squares as pure functions.

Rows with about as many ratings are solved together, so that there is no loop over rows in Python: factors of the rated
columns are gathered to one array of a few MiB, from which batched products and solves make the normal equations. Rows
with fewer ratings than there are factors are solved for their ratings instead, since with fewer unknowns
(A + VᵀWV)⁻¹Vᵀ = A⁻¹Vᵀ(1 + W V A⁻¹ Vᵀ)⁻¹ gives the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Problem", "solve_rows"]

_ELEMENTS = 1 << 19
"""Number of factors gathered at a time: 4 MiB."""

_PADDING = 1.25
"""How many times as many ratings as the first row of a batch the last may have."""


class Problem(NamedTuple):
    """What is minimised."""

    reg: float
    alpha: float | None
    """How much a rating adds to the confidence; None if ratings are what is to be predicted."""


def solve_rows(ratings: Any, columns: Any, gram: Any, problem: Problem) -> tuple[Any, float, float]:
    """Return the factors of rows, the loss over what they have rated, and the sum of weights there.

    Parameters
    ----------
    ratings : CSR matrix of shape (n_rows, n_columns)
    columns : ndarray of shape (n_columns, n_factors)
        The factors of the columns.
    gram : ndarray of shape (n_factors, n_factors)
        ``columns.T @ columns``; only used with confidences.
    problem : Problem

    Returns
    -------
    rows : ndarray of shape (n_rows, n_factors)
        0 for rows without ratings.
    loss : float
        The sum of squared errors; with confidences, less what the same columns would cost if they were not rated.
    weight : float
        The number of ratings; with confidences, their sum.
    """
    n_factors = columns.shape[1]
    padded = np.concatenate([columns, np.zeros((1, n_factors), columns.dtype)])  # what is missing is the last one
    ridge = None if problem.alpha is None else _solve_ridge(padded, gram, problem)
    counts = np.diff(ratings.indptr)
    rows = np.zeros((ratings.shape[0], n_factors), columns.dtype)
    loss = weight = 0.0
    for batch in _batches(counts, n_factors):
        parts = list(_take_parts(ratings, padded, batch, counts[batch]))
        n_rated = counts[batch]
        if n_rated[-1] < n_factors:
            rows[batch] = _solve_by_rating(parts[0], n_rated, ridge, problem)
        else:
            rows[batch] = _solve_by_factor(parts, n_rated, gram, problem)
        for factors, values, _ in parts:
            scores = (factors @ rows[batch][..., None])[..., 0]
            added = _measure(scores, values, problem)
            loss, weight = loss + added[0], weight + added[1]
    return rows, loss, weight


def _batches(counts: Any, n_factors: int) -> Iterator[Any]:
    """Yield positions of rows with about as many ratings, as many as may be gathered at a time, or one."""
    order = np.argsort(counts, kind="stable")
    ordered = counts[order]
    start = int(np.searchsorted(ordered, 1))
    while start < len(order):
        alike = int(np.searchsorted(ordered, _PADDING * ordered[start] + 1, side="right"))
        room = max(1, _ELEMENTS // (n_factors * int(ordered[alike - 1])))
        stop = min(alike, start + room)
        yield order[start:stop]
        start = stop


def _take_parts(ratings: Any, padded: Any, batch: Any, counts: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Yield the factors of the columns that rows have rated, of shape (n_rows, n, n_factors), ratings and columns.

    Ratings that are missing are NaN. There are several parts of a row that has more than may be gathered at a time.
    """
    n_most, n_factors = int(counts.max()), padded.shape[1]
    step = max(1, n_most if len(batch) > 1 else max(_ELEMENTS // n_factors, n_factors))
    for begin in range(0, n_most, step):
        places = np.arange(begin, min(begin + step, n_most))
        is_there = places < counts[:, None]
        where = np.where(is_there, ratings.indptr[batch][:, None] + places, 0)
        columns = np.where(is_there, ratings.indices[where], len(padded) - 1)
        yield np.take(padded, columns, axis=0), np.where(is_there, ratings.data[where], np.nan), columns


def _weigh(values: Any, problem: Problem) -> tuple[Any, Any]:
    """Return the weights that ratings add, and what they are to be predicted as, times their whole weight."""
    known = np.nan_to_num(values)
    if problem.alpha is None:
        return (~np.isnan(values)).astype(known.dtype), known
    extra = known.dtype.type(problem.alpha) * np.abs(known)
    return extra, (1 + extra) * (known > 0)


def _solve_ridge(padded: Any, gram: Any, problem: Problem) -> Any:
    """Return what all rows have in common: A⁻¹Vᵀ of all columns, one in a row."""
    return np.linalg.solve(gram + problem.reg * np.eye(len(gram), dtype=gram.dtype), padded.T).T.copy()


def _solve_by_rating(part: Any, counts: Any, ridge: Any, problem: Problem) -> Any:
    """Return factors of rows, from as many equations as they have ratings."""
    factors, values, columns = part
    extra, targets = _weigh(values, problem)
    places = np.arange(factors.shape[1])
    if ridge is None:
        matrices, solutions = factors @ factors.transpose(0, 2, 1), factors
        matrices[:, places, places] += (problem.reg * counts[:, None]).astype(matrices.dtype)
    else:
        solutions = np.take(ridge, columns, axis=0)
        matrices = extra[..., None] * (factors @ solutions.transpose(0, 2, 1))
        matrices[:, places, places] += 1
    found = np.linalg.solve(matrices, targets[..., None])
    return (solutions.transpose(0, 2, 1) @ found)[..., 0]


def _solve_by_factor(parts: Any, counts: Any, gram: Any, problem: Problem) -> Any:
    """Return factors of rows, from as many equations as there are factors."""
    diagonal = np.arange(len(gram))
    matrices: Any = 0
    sides: Any = 0
    for factors, values, _ in parts:
        across = factors.transpose(0, 2, 1)
        extra, targets = _weigh(values, problem)
        matrices = matrices + across @ (factors if problem.alpha is None else factors * extra[..., None])
        sides = sides + across @ targets[..., None]
    if problem.alpha is None:
        matrices[:, diagonal, diagonal] += (problem.reg * counts[:, None]).astype(matrices.dtype)
    else:
        matrices += gram + problem.reg * np.eye(len(gram), dtype=gram.dtype)
    return np.linalg.solve(matrices, sides)[..., 0]


def _measure(scores: Any, values: Any, problem: Problem) -> tuple[float, float]:
    """Return the loss of ratings, and the sum of their weights."""
    is_there = ~np.isnan(values)
    scores, values = scores[is_there].astype(float), values[is_there].astype(float)
    if problem.alpha is None:
        return float(((values - scores) ** 2).sum()), float(len(values))
    weights = 1 + problem.alpha * np.abs(values)
    return float((weights * ((values > 0) - scores) ** 2 - scores**2).sum()), float(weights.sum())
