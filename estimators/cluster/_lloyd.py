"""Lloyd's iteration on points by rows of blocks; `_points` says what points and scorers are.

What travels in an iteration is a scorer to each row of blocks, and sums of its points by cluster back, through a tree:
k (d + 1) numbers. Once few points change their cluster, those are left alone whose nearest center cannot have changed,
as G. Hamerly does in "Making k-means even faster" (2010): the distances to the nearest center and to any other differ
by more than these centers have moved since the difference was measured. The result is the same. Points that are read
anew in each iteration, because they may be larger than memory, are looked at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse

import dsarray as ds
from dsflow import Future, Task, share, task, wait_on
from estimators.cluster._points import (
    UnreadPoints,
    find_nearest,
    find_nearest_of_rows,
    find_nearest_with_gap,
    made,
    make_scorer,
    own_distances,
    sum_by_label,
)

__all__ = ["Descent", "Run", "add_pairs", "assign_and_sum", "read_and_sum", "run_lloyd"]

_FEW_CHANGED = 0.02
"""Share of points that change their cluster below which gaps are worth their price, about one iteration."""

_MANY_ACTIVE = 0.4
"""Share of points that have to be looked at in spite of their gaps above which they are not."""


@dataclass(frozen=True, slots=True)
class Descent:
    """What all runs have in common."""

    points: list[Any]
    """Futures, or what stands for points that have to be read."""
    norms: list[Any]
    """Futures of their squared norms."""
    weights: list[Future[Any]] | list[None]
    max_iter: int
    tol: float
    """Sum of squared moves of the centers at which to stop."""
    arity: int
    step: Task[Any]
    """`assign_and_sum`, or `read_and_sum` for points that have to be read."""

    @property
    def gives_changes(self) -> bool:
        """True if an iteration gives what has changed in the sums of the one before."""
        return self.step is assign_and_sum and self.weights[0] is None


@dataclass(slots=True)
class Run:
    """One descent from one choice of initial centers."""

    centers: Any
    """ndarray of shape (n_clusters, n_features), float64, relative to the mean of the data."""
    losses: Any = None
    """By how much the last iteration may have narrowed the gap of a point in each cluster."""
    sums: Any = None
    """Sums of points by cluster, and their number, of the last iteration."""
    states: list[Any] = field(default_factory=list)
    """Futures of a `State` for each row of blocks; they stay on the workers."""
    n_iter: int = 0
    done: bool = False
    partials: Future[Any] | None = None
    """What the iteration under way is going to give."""


class State(NamedTuple):
    """What a row of blocks remembers from one iteration to the next."""

    labels: Any
    """The nearest center of each point."""
    gaps: Any
    """A lower bound of how much farther than it any other center is, for each point; None if not known."""
    n_changed: int
    """How many points have changed their nearest center."""
    patience: float = np.inf
    """How slow centers have to be before gaps are worth another try."""


def run_lloyd(descent: Descent, starts: Sequence[Any], end_round: Callable[[Run], bool]) -> list[Run]:
    """Iterate from each choice of initial centers until centers or labels stay; the runs share the workers.

    ``end_round(run)`` is told of an iteration of all, with the first of them; it returns whether that was enough.
    """
    runs = [Run(centers) for centers in starts]
    active = runs
    is_enough = False
    while active and not is_enough:
        for run in active:
            _start_iteration(run, descent)
        for run in active:
            _end_iteration(run, descent)
        is_enough = end_round(runs[0])
        active = [run for run in active if not run.done]
    return runs


def _start_iteration(run: Run, descent: Descent) -> None:
    scorer = share(make_scorer(run.centers))
    losses = share(run.losses)
    states = run.states or [None] * len(descent.points)
    blocks = zip(descent.points, descent.norms, descent.weights, states, strict=True)
    pairs = [descent.step(*block, scorer, losses) for block in blocks]
    run.states = [state for state, _ in pairs]
    run.partials = ds.tree_reduce(add_pairs, [partial for _, partial in pairs], arity=descent.arity)


def _end_iteration(run: Run, descent: Descent) -> None:
    sums, n_changed = wait_on(run.partials)
    run.sums = run.sums + sums if descent.gives_changes and run.sums is not None else sums
    sums = _fill_empty(run, descent) if (run.sums[:, -1] == 0).any() else run.sums
    counts = sums[:, -1:]
    centers = np.divide(sums[:, :-1], counts, out=run.centers.copy(), where=counts > 0)
    moves = np.linalg.norm(centers - run.centers, axis=1)
    others = np.where(moves.argmax() == np.arange(len(moves)), np.sort(moves)[-2:][0], moves.max())
    run.losses = moves + others
    run.centers = centers
    run.n_iter += 1
    run.done = n_changed == 0 or (moves**2).sum() <= descent.tol or run.n_iter == descent.max_iter


def _fill_empty(run: Run, descent: Descent) -> Any:
    """Return sums with the points that are farthest from their centers in the clusters that have none."""
    empty = np.flatnonzero(run.sums[:, -1] == 0)
    centers = share(run.centers)
    blocks = zip(descent.points, descent.weights, run.states, strict=True)
    found = wait_on([find_farthest(*block, centers, len(empty)) for block in blocks])
    distances, points, labels = map(np.concatenate, zip(*found, strict=True))
    farthest = np.argsort(-distances, kind="stable")[: len(empty)]
    sums = run.sums.copy()
    if distances[farthest].any():
        for cluster, point in zip(empty, farthest, strict=False):
            sums[labels[point]] -= points[point]
            sums[cluster] = points[point]
    return sums


def add_pairs(left: Any, right: Any) -> Any:
    """Add the first and the second of two pairs."""
    return left[0] + right[0], left[1] + right[1]


def _assign(points: Any, norms: Any, state: State, scorer: Any, losses: Any) -> State:
    """Find the nearest center of each point, with gaps or without, whatever is likely to be quicker."""
    xp = ds.namespace(points)
    labels, gaps, n_changed, patience = state
    n_points = len(labels)
    fastest = float(losses.max())
    if gaps is not None:
        gaps = gaps - xp.asarray(losses)[labels]
        where = xp.flatnonzero(gaps <= 0)
        if len(where) > _MANY_ACTIVE * n_points:
            gaps, patience = None, fastest / 2
    elif n_changed < _FEW_CHANGED * n_points and fastest < patience:
        gaps, where = xp.empty(n_points), xp.arange(n_points)
    if gaps is None:
        labels = find_nearest(points, scorer)
    else:
        labels = labels.copy()
        labels[where], gaps[where] = find_nearest_with_gap(points, norms, scorer, where)
    return State(labels, gaps, int((labels != state.labels).sum()), patience)


# --- tasks ------------------------------------------------------------------------------------------------------------


@task(returns=2)
def assign_and_sum(
    points: Any, norms: Any, weights: Any, state: State | None, scorer: Any, losses: Any
) -> tuple[State, Any]:
    """Find the nearest center of each point, and add points up by it.

    Returns
    -------
    state : State
    partial : tuple of (ndarray, int)
        Weighted sums, or, of points without weights, what has changed in them since the last iteration, which is
        exact for counts; and the number of points that have changed their nearest center.
    """
    n_clusters = scorer.shape[1]
    if state is None:
        labels = find_nearest(points, scorer)
        return State(labels, None, len(labels)), (sum_by_label(points, weights, labels, n_clusters), len(labels))
    old, state = state.labels, _assign(points, norms, state, scorer, losses)
    if weights is not None:
        sums = sum_by_label(points, weights, state.labels, n_clusters)
    else:
        changed = ds.namespace(points).flatnonzero(state.labels != old)
        moved = points[changed]
        sums = sum_by_label(moved, None, state.labels[changed], n_clusters)
        sums -= sum_by_label(moved, None, old[changed], n_clusters)
    return state, (sums, state.n_changed)


@task(returns=2)
def read_and_sum(
    points: UnreadPoints, _norms: Any, weights: Any, state: State | None, scorer: Any, _losses: Any
) -> tuple[State, Any]:
    """Read points that are not kept, and do as `assign_and_sum` does, but look at all of them and give all sums."""
    rows, n_clusters = points.make_rows(), scorer.shape[1]
    labels = find_nearest_of_rows(rows, scorer)
    sums = sum_by_label(rows, weights, labels, n_clusters)
    given = None if weights is None else ds.to_host(weights)
    counts = np.bincount(ds.to_host(labels), weights=given, minlength=n_clusters)
    n_changed = len(labels) if state is None else int((labels != state.labels).sum())
    return State(labels, None, n_changed), (np.column_stack([sums, counts]), n_changed)


@task
def find_farthest(points: Any, weights: Any, state: State, centers: Any, n_wanted: int) -> tuple[Any, Any, Any]:
    """Return the points farthest from their centers: squared distances, weighted points, clusters."""
    points = made(points)
    distances = ds.to_host(own_distances(points[:, :-1], centers, state.labels))
    weights = np.ones(len(distances)) if weights is None else ds.to_host(weights)
    farthest = np.argsort(np.where(weights > 0, -distances, 0), kind="stable")[:n_wanted]
    found = points[farthest]
    found = found.toarray() if scipy.sparse.issparse(found) else ds.to_host(found)
    return distances[farthest], found * weights[farthest, None], ds.to_host(state.labels)[farthest]
