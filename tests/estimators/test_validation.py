"""What becomes of the X of a call: sparse rows with indices of any width, and what is refused before any task."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator

import dsarray as ds
import estimators
from dsflow import wait_on
from dsflow.testing import forbid_compute
from estimators import _validation
from estimators._validation import check_X, join_deferred, shorten_indices
from estimators.preprocessing import StandardScaler

KINDS = pytest.mark.parametrize("kind", [scipy.sparse.csr_matrix, scipy.sparse.csr_array])


def rows(kind=scipy.sparse.csr_array):
    return kind(scipy.sparse.random_array((60, 12), density=0.3, rng=0, format="csr"))


def long(matrix):
    """Return a copy with indices of 64 bits; what is asked of it, or of its rows, may have shorter ones."""
    copied = matrix.copy()
    copied.indices, copied.indptr = copied.indices.astype(np.int64), copied.indptr.astype(np.int64)
    return copied


def long_array(matrix):
    """Return an Array of two rows of blocks with indices of 64 bits."""
    blocks = [[long(part)] for part in (matrix[:25], matrix[25:])]
    return ds.from_blocks(blocks, ((25, 35), (12,)), matrix.dtype, sparse=True)


MODELS = {
    "ALS": estimators.ALS(3, max_iter=2, tol=0, random_state=0),
    "CascadeSVM": estimators.CascadeSVM(random_state=0),
    "DBSCAN": estimators.DBSCAN(eps=1.2, min_samples=3),
    "DecisionTreeClassifier": estimators.DecisionTreeClassifier(random_state=0),
    "DecisionTreeClassifier by tasks": estimators.DecisionTreeClassifier(random_state=0, local_rows=10),
    "ElasticNet": estimators.ElasticNet(alpha=0.01),
    "IncrementalPCA": estimators.IncrementalPCA(n_components=2, batch_size=20),
    "KMeans": estimators.KMeans(3, random_state=0),
    "KNeighborsClassifier": estimators.KNeighborsClassifier(),
    "KNeighborsRegressor": estimators.KNeighborsRegressor(),
    "LinearRegression": estimators.LinearRegression(),
    "LogisticRegression": estimators.LogisticRegression(),
    "MiniBatchKMeans": estimators.MiniBatchKMeans(3, random_state=0),
    "Normalizer": estimators.Normalizer(),
    "PCA": estimators.PCA(2, svd_solver="covariance_eigh"),
    "PolynomialFeatures": estimators.PolynomialFeatures(),
    "RandomForestClassifier": estimators.RandomForestClassifier(5, random_state=0),
    "Ridge": estimators.Ridge(),
    "SimpleImputer": estimators.SimpleImputer(missing_values=-1),
    "StandardScaler": estimators.StandardScaler(with_mean=False),
    "TruncatedSVD": estimators.TruncatedSVD(2, random_state=0),
}


@KINDS
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_sparse_rows_with_indices_of_64_bits_give_what_those_of_32_bits_give(model, kind):
    X, y = rows(kind), np.arange(60) % 3
    expected = answer(model.fit(X, y), X)
    for given in (long(X), long_array(X)):
        np.testing.assert_allclose(answer(model.fit(given, y), given), expected, rtol=1e-6, atol=1e-8)


def answer(model, X):
    name = next(each for each in ("items_", "predict", "transform", "labels_") if hasattr(model, each))
    found = getattr(model, name) if name.endswith("_") else getattr(model, name)(X)
    found = found.collect() if isinstance(found, ds.Array) else found
    return found.toarray() if scipy.sparse.issparse(found) else found


@KINDS
def test_indices_get_short_where_they_fit(kind, monkeypatch):
    monkeypatch.setattr(_validation, "_GREATEST_INDEX", 100)
    X = rows(kind)
    assert X[:25].nnz < 100 < X[25:].nnz
    found = wait_on(check_X(BaseEstimator(), long_array(X), reset=True).row_blocks())
    assert [each.indices.dtype for each in found] == [np.int32, np.int64]
    assert [each.indptr.dtype for each in found] == [np.int32, np.int64]
    assert all(isinstance(each, kind) for each in found)
    np.testing.assert_array_equal(scipy.sparse.vstack(found).toarray(), X.toarray())


def test_indices_that_are_short_are_not_copied():
    X = rows()
    assert shorten_indices(X) is X


def test_zeros_that_are_stored_stay_stored():
    X = rows()
    X.data[::5] = 0
    for given in (X, long(X), long_array(X), X.tocoo()):
        found = check_X(BaseEstimator(), given, reset=True).collect()
        assert found.nnz == X.nnz
        assert (found.data == 0).sum() == (X.data == 0).sum()


@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.float64])
def test_no_task_runs_until_rows_are_needed(dtype):
    X = long_array(rows().astype(dtype))
    with forbid_compute():
        found = check_X(BaseEstimator(), X, reset=True)
    assert found.sparse
    assert found.dtype == (dtype if dtype is np.float32 else np.float64)
    assert found.chunks == X.chunks
    np.testing.assert_array_equal(found.to_dense().collect(), rows().astype(dtype).toarray())


def test_columns_of_sparse_blocks_are_joined(on_every_engine):
    X = ds.array(long(rows()), block_size=(7, 5))
    found = check_X(BaseEstimator(), X, reset=True)
    assert found.chunks == (X.chunks[0], (12,))
    np.testing.assert_array_equal(found.to_dense().collect(), rows().toarray())


def test_rows_that_tasks_make_are_an_array_of_fewer_rows_too():
    X = ds.array(np.arange(12.0).reshape(6, 2), block_size=3)
    made = ds.defer_row_blocks(lambda part: part[1:], X)
    with forbid_compute():
        found = join_deferred(made, (2, 2), X)
    np.testing.assert_array_equal(found.collect(), [[2, 3], [4, 5], [8, 9], [10, 11]])


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (ds.ones(5), ValueError, "expected a 2-D array"),
        (ds.ones((0, 3)), ValueError, r"0 sample\(s\)"),
        (ds.ones((3, 0)), ValueError, r"0 feature\(s\)"),
        (ds.ones((3, 2), dtype=complex), ValueError, "Complex data not supported"),
        (ds.array(["a", "b"])[:, None], ValueError, "not supported; pass real numbers"),
        (ds.array(scipy.sparse.eye_array(3)), TypeError, r"use X.to_dense\(\)"),
    ],
    ids=["one axis", "no rows", "no columns", "complex", "text", "sparse"],
)
def test_arrays_that_no_estimator_takes(given, error, words):
    with pytest.raises(error, match=words):
        check_X(BaseEstimator(), given, reset=True, accept_sparse=False)


@pytest.mark.parametrize("block_size", [1, 4])
def test_weights_that_are_all_0_are_an_error_for_arrays_too(block_size):
    x = ds.array(np.arange(8.0).reshape(4, 2), block_size=block_size)
    with pytest.raises(ValueError, match="StandardScaler: all weights are 0"):
        StandardScaler().fit(x, sample_weight=ds.zeros(4, block_size=block_size))
    assert StandardScaler().fit(x, sample_weight=ds.array([0, 0, 0, 2], block_size=block_size)).n_samples_seen_ == 2


@pytest.mark.parametrize("kind", [scipy.sparse.csr_matrix, ds.array])
def test_sparse_weights_are_refused(kind):
    weights = kind(scipy.sparse.csr_array(np.ones((4, 1))))
    with pytest.raises(TypeError, match="Sparse data was passed for sample_weight, but dense data is required"):
        StandardScaler().fit(ds.array(np.eye(4), block_size=2), sample_weight=weights)
