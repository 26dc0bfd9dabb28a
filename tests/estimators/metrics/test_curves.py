"""Curves over thresholds on ds-arrays are scikit-learn's, point by point, whatever the blocks are."""

import numpy as np
import pytest
import sklearn.metrics
from sklearn.exceptions import UndefinedMetricWarning

import dsarray as ds
from estimators import metrics

rng = np.random.default_rng(0)
TRUE = rng.integers(0, 2, 80)
SCORES = TRUE * 0.3 + rng.random(80)
WHOLE = rng.integers(0, 3, 80).astype(float)
PARTS = rng.random(80)

CURVES = ["roc_curve", "precision_recall_curve", "det_curve", "confusion_matrix_at_thresholds"]


def same(found, expected):
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert isinstance(ours, ds.Array)
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours.collect(), theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("weights", [None, WHOLE], ids=["plain", "weighted"])
@pytest.mark.parametrize("decimals", [9, 1, 0])
def test_curves_are_those_of_scikit_learn_with_ties_too(name, weights, decimals):
    ours, theirs = getattr(metrics, name), getattr(sklearn.metrics, name)
    scores = SCORES.round(decimals)
    for how in [{}] if name == CURVES[-1] else [{"drop_intermediate": True}, {"drop_intermediate": False}]:
        expected = theirs(TRUE, scores, sample_weight=weights, **how)
        for mine, his in zip(ours(TRUE, scores, sample_weight=weights, **how), expected, strict=True):
            np.testing.assert_array_equal(mine, his)
        for size, other in ((80, 80), (30, 7)):
            true, given = ds.array(TRUE, block_size=size), ds.array(scores, block_size=other)
            same(ours(true, given, sample_weight=weights, **how), expected)


@pytest.mark.parametrize("name", CURVES)
def test_weights_may_be_fractions(name):
    ours, theirs = getattr(metrics, name), getattr(sklearn.metrics, name)
    how = {} if name == CURVES[-1] else {"drop_intermediate": False}
    weights = ds.array(PARTS, block_size=13)
    same(
        ours(TRUE, SCORES.round(1), sample_weight=weights, **how),
        theirs(TRUE, SCORES.round(1), sample_weight=PARTS, **how),
    )


@pytest.mark.parametrize("name", CURVES)
def test_words_and_several_classes_have_a_pos_label(name):
    ours, theirs = getattr(metrics, name), getattr(sklearn.metrics, name)
    words = np.where(TRUE > 0, "yes", "no")
    narrow = SCORES.astype(np.float32)
    same(ours(ds.array(words, block_size=30), narrow, pos_label="yes"), theirs(words, narrow, pos_label="yes"))
    with pytest.raises(ValueError, match="pos_label"):
        ours(ds.array(words, block_size=30), SCORES)
    three = rng.integers(0, 3, 80)
    with pytest.raises(ValueError, match="multiclass format is not supported"):
        ours(ds.array(three, block_size=30), SCORES)
    if name != "det_curve":
        same(ours(ds.array(three, block_size=30), SCORES, pos_label=2), theirs(three, SCORES, pos_label=2))


def test_long_scores_are_sorted_in_blocks():
    true = rng.integers(0, 2, 40_000)
    scores = (true + rng.normal(size=40_000)).round(2)
    found = metrics.roc_curve(ds.array(true, block_size=9000), ds.array(scores, block_size=9000))
    same(found, sklearn.metrics.roc_curve(true, scores))
    assert metrics.auc(*found[:2]) == pytest.approx(sklearn.metrics.roc_auc_score(true, scores))


def test_one_class_is_warned_of():
    ones = np.ones(6, int)
    for true in (ones, ones - 1):
        with pytest.warns(UndefinedMetricWarning, match="samples in y_true"):
            same(
                metrics.roc_curve(ds.array(true, block_size=4), SCORES[:6]), sklearn.metrics.roc_curve(true, SCORES[:6])
            )
    with pytest.warns(UserWarning, match="recall is set to one"):
        found = metrics.precision_recall_curve(ds.array(ones - 1, block_size=4), SCORES[:6])
    with pytest.warns(UserWarning, match="recall is set to one"):
        same(found, sklearn.metrics.precision_recall_curve(ones - 1, SCORES[:6]))
    with pytest.raises(ValueError, match="Only one class"):
        metrics.det_curve(ds.array(ones, block_size=4), SCORES[:6])


@pytest.mark.parametrize("average", ["micro", "macro", "weighted", "samples", None])
@pytest.mark.parametrize("weights", [None, WHOLE], ids=["plain", "weighted"])
def test_average_precision_of_several_classes(average, weights):
    three, proba = rng.integers(0, 3, 80), rng.dirichlet(np.ones(3), 80).round(1)
    both = (rng.random((80, 3)) < 0.5).astype(int)
    both[0] = 1
    for true in (three, both[both.any(axis=1)]):
        given, heavy = proba[: len(true)], None if weights is None else weights[: len(true)]
        expected = sklearn.metrics.average_precision_score(true, given, average=average, sample_weight=heavy)
        cut = ds.array(true, block_size=(17,) if true.ndim == 1 else (17, 2))
        found = metrics.average_precision_score(cut, given, average=average, sample_weight=heavy)
        np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("weights", [None, PARTS], ids=["plain", "weighted"])
def test_average_precision_of_two_classes(weights):
    for true, label in ((TRUE, 1), (TRUE, 0), (np.where(TRUE, "b", "a"), "b")):
        how = {"pos_label": label, "sample_weight": weights}
        expected = sklearn.metrics.average_precision_score(true, SCORES.round(1), **how)
        found = metrics.average_precision_score(ds.array(true, block_size=9), SCORES.round(1), **how)
        assert found == pytest.approx(expected)
    with pytest.raises(ValueError, match="not a valid label"):
        metrics.average_precision_score(ds.array(TRUE, block_size=9), SCORES, pos_label=7)


def test_the_area_is_that_of_the_trapezoidal_rule():
    x = np.sort(PARTS)
    for points in (x, x[::-1]):
        assert metrics.auc(ds.array(points, block_size=9), SCORES) == pytest.approx(sklearn.metrics.auc(points, SCORES))
    with pytest.raises(ValueError, match="neither increasing nor decreasing"):
        metrics.auc(ds.array(PARTS, block_size=9), SCORES)
    with pytest.raises(ValueError, match="At least 2 points"):
        metrics.auc(ds.ones(1), [1.0])


def test_it_works_the_same_on_every_engine(on_every_engine):
    same(metrics.roc_curve(ds.array(TRUE, block_size=30), SCORES), sklearn.metrics.roc_curve(TRUE, SCORES))


@pytest.mark.parametrize(
    ("true", "scores", "weights", "words"),
    [
        (TRUE, np.where(TRUE, np.nan, 1.0), None, "NaN"),
        (TRUE, SCORES[:-1], None, "inconsistent numbers of samples"),
        (TRUE + 0.5, SCORES, None, "continuous"),
        (TRUE, SCORES, np.zeros(80), "weight 0"),
        (TRUE, SCORES, -PARTS, "negative"),
    ],
)
def test_what_makes_no_sense_is_refused(true, scores, weights, words, engine):
    with pytest.raises(ValueError, match=words):
        metrics.roc_curve(ds.array(true, block_size=30), scores, sample_weight=weights)
    engine._failures.clear()  # those of the other tasks
