"""The solvers of linear classifiers find one and the same minimum."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine

import dsarray as ds
from estimators.linear_model._descents import Data
from estimators.linear_model._lbfgs import minimize_by_lbfgs
from estimators.linear_model._losses import BINOMIAL, MULTINOMIAL
from estimators.linear_model._newton import minimize_by_newton
from estimators.linear_model._penalties import Penalty
from estimators.linear_model._proximal import minimize_by_gradients

PENALTIES = {"l2": Penalty(0, 0.01), "l1": Penalty(0.02, 0), "both": Penalty(0.01, 0.01), "little": Penalty(0, 1e-4)}


def data(load, loss, fit_intercept=True):
    X, y = load(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    n_functions = 1 if y.max() == 1 else y.max() + 1
    blocks, codes = (ds.array(each, block_size=60).row_blocks() for each in (X, y))
    return Data(blocks, codes, [None] * len(blocks), loss, fit_intercept), np.zeros((n_functions, X.shape[1] + 1))


def objective(data, penalty, coef):
    return data.slope(coef)[0] + penalty.value(coef)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
@pytest.mark.parametrize(
    ("load", "loss"), [(load_breast_cancer, BINOMIAL), (load_wine, MULTINOMIAL)], ids=["binomial", "multinomial"]
)
def test_all_solvers_find_the_same(load, loss, penalty, fit_intercept):
    mean_loss, start = data(load, loss, fit_intercept)
    newton = minimize_by_newton(mean_loss, penalty, start, 1e-7, 50)
    assert newton.converged
    others = []
    if penalty.l1 or penalty.l2 > 1e-3:
        others.append(minimize_by_gradients(mean_loss, penalty, start, 1e-4, 400))
    if not penalty.l1:
        others.append(minimize_by_lbfgs(mean_loss, penalty, start, 1e-6, 500))
    for found in others:
        assert objective(mean_loss, penalty, found.coef) == pytest.approx(
            objective(mean_loss, penalty, newton.coef), rel=1e-3
        )
        if not fit_intercept:
            assert not found.coef[:, -1].any()
    if penalty.l1:
        zeros = newton.coef[:, :-1] == 0
        assert 0 < zeros.sum() < zeros.size


@pytest.mark.parametrize("minimize", [minimize_by_newton, minimize_by_gradients, minimize_by_lbfgs])
def test_too_few_iterations_are_told(minimize):
    mean_loss, start = data(load_wine, MULTINOMIAL)
    found = minimize(mean_loss, PENALTIES["little"], start, 1e-9, 2)
    assert not found.converged
    assert found.n_iter == 2


def test_a_minimum_to_start_from_takes_no_iterations():
    mean_loss, start = data(load_wine, MULTINOMIAL)
    for penalty in (PENALTIES["l1"], PENALTIES["l2"]):
        best = minimize_by_newton(mean_loss, penalty, start, 1e-8, 50)
        for minimize in (minimize_by_newton, minimize_by_gradients):
            again = minimize(mean_loss, penalty, best.coef, 1e-6, 50)
            assert again.n_iter == 0
            np.testing.assert_array_equal(again.coef, best.coef)


def test_shrinking_is_the_proximal_point():
    coef = np.array([[3.0, -0.5, 0.1, 7.0]])
    np.testing.assert_allclose(Penalty(0.4, 0).shrink(coef, 0.5), [[2.8, -0.3, 0.0, 7.0]])
