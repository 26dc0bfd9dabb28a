"""`CascadeSVR` finds the function that scikit-learn's SVR finds, from data that is cut in any way."""

import itertools

import numpy as np
import pytest
import scipy.sparse
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

import dsarray as ds
import dsflow
from estimators.svm import CascadeSVR

EXACT = {"tol": 0, "max_iter": 50}
"""Pass until no sample contradicts."""

CLOSE = 1e-2
"""How far functions may be off: a few times the tolerance of either solver."""


def diabetes():
    x, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(x), (y - y.mean()) / y.std()


def friedman():
    x, y = make_friedman1(400, noise=0.5, random_state=0)
    return x, (y - y.mean()) / y.std()


DATA = [diabetes, friedman]


# --- the reference ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", DATA)
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"kernel": "linear"},
        {"kernel": "poly", "degree": 2, "coef0": 1.0},
        {"epsilon": 0.5},
        {"epsilon": 0.0},
        {"gamma": "auto", "C": 0.1},
        {"epsilon": 10.0},
    ],
    ids=str,
)
def test_follows_as_svr(make, parameters):
    x, y = make()
    machine = CascadeSVR(**EXACT, **parameters).fit(ds.array(x, block_size=60), ds.array(y, block_size=60))
    reference = SVR(**parameters).fit(x, y)
    assert machine.converged_
    np.testing.assert_allclose(machine.predict(x), reference.predict(x), atol=CLOSE)
    assert abs(machine.score(x, y) - reference.score(x, y)) < 0.01


@pytest.mark.parametrize("make", DATA)
def test_is_as_good_as_svr_with_default_parameters(make):
    x, y = make()
    machine = CascadeSVR().fit(ds.array(x, block_size=60), y)
    assert machine.converged_
    assert machine.score(x, y) > SVR().fit(x, y).score(x, y) - 0.01


@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly", "sigmoid"])
def test_one_block_gives_what_svr_gives(kernel):
    x, y = diabetes()
    parameters = {"kernel": kernel, "degree": 2, "coef0": 0.5, "gamma": 0.01}
    machine, reference = CascadeSVR(**parameters).fit(x, y), SVR(**parameters).fit(x, y)
    assert (machine.n_iter_, machine.converged_) == (1, True)
    for name in ("support_", "support_vectors_", "n_support_", "dual_coef_", "intercept_"):
        np.testing.assert_array_equal(getattr(machine, name), getattr(reference, name), err_msg=name)
    np.testing.assert_allclose(machine.predict(x), reference.predict(x), rtol=1e-6, atol=1e-6)
    assert hasattr(machine, "coef_") == (kernel == "linear")
    if kernel == "linear":
        np.testing.assert_allclose(machine.coef_, reference.coef_)


@pytest.mark.parametrize("block_size", [-1, 50])
def test_the_objective_is_the_dual_one(block_size):
    x, y = friedman()
    machine = CascadeSVR(gamma=0.5, epsilon=0.2, **EXACT).fit(ds.array(x, block_size=block_size), y)
    reference = SVR(gamma=0.5, epsilon=0.2, tol=1e-6).fit(x, y)
    coef, kernel = reference.dual_coef_[0], rbf_kernel(reference.support_vectors_, gamma=0.5)
    dual = y[reference.support_] @ coef - 0.2 * np.abs(coef).sum() - coef @ kernel @ coef / 2
    assert machine.objective_ == pytest.approx(dual, rel=1e-3)


@pytest.mark.parametrize("block_size", [-1, 60])
def test_weights_are_those_of_svr(block_size):
    x, y = diabetes()
    weights = np.random.default_rng(0).uniform(0, 2, len(y)).round(0)
    machine = CascadeSVR(**EXACT).fit(ds.array(x, block_size=block_size), y, sample_weight=weights)
    np.testing.assert_allclose(machine.predict(x), SVR().fit(x, y, weights).predict(x), atol=CLOSE)
    assert (weights[machine.support_] > 0).all()
    score = machine.score(ds.array(x, block_size=50), ds.array(y), ds.array(weights, block_size=70))
    assert score == pytest.approx(machine.score(x, y, weights))


@pytest.mark.parametrize("density", [1, 0.1])
def test_sparse_samples_give_the_same_machine(density):
    x, y = diabetes()
    x = x * (np.random.default_rng(0).random(x.shape) < density)
    machine = CascadeSVR(gamma=0.1, **EXACT).fit(ds.array(scipy.sparse.csr_array(x), block_size=100), y)
    dense = CascadeSVR(gamma=0.1, **EXACT).fit(ds.array(x, block_size=100), y)
    assert scipy.sparse.issparse(machine.support_vectors_)
    assert machine.dual_coef_.format == "csr"
    np.testing.assert_allclose(machine.predict(scipy.sparse.csr_array(x)), dense.predict(x), atol=CLOSE)


# --- blocks and engines ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("block_size", "arity"), [(1, 50), (7, 3), (57, 2), ((100, 3), 2), (399, 2)], ids=str)
def test_blocking_does_not_change_the_result(block_size, arity):
    x, y = friedman()
    machine = CascadeSVR(arity, epsilon=0.3, **EXACT).fit(ds.array(x, block_size=block_size), y)
    assert machine.converged_
    np.testing.assert_allclose(machine.predict(x), SVR(epsilon=0.3).fit(x, y).predict(x), atol=CLOSE)
    np.testing.assert_array_equal(x[machine.support_], machine.support_vectors_)
    assert len(np.unique(machine.support_)) == len(machine.support_)


def test_every_engine_gives_the_same(on_every_engine):
    x, y = friedman()
    machine = CascadeSVR().fit(ds.array(x, block_size=90), y)
    dsflow.stop()
    with dsflow.start("serial"):
        serial = CascadeSVR().fit(ds.array(x, block_size=90), y)
        np.testing.assert_array_equal(machine.support_, serial.support_)
        np.testing.assert_allclose(machine.dual_coef_, serial.dual_coef_, rtol=1e-12)


def test_predictions_stay_where_they_are():
    x, y = friedman()
    machine = CascadeSVR().fit(x, y)
    found = machine.predict(ds.array(x, block_size=90))
    assert isinstance(found, ds.Array)
    assert found.chunks == ((90, 90, 90, 90, 40),)
    np.testing.assert_allclose(found.collect(), machine.predict(x))


# --- edges -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [(0, 400, 0), (1,) * 10 + (390,), (399, 1)], ids=str)
def test_blocks_that_are_empty_or_of_one_row_are_ordinary(lengths):
    x, y = friedman()
    bounds = itertools.pairwise(np.cumsum((0, *lengths)))
    blocks = ds.from_blocks([[x[a:b]] for a, b in bounds], (lengths, (10,)), x.dtype)
    machine = CascadeSVR(**EXACT).fit(blocks, y)
    np.testing.assert_allclose(machine.predict(x), SVR().fit(x, y).predict(x), atol=CLOSE)
    assert machine.predict(blocks).chunks == (lengths,)


def test_numbers_that_fit_in_the_tube_need_no_support():
    x, _ = friedman()
    machine = CascadeSVR().fit(ds.array(x, block_size=50), np.full(400, 3.0))
    assert machine.n_support_ == [0]
    np.testing.assert_allclose(machine.predict(ds.array(x, block_size=50)), 3.0)


def test_blocks_that_are_flat_by_themselves_are_not_flat_together():
    x = np.arange(40.0)[:, None]
    y = np.repeat([0.0, 5.0, 5.0, 9.0], 10)
    machine = CascadeSVR(**EXACT, gamma=0.1, C=10).fit(ds.array(x, block_size=10), y)
    np.testing.assert_allclose(machine.predict(x), SVR(gamma=0.1, C=10).fit(x, y).predict(x), atol=CLOSE)


def test_a_column_is_taken():
    x, y = friedman()
    expected = CascadeSVR().fit(x, y).predict(x)
    np.testing.assert_array_equal(CascadeSVR().fit(ds.array(x), ds.array(y[:, None])).predict(x), expected)
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        CascadeSVR().fit(x, y[:, None])


# --- errors ----------------------------------------------------------------------------------------------------------


def test_passes_that_do_not_suffice_are_warned_of():
    x, y = friedman()
    with pytest.warns(ConvergenceWarning, match="CascadeSVR.fit: not converged after max_iter=1") as caught:
        CascadeSVR(max_iter=1, tol=0, C=100.0).fit(ds.array(x, block_size=20), y)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"epsilon": -1}, "'epsilon' parameter"), ({"kernel": "precomputed"}, "'kernel' parameter")],
)
def test_parameters_that_make_no_sense_are_errors(parameters, words):
    with pytest.raises(ValueError, match=words):
        CascadeSVR(**parameters).fit(*friedman())


def test_targets_that_are_no_numbers_are_errors():
    x = ds.array(friedman()[0], block_size=50)
    with pytest.raises(ValueError, match="contains NaN"):
        CascadeSVR().fit(x, ds.array(np.full(400, np.nan), block_size=50))
    with pytest.raises(ValueError, match="should be a 1d array"):
        CascadeSVR().fit(x, ds.array(np.ones((400, 2))))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        CascadeSVR().fit(x, ds.array(np.ones(100)))
    with pytest.raises(ValueError, match="requires y to be passed"):
        CascadeSVR().fit(x, None)


def test_weights_of_zero_are_an_error():
    x, y = friedman()
    with pytest.raises(ValueError, match="CascadeSVR: all weights are 0"):
        CascadeSVR().fit(ds.array(x, block_size=50), y, ds.array(np.zeros(400)))


def test_a_model_above_the_budget_is_refused():
    dsflow.stop()
    with dsflow.start("serial", memory=1000), pytest.raises(MemoryError, match="more than the 1000 bytes"):
        CascadeSVR().fit(*(each[:20] for each in friedman()))
