"""Random data of many kinds: the least objective and the score are as good as scikit-learn's, whatever the blocks."""

import numpy as np
import pytest
import sklearn.linear_model

import dsarray as ds
from estimators.linear_model import ElasticNet, Lasso, LinearRegression, Ridge

KINDS = ["plain", "constant", "copy", "sum", "far", "binary"]
CONSTANTS = [0, 0.1, 1 / 3, 1e6 + 0.1, -7.7, 1e-7]


def draw(rng):
    """Return rows, targets and weights; columns may not vary, depend on others, be far from 0, and have any units."""
    n_rows, n_features = int(rng.integers(2, 80)), int(rng.integers(1, 7))
    if rng.random() < 0.15:
        n_features = n_rows + 2
    X = rng.standard_normal((n_rows, n_features))
    kinds = rng.choice(KINDS, n_features, p=[0.4, 0.2, 0.1, 0.1, 0.1, 0.1])
    X[:, kinds == "binary"] = X[:, kinds == "binary"] > 0
    for i in range(1, n_features):
        if kinds[i] == "copy":
            X[:, i] = -2.5 * X[:, 0]
        if kinds[i] == "sum":
            X[:, i] = X[:, :i] @ rng.standard_normal(i)
    y = X @ rng.standard_normal(n_features) + rng.standard_normal(n_rows) + rng.choice([0, 5, 1000])
    if rng.random() < 0.4:
        X *= 10.0 ** rng.integers(-6, 7, n_features)
    X[:, kinds == "far"] = rng.standard_normal((n_rows, (kinds == "far").sum())) * 1e-3 + 1e6
    X[:, kinds == "constant"] = rng.choice(CONSTANTS, (kinds == "constant").sum())
    weights = [None, rng.random(n_rows) + 0.01, np.r_[1, rng.integers(0, 3, n_rows - 1)].astype(float)]
    return X, y, weights[rng.integers(3)]


def choose(rng, kind):
    parameters = {"fit_intercept": bool(rng.random() < 0.7), "positive": bool(rng.random() < 0.4)}
    if kind is not LinearRegression:
        parameters["alpha"] = float(rng.choice([0, 1e-12, 1e-3, 1]))
    return parameters


def measure(model, X, y, weights):
    """Return the objective and the squared residuals, relative to those of coefficients of 0."""
    alpha, l1_ratio = getattr(model, "alpha", 0.0), {"Lasso": 1.0, "ElasticNet": 0.5}.get(type(model).__name__, 0.0)
    weights = np.ones(len(y)) if weights is None else weights
    residuals = weights @ (y - X @ model.coef_ - model.intercept_) ** 2
    penalty = 2 * l1_ratio * abs(model.coef_).sum() + (1 - l1_ratio) * (model.coef_**2).sum()
    strength = alpha * (weights.sum() if l1_ratio else 1.0)
    offset = np.average(y, weights=weights) if model.fit_intercept else 0.0
    return np.array([residuals + strength * penalty, residuals]) / max(weights @ (y - offset) ** 2, 1e-9)


@pytest.mark.filterwarnings("ignore")  # that scikit-learn advises against alpha=0
@pytest.mark.parametrize("kind", [LinearRegression, Ridge, Lasso, ElasticNet])
def test_objective_and_score_are_as_good_as_those_of_scikit_learn(kind):
    for seed in range(210, 300):
        rng = np.random.default_rng(seed)
        X, y, weights = draw(rng)
        parameters, n_rows = choose(rng, kind), int(rng.choice([1, 3, 7, 100]))
        theirs = getattr(sklearn.linear_model, kind.__name__)(**parameters).fit(X, y, weights)
        ours = kind(**parameters).fit(ds.array(X, block_size=(n_rows, -1)), y, weights)
        found, expected = measure(ours, X, y, weights), measure(theirs, X, y, weights)
        assert found[0] <= expected[0] + 1e-6, (seed, n_rows, ours)
        assert found[1] <= expected[1] + 1e-4, (seed, n_rows, ours)
