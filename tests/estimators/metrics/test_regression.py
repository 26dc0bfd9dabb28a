"""Metrics of regressions on ds-arrays give what scikit-learn's give on ndarrays."""

import numpy as np
import pytest
import sklearn.metrics
from sklearn.exceptions import UndefinedMetricWarning

import dsarray as ds
from estimators import metrics

rng = np.random.default_rng(0)
TRUE = rng.random((60, 3)) + 1000
PRED = TRUE + rng.normal(0, 0.1, (60, 3))
WEIGHTS = rng.random(60)

NAMES = [
    "mean_squared_error",
    "root_mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_log_error",
    "root_mean_squared_log_error",
    "r2_score",
    "explained_variance_score",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("multioutput", ["raw_values", "uniform_average", [0.2, 0.3, 0.5]], ids=str)
def test_ds_arrays_give_what_scikit_learn_gives(name, weights, multioutput):
    ours, theirs = getattr(metrics, name), getattr(sklearn.metrics, name)
    how = {"sample_weight": weights, "multioutput": multioutput}
    expected = theirs(TRUE, PRED, **how)
    np.testing.assert_array_equal(ours(TRUE, PRED, **how), expected)
    for size in (7, 60, 1):
        np.testing.assert_allclose(ours(ds.array(TRUE, block_size=size), PRED, **how), expected, rtol=1e-9)
    cut = None if weights is None else ds.array(weights, block_size=11)
    found = ours(TRUE, ds.array(PRED, block_size=(9, 2)), sample_weight=cut, multioutput=multioutput)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_vectors_and_columns_are_the_same(name):
    ours, theirs = getattr(metrics, name), getattr(sklearn.metrics, name)
    expected = theirs(TRUE[:, 0], PRED[:, 0])
    assert ours(ds.array(TRUE[:, 0], block_size=9), PRED[:, :1]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", ["r2_score", "explained_variance_score"])
@pytest.mark.parametrize("force_finite", [True, False])
def test_outputs_that_do_not_vary_are_treated_as_by_scikit_learn(name, force_finite):
    ours, theirs = getattr(metrics, name), getattr(sklearn.metrics, name)
    true, pred = TRUE.copy(), PRED.copy()
    true[:, :2] = 5.0
    pred[:, 0] = 5.0
    for multioutput in ("raw_values", "variance_weighted"):
        how = {"multioutput": multioutput, "force_finite": force_finite}
        with np.errstate(all="ignore"):
            found, expected = ours(ds.array(true, block_size=9), pred, **how), theirs(true, pred, **how)
        np.testing.assert_allclose(found, expected)


def test_the_greatest_error_is_found():
    assert metrics.max_error(ds.array(TRUE[:, 0], block_size=7), PRED[:, 0]) == abs(TRUE - PRED)[:, 0].max()


def test_one_sample_has_no_share_of_variance():
    with pytest.warns(UndefinedMetricWarning):
        assert np.isnan(metrics.r2_score(ds.array([1.0]), [2.0]))


def test_empty_blocks_and_weights_of_zero_are_ordinary():
    true, pred = TRUE[:, 0], PRED[:, 0]
    cut = ds.from_blocks([true[:0], true[:1], true[1:]], ((0, 1, 59),), float)
    weights = np.ones(60)
    weights[0] = 0
    for name in NAMES:
        expected = getattr(sklearn.metrics, name)(true, pred, sample_weight=weights)
        assert getattr(metrics, name)(cut, pred, sample_weight=weights) == pytest.approx(expected, rel=1e-9)


def test_it_works_the_same_on_every_engine(on_every_engine):
    expected = sklearn.metrics.r2_score(TRUE, PRED)
    assert metrics.r2_score(ds.array(TRUE, block_size=9), PRED) == pytest.approx(expected)


def test_what_makes_no_sense_is_refused():
    cut = ds.array(TRUE, block_size=20)
    with pytest.raises(ValueError, match="different number of output"):
        metrics.r2_score(cut, PRED[:, :2])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        metrics.mean_squared_error(cut, PRED[:-1])
    for name in NAMES:
        with pytest.raises(ValueError, match="at least one non-zero"):
            getattr(metrics, name)(cut, PRED, sample_weight=np.zeros(60))
    with pytest.raises(ValueError, match="multioutput='best' is unknown"):
        metrics.mean_squared_error(cut, PRED, multioutput="best")
