"""Metrics of clusters on ds-arrays give what scikit-learn's give on ndarrays."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.metrics
from sklearn.datasets import load_wine

import dsarray as ds
from estimators import metrics

X, TRUE = load_wine(return_X_y=True)
rng = np.random.default_rng(0)
PRED = np.where(rng.random(len(TRUE)) < 0.3, rng.integers(0, 4, len(TRUE)), TRUE)

OF_SAMPLES = ["calinski_harabasz_score", "davies_bouldin_score", "silhouette_score"]


@pytest.mark.parametrize("name", OF_SAMPLES)
@pytest.mark.parametrize("lengths", [(178,), (50, 0, 1, 127), (60, 60, 58)], ids=str)
def test_what_depends_on_samples_is_that_of_scikit_learn(name, lengths):
    ours, theirs = getattr(metrics, name), getattr(sklearn.metrics, name)
    expected = theirs(X, PRED)
    assert ours(X, PRED) == expected
    assert ours(ds.array(X, block_size=(lengths, 5)), PRED) == pytest.approx(expected)
    assert ours(X, ds.array(PRED, block_size=(lengths,))) == pytest.approx(expected)


def test_the_silhouette_takes_metrics_samples_and_sparse_rows():
    rows = ds.array(X, block_size=50)
    for how in ({"metric": "cosine"}, {"sample_size": 60, "random_state": 0}):
        expected = sklearn.metrics.silhouette_score(X, TRUE, **how)
        assert metrics.silhouette_score(rows, ds.array(TRUE, block_size=40), **how) == pytest.approx(expected)
    sparse = scipy.sparse.csr_matrix(X)
    found = metrics.silhouette_score(ds.array(sparse, block_size=50), TRUE)
    assert found == pytest.approx(sklearn.metrics.silhouette_score(X, TRUE))


def test_a_cluster_of_one_sample_has_no_silhouette():
    labels = np.where(np.arange(len(TRUE)) == 3, 7, TRUE)
    expected = sklearn.metrics.silhouette_score(X, labels)
    assert metrics.silhouette_score(ds.array(X, block_size=50), labels) == pytest.approx(expected)


def test_it_works_the_same_on_every_engine(on_every_engine):
    rows = ds.array(X, block_size=50)
    for name in OF_SAMPLES:
        assert getattr(metrics, name)(rows, TRUE) == pytest.approx(getattr(sklearn.metrics, name)(X, TRUE))


@pytest.mark.parametrize("name", OF_SAMPLES)
def test_too_few_and_too_many_labels_are_refused(name):
    rows = ds.array(X, block_size=50)
    for labels in (np.zeros(len(X)), np.arange(len(X))):
        with pytest.raises(ValueError, match="Number of labels is"):
            getattr(metrics, name)(rows, labels)


def test_silhouettes_of_samples_are_a_ds_array():
    expected = sklearn.metrics.silhouette_samples(X, PRED)
    np.testing.assert_array_equal(metrics.silhouette_samples(X, PRED), expected)
    for lengths in ((178,), (50, 0, 1, 127)):
        found = metrics.silhouette_samples(ds.array(X, block_size=(lengths, 5)), PRED)
        assert found.chunks == (lengths,)
        np.testing.assert_allclose(found.collect(), expected, atol=1e-12)


@pytest.mark.parametrize("lengths", [(178,), (50, 0, 1, 127)], ids=str)
def test_distances_may_be_given(lengths, engine):
    distances = sklearn.metrics.pairwise_distances(X)
    cut = ds.array(distances, block_size=(lengths, 60))
    for how in ({}, {"sample_size": 60, "random_state": 0}):
        expected = sklearn.metrics.silhouette_score(distances, PRED, metric="precomputed", **how)
        found = metrics.silhouette_score(cut, PRED, metric="precomputed", **how)
        assert found == pytest.approx(expected)
    sparse = scipy.sparse.csr_matrix(np.where(distances < 100, distances, 0))
    expected = sklearn.metrics.silhouette_score(sparse, PRED, metric="precomputed")
    found = metrics.silhouette_score(ds.array(sparse, block_size=(lengths, 60)), PRED, metric="precomputed")
    assert found == pytest.approx(expected)
    with pytest.raises(ValueError, match="non-zero elements on the diagonal"):
        metrics.silhouette_score(cut + 1, PRED, metric="precomputed")
    with pytest.raises(ValueError, match="all samples from all"):
        metrics.silhouette_score(cut[:, :3], PRED, metric="precomputed")
    engine._failures.clear()  # those of the other tasks


def test_sparse_samples_have_no_means():
    with pytest.raises(TypeError, match="dense data is required"):
        metrics.davies_bouldin_score(ds.array(scipy.sparse.csr_matrix(X), block_size=50), TRUE)
