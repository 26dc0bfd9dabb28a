"""Scaling rows to norm 1. There is nothing to learn, and each row of blocks is scaled where it is."""

from __future__ import annotations

from typing import Any

import sklearn.preprocessing

import dsarray as ds
from estimators._counterparts import apply_rows
from estimators._output import ArraysStay
from estimators._validation import check_X

__all__ = ["Normalizer"]


class Normalizer(ArraysStay, sklearn.preprocessing.Normalizer):
    """Divide each row by its norm.

    Parameters
    ----------
    norm : {"l1", "l2", "max"}, default="l2"
    copy : bool, default=True
        Whether `transform` leaves an ndarray as it is. An Array is never changed.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.preprocessing import Normalizer
    >>> Normalizer().fit_transform(ds.array([[3.0, 4], [0, 2]], block_size=1)).collect()
    array([[0.6, 0.8],
           [0. , 1. ]])
    """

    def fit(self, X: Any, y: Any = None) -> Normalizer:
        """Check parameters, and note the number of features.

        Parameters
        ----------
        X : array_like, data frame, sparse matrix or Array of shape (n_samples, n_features)
        y : ignored
        """
        if not isinstance(X, ds.Array):
            return super().fit(X)
        self._validate_params()
        check_X(self, X, reset=True)
        return self

    def transform(self, X: Any, copy: bool | None = None) -> Any:
        """Return scaled rows, as ndarray, CSR matrix or Array like ``X``."""
        if not isinstance(X, ds.Array):
            return super().transform(X, copy)
        return apply_rows(self, "transform", X, reset=not hasattr(self, "n_features_in_"))
