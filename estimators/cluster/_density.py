"""Density-connected samples, as tasks on one unit of samples or on two that are near each other.

Neighbors are counted in one round of tasks, which tells core samples, and connected in a second one. What comes of a
unit is a *component* for each core sample, a number within the unit, and which components its other samples touch; of
two units, which components belong together. Pairs of neighbors are made some at a time, and kept for the second round
if they are few. Where they are many, samples that are known to be core samples are not counted any further, core
samples are first joined with a few neighbors each, and then only those outside the largest component look at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
import sklearn
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from dsflow import task
from estimators.cluster._regions import Points
from estimators.neighbors._search import Metric, Part, pairs_within

__all__ = ["Local", "Reach", "bridge", "connect", "count_between", "count_own", "label_samples", "mark_core"]

_KEPT_PAIRS = 16
"""Pairs for each sample of a unit, at most, that are kept from the first round to the second: 128 bytes."""

_MATRIX_ELEMENTS = 1 << 22
"""How many distances are looked at at a time where no tree does."""

_FEW_NEIGHBORS = 8
"""With how many neighbors core samples are joined first, if they have more."""

_MOST_ASKED = 32
"""Up to which number of samples a tree finds it quicker whether there are so many than how many there are."""

_ROUNDING = 1e-9
"""By how much less than ``eps`` a distance has to be, relatively, that is not looked at twice."""


class Reach(NamedTuple):
    """What is near."""

    metric: Metric
    eps: float


class Local(NamedTuple):
    """What is known of a unit."""

    components: Any
    """The component of each sample; -1 if it is no core sample."""
    touched: Any
    """Samples that are none, with the components they touch: integers of shape (n, 2)."""


def find_pairs(queries: Any, rows: Any, reach: Reach) -> Iterator[tuple[Any, Any]]:
    """Yield all pairs of a query and a row that is near, some at a time."""
    n_queries, n_rows = queries.shape[0], rows.shape[0]
    if not n_queries or not n_rows:
        return
    if reach.metric.suits_tree(rows):
        part = Part(reach.metric, cKDTree(rows, reach.metric.leaf_size), n_rows, None)
        yield from ((i, j) for i, j, _ in pairs_within(queries, part, reach.eps))
        return
    model = reach.metric.fit(rows)
    step = max(1, _MATRIX_ELEMENTS // n_rows)
    for start in range(0, n_queries, step):
        with sklearn.config_context(working_memory=64, assume_finite=True):
            found = model.radius_neighbors(queries[start : start + step], reach.eps, return_distance=False)
        lengths = [len(each) for each in found]
        yield np.repeat(np.arange(start, start + len(found)), lengths), np.concatenate(found)


def unite(components: Any, left: Any, right: Any) -> Any:
    """Return the components of nodes once some pairs of nodes are connected."""
    n_components = int(components.max()) + 1 if len(components) else 0
    edges = (np.ones(len(left), dtype=np.int8), (components[left], components[right]))
    graph = scipy.sparse.coo_array(edges, shape=(n_components, n_components))
    _, joined = connected_components(graph, directed=False)
    return joined[components] if n_components else components


def _near(points: Points, box: Any, reach: Reach) -> Any:
    """Return the positions of samples that may be near those in a box."""
    if box is None:
        return np.arange(len(points.index))
    reached = reach.eps * (1 + 1e-6) + 1e-12 * np.abs(box).max()
    inside = ((points.rows >= box[0] - reached) & (points.rows <= box[1] + reached)).all(axis=1)
    return np.flatnonzero(inside)


def _count_few(tree: Any, rows: Any, reach: Reach, min_samples: int) -> Any:
    """Return how many rows of a tree are near each row; or, if that is quicker, ``min_samples`` where they are more."""
    counts = np.full(len(rows), min_samples)
    is_open = np.full(len(rows), True)
    if min_samples <= _MOST_ASKED:
        distances, _ = tree.query(rows, [min_samples], p=reach.metric.power, distance_upper_bound=reach.eps)
        is_open = distances[:, 0] >= reach.eps * (1 - _ROUNDING)
    counts[is_open] = tree.query_ball_point(rows[is_open], reach.eps, p=reach.metric.power, return_length=True)
    return counts


def _count_pairs(
    left: Points, right: Points, places: tuple[Any, Any] | None, reach: Reach
) -> tuple[tuple[Any, Any], Any]:
    """Return the weight of what is near each sample of two units, and the pairs unless they are too many.

    ``places`` are where samples may have others near them; None for the pairs of a unit with itself, where each sample
    is near itself, whatever the metric gives (1 for the cosine of a row of zeros).
    """
    n_left, n_right = len(left.index), len(right.index)
    ours, theirs = (np.arange(n_left), np.arange(n_right)) if places is None else places
    counts: tuple[Any, Any] = np.zeros(n_left), np.zeros(n_right)
    kept: list[Any] | None = []
    room = _KEPT_PAIRS * (n_left + n_right)
    for queries, found in find_pairs(left.rows[ours], right.rows[theirs], reach):
        i, j = ours[queries], theirs[found]
        if places is None:
            i, j = np.compress(i != j, [i, j], axis=1)
        counts[0][:] += np.bincount(i, _weights_of(right, j), n_left)
        counts[1][:] += np.bincount(j, _weights_of(left, i), n_right)
        room -= len(i)
        kept = None if kept is None or room < 0 else [*kept, np.column_stack([i, j]).astype(np.int32)]
    if places is None:
        counts[0][:] += 1 if left.weights is None else left.weights
    return counts, None if kept is None else np.concatenate([np.empty((0, 2), np.int32), *kept])


def _split(pairs: Any, left: Any, right: Any) -> tuple[Any, Any, Any]:
    """Return which components are connected by pairs of two units, and what the samples of each touch of the other."""
    i, j = pairs.T
    a, b = left[i], right[j]
    links = _unique_pairs([np.column_stack([a, b])[(a >= 0) & (b >= 0)]])
    by_left = _unique_pairs([np.column_stack([i, b])[(a < 0) & (b >= 0)]])
    by_right = _unique_pairs([np.column_stack([j, a])[(b < 0) & (a >= 0)]])
    return links, by_left, by_right


def _bridging_pairs(left: Points, right: Points, components: tuple[Any, Any], places: Any, reach: Reach) -> Any:
    """Yield pairs of two units, enough to tell which components are connected and what other samples touch."""
    ours, theirs = places
    core = [where[each[where] >= 0] for where, each in zip(places, components, strict=True)]
    if not reach.metric.suits_tree(left.rows) or not len(core[0]) or not len(core[1]):
        for i, j in find_pairs(left.rows[ours], right.rows[theirs], reach):
            yield np.column_stack([ours[i], theirs[j]])
        return
    tree = cKDTree(right.rows[core[1]], reach.metric.leaf_size)
    _, found = tree.query(left.rows[core[0]], p=reach.metric.power, distance_upper_bound=reach.eps)
    is_found = found < len(core[1])
    yield np.column_stack([core[0][is_found], core[1][found[is_found]]])
    nodes = np.concatenate([components[0][core[0]], components[0].max() + 1 + components[1][core[1]]])
    joined = unite(nodes, np.flatnonzero(is_found), len(core[0]) + found[is_found])
    is_out = joined != np.bincount(joined).argmax()
    asking = [where[each[where] < 0] for where, each in zip(places, components, strict=True)]
    asking[0] = np.concatenate([asking[0], core[0][is_out[: len(core[0])]]])
    asking[1] = np.concatenate([asking[1], core[1][is_out[len(core[0]) :]]])
    for i, j in find_pairs(left.rows[asking[0]], right.rows[core[1]], reach):
        yield np.column_stack([asking[0][i], core[1][j]])
    for j, i in find_pairs(right.rows[asking[1]], left.rows[core[0]], reach):
        yield np.column_stack([core[0][i], asking[1][j]])


def _weights_of(points: Points, where: Any) -> Any:
    return None if points.weights is None else points.weights[where]


def _join_some(rows: Any, components: Any, reach: Reach) -> Any:
    """Connect each row with a few near it; the nearest are as good as any."""
    n_asked = min(_FEW_NEIGHBORS + 1, len(rows))
    tree = cKDTree(rows, reach.metric.leaf_size)
    _, found = tree.query(rows, np.arange(1, n_asked + 1), p=reach.metric.power, distance_upper_bound=reach.eps)
    queries = np.repeat(np.arange(len(rows)), n_asked)
    is_found = found.ravel() < len(rows)
    return unite(components, queries[is_found], found.ravel()[is_found])


def _connect_many(rows: Any, is_core: Any, reach: Reach) -> tuple[Any, list[Any]]:
    """Return the components of core samples, and what others touch, without a list of all pairs."""
    core = np.flatnonzero(is_core)
    components = np.arange(len(core))
    if len(core) and reach.metric.suits_tree(rows):
        components = _join_some(rows[core], components, reach)
    largest = np.bincount(components).argmax() if len(core) else -1
    # whoever is in no other component than the largest is reached from outside of it, if at all
    asking = np.concatenate([np.flatnonzero(~is_core), core[components != largest]])
    touched = []
    for queries, found in find_pairs(rows[asking], rows[core], reach):
        asked = asking[queries]
        own = is_core[asked]
        components = unite(components, np.searchsorted(core, asked[own]), found[own])
        touched.append(np.column_stack([asked[~own], found[~own]]))
    return components, touched


def _unique_pairs(pairs: list[Any]) -> Any:
    """Return the pairs that differ, of shape (n, 2)."""
    joined = np.concatenate([np.empty((0, 2), np.int64), *pairs])
    if not len(joined):
        return joined
    width = int(joined[:, 1].max()) + 1
    keys = np.unique(joined[:, 0] * width + joined[:, 1])
    return np.column_stack(np.divmod(keys, width))


# --- tasks ------------------------------------------------------------------------------------------------------------


@task(returns=2)
def count_own(points: Points, min_samples: int, reach: Reach) -> tuple[Any, Any]:
    """Return how many samples of the unit are near each, itself too; and the pairs, if not too many.

    Without weights, counts of at least ``min_samples`` need not be exact.
    """
    if not reach.metric.suits_tree(points.rows):
        (counts, _), pairs = _count_pairs(points, points, None, reach)
        return counts, pairs if pairs is None else pairs[pairs[:, 0] < pairs[:, 1]]
    n_samples, power = len(points.index), reach.metric.power
    tree = cKDTree(points.rows, reach.metric.leaf_size)
    if tree.count_neighbors(tree, reach.eps, p=power) <= 2 * _KEPT_PAIRS * n_samples:
        pairs = tree.query_pairs(reach.eps, p=power, output_type="ndarray").astype(np.int32)
        i, j = pairs.T
        counts = np.bincount(i, _weights_of(points, j), n_samples) + np.bincount(j, _weights_of(points, i), n_samples)
        return counts + (1 if points.weights is None else points.weights), pairs
    if points.weights is None:
        return _count_few(tree, points.rows, reach, min_samples), None
    return _count_pairs(points, points, None, reach)[0][0], None


@task(returns=3)
def count_between(
    left: Points, right: Points, own: tuple[Any, Any], boxes: tuple[Any, Any], min_samples: int, reach: Reach
) -> tuple[Any, Any, Any]:
    """Return how many samples of another unit are near each of one, and the other way round; and the pairs if few.

    Without weights, those are left out that have enough in their ``own`` unit.
    """
    places = _near(left, boxes[1], reach), _near(right, boxes[0], reach)
    if left.weights is not None or not reach.metric.suits_tree(left.rows):
        return *(found := _count_pairs(left, right, places, reach))[0], found[1]
    counts = []
    for ours, theirs, (a, b), own_counts in (
        (left, right, places, own[0]),
        (right, left, places[::-1], own[1]),
    ):
        asking = a[own_counts[a] < min_samples]
        found_counts = np.zeros(len(ours.index))
        if len(asking) and len(b):
            tree = cKDTree(theirs.rows[b], reach.metric.leaf_size)
            rows = ours.rows[asking]
            found_counts[asking] = tree.query_ball_point(rows, reach.eps, p=reach.metric.power, return_length=True)
        counts.append(found_counts)
    return counts[0], counts[1], None


@task
def mark_core(counts: Any, min_samples: int) -> Any:
    """Tell which samples have enough others near them."""
    return counts >= min_samples


@task(returns=2)
def connect(points: Points, is_core: Any, pairs: Any, reach: Reach) -> tuple[Local, Any]:
    """Return the components of a unit; and the position in X of the first core sample of each."""
    core = np.flatnonzero(is_core)
    if pairs is None:
        components, touched = _connect_many(points.rows, is_core, reach)
    else:
        place = np.cumsum(is_core) - 1
        i, j = pairs.T
        both = is_core[i] & is_core[j]
        components = unite(np.arange(len(core)), place[i[both]], place[j[both]])
        touched = [np.column_stack([a, place[b]])[~is_core[a] & is_core[b]] for a, b in ((i, j), (j, i))]
    first = np.full(int(components.max()) + 1 if len(core) else 0, np.iinfo(np.int64).max)
    np.minimum.at(first, components, points.index[core])
    of_all = np.full(len(is_core), -1, dtype=np.int64)
    of_all[core] = components
    touched = [np.column_stack([each[:, 0], components[each[:, 1]]]) for each in touched]
    return Local(of_all, _unique_pairs(touched)), first


@task(returns=3)
def bridge(
    left: Points,
    right: Points,
    locals_: tuple[Local, Local],
    pairs: Any,
    boxes: tuple[Any, Any],
    reach: Reach,
) -> tuple[Any, Any, Any]:
    """Return which components of two units belong together, and which of the other one the samples of each touch."""
    components = locals_[0].components, locals_[1].components
    if pairs is not None:
        return _split(pairs, *components)
    places = _near(left, boxes[1], reach), _near(right, boxes[0], reach)
    parts = [_split(each, *components) for each in _bridging_pairs(left, right, components, places, reach)]
    links, by_left, by_right = (_unique_pairs([part[position] for part in parts]) for position in range(3))
    return links, by_left, by_right


@task
def label_samples(local: Local, start: int, touched: list[Any], starts: list[int], clusters: Any) -> Any:
    """Return the cluster of each sample of a unit, times 2, plus 1 for core samples; -2 for those in none.

    ``clusters`` are those of the components of all units, and ``start`` is where those of this unit begin; ``touched``
    is what its samples touch of other units, and ``starts`` where the components of these begin.
    """
    none = np.iinfo(np.int64).max
    labels = np.full(len(local.components), none)
    for pairs, begin in zip((local.touched, *touched), (start, *starts), strict=True):
        np.minimum.at(labels, pairs[:, 0], clusters[pairs[:, 1] + begin])
    labels[labels == none] = -1
    is_core = local.components >= 0
    labels[is_core] = clusters[local.components[is_core] + start]
    return 2 * labels + is_core
