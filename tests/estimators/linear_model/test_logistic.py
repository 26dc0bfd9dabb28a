"""LogisticRegression finds what scikit-learn's does, whatever the blocks and the engine."""

import warnings

import numpy as np
import pytest
import scipy.sparse
import sklearn.linear_model
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning

import dsarray as ds
from estimators.linear_model import LogisticRegression, _logistic


def scaled(load):
    X, y = load(return_X_y=True)
    return (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-9), y


SETS = {"two classes": scaled(load_breast_cancer), "three": scaled(load_wine)}
PARAMETERS = [
    {},
    {"C": 0.01, "fit_intercept": False},
    {"C": np.inf, "max_iter": 20},
    {"class_weight": "balanced"},
    {"class_weight": {0: 3.0}},
    {"solver": "newton-cholesky"},
    {"solver": "newton-cg", "tol": 1e-9},
]

each_set = pytest.mark.parametrize(("X", "y"), SETS.values(), ids=SETS)


def weights(n):
    return np.random.default_rng(0).integers(0, 3, n).astype(float)


def assert_same(ours, theirs, rtol=1e-6):
    for name in ("coef_", "intercept_"):
        expected, found = getattr(theirs, name), getattr(ours, name)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * np.abs(expected).max())
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    assert ours.n_iter_.shape == theirs.n_iter_.shape


@each_set
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_finds_and_predicts_what_scikit_learn_does(X, y, parameters, weighted):
    sample_weight = weights(len(y)) if weighted else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs = sklearn.linear_model.LogisticRegression(**parameters).fit(X, y, sample_weight)
        cut = ds.array(X, block_size=(150, 4))
        ours = LogisticRegression(**parameters).fit(cut, ds.array(y, block_size=50), sample_weight)
    assert_same(ours, theirs, rtol=1e-4)
    if "solver" not in parameters:
        np.testing.assert_array_equal(ours.n_iter_, theirs.n_iter_)
    np.testing.assert_array_equal(ours.predict(cut).collect(), theirs.predict(X))
    assert ours.score(cut, y, sample_weight) == pytest.approx(theirs.score(X, y, sample_weight))
    for method in ("decision_function", "predict_proba", "predict_log_proba"):
        found = getattr(ours, method)(cut)
        assert isinstance(found, ds.Array)
        with np.errstate(divide="ignore"):  # scikit-learn takes the logarithm of 0
            expected, given = getattr(ours, method)(X), found.collect()
        if method == "predict_log_proba":
            expected, given = np.exp(expected), np.exp(given)
        np.testing.assert_allclose(given, expected, atol=1e-9)


@each_set
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize(
    "most_bent", [pytest.param(0, id="gradients", marks=pytest.mark.slow), pytest.param(2000, id="newton")]
)
def test_absolute_penalties_are_as_good_as_scikit_learns(X, y, l1_ratio, most_bent, monkeypatch):
    monkeypatch.setattr(_logistic, "_MOST_BENT", most_bent)
    parameters = {"l1_ratio": l1_ratio, "C": 0.1, "solver": "saga"}
    theirs = sklearn.linear_model.LogisticRegression(**parameters, max_iter=5000, tol=1e-7, random_state=0).fit(X, y)
    ours = LogisticRegression(**parameters, tol=1e-6, max_iter=2000).fit(ds.array(X, block_size=60), y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-3)
    np.testing.assert_array_equal(ours.coef_ == 0, np.abs(theirs.coef_) < 1e-5)


def test_many_classes():
    X, y = scaled(load_digits)
    ours = LogisticRegression().fit(ds.array(X, block_size=300), y)
    assert_same(ours, sklearn.linear_model.LogisticRegression().fit(X, y))


def test_sparse_rows_give_the_same_as_dense_ones():
    X, y = SETS["three"]
    sparse = scipy.sparse.csr_array(np.where(X > 0, X, 0))
    theirs = sklearn.linear_model.LogisticRegression(tol=1e-8).fit(sparse.toarray(), y)
    for solver in ("lbfgs", "newton-cholesky"):
        ours = LogisticRegression(solver=solver, tol=1e-8).fit(ds.array(sparse, block_size=50), y)
        assert_same(ours, theirs, rtol=1e-3)
    np.testing.assert_array_equal(ours.predict(ds.array(sparse)).collect(), theirs.predict(sparse))


def test_classes_may_be_texts():
    X, y = SETS["three"]
    names = np.array(["red", "white", "rosé"])[y]
    ours = LogisticRegression().fit(ds.array(X, block_size=50), ds.array(names, block_size=50))
    assert ours.score(ds.array(X, block_size=50), names) > 0.98
    np.testing.assert_array_equal(ours.predict(ds.array(X)).collect(), ours.predict(X))


def test_numbers_stay_as_short_as_they_are():
    X, y = SETS["two classes"]
    rows = ds.array(X.astype(np.float32), block_size=100)
    ours = LogisticRegression().fit(rows, y)
    assert ours.coef_.dtype == ours.predict_proba(rows).dtype == np.float32
    np.testing.assert_allclose(ours.coef_, sklearn.linear_model.LogisticRegression().fit(X, y).coef_, atol=0.02)


def test_starts_where_it_has_ended_and_coefficients_may_be_sparse():
    X, y = SETS["two classes"]
    model = LogisticRegression(warm_start=True).fit(X, y)
    first = model.n_iter_[0]
    assert model.fit(ds.array(X, block_size=100), y).n_iter_[0] < first
    expected = model.predict_proba(X)
    model.sparsify()
    np.testing.assert_allclose(model.predict_proba(ds.array(X)).collect(), expected)
    with pytest.raises(ValueError, match=r"warm_start=True, but what was learned has shape \(1, 31\)"):
        model.fit(*SETS["three"])


@each_set
def test_streamed_rows_are_read_anew(X, y, tmp_path):
    ds.to_zarr(ds.array(X, block_size=50), tmp_path / "X.zarr")
    ours = LogisticRegression().fit(ds.from_zarr(tmp_path / "X.zarr", block_size=50), y)
    assert_same(ours, sklearn.linear_model.LogisticRegression().fit(X, y))


def test_engine_does_not_change_the_result(on_every_engine):
    X, y = SETS["three"]
    ours = LogisticRegression().fit(ds.array(X, block_size=60), y)
    assert_same(ours, sklearn.linear_model.LogisticRegression().fit(X, y))


def test_the_deprecated_penalty_is_understood():
    X, y = SETS["two classes"]
    for penalty, other in ((None, {"C": np.inf}), ("l2", {}), ("l1", {"l1_ratio": 1.0})):
        parameters = {"solver": "saga", "max_iter": 15}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            expected = LogisticRegression(**parameters, **other).fit(X, y)
            with pytest.warns(FutureWarning, match="penalty is deprecated"):
                found = LogisticRegression(penalty=penalty, **parameters).fit(X, y)
        np.testing.assert_array_equal(found.coef_, expected.coef_)


REFUSED = {
    "solver": ("liblinear", "solver='liblinear' is not supported; take 'saga'"),
    "dual": (True, "dual=True is not supported; leave it False"),
    "l1_ratio": (0.5, "solver='lbfgs' is not supported; a penalty on absolute coefficients needs 'saga'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_supported_is_named(name):
    value, words = REFUSED[name]
    with pytest.raises(ValueError, match=words):
        LogisticRegression(**{name: value}).fit(*SETS["three"])


def test_errors_and_warnings_say_what_is_wrong():
    X, y = SETS["three"]
    cut = ds.array(X, block_size=50)
    with pytest.warns(ConvergenceWarning, match="not converged after 2 iterations"):
        LogisticRegression(max_iter=2).fit(cut, y)
    with pytest.raises(ValueError, match="number of classes has to be greater than one"):
        LogisticRegression().fit(cut, np.zeros(len(y)))
    with pytest.raises(ValueError, match="Input X contains NaN"):
        LogisticRegression().fit(ds.array(np.where(X > 2, np.nan, X), block_size=50), y)
