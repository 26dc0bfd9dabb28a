"""Products of features. Only their number is learned; each row of blocks is multiplied out where it is, and kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.preprocessing

import dsarray as ds
from estimators._counterparts import apply_rows, learn_from
from estimators._output import ArraysStay
from estimators._validation import check_X

__all__ = ["PolynomialFeatures"]

_MOST_DEGREE = 64
"""Of so many features and such a degree, there are more products than can be counted."""


class PolynomialFeatures(ArraysStay, sklearn.preprocessing.PolynomialFeatures):
    """Make a feature of each product of features, up to a degree.

    Parameters
    ----------
    degree : int or tuple (min_degree, max_degree), default=2
    interaction_only : bool, default=False
        Whether to leave out products in which a feature occurs twice.
    include_bias : bool, default=True
        Whether the first feature is 1.
    order : {"C", "F"}, default="C"
        Order of the elements of dense blocks.

    Attributes
    ----------
    powers_ : ndarray of shape (n_output_features_, n_features_in_)
        How often each feature occurs in each product.
    n_output_features_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.preprocessing import PolynomialFeatures
    >>> PolynomialFeatures().fit_transform(ds.array([[0.0, 1], [2, 3]], block_size=1)).collect()
    array([[1., 0., 1., 0., 0., 1.],
           [1., 2., 3., 4., 6., 9.]])
    """

    def fit(self, X: Any, y: Any = None) -> PolynomialFeatures:
        """Find the products.

        Parameters
        ----------
        X : array_like, data frame, sparse matrix or Array of shape (n_samples, n_features)
        y : ignored
        """
        if not isinstance(X, ds.Array):
            return super().fit(X)
        rows = check_X(self, X, reset=True)
        learn_from(self, super().fit, np.zeros((1, rows.shape[1]), rows.dtype))
        return self

    def transform(self, X: Any) -> Any:
        """Return the products of each row, as ndarray, CSR matrix or Array like ``X``."""
        if not isinstance(X, ds.Array):
            return super().transform(X)
        return apply_rows(self, "transform", X)

    def _check_learned(self) -> None:
        """Raise an error for what was read from a file and has other products than the features have."""
        if not hasattr(self, "n_output_features_"):
            return
        n_features, least, most = self.n_features_in_, self._min_degree, self._max_degree
        is_known = 0 <= least <= most and min(n_features, most) <= _MOST_DEGREE
        for name, degree in (("_n_out_full", 0), ("n_output_features_", least)):
            found = getattr(self, name)
            arguments = (n_features, degree, most, self.interaction_only, self.include_bias)
            if not is_known or found != self._num_combinations(*arguments):
                raise ValueError(f"{found} products of {n_features} features are of degree {least} to {most}")
