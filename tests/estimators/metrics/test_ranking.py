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


@pytest.mark.parametrize(("how", "words"), [({"max_fpr": 0.5}, "max_fpr"), ({"average": "micro"}, "average")])
def test_what_is_not_supported_is_refused(how, words):
    with pytest.raises(NotImplementedError, match=words):
        roc_auc_score(ds.array(TRUE, block_size=50), SCORES, **how)


def test_what_makes_no_sense_is_refused(engine):
    three = ds.array(rng.integers(0, 3, 200), block_size=50)
    with pytest.raises(ValueError, match="multi_class"):
        roc_auc_score(three, rng.random((200, 3)))
    with pytest.raises(ValueError, match="number of columns"):
        roc_auc_score(three, rng.random((200, 2)), multi_class="ovr")
    with pytest.raises(ValueError, match="NaN"):
        roc_auc_score(ds.array(TRUE, block_size=50), np.where(TRUE, np.nan, 1.0))
    engine._failures.clear()  # those of the other tasks
