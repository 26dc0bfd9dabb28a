"""Neighbors of some rows among others, as pure functions: what a task does with one block of queries and one part.

Dense rows of a few features under a Minkowski metric are found by a k-d tree, SciPy's, which works without the
interpreter's lock, so that tasks run side by side; all others by scikit-learn's `NearestNeighbors`. Of rows that are
equally far, the first are taken: a tree is asked for more until the tie is complete. So parts can be cut anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
import sklearn
import sklearn.neighbors
from scipy.spatial import cKDTree
from sklearn.utils import assert_all_finite

import dsarray as ds

__all__ = [
    "Found",
    "Metric",
    "Part",
    "Within",
    "check_distances",
    "check_finite",
    "check_format",
    "choose_metric",
    "find_nearest",
    "find_within",
    "make_part",
    "merge_found",
    "merge_within",
    "pairs_within",
]

_NEEDS = {"seuclidean": "V", "mahalanobis": "VI"}
"""Metrics whose parameter scikit-learn takes from all rows, which no task has."""

_POWERS = {"euclidean": 2.0, "l2": 2.0, "manhattan": 1.0, "cityblock": 1.0, "l1": 1.0, "chebyshev": np.inf}
"""Metrics that trees know, and the power of each."""

_KEEP_ZEROS = ("csr", "csc", "coo", "lil")
"""Formats of sparse matrices that store those zeros that were given, and no others; scikit-learn's list."""

_MANY_FEATURES = 15
"""From which on trees are slower than looking at all rows; scikit-learn has the same limit."""

_PAIRS = 1 << 22
"""How many pairs are made at a time."""

_WORKING_MIB = 64
"""How much of a matrix of distances scikit-learn may hold at a time, in MiB."""


@dataclass(frozen=True)
class Metric:
    """What distances are, and how to look for neighbors."""

    name: Any
    params: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "auto"
    leaf_size: int = 30

    @property
    def is_given(self) -> bool:
        """Whether rows are distances to all rows of ``fit``."""
        return isinstance(self.name, str) and self.name == "precomputed"

    @property
    def power(self) -> float | None:
        """The power of a Minkowski metric; None if it is another."""
        if self.name == "minkowski" and self.params.get("w") is None and self.params.get("p", 2) >= 1:
            return float(self.params.get("p", 2))
        return _POWERS.get(self.name) if isinstance(self.name, str) else None

    def suits_tree(self, rows: Any) -> bool:
        """Tell whether a tree finds neighbors among these rows."""
        if scipy.sparse.issparse(rows) or self.power is None or self.algorithm == "brute":
            return False
        return self.algorithm != "auto" or rows.shape[1] <= _MANY_FEATURES

    def fit(self, rows: Any) -> Any:
        """Return scikit-learn's model of rows."""
        others = {name: value for name, value in self.params.items() if name != "p"}
        model = sklearn.neighbors.NearestNeighbors(
            algorithm=self.algorithm,
            leaf_size=self.leaf_size,
            metric=self.name,
            metric_params=others or None,
            p=self.params.get("p", 2),
        )
        with sklearn.config_context(assume_finite=True):
            return model.fit(rows)


class Part(NamedTuple):
    """Some of the rows that neighbors are found among."""

    metric: Metric
    searcher: Any
    """A tree, or a model of scikit-learn; None where distances are given."""
    n_rows: int
    targets: Any
    """What belongs to them, with a row for each; or None."""


class Found(NamedTuple):
    """Neighbors of some rows, in the order of their distances and, if these are equal, of their positions."""

    distances: Any
    """Of shape (n_queries, n_found)."""
    indices: Any
    """Their positions among all rows, of the same shape."""
    targets: Any
    """What belongs to them, of shape (n_queries, n_found, n_targets); or None."""


class Within(NamedTuple):
    """Neighbors within a radius, in the order of the queries and of their positions."""

    counts: Any
    """How many there are of each query."""
    indices: Any
    distances: Any


def choose_metric(estimator: Any, n_features: int, *, sparse: bool) -> Metric:
    """Return what scikit-learn makes of an estimator's metric, p, metric_params, algorithm and leaf_size.

    Raises
    ------
    ValueError
        When they don't go together, or need more than blocks of samples.
    """
    name, given = type(estimator).__name__, estimator.metric_params or {}
    if estimator.metric == "precomputed":
        return Metric("precomputed")
    needed = _NEEDS.get(estimator.metric, "") if isinstance(estimator.metric, str) else ""
    if needed and needed not in given:
        raise ValueError(
            f"{name}: metric={estimator.metric!r} needs metric_params={{{needed!r}: ...}}: it is not taken from blocks."
        )
    names = ("algorithm", "leaf_size", "metric", "metric_params", "p")
    reference = sklearn.neighbors.NearestNeighbors(**{each: getattr(estimator, each) for each in names})
    probe = np.zeros((1, n_features))
    reference.fit(scipy.sparse.csr_array(probe) if sparse else probe)
    params = dict(reference.effective_metric_params_)
    return Metric(reference.effective_metric_, params, estimator.algorithm, estimator.leaf_size)


def check_format(estimator: Any, X: Any) -> None:
    """Raise TypeError for sparse distances in a format that may lose those that are 0, or have more of them."""
    if estimator.metric == "precomputed" and scipy.sparse.issparse(X) and X.format not in _KEEP_ZEROS:
        raise TypeError(
            f"{type(estimator).__name__}: Sparse matrix in {X.format!r} format is not supported due to its handling of "
            "explicit zeros, which are distances; give a CSR matrix."
        )


def make_part(rows: Any, targets: Any, metric: Metric, name: str) -> Part:
    """Check rows for NaN and infinity, and prepare them to be searched."""
    check_finite(rows, metric, name)
    rows = ds.to_host(rows)
    searcher = cKDTree(rows, metric.leaf_size) if metric.suits_tree(rows) else metric.fit(rows)
    return Part(metric, searcher, rows.shape[0], targets)


def check_finite(rows: Any, metric: Metric, name: str) -> None:
    """Raise an error for NaN, unless the metric is made for it, for infinity, and for distances below 0."""
    assert_all_finite(rows, allow_nan=metric.name == "nan_euclidean", estimator_name=name, input_name="X")
    if metric.is_given:
        check_distances(rows, name)


def check_distances(distances: Any, name: str) -> None:
    """Raise an error for distances below 0."""
    if ((distances.data if scipy.sparse.issparse(distances) else distances) < 0).any():
        raise ValueError(f"{name}: Negative values in data passed to metric='precomputed'; distances are 0 or more.")


def find_nearest(queries: Any, part: Part, start: int, n_neighbors: int) -> Found:
    """Return the nearest rows of a part, or all if it has fewer, for each query; ``start`` is where the part starts."""
    n_wanted = min(n_neighbors, part.n_rows)
    queries = ds.to_host(queries)
    if not queries.shape[0]:
        distances, indices = np.empty((0, n_wanted)), np.empty((0, n_wanted), np.intp)
    elif part.searcher is None:
        take = _take_least_stored if scipy.sparse.issparse(queries) else _take_least
        distances, indices = take(queries, n_wanted)
    elif isinstance(part.searcher, cKDTree):
        distances, indices = _ask_tree(part.searcher, queries, n_wanted, part.metric.power)
    else:
        with sklearn.config_context(working_memory=_WORKING_MIB, assume_finite=True):
            distances, indices = part.searcher.kneighbors(queries, n_wanted)
        distances, indices = _in_order(np.asarray(distances, float), indices)
    return Found(distances, indices + start, None if part.targets is None else part.targets[indices])


def _take_least(distances: Any, n_wanted: int) -> tuple[Any, Any]:
    """Return the least distances of each row, in order, and where they are."""
    found = np.argpartition(distances, n_wanted - 1, axis=1)[:, :n_wanted]
    found.sort(axis=1)
    order = np.take_along_axis(distances, found, axis=1).argsort(axis=1, kind="stable")
    found = np.take_along_axis(found, order, axis=1)
    return np.take_along_axis(distances, found, axis=1).astype(float), found


def _take_least_stored(distances: Any, n_wanted: int) -> tuple[Any, Any]:
    """Return the least stored distances of each row of a CSR matrix, in order, and where they are."""
    counts = np.diff(distances.indptr)
    if counts.min() < n_wanted:
        raise ValueError(
            f"metric='precomputed': {n_wanted} neighbors per samples are required, but some samples have only "
            f"{counts.min()} neighbors in precomputed graph matrix; ask for fewer, or give a graph of more."
        )
    order = np.lexsort((distances.indices, distances.data, np.repeat(np.arange(len(counts)), counts)))
    taken = order[distances.indptr[:-1, None] + np.arange(n_wanted)]
    return distances.data[taken].astype(float), distances.indices[taken].astype(np.intp)


def _ask_tree(tree: Any, queries: Any, n_wanted: int, power: float | None) -> tuple[Any, Any]:
    """Return what is nearest; of rows that are equally far, the first."""
    n_asked = min(n_wanted + 1, tree.n)
    distances, indices = tree.query(queries, np.arange(1, n_asked + 1), p=power)
    if (indices == tree.n).any():  # which is no row
        raise ValueError("kneighbors: some rows of X are so far apart that their distance has no float64; scale X.")
    has_open_end = distances[:, n_wanted - 1] == distances[:, -1]
    open_ends = np.flatnonzero(has_open_end & (n_asked > n_wanted))
    distances, indices = _in_order(distances, indices)
    distances, indices = distances[:, :n_wanted].copy(), indices[:, :n_wanted].copy()
    while len(open_ends):
        n_asked = min(4 * n_asked, tree.n)
        left = []
        step = max(1, _PAIRS // n_asked)
        for begin in range(0, len(open_ends), step):
            where = open_ends[begin : begin + step]
            more = tree.query(queries[where], np.arange(1, n_asked + 1), p=power)
            is_done = (more[0][:, n_wanted - 1] < more[0][:, -1]) | (n_asked == tree.n)
            ordered = _in_order(more[0][is_done], more[1][is_done])
            distances[where[is_done]], indices[where[is_done]] = (each[:, :n_wanted] for each in ordered)
            left.append(where[~is_done])
        open_ends = np.concatenate(left)
    return distances, indices


def _in_order(distances: Any, indices: Any) -> tuple[Any, Any]:
    """Put neighbors that are equally far in the order of their positions."""
    tied = np.flatnonzero((distances[:, 1:] <= distances[:, :-1]).any(axis=1))
    if len(tied):
        order = np.lexsort((indices[tied], distances[tied]), axis=1)
        distances, indices = distances.copy(), indices.copy()
        distances[tied] = np.take_along_axis(distances[tied], order, axis=1)
        indices[tied] = np.take_along_axis(indices[tied], order, axis=1)
    return distances, indices


def merge_found(left: Found, right: Found, n_neighbors: int) -> Found:
    """Return the nearest of two parts, of which the first has the smaller positions."""
    distances = np.concatenate([left.distances, right.distances], axis=1)
    indices = np.concatenate([left.indices, right.indices], axis=1)
    order = np.argsort(distances, axis=1, kind="stable")[:, :n_neighbors]
    targets = left.targets
    if targets is not None:
        targets = np.take_along_axis(np.concatenate([targets, right.targets], axis=1), order[..., None], axis=1)
    return Found(np.take_along_axis(distances, order, axis=1), np.take_along_axis(indices, order, axis=1), targets)


def find_within(queries: Any, part: Part, start: int, radius: float) -> Within:
    """Return the rows of a part within a radius of each query; ``start`` is where the part starts."""
    queries = ds.to_host(queries)
    n_queries = queries.shape[0]
    if not n_queries:
        return Within(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0))
    if part.searcher is None:
        rows, indices, distances = _take_within(queries, radius)
    elif isinstance(part.searcher, cKDTree):
        rows, indices, distances = map(np.concatenate, zip(*pairs_within(queries, part, radius), strict=True))
    else:
        with sklearn.config_context(working_memory=_WORKING_MIB, assume_finite=True):
            by_query = part.searcher.radius_neighbors(queries, radius)
        rows = np.repeat(np.arange(n_queries), [len(each) for each in by_query[1]])
        distances, indices = (np.concatenate(list(each)) for each in by_query)
    order = np.lexsort((indices, rows))
    return Within(np.bincount(rows, minlength=n_queries), indices[order].astype(np.intp) + start, distances[order])


def _take_within(distances: Any, radius: float) -> tuple[Any, Any, Any]:
    """Return rows, columns and distances of what is within the radius; what a CSR matrix does not store is not."""
    if not scipy.sparse.issparse(distances):
        rows, columns = np.nonzero(distances <= radius)
        return rows, columns, distances[rows, columns].astype(float)
    is_near = distances.data <= radius
    rows = np.repeat(np.arange(distances.shape[0]), np.diff(distances.indptr))
    return rows[is_near], distances.indices[is_near], distances.data[is_near].astype(float)


def merge_within(left: Within, right: Within) -> Within:
    """Return what two parts have within the radius, of which the first has the smaller positions."""
    queries = [np.repeat(np.arange(len(each.counts)), each.counts) for each in (left, right)]
    order = np.argsort(np.concatenate(queries), kind="stable")
    indices = np.concatenate([left.indices, right.indices])[order]
    return Within(left.counts + right.counts, indices, np.concatenate([left.distances, right.distances])[order])


def pairs_within(queries: Any, part: Part, radius: float) -> Iterator[tuple[Any, Any, Any]]:
    """Yield queries, rows of a part that a tree searches, and distances of all pairs within a radius, some at a time.

    There is at least one, which may be empty. There is no order.
    """
    stack = [np.arange(len(queries))]
    while stack:
        where = stack.pop()
        tree = cKDTree(queries[where], part.metric.leaf_size)
        if len(where) > 1 and tree.count_neighbors(part.searcher, radius, p=part.metric.power) > _PAIRS:
            stack += np.array_split(where[tree.indices], 2)
            continue
        pairs = tree.sparse_distance_matrix(part.searcher, radius, p=part.metric.power, output_type="ndarray")
        yield where[pairs["i"]], pairs["j"], pairs["v"]
