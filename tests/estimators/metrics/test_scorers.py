"""Scorers by name, and score methods, on ds-arrays."""

import inspect
import pickle

import numpy as np
import pytest
import scipy.sparse
import sklearn.metrics
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.datasets import load_breast_cancer, load_diabetes

import dsarray as ds
from estimators import metrics
from estimators.linear_model import LogisticRegression, Ridge
from estimators.metrics import SCORERS, AccuracyScore, DeterminationScore, get_scorer
from estimators.neighbors import KNeighborsClassifier

X, Y = load_breast_cancer(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)


@pytest.mark.parametrize(
    "name", ["accuracy", "balanced_accuracy", "f1", "precision", "recall_macro", "roc_auc", "neg_log_loss"]
)
def test_classifiers_are_scored_by_name_where_the_data_are(name, monkeypatch):
    model = LogisticRegression().fit(X, Y)
    expected = sklearn.metrics.get_scorer(name)(model, X, Y)
    assert get_scorer(name)(model, X, Y) == pytest.approx(expected)
    monkeypatch.setattr(ds.Array, "__array__", None)  # nothing is gathered on the way
    found = get_scorer(name)(model, ds.array(X, block_size=100), ds.array(Y, block_size=90))
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("name", ["r2", "neg_mean_squared_error", "neg_root_mean_squared_error", "max_error"])
def test_regressions_are_scored_by_name_where_the_data_are(name, monkeypatch):
    x, y = load_diabetes(return_X_y=True)
    model = Ridge().fit(x, y)
    name = "neg_max_error" if name == "max_error" else name
    expected = sklearn.metrics.get_scorer(name)(model, x, y)
    monkeypatch.setattr(ds.Array, "__array__", None)
    found = get_scorer(name)(model, ds.array(x, block_size=100), ds.array(y, block_size=90))
    assert found == pytest.approx(expected)


CLASSES = (Y + (np.arange(len(Y)) % 3 == 0)).clip(0, 2)
SEVERAL = {"roc_auc_ovo", "roc_auc_ovo_weighted", "roc_auc_ovr", "roc_auc_ovr_weighted", "top_k_accuracy"}
REGRESSIONS = {
    name for name in SCORERS if "error" in name or "deviance" in name or name in ("r2", "explained_variance")
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", sorted(SCORERS))
def test_no_scorer_brings_the_samples_together(name, monkeypatch):
    if name in REGRESSIONS:
        x, y = load_diabetes(return_X_y=True)
        model = Ridge().fit(x, y)
    else:
        x, y = X, CLASSES if name in SEVERAL else Y
        model = LogisticRegression(max_iter=500).fit(x, y)
        if name.endswith("_samples"):
            y = np.column_stack([y, 1 - y])
            model = KNeighborsClassifier(3).fit(x, y)
    expected = sklearn.metrics.get_scorer(name)(model, x, y)
    cut = ds.array(x, block_size=100), ds.array(y, block_size=90)
    monkeypatch.setattr(ds.Array, "__array__", None)
    assert get_scorer(name)(model, *cut) == pytest.approx(expected)


def test_all_names_of_scikit_learn_are_known():
    assert list(SCORERS) == sklearn.metrics.get_scorer_names()
    assert len(SCORERS) == len(list(SCORERS))
    assert all(callable(scorer) for scorer in SCORERS.values())
    assert "nonsense" not in SCORERS
    with pytest.raises(KeyError):
        SCORERS["nonsense"]
    with pytest.raises(ValueError, match="nonsense"):
        get_scorer("nonsense")


def test_a_scorer_is_pickled_and_a_callable_is_left_as_it_is():
    scorer = pickle.loads(pickle.dumps(get_scorer("f1_macro")))
    assert scorer._score_func is metrics.f1_score
    assert get_scorer(len) is len


@pytest.mark.parametrize("name", sorted(set(metrics.__all__) & set(sklearn.metrics.__all__) - {"get_scorer"}))
def test_parameters_are_those_of_scikit_learn(name):
    ours, theirs = (inspect.signature(getattr(module, name)).parameters for module in (metrics, sklearn.metrics))
    deprecated = {"y_pred"} if name in ("log_loss", "d2_log_loss_score") else set()
    variable = {"kwds", "n_jobs", "ensure_all_finite"} if name in ("pairwise_distances", "pairwise_kernels") else set()
    assert set(theirs) - deprecated - variable <= set(ours)
    for each in set(theirs) - deprecated - variable - {"y_proba"}:
        assert (
            ours[each].default == theirs[each].default
            or ours[each].default is theirs[each].default
            or (np.isnan(ours[each].default))
        )


class Threshold(AccuracyScore, ClassifierMixin, BaseEstimator):
    def predict(self, X):
        return (X[:, 0] < 0).astype(int)


class FirstColumn(DeterminationScore, RegressorMixin, BaseEstimator):
    def predict(self, X):
        return X[:, 0]


def test_score_methods_leave_predictions_where_they_are(monkeypatch):
    weights = np.linspace(0, 1, len(Y))
    x, y = ds.array(X, block_size=100), ds.array(Y, block_size=70)
    for model, metric in ((Threshold(), "accuracy_score"), (FirstColumn(), "r2_score")):
        expected = getattr(sklearn.metrics, metric)(Y, model.predict(X), sample_weight=weights)
        assert model.score(X, Y, weights) == pytest.approx(expected)
        with monkeypatch.context() as patch:
            patch.setattr(ds.Array, "__array__", None)
            assert model.score(x, y, weights) == pytest.approx(expected)


@pytest.mark.parametrize("model", [Threshold(), FirstColumn()])
def test_what_is_no_array_is_named_for_ds_arrays_too(model):
    x, y = ds.array(X, block_size=100), ds.array(Y, block_size=70)
    for data in ((X, Y), (x, y), (x, Y), (X, y)):
        with pytest.raises(ValueError, match=r"'sample_weight'.* must be an array-like or None"):
            model.score(*data, True)
    with pytest.raises(ValueError, match="got 3 in place of an array"):
        model.score(x, 3)


def test_sparse_targets_of_a_regression_are_named():
    y = ds.array(scipy.sparse.csr_array(Y[:, None].astype(float)))
    with pytest.raises(TypeError, match="r2_score: sparse data was passed for y"):
        FirstColumn().score(ds.array(X, block_size=100), y)


def test_all_labels_of_a_sample_are_to_be_right():
    x, y = ds.array(X[:60], block_size=25), np.column_stack([Y[:60], Y[:60] == 0])
    model = KNeighborsClassifier(1).fit(x, y)
    wrong = y.copy()
    wrong[:6, 1] = ~wrong[:6, 1].astype(bool)
    assert model.score(x, ds.array(wrong, block_size=40)) == pytest.approx(0.9)
    assert model.score(x, wrong, np.arange(60.0)) == pytest.approx(1 - 15 / 1770)
