"""Principal components of rows that come in batches.

The method is that of D. A. Ross, J. Lim, R.-S. Lin and M.-H. Yang, "Incremental learning for robust visual tracking"
(2008). Batches have `batch_size` rows, wherever blocks end; each is merged into the components so far, so that their
order counts. `fit` is one chain of tasks: each reads as many whole batches as a row of blocks has, and gives what is
known to the next: a matrix of shape (n_components, n_features) and some vectors, which reach the main program from the
last one. A task holds its rows, the triangle of a batch and the components; nothing is kept, so that streamed arrays
may be larger than memory. `partial_fit` takes all of its rows as one batch: one task for each row of blocks, and a tree
of triangles of shape (n_features, n_features), see `estimators.decomposition._triangle`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
import sklearn.decomposition
from sklearn.base import _fit_context
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import task, wait_on
from estimators._output import ArraysStay
from estimators._validation import check_X, defer_rows, map_rows
from estimators.decomposition._components import restore_rows, turn_rows
from estimators.decomposition._pca import scale_of
from estimators.decomposition._projection import decompose
from estimators.decomposition._triangle import Triangle, add_triangles, sum_triangle

__all__ = ["IncrementalPCA"]


class IncrementalPCA(ArraysStay, sklearn.decomposition.IncrementalPCA):
    """Find the directions along which rows vary most, batch after batch.

    Parameters
    ----------
    n_components : int or None
        How many directions; None for as many as there are features, or rows in the first batch.
    whiten : bool, default=False
        True to give rows unit variance along each direction.
    copy : bool, default=True
        Has no effect: ``X`` is never changed.
    batch_size : int or None
        How many rows `fit` merges at a time; None for five times the number of features.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, n_features_in_)
        The largest element of each is positive. Of float32 if all rows are, and one batch; else of float64.
    explained_variance_, explained_variance_ratio_, singular_values_ : ndarray of shape (n_components_,)
    mean_, var_ : ndarray of shape (n_features_in_,)
    noise_variance_ : float
        Mean variance along the directions left out, in the last merge.
    n_components_, n_samples_seen_, batch_size_, n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.decomposition import IncrementalPCA
    >>> X = ds.random_array((1000, 20), block_size=300, random_state=0)
    >>> IncrementalPCA(n_components=3, batch_size=100).fit_transform(X).shape
    (1000, 3)
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> IncrementalPCA:
        """Find the components of all rows, in batches.

        Parameters
        ----------
        X : array_like, data frame, sparse matrix or Array of shape (n_samples, n_features)
        y : ignored

        Raises
        ------
        ValueError
            When ``n_components`` does not fit ``X`` or the batches, or ``X`` holds NaN or infinity.
        """
        rows = check_X(self, X, reset=True)
        n_samples, n_features = rows.shape
        self.batch_size_ = 5 * n_features if self.batch_size is None else self.batch_size
        parts = gen_batches(n_samples, self.batch_size_, min_batch_size=self.n_components or 0)
        sizes = [part.stop - part.start for part in parts]
        n_components = self._count(sizes[0], n_features)
        groups = _group(sizes, max(rows.chunks[0]))
        cut = rows.rechunk((tuple(sum(group) for group in groups), -1))
        state: Any = _nothing(n_features)
        for block, group in zip(defer_rows(self, cut), groups, strict=True):
            state = merge_batches(state, block, group, n_components)
        self._keep(wait_on(state), rows.dtype if len(sizes) == 1 else np.float64)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any = None, check_input: bool = True) -> IncrementalPCA:
        """Merge rows into the components so far, as one batch; ``check_input`` has no effect.

        Raises
        ------
        TypeError
            When ``X`` is sparse.
        """
        if X.sparse if isinstance(X, ds.Array) else scipy.sparse.issparse(X):
            raise TypeError(
                "IncrementalPCA.partial_fit does not support sparse input. Either convert data to dense or use "
                "IncrementalPCA.fit to do so in batches."
            )
        is_first = not hasattr(self, "components_")
        rows = check_X(self, X, reset=is_first)
        n_components = self._count(*rows.shape) if is_first or self.n_components else len(self.components_)
        if not is_first and n_components != len(self.components_):
            raise ValueError(
                f"Number of input features has changed from {len(self.components_)} to {n_components} between calls "
                "to partial_fit! Try setting n_components to a fixed value."
            )
        batch = wait_on(ds.tree_reduce(add_triangles, map_rows(self, sum_triangle, rows)))
        known = _nothing(rows.shape[1]) if is_first else self._known()
        self._keep(_merge(known, batch, n_components), rows.dtype if is_first else np.float64)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Find the components and return the rows along them; see `fit`."""
        return self.fit(X, y).transform(X)

    def transform(self, X: Any) -> Any:
        """Return rows along the components, as ndarray or Array of shape (n_samples, n_components_) like ``X``."""
        check_is_fitted(self)
        return turn_rows(self, X, self.mean_, scale_of(self))

    def inverse_transform(self, X: Any) -> Any:
        """Return the rows that are ``X`` along the components, as ndarray or Array like ``X``."""
        check_is_fitted(self)
        return restore_rows(self, X, self.mean_, np.sqrt(self.explained_variance_) if self.whiten else None)

    def _count(self, n_rows: int, n_features: int) -> int:
        """Return how many components there are, of a first batch."""
        if self.n_components is None:
            return min(n_rows, n_features)
        if self.n_components > n_features:
            raise ValueError(
                f"n_components={self.n_components} invalid for n_features={n_features}, need more rows than columns "
                "for IncrementalPCA processing"
            )
        if self.n_components > n_rows and not hasattr(self, "n_samples_seen_"):
            raise ValueError(
                f"n_components={self.n_components} must be less or equal to the batch number of samples {n_rows} for "
                "the first partial_fit call."
            )
        return int(self.n_components)

    def _known(self) -> _Known:
        squares = self.var_ * self.n_samples_seen_
        return _Known(self.n_samples_seen_, self.mean_, squares, self.components_, self.singular_values_, None, 0.0)

    def _keep(self, known: _Known, dtype: Any) -> None:
        """Keep what is known, directions in the type that scikit-learn gives: that of the rows of a single batch."""
        self.n_samples_seen_ = int(known.n_rows)
        self.n_components_ = len(known.components)
        self.mean_, self.var_ = known.mean, known.squares / known.n_rows
        self.components_, self.singular_values_ = known.components.astype(dtype), known.values.astype(dtype)
        self.explained_variance_ = known.variances
        with np.errstate(divide="ignore", invalid="ignore"):
            self.explained_variance_ratio_ = known.values**2 / known.squares.sum()
        self.noise_variance_ = known.noise


class _Known(NamedTuple):
    """What is known of the rows so far."""

    n_rows: int
    mean: Any
    squares: Any
    """Sum of squared deviations of each feature."""
    components: Any
    values: Any
    """Singular values."""
    variances: Any
    """Along the components."""
    noise: float


def _nothing(n_features: int) -> _Known:
    zeros = np.zeros(n_features)
    return _Known(0, zeros, zeros, np.zeros((0, n_features)), np.zeros(0), np.zeros(0), 0.0)


def _group(sizes: list[int], n_wanted: int) -> list[list[int]]:
    """Return batches in groups of about some number of rows."""
    groups: list[list[int]] = [[]]
    for size in sizes:
        if groups[-1] and sum(groups[-1]) + size > n_wanted:
            groups.append([])
        groups[-1].append(size)
    return groups


def _merge(known: _Known, batch: Triangle, n_components: int) -> _Known:
    """Return what is known with a batch: the components of what components and batch stand for together."""
    n_rows, n_features = known.n_rows + batch.n_rows, len(batch.mean)
    shift = known.mean - batch.mean
    between = np.sqrt(known.n_rows / n_rows * batch.n_rows) * shift
    n_stacked = batch.n_rows + (len(known.components) + 1 if known.n_rows else 0)
    stacked = np.vstack([known.values[:, None] * known.components, batch.r, between])
    values, vectors = decompose(stacked, min(n_stacked, n_features))
    with np.errstate(divide="ignore", invalid="ignore"):
        variances = values**2 / np.float64(n_rows - 1)
    is_exact = n_components in (batch.n_rows, n_features)
    return _Known(
        n_rows,
        known.mean + batch.n_rows / n_rows * (batch.mean - known.mean),
        known.squares + (batch.r**2).sum(axis=0) + between**2,
        vectors[:n_components],
        values[:n_components],
        variances[:n_components],
        0.0 if is_exact else float(variances[n_components:].mean()),
    )


@task
def merge_batches(known: _Known, rows: Any, sizes: list[int], n_components: int) -> _Known:
    """Return what is known with some batches, which are the rows one after the other."""
    rows = rows.make()
    start = 0
    for size in sizes:
        batch = rows[start : start + size]
        batch = batch.toarray() if scipy.sparse.issparse(batch) else batch
        known = _merge(known, sum_triangle(batch), n_components)
        start += size
    return known
