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

OF_LABELS = [
    "adjusted_rand_score",
    "completeness_score",
    "homogeneity_score",
    "mutual_info_score",
    "normalized_mutual_info_score",
    "rand_score",
    "v_measure_score",
]
OF_SAMPLES = ["calinski_harabasz_score", "davies_bouldin_score", "silhouette_score"]


@pytest.mark.parametrize("name", OF_LABELS)
@pytest.mark.parametrize("pred", [PRED, TRUE, np.zeros(len(TRUE), int), np.arange(len(TRUE))], ids=range(4))
def test_comparisons_of_labels_are_those_of_scikit_learn(name, pred):
    ours, theirs = getattr(metrics, name), getattr(sklearn.metrics, name)
    expected = theirs(TRUE, pred)
    assert ours(TRUE, pred) == expected
    for size in (40, 178, 1):
        assert ours(ds.array(TRUE, block_size=size), ds.array(pred, block_size=30)) == pytest.approx(
            expected, abs=1e-12
        )


@pytest.mark.parametrize("how", ["min", "max", "geometric"])
def test_the_mean_of_entropies_may_be_chosen(how):
    expected = sklearn.metrics.normalized_mutual_info_score(TRUE, PRED, average_method=how)
    found = metrics.normalized_mutual_info_score(ds.array(TRUE, block_size=40), PRED, average_method=how)
    assert found == pytest.approx(expected)


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


def test_what_is_not_supported_is_refused():
    with pytest.raises(NotImplementedError, match="precomputed"):
        metrics.silhouette_score(ds.zeros((4, 4), block_size=2), [0, 1, 0, 1], metric="precomputed")
    with pytest.raises(TypeError, match="dense data is required"):
        metrics.davies_bouldin_score(ds.array(scipy.sparse.csr_matrix(X), block_size=50), TRUE)
