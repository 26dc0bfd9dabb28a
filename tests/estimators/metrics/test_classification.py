"""Metrics of classes on ds-arrays give what scikit-learn's give on ndarrays."""

import numpy as np
import pytest
import sklearn.metrics
from sklearn.exceptions import UndefinedMetricWarning

import dsarray as ds
from dsflow.testing import count_tasks
from estimators import metrics

rng = np.random.default_rng(0)
TRUE, PRED = rng.integers(0, 4, 50), rng.integers(0, 4, 50)
TRUE[:30] = PRED[:30]
WEIGHTS = rng.random(50)

CASES = [
    ("accuracy_score", {}),
    ("accuracy_score", {"normalize": False}),
    ("balanced_accuracy_score", {"adjusted": True}),
    ("confusion_matrix", {}),
    ("confusion_matrix", {"labels": [2, 0, 9], "normalize": "true"}),
    ("hamming_loss", {}),
    ("matthews_corrcoef", {}),
    ("zero_one_loss", {}),
    ("precision_recall_fscore_support", {"beta": 2.0}),
    ("precision_recall_fscore_support", {"average": "macro"}),
    *[
        (name, {"average": average})
        for name in ("precision_score", "recall_score", "f1_score", "jaccard_score")
        for average in ("micro", "macro", "weighted", None)
    ],
    ("fbeta_score", {"beta": 0.5, "average": "macro"}),
]


def same(found, expected):
    if isinstance(expected, tuple):
        assert len(found) == len(expected)
        for ours, theirs in zip(found, expected, strict=True):
            same(ours, theirs)
    elif isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    elif expected is None:
        assert found is None
    else:
        assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("name", "how"), CASES)
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_ds_arrays_give_what_scikit_learn_gives(name, how, weights):
    ours, theirs = getattr(metrics, name), getattr(sklearn.metrics, name)
    expected = theirs(TRUE, PRED, sample_weight=weights, **how)
    same(ours(TRUE, PRED, sample_weight=weights, **how), expected)
    for true, pred in ((7, 7), (50, 1), (13, None)):
        given = ds.array(PRED, block_size=pred) if pred else PRED
        cut = None if weights is None else ds.array(weights, block_size=9)
        same(ours(ds.array(TRUE, block_size=true), given, sample_weight=cut, **how), expected)


def test_binary_labels_words_and_columns_are_taken():
    true, pred = np.array(["no", "yes", "yes", "no"]), np.array(["no", "yes", "no", "no"])
    for y_true in (ds.array(true, block_size=3), ds.array(true[:, None], block_size=2)):
        assert metrics.f1_score(y_true, pred, pos_label="yes") == pytest.approx(2 / 3)
    assert metrics.cohen_kappa_score(ds.array(true, block_size=1), pred) == sklearn.metrics.cohen_kappa_score(
        true, pred
    )


def test_it_works_the_same_on_every_engine(on_every_engine):
    assert metrics.accuracy_score(ds.array(TRUE, block_size=9), PRED) == np.mean(TRUE == PRED)


def test_only_a_table_reaches_the_main_program():
    true = ds.array(rng.integers(0, 3, 10_000), block_size=1000)
    with count_tasks() as tasks:
        metrics.confusion_matrix(true, true)
    assert tasks.count <= 10 + 3


def test_empty_blocks_and_one_row_are_ordinary():
    cut = ds.from_blocks([TRUE[:0], TRUE[:1], TRUE[1:1], TRUE[1:]], ((0, 1, 0, 49),), TRUE.dtype)
    assert metrics.accuracy_score(cut, PRED) == np.mean(TRUE == PRED)
    assert metrics.accuracy_score(ds.array([1]), [1]) == 1.0


@pytest.mark.parametrize(
    ("true", "pred", "words"),
    [
        (TRUE + 0.5, PRED, "continuous is not supported"),
        (np.where(TRUE == 0, np.nan, TRUE), PRED, "NaN"),
        (TRUE, PRED[:-1], "inconsistent numbers of samples"),
        (np.ones((50, 2)), PRED, "can't handle a mix"),
        (TRUE[:0], PRED[:0], "0 sample"),
    ],
)
def test_what_makes_no_sense_is_refused(true, pred, words, engine):
    with pytest.raises(ValueError, match=words):
        metrics.accuracy_score(ds.array(true, block_size=20), pred)
    engine._failures.clear()  # those of the other tasks


@pytest.mark.parametrize("weights", [None, WEIGHTS.round(1) * 5], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"output_dict": True},
        {"labels": [3, 1]},
        {"target_names": ["a", "bc", "d", "long name indeed"], "digits": 4},
    ],
    ids=str,
)
def test_the_report_is_that_of_scikit_learn(weights, how):
    expected = sklearn.metrics.classification_report(TRUE, PRED, sample_weight=weights, **how)
    assert metrics.classification_report(TRUE, PRED, sample_weight=weights, **how) == expected
    found = metrics.classification_report(ds.array(TRUE, block_size=9), PRED, sample_weight=weights, **how)
    if isinstance(expected, str):
        assert found == expected
    else:
        assert list(found) == list(expected)
        for name, values in expected.items():
            assert found[name] == pytest.approx(values)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("labels", [None, [2, 0]])
def test_a_table_of_each_label_is_that_of_scikit_learn(weights, labels):
    how = {"sample_weight": weights, "labels": labels}
    expected = sklearn.metrics.multilabel_confusion_matrix(TRUE, PRED, **how)
    same(metrics.multilabel_confusion_matrix(ds.array(TRUE, block_size=9), PRED, **how), expected)
    with pytest.raises(ValueError, match="Samplewise"):
        metrics.multilabel_confusion_matrix(ds.array(TRUE, block_size=9), PRED, samplewise=True)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_likelihood_ratios_are_those_of_scikit_learn(weights):
    true, pred = TRUE % 2, PRED % 2
    expected = sklearn.metrics.class_likelihood_ratios(true, pred, sample_weight=weights)
    found = metrics.class_likelihood_ratios(ds.array(true, block_size=9), pred, sample_weight=weights)
    assert found == pytest.approx(expected)
    with pytest.raises(ValueError, match="only supports binary"):
        metrics.class_likelihood_ratios(ds.array(TRUE, block_size=9), PRED)
    with pytest.warns(UndefinedMetricWarning, match="No samples were predicted"):
        found = metrics.class_likelihood_ratios(ds.array(true, block_size=9), true * 0, replace_undefined_by=1.0)
    assert found == (1.0, 1.0)
