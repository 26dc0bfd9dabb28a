"""Few rows have the products of many, and the rank that they have."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.linear_model
from sklearn.base import clone

import dsarray as ds
from estimators.linear_model import ElasticNet, Lasso, LinearRegression, Ridge
from estimators.linear_model._condensed import take_root

rng = np.random.default_rng(0)


@pytest.mark.parametrize("units", [1.0, 10.0 ** np.arange(-6, 2)], ids=["alike", "units"])
def test_products_are_kept(units):
    X, y = rng.standard_normal((100, 8)) * units, rng.standard_normal((100, 2))
    root, aims = take_root(X.T @ X, X.T @ y, (y**2).sum(axis=0), 0)
    assert root.shape == (9, 8)
    scale = np.sqrt((X**2).sum(axis=0))
    np.testing.assert_allclose(root.T @ root / np.outer(scale, scale), X.T @ X / np.outer(scale, scale), atol=1e-12)
    np.testing.assert_allclose(root.T @ aims, X.T @ y, rtol=1e-9)
    np.testing.assert_allclose((aims**2).sum(axis=0), (y**2).sum(axis=0))


def test_features_that_depend_on_others_do_not_count():
    X = rng.standard_normal((100, 3)) @ rng.standard_normal((3, 6)) * 10.0 ** np.arange(6)
    root, _ = take_root(X.T @ X, X.T @ X[:, :1], (X[:, :1] ** 2).sum(axis=0), 0)
    assert root.any(axis=1).sum() == 3
    assert np.linalg.matrix_rank(root / np.sqrt((X**2).sum(axis=0))) == 3


def test_nothing_at_all_has_rank_0():
    root, aims = take_root(np.zeros((2, 2)), np.zeros((2, 1)), np.ones(1), 0)
    assert not root.any()
    np.testing.assert_allclose(aims, [[0], [0], [1]])


def test_features_that_are_noise_are_left_out():
    gram = np.array([[4.0, 1e-9], [1e-9, 1e-16]])
    root, aims = take_root(gram, np.array([[2.0], [1e-8]]), np.full(1, 2.0), np.full(2, 2e-16))
    np.testing.assert_allclose(root.T @ root, [[4, 0], [0, 0]])
    np.testing.assert_allclose(root.T @ aims, [[2], [0]])


EXACT = [
    LinearRegression(),
    LinearRegression(positive=True),
    Ridge(alpha=0),
    Ridge(alpha=1e-12),
    ElasticNet(alpha=0, tol=1e-12),
    Lasso(alpha=0, tol=1e-12),
]
"""What minimises the squared residuals."""


def draw_column(column, seed=5):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=(40, 2)), column])
    return X, X[:, 0] + 0.1 * X[:, 1] + rng.normal(size=40), rng.choice([0, 0.5, 3], 40)


@pytest.mark.filterwarnings("ignore:With alpha=0", "ignore:Objective did not converge")
@pytest.mark.parametrize("model", EXACT, ids=str)
@pytest.mark.parametrize("kind", [np.asarray, ds.array, scipy.sparse.csr_array])
def test_features_that_do_not_vary_get_coefficients_of_0(model, kind):
    if model.positive and kind is scipy.sparse.csr_array:
        pytest.skip("dense only")
    for seed, constant in enumerate([0.1, 1 / 3, -1e6 / 3, 1e-9] * 5):
        X, y, weights = draw_column(np.full(40, constant), seed)
        given = ds.array(X, block_size=(6, -1)) if kind is ds.array else kind(X)
        for each in (None, weights):
            expected = sklearn.linear_model.LinearRegression(positive=model.positive).fit(X[:, :2], y, each).coef_
            np.testing.assert_allclose(model.fit(given, y, each).coef_, [*expected, 0], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("model", EXACT[:4], ids=str)
def test_features_that_do_not_vary_in_rows_that_count_get_coefficients_of_0(model):
    X, y, weights = draw_column(np.full(40, 0.1))
    X[weights == 0, 2] = 1e10
    for block_size in (1, 6, 40):
        coef = model.fit(ds.array(X, block_size=(block_size, -1)), y, weights).coef_
        np.testing.assert_allclose(coef[2], 0, atol=1e-30)


@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("model", EXACT[:4], ids=str)
def test_features_that_vary_little_or_between_blocks_only_count(model, fit_intercept, sparse):
    rng = np.random.default_rng(0)
    steps = np.repeat([0.1, 0.2, 0.3, 0.4], 10)
    for column in (1e6 + 1e-3 * rng.normal(size=40), steps, 1e6 + 1e-3 * steps):
        X, y, _ = draw_column(column)
        y = y + 2 * (column - column.mean()) / column.std()
        expected = sklearn.linear_model.LinearRegression(
            fit_intercept=fit_intercept, tol=1e-14, positive=model.positive
        ).fit(X, y)
        rows = ds.array(scipy.sparse.csr_array(X) if sparse and not model.positive else X, block_size=(10, -1))
        ours = clone(model).set_params(fit_intercept=fit_intercept, tol=1e-14).fit(rows, y)
        scale = [1, 1, column.std()]
        np.testing.assert_allclose(ours.coef_ * scale, expected.coef_ * scale, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("model", EXACT[:4], ids=str)
def test_features_that_do_not_vary_count_without_an_intercept(model):
    X, y, weights = draw_column(np.full(40, 0.1))
    theirs = sklearn.linear_model.LinearRegression(fit_intercept=False, positive=model.positive).fit(X, y + 5, weights)
    ours = clone(model).set_params(fit_intercept=False)
    ours.fit(ds.array(X, block_size=(6, -1)), y + 5, weights)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6)
    assert ours.coef_[2] > 1


@pytest.mark.parametrize("kind", [LinearRegression, Ridge, Lasso, ElasticNet])
@pytest.mark.parametrize("sparse", [False, True])
def test_rows_that_are_no_more_than_features_are_given_to_scikit_learn(kind, sparse):
    X, y, weights = rng.standard_normal((20, 40)), rng.standard_normal(20), rng.random(20)
    X = scipy.sparse.csr_array(np.where(X > 0, X, 0)) if sparse else X
    theirs = getattr(sklearn.linear_model, kind.__name__)().fit(X, y, weights)
    for given in (X, ds.array(X, block_size=7)):
        ours = kind().fit(given, y, ds.array(weights))
        np.testing.assert_allclose(ours.coef_, theirs.coef_)
        np.testing.assert_allclose(ours.predict(ds.array(X)).collect(), theirs.predict(X))
