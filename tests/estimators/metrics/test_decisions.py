"""Metrics of scores of classes on ds-arrays are scikit-learn's."""

import numpy as np
import pytest
import sklearn.metrics
from sklearn.exceptions import UndefinedMetricWarning

import dsarray as ds
from estimators.metrics import hinge_loss, top_k_accuracy_score

rng = np.random.default_rng(0)
TRUE = rng.integers(0, 4, 50)
SCORES = rng.normal(size=(50, 4)).round(1)
WEIGHTS = rng.integers(0, 3, 50) * 0.5
weighted = pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])


@weighted
@pytest.mark.parametrize("size", [7, 50, 1])
def test_the_hinge_loss_is_that_of_scikit_learn(weights, size):
    theirs = sklearn.metrics.hinge_loss
    for true, scores in ((TRUE, SCORES), (np.where(TRUE > 1, "b", "a"), SCORES[:, 0]), (TRUE * 0, SCORES[:, :1])):
        expected = theirs(true, scores, sample_weight=weights)
        assert hinge_loss(true, scores, sample_weight=weights) == expected
        found = hinge_loss(ds.array(true, block_size=size), ds.array(scores, block_size=9), sample_weight=weights)
        assert found == pytest.approx(expected)
    some = np.minimum(TRUE, 1)
    found = hinge_loss(ds.array(some, block_size=size), SCORES, labels=[0, 1, 2, 3], sample_weight=weights)
    assert found == pytest.approx(theirs(some, SCORES, labels=[0, 1, 2, 3], sample_weight=weights))


@weighted
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_first_classes_are_those_of_scikit_learn(weights, normalize, k):
    how = {"k": k, "normalize": normalize, "sample_weight": weights}
    theirs = sklearn.metrics.top_k_accuracy_score
    some = np.minimum(TRUE, 1)
    for true, scores, labels in ((TRUE, SCORES, None), (some, SCORES, range(4)), (TRUE, SCORES.round(), None)):
        expected = theirs(true, scores, labels=labels, **how)
        for size in (7, 50):
            cut = ds.array(true, block_size=size)
            assert top_k_accuracy_score(cut, scores, labels=labels, **how) == pytest.approx(expected)


@weighted
def test_of_two_classes_the_threshold_depends_on_all_scores(weights):
    true = np.where(TRUE > 1, "b", "a")
    for scores in (SCORES[:, 0], rng.random(50), np.append(rng.random(49), -1)):
        expected = sklearn.metrics.top_k_accuracy_score(true, scores, k=1, sample_weight=weights)
        found = top_k_accuracy_score(ds.array(true, block_size=9), scores, k=1, sample_weight=weights)
        assert found == pytest.approx(expected)
    with pytest.warns(UndefinedMetricWarning, match="meaningless"):
        assert top_k_accuracy_score(ds.array(true, block_size=9), SCORES[:, 0]) == 1.0


def test_it_works_the_same_on_every_engine(on_every_engine):
    expected = sklearn.metrics.top_k_accuracy_score(TRUE, SCORES)
    assert top_k_accuracy_score(ds.array(TRUE, block_size=((0, 1, 49),)), SCORES) == pytest.approx(expected)


def test_what_makes_no_sense_is_refused(engine):
    cut = ds.array(TRUE, block_size=9)
    with pytest.raises(ValueError, match="1d array"):
        hinge_loss(cut, SCORES[:, 0])
    with pytest.raises(ValueError, match="include all labels"):
        hinge_loss(cut, SCORES[:, :3])
    with pytest.raises(ValueError, match="number of classes"):
        top_k_accuracy_score(cut, SCORES[:, :3])
    with pytest.raises(ValueError, match="must be ordered"):
        top_k_accuracy_score(cut, SCORES, labels=[3, 2, 1, 0])
    with pytest.raises(ValueError, match="NaN"):
        top_k_accuracy_score(cut, np.where(SCORES > 0, np.nan, 0))
    engine._failures.clear()  # those of the other tasks
