"""Few rows have the products of many, and the rank that they have."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.linear_model

import dsarray as ds
from estimators.linear_model import ElasticNet, Lasso, LinearRegression, Ridge
from estimators.linear_model._condensed import take_root

rng = np.random.default_rng(0)


@pytest.mark.parametrize("units", [1.0, 10.0 ** np.arange(-6, 2)], ids=["alike", "units"])
def test_products_are_kept(units):
    X, y = rng.standard_normal((100, 8)) * units, rng.standard_normal((100, 2))
    root, aims = take_root(X.T @ X, X.T @ y, (y**2).sum(axis=0))
    assert root.shape == (9, 8)
    scale = np.sqrt((X**2).sum(axis=0))
    np.testing.assert_allclose(root.T @ root / np.outer(scale, scale), X.T @ X / np.outer(scale, scale), atol=1e-12)
    np.testing.assert_allclose(root.T @ aims, X.T @ y, rtol=1e-9)
    np.testing.assert_allclose((aims**2).sum(axis=0), (y**2).sum(axis=0))


def test_features_that_depend_on_others_do_not_count():
    X = rng.standard_normal((100, 3)) @ rng.standard_normal((3, 6)) * 10.0 ** np.arange(6)
    root, _ = take_root(X.T @ X, X.T @ X[:, :1], (X[:, :1] ** 2).sum(axis=0))
    assert root.any(axis=1).sum() == 3
    assert np.linalg.matrix_rank(root / np.sqrt((X**2).sum(axis=0))) == 3


def test_nothing_at_all_has_rank_0():
    root, aims = take_root(np.zeros((2, 2)), np.zeros((2, 1)), np.ones(1))
    assert not root.any()
    np.testing.assert_allclose(aims, [[0], [0], [1]])


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
