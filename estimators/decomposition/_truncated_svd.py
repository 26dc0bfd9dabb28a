"""The largest singular values of rows as they are, not less their means: for sparse rows, which stay sparse.

How many passes there are, and what travels in each, is said in `estimators.decomposition._projection`. Rows are kept on
the workers from pass to pass, but those of a streamed array are read anew.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sklearn.decomposition
from sklearn.base import _fit_context
from sklearn.utils import check_random_state

from estimators._output import ArraysStay
from estimators._validation import check_X
from estimators.decomposition._components import restore_rows, turn_rows
from estimators.decomposition._projection import Passes, draw_largest, iterate_largest

__all__ = ["TruncatedSVD"]


class TruncatedSVD(ArraysStay, sklearn.decomposition.TruncatedSVD):
    """Describe rows by the few directions that come nearest to them all.

    Parameters
    ----------
    n_components : int, default=2
    algorithm : {"arpack", "randomized"}, default="randomized"
    n_iter : int, default=5
        How many passes "randomized" makes, less 3.
    n_oversamples : int, default=10
        How many more vectors than components "randomized" has.
    power_iteration_normalizer : {"auto", "QR", "LU", "none"}, default="auto"
        Has no effect: vectors are made orthonormal by QR.
    random_state : int, RandomState or None
        An int makes the result the same each time, for any blocks and engine.
    tol : float, default=0.0
        For "arpack".

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features_in_)
        The largest element of each is positive.
    explained_variance_, explained_variance_ratio_, singular_values_ : ndarray of shape (n_components,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import scipy.sparse
    >>> import dsarray as ds
    >>> from estimators.decomposition import TruncatedSVD
    >>> X = ds.array(scipy.sparse.random_array((100, 30), density=0.1, rng=0, format="csr"), block_size=40)
    >>> TruncatedSVD(n_components=3, random_state=0).fit_transform(X).shape
    (100, 3)
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> TruncatedSVD:
        """Find the directions.

        Parameters
        ----------
        X : array_like, data frame, sparse matrix or Array of shape (n_samples, n_features)
        y : ignored

        Raises
        ------
        ValueError
            When ``n_components`` does not fit ``X``, or it holds NaN or infinity.
        """
        rows = check_X(self, X, reset=True, ensure_min_features=2)
        n_samples, n_features = rows.shape
        if n_features < 2:
            raise ValueError(
                f"Found array with {n_features} feature(s) (shape={rows.shape}) while a minimum of 2 is required by "
                "TruncatedSVD."
            )
        if self.n_components > n_features:
            raise ValueError(f"n_components({self.n_components}) must be <= n_features({n_features}).")
        if self.algorithm == "arpack" and self.n_components >= min(rows.shape):
            raise ValueError(
                f"TruncatedSVD.fit: n_components={self.n_components} must be less than "
                f"min(n_samples, n_features)={min(rows.shape)} with algorithm='arpack'; ask for fewer, or 'randomized'."
            )
        rng = check_random_state(self.random_state)
        passes = Passes(self, rows, centered=False)
        if self.algorithm == "arpack":
            found = iterate_largest(passes, self.n_components, self.tol, rng)
        else:
            found = draw_largest(passes, self.n_components, self.n_oversamples, self.n_iter, rng)
        total = float(passes.spread.squares.sum()) / n_samples
        with np.errstate(divide="ignore", invalid="ignore"):
            self.explained_variance_ratio_ = (found.variances / total).astype(rows.dtype)
        self.components_ = np.ascontiguousarray(found.vectors, dtype=rows.dtype)
        self.explained_variance_ = found.variances.astype(rows.dtype)
        self.singular_values_ = found.values.astype(rows.dtype)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Find the directions and return the rows along them; see `fit`."""
        return self.fit(X, y).transform(X)

    def transform(self, X: Any) -> Any:
        """Return rows along the directions, as ndarray or Array of shape (n_samples, n_components) like ``X``."""
        return turn_rows(self, X)

    def inverse_transform(self, X: Any) -> Any:
        """Return the rows that are ``X`` along the directions, as ndarray or Array like ``X``."""
        return restore_rows(self, X)
