"""Deviances and quantiles of errors on ds-arrays are scikit-learn's."""

import numpy as np
import pytest
import sklearn.metrics
from sklearn.exceptions import UndefinedMetricWarning

import dsarray as ds
from estimators import metrics

rng = np.random.default_rng(0)
TRUE = rng.gamma(2, size=(61, 3)).round(1) + 0.1
PRED = (TRUE + rng.normal(0, 0.5, (61, 3))).clip(0.1).round(1)
WEIGHTS = rng.integers(0, 3, 61) * 0.5
weighted = pytest.mark.parametrize("weights", [None, WEIGHTS, rng.random(61)], ids=["plain", "weighted", "fractions"])

OF_OUTPUTS = [
    ("median_absolute_error", {}),
    *[(name, {"alpha": alpha}) for name in ("mean_pinball_loss", "d2_pinball_score") for alpha in (0.0, 0.1, 0.5, 1.0)],
    ("d2_absolute_error_score", {}),
]
OF_VECTORS = [
    ("mean_poisson_deviance", {}),
    ("mean_gamma_deviance", {}),
    *[
        (name, {"power": power})
        for name in ("mean_tweedie_deviance", "d2_tweedie_score")
        for power in (-1, 0, 1, 1.5, 2, 3)
    ],
]


@pytest.mark.parametrize(("name", "how"), OF_OUTPUTS, ids=str)
@weighted
@pytest.mark.parametrize("multioutput", ["raw_values", "uniform_average", [0.2, 0.3, 0.5]], ids=str)
def test_errors_of_outputs_are_those_of_scikit_learn(name, how, weights, multioutput):
    ours, theirs = getattr(metrics, name), getattr(sklearn.metrics, name)
    how = {"sample_weight": weights, "multioutput": multioutput, **how}
    expected = theirs(TRUE, PRED, **how)
    np.testing.assert_array_equal(ours(TRUE, PRED, **how), expected)
    for size in (7, 61, (20, 2)):
        np.testing.assert_allclose(ours(ds.array(TRUE, block_size=size), PRED, **how), expected, rtol=1e-9)


@pytest.mark.parametrize(("name", "how"), [*OF_OUTPUTS, *OF_VECTORS], ids=str)
@weighted
@pytest.mark.parametrize("n", [60, 61])
def test_errors_of_vectors_are_those_of_scikit_learn(name, how, weights, n):
    ours, theirs = getattr(metrics, name), getattr(sklearn.metrics, name)
    how = {"sample_weight": None if weights is None else weights[:n], **how}
    expected = theirs(TRUE[:n, 0], PRED[:n, 0], **how)
    cut = ds.array(TRUE[:n, 0], block_size=((0, 1, 0, n - 1),))
    found = ours(cut, PRED[:n, :1], **how)
    assert isinstance(found, float)
    assert found == pytest.approx(expected, rel=1e-9)
    narrow = TRUE[:n, 0].astype(np.float32), PRED[:n, 0].astype(np.float32)
    assert ours(ds.array(narrow[0], block_size=9), narrow[1], **how) == pytest.approx(expected, rel=1e-4)


def test_the_median_of_many_errors_is_exact():
    true, pred = rng.normal(size=(2, 30_001))
    found = metrics.median_absolute_error(ds.array(true, block_size=4000), pred)
    assert found == np.median(abs(true - pred))


def test_outputs_that_do_not_vary_and_negative_means_are_treated_as_by_scikit_learn():
    true, pred = np.ones((20, 3)), np.ones((20, 3))
    pred[:, 1] = 2
    how = {"multioutput": "raw_values"}
    np.testing.assert_array_equal(
        metrics.d2_absolute_error_score(ds.array(true, block_size=9), pred, **how),
        sklearn.metrics.d2_absolute_error_score(true, pred, **how),
    )
    below = -TRUE[:, 0]
    expected = sklearn.metrics.d2_tweedie_score(below, PRED[:, 0], power=-1)
    assert metrics.d2_tweedie_score(ds.array(below, block_size=9), PRED[:, 0], power=-1) == pytest.approx(expected)


def test_one_sample_has_no_share():
    for name in ("d2_pinball_score", "d2_tweedie_score", "d2_absolute_error_score"):
        with pytest.warns(UndefinedMetricWarning):
            assert np.isnan(getattr(metrics, name)(ds.array([1.0]), [2.0]))


def test_it_works_the_same_on_every_engine(on_every_engine):
    for name in ("median_absolute_error", "d2_pinball_score"):
        expected = getattr(sklearn.metrics, name)(TRUE, PRED, sample_weight=WEIGHTS)
        found = getattr(metrics, name)(ds.array(TRUE, block_size=9), PRED, sample_weight=WEIGHTS)
        assert found == pytest.approx(expected)


def test_what_makes_no_sense_is_refused(engine):
    cut = ds.array(TRUE, block_size=20)
    with pytest.raises(ValueError, match="strictly positive"):
        metrics.mean_gamma_deviance(cut[:, 0], -PRED[:, 0])
    with pytest.raises(ValueError, match="y_true has shape"):
        metrics.mean_poisson_deviance(cut, PRED)
    with pytest.raises(ValueError, match="different number of output"):
        metrics.median_absolute_error(cut, PRED[:, :2])
    with pytest.raises(ValueError, match="NaN"):
        metrics.median_absolute_error(cut, PRED * np.nan)
    with pytest.raises(ValueError, match="only in multi-output"):
        metrics.median_absolute_error(cut[:, 0], PRED[:, 0], multioutput=[1.0])
    for name in ("mean_pinball_loss", "median_absolute_error", "d2_absolute_error_score"):
        with pytest.raises(ValueError, match="at least one non-zero"):
            getattr(metrics, name)(cut, PRED, sample_weight=np.zeros(61))
    with pytest.raises(ValueError, match="strictly positive"):
        metrics.mean_gamma_deviance(cut[:, 0] * (np.arange(61) < 60), PRED[:, 0], sample_weight=np.arange(61) < 20)
    engine._failures.clear()  # those of the other tasks
