"""Principal components: the directions along which rows vary most.

"covariance_eigh" is one pass: one task for each row of blocks adds up products of deviations, one tree of tasks adds
these up, and the eigenvectors of the matrix of shape (n_features, n_features) that comes to the main program are the
components. "full" is one pass, too, but for the triangle of a QR factorisation, with the digits that products lose; of
more features than samples it is `dsarray.linalg.svd`. "randomized" and "arpack" are for many features: see
`estimators.decomposition._projection`. Where there are several passes, rows are kept on the workers, but those of a
streamed array are read anew. What a task needs is its rows, and what travels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse
import sklearn.decomposition
from sklearn.base import _fit_context
from sklearn.decomposition._pca import _infer_dimension
from sklearn.utils import check_random_state
from sklearn.utils.extmath import fast_logdet, svd_flip
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import share, wait_on
from estimators._moments import measure_moments
from estimators._output import ArraysStay
from estimators._validation import check_rows, check_X, like_input, map_rows, rows_to_array
from estimators.decomposition._components import restore_rows, turn_rows
from estimators.decomposition._projection import Passes, decompose, draw_largest, iterate_largest
from estimators.decomposition._triangle import add_triangles, sum_triangle

__all__ = ["PCA", "scale_of"]

_SPARSE_SOLVERS = ("auto", "arpack", "covariance_eigh")


class PCA(ArraysStay, sklearn.decomposition.PCA):
    """Find the directions along which rows vary most, and describe rows by them.

    Parameters
    ----------
    n_components : int, float, "mle" or None
        How many directions; a float from 0 to 1 for as many as explain that part of the variance; "mle" for as many
        as T. P. Minka's method chooses; None for all.
    copy : bool, default=True
        Has no effect: ``X`` is never changed.
    whiten : bool, default=False
        True to give rows unit variance along each direction.
    svd_solver : {"auto", "full", "covariance_eigh", "arpack", "randomized"}, default="auto"
        "auto" takes "covariance_eigh" for up to 1000 features and ten times as many samples; else "full" for up to 500
        of both, "randomized" for few components, and "full". Sparse rows are done by "covariance_eigh" up to 1000
        features, else by "arpack".
    tol : float, default=0.0
        For "arpack".
    iterated_power : int or "auto", default="auto"
        How many passes "randomized" makes, less 2.
    n_oversamples : int, default=10
        How many more vectors than components "randomized" has.
    power_iteration_normalizer : {"auto", "QR", "LU", "none"}, default="auto"
        Has no effect: vectors are made orthonormal by QR.
    random_state : int, RandomState or None
        For "arpack" and "randomized"; an int makes the result the same each time, for any blocks and engine.

    Attributes
    ----------
    components_ : ndarray of shape (n_components_, n_features_in_)
        The largest element of each is positive.
    explained_variance_, explained_variance_ratio_, singular_values_ : ndarray of shape (n_components_,)
    mean_ : ndarray of shape (n_features_in_,)
    n_components_, n_samples_, n_features_in_ : int
    noise_variance_ : float
        Mean variance along the directions left out.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if the ``X`` of ``fit`` had names of features.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.decomposition import PCA
    >>> X = ds.array([[-1.0, -1], [-2, -1], [-3, -2], [1, 1], [2, 1], [3, 2]], block_size=3)
    >>> model = PCA(n_components=1).fit(X)
    >>> model.explained_variance_ratio_.round(4)
    array([0.9924])
    >>> model.transform(X).shape
    (6, 1)
    """

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> PCA:
        """Find the components.

        Parameters
        ----------
        X : array_like, data frame, sparse matrix or Array of shape (n_samples, n_features)
        y : ignored

        Raises
        ------
        ValueError
            When ``n_components`` does not fit ``X`` and the solver, or ``X`` holds NaN or infinity.
        TypeError
            When ``X`` is sparse and the solver is for dense rows.
        """
        is_sparse = X.sparse if isinstance(X, ds.Array) else scipy.sparse.issparse(X)
        if is_sparse and self.svd_solver not in _SPARSE_SOLVERS:
            raise TypeError(
                'PCA only support sparse inputs with the "arpack" and "covariance_eigh" solvers, while '
                f'"{self.svd_solver}" was passed. See TruncatedSVD for a possible alternative.'
            )
        rows = check_X(self, X, reset=True)
        n_components, solver = self._choose(rows)
        self._fit_svd_solver = solver
        self.n_samples_ = rows.shape[0]
        if solver in ("full", "covariance_eigh"):
            self._fit_all(rows, n_components)
        else:
            self._fit_largest(rows, n_components)
        for name in ("mean_", "components_", "explained_variance_", "explained_variance_ratio_", "singular_values_"):
            setattr(self, name, np.ascontiguousarray(getattr(self, name), dtype=rows.dtype))
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

    def score_samples(self, X: Any) -> Any:
        """Return the log-likelihood of each row, as ndarray or Array of shape (n_samples,) like ``X``."""
        return like_input(X, self._measure(X))

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean log-likelihood of the rows."""
        return float(np.mean(self._measure(X)))

    def _measure(self, X: Any) -> ds.Array:
        check_is_fitted(self)
        rows = check_X(self, X, reset=False, accept_sparse=False)
        precision = self.get_precision()
        constant = -0.5 * (rows.shape[1] * np.log(2 * np.pi) - fast_logdet(precision))
        dtype = np.result_type(rows.dtype, precision.dtype)
        found = map_rows(self, _log_likelihoods, rows, share(self.mean_), share(precision), dtype.type(constant))
        return rows_to_array(found, rows, dtype)

    def _choose(self, rows: ds.Array) -> tuple[Any, str]:
        """Return what n_components and svd_solver mean for rows."""
        n_samples, n_features = rows.shape
        least = min(rows.shape)
        solver = self.svd_solver
        leaves_one_out = solver == "arpack" or (solver == "auto" and rows.sparse)
        n_components = self.n_components
        if n_components is None:
            n_components = least - 1 if leaves_one_out else least
        if solver == "auto":
            if n_features <= 1000 and (rows.sparse or n_samples >= 10 * n_features):
                solver = "covariance_eigh"
            elif rows.sparse:
                solver = "arpack"
            elif max(rows.shape) <= 500 or n_components == "mle" or not 1 <= n_components < 0.8 * least:
                solver = "full"
            else:
                solver = "randomized"
        _check_n_components(n_components, solver, rows.shape)
        return n_components, solver

    def _fit_all(self, rows: ds.Array, n_components: Any) -> None:
        """Find all components, and keep those asked for."""
        n_samples, n_features = rows.shape
        least = min(rows.shape)
        if self._fit_svd_solver == "covariance_eigh":
            moments = wait_on(measure_moments(self, rows))
            values, vectors = scipy.linalg.eigh(moments.scatter)
            mean, values = moments.mean, np.sqrt(np.maximum(values[::-1], 0))
            vectors = svd_flip(None, np.ascontiguousarray(vectors[:, ::-1].T), u_based_decision=False)[1]
        elif n_samples >= n_features:
            triangle = wait_on(ds.tree_reduce(add_triangles, map_rows(self, sum_triangle, rows)))
            mean = triangle.mean
            values, vectors = decompose(triangle.r, least)
        else:
            checked = check_rows(self, rows).astype(float)
            mean = checked.mean(axis=0).collect()
            _, values, vectors = (each.collect() for each in np.linalg.svd(checked - mean, full_matrices=False))
            vectors = svd_flip(None, vectors, u_based_decision=False)[1]
        with np.errstate(divide="ignore", invalid="ignore"):
            variances = values**2 / np.float64(n_samples - 1)
            ratios = variances / variances.sum()
        if n_components == "mle":
            n_components = _infer_dimension(variances, n_samples)
        elif 0 < n_components < 1:
            n_components = np.searchsorted(np.cumsum(ratios), n_components, side="right") + 1
        kept = slice(None, n_components)
        self.mean_, self.components_, self.singular_values_ = mean, vectors[kept], values[kept]
        self.explained_variance_, self.explained_variance_ratio_ = variances[kept], ratios[kept]
        self.n_components_ = int(n_components)
        self.noise_variance_ = float(variances[n_components:].mean()) if n_components < least else 0.0

    def _fit_largest(self, rows: ds.Array, n_components: int) -> None:
        rng = check_random_state(self.random_state)
        passes = Passes(self, rows, centered=True)
        if self._fit_svd_solver == "arpack":
            found = iterate_largest(passes, n_components, self.tol, rng)
        else:
            found = draw_largest(passes, n_components, self.n_oversamples, self.iterated_power, rng)
        total = float(passes.spread.squares.sum()) / (rows.shape[0] - 1)
        self.mean_, self.components_, self.singular_values_ = passes.spread.mean, found.vectors, found.values
        self.explained_variance_ = found.values**2 / (rows.shape[0] - 1)
        self.explained_variance_ratio_ = self.explained_variance_ / total
        self.n_components_ = n_components
        n_left = min(rows.shape) - n_components
        self.noise_variance_ = float(total - self.explained_variance_.sum()) / n_left if n_left else 0.0


def scale_of(model: Any) -> Any:
    """Return what rows along each component are divided by; None if they are not."""
    if not model.whiten:
        return None
    scale = np.sqrt(model.explained_variance_)
    return np.maximum(scale, np.finfo(scale.dtype).eps)


def _check_n_components(n_components: Any, solver: str, shape: tuple[int, ...]) -> None:
    least = min(shape)
    if solver in ("full", "covariance_eigh"):
        if n_components == "mle":
            if shape[0] < shape[1]:
                raise ValueError("n_components='mle' is only supported if n_samples >= n_features")
        elif not 0 <= n_components <= least:
            raise ValueError(
                f"n_components={n_components} must be between 0 and min(n_samples, n_features)={least} with "
                f"svd_solver={solver!r}"
            )
    elif isinstance(n_components, str):
        raise ValueError(f"n_components={n_components!r} cannot be a string with svd_solver='{solver}'")
    elif not 1 <= n_components <= least:
        raise ValueError(
            f"n_components={n_components} must be between 1 and min(n_samples, n_features)={least} with "
            f"svd_solver='{solver}'"
        )
    elif solver == "arpack" and n_components == least:
        raise ValueError(
            f"n_components={n_components} must be strictly less than min(n_samples, n_features)={least} with "
            f"svd_solver='{solver}'"
        )


def _log_likelihoods(rows: Any, mean: Any, precision: Any, constant: Any) -> Any:
    xp = ds.namespace(rows)
    deviations = rows - xp.asarray(mean)
    return constant - 0.5 * ((deviations @ xp.asarray(precision)) * deviations).sum(axis=1)
