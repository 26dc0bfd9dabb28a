"""Distances of all pairs of rows, as a ds-array."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.metrics

import dsarray as ds
from dsflow.testing import forbid_compute
from estimators.metrics import euclidean_distances, pairwise_distances, pairwise_kernels

rng = np.random.default_rng(0)
X, Y = rng.random((20, 3)), rng.random((11, 3))


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan", "chebyshev"])
@pytest.mark.parametrize("size", [(7, -1), (20, 2), (1, 1)], ids=str)
def test_they_are_those_of_scikit_learn(metric, size):
    left, right = ds.array(X, block_size=size), ds.array(Y, block_size=4)
    found = pairwise_distances(left, right, metric)
    assert found.chunks == (left.chunks[0], right.chunks[0])
    np.testing.assert_allclose(found.collect(), sklearn.metrics.pairwise_distances(X, Y, metric))
    np.testing.assert_allclose(
        pairwise_distances(left, metric=metric).collect(),
        sklearn.metrics.pairwise_distances(X, metric=metric),
        atol=1e-7,
    )
    np.testing.assert_array_equal(pairwise_distances(X, Y, metric), sklearn.metrics.pairwise_distances(X, Y, metric))


def test_one_side_may_be_an_ndarray_and_rows_may_be_sparse():
    expected = sklearn.metrics.pairwise_distances(X, Y)
    np.testing.assert_allclose(pairwise_distances(X, ds.array(Y, block_size=4)).collect(), expected)
    sparse = ds.array(scipy.sparse.csr_matrix(X), block_size=7)
    np.testing.assert_allclose(pairwise_distances(sparse, Y).collect(), expected)


def test_no_block_is_computed_before_it_is_needed():
    left = ds.array(X, block_size=7)
    list(left.blocks.flat)
    with forbid_compute():
        found = pairwise_distances(left)
    assert found.shape == (20, 20)


def test_it_works_the_same_on_every_engine(on_every_engine):
    found = pairwise_distances(ds.array(X, block_size=7), Y).min(axis=1).collect()
    np.testing.assert_allclose(found, sklearn.metrics.pairwise_distances(X, Y).min(axis=1))


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="Incompatible dimension"):
        pairwise_distances(ds.array(X, block_size=7), Y[:, :2])
    with pytest.raises(ValueError, match="give VI"):
        pairwise_distances(ds.array(X, block_size=7), metric="mahalanobis")
    with pytest.raises(ValueError, match="precomputed"):
        pairwise_distances(ds.array(X, block_size=7), metric="precomputed")


def test_a_metric_that_there_is_not_is_refused_at_once():
    cut = ds.array(X, block_size=7)
    for metric, words in (("foo", "'foo'"), ("haversine", "2 dimensions")):
        with pytest.raises(ValueError, match=words):
            pairwise_distances(cut, metric=metric)
    with pytest.raises(TypeError, match="nonsense"):
        pairwise_distances(cut, metric="euclidean", nonsense=1)
    with pytest.raises(ValueError, match="'foo'"):
        pairwise_kernels(cut, metric="foo")


@pytest.mark.parametrize("squared", [True, False])
def test_euclidean_distances_are_those_of_scikit_learn(squared):
    expected = sklearn.metrics.euclidean_distances(X, Y, squared=squared)
    np.testing.assert_allclose(euclidean_distances(ds.array(X, block_size=7), Y, squared=squared).collect(), expected)
    np.testing.assert_array_equal(euclidean_distances(X, Y, squared=squared), expected)
    itself = euclidean_distances(ds.array(X, block_size=7), squared=squared).collect()
    np.testing.assert_allclose(itself, sklearn.metrics.euclidean_distances(X, squared=squared), atol=1e-7)


@pytest.mark.parametrize(
    ("metric", "how"),
    [("linear", {}), ("rbf", {"gamma": 0.5}), ("polynomial", {"degree": 2}), ("chi2", {}), (np.dot, {})],
    ids=str,
)
def test_kernels_are_those_of_scikit_learn(metric, how):
    expected = sklearn.metrics.pairwise_kernels(X, Y, metric, **how)
    np.testing.assert_allclose(pairwise_kernels(ds.array(X, block_size=7), Y, metric, **how).collect(), expected)
    np.testing.assert_array_equal(pairwise_kernels(X, Y, metric, **how), expected)
    sparse = ds.array(scipy.sparse.csr_matrix(X), block_size=7)
    if metric == "linear":
        np.testing.assert_allclose(pairwise_kernels(sparse).collect(), X @ X.T)
