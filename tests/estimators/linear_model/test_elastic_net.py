"""ElasticNet and Lasso take the steps of scikit-learn's to the same end, whatever the blocks and the engine."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.linear_model
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning

import dsarray as ds
from estimators.linear_model import ElasticNet, Lasso

X, y = load_diabetes(return_X_y=True)
BOTH = np.column_stack([y, X[:, 0] + y**0.5])
WEIGHTS = np.random.default_rng(0).random(len(y))
PARAMETERS = [
    {"alpha": 0.1},
    {"alpha": 0.01, "l1_ratio": 0.9},
    {"alpha": 0.1, "fit_intercept": False},
    {"alpha": 0.1, "positive": True},
    {"alpha": 0.01, "selection": "random", "random_state": 0},
    {"alpha": 0.01, "tol": 1e-8},
]


def assert_same(ours, theirs, rtol=1e-8):
    for name in ("coef_", "intercept_", "dual_gap_"):
        expected, found = getattr(theirs, name), getattr(ours, name)
        assert np.shape(found) == np.shape(expected)
        loose = 1e-4 if name == "dual_gap_" else rtol  # a difference of large numbers
        np.testing.assert_allclose(found, expected, rtol=loose, atol=loose * np.abs(expected).max() + 1e-6 * rtol)
    assert ours.n_iter_ == theirs.n_iter_


@pytest.mark.parametrize("block_size", [40, (200, 3)])
@pytest.mark.parametrize("sample_weight", [None, WEIGHTS], ids=["", "weighted"])
@pytest.mark.parametrize("targets", [y, BOTH], ids=["1-D", "two"])
@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_finds_and_predicts_what_scikit_learn_does(parameters, targets, sample_weight, block_size):
    cut = ds.array(X, block_size=block_size)
    for name in ("ElasticNet", "Lasso"):
        given = parameters if name == "ElasticNet" else {k: v for k, v in parameters.items() if k != "l1_ratio"}
        theirs = getattr(sklearn.linear_model, name)(**given).fit(X, targets, sample_weight)
        ours = {"ElasticNet": ElasticNet, "Lasso": Lasso}[name](**given).fit(cut, targets, sample_weight)
        assert_same(ours, theirs, rtol=1e-6)
        np.testing.assert_allclose(ours.predict(cut).collect(), theirs.predict(X), rtol=1e-6)


def test_starts_where_it_has_ended():
    model = Lasso(alpha=0.001, warm_start=True).fit(X, y)
    n_iter = model.n_iter_
    assert model.fit(ds.array(X, block_size=50), y).n_iter_ < n_iter


def test_sparse_rows_give_the_same_as_dense_ones():
    sparse = scipy.sparse.csr_array(np.where(X > 0, X, 0))
    theirs = sklearn.linear_model.Lasso(0.1).fit(sparse.toarray(), y)
    ours = Lasso(0.1).fit(ds.array(sparse, block_size=50), y)
    assert_same(ours, theirs, rtol=1e-6)
    assert ours.sparse_coef_.shape == (1, 10)


@pytest.mark.parametrize("targets", [y, np.column_stack([y, -y])], ids=["one target", "two targets"])
def test_numbers_stay_as_short_as_they_are(targets):
    ours = Lasso(0.1).fit(ds.array(X.astype(np.float32), block_size=50), targets)
    assert ours.coef_.dtype == ours.dual_gap_.dtype == np.float32


def test_a_subclass_may_have_other_parameters():
    class Doubled(Lasso):
        def __init__(self, alpha=0.1, factor=2):
            super().__init__(alpha)
            self.factor = factor

    assert_same(Doubled().fit(ds.array(X, block_size=50), y), sklearn.linear_model.Lasso(0.1).fit(X, y), rtol=1e-6)


def test_engine_does_not_change_the_result(on_every_engine):
    assert_same(Lasso(0.1).fit(ds.array(X, block_size=100), y), sklearn.linear_model.Lasso(0.1).fit(X, y))


def test_too_few_rounds_are_a_warning_and_wrong_parameters_an_error():
    with pytest.warns(ConvergenceWarning, match="did not converge"):
        Lasso(1e-5, max_iter=2, tol=1e-9).fit(ds.array(X, block_size=50), y)
    with pytest.raises(ValueError, match="'selection' parameter of Lasso must be"):
        Lasso(selection="best").fit(ds.array(X), y)
