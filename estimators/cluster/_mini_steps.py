"""Steps of mini-batch k-means: what a few rows do to the centers, and when to stop.

D. Sculley, "Web-scale k-means clustering" (2010); each center is the mean of all rows of all batches that were nearest
to it. Centers that get few rows are moved to rows drawn from a batch; that, and when to stop, is as in scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from sklearn.cluster import kmeans_plusplus

import dsarray as ds
from dsflow import task
from estimators.cluster._draws import Drawn
from estimators.cluster._points import label_rows, own_distances, sum_by_label

__all__ = [
    "Course",
    "Rules",
    "Sums",
    "choose_start",
    "is_move_due",
    "judge_start",
    "move_centers",
    "run_steps",
    "sum_batch",
    "update_centers",
]


class Sums(NamedTuple):
    """What a batch says about the centers."""

    sums: Any
    """Weighted sums of its rows by nearest center."""
    counts: Any
    """Sums of weights."""
    inertia: float


@dataclass(frozen=True, slots=True)
class Rules:
    """How to do the steps of a fit."""

    batch_size: int
    n_rows: int
    """Of all data."""
    n_steps: int
    """How many steps to do at most."""
    tol: float
    """Sum of squared moves of the centers at which to stop; 0 for never."""
    max_no_improvement: int | None
    reassignment_ratio: float
    key: int
    """Of the random numbers that tell where centers are moved."""


@dataclass(frozen=True, slots=True)
class Course:
    """Where the steps of a fit have come to."""

    rules: Rules
    centers: Any
    """ndarray of shape (n_clusters, n_features), float64."""
    counts: Any
    """Weight of the rows that each has got."""
    n_since: int = 0
    """Rows since it was last looked for centers with few rows."""
    n_done: int = 0
    """Steps."""
    mean: float = np.nan
    """Moving mean of the inertia of a row."""
    least: float = np.inf
    """The least of these."""
    n_worse: int = 0
    """Steps since then."""
    done: bool = False


def sum_batch(rows: Any, weights: Any, centers: Any) -> Sums:
    """Return what rows say about the centers."""
    k = len(centers)
    labels = label_rows(rows, centers)
    distances = own_distances(rows, centers, labels)
    if weights is not None:
        distances = distances * ds.namespace(rows).asarray(weights)
    counts = np.bincount(ds.to_host(labels), weights=weights, minlength=k).astype(float)
    return Sums(sum_by_label(rows, weights, labels, k), counts, float(distances.sum(dtype=float)))


def update_centers(centers: Any, counts: Any, found: Sums) -> tuple[Any, Any]:
    """Return centers and the weight of the rows of each, with those of a batch."""
    total = (counts + found.counts)[:, None]
    moved = np.divide(
        centers * counts[:, None] + found.sums, total, out=centers.copy(), where=found.counts[:, None] > 0
    )
    return moved, total[:, 0]


def is_move_due(counts: Any, n_since: int) -> bool:
    """Whether to look for centers with few rows: if one has none, or each could have got ten since the last look."""
    return bool((counts == 0).any()) or n_since >= 10 * len(counts)


def move_centers(centers: Any, counts: Any, ratio: float, n_rows: int, draw: Callable[[int], Any]) -> None:
    """Move centers with few rows, in place, to rows drawn from a batch of some size; to half of it at most."""
    if not ratio:
        return
    few = counts < ratio * counts.max()
    if few.sum() > 0.5 * n_rows:
        few[np.argsort(counts)[int(0.5 * n_rows) :]] = False
    n_few = int(few.sum())
    if n_few:
        chosen = draw(n_few)
        centers[few] = chosen.toarray() if scipy.sparse.issparse(chosen) else chosen
        if not few.all():
            counts[few] = counts[~few].min()  # not 0, or they would be moved again at once


def _step(course: Course, rows: Any) -> Course:
    rules = course.rules
    n_since = course.n_since + rules.batch_size
    is_due = is_move_due(course.counts, n_since)
    found = sum_batch(rows, None, course.centers)
    centers, counts = update_centers(course.centers, course.counts, found)
    if is_due:
        rng = np.random.default_rng([rules.key, course.n_done])
        n_rows = rows.shape[0]
        move_centers(
            centers, counts, rules.reassignment_ratio, n_rows, lambda n: rows[rng.choice(n_rows, n, replace=False)]
        )
    moves = float(((centers - course.centers) ** 2).sum())
    after = replace(course, centers=centers, counts=counts, n_since=0 if is_due else n_since, n_done=course.n_done + 1)
    return _judge(after, found.inertia / rules.batch_size, moves)


def _judge(course: Course, inertia: float, moves: float) -> Course:
    """Return the course with the inertia of a row in the last batch, and whether it is done."""
    rules = course.rules
    is_last = course.n_done >= rules.n_steps
    if course.n_done == 1:
        return replace(course, done=is_last)
    share = min(1.0, 2.0 * rules.batch_size / (rules.n_rows + 1))
    mean = inertia if np.isnan(course.mean) else course.mean * (1 - share) + inertia * share
    if rules.tol > 0 and moves <= rules.tol:
        return replace(course, mean=mean, done=True)
    n_worse = 0 if mean < course.least else course.n_worse + 1
    is_stuck = rules.max_no_improvement is not None and n_worse >= rules.max_no_improvement
    return replace(course, mean=mean, least=min(mean, course.least), n_worse=n_worse, done=is_last or is_stuck)


def _choose(init: str, n_clusters: int, rng: Any, rows: Any, weights: Any) -> Any:
    given = np.ones(rows.shape[0]) if weights is None else weights
    if init == "k-means++":
        near = rows if scipy.sparse.issparse(rows) else rows - rows.mean(axis=0)  # no digits are lost in squares
        _, chosen = kmeans_plusplus(near, n_clusters, sample_weight=given, random_state=rng)
    else:
        chosen = rng.choice(rows.shape[0], size=n_clusters, replace=False, p=given / given.sum())
    centers = rows[chosen]
    return centers.toarray() if scipy.sparse.issparse(centers) else centers


# --- tasks ------------------------------------------------------------------------------------------------------------


@task
def run_steps(course: Course, drawn: Drawn) -> Course:
    """Return where steps come to, each with as many of the rows drawn as a batch has."""
    rows = drawn.join()
    for start in range(0, rows.shape[0], course.rules.batch_size):
        if course.done:
            break
        course = _step(course, rows[start : start + course.rules.batch_size])
    return course


@task
def choose_start(init: Any, n_clusters: int, rng: Any, rows: Drawn, weights: Drawn | None) -> tuple[Any, Any]:
    """Return initial centers that are chosen among rows drawn, and the random state after the choice.

    Parameters
    ----------
    init : {"k-means++", "random"} or callable
    n_clusters : int
    rng : RandomState
    rows : Drawn
    weights : Drawn, optional
        The weights of the rows.
    """
    among = rows.join()
    if callable(init):
        return init(among, n_clusters, random_state=rng), rng
    return _choose(init, n_clusters, rng, among, None if weights is None else weights.join()), rng


@task
def judge_start(centers: Any, rows: Drawn, weights: Drawn | None) -> float:
    """Return the inertia of rows drawn."""
    return sum_batch(rows.join(), None if weights is None else weights.join(), centers).inertia
