"""Metrics of several labels for each sample, on ds-arrays, give what scikit-learn's give on ndarrays."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.metrics

import dsarray as ds
from dsflow.testing import count_tasks
from estimators import metrics

rng = np.random.default_rng(0)
TRUE, PRED = (rng.random((50, 4)) < 0.4).astype(int), (rng.random((50, 4)) < 0.4).astype(int)
TRUE[:20] = PRED[:20]
WEIGHTS = rng.integers(0, 4, 50) / 4

AVERAGES = ("micro", "macro", "weighted", "samples", None)
CASES = [
    *[(name, {}) for name in ("accuracy_score", "zero_one_loss", "hamming_loss", "multilabel_confusion_matrix")],
    *[(name, {"normalize": False}) for name in ("accuracy_score", "zero_one_loss")],
    *[
        (name, {"average": average, "zero_division": 0.0, "labels": labels})
        for name in ("precision_score", "recall_score", "f1_score", "jaccard_score")
        for average in AVERAGES
        for labels in (None, [2, 0])
    ],
    *[("precision_recall_fscore_support", {"average": each, "zero_division": 1.0}) for each in AVERAGES],
    ("fbeta_score", {"beta": 0.5, "average": "samples", "zero_division": np.nan}),
    ("multilabel_confusion_matrix", {"labels": [3, 1]}),
]


def same(found, expected):
    if isinstance(expected, tuple):
        for ours, theirs in zip(found, expected, strict=True):
            same(ours, theirs)
    elif isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-12, atol=1e-12)
    else:
        assert found == (None if expected is None else pytest.approx(expected, rel=1e-12))


@pytest.mark.parametrize(("name", "how"), CASES, ids=str)
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_ds_arrays_give_what_scikit_learn_gives(name, how, weights):
    ours, theirs = getattr(metrics, name), getattr(sklearn.metrics, name)
    expected = theirs(TRUE, PRED, sample_weight=weights, **how)
    same(ours(TRUE, PRED, sample_weight=weights, **how), expected)
    for size, other in (((50, 4), (50, 4)), ((7, 2), (9, 4))):
        true, pred = ds.array(TRUE, block_size=size), ds.array(PRED, block_size=other)
        same(ours(true, pred, sample_weight=weights, **how), expected)
    sparse = ds.array(scipy.sparse.csr_matrix(TRUE), block_size=(9, 4))
    same(ours(sparse, PRED.astype(float), sample_weight=weights, **how), expected)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("labels", [None, [2, 0]])
def test_a_table_of_each_sample_is_a_ds_array(weights, labels):
    how = {"sample_weight": weights, "labels": labels, "samplewise": True}
    expected = sklearn.metrics.multilabel_confusion_matrix(TRUE, PRED, **how)
    cut = ds.array(TRUE, block_size=((0, 1, 49), 4))
    found = metrics.multilabel_confusion_matrix(cut, PRED, **how)
    assert isinstance(found, ds.Array)
    same(found, expected)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("labels", [None, [2, 0]])
def test_the_report_is_that_of_scikit_learn(weights, labels):
    how = {"sample_weight": weights, "labels": labels, "zero_division": 0.0}
    cut = ds.array(TRUE, block_size=(9, 4))
    assert metrics.classification_report(cut, PRED, **how) == sklearn.metrics.classification_report(TRUE, PRED, **how)
    found = metrics.classification_report(cut, PRED, output_dict=True, **how)
    expected = sklearn.metrics.classification_report(TRUE, PRED, output_dict=True, **how)
    assert list(found) == list(expected)
    for name, values in expected.items():
        assert found[name] == pytest.approx(values)


def test_only_counts_reach_the_main_program():
    true = ds.array((rng.random((10_000, 3)) < 0.5).astype(int), block_size=(1000, 3))
    with count_tasks() as tasks:
        metrics.f1_score(true, true, average="macro")
    assert tasks.count <= 10 + 3


def test_what_makes_no_sense_is_refused(engine):
    cut = ds.array(TRUE, block_size=(9, 4))
    with pytest.raises(ValueError, match="can't handle a mix"):
        metrics.f1_score(cut, PRED[:, 0], average="macro")
    with pytest.raises(ValueError, match="inconsistent shapes"):
        metrics.f1_score(cut, PRED[:, 1:], average="macro")
    with pytest.raises(ValueError, match="multiclass-multioutput is not supported"):
        metrics.f1_score(cut + 1, PRED, average="macro")
    with pytest.raises(ValueError, match="multilabel-indicator is not supported"):
        metrics.confusion_matrix(cut, PRED)
    for average in ("macro", "samples"):
        with pytest.raises(ValueError, match="All labels must be in"):
            metrics.f1_score(cut, PRED, average=average, labels=[0, 9])
    with pytest.raises(ValueError, match="average='binary'"):
        metrics.f1_score(cut, PRED)
    engine._failures.clear()  # those of the other tasks
