"""The area under the curve, exact whatever the blocks are."""

import numpy as np
import pytest
import sklearn.metrics
from sklearn.exceptions import UndefinedMetricWarning

import dsarray as ds
from estimators.metrics import roc_auc_score

rng = np.random.default_rng(0)
TRUE = rng.integers(0, 2, 200)
SCORES = TRUE * 0.3 + rng.random(200)
WEIGHTS = rng.random(200)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("decimals", [9, 1, 0])
def test_it_is_that_of_scikit_learn_with_ties_too(weights, decimals):
    scores = SCORES.round(decimals)
    expected = sklearn.metrics.roc_auc_score(TRUE, scores, sample_weight=weights)
    assert roc_auc_score(TRUE, scores, sample_weight=weights) == expected
    for size in (200, 30, 1):
        found = roc_auc_score(ds.array(TRUE, block_size=size), ds.array(scores, block_size=17), sample_weight=weights)
        assert found == pytest.approx(expected, rel=1e-12)


def test_long_arrays_are_sorted_in_blocks():
    true = rng.integers(0, 2, 40_000)
    scores = (true + rng.normal(size=40_000)).astype(np.float32)
    expected = sklearn.metrics.roc_auc_score(true, scores)
    assert roc_auc_score(ds.array(true, block_size=9000), ds.array(scores, block_size=9000)) == pytest.approx(expected)


@pytest.mark.parametrize("average", ["macro", "weighted", None])
def test_several_classes_are_taken_one_against_the_rest(average):
    true = rng.integers(0, 3, 90)
    proba = rng.dirichlet(np.ones(3), 90)
    expected = sklearn.metrics.roc_auc_score(true, proba, average=average, multi_class="ovr")
    found = roc_auc_score(
        ds.array(true, block_size=20), ds.array(proba, block_size=7), average=average, multi_class="ovr"
    )
    np.testing.assert_allclose(found, expected)


def test_words_are_classes_too():
    true = np.where(TRUE > 0, "yes", "no")
    assert roc_auc_score(ds.array(true, block_size=50), SCORES) == pytest.approx(
        sklearn.metrics.roc_auc_score(true, SCORES)
    )


def test_one_class_has_no_area():
    with pytest.warns(UndefinedMetricWarning):
        assert np.isnan(roc_auc_score(ds.ones(5, block_size=2), np.arange(5.0)))


def test_it_works_the_same_on_every_engine(on_every_engine):
    expected = sklearn.metrics.roc_auc_score(TRUE, SCORES)
    assert roc_auc_score(ds.array(TRUE, block_size=30), SCORES) == pytest.approx(expected)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("max_fpr", [0.001, 0.3, 0.9, 1.0])
def test_a_part_of_the_area_is_that_of_scikit_learn(max_fpr, weights):
    how = {"max_fpr": max_fpr, "sample_weight": weights}
    for scores in (SCORES, SCORES.round(1)):
        expected = sklearn.metrics.roc_auc_score(TRUE, scores, **how)
        assert roc_auc_score(ds.array(TRUE, block_size=30), scores, **how) == pytest.approx(expected)


@pytest.mark.parametrize("average", ["macro", "weighted"])
def test_several_classes_are_taken_one_against_each_other(average):
    true = rng.integers(0, 3, 90)
    proba = rng.dirichlet(np.ones(3), 90)
    how = {"average": average, "multi_class": "ovo"}
    expected = sklearn.metrics.roc_auc_score(true, proba, **how)
    assert roc_auc_score(ds.array(true, block_size=20), proba, **how) == pytest.approx(expected)
    with pytest.raises(ValueError, match="sample_weight is not supported"):
        roc_auc_score(ds.array(true, block_size=20), proba, sample_weight=np.ones(90), **how)


@pytest.mark.parametrize("average", ["micro", "macro", "weighted", "samples", None])
@pytest.mark.parametrize("weights", [None, WEIGHTS[:90]], ids=["plain", "weighted"])
def test_several_labels_are_averaged(average, weights):
    true, scores = (rng.random((90, 3)) < 0.5).astype(int), rng.random((90, 3)).round(1)
    mixed = true.any(axis=1) & ~true.all(axis=1)
    true, scores, weights = true[mixed], scores[mixed], None if weights is None else weights[mixed]
    how = {"average": average, "sample_weight": weights}
    expected = sklearn.metrics.roc_auc_score(true, scores, **how)
    np.testing.assert_allclose(roc_auc_score(ds.array(true, block_size=(20, 2)), scores, **how), expected)


def test_labels_that_no_sample_has_do_not_count_in_a_weighted_mean():
    true, scores = TRUE[:90, None] * [1, 0], rng.random((90, 2))
    with pytest.warns(UndefinedMetricWarning):
        expected = sklearn.metrics.roc_auc_score(true, scores, average="weighted")
    with pytest.warns(UndefinedMetricWarning):
        found = roc_auc_score(ds.array(true, block_size=(20, 2)), scores, average="weighted")
    assert found == pytest.approx(expected)


def test_micro_averages_take_several_classes_too():
    true, proba = rng.integers(0, 3, 90), rng.dirichlet(np.ones(3), 90)
    how = {"average": "micro", "multi_class": "ovr"}
    expected = sklearn.metrics.roc_auc_score(true, proba, **how)
    assert roc_auc_score(ds.array(true, block_size=20), proba, **how) == pytest.approx(expected)


def test_what_makes_no_sense_is_refused(engine):
    three = ds.array(rng.integers(0, 3, 200), block_size=50)
    with pytest.raises(ValueError, match="multi_class"):
        roc_auc_score(three, rng.random((200, 3)))
    with pytest.raises(ValueError, match="number of columns"):
        roc_auc_score(three, rng.random((200, 2)), multi_class="ovr")
    with pytest.raises(ValueError, match="NaN"):
        roc_auc_score(ds.array(TRUE, block_size=50), np.where(TRUE, np.nan, 1.0))
    with pytest.raises(ValueError, match="sum up to 1"):
        roc_auc_score(three, rng.random((200, 3)), multi_class="ovr")
    with pytest.raises(ValueError, match="average must be one of"):
        roc_auc_score(three, np.full((200, 3), 1 / 3), multi_class="ovo", average="micro")
    with pytest.raises(ValueError, match="y_score has shape"):
        roc_auc_score(ds.array(TRUE, block_size=50), rng.random((200, 2)))
    with pytest.raises(ValueError, match="max_fpr"):
        roc_auc_score(ds.array(TRUE, block_size=50), SCORES, max_fpr=2)
    engine._failures.clear()  # those of the other tasks
