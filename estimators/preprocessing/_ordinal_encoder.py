"""A number for each category.

A fit is one pass: one task for each row of blocks, a tree of tasks, and the categories to the main program, with their
counts if some are to be rare. `transform` and `inverse_transform` record what each row of blocks becomes; what comes of
a streamed array is streamed.
"""

from __future__ import annotations

from typing import Any

import sklearn.preprocessing
from sklearn.base import _fit_context
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from estimators._output import ArraysStay
from estimators.preprocessing._categories import (
    CountedCategories,
    decode_rows,
    encode_rows,
    is_blocked,
    learn_categories,
)

__all__ = ["OrdinalEncoder"]


class OrdinalEncoder(ArraysStay, CountedCategories, sklearn.preprocessing.OrdinalEncoder):
    """Replace each category by its position among those of its feature.

    Parameters
    ----------
    categories : "auto" or list of array_like, default="auto"
        The categories of each feature; "auto" takes those of ``X``.
    dtype : number type, default=float
    handle_unknown : {"error", "use_encoded_value"}, default="error"
        What `transform` does with categories that are not known: for an Array, errors come when it is collected.
    unknown_value : int or NaN, optional
        What stands for categories that are not known.
    encoded_missing_value : int or NaN, default=NaN
        What stands for NaN.
    min_frequency, max_categories : int, float or None, default=None
        Categories of fewer rows, or beyond the most frequent, are put together, as one at the end.

    Attributes
    ----------
    categories_ : list of ndarray
    infrequent_categories_ : list of ndarray or None
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.preprocessing import OrdinalEncoder
    >>> X = ds.array([[3, 5], [9, 5], [3, 7]], block_size=2)
    >>> OrdinalEncoder().fit_transform(X).collect()
    array([[0., 0.],
           [1., 0.],
           [0., 1.]])
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> OrdinalEncoder:
        """Find the categories.

        Parameters
        ----------
        X : array_like, data frame or Array of shape (n_samples, n_features)
            An Array may hold numbers or texts.
        y : ignored
        """
        if is_blocked(X):
            learn_categories(self, super().fit, X)
            return self
        return super().fit(X)

    def transform(self, X: Any) -> Any:
        """Return positions of categories, as ndarray or Array like ``X``."""
        return encode_rows(self, X) if isinstance(X, ds.Array) else super().transform(X)

    def inverse_transform(self, X: Any) -> Any:
        """Return the categories that positions stand for.

        Parameters
        ----------
        X : array_like or Array of shape (n_samples, n_features_out)
            Of an Array comes one of the type of the categories. Where scikit-learn gives None, for what is not known,
            or "infrequent_sklearn" among numbers, collecting it is an error.
        """
        if not isinstance(X, ds.Array):
            return super().inverse_transform(X)
        check_is_fitted(self)
        return decode_rows(self, X, self.n_features_in_)
