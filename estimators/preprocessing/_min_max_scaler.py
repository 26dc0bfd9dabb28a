"""Scaling features to a range.

A fit is one pass: one task for each row of blocks, a tree of tasks, and two numbers for each feature to the main
program; rows are not kept. `transform` records what each row of blocks becomes, so that the task that needs it does it;
what comes of a streamed array is streamed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
import sklearn.preprocessing
from sklearn.base import _fit_context
from sklearn.utils import assert_all_finite

import dsarray as ds
from dsflow import wait_on
from estimators._counterparts import apply_rows, learn_from
from estimators._output import ArraysStay
from estimators._validation import check_X

__all__ = ["MinMaxScaler"]


class MinMaxScaler(ArraysStay, sklearn.preprocessing.MinMaxScaler):
    """Move and stretch each feature so that it fills a range. NaN stays, and is left out.

    Parameters
    ----------
    feature_range : tuple (min, max), default=(0, 1)
    copy : bool, default=True
        Whether `transform` leaves an ndarray as it is. An Array is never changed.
    clip : bool, default=False
        Whether to clip what lies outside of the range.

    Attributes
    ----------
    min_, scale_ : ndarray of shape (n_features_in_,)
        What is added to features after they have been multiplied by the scale.
    data_min_, data_max_, data_range_ : ndarray of shape (n_features_in_,)
    n_samples_seen_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.preprocessing import MinMaxScaler
    >>> X = ds.array([[-1.0, 2], [-0.5, 6], [0, 10], [1, 18]], block_size=2)
    >>> MinMaxScaler().fit_transform(X).collect()
    array([[0.  , 0.  ],
           [0.25, 0.25],
           [0.5 , 0.5 ],
           [1.  , 1.  ]])
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None) -> MinMaxScaler:
        """Learn from more rows.

        Parameters
        ----------
        X : array_like, data frame or Array of shape (n_samples, n_features)
        y : ignored
        """
        if scipy.sparse.issparse(X):
            return super().partial_fit(X)
        n_known = getattr(self, "n_samples_seen_", 0)
        rows = check_X(self, X, reset=not n_known, accept_sparse=False)
        parts = ds.map_row_blocks(_find_range, rows, type(self).__name__)
        low, high = wait_on(ds.tree_reduce(_widen_range, parts))
        empty = low > high
        ends = np.where(empty, np.nan, [low, high]).astype(rows.dtype)
        learn_from(self, super().partial_fit, ends)
        self.n_samples_seen_ = n_known + rows.shape[0]
        return self

    def transform(self, X: Any) -> Any:
        """Return scaled rows, as ndarray or Array like ``X``."""
        if not isinstance(X, ds.Array):
            return super().transform(X)
        return apply_rows(self, "transform", X, accept_sparse=False)

    def inverse_transform(self, X: Any) -> Any:
        """Return rows as they were before they were scaled."""
        if not isinstance(X, ds.Array):
            return super().inverse_transform(X)
        return apply_rows(self, "inverse_transform", X, accept_sparse=False)


def _find_range(rows: Any, name: str) -> Any:
    """Return the least and the largest value of each feature; infinity and minus infinity if there is none."""
    assert_all_finite(rows, allow_nan=True, estimator_name=name, input_name="X")
    xp = ds.namespace(rows)
    low, high = xp.min(rows, axis=0, initial=xp.inf), xp.max(rows, axis=0, initial=-xp.inf)
    if xp.isnan(low).any():
        low, high = xp.fmin.reduce(rows, axis=0, initial=xp.inf), xp.fmax.reduce(rows, axis=0, initial=-xp.inf)
    return ds.to_host(xp.stack([low, high]))


def _widen_range(left: Any, right: Any) -> Any:
    return np.stack([np.minimum(left[0], right[0]), np.maximum(left[1], right[1])])
