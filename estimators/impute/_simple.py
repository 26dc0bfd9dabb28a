"""Filling in what is missing in a feature with one value: a mean, a median, what is most frequent, or a constant.

A fit is one pass, and a few more for medians: one task for each row of blocks, a tree of tasks, and some numbers for
each feature to the main program; for "most_frequent" the values that differ. Rows are not kept. `transform` records
what each row of blocks becomes; what comes of a streamed array is streamed, as long as no feature is left out or added.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
import sklearn.impute
from sklearn.base import _fit_context
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import wait_on
from estimators._counterparts import apply_rows, learn_from
from estimators._output import ArraysStay
from estimators._validation import FLOATS, check_X
from estimators.impute._medians import find_medians
from estimators.impute._observed import Observed, add_observed, observe, without_missing

__all__ = ["SimpleImputer"]

_NUMBERS = tuple(map(np.dtype, "dfbhilqBHILQ"))


class SimpleImputer(ArraysStay, sklearn.impute.SimpleImputer):
    """Fill in what is missing in each feature.

    Parameters
    ----------
    missing_values : number, text, None or pandas.NA, default=NaN
        What stands for a missing value; for an Array, a number or NaN.
    strategy : {"mean", "median", "most_frequent", "constant"} or callable, default="mean"
        A callable takes the values of a feature, and is not supported for an Array.
    fill_value : optional
        What "constant" fills in, by default 0.
    copy : bool, default=True
        Whether `transform` leaves an ndarray as it is. An Array is never changed.
    add_indicator : bool, default=False
        Whether to add a feature that says what was missing, for each feature in which something was in ``fit``.
    keep_empty_features : bool, default=False
        Whether features of which ``fit`` has seen no value are filled with 0, or else left out.

    Attributes
    ----------
    statistics_ : ndarray of shape (n_features_in_,)
        What is filled in.
    indicator_ : MissingIndicator
        Only with ``add_indicator=True``.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import numpy as np
    >>> import dsarray as ds
    >>> from estimators.impute import SimpleImputer
    >>> X = ds.array([[1.0, 2], [np.nan, 4], [3, np.nan]], block_size=2)
    >>> SimpleImputer().fit_transform(X).collect()
    array([[1., 2.],
           [2., 4.],
           [3., 3.]])
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> SimpleImputer:
        """Find what to fill in.

        Parameters
        ----------
        X : array_like, data frame, sparse matrix or Array of shape (n_samples, n_features)
        y : ignored

        Raises
        ------
        NotImplementedError
            For an Array, with a strategy that would need all values in one place.
        ValueError
            When zeros of sparse data are to be missing.
        """
        if not self._is_blocked(X):
            return super().fit(X)
        if callable(self.strategy):
            raise NotImplementedError(
                "SimpleImputer.fit: a callable strategy is not supported for an Array; take 'mean', 'median', "
                "'most_frequent' or 'constant'."
            )
        rows = check_X(self, X, reset=True, dtype=self._kept_types())
        if rows.sparse and self.missing_values == 0:
            raise ValueError(
                "SimpleImputer.fit: Imputation not possible when missing_values == 0 and input is sparse. Provide a "
                "dense array instead."
            )
        parts = ds.map_row_blocks(observe, rows, self.missing_values, self.strategy, type(self).__name__)
        observed: Observed = wait_on(ds.tree_reduce(add_observed, parts))
        learn_from(self, super().fit, self._example(observed, rows))
        if self.strategy != "constant":
            self.statistics_ = self._summarise(observed, rows)
        return self

    def transform(self, X: Any) -> Any:
        """Return rows with what was missing filled in, as ndarray, CSR matrix or Array like ``X``."""
        if not isinstance(X, ds.Array):
            return super().transform(X)
        return apply_rows(self, "transform", X, dtype=self._kept_types())

    def inverse_transform(self, X: Any) -> Any:
        """Return rows with what was filled in missing again, if ``add_indicator`` says where that was.

        Parameters
        ----------
        X : array_like or Array of shape (n_samples, n_features_out)
            As `transform` gives it. Features that it leaves out are missing throughout.
        """
        check_is_fitted(self)
        is_blocked = isinstance(X, ds.Array) or (isinstance(X, np.ndarray) and X.dtype in _NUMBERS)
        if not (self.add_indicator and is_blocked):
            return super().inverse_transform(X)
        kept = np.arange(self.n_features_in_)
        if not self.keep_empty_features:
            kept = kept[~np.isnan(self.statistics_.astype(float))]
        gaps = self.indicator_.features_
        if X.ndim != 2 or X.shape[1] != len(kept) + len(gaps):
            raise ValueError(
                f"SimpleImputer.inverse_transform: X has shape {X.shape}, but `transform` gives {len(kept)} features "
                f"and {len(gaps)} that say what was missing; pass a column for each."
            )
        if isinstance(X, ds.Array) and X.sparse:
            raise TypeError("SimpleImputer.inverse_transform: sparse data is not supported; use X.to_dense().")
        args = (kept, gaps, self.n_features_in_, self.missing_values)
        if not isinstance(X, ds.Array):
            return _take_out(X, *args)
        rows = ds.map_row_blocks(_take_out, X, *args)
        return ds.from_blocks([[row] for row in rows], (X.chunks[0], (self.n_features_in_,)), np.float64)

    def _is_blocked(self, X: Any) -> bool:
        """Return whether ``X`` is looked at in blocks.

        Lists, data frames, whose columns may have different types, and Python objects are left to scikit-learn.
        """
        if isinstance(X, ds.Array):
            return True
        if callable(self.strategy) or not isinstance(self.missing_values, (int, float, np.number)):
            return False
        if scipy.sparse.issparse(X):
            return self.missing_values != 0
        return isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype in _NUMBERS

    def _kept_types(self) -> tuple[Any, ...]:
        return FLOATS if self.strategy in ("mean", "median") else _NUMBERS

    def _example(self, observed: Observed, rows: ds.Array) -> Any:
        """Return two rows, of which the counterpart learns what is missing in which feature."""
        filler = 2 if self.missing_values == 1 else 1
        if rows.sparse and self.strategy != "constant":
            filler = 0  # not stored, for which scikit-learn does not look for what is most frequent
        has_gaps = observed.n_missing > 0
        gaps = np.stack([has_gaps & (observed.n_missing == observed.n_stored), has_gaps])
        example = np.full(gaps.shape, filler, rows.dtype)
        if gaps.any():
            example[gaps] = self.missing_values
        example[:, observed.n_stored == 0] = 0
        return scipy.sparse.csc_array(example) if rows.sparse else example

    def _summarise(self, observed: Observed, rows: ds.Array) -> Any:
        n_observed = observed.n_rows - observed.n_missing
        if self.strategy == "mean":
            found = np.divide(observed.total, n_observed, out=np.zeros(len(n_observed)), where=n_observed > 0)
        elif self.strategy == "most_frequent":
            found = observed.values.most_frequent(len(n_observed))
        else:
            gaps = without_missing(rows, self.missing_values)
            is_zero = observed.has_zero_median() if rows.sparse else n_observed == 0
            found = find_medians(gaps, observed.low, observed.high, np.where(is_zero, 0, n_observed))
            found = np.where(is_zero, 0, found).astype(rows.dtype)
        empty = 0 if self.keep_empty_features else np.nan
        found = np.where(n_observed > 0, found, found.dtype.type(empty))
        return found.astype(float) if rows.sparse else found


def _take_out(rows: Any, kept: Any, gaps: Any, n_features: int, missing_values: Any) -> Any:
    """Return rows with the features that were kept in their places, and with gaps where the last columns say so."""
    xp = ds.namespace(rows)
    found = xp.full((rows.shape[0], n_features), missing_values, dtype=xp.float64)
    found[:, kept] = rows[:, : len(kept)]
    found[:, gaps] = xp.where(rows[:, len(kept) :] != 0, missing_values, found[:, gaps])
    return found
