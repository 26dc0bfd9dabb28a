"""Mixtures of Gaussians by expectation and maximisation (A. P. Dempster, N. M. Laird and D. B. Rubin, 1977).

An iteration is one pass: one task for each row of blocks finds the responsibilities of the components for its rows, a
few rows at a time, and adds up what the rows say about the components; one tree of tasks adds these up, and the main
program makes the next components. What travels, both ways, is of the size of the model: for "full", n_components
matrices of shape (n_features, n_features). Rows stay on the workers, and responsibilities exist for a few rows at a
time; rows of a streamed array are read anew in each iteration. Sums are in float64, around the means of the iteration
before.
"""

from __future__ import annotations

import logging
import warnings
from typing import Any, NamedTuple

import numpy as np
import sklearn.mixture
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture._gaussian_mixture import (
    _compute_precision_cholesky,
    _compute_precision_cholesky_from_precisions,
)
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import share, task, wait_on
from estimators._rounds import ObservedFit, Rounds
from estimators._validation import check_rows, check_X, defer_rows, like_input, map_rows, rows_to_array
from estimators.cluster._points import made
from estimators.mixture._gaussians import (
    Gaussians,
    Statistics,
    add_statistics,
    label_rows,
    make_gaussians,
    measure_rows,
    share_rows,
    sum_expected,
)
from estimators.mixture._starts import start_from

__all__ = ["GaussianMixture"]

logger = logging.getLogger(__name__)


class _Run(NamedTuple):
    """What iterations from one start have come to."""

    parameters: tuple[Any, ...]
    lower_bound: float
    lower_bounds: list[float]
    converged: bool


class GaussianMixture(ObservedFit, sklearn.mixture.GaussianMixture):
    """Describe how rows are distributed by a sum of normal distributions.

    Parameters
    ----------
    n_components : int, default=1
    covariance_type : {"full", "tied", "diag", "spherical"}, default="full"
        Each component has a covariance matrix of its own; all share one; each has a variance for each feature; or one.
    tol : float, default=1e-3
        Stop once the mean log-likelihood changes by less.
    reg_covar : float, default=1e-6
        Is added to variances.
    max_iter : int, default=100
        How many iterations to do at most, from each start; with 0, the components are those at the start.
    n_init : int, default=1
        How many starts to try, of which the best result is kept.
    init_params : {"kmeans", "k-means++", "random", "random_from_data"}, default="kmeans"
        Where components start.
    weights_init, means_init, precisions_init : array_like, optional
        What they start from instead.
    random_state : int, RandomState or None
        An int makes the result the same each time, for any blocks and engine.
    warm_start : bool, default=False
        Start another `fit` from what the last one has found.
    verbose : int, default=0
        If not 0, iterations are logged.
    verbose_interval : int, default=10
        How many iterations there are from one line of the log to the next.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
    means_ : ndarray of shape (n_components, n_features_in_)
    covariances_, precisions_, precisions_cholesky_ : ndarray
        Of shape (n_components, n_features_in_, n_features_in_), or (n_features_in_, n_features_in_) for "tied",
        (n_components, n_features_in_) for "diag", or (n_components,) for "spherical".
    converged_ : bool
    n_iter_ : int
    lower_bound_ : float
        Mean log-likelihood of the rows in the last iteration.
    lower_bounds_ : list of float
        In each iteration.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.mixture import GaussianMixture
    >>> X = ds.array([[1.0, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]], block_size=4)
    >>> model = GaussianMixture(n_components=2, random_state=0).fit(X)
    >>> model.means_.round(6)
    array([[10.,  2.],
           [ 1.,  2.]])
    >>> model.predict([[0, 0], [12, 3]])
    array([1, 0])
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> GaussianMixture:
        """Find the components.

        Parameters
        ----------
        X : array_like, data frame or Array of shape (n_samples, n_features)
        y : ignored

        Raises
        ------
        ValueError
            When the parameters do not fit ``X``, a covariance is singular, or ``X`` holds NaN or infinity.

        Warns
        -----
        ConvergenceWarning
            When ``max_iter`` was not enough.
        """
        rows = check_X(self, X, reset=True, accept_sparse=False, ensure_min_samples=2)
        if rows.shape[0] < max(2, self.n_components):
            raise ValueError(
                f"GaussianMixture.fit: Expected n_samples >= n_components, and at least 2, but got n_components = "
                f"{self.n_components}, n_samples = {rows.shape[0]}; ask for fewer components."
            )
        self._check_parameters(rows, xp=np)
        kept = rows if rows.streamed else check_rows(self, rows)
        blocks = defer_rows(self, rows) if rows.streamed else kept.row_blocks()
        is_new = not (self.warm_start and hasattr(self, "converged_"))
        rng = check_random_state(self.random_state)
        runs = []
        n_runs = self.n_init if is_new else 1
        rounds = self._begin_fit(X, y, n_rounds=n_runs * self.max_iter)
        for _ in range(n_runs):
            if is_new:
                self._start(kept, blocks, rng)
            runs.append(self._iterate(blocks, rows.shape[0], -np.inf if is_new else self.lower_bound_, rounds))
        rounds.end()
        best = max(runs, key=lambda run: run.lower_bound)
        self._set_parameters(tuple(np.asarray(each).astype(rows.dtype) for each in best.parameters), xp=np)
        self.converged_, self.n_iter_ = best.converged, len(best.lower_bounds)
        self.lower_bound_, self.lower_bounds_ = best.lower_bound, best.lower_bounds
        if not self.converged_ and self.max_iter > 0:
            warnings.warn(
                f"GaussianMixture.fit: the best start did not converge in {self.max_iter} iterations; try other "
                "init_params, or increase max_iter or tol, or check for degenerate data.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def fit_predict(self, X: Any, y: Any = None) -> Any:
        """Find the components and return the most likely one for each row; see `fit`."""
        return self.fit(X, y).predict(X)

    def predict(self, X: Any) -> Any:
        """Return the most likely component for each row, as ndarray or Array of shape (n_samples,) like ``X``."""
        rows = self._check(X)
        return like_input(X, rows_to_array(map_rows(self, label_rows, rows, self._shared()), rows, np.int64))

    def predict_proba(self, X: Any) -> Any:
        """Return the responsibilities for each row, as ndarray or Array of shape (n_samples, n_components)."""
        rows = self._check(X)
        dtype = np.result_type(rows.dtype, self.means_)
        found = map_rows(self, share_rows, rows, self._shared(), dtype)
        return like_input(X, rows_to_array(found, rows, dtype, self.n_components))

    def score_samples(self, X: Any) -> Any:
        """Return the log-likelihood of each row, as ndarray or Array of shape (n_samples,) like ``X``."""
        rows = self._check(X)
        dtype = np.result_type(rows.dtype, self.means_)
        return like_input(X, rows_to_array(map_rows(self, measure_rows, rows, self._shared(), dtype), rows, dtype))

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean log-likelihood of the rows."""
        rows = self._check(X)
        sums = map_rows(self, _sum_likelihoods, rows, self._shared())
        return float(wait_on(ds.tree_reduce(np.add, sums)) / rows.shape[0])

    def _check(self, X: Any) -> ds.Array:
        check_is_fitted(self)
        return check_X(self, X, reset=False, accept_sparse=False)

    def _check_learned(self) -> None:
        """Raise an error for what was read from a file and would keep `sample` busy for ever."""
        if hasattr(self, "covariances_") and not np.isfinite(self.covariances_).all():
            raise ValueError("covariances_ are not all finite")

    def _shared(self) -> Any:
        return share(make_gaussians(self.covariance_type, self.weights_, self.means_, self.precisions_cholesky_))

    def _start(self, rows: ds.Array, blocks: list[Any], rng: Any) -> None:
        """Set the components that the first iteration takes."""
        weights, means, covariances, factors = self.weights_init, self.means_init, None, None
        if weights is None or means is None or self.precisions_init is None:
            near, found = start_from(self, rows, blocks, rng)
            counts, estimated, covariances = self._estimate(near, found)
            weights = counts / rows.shape[0] if weights is None else weights
            means = estimated if means is None else means
        if self.precisions_init is None:
            factors = _compute_precision_cholesky(covariances, self.covariance_type)
        else:
            given, kind = self.precisions_init, self.covariance_type
            covariances = np.linalg.inv(given) if kind in ("full", "tied") else 1 / given
            factors = _compute_precision_cholesky_from_precisions(given, kind, xp=np)
        self.weights_, self.means_, self.covariances_, self.precisions_cholesky_ = weights, means, covariances, factors

    def _iterate(self, blocks: list[Any], n_samples: int, lower_bound: float, rounds: Rounds) -> _Run:
        """Iterate until the lower bound stays, or max_iter."""
        bounds: list[float] = []
        converged = False
        while len(bounds) < self.max_iter and not converged:
            mixture = self._shared()
            found = wait_on(ds.tree_reduce(add_statistics, [expect_and_sum(each, mixture) for each in blocks]))
            counts, self.means_, self.covariances_ = self._estimate(self.means_, found)
            self.weights_ = counts / counts.sum()
            self.precisions_cholesky_ = _compute_precision_cholesky(self.covariances_, self.covariance_type)
            change, lower_bound = found.log_likelihood / n_samples - lower_bound, found.log_likelihood / n_samples
            bounds.append(float(lower_bound))
            converged = bool(abs(change) < self.tol)
            if self.verbose and (converged or len(bounds) % self.verbose_interval == 0):
                logger.info("GaussianMixture.fit: iteration %d, lower bound %.6g", len(bounds), lower_bound)
            converged |= rounds.end_round(lambda: {"converged_": False, "n_iter_": len(bounds)})
        return _Run(self._get_parameters(), float(lower_bound) if bounds else -np.inf, bounds, converged)

    def _estimate(self, near: Any, found: Statistics) -> tuple[Any, Any, Any]:
        """Return counts, means and covariances of the statistics of rows around some means."""
        counts = found.counts + 10 * np.finfo(float).eps
        shifts = found.firsts / counts[:, None]
        reg = self.reg_covar
        n_features = shifts.shape[1]
        if self.covariance_type == "full":
            covariances = found.seconds / counts[:, None, None] - shifts[:, :, None] * shifts[:, None]
            covariances += reg * np.eye(n_features)
        elif self.covariance_type == "tied":
            covariances = (found.seconds - (counts * shifts.T) @ shifts) / counts.sum() + reg * np.eye(n_features)
        elif self.covariance_type == "diag":
            covariances = found.seconds / counts[:, None] - shifts**2 + reg
        else:
            covariances = found.seconds / counts - (shifts**2).mean(axis=1) + reg
        return counts, near + shifts, covariances


def _sum_likelihoods(rows: Any, mixture: Gaussians) -> float:
    return float(measure_rows(rows, mixture).sum())


@task
def expect_and_sum(rows: Any, mixture: Gaussians) -> Statistics:
    """Return what rows say about the components, with the responsibilities that the mixture gives."""
    return sum_expected(made(rows), mixture)
