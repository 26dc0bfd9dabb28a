"""Comparisons of labels on ds-arrays give what scikit-learn's give on ndarrays."""

import numpy as np
import pytest
import sklearn.metrics
from sklearn.datasets import load_wine

import dsarray as ds
from estimators import metrics

X, TRUE = load_wine(return_X_y=True)
rng = np.random.default_rng(0)
PRED = np.where(rng.random(len(TRUE)) < 0.3, rng.integers(0, 4, len(TRUE)), TRUE)

OF_LABELS = [
    "adjusted_mutual_info_score",
    "adjusted_rand_score",
    "completeness_score",
    "fowlkes_mallows_score",
    "homogeneity_completeness_v_measure",
    "homogeneity_score",
    "mutual_info_score",
    "normalized_mutual_info_score",
    "rand_score",
    "v_measure_score",
]


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
@pytest.mark.parametrize("name", ["normalized_mutual_info_score", "adjusted_mutual_info_score"])
def test_the_mean_of_entropies_may_be_chosen(how, name):
    expected = getattr(sklearn.metrics, name)(TRUE, PRED, average_method=how)
    found = getattr(metrics, name)(ds.array(TRUE, block_size=40), PRED, average_method=how)
    assert found == pytest.approx(expected)


def test_the_table_of_pairs_is_that_of_scikit_learn():
    for pred in (PRED, TRUE, TRUE * 0):
        expected = sklearn.metrics.pair_confusion_matrix(TRUE, pred)
        np.testing.assert_array_equal(metrics.pair_confusion_matrix(TRUE, pred), expected)
        found = metrics.pair_confusion_matrix(ds.array(TRUE, block_size=40), pred)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


def test_what_makes_no_sense_is_refused():
    for name in ("normalized_mutual_info_score", "adjusted_mutual_info_score"):
        with pytest.raises(ValueError, match="average_method='best' is unknown"):
            getattr(metrics, name)(ds.array(TRUE, block_size=40), PRED, average_method="best")


def test_it_works_the_same_on_every_engine(on_every_engine):
    expected = sklearn.metrics.adjusted_mutual_info_score(TRUE, PRED)
    assert metrics.adjusted_mutual_info_score(ds.array(TRUE, block_size=40), PRED) == pytest.approx(expected)
