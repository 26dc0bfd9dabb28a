"""Scaling features to mean 0 and variance 1.

A fit is one pass: one task for each row of blocks, a tree of tasks, and three numbers for each feature to the main
program; rows are not kept. `transform` records what each row of blocks becomes, so that the task that needs it does it;
what comes of a streamed array is streamed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.preprocessing
from sklearn.base import _fit_context

import dsarray as ds
from dsflow import wait_on
from estimators._counterparts import apply_rows
from estimators._output import ArraysStay
from estimators._rounds import ObservedFit
from estimators._spread import Spread, add_spreads, sum_spread
from estimators._validation import check_weights, check_X

__all__ = ["StandardScaler"]


class StandardScaler(ObservedFit, ArraysStay, sklearn.preprocessing.StandardScaler):
    """Take the mean off each feature, and divide by its standard deviation. NaN stays, and is left out.

    Parameters
    ----------
    copy : bool, default=True
        Whether `transform` leaves an ndarray as it is. An Array is never changed.
    with_mean : bool, default=True
        Whether to take the mean off; has to be False for sparse data.
    with_std : bool, default=True
        Whether to divide by the standard deviation.

    Attributes
    ----------
    mean_, var_, scale_ : ndarray of shape (n_features_in_,) or None
        Means, variances and what features are divided by, which is 1 for those that don't vary.
    n_samples_seen_ : int, float or ndarray of shape (n_features_in_,)
        How many rows, or their weight; one for each feature where they differ because of NaN.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.preprocessing import StandardScaler
    >>> X = ds.array([[0.0, 0], [0, 0], [1, 1], [1, 1]], block_size=2)
    >>> StandardScaler().fit_transform(X).collect()
    array([[-1., -1.],
           [-1., -1.],
           [ 1.,  1.],
           [ 1.,  1.]])
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> StandardScaler:
        """Learn from more rows.

        Parameters
        ----------
        X : array_like, data frame, sparse matrix or Array of shape (n_samples, n_features)
        y : ignored
        sample_weight : array_like or Array of shape (n_samples,), optional
            How much each row counts.

        Raises
        ------
        ValueError
            When ``X`` is sparse and ``with_mean`` is True.
        """
        known = hasattr(self, "n_samples_seen_")
        rows = check_X(self, X, reset=not known)
        if rows.sparse and self.with_mean:
            raise ValueError(
                "Cannot center sparse matrices: pass `with_mean=False` instead. See docstring for motivation and "
                "alternatives."
            )
        weights = check_weights(self, sample_weight, rows)
        rounds = self._begin_fit(X, y, sample_weight)
        parts = ds.map_row_blocks(sum_spread, rows, weights, type(self).__name__)
        found: Spread = wait_on(ds.tree_reduce(add_spreads, parts))
        self._keep(add_spreads(self._known(), found) if known else found, are_counts=weights is None)
        rounds.end()
        return self

    def transform(self, X: Any, copy: bool | None = None) -> Any:
        """Return scaled rows, as ndarray, CSR matrix or Array like ``X``."""
        if not isinstance(X, ds.Array):
            return super().transform(X, copy)
        return apply_rows(self, "transform", X)

    def inverse_transform(self, X: Any, copy: bool | None = None) -> Any:
        """Return rows as they were before they were scaled."""
        if not isinstance(X, ds.Array):
            return super().inverse_transform(X, copy)
        return apply_rows(self, "inverse_transform", X)

    def _known(self) -> Spread:
        n = np.broadcast_to(np.asarray(self.n_samples_seen_, dtype=float), (self.n_features_in_,))
        if self.mean_ is None:
            return Spread(n, np.zeros(len(n)), np.zeros(len(n)))
        squares = np.zeros(len(n)) if self.var_ is None else np.nan_to_num(self.var_) * n
        return Spread(n, np.nan_to_num(self.mean_), squares)

    def _keep(self, spread: Spread, *, are_counts: bool) -> None:
        n = spread.n.astype(np.int64) if are_counts and (spread.n == np.rint(spread.n)).all() else spread.n
        self.n_samples_seen_ = n[0] if (n == n[0]).all() else n
        unknown = spread.n == 0
        mean = np.where(unknown, np.nan, spread.mean)
        variance = np.divide(spread.squares, spread.n, out=np.full(len(mean), np.nan), where=~unknown)
        self.mean_ = mean if self.with_mean or self.with_std else None
        self.var_ = variance if self.with_std else None
        self.scale_ = _scale(variance, mean, spread.n) if self.with_std else None


def _scale(variance: Any, mean: Any, n: Any) -> Any:
    """Return standard deviations; 1 where a variance is within the rounding error of the two-pass algorithm."""
    eps = np.finfo(float).eps
    is_constant = variance <= n * eps * variance + (n * mean * eps) ** 2
    return np.where(is_constant, 1.0, np.sqrt(variance))
