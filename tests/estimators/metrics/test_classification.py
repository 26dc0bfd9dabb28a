"""Metrics of classes on ds-arrays give what scikit-learn's give on ndarrays."""

import numpy as np
import pytest
import sklearn.metrics

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
        (np.ones((50, 2)), PRED, "y_true has shape"),
        (TRUE[:0], PRED[:0], "0 sample"),
    ],
)
def test_what_makes_no_sense_is_refused(true, pred, words, engine):
    with pytest.raises(ValueError, match=words):
        metrics.accuracy_score(ds.array(true, block_size=20), pred)
    engine._failures.clear()  # those of the other tasks


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_log_loss_is_that_of_scikit_learn(weights):
    proba = rng.dirichlet(np.ones(4), 50)
    expected = sklearn.metrics.log_loss(TRUE, proba, sample_weight=weights)
    for size in (7, 50, 1):
        found = metrics.log_loss(ds.array(TRUE, block_size=size), ds.array(proba, block_size=9), sample_weight=weights)
        assert found == pytest.approx(expected, rel=1e-12)
    assert metrics.log_loss(TRUE, proba) == sklearn.metrics.log_loss(TRUE, proba)
    binary = (TRUE > 1).astype(int)
    expected = sklearn.metrics.log_loss(binary, proba[:, 0], normalize=False)
    assert metrics.log_loss(ds.array(binary, block_size=9), proba[:, 0], normalize=False) == pytest.approx(expected)


def test_log_loss_of_one_class_asks_for_labels():
    ones, proba = ds.ones(4, block_size=2), np.full((4, 2), 0.5)
    with pytest.raises(ValueError, match="labels"):
        metrics.log_loss(ones, proba)
    assert metrics.log_loss(ones, proba, labels=[0, 1]) == pytest.approx(np.log(2))
