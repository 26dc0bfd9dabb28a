"""Clusters of samples in dense regions, the same as if all lay in one place.

This is what M. Ester, H.-P. Kriegel, J. Sander and X. Xu define in "A density-based algorithm for discovering clusters
in large spatial databases with noise" (1996).

Samples are rearranged by regions in space, which a sample of them chooses, so that most neighbors are in the same
*unit* of some thousand samples (`_regions`). Two rounds of tasks, one for each unit and one for each two units that are
near each other, count neighbors and connect them (`_density`): R units of which each is near a few others take some
5 R tasks, and B more for each of B rows of blocks. Where regions do not help (sparse samples, metrics without
coordinates, many features, a large ``eps``) all units are near each other, so that there are R² / 2 such tasks.

What reaches the main program: some thousand rows, a box for each unit, and of each component of a unit its first sample
and which others it belongs to. The rearranged samples stay on the workers until the end; a streamed array is read
twice. A task holds one or two units and 64 MiB of pairs at most; labels stay on the workers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
import sklearn.cluster
from scipy.sparse.csgraph import connected_components
from sklearn.base import _fit_context
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import _check_sample_weight

import dsarray as ds
from dsflow import share, task, wait_on
from estimators._validation import align_rows, check_X, join_deferred, like_input
from estimators.cluster._density import (
    Reach,
    bridge,
    connect,
    count_between,
    count_own,
    label_samples,
    mark_core,
)
from estimators.cluster._given_distances import code_given
from estimators.cluster._regions import Unit, gather_units, scatter_units
from estimators.neighbors._search import check_format, choose_metric

__all__ = ["DBSCAN"]


class DBSCAN(sklearn.cluster.DBSCAN):
    """Cluster samples that are connected by samples with many others near them.

    Parameters
    ----------
    eps : float, default=0.5
        How far samples may be to be near each other.
    min_samples : int, default=5
        How many samples have to be near a core sample, itself included, or how much weight.
    metric : str or callable, default="euclidean"
        Any of scikit-learn's. With "precomputed", ``X`` holds the distances of all samples; or, if it is sparse,
        of those that may be near: an element that is 0 is a distance too, and one that is not stored is none. See
        `_given_distances`.
    metric_params : dict, optional
        "seuclidean" and "mahalanobis" need V and VI here.
    algorithm : {"auto", "ball_tree", "kd_tree", "brute"}, default="auto"
    leaf_size : int, default=30
    p : float, optional
        Power of the Minkowski metric.
    n_jobs : int, optional
        Has no effect: tasks run on the workers of the session.

    Attributes
    ----------
    labels_ : ndarray or Array of shape (n_samples,)
        The cluster of each sample; -1 for noise. Clusters are numbered by their first core samples; a sample that is
        near core samples of several is in the first of them.
    core_sample_indices_ : ndarray or Array of shape (n_core_samples,)
    components_ : ndarray, CSR matrix or Array of shape (n_core_samples, n_features)
        The core samples. Arrays if the ``X`` of ``fit`` was one: most samples may be core samples.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.cluster import DBSCAN
    >>> X = ds.array([[1.0, 2], [2, 2], [2, 3], [8, 7], [8, 8], [25, 80]], block_size=4)
    >>> DBSCAN(eps=3, min_samples=2).fit_predict(X).collect()
    array([ 0,  0,  0,  1,  1, -1])
    """

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> DBSCAN:
        """Find clusters.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_samples, n_features)
        y : ignored
        sample_weight : array_like or Array of shape (n_samples,), optional
            How much each sample counts, for its neighbors and itself; it may be negative.
        """
        check_format(self, X)
        rows = check_X(self, X, reset=True)
        metric = choose_metric(self, rows.shape[1], sparse=rows.sparse)
        weights = _weight_blocks(self, sample_weight, rows)
        if metric.is_given:
            coded = code_given(self, rows, weights)
        else:
            coded = _code_samples(self, rows, weights, Reach(metric, float(self.eps)))
        labels = [take_labels(each) for each in coded]
        self.labels_ = like_input(X, ds.from_blocks(labels, rows.chunks[:1], np.intp))
        self._keep_core_samples(X, rows, coded)
        return self

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Find clusters and return ``labels_``; see `fit`."""
        return self.fit(X, y, sample_weight).labels_

    def _keep_core_samples(self, X: Any, rows: ds.Array, coded: list[Any]) -> None:
        counts = wait_on([count_core(each) for each in coded])
        starts = np.cumsum((0, *rows.chunks[0]))[:-1].tolist()
        indices = [find_core(each, start) for each, start in zip(coded, starts, strict=True)]
        self.core_sample_indices_ = like_input(X, ds.from_blocks(indices, (tuple(counts),), np.intp))
        blocks = ds.defer_row_blocks(_take_core, rows, ds.from_blocks(coded, rows.chunks[:1], np.int64))
        found = like_input(X, join_deferred(blocks, tuple(counts), rows))
        self.components_ = scipy.sparse.csr_matrix(found) if scipy.sparse.issparse(found) else found


def _code_samples(model: DBSCAN, rows: ds.Array, weights: list[Any], reach: Reach) -> list[Any]:
    """Return, for each row of blocks, the Future of the clusters of its samples, as `label_samples` codes them."""
    has_boxes = reach.metric.power is not None and not rows.sparse
    sample = rows.shape[1] <= rows.shape[0]
    gathered = gather_units(model, rows, weights, eps=reach.eps, has_boxes=has_boxes, sample=sample)
    return scatter_units(gathered, label_units(gathered.units, model.min_samples, reach), rows.grid[0])


def label_units(units: list[Unit], min_samples: int, reach: Reach) -> list[Any]:
    """Return, for each unit, the Future of the clusters of its samples, as `label_samples` codes them."""
    near = _find_near(units, reach)
    own = [count_own(unit.points, min_samples, reach) for unit in units]
    counts = [[each] for each, _ in own]
    points, boxes = [unit.points for unit in units], [unit.box for unit in units]
    kept = []
    for a, b in near:
        ours = (own[a][0], own[b][0])
        both = count_between(points[a], points[b], ours, (boxes[a], boxes[b]), min_samples, reach)
        counts[a].append(both[0])
        counts[b].append(both[1])
        kept.append(both[2])
    is_core = [mark_core(ds.tree_reduce(np.add, each), min_samples) for each in counts]
    pairs = [each for _, each in own]
    made = [connect(*each, reach) for each in zip(points, is_core, pairs, strict=True)]
    locals_, firsts = zip(*made, strict=True)
    bridges = [
        bridge(points[a], points[b], (locals_[a], locals_[b]), each, (boxes[a], boxes[b]), reach)
        for (a, b), each in zip(near, kept, strict=True)
    ]
    first = wait_on(list(firsts))
    starts = np.cumsum([0, *map(len, first)])
    links = [each + starts[[a, b]] for each, (a, b) in zip(wait_on([b[0] for b in bridges]), near, strict=True)]
    clusters = share(number_clusters(np.concatenate(first), np.concatenate([np.empty((0, 2), int), *links])))
    touched: list[list[Any]] = [[] for _ in units]
    begins: list[list[int]] = [[] for _ in units]
    for (a, b), (_, by_a, by_b) in zip(near, bridges, strict=True):
        touched[a].append(by_a)
        begins[a].append(int(starts[b]))
        touched[b].append(by_b)
        begins[b].append(int(starts[a]))
    return [
        label_samples(local, int(start), *rest, clusters)
        for local, start, *rest in zip(locals_, starts[:-1], touched, begins, strict=True)
    ]


def number_clusters(first: Any, links: Any) -> Any:
    """Return the cluster of each component, numbered by the first sample of each, from which belong together."""
    if not len(first):
        return np.empty(0, np.int64)
    graph = scipy.sparse.coo_array((np.ones(len(links), np.int8), links.T), shape=(len(first), len(first)))
    n_clusters, clusters = connected_components(graph, directed=False)
    least = np.full(n_clusters, np.iinfo(np.int64).max)
    np.minimum.at(least, clusters, first)
    ranks = np.empty(n_clusters, np.int64)
    ranks[np.argsort(least)] = np.arange(n_clusters)
    return ranks[clusters]


def _find_near(units: list[Unit], reach: Reach) -> list[tuple[int, int]]:
    """Return which units may have samples near each other."""
    pairs = [(a, b) for a in range(len(units)) for b in range(a + 1, len(units))]
    if not units or units[0].box is None:
        return pairs
    boxes = np.stack([unit.box for unit in units])
    reached = reach.eps * (1 + 1e-6) + 1e-12 * np.abs(boxes).max()
    return [
        (a, b)
        for a, b in pairs
        if (boxes[a, 0] - reached <= boxes[b, 1]).all() and (boxes[b, 0] - reached <= boxes[a, 1]).all()
    ]


def _weight_blocks(model: DBSCAN, sample_weight: Any, rows: ds.Array) -> list[Any]:
    if sample_weight is None:
        return [None] * rows.grid[0]
    if isinstance(sample_weight, ds.Array):
        aligned = align_rows(model, sample_weight, rows, "sample_weight")
        return list(ds.map_row_blocks(_check_weights, aligned.astype(float)))
    checked = _check_sample_weight(sample_weight, rows, dtype=np.float64)
    return align_rows(model, checked, rows, "sample_weight").row_blocks()


def _check_weights(weights: Any) -> Any:
    assert_all_finite(weights, estimator_name="DBSCAN", input_name="sample_weight")
    return weights


def _take_core(rows: Any, codes: Any) -> Any:
    return ds.to_host(rows)[np.flatnonzero(codes & 1)]


# --- tasks ------------------------------------------------------------------------------------------------------------


@task
def take_labels(codes: Any) -> Any:
    """Return clusters."""
    return (codes >> 1).astype(np.intp)


@task
def count_core(codes: Any) -> int:
    """Return the number of core samples."""
    return int((codes & 1).sum())


@task
def find_core(codes: Any, start: int) -> Any:
    """Return where in X the core samples are."""
    return np.flatnonzero(codes & 1).astype(np.intp) + start
