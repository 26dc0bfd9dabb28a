"""Searches give what scikit-learn's give."""

import inspect
import re
from unittest import SkipTest

import numpy as np
import pytest
import scipy.sparse
import sklearn.linear_model
import sklearn.model_selection as theirs
import sklearn.preprocessing
import sklearn.svm
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes scikit-learn's halving searches importable
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import HalvingGridSearchCV as TheirHalvingGrid
from sklearn.model_selection import HalvingRandomSearchCV as TheirHalvingRandom
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

import dsarray as ds
from dsflow.testing import count_tasks
from estimators import model_selection as ours
from estimators.linear_model import LogisticRegression, Ridge
from estimators.preprocessing import StandardScaler
from estimators.svm import CascadeSVM

X, Y = load_iris(return_X_y=True)
SVC, GRID = sklearn.svm.SVC(), {"C": [0.1, 1, 10], "kernel": ["rbf", "linear"]}
PIPELINE = make_pipeline(sklearn.preprocessing.StandardScaler(), SVC)
STEPS = [
    {"svc__C": [0.1, 1]},
    {"standardscaler": [sklearn.preprocessing.StandardScaler(with_mean=False), "passthrough"], "svc__C": [1, 2]},
]


def assert_alike(found, expected, rtol=0.0):
    assert list(found.cv_results_) == list(expected.cv_results_)
    for name, values in expected.cv_results_.items():
        column = found.cv_results_[name]
        if name == "params":
            assert str(column) == str(values)
            continue
        assert type(column) is type(values)
        assert column.dtype == values.dtype
        if "_time" not in name and values.dtype.kind == "f":
            np.testing.assert_allclose(column, values, rtol=rtol)
        elif "_time" not in name:
            assert str(column) == str(values)
    for name in ("best_index_", "best_params_", "n_splits_", "multimetric_"):
        assert str(getattr(found, name, None)) == str(getattr(expected, name, None))
    assert getattr(found, "best_score_", 0) == pytest.approx(getattr(expected, "best_score_", 0), rel=rtol or 1e-15)


@pytest.mark.parametrize(("estimator", "grid"), [(SVC, GRID), (PIPELINE, STEPS)], ids=["plain", "pipeline"])
@pytest.mark.parametrize(
    "how",
    [
        {"return_train_score": True},
        {"scoring": "f1_macro", "cv": theirs.KFold(3, shuffle=True, random_state=0)},
        {"scoring": ["accuracy", "f1_macro"], "refit": "f1_macro"},
        {"scoring": {"a": "accuracy", "b": make_scorer(accuracy_score)}, "refit": False},
        {"scoring": lambda estimator, X, y: {"x": estimator.score(X, y), "y": 1.0}, "refit": "x"},
        {
            "refit": lambda results: 1,
            "cv": [(np.arange(100), np.arange(100, 150)), (np.arange(50, 150), np.arange(50))],
        },
    ],
    ids=range(6),
)
def test_results_are_those_of_scikit_learn(estimator, grid, how):
    found = ours.GridSearchCV(estimator, grid, **how).fit(X, Y)
    expected = theirs.GridSearchCV(estimator, grid, **how).fit(X, Y)
    assert_alike(found, expected)
    assert re.sub("0x.*>", "", str(found.scorer_)) == re.sub("0x.*>", "", str(expected.scorer_))
    if how.get("refit", True):
        np.testing.assert_array_equal(found.predict(X), expected.predict(X))
        np.testing.assert_array_equal(found.decision_function(X), expected.decision_function(X))
        np.testing.assert_array_equal(found.classes_, expected.classes_)
        assert getattr(found, "n_features_in_", 4) == 4
        assert found.refit_time_ > 0
        if not callable(how.get("refit")) or not how.get("scoring"):
            assert found.score(X, Y) == expected.score(X, Y)
    else:
        assert not hasattr(found, "predict")


def test_candidates_are_drawn_as_by_scikit_learn():
    how = {"n_iter": 4, "random_state": 0, "cv": 3}
    found = ours.RandomizedSearchCV(SVC, {"C": loguniform(1e-2, 1e2)}, **how).fit(X, Y)
    assert_alike(found, theirs.RandomizedSearchCV(SVC, {"C": loguniform(1e-2, 1e2)}, **how).fit(X, Y))


@pytest.mark.parametrize("size", [None, 40])
def test_halving_is_that_of_scikit_learn(size):
    x, y = (X, Y) if size is None else (ds.array(X, block_size=size), ds.array(Y, block_size=30))
    how = {"random_state": 0, "cv": 3, "factor": 2}
    found = ours.HalvingGridSearchCV(SVC, {"C": [0.1, 1, 10, 20]}, **how).fit(x, y)
    assert_alike(found, TheirHalvingGrid(SVC, {"C": [0.1, 1, 10, 20]}, **how).fit(X, Y))
    drawn = {"C": loguniform(1e-2, 1e2)}
    found = ours.HalvingRandomSearchCV(SVC, drawn, **how, n_candidates=4).fit(x, y)
    expected = TheirHalvingRandom(SVC, drawn, **how, n_candidates=4).fit(X, Y)
    assert_alike(found, expected)
    assert found.n_resources_ == expected.n_resources_


# --- ds-arrays --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [(150,), (40, 40, 40, 30), (0, 1, 149)], ids=str)
def test_an_estimator_of_scikit_learn_is_fitted_on_workers(lengths, monkeypatch):
    x, y = ds.array(X, block_size=(lengths, -1)), ds.array(Y, block_size=33)
    expected = theirs.GridSearchCV(SVC, GRID).fit(X, Y)
    monkeypatch.setattr(ds.Array, "__array__", None)  # nothing is gathered by chance
    found = ours.GridSearchCV(SVC, GRID).fit(x, y)
    assert_alike(found, expected)
    for method in ("predict", "decision_function"):
        given = getattr(found, method)(x)
        assert isinstance(given, ds.Array)
        np.testing.assert_array_equal(given.collect(), getattr(expected, method)(X))
    assert found.score(x, y) == expected.score(X, Y)


@pytest.mark.parametrize("scoring", [None, "accuracy", "neg_log_loss", "roc_auc_ovr", ["f1_macro", "recall_macro"]])
def test_an_estimator_of_this_library_works_on_blocks(scoring, monkeypatch):
    estimator = make_pipeline(StandardScaler(), LogisticRegression())
    how = {"cv": 2, "scoring": scoring, "refit": "f1_macro" if isinstance(scoring, list) else True}
    grid = {"logisticregression__C": [0.001, 0.1]}
    expected = ours.GridSearchCV(estimator, grid, **how).fit(X, Y)
    monkeypatch.setattr(ds.Array, "__array__", None)
    x, y = ds.array(X, block_size=80), ds.array(Y, block_size=33)
    found = ours.GridSearchCV(estimator, grid, **how).fit(x, y)
    assert_alike(found, expected, rtol=1e-3)
    assert isinstance(found.predict(x), ds.Array)
    assert found.score(x, y) == pytest.approx(expected.score(X, Y), rel=1e-3)


def test_regressions_sparse_rows_and_weights_are_taken():
    target = X @ [1.0, 2.0, 3.0, 4.0] + np.random.default_rng(0).normal(size=150)
    weights = np.linspace(0.1, 1, 150)
    expected = ours.GridSearchCV(Ridge(), {"alpha": [0.1, 10]}, cv=3).fit(X, target, sample_weight=weights)
    for x in (ds.array(X, block_size=40), ds.array(scipy.sparse.csr_matrix(X), block_size=40)):
        found = ours.GridSearchCV(Ridge(), {"alpha": [0.1, 10]}, cv=3)
        found.fit(x, ds.array(target, block_size=60), sample_weight=ds.array(weights, block_size=50))
        assert_alike(found, expected, rtol=1e-5)


def test_kernels_of_pairs_of_samples_are_cut_both_ways():
    kernel, machine = X @ X.T, sklearn.svm.SVC(kernel="precomputed")
    expected = theirs.GridSearchCV(machine, {"C": [0.1, 1]}).fit(kernel, Y)
    assert_alike(ours.GridSearchCV(machine, {"C": [0.1, 1]}).fit(kernel, Y), expected)
    assert_alike(ours.GridSearchCV(machine, {"C": [0.1, 1]}).fit(ds.array(kernel, block_size=40), Y), expected)


def test_results_are_the_same_on_every_engine(on_every_engine):
    expected = theirs.GridSearchCV(SVC, GRID, cv=3).fit(X, Y)
    assert_alike(ours.GridSearchCV(SVC, GRID, cv=3).fit(X, Y), expected)
    x, y = ds.array(X, block_size=60), ds.array(Y, block_size=50)
    assert_alike(ours.GridSearchCV(SVC, GRID, cv=3).fit(x, y), expected)
    nested = ours.GridSearchCV(make_pipeline(StandardScaler(), CascadeSVM()), {"cascadesvm__C": [0.1, 1]}, cv=2)
    assert nested.fit(x, y).score(x, y) > 0.9


# --- what is shared, and what is left out -----------------------------------------------------------------------------


def test_rows_of_a_split_are_taken_once_and_equal_steps_are_fitted_once():
    scaler = sklearn.preprocessing.StandardScaler
    grid = {"standardscaler__with_mean": [True, False], "svc__C": [0.1, 1, 10], "svc__gamma": [0.1, 1]}
    with count_tasks() as tasks:
        found = ours.GridSearchCV(make_pipeline(scaler(), SVC), grid, cv=3).fit(X, Y)
    assert tasks.by_name == {"take_fold": 3, "prepare": 6, "evaluate": 36}
    assert_alike(found, theirs.GridSearchCV(make_pipeline(scaler(), SVC), grid, cv=3).fit(X, Y))


def test_a_step_is_shared_only_if_the_steps_before_are_equal():
    scaler = sklearn.preprocessing.StandardScaler
    pipeline = make_pipeline(scaler(), PCA(2), SVC)
    grid = {"standardscaler": [scaler(), "passthrough"], "pca__n_components": [1, 2], "svc__C": [0.01, 1]}
    with count_tasks() as tasks:
        found = ours.GridSearchCV(pipeline, grid, cv=2).fit(X, Y)
    assert tasks.by_name["prepare"] == 2 * (1 + 4)
    assert_alike(found, theirs.GridSearchCV(pipeline, grid, cv=2).fit(X, Y), rtol=1e-12)


def test_a_scorer_that_sees_the_estimator_sees_all_of_the_pipeline():
    def looks(estimator, X, y):
        assert list(estimator.named_steps) == ["standardscaler", "svc"]
        return estimator.score(X, y)

    expected = theirs.GridSearchCV(PIPELINE, STEPS, cv=3, scoring=looks).fit(X, Y)
    assert_alike(ours.GridSearchCV(PIPELINE, STEPS, cv=3, scoring=looks).fit(X, Y), expected)


def test_candidates_that_cannot_win_are_left_out():
    grid = {"C": [1e-3, 1, 1e-2, 10]}
    x, y = load_breast_cancer(return_X_y=True)
    full = ours.GridSearchCV(SVC, grid).fit(x, y)
    with count_tasks() as tasks:
        found = ours.GridSearchCV(SVC, grid, best_possible=1.0).fit(x, y)
    assert tasks.by_name["evaluate"] < 20
    assert found.best_params_ == full.best_params_
    assert found.best_score_ == full.best_score_
    assert np.isnan(found.cv_results_["mean_test_score"][0])
    assert found.cv_results_["rank_test_score"].argmin() == full.best_index_
    with pytest.raises(ValueError, match="best_possible needs one score"):
        ours.GridSearchCV(SVC, grid, best_possible=1.0, scoring=["accuracy"], refit="accuracy").fit(x, y)


# --- failures ---------------------------------------------------------------------------------------------------------


class Fragile(ClassifierMixin, BaseEstimator):
    def __init__(self, where=None):
        self.where = where

    def fit(self, X, y):
        if self.where == "fit":
            raise ValueError("it broke in fit")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        if self.where == "predict":
            raise ValueError("it broke in predict")
        return np.repeat(self.classes_[:1], len(X))


@pytest.mark.parametrize("where", ["fit", "predict"])
@pytest.mark.parametrize("scoring", [None, ["accuracy", "f1_macro"]])
def test_what_fails_has_the_score_of_errors(where, scoring):
    how = {"scoring": scoring, "refit": False, "cv": 2, "error_score": -1.0, "return_train_score": True}
    grid = {"where": [None, where]}
    words = "2 fits failed" if where == "fit" else "(?s)Scoring failed.*it broke in predict"
    with pytest.warns(FitFailedWarning if where == "fit" else UserWarning, match=words):
        found = ours.GridSearchCV(Fragile(), grid, **how).fit(X, Y)
    with pytest.warns(FitFailedWarning if where == "fit" else UserWarning):
        expected = theirs.GridSearchCV(Fragile(), grid, **how).fit(X, Y)
    assert_alike(found, expected)


def test_a_step_that_fails_is_a_fit_that_fails():
    scaler = sklearn.preprocessing.StandardScaler
    grid = {"standardscaler__with_mean": ["nonsense", True], "svc__C": [1, 2]}
    with pytest.warns(Warning, match="(4 fits failed|non-finite)"):
        found = ours.GridSearchCV(make_pipeline(scaler(), SVC), grid, cv=2).fit(X, Y)
    assert np.isnan(found.cv_results_["mean_test_score"]).tolist() == [True, True, False, False]


def test_errors_are_raised_if_asked_for_and_if_all_fail(engine):
    with pytest.raises(ValueError, match="it broke in fit"):
        ours.GridSearchCV(Fragile(), {"where": ["fit"]}, error_score="raise").fit(X, Y)
    engine._failures.clear()  # those of the other tasks
    with pytest.raises(ValueError, match="All the 5 fits failed"):
        ours.GridSearchCV(Fragile(), {"where": ["fit"]}).fit(X, Y)
    with pytest.raises(ValueError, match="Invalid parameter 'nonsense'"):
        ours.GridSearchCV(Fragile(), {"nonsense": [1]}).fit(X, Y)
    with pytest.raises(ValueError, match="scoring must return a number"):
        ours.GridSearchCV(SVC, GRID, scoring=lambda *_: "good").fit(X, Y)
    engine._failures.clear()


# --- the contract -----------------------------------------------------------------------------------------------------

RIDGE = sklearn.linear_model.Ridge(), {"alpha": [0.1, 1]}
LOGISTIC = sklearn.linear_model.LogisticRegression(), {"C": [0.1, 1]}
FEW = {"cv": 2, "min_resources": "smallest", "error_score": "raise"}
PAIRS = [
    (ours.GridSearchCV(LogisticRegression(), LOGISTIC[1], cv=2), theirs.GridSearchCV(*LOGISTIC, cv=2)),
    (ours.GridSearchCV(*RIDGE, cv=2), theirs.GridSearchCV(*RIDGE, cv=2)),
    (ours.RandomizedSearchCV(*RIDGE, n_iter=2, cv=2), theirs.RandomizedSearchCV(*RIDGE, n_iter=2, cv=2)),
    (ours.HalvingGridSearchCV(*RIDGE, **FEW), TheirHalvingGrid(*RIDGE, **FEW)),
    (ours.HalvingRandomSearchCV(*LOGISTIC, **FEW), TheirHalvingRandom(*LOGISTIC, **FEW)),
]


def failing(estimator, size):
    failed, passed = set(), set()
    for _, check in estimator_checks_generator(estimator, legacy=True):
        name = getattr(check, "func", check).__name__
        try:
            with ds.config(block_size=size):
                check(estimator)
            passed.add(name)
        except AssertionError:
            failed.add(name)
        except SkipTest:
            passed.add(name)
    return failed, passed


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("search", "counterpart"), PAIRS, ids=lambda each: type(each).__name__)
def test_checks_of_scikit_learn_pass_as_for_its_own(search, counterpart, engine):
    expected, faced = failing(counterpart, None)
    for size in (None, 7):
        failed, passed = failing(search, size)
        assert failed <= expected
        assert failed | passed >= expected | faced
    engine._failures.clear()  # provoked by checks


@pytest.mark.parametrize(("search", "counterpart"), PAIRS, ids=lambda each: type(each).__name__)
def test_parameters_are_those_of_scikit_learn(search, counterpart):
    mine, other = (inspect.signature(type(each)).parameters for each in (search, counterpart))
    assert list(other) == [name for name in mine if name != "best_possible"]
    assert all(str(mine[name].default) == str(other[name].default) for name in other)
    assert clone(search).get_params().keys() >= counterpart.get_params(deep=False).keys()
