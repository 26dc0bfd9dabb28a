"""Losses are those of scikit-learn; gradients and second derivatives are what differences say."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.metrics import log_loss

from estimators.linear_model._losses import BINOMIAL, MULTINOMIAL, add_slopes, measure_bend, measure_slope
from estimators.linear_model._predictions import decide

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 4))
WEIGHTS = rng.integers(0, 3, 60).astype(float)
CASES = {"binomial": (BINOMIAL, 1, 2), "multinomial": (MULTINOMIAL, 3, 3)}

each_case = pytest.mark.parametrize(("loss", "n_functions", "n_classes"), CASES.values(), ids=CASES)
each_weight = pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["", "weighted"])


def setting(n_functions, n_classes):
    return rng.integers(0, n_classes, 60), rng.standard_normal((n_functions, 5))


def probabilities(coef):
    raw = decide(X, coef[:, :-1], coef[:, -1])
    raw = np.column_stack([np.zeros(60), raw]) if len(coef) == 1 else raw
    shares = np.exp(raw)
    return shares / shares.sum(axis=1, keepdims=True)


@each_case
@each_weight
def test_values_are_those_of_scikit_learn(loss, n_functions, n_classes, weights):
    codes, coef = setting(n_functions, n_classes)
    found = measure_slope(X, codes, weights, coef, loss)
    expected = log_loss(codes, probabilities(coef), sample_weight=weights, labels=range(n_classes))
    np.testing.assert_allclose(found.value / found.weight, expected)
    assert found.weight == (60 if weights is None else weights.sum())


@each_case
@each_weight
@pytest.mark.parametrize("rows", [X, scipy.sparse.csr_array(X)], ids=["dense", "sparse"])
def test_derivatives_are_what_differences_say(loss, n_functions, n_classes, weights, rows):
    codes, coef = setting(n_functions, n_classes)
    found = measure_bend(rows, codes, weights, coef, loss)
    step = 1e-5
    for place in np.ndindex(coef.shape):
        more, less = coef.copy(), coef.copy()
        more[place] += step
        less[place] -= step
        up, down = (measure_slope(rows, codes, weights, each, loss) for each in (more, less))
        np.testing.assert_allclose(found.gradient[place], (up.value - down.value) / (2 * step), atol=1e-6)
        column = np.ravel_multi_index(place, coef.shape)
        np.testing.assert_allclose(
            found.bend[:, column].reshape(coef.shape), (up.gradient - down.gradient) / (2 * step), atol=1e-6
        )


@each_case
def test_parts_and_groups_add_up(loss, n_functions, n_classes, monkeypatch):
    codes, coef = setting(n_functions, n_classes)
    whole = measure_bend(X, codes, WEIGHTS, coef, loss)
    parts = [slice(0, 0), slice(0, 20), slice(20, 60)]
    first, second, third = (measure_bend(X[p], codes[p], WEIGHTS[p], coef, loss) for p in parts)
    monkeypatch.setattr("estimators.linear_model._losses._PART_BYTES", 1)
    for found in (add_slopes(add_slopes(first, second), third), measure_bend(X, codes, WEIGHTS, coef, loss)):
        for expected, each in zip(whole, found, strict=True):
            np.testing.assert_allclose(each, expected)


@each_case
def test_large_numbers_do_not_overflow(loss, n_functions, n_classes):
    codes, coef = setting(n_functions, n_classes)
    found = measure_bend(X, codes, None, coef * 1e4, loss)
    assert np.isfinite(found.value)
    assert np.isfinite(found.gradient).all()
    assert np.isfinite(found.bend).all()
