"""A feature of 0 and 1 for each category.

A fit is one pass: one task for each row of blocks, a tree of tasks, and the categories to the main program, with their
counts if some are to be rare. `transform` makes one block for each row of blocks, with a number for each element if it
is sparse, and keeps it.
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
from estimators.preprocessing._encodings import check_encoding

__all__ = ["OneHotEncoder"]


class OneHotEncoder(ArraysStay, CountedCategories, sklearn.preprocessing.OneHotEncoder):
    """Make a feature of each category, which is 1 where a row has it.

    Parameters
    ----------
    categories : "auto" or list of array_like, default="auto"
        The categories of each feature; "auto" takes those of ``X``.
    drop : {"first", "if_binary"} or array_like of shape (n_features,), optional
        Which category of each feature gets none.
    sparse_output : bool, default=True
        Whether `transform` gives CSR matrices; for an Array, an Array of them.
    dtype : number type, default=float
    handle_unknown : {"error", "ignore", "infrequent_if_exist", "warn"}, default="error"
        What `transform` does with categories that are not known: for an Array, errors come when it is collected.
    min_frequency, max_categories : int, float or None, default=None
        Categories of fewer rows, or beyond the most frequent, are put together, as one at the end.
    feature_name_combiner : "concat" or callable, default="concat"

    Attributes
    ----------
    categories_ : list of ndarray
    drop_idx_ : ndarray of shape (n_features_in_,) or None
    infrequent_categories_ : list of ndarray or None
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.preprocessing import OneHotEncoder
    >>> X = ds.array([[0, 5], [1, 5], [0, 7]], block_size=2)
    >>> OneHotEncoder().fit_transform(X).to_dense().collect()
    array([[1., 0., 1., 0.],
           [0., 1., 1., 0.],
           [1., 0., 0., 1.]])
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> OneHotEncoder:
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
        """Return encoded rows, sparse or dense as asked for; as an Array if ``X`` is one."""
        return encode_rows(self, X) if isinstance(X, ds.Array) else super().transform(X)

    def inverse_transform(self, X: Any) -> Any:
        """Return the categories that encoded rows stand for.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_samples, n_features_out)
            Of an Array comes one of the type of the categories. Where scikit-learn gives None, for what is not known,
            or "infrequent_sklearn" among numbers, collecting it is an error.
        """
        if not isinstance(X, ds.Array):
            return super().inverse_transform(X)
        check_is_fitted(self)
        return decode_rows(self, X, int(sum(self._n_features_outs)))

    def _check_learned(self) -> None:
        """Raise an error for what was read from a file and would let a row have 1 outside of its features."""
        if hasattr(self, "categories_"):
            check_encoding(self)
