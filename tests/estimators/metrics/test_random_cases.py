"""Random classes, scores, weights and blocks: ds-arrays give scikit-learn's values, or an error where it gives one."""

import numpy as np
import pytest
import sklearn.metrics

import dsarray as ds
from estimators import metrics

OF_CLASSES = [
    "accuracy_score",
    "classification_report",
    "confusion_matrix",
    "f1_score",
    "hamming_loss",
    "jaccard_score",
    "matthews_corrcoef",
    "multilabel_confusion_matrix",
    "zero_one_loss",
]
OF_SCORES = [
    "average_precision_score",
    "brier_score_loss",
    "confusion_matrix_at_thresholds",
    "d2_brier_score",
    "d2_log_loss_score",
    "det_curve",
    "hinge_loss",
    "log_loss",
    "precision_recall_curve",
    "roc_auc_score",
    "roc_curve",
    "top_k_accuracy_score",
]
OF_VALUES = ["d2_absolute_error_score", "d2_pinball_score", "mean_pinball_loss", "median_absolute_error", "r2_score"]


def cut(rng, values):
    """Cut rows anywhere, also into blocks without rows; or leave them as they are."""
    if values is None or rng.random() < 0.2:
        return values
    inner = np.sort(rng.integers(0, len(values) + 1, rng.integers(0, 4)))
    lengths = tuple(np.diff(np.concatenate([[0], inner, [len(values)]])).tolist())
    return ds.array(values, block_size=(lengths, *(-1,) * (values.ndim - 1)))


def draw_classes(rng, n):
    codes = rng.integers(0, rng.integers(1, 5), n)
    kinds = [
        codes,
        np.array(["a", "b", "cc", "d"])[codes],
        codes > 0,
        np.where(codes > 0, 1, -1),
        codes.astype(np.float32),
    ]
    several = (rng.random((n, 3)) < 0.5).astype(int)
    return [*kinds, several][rng.integers(0, 6)]


def draw_weights(rng, n):
    return [None, rng.integers(0, 3, n).astype(float), rng.integers(1, 4, n)][rng.integers(0, 3)]


def draw(rng, name):
    """Return arguments of a metric."""
    n = int(rng.integers(1, 14))
    how = {"sample_weight": draw_weights(rng, n)}
    if name in OF_VALUES:
        shape = (n,) if rng.random() < 0.5 else (n, 2)
        return [rng.gamma(1, size=shape).round(1), rng.gamma(1, size=shape).round(1)], how
    true = draw_classes(rng, n)
    average = ["micro", "macro", "weighted", "samples", None][rng.integers(0, 5)]
    if name in OF_CLASSES:
        if name in ("f1_score", "jaccard_score"):
            how |= {"average": average}
        return [true, true[rng.permutation(n)]], how
    n_columns = true.shape[1] if true.ndim == 2 else len(np.unique(true))
    scores = rng.random((n, n_columns)).round(int(rng.integers(1, 9)))
    if name in ("average_precision_score", "roc_auc_score"):
        how |= {"average": average}
    if name == "roc_auc_score":
        how |= {"multi_class": ["ovr", "ovo"][rng.integers(0, 2)]}
    if rng.random() < 0.7:
        scores = scores / np.maximum(scores.sum(axis=1, keepdims=True), 0.1)
    return [true, scores[:, 0] if n_columns <= 2 and rng.random() < 0.8 else scores], how


def outcome(function, args, how):
    try:
        with np.errstate(all="ignore"):
            return function(*args, **how)
    except (ValueError, TypeError, ZeroDivisionError, IndexError, NotImplementedError) as error:
        return error


def same(found, expected):
    if isinstance(expected, tuple):
        for ours, theirs in zip(found, expected, strict=True):
            same(ours, theirs)
    elif isinstance(expected, str):
        assert found == expected
    else:
        np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [*OF_CLASSES, *OF_SCORES, *OF_VALUES])
def test_any_blocks_give_what_scikit_learn_gives(name, engine):
    ours, theirs = getattr(metrics, name), getattr(sklearn.metrics, name)
    n_compared = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        args, how = draw(rng, name)
        expected = outcome(theirs, args, how)
        given = [ds.array(args[0], block_size=3), *[cut(rng, each) for each in args[1:]]]
        found = outcome(ours, given, how | {"sample_weight": cut(rng, how["sample_weight"])})
        if isinstance(expected, Exception):
            assert isinstance(found, Exception), (seed, expected, found)
        else:
            assert not isinstance(found, Exception), (seed, expected, found)
            same(found, expected)
            n_compared += 1
    engine._failures.clear()
    assert n_compared >= 8
