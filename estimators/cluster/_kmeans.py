"""k-means by Lloyd's iteration (S. P. Lloyd, "Least squares quantization in PCM", 1982).

In an iteration, one task for each row of blocks finds the nearest center of each of its rows and adds the rows up by
center; one tree of tasks adds up what they give. Only sums and centers, of shape (n_clusters, n_features), reach the
main program; rows and labels stay on the workers. Rows of a streamed array, such as `dsarray.from_zarr` gives, are read
anew in each iteration and never kept, so that they may be larger than memory.
"""

from __future__ import annotations

import logging
import numbers
import warnings
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.callback import with_callbacks
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils import Tags, check_array, check_random_state
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import share, task, wait_on
from estimators._output import ArraysStay
from estimators._rounds import ObservedFit
from estimators._validation import check_rows, check_weights, check_X, defer_rows, like_input, map_rows, rows_to_array
from estimators.cluster._kmeans_init import Source, choose_plus_plus, choose_random, choose_scalable
from estimators.cluster._lloyd import Descent, Run, add_pairs, run_lloyd
from estimators.cluster._points import label_rows, made, own_distances
from estimators.cluster._rows import Rows, keep_rows, stream_rows

__all__ = ["KMeans"]

logger = logging.getLogger(__name__)

_CHOICES = {"k-means++": choose_plus_plus, "k-means||": choose_scalable, "random": choose_random}


class KMeans(ObservedFit, ArraysStay, ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """Cluster rows around as many centers as asked, so that squared distances from the nearest center are small.

    Parameters
    ----------
    n_clusters : int, default=8
    init : {"k-means++", "k-means||", "random"}, array_like of shape (n_clusters, n_features) or callable
        Where the centers start. "k-means++" chooses rows far from each other, one after the other; "k-means||" many
        at a time, which is quicker for many clusters of large data; "random" any rows. A callable takes ``X``,
        ``n_clusters`` and a random state, and returns centers.
    n_init : int or "auto", default="auto"
        How many starts to try, of which the best result is kept; "auto" means 10 for "random" and callables, else 1.
    max_iter : int, default=300
        How many iterations to do at most, from each start.
    tol : float, default=1e-4
        Stop once the squared moves of the centers sum up to less than this, times the mean variance of the features.
    verbose : int, default=0
        If not 0, iterations and inertia of each start are logged.
    random_state : int, RandomState or None
        An int makes the result the same each time, for any blocks and engine.
    copy_x : bool, default=True
        Has no effect: ``X`` is never changed.
    algorithm : {"lloyd", "elkan"}, default="lloyd"
        Has no effect: both give the same result, and are done by Lloyd's iteration.
    arity : int, default=8
        How many partial sums a task adds up.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
    labels_ : ndarray or Array of shape (n_samples,)
        The nearest center of each row of the ``X`` of ``fit``, as ndarray or Array as that was.
    inertia_ : float
        Sum of squared distances of the rows from their nearest centers, times their weights.
    n_iter_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.cluster import KMeans
    >>> X = ds.array([[1.0, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]], block_size=4)
    >>> model = KMeans(n_clusters=2, random_state=0).fit(X)
    >>> model.cluster_centers_
    array([[10.,  2.],
           [ 1.,  2.]])
    >>> model.predict([[0, 0], [12, 3]])
    array([1, 0], dtype=int32)
    """

    def __init__(
        self,
        n_clusters=8,
        *,
        init="k-means++",
        n_init="auto",
        max_iter=300,
        tol=1e-4,
        verbose=0,
        random_state=None,
        copy_x=True,
        algorithm="lloyd",
        arity=8,
    ):
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.copy_x = copy_x
        self.algorithm = algorithm
        self.arity = arity

    @with_callbacks
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> KMeans:
        """Find centers.

        Parameters
        ----------
        X : array_like, data frame, sparse matrix or Array of shape (n_samples, n_features)
        y : ignored
        sample_weight : array_like or Array of shape (n_samples,), optional
            How much each row counts.

        Raises
        ------
        ValueError
            When the parameters do not fit ``X``, or it holds NaN or infinity.

        Warns
        -----
        ConvergenceWarning
            When ``X`` has fewer different rows than clusters were asked for.
        """
        _check_parameters(self)
        rows = check_X(self, X, reset=True)
        if self.n_clusters > rows.shape[0]:
            raise ValueError(
                f"KMeans.fit: n_samples={rows.shape[0]} should be >= n_clusters={self.n_clusters}; ask for fewer."
            )
        weights = _weight_blocks(self, sample_weight, rows)
        data = self._prepare(rows)
        starts = self._choose_starts(Source(data.points, data.norms, weights, rows.chunks[0]), X, rows, data.offset)
        tol = self.tol * data.variance
        descent = Descent(data.points, data.norms, weights, self.max_iter, tol, self.arity, data.step)
        rounds = self._begin_fit(X, y, sample_weight, n_rounds=self.max_iter)

        def learned(run: Run) -> dict[str, Any]:
            return {"cluster_centers_": (run.centers + data.offset).astype(rows.dtype), "n_iter_": run.n_iter}

        runs = run_lloyd(descent, starts, lambda run: rounds.end_round(partial(learned, run)))
        centers = [learned(run)["cluster_centers_"] for run in runs]
        results = [_label(data.blocks, weights, each) for each in centers]
        inertias, counts = zip(*[wait_on(summary) for _, summary in results], strict=True)
        best = _choose_best(inertias)

        self.cluster_centers_ = centers[best]
        self.labels_ = like_input(X, rows_to_array(results[best][0], rows, np.int32))
        self.inertia_ = inertias[best]
        self.n_iter_ = runs[best].n_iter
        if self.verbose:
            logger.info("KMeans.fit: inertias %s in %s iterations", inertias, [run.n_iter for run in runs])
        rounds.end()
        n_distinct = int((counts[best] > 0).sum())
        if n_distinct < self.n_clusters:
            warnings.warn(
                f"KMeans.fit: {n_distinct} distinct clusters found, fewer than n_clusters={self.n_clusters}; "
                "X may hold duplicate rows.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def predict(self, X: Any) -> Any:
        """Return the number of the nearest center of each row, as ndarray or Array of shape (n_samples,) like ``X``."""
        check_is_fitted(self)
        rows = check_X(self, X, reset=False)
        labels = map_rows(self, label_rows, rows, share(self.cluster_centers_))
        return like_input(X, rows_to_array(labels, rows, np.int32))

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Find centers and return ``labels_``; see `fit`."""
        return self.fit(X, y, sample_weight).labels_

    def transform(self, X: Any) -> Any:
        """Return the distance of each row from each center, as ndarray or Array of shape (n_samples, n_clusters)."""
        check_is_fitted(self)
        rows = check_X(self, X, reset=False)
        distances = map_rows(self, _measure, rows, share(self.cluster_centers_))
        return like_input(X, rows_to_array(distances, rows, rows.dtype, self.n_clusters))

    def fit_transform(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """Find centers and return the distance of each row from each of them; see `fit`."""
        return self.fit(X, y, sample_weight).transform(X)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return minus the sum of squared distances of the rows from their nearest centers, times their weights."""
        check_is_fitted(self)
        rows = check_X(self, X, reset=False)
        blocks = defer_rows(self, rows) if rows.streamed else check_rows(self, rows).row_blocks()
        _, summary = _label(blocks, _weight_blocks(self, sample_weight, rows), self.cluster_centers_)
        return -wait_on(summary)[0]

    @property
    def _n_features_out(self) -> int:
        return self.cluster_centers_.shape[0]

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _prepare(self, rows: ds.Array) -> Rows:
        if rows.streamed:
            return stream_rows(self, rows, measured=self.tol > 0 or isinstance(self.init, str))
        return keep_rows(self, rows)

    def _choose_starts(self, source: Source, X: Any, rows: ds.Array, mean: Any) -> list[Any]:
        """Return initial centers relative to ``mean``, as often as asked."""
        rng = check_random_state(self.random_state)
        if isinstance(self.init, str):
            n_init = (10 if self.init == "random" else 1) if self.n_init == "auto" else self.n_init
            return [_CHOICES[self.init](source, self.n_clusters, rng).astype(float) for _ in range(n_init)]
        if callable(self.init):
            n_init = 10 if self.n_init == "auto" else self.n_init
            given = [self.init(like_input(X, rows), self.n_clusters, random_state=rng) for _ in range(n_init)]
        else:
            given = [self.init]
            if self.n_init not in ("auto", 1):
                warnings.warn(
                    f"KMeans.fit: init gives the centers, so there is one start instead of n_init={self.n_init}.",
                    RuntimeWarning,
                    stacklevel=3,
                )
        return [_check_centers(centers, (self.n_clusters, rows.shape[1]), rows.dtype) - mean for centers in given]


def _check_parameters(model: KMeans) -> None:
    """Raise an error that names the parameter that makes no sense."""

    def refuse(name: str, advice: str) -> None:
        raise ValueError(f"KMeans.fit: {name}={getattr(model, name)!r} makes no sense; give {advice}.")

    for name, least in (("n_clusters", 1), ("max_iter", 1), ("n_init", 1), ("arity", 2)):
        value = getattr(model, name)
        is_count = isinstance(value, numbers.Integral) and not isinstance(value, bool) and value >= least
        if not is_count and (name != "n_init" or value != "auto"):
            refuse(name, f"an int of at least {least}" + (" or 'auto'" if name == "n_init" else ""))
    if not isinstance(model.tol, numbers.Real) or not model.tol >= 0:
        refuse("tol", "a number of at least 0")
    if isinstance(model.init, str) and model.init not in _CHOICES:
        refuse("init", f"one of {', '.join(_CHOICES)}, or centers, or a callable")
    if model.algorithm not in ("lloyd", "elkan"):
        refuse("algorithm", "'lloyd' or 'elkan'")


def _check_centers(centers: Any, shape: tuple[int, int], dtype: Any) -> Any:
    checked = check_array(centers, dtype=dtype, input_name="init")
    if checked.shape != shape:
        raise ValueError(
            f"KMeans.fit: the initial centers have shape {checked.shape}, which does not match "
            f"{shape[0]} clusters of {shape[1]} features; give one row for each cluster."
        )
    return checked


def _weight_blocks(model: KMeans, sample_weight: Any, rows: ds.Array) -> list[Any]:
    weights = check_weights(model, sample_weight, rows)
    return [None] * rows.grid[0] if weights is None else weights.row_blocks()


def _label(blocks: list[Any], weights: list[Any], centers: Any) -> tuple[list[Any], Any]:
    """Return Futures of the labels of rows of blocks; and of their inertia with the number of rows in each cluster."""
    shared = share(centers)
    pairs = [label_and_measure(rows, weight, shared) for rows, weight in zip(blocks, weights, strict=True)]
    return [labels for labels, _ in pairs], ds.tree_reduce(add_pairs, [summary for _, summary in pairs])


def _measure(rows: Any, centers: Any) -> Any:
    """Return the distance of each row, of which there may be none, from each center."""
    return euclidean_distances(rows, centers) if rows.shape[0] else np.empty((0, len(centers)), rows.dtype)


def _choose_best(inertias: list[float]) -> int:
    """Return the first start whose result is as good as the best, but for rounding."""
    limit = min(inertias) * (1 + 1e-9)
    return next(start for start, inertia in enumerate(inertias) if inertia <= limit)


@task(returns=2)
def label_and_measure(rows: Any, weights: Any, centers: Any) -> tuple[Any, Any]:
    """Return the nearest center of each row; and the inertia with the number of rows of each center."""
    rows = made(rows)
    labels = label_rows(rows, centers)
    distances = own_distances(rows, centers, labels)
    weighted = distances if weights is None else distances * ds.namespace(rows).asarray(weights)
    counts = np.bincount(ds.to_host(labels), minlength=len(centers))
    return labels, (float(weighted.sum(dtype=float)), counts)
