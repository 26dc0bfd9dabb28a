"""Losses of probabilities on ds-arrays are scikit-learn's."""

import numpy as np
import pytest
import sklearn.metrics
from sklearn.exceptions import UndefinedMetricWarning

import dsarray as ds
from estimators import metrics

rng = np.random.default_rng(0)
TRUE = rng.integers(0, 4, 50)
PROBA = rng.dirichlet(np.ones(4), 50)
WEIGHTS = rng.integers(0, 3, 50) * 0.5

NAMES = ["log_loss", "brier_score_loss", "d2_log_loss_score", "d2_brier_score"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_losses_of_several_classes_are_those_of_scikit_learn(name, weights):
    ours, theirs = getattr(metrics, name), getattr(sklearn.metrics, name)
    expected = theirs(TRUE, PROBA, sample_weight=weights)
    assert ours(TRUE, PROBA, sample_weight=weights) == expected
    for size in (7, 50, 1):
        found = ours(ds.array(TRUE, block_size=size), ds.array(PROBA, block_size=9), sample_weight=weights)
        assert found == pytest.approx(expected, rel=1e-12)
    narrow = PROBA.astype(np.float32)
    assert ours(ds.array(TRUE, block_size=9), narrow) == pytest.approx(theirs(TRUE, narrow), rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_losses_of_two_classes_are_those_of_scikit_learn(name, weights):
    ours, theirs = getattr(metrics, name), getattr(sklearn.metrics, name)
    proba = PROBA[:, 0]
    for labels in ((0, 1), (-1, 1), (3, 5)):
        true = np.where(TRUE > 1, labels[1], labels[0])
        for given in (proba, proba[:, None], np.column_stack([1 - proba, proba])):
            expected = theirs(true, given, sample_weight=weights)
            assert ours(ds.array(true, block_size=9), given, sample_weight=weights) == pytest.approx(expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_classes_may_be_indicators(name, weights):
    ours, theirs = getattr(metrics, name), getattr(sklearn.metrics, name)
    true = (TRUE[:, None] == np.arange(4)).astype(int)
    for given in (true, (rng.random((50, 4)) < 0.5).astype(int)):
        expected = theirs(given, PROBA, sample_weight=weights)
        assert ours(ds.array(given, block_size=(9, 3)), PROBA, sample_weight=weights) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["brier_score_loss", "d2_brier_score"])
def test_a_single_column_is_of_the_class_that_is_named(name):
    ours, theirs = getattr(metrics, name), getattr(sklearn.metrics, name)
    words = np.where(TRUE > 1, "yes", "no")
    for label in ("yes", "no"):
        expected = theirs(words, PROBA[:, 0], pos_label=label)
        assert ours(ds.array(words, block_size=9), PROBA[:, 0], pos_label=label) == pytest.approx(expected)
    with pytest.raises(ValueError, match="pos_label"):
        ours(ds.array(words, block_size=9), PROBA[:, 0])
    with pytest.raises(ValueError, match="should be binary"):
        ours(ds.array(TRUE, block_size=9), PROBA[:, 0])


def test_sums_and_halves_are_taken():
    expected = sklearn.metrics.log_loss(TRUE, PROBA, normalize=False, sample_weight=WEIGHTS)
    found = metrics.log_loss(ds.array(TRUE, block_size=9), PROBA, normalize=False, sample_weight=WEIGHTS)
    assert found == pytest.approx(expected)
    for half in (True, False):
        expected = sklearn.metrics.brier_score_loss(TRUE, PROBA, scale_by_half=half)
        assert metrics.brier_score_loss(ds.array(TRUE, block_size=9), PROBA, scale_by_half=half) == pytest.approx(
            expected
        )


@pytest.mark.parametrize("name", NAMES)
def test_one_class_asks_for_labels(name):
    ours, theirs = getattr(metrics, name), getattr(sklearn.metrics, name)
    ones, proba = np.ones(4), rng.dirichlet(np.ones(3), 4)
    with pytest.raises(ValueError, match="labels"):
        ours(ds.array(ones, block_size=2), proba)
    with np.errstate(divide="ignore"):
        expected = theirs(ones, proba, labels=[0, 1, 2])
        assert ours(ds.array(ones, block_size=2), proba, labels=[0, 1, 2]) == pytest.approx(expected)


def test_one_sample_has_no_share():
    for name in NAMES[2:]:
        with pytest.warns(UndefinedMetricWarning):
            assert np.isnan(getattr(metrics, name)(ds.array([1]), [[0.5, 0.5]]))


def test_empty_blocks_are_ordinary(on_every_engine):
    cut = ds.array(TRUE, block_size=((0, 1, 0, 49),))
    for name in NAMES:
        expected = getattr(sklearn.metrics, name)(TRUE, PROBA)
        assert getattr(metrics, name)(cut, PROBA) == pytest.approx(expected)


def test_probabilities_are_between_0_and_1(engine):
    for name in NAMES:
        with pytest.raises(ValueError, match="greater than 1"):
            getattr(metrics, name)(ds.array(TRUE, block_size=9), PROBA + 1)
    engine._failures.clear()  # those of the other tasks
