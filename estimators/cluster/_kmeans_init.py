"""Initial centers for k-means, chosen among points that never leave their workers.

Choices are made in the main program, as positions on the line of cumulated weights of all points; what travels is the
total of each row of blocks, and the points that were chosen. So they do not depend on how the rows are cut.

k-means++ is the greedy one of scikit-learn, and draws the same random numbers: D. Arthur and S. Vassilvitskii,
"k-means++: the advantages of careful seeding" (2007). k-means|| is that of B. Bahmani et al., "Scalable k-means++"
(2012): a few rounds, each of which draws about 2 k points at once, instead of k rounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse

import dsarray as ds
from dsflow import Future, share, task, wait_on
from estimators.cluster._points import find_nearest, made, make_scorer, own_distances, squared_norms, sum_by_label

__all__ = ["Source", "choose_plus_plus", "choose_random", "choose_scalable"]

_ROUNDS = 5
"""Rounds of k-means||; Bahmani et al. see no gain in more."""

_ROWS_AT_ONCE = 1 << 13
"""Number of points whose distances are worked on at a time: they have to stay in the cache of a core."""

_PER_ROUND = 2
"""Points that a round of k-means|| draws for each cluster, on average."""


def choose_random(source: Source, n_clusters: int, rng: np.random.RandomState) -> Any:
    """Choose different points, each with the probability of its weight; return them as centers."""
    chosen: list[Any] = []
    taken: list[list[int]] = [[] for _ in source.lengths]
    while len(chosen) < n_clusters:
        totals = source.weigh(taken)
        if not totals.any():
            raise ValueError(
                f"KMeans.fit: {len(chosen)} samples have a positive weight, fewer than n_clusters={n_clusters}; "
                "ask for fewer clusters."
            )
        targets = rng.random_sample(n_clusters - len(chosen)) * totals.sum()
        blocks, draws = source.draw(targets, totals, taken=taken)
        places = [(block, i) for block, (_, positions) in zip(blocks, draws, strict=True) for i in wait_on(positions)]
        points = np.concatenate([wait_on(found) for found, _ in draws])
        for place in np.argsort(np.argsort(targets)):
            block, position = places[place]
            if position not in taken[block]:
                taken[block].append(position)
                chosen.append(points[place])
    return np.array(chosen)[:, :-1]


def choose_plus_plus(source: Source, n_clusters: int, rng: np.random.RandomState) -> Any:
    """Choose points one by one, each the best of a few drawn by squared distance from the former; return centers."""
    n_trials = 2 + int(np.log(n_clusters))
    totals = source.weigh()
    _, draws = source.draw(rng.random_sample(1) * totals.sum(), totals)
    chosen: list[Any] = []
    best = 0
    while True:
        candidates = [found for found, _ in draws]
        source, sums = source.approach_each(candidates, best)
        best = int(sums.sum(axis=0).argmin())
        chosen.append(np.concatenate(wait_on(candidates))[best, :-1])
        if len(chosen) == n_clusters:
            return np.array(chosen)
        totals = sums[:, best]
        _, draws = source.draw(rng.random_sample(n_trials) * totals.sum(), totals, best)


def choose_scalable(source: Source, n_clusters: int, rng: np.random.RandomState) -> Any:
    """Draw about 2 k points a few times, all at once, and choose among them with k-means++; return centers."""
    totals = source.weigh()
    _, draws = source.draw(rng.random_sample(1) * totals.sum(), totals)
    candidates = [found for found, _ in draws]
    nearer, sums = source.approach_each(candidates, 0)
    starts = np.cumsum([0, *source.lengths])[:-1].tolist()
    for _ in range(_ROUNDS):
        if not sums.any():
            break
        rate, key = _PER_ROUND * n_clusters / float(sums.sum()), rng.randint(2**31 - 1)
        blocks = zip(source.points, source.weights, nearer.closest, starts, strict=True)
        found = [sample_points(*block, rate, key) for block in blocks]
        nearer, sums = nearer.approach_all(found)
        candidates += found
    table = np.concatenate(wait_on(candidates))
    if len(table) <= n_clusters:
        return choose_plus_plus(source, n_clusters, rng)
    scorer = share(make_scorer(table[:, :-1].astype(float)))
    blocks = zip(source.points, source.weights, strict=True)
    counts = wait_on(ds.tree_reduce(np.add, [count_nearest(*block, scorer) for block in blocks]))
    return choose_plus_plus(Source([table], [squared_norms(table)], [counts], [len(table)]), n_clusters, rng)


@dataclass(frozen=True, slots=True)
class Source:
    """The points to choose from, by rows of blocks."""

    points: Sequence[Any]
    norms: Sequence[Any]
    """The squared norms of the points."""
    weights: Sequence[Any]
    """Futures or ndarrays, or None where each point counts 1."""
    lengths: Sequence[int]
    """Number of points in each row of blocks."""
    closest: Sequence[Any] = ()
    """Squared distances of the points from the nearest center so far, for each of some trials."""

    def weigh(self, taken: Sequence[list[int]] | None = None) -> Any:
        """Return the weight of each row of blocks, without the points at some positions."""
        taken = taken or [[]] * len(self.lengths)
        if self.weights[0] is None:
            return np.array([length - len(out) for length, out in zip(self.lengths, taken, strict=True)], dtype=float)
        return np.array(wait_on([sum_weights(*block) for block in zip(self.weights, taken, strict=True)]))

    def draw(
        self, targets: Any, totals: Any, trial: int = 0, taken: Sequence[list[int]] | None = None
    ) -> tuple[list[int], list[tuple[Future[Any], Future[Any]]]]:
        """Start to find the points at places of the line of cumulated weights times distances, in the line's order.

        Returns
        -------
        blocks : list of int
            The rows of blocks that hold them.
        draws : list of (Future, Future)
            For each of these, the points found and their positions in it.
        """
        ends = np.cumsum(totals)
        targets = np.sort(targets)
        blocks = np.minimum(np.searchsorted(ends, targets), np.flatnonzero(totals).max(initial=0))
        targets = targets - (ends - totals)[blocks]
        closest = self.closest or [None] * len(self.points)
        taken = taken or [[]] * len(self.points)
        used = np.unique(blocks).tolist()
        return used, [
            draw_points(self.points[i], self.weights[i], closest[i], trial, taken[i], targets[blocks == i])
            for i in used
        ]

    def approach_each(self, candidates: list[Any], trial: int) -> tuple[Source, Any]:
        """Add each candidate, as a trial of its own, to the centers so far, which are those of ``trial``.

        Returns
        -------
        source : Source
        sums : ndarray of shape (n_rows_of_blocks, n_candidates)
            Weighted sums of ``closest``.
        """
        closest = self.closest or [None] * len(self.points)
        blocks = zip(self.points, self.norms, self.weights, closest, strict=True)
        pairs = [measure_each(*block, trial, candidates) for block in blocks]
        nearer = replace(self, closest=[distances for distances, _ in pairs])
        return nearer, np.array(wait_on([sums for _, sums in pairs]))

    def approach_all(self, candidates: list[Any]) -> tuple[Source, Any]:
        """Add all candidates to the centers so far; return as `approach_each` with one trial."""
        blocks = zip(self.points, self.weights, self.closest, strict=True)
        pairs = [measure_all(*block, candidates) for block in blocks]
        nearer = replace(self, closest=[distances for distances, _ in pairs])
        return nearer, np.array(wait_on([sums for _, sums in pairs]))


# --- mathematics of blocks --------------------------------------------------------------------------------------------


def _densify(points: Any) -> Any:
    return points.toarray() if scipy.sparse.issparse(points) else ds.to_host(points)


def _weighted_sums(distances: Any, weights: Any) -> Any:
    """Return the weighted sum over all points, in double precision, of each trial."""
    if weights is not None:
        distances = distances * ds.namespace(distances).asarray(weights)
    return ds.to_host(distances.sum(axis=1, dtype=float))


def _uniform(key: int, start: int, count: int) -> Any:
    """Return the random numbers of some positions of a sequence that has one for each point of the data."""
    per_step = 4  # numbers that Philox makes of one state of its counter
    generator = np.random.Generator(np.random.Philox(key=key).advance(start // per_step))
    return generator.random(start % per_step + count)[start % per_step :]


# --- tasks ------------------------------------------------------------------------------------------------------------


@task
def sum_weights(weights: Any, taken: list[int]) -> float:
    """Return the sum of weights, without those at some positions."""
    return float(np.delete(ds.to_host(weights), taken).sum(dtype=float))


@task(returns=2)
def draw_points(
    points: Any, weights: Any, closest: Any, trial: int, taken: list[int], targets: Any
) -> tuple[Any, list[int]]:
    """Return the points at places of the line of cumulated weights times squared distances; and their positions."""
    points = made(points)
    mass = np.ones(points.shape[0]) if closest is None else ds.to_host(closest[trial]).astype(float)
    mass = mass if weights is None else mass * ds.to_host(weights)
    mass[taken] = 0
    ends = mass.cumsum()
    positions = np.searchsorted(ends, np.minimum(targets, ends[-1]))
    return _densify(points[positions]), positions.tolist()


@task(returns=2)
def measure_each(
    points: Any, norms: Any, weights: Any, closest: Any, trial: int, candidates: list[Any]
) -> tuple[Any, Any]:
    """Return squared distances from the nearest center, for each candidate as one of them; and their weighted sums."""
    points = made(points)
    xp = ds.namespace(points)
    centers = np.concatenate(candidates)[:, :-1].astype(float)
    scorer = xp.asarray(make_scorer(centers), dtype=points.dtype)
    distances = xp.empty((len(centers), points.shape[0]), dtype=points.dtype)
    for start in range(0, points.shape[0], _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        scores = xp.ascontiguousarray((points[part] @ scorer).T)
        scores += norms[part]
        xp.maximum(scores, 0, out=scores)
        if closest is not None:
            xp.minimum(scores, closest[trial, part], out=scores)
        distances[:, part] = scores
    return distances, _weighted_sums(distances, weights)


@task(returns=2)
def measure_all(points: Any, weights: Any, closest: Any, candidates: list[Any]) -> tuple[Any, Any]:
    """Return squared distances from the nearest center, with all candidates among them; and their weighted sum."""
    points = made(points)
    centers = np.concatenate(candidates)[:, :-1].astype(points.dtype)
    if len(centers):
        labels = find_nearest(points, make_scorer(centers.astype(float)))
        distances = own_distances(points[:, :-1], centers, labels)
        closest = ds.namespace(points).minimum(closest, distances)
    return closest, _weighted_sums(closest, weights)


@task
def sample_points(points: Any, weights: Any, closest: Any, start: int, rate: float, key: int) -> Any:
    """Return points drawn independently, each with ``rate`` times its weighted squared distance as probability."""
    points = made(points)
    chances = rate * ds.to_host(closest[0]).astype(float) * (1 if weights is None else ds.to_host(weights))
    return _densify(points[np.flatnonzero(_uniform(key, start, points.shape[0]) < chances)])


@task
def count_nearest(points: Any, weights: Any, scorer: Any) -> Any:
    """Return the weight of the points that are nearest to each center."""
    points = made(points)
    return sum_by_label(points[:, -1:], weights, find_nearest(points, scorer), scorer.shape[1])[:, 0]
