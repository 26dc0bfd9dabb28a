"""`CascadeSVM` finds the machine that scikit-learn's SVC finds, from data that is cut in any way."""

import itertools
import logging
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, make_moons
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import dsarray as ds
import dsflow
from estimators.svm import CascadeSVM
from estimators.svm import _passes as passes_module
from estimators.svm._pairs import PairsProblem

EXACT = {"tol": 0, "max_iter": 50}
"""Pass until no sample contradicts."""

CLOSE = 5e-3
"""How far functions may be off: a few times the tolerance of either solver."""


def iris():
    return load_iris(return_X_y=True)


def cancer():
    x, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(x), y


def moons():
    return make_moons(400, noise=0.3, random_state=0)


def digits():
    x, y = load_digits(return_X_y=True)
    return x[:600] / 16, y[:600]


DATA = [iris, cancer, moons, digits]


def cut(x, y, block_size):
    return ds.array(x, block_size=block_size), ds.array(y, block_size=block_size)


# --- the reference ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", DATA)
@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly"])
def test_decides_as_svc(make, kernel):
    x, y = make()
    shape = {"decision_function_shape": "ovo", "kernel": kernel}
    machine = CascadeSVM(**EXACT, **shape).fit(*cut(x, y, 60))
    reference = SVC(**shape).fit(x, y)
    assert machine.converged_
    expected = reference.decision_function(x)
    np.testing.assert_allclose(machine.decision_function(x), expected, atol=CLOSE * max(1, np.abs(expected).max()))
    assert np.mean(machine.predict(x) == reference.predict(x)) > 0.99
    assert abs(machine.score(x, y) - reference.score(x, y)) < 0.01


@pytest.mark.parametrize("make", DATA)
def test_is_as_good_as_svc_with_default_parameters(make):
    x, y = make()
    machine = CascadeSVM().fit(*cut(x, y, 60))
    assert machine.converged_
    assert machine.score(x, y) > SVC().fit(x, y).score(x, y) - 0.01


@pytest.mark.parametrize("make", DATA)
@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly", "sigmoid"])
@pytest.mark.parametrize("shape", ["ovr", "ovo"])
def test_one_block_gives_what_svc_gives(make, kernel, shape):
    x, y = make()
    parameters = {"kernel": kernel, "decision_function_shape": shape, "degree": 2, "coef0": 0.5, "gamma": 0.01}
    machine, reference = CascadeSVM(**parameters).fit(x, y), SVC(**parameters).fit(x, y)
    assert (machine.n_iter_, machine.converged_) == (1, True)
    for name in ("classes_", "support_", "support_vectors_", "n_support_", "dual_coef_", "intercept_"):
        np.testing.assert_array_equal(getattr(machine, name), getattr(reference, name), err_msg=name)
    np.testing.assert_allclose(machine.decision_function(x), reference.decision_function(x), rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(machine.predict(x), reference.predict(x))


@pytest.mark.parametrize("gamma", ["scale", "auto"])
@pytest.mark.parametrize("sparse", [False, True])
def test_gamma_is_that_of_svc(gamma, sparse):
    x, y = digits()
    x = scipy.sparse.csr_array(x) if sparse else x
    machine = CascadeSVM(gamma=gamma).fit(ds.array(x, block_size=37), y)
    assert machine._gamma == pytest.approx(SVC(gamma=gamma).fit(x, y)._gamma)


@pytest.mark.parametrize("as_sparse", [scipy.sparse.csr_array, scipy.sparse.csr_matrix])
@pytest.mark.parametrize("density", [1, 0.02])
def test_sparse_samples_give_the_same_machine(as_sparse, density):
    x, y = digits()
    x = x * (np.random.default_rng(0).random(x.shape) < density)
    machine = CascadeSVM(gamma=1e-3).fit(ds.array(as_sparse(x), block_size=100), y)
    dense = CascadeSVM(gamma=1e-3).fit(ds.array(x, block_size=100), y)
    assert scipy.sparse.issparse(machine.support_vectors_)
    np.testing.assert_allclose(machine.decision_function(as_sparse(x)), dense.decision_function(x), atol=CLOSE)
    np.testing.assert_allclose(machine.decision_function(x), dense.decision_function(as_sparse(x)), atol=CLOSE)


def test_sparse_blocks_may_have_their_columns_in_any_order():
    x, y = digits()
    x = scipy.sparse.csr_array(x * (np.random.default_rng(0).random(x.shape) < 0.02))
    turned = x.copy()
    for a, b in itertools.pairwise(x.indptr):
        turned.indices[a:b], turned.data[a:b] = x.indices[a:b][::-1], x.data[a:b][::-1]
    turned.has_sorted_indices = False
    blocks = ds.from_blocks([[turned]], ((600,), (64,)), x.dtype, sparse=True)
    machine, expected = (CascadeSVM(gamma=0.1).fit(each, y) for each in (blocks, x))
    np.testing.assert_array_equal(machine.dual_coef_.toarray(), expected.dual_coef_.toarray())


@pytest.mark.parametrize("block_size", [None, 60])
def test_weights_of_samples_and_classes_are_those_of_svc(block_size):
    x, y = cancer()
    weights = np.random.default_rng(0).uniform(0, 2, len(y)).round(1)
    for class_weight in (None, "balanced", {0: 3.0}):
        machine = CascadeSVM(**EXACT, class_weight=class_weight).fit(*cut(x, y, block_size), sample_weight=weights)
        reference = SVC(class_weight=class_weight).fit(x, y, sample_weight=weights)
        np.testing.assert_allclose(machine.decision_function(x), reference.decision_function(x), atol=CLOSE)
    assert machine.score(ds.array(x), ds.array(y), weights) == pytest.approx(machine.score(x, y, weights))


def test_the_objective_is_the_dual_one():
    x, y = moons()
    machine = CascadeSVM(gamma=1.0, **EXACT).fit(*cut(x, y, 50))
    reference = SVC(gamma=1.0, tol=1e-6).fit(x, y)
    coefs, vectors = reference.dual_coef_[0], reference.support_vectors_
    kernel = np.exp(-((vectors[:, None] - vectors[None]) ** 2).sum(axis=2))
    assert machine.objective_ == pytest.approx(np.abs(coefs).sum() - coefs @ kernel @ coefs / 2, rel=1e-4)


def test_a_larger_tolerance_is_reached_sooner():
    x, y = cut(*moons(), 20)
    exact, near, loose = (CascadeSVM(C=10.0, tol=tol, max_iter=50).fit(x, y) for tol in (0, 0.1, 1.0))
    assert exact.n_iter_ > near.n_iter_ > loose.n_iter_ == 1
    assert near.objective_ == pytest.approx(exact.objective_, rel=0.1)


def test_break_ties_is_that_of_svc():
    x, y = iris()
    machine, reference = CascadeSVM(break_ties=True).fit(x, y), SVC(break_ties=True).fit(x, y)
    spread = x.mean(axis=0) + np.random.default_rng(0).normal(size=(2000, 4)) * 3
    np.testing.assert_array_equal(machine.predict(spread), reference.predict(spread))


# --- blocks and engines ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block_size", [1, 7, 57, (100, 3), 399, -1])
@pytest.mark.parametrize("arity", [2, 3, 50])
def test_blocking_does_not_change_the_result(block_size, arity):
    x, y = iris()
    machine = CascadeSVM(arity, decision_function_shape="ovo", **EXACT).fit(ds.array(x, block_size=block_size), y)
    reference = SVC(decision_function_shape="ovo").fit(x, y)
    assert machine.converged_
    np.testing.assert_allclose(machine.decision_function(x), reference.decision_function(x), atol=CLOSE)


def test_samples_in_the_order_of_their_classes_are_no_harder():
    x, y = digits()
    order = np.argsort(y, kind="stable")
    machine = CascadeSVM(**EXACT, decision_function_shape="ovo").fit(*cut(x[order], y[order], 30))
    reference = SVC(decision_function_shape="ovo").fit(x, y)
    np.testing.assert_allclose(machine.decision_function(x), reference.decision_function(x), atol=CLOSE)


@pytest.mark.parametrize("make", DATA)
@pytest.mark.parametrize("C", [1.0, 1000.0])
@pytest.mark.filterwarnings("ignore:CascadeSVM.fit. not converged")
def test_support_names_rows_of_all_data_each_once(make, C):
    x, y = make()
    machine = CascadeSVM(C=C, tol=0).fit(*cut(x, y, 40))
    np.testing.assert_array_equal(x[machine.support_], machine.support_vectors_)
    np.testing.assert_array_equal(np.bincount(y[machine.support_]), machine.n_support_)
    assert len(np.unique(machine.support_)) == len(machine.support_)


def test_every_engine_gives_the_same(on_every_engine):
    x, y = iris()
    machine = CascadeSVM(C=10.0).fit(*cut(x, y, 40))
    dsflow.stop()
    with dsflow.start("serial"):
        serial = CascadeSVM(C=10.0).fit(*cut(x, y, 40))
        np.testing.assert_array_equal(machine.support_, serial.support_)
        np.testing.assert_allclose(machine.dual_coef_, serial.dual_coef_, rtol=1e-12)
        np.testing.assert_array_equal(machine.predict(x), serial.predict(x))


def test_a_rerun_gives_the_same_bits():
    x, y = cut(*moons(), 50)
    first, second = (CascadeSVM().fit(x, y) for _ in range(2))
    np.testing.assert_array_equal(first.dual_coef_, second.dual_coef_)


class Counter:
    def __init__(self):
        self.n_tasks = 0

    def submitted(self, node):
        self.n_tasks += 1

    def settled(self, node):
        pass


def test_predict_is_one_task_for_each_row_of_blocks(engine):
    x, y = iris()
    machine = CascadeSVM().fit(x, y)
    counter = Counter()
    engine.listeners.append(counter)
    machine.predict(ds.array(x, block_size=(50, 3))).collect()
    machine.decision_function(ds.array(x, block_size=(50, 3))).collect()
    engine.listeners.remove(counter)
    assert counter.n_tasks == 2 * 3


def test_without_checks_of_convergence_nothing_waits_between_passes(engine, monkeypatch):
    monkeypatch.delattr(passes_module, "wait_on")
    x, y = cut(*moons(), 50)
    machine = CascadeSVM(max_iter=3, check_convergence=False).fit(x, y)
    assert (machine.n_iter_, machine.converged_) == (3, False)
    assert np.isnan(machine.objective_)
    assert machine.score(x, y) > 0.85


# --- edges -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [(0, 150, 0), (1,) * 10 + (140,), (50, 50, 50), (149, 1)], ids=str)
def test_blocks_that_are_empty_or_of_one_class_pass_their_samples_on(lengths):
    x, y = iris()
    bounds = list(itertools.pairwise(np.cumsum((0, *lengths))))
    blocks = ds.from_blocks([[x[a:b]] for a, b in bounds], (lengths, (4,)), x.dtype)
    labels = ds.from_blocks([y[a:b] for a, b in bounds], (lengths,), y.dtype)
    machine = CascadeSVM(**EXACT, decision_function_shape="ovo").fit(blocks, labels)
    reference = SVC(decision_function_shape="ovo").fit(x, y)
    np.testing.assert_allclose(machine.decision_function(x), reference.decision_function(x), atol=CLOSE)
    assert machine.predict(blocks).chunks == (lengths,)


@pytest.mark.parametrize(("block_size", "n_passes"), [(-1, 1), (100, 4)])
@pytest.mark.filterwarnings("ignore:CascadeSVM.fit. not converged")
def test_functions_that_rounding_has_spoilt_do_no_harm(block_size, n_passes):
    rng = np.random.default_rng(0)
    x, y = cut(rng.normal(size=(400, 2)), rng.random(400) < 0.5, block_size)
    machine = CascadeSVM(C=1e4, gamma=0.01, tol=0, max_iter=4).fit(x, y)  # 1e7 times the slack
    assert machine.n_iter_ <= n_passes
    assert len(np.unique(machine.support_)) == len(machine.support_)


def test_a_class_of_one_sample_is_learnt():
    x, y = moons()
    x, y = np.vstack([x, [[5.0, 5.0]]]), np.append(y, 2)
    machine = CascadeSVM(C=10.0).fit(*cut(x, y, 50))
    assert machine.predict([[5.0, 5.0]]) == [2]


def test_samples_without_weight_do_not_count():
    x, y = moons()
    weights = np.where(x[:, 0] > 0, 1.0, 0.0)
    kept = weights > 0
    machine = CascadeSVM(**EXACT, gamma=1.0).fit(*cut(x, y, 50), sample_weight=weights)
    reference = SVC(gamma=1.0).fit(x[kept], y[kept])
    np.testing.assert_allclose(machine.decision_function(x), reference.decision_function(x), atol=CLOSE)
    assert kept[machine.support_].all()


@pytest.mark.parametrize("kind", [str, float, bool])
@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_labels_may_be_of_any_kind_and_shape(kind, shape):
    x, y = cancer()
    y = y.astype(kind)
    machine = CascadeSVM().fit(ds.array(x, block_size=100), ds.array(y.reshape(shape), block_size=150))
    predicted = machine.predict(ds.array(x, block_size=100))
    assert predicted.dtype == machine.classes_.dtype == y.dtype
    np.testing.assert_array_equal(predicted.collect(), machine.predict(x))
    assert machine.score(ds.array(x, block_size=100), ds.array(y.reshape(shape))) == machine.score(x, y) > 0.9
    assert machine.score(ds.array(x), y) == machine.score(x, ds.array(y)) == machine.score(x, y)


def test_an_ndarray_of_labels_in_a_column_is_taken_with_a_warning():
    x, y = iris()
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        CascadeSVM().fit(x, y.reshape(-1, 1))


def test_verbose_logs_each_pass(caplog):
    with caplog.at_level(logging.INFO):
        machine = CascadeSVM(verbose=True).fit(*cut(*moons(), 50))
    assert [record.message.partition(": dual")[0] for record in caplog.records if "dual" in record.message] == [
        f"CascadeSVM: pass {number}" for number in range(1, machine.n_iter_ + 1)
    ]


# --- errors ----------------------------------------------------------------------------------------------------------


def test_passes_that_do_not_suffice_are_warned_of():
    x, y = cut(*moons(), 20)
    with pytest.warns(ConvergenceWarning, match="not converged after max_iter=1 passes; allow more"):
        machine = CascadeSVM(max_iter=1, tol=0, gamma=10.0, C=100.0).fit(x, y)
    assert not machine.converged_


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"cascade_arity": 1}, "'cascade_arity' parameter"),
        ({"max_iter": 0}, "'max_iter' parameter"),
        ({"kernel": "precomputed"}, "'kernel' parameter"),
        ({"C": 0}, "'C' parameter"),
        ({"gamma": -1.0}, "'gamma' parameter"),
    ],
)
def test_parameters_that_make_no_sense_are_errors(parameters, words):
    with pytest.raises(ValueError, match=words):
        CascadeSVM(**parameters).fit(*iris())


def test_one_class_is_an_error():
    x, _ = iris()
    with pytest.raises(ValueError, match="has to be greater than one; got 1 class"):
        CascadeSVM().fit(ds.array(x, block_size=50), ds.array(np.ones(150)))


def test_labels_that_are_no_classes_are_errors():
    x, _ = iris()
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        CascadeSVM().fit(ds.array(x), ds.array(np.linspace(0, 1, 150)))
    with pytest.raises(ValueError, match="contains NaN"):
        CascadeSVM().fit(ds.array(x), ds.array(np.full(150, np.nan)))
    with pytest.raises(ValueError, match="X has 150, y has 100"):
        CascadeSVM().fit(ds.array(x), ds.array(np.ones(100)))
    with pytest.raises(ValueError, match="requires y to be passed"):
        CascadeSVM().fit(ds.array(x), None)


def test_samples_that_are_not_finite_are_errors():
    x, y = iris()
    x = np.where(x > 7.8, np.nan, x)
    with pytest.raises(ValueError, match="Input X contains NaN"):
        CascadeSVM().fit(ds.array(x, block_size=20), y)


def test_a_class_without_weight_is_an_error():
    x, y = cut(*iris(), 20)
    with pytest.raises(ValueError, match=r"no sample of class .*2.* has a positive weight"):
        CascadeSVM(class_weight={2: 0}).fit(x, y)


def test_a_model_above_the_budget_is_refused():
    x, y = moons()
    dsflow.stop()
    with dsflow.start("serial", memory=1000), pytest.raises(MemoryError, match="more than the 1000 bytes"):
        CascadeSVM().fit(x, y)


def test_ties_cannot_be_broken_between_pairs():
    machine = CascadeSVM(break_ties=True, decision_function_shape="ovo").fit(*iris())
    with pytest.raises(ValueError, match="break_ties=True needs decision_function_shape='ovr'"):
        machine.predict(iris()[0])


@pytest.mark.parametrize(("block_size", "max_iter", "slacks"), [(50, 5, {0.1, 1e-3}), (50, 1, {1e-3}), (-1, 5, {1e-3})])
def test_solutions_on_the_way_are_rough_and_the_last_one_is_not(monkeypatch, block_size, max_iter, slacks):
    x, y = moons()
    seen = []

    def train(self, samples):
        seen.append(self.slack)
        return solve(self, samples)

    solve = PairsProblem.train
    monkeypatch.setattr(PairsProblem, "train", train)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        machine = CascadeSVM(C=10.0, max_iter=max_iter).fit(*cut(x, y, block_size))
    assert set(seen) == slacks
    assert seen[-1] == 1e-3
    assert machine.converged_ == (max_iter > 1)
