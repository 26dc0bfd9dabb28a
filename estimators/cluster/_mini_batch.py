"""k-means on batches of rows drawn at random, for data of which a few rows tell enough (D. Sculley, 2010).

The main program draws the batches of many steps at once, by row, so that they do not depend on blocks; one task for
each row of blocks that holds some of them takes them, and one task does the steps, while the next batches are fetched.
What a step costs does not grow with the data, and what travels is the rows drawn, between workers, and centers. Before
the steps, all rows are checked once; after them, one pass finds labels and inertia, unless `compute_labels` is False.
Rows of a streamed array can only be drawn by reading it: so many are drawn at once as it has in a row of blocks.
"""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import sklearn.cluster
from sklearn.base import _fit_context
from sklearn.utils import check_array, check_random_state

import dsarray as ds
from dsflow import share, task, wait_on
from estimators._rounds import Rounds
from estimators._spread import add_spreads, sum_spread
from estimators._validation import check_rows, check_weights, check_X, defer_rows, like_input, map_rows, rows_to_array
from estimators.cluster._draws import Drawn, Draws
from estimators.cluster._kmeans import KMeans, label_and_measure
from estimators.cluster._lloyd import add_pairs
from estimators.cluster._mini_steps import (
    Course,
    Rules,
    Sums,
    choose_start,
    is_move_due,
    judge_start,
    move_centers,
    run_steps,
    sum_batch,
    update_centers,
)
from estimators.cluster._points import made

__all__ = ["MiniBatchKMeans"]

_STEPS_AT_ONCE = 16
"""Steps whose batches are drawn and fetched at once, at least."""

_ROWS_PER_BLOCK = 4
"""Rows that are fetched at once, for each row of blocks, at least: a task should be worth its price."""


class MiniBatchKMeans(KMeans):
    """Cluster rows around as many centers as asked, looking at a few of them at a time.

    Parameters
    ----------
    n_clusters : int, default=8
    init : {"k-means++", "random"}, array_like of shape (n_clusters, n_features) or callable
        Where the centers start, among `init_size` rows. A callable takes these rows, ``n_clusters`` and a random
        state, and returns centers.
    max_iter : int, default=100
        How often all rows could be looked at, at most.
    batch_size : int, default=1024
        Rows in a step.
    verbose : int, default=0
        Has no effect.
    compute_labels : bool, default=True
        Whether to find the labels and the inertia of all rows in the end.
    random_state : int, RandomState or None
        An int makes the result the same each time, for any blocks and engine.
    tol : float, default=0.0
        Stop once the squared moves of the centers sum up to less than this, times the mean variance of the features; 0
        for never.
    max_no_improvement : int or None, default=10
        Stop after so many steps in which the moving mean of the inertia has not become less; None for never.
    init_size : int or None
        Rows to choose initial centers among; None for three batches, or three times ``n_clusters`` if that is more.
    n_init : int or "auto", default="auto"
        How many starts to try, of which the best goes on; "auto" means 3 for "random" and callables, else 1.
    reassignment_ratio : float, default=0.01
        Centers that have got less than this part of the rows of the largest are moved to rows of the batch.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, n_features)
    labels_ : ndarray or Array of shape (n_samples,)
        The nearest center of each row, as ndarray or Array as the ``X`` of ``fit`` was; only with ``compute_labels``.
    inertia_ : float
        Sum of squared distances of the rows from their nearest centers, times their weights; without
        ``compute_labels``, as the last batches tell.
    n_iter_ : int
        How often all rows could have been looked at.
    n_steps_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.cluster import MiniBatchKMeans
    >>> X = ds.random_array((10_000, 3), block_size=2500, random_state=0)
    >>> model = MiniBatchKMeans(n_clusters=4, random_state=0).fit(X)
    >>> model.cluster_centers_.shape
    (4, 3)
    """

    _parameter_constraints = sklearn.cluster.MiniBatchKMeans._parameter_constraints

    def __init__(
        self,
        n_clusters=8,
        *,
        init="k-means++",
        max_iter=100,
        batch_size=1024,
        verbose=0,
        compute_labels=True,
        random_state=None,
        tol=0.0,
        max_no_improvement=10,
        init_size=None,
        n_init="auto",
        reassignment_ratio=0.01,
    ):
        self.n_clusters = n_clusters
        self.init = init
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.verbose = verbose
        self.compute_labels = compute_labels
        self.random_state = random_state
        self.tol = tol
        self.max_no_improvement = max_no_improvement
        self.init_size = init_size
        self.n_init = n_init
        self.reassignment_ratio = reassignment_ratio

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> MiniBatchKMeans:
        """Find centers.

        Parameters
        ----------
        X : array_like, data frame, sparse matrix or Array of shape (n_samples, n_features)
        y : ignored
        sample_weight : array_like or Array of shape (n_samples,), optional
            How likely each row is to be drawn, and how much it counts.

        Raises
        ------
        ValueError
            When the parameters do not fit ``X``, or it holds NaN or infinity.
        """
        rows = check_X(self, X, reset=True)
        blocks, weights = self._prepare_blocks(rows, sample_weight)
        draws = Draws(blocks, rows.chunks[0], weights)
        rng = check_random_state(self.random_state)
        n_rows = rows.shape[0]
        batch_size = min(self.batch_size, n_rows)
        rules = Rules(
            batch_size,
            n_rows,
            self.max_iter * n_rows // batch_size,
            self.tol * _mean_variance(self, rows) if self.tol else 0.0,
            self.max_no_improvement,
            self.reassignment_ratio,
            copy.deepcopy(rng).randint(2**31),  # the draws go on as in scikit-learn
        )
        centers = self._choose_center(draws, rows, rng)
        rounds = self._begin_fit(X, y, sample_weight, name="batches", n_rounds=None)
        course = self._run(Course(rules, centers, np.zeros(len(centers))), draws, rows, rng, rounds)
        self.n_steps_ = course.n_done
        self.n_iter_ = int(np.ceil(course.n_done * batch_size / n_rows))
        self._keep(course.centers, course.counts, course.n_since, rows.dtype)
        if self.compute_labels:
            self._label_all(X, rows, blocks, weights)
        else:
            vars(self).pop("labels_", None)
            self.inertia_ = course.mean * draws.total
        rounds.end()
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> MiniBatchKMeans:
        """Do one step, with all rows as its batch: one task for each row of blocks, and a tree; see `fit`."""
        is_first = not hasattr(self, "cluster_centers_")
        rows = check_X(self, X, reset=is_first)
        blocks, weights = self._prepare_blocks(rows, sample_weight)
        self._random_state = rng = getattr(self, "_random_state", None) or check_random_state(self.random_state)
        n_rows = rows.shape[0]
        draws = Draws(blocks, rows.chunks[0])
        if is_first:
            centers = self._choose_center(Draws(blocks, rows.chunks[0], weights), rows, rng, judged=False)
            counts, n_since = np.zeros(len(centers)), 0
        else:
            centers, counts, n_since = self.cluster_centers_.astype(float), self._counts, self._n_since_last_reassign
        given = weights or [None] * len(blocks)
        shared = share(centers)
        parts = [sum_block(block, weight, shared) for block, weight in zip(blocks, given, strict=True)]
        found = wait_on(ds.tree_reduce(_add_sums, parts))
        n_since += min(self.batch_size, n_rows)
        is_due = is_move_due(counts, n_since)
        centers, counts = update_centers(centers, counts, found)
        if is_due:
            n_since = 0
            move_centers(
                centers,
                counts,
                self.reassignment_ratio,
                n_rows,
                lambda n: wait_on(join_drawn(draws.take(rng.choice(n_rows, n, replace=False)))),
            )
        self.n_steps_ = getattr(self, "n_steps_", 0) + 1
        self._keep(centers, counts, n_since, rows.dtype)
        if self.compute_labels:
            self._label_all(X, rows, blocks, weights)
        return self

    def _prepare_blocks(self, rows: ds.Array, sample_weight: Any) -> tuple[list[Any], list[Any] | None]:
        if not hasattr(self, "cluster_centers_") and rows.shape[0] < self.n_clusters:
            raise ValueError(
                f"MiniBatchKMeans.fit: n_samples={rows.shape[0]} should be >= n_clusters={self.n_clusters}; ask for "
                "fewer."
            )
        weights = check_weights(self, sample_weight, rows)
        blocks = defer_rows(self, rows) if rows.streamed else check_rows(self, rows).row_blocks()
        return blocks, None if weights is None else weights.row_blocks()

    def _choose_center(self, draws: Draws, rows: ds.Array, rng: Any, *, judged: bool = True) -> Any:
        """Return initial centers, the best of some."""
        shape = (self.n_clusters, rows.shape[1])
        n_init = self._count_starts()
        if not (isinstance(self.init, str) or callable(self.init)):
            if judged:
                rng.randint(0, rows.shape[0], self._size_of_init(rows.shape[0]))  # as many draws as in scikit-learn
            return _check_centers(self.init, shape, rows.dtype)
        size = self._size_of_init(rows.shape[0])
        judges = rng.randint(0, rows.shape[0], size) if judged else None
        found = []
        for _ in range(n_init if judged else 1):
            is_part = size < rows.shape[0]
            indices = rng.randint(0, rows.shape[0], size) if is_part else np.arange(rows.shape[0])
            drawn, weights = draws.take(indices), draws.take_weights(indices)
            centers, after = wait_on(choose_start(self.init, self.n_clusters, rng, drawn, weights))
            rng.set_state(after.get_state())
            centers = _check_centers(centers, shape, rows.dtype)
            if n_init == 1 or not judged:
                return centers
            judge = judge_start(centers, draws.take(judges), draws.take_weights(judges))
            found.append((wait_on(judge), centers))
        return min(found, key=lambda pair: pair[0])[1]

    def _count_starts(self) -> int:
        is_named = isinstance(self.init, str)
        is_given = not (is_named or callable(self.init))
        if self.n_init == "auto":
            return 1 if is_given or (is_named and self.init == "k-means++") else 3
        if is_given and self.n_init != 1:
            warnings.warn(
                f"MiniBatchKMeans.fit: init gives the centers, so there is one start instead of n_init={self.n_init}.",
                RuntimeWarning,
                stacklevel=5,
            )
        return 1 if is_given else self.n_init

    def _size_of_init(self, n_rows: int) -> int:
        size = self.init_size
        if size is None:
            size = 3 * min(self.batch_size, n_rows)
            size = 3 * self.n_clusters if size < self.n_clusters else size
        elif size < self.n_clusters:
            warnings.warn(
                f"MiniBatchKMeans.fit: init_size={size} should be larger than n_clusters={self.n_clusters}; it is set "
                "to min(3*n_clusters, n_samples).",
                RuntimeWarning,
                stacklevel=5,
            )
            size = 3 * self.n_clusters
        return min(size, n_rows)

    def _run(self, course: Course, draws: Draws, rows: ds.Array, rng: Any, rounds: Rounds) -> Course:
        """Do steps until they are done; the batches of the next ones are fetched meanwhile."""
        rules, blocks = course.rules, rows.chunks[0]
        n_wanted = max(_ROWS_PER_BLOCK * len(blocks), max(blocks) if rows.streamed else 0)
        n_steps = max(_STEPS_AT_ONCE, n_wanted // rules.batch_size)
        n_left = rules.n_steps

        def fetch() -> Drawn:
            nonlocal n_left
            n_now = min(n_steps, n_left)
            n_left -= n_now
            return draws.draw(rng.random_sample(n_now * rules.batch_size))

        upcoming = fetch()
        while True:
            reached = run_steps(course, upcoming)
            upcoming = fetch() if n_left else upcoming
            course = wait_on(reached)
            centers = course.centers.astype(rows.dtype)
            if rounds.end_round(lambda centers=centers: {"cluster_centers_": centers}) or course.done:
                return course

    def _keep(self, centers: Any, counts: Any, n_since: int, dtype: Any) -> None:
        self.cluster_centers_ = centers.astype(dtype)
        self._counts = counts
        self._n_since_last_reassign = n_since

    def _label_all(self, X: Any, rows: ds.Array, blocks: list[Any], weights: list[Any] | None) -> None:
        centers = share(self.cluster_centers_)
        given = weights or [None] * len(blocks)
        pairs = [label_and_measure(block, weight, centers) for block, weight in zip(blocks, given, strict=True)]
        inertia, _ = wait_on(ds.tree_reduce(add_pairs, [summary for _, summary in pairs]))
        self.inertia_ = inertia
        self.labels_ = like_input(X, rows_to_array([labels for labels, _ in pairs], rows, np.int32))


def _mean_variance(model: MiniBatchKMeans, rows: ds.Array) -> float:
    parts = map_rows(model, sum_spread, rows, None, type(model).__name__)
    spread = wait_on(ds.tree_reduce(add_spreads, parts))
    return float((spread.squares / spread.n).mean())


def _check_centers(centers: Any, shape: tuple[int, int], dtype: Any) -> Any:
    checked = check_array(centers, dtype=dtype, input_name="init")
    if checked.shape != shape:
        raise ValueError(
            f"MiniBatchKMeans.fit: the initial centers have shape {checked.shape}, which does not match the number of "
            f"clusters {shape[0]} and of features {shape[1]}; give one row for each cluster."
        )
    return checked.astype(float)


def _add_sums(left: Sums, right: Sums) -> Sums:
    return Sums(*[a + b for a, b in zip(left, right, strict=True)])


# --- tasks ------------------------------------------------------------------------------------------------------------


@task
def sum_block(rows: Any, weights: Any, centers: Any) -> Sums:
    """Return what a row of blocks says about the centers."""
    return sum_batch(made(rows), None if weights is None else ds.to_host(weights), centers)


@task
def join_drawn(drawn: Drawn) -> Any:
    """Return rows that were drawn."""
    return drawn.join()
