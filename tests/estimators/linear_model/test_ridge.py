"""Ridge finds what scikit-learn's does, whatever the blocks and the engine."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.linear_model
from sklearn.datasets import load_diabetes

import dsarray as ds
from estimators.linear_model import Ridge

X, y = load_diabetes(return_X_y=True)
BOTH = np.column_stack([y, X[:, 0] + y**0.5])
WEIGHTS = np.random.default_rng(0).random(len(y))
PARAMETERS = [{}, {"alpha": 0.01}, {"fit_intercept": False}, {"positive": True, "alpha": 0.1}, {"solver": "svd"}]


def assert_same(ours, theirs, rtol=1e-8):
    for name in ("coef_", "intercept_"):
        expected, found = getattr(theirs, name), getattr(ours, name)
        assert np.shape(found) == np.shape(expected)
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * np.abs(expected).max())


@pytest.mark.parametrize("block_size", [40, (200, 3)])
@pytest.mark.parametrize("sample_weight", [None, WEIGHTS], ids=["", "weighted"])
@pytest.mark.parametrize("targets", [y, BOTH], ids=["1-D", "two"])
@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_finds_and_predicts_what_scikit_learn_does(parameters, targets, sample_weight, block_size):
    theirs = sklearn.linear_model.Ridge(**parameters).fit(X, targets, sample_weight)
    cut = ds.array(X, block_size=block_size)
    ours = Ridge(**parameters).fit(cut, targets, sample_weight)
    assert_same(ours, theirs)
    np.testing.assert_allclose(ours.predict(cut).collect(), theirs.predict(X))


def test_each_target_may_have_its_alpha():
    theirs = sklearn.linear_model.Ridge([0.1, 10]).fit(X, BOTH)
    assert_same(Ridge([0.1, 10]).fit(ds.array(X, block_size=50), BOTH), theirs)


def test_no_penalty_and_features_that_depend_on_each_other():
    wide = np.column_stack([X, X[:, :2] @ [[1.0], [2.0]]])
    theirs = sklearn.linear_model.Ridge(1e-3).fit(wide, y)
    assert_same(Ridge(1e-3).fit(ds.array(wide, block_size=50), y), theirs, rtol=1e-6)
    assert_same(Ridge(0).fit(ds.array(X, block_size=50), y), sklearn.linear_model.Ridge(0).fit(X, y), rtol=1e-6)


def test_sparse_rows_give_the_same_as_dense_ones():
    sparse = scipy.sparse.csr_array(np.where(X > 0, X, 0))
    theirs = sklearn.linear_model.Ridge(0.1).fit(sparse.toarray(), y)
    assert_same(Ridge(0.1).fit(ds.array(sparse, block_size=50), y), theirs)


def test_engine_does_not_change_the_result(on_every_engine):
    assert_same(Ridge().fit(ds.array(X, block_size=100), y), sklearn.linear_model.Ridge().fit(X, y))


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_without_a_penalty_features_may_depend_on_each_other_and_have_any_units(fit_intercept):
    wide = np.column_stack([X, X[:, :2] @ [[1.0], [2.0]], X[:, 3] / 3, X[:, 0] * 2 - X[:, 1] / 7]) * 10.0 ** np.r_[-6:7]
    expected = sklearn.linear_model.LinearRegression(fit_intercept=fit_intercept).fit(X, BOTH).predict(X)
    ours = Ridge(0, fit_intercept=fit_intercept)
    for targets, values in ((BOTH, expected), (y, expected[:, 0]), (y[:, None], expected[:, 0])):
        np.testing.assert_allclose(ours.fit(ds.array(wide, block_size=50), targets).predict(wide), values, rtol=1e-6)
        theirs = sklearn.linear_model.Ridge(fit_intercept=fit_intercept).fit(wide, targets)
        assert np.shape(ours.coef_) == theirs.coef_.shape
        assert np.shape(ours.intercept_) == np.shape(theirs.intercept_)
        assert abs(ours.coef_ * wide.std(axis=0)).max() < 1e3


def test_wrong_parameters_are_named():
    with pytest.raises(ValueError, match="'alpha' parameter of Ridge must be"):
        Ridge(-1).fit(ds.array(X), y)
    for alpha in ([0, 0, 0], [1, 1, 1]):
        with pytest.raises(ValueError, match="Number of targets and number of penalties do not correspond: 3 != 2"):
            Ridge(alpha).fit(ds.array(X), BOTH)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("solver", ["auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"])
def test_what_scikit_learn_refuses_is_refused(solver, positive, fit_intercept):
    parameters = {"solver": solver, "positive": positive, "fit_intercept": fit_intercept}
    for rows in (X, scipy.sparse.csr_array(X), X[:5], scipy.sparse.csr_array(X[:5])):
        try:
            sklearn.linear_model.Ridge(**parameters).fit(rows, y[: rows.shape[0]])
        except (TypeError, ValueError) as error:
            kind = type(error)
        else:
            kind = None
        for given in (rows, ds.array(rows, block_size=100)):
            if kind is None:
                Ridge(**parameters).fit(given, y[: rows.shape[0]])
            else:
                with pytest.raises(kind, match=rf"Ridge\.fit: solver='{solver}' .*; take "):
                    Ridge(**parameters).fit(given, y[: rows.shape[0]])
