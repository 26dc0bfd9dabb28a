"""Cross-validation gives what scikit-learn's gives."""

import numpy as np
import pytest
import sklearn
import sklearn.model_selection as theirs
import sklearn.svm
from sklearn.datasets import load_iris
from sklearn.model_selection import GroupKFold

import dsarray as ds
from estimators import model_selection as ours
from estimators.linear_model import LogisticRegression

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
SVC = sklearn.svm.SVC()


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"scoring": "f1_macro", "cv": 3, "return_train_score": True},
        {"scoring": ["accuracy", "recall_macro"], "return_indices": True},
        {"scoring": ["accuracy", "recall_macro"], "return_train_score": True},
        {"cv": GroupKFold(3), "groups": np.arange(150) % 7},
        {"params": {"sample_weight": np.linspace(0.1, 1, 150)}},
    ],
    ids=range(6),
)
@pytest.mark.parametrize("size", [None, 40])
def test_scores_are_those_of_scikit_learn(how, size):
    x, y = (X, Y) if size is None else (ds.array(X, block_size=size), ds.array(Y, block_size=30))
    expected = theirs.cross_validate(SVC, X, Y, **how)
    found = ours.cross_validate(SVC, x, y, **how)
    assert list(found) == list(expected)
    for name in expected:
        if name != "indices" and "_time" not in name:
            np.testing.assert_allclose(found[name], expected[name])
    if "indices" in expected:
        np.testing.assert_array_equal(found["indices"]["test"], expected["indices"]["test"])


def test_estimators_are_returned_if_asked_for():
    found = ours.cross_validate(SVC, X, Y, return_estimator=True, cv=3)
    assert [each.predict(X[:1]).tolist() for each in found["estimator"]] == [[0]] * 3


def test_one_score_for_each_split():
    np.testing.assert_array_equal(ours.cross_val_score(SVC, X, Y, cv=4), theirs.cross_val_score(SVC, X, Y, cv=4))
    scores = ours.cross_val_score(LogisticRegression(C=0.01), ds.array(X, block_size=80), Y, scoring="accuracy")
    np.testing.assert_allclose(scores, ours.cross_val_score(LogisticRegression(C=0.01), X, Y, scoring="accuracy"))


def test_parameters_are_routed_if_that_is_enabled():
    weights = np.linspace(0.1, 1, 150)
    with sklearn.config_context(enable_metadata_routing=True):
        machine = sklearn.svm.SVC().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        params = {"sample_weight": weights}
        expected = theirs.cross_val_score(machine, X, Y, params=params, cv=3)
        np.testing.assert_allclose(ours.cross_val_score(machine, X, Y, params=params, cv=3), expected)
        search = {"param_grid": {"C": [0.1, 1]}, "cv": 3}
        found = ours.GridSearchCV(machine, **search).fit(X, Y, **params)
        other = theirs.GridSearchCV(machine, **search).fit(X, Y, **params)
        np.testing.assert_allclose(found.cv_results_["mean_test_score"], other.cv_results_["mean_test_score"])
        with pytest.raises(ValueError, match="`groups` can only be passed"):
            ours.cross_val_score(machine, X, Y, groups=Y)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
@pytest.mark.parametrize("cv", [4, theirs.KFold(3, shuffle=True, random_state=0)], ids=["in order", "shuffled"])
def test_predictions_are_those_of_scikit_learn(method, cv):
    model = LogisticRegression(C=0.01)
    expected = theirs.cross_val_predict(model, X, Y, cv=cv, method=method)
    np.testing.assert_allclose(ours.cross_val_predict(model, X, Y, cv=cv, method=method), expected, rtol=1e-6)
    x, y = ds.array(X, block_size=80), ds.array(Y, block_size=30)
    found = ours.cross_val_predict(model, x, y, cv=cv, method=method)
    assert isinstance(found, ds.Array)
    np.testing.assert_allclose(found.collect(), expected, rtol=1e-3)


def test_a_class_that_is_not_trained_on_has_no_probability(engine):
    with pytest.warns(RuntimeWarning, match="Number of classes"):
        expected = theirs.cross_val_predict(
            LogisticRegression(C=0.01), X, Y, cv=theirs.KFold(3), method="predict_proba"
        )

    def given(x):
        return np.asarray(
            ours.cross_val_predict(LogisticRegression(C=0.01), x, Y, cv=theirs.KFold(3), method="predict_proba")
        )

    for x in (X, ds.array(X, block_size=80)):
        with pytest.warns(RuntimeWarning, match="Number of classes"):
            found = given(x)
        np.testing.assert_allclose(found, expected, rtol=1e-3)
    with pytest.raises(NotImplementedError, match="trains on 2 of 3 classes"):
        ours.cross_val_predict(SVC, ds.array(X), Y, cv=theirs.KFold(3), method="decision_function")
    engine._failures.clear()  # those of the other tasks


def test_the_configuration_of_scikit_learn_reaches_tasks():
    def names(estimator, X, y):
        return sklearn.get_config()["assume_finite"]

    with sklearn.config_context(assume_finite=True):
        assert ours.cross_val_score(SVC, X, Y, scoring=names, cv=2).tolist() == [True, True]


def test_splits_that_are_no_partition_are_refused():
    with pytest.raises(ValueError, match="only works for partitions"):
        ours.cross_val_predict(SVC, X, Y, cv=theirs.ShuffleSplit(2, random_state=0))


def test_it_works_the_same_on_every_engine(on_every_engine):
    x, y = ds.array(X, block_size=80), ds.array(Y, block_size=30)
    np.testing.assert_allclose(ours.cross_val_score(SVC, x, y), theirs.cross_val_score(SVC, X, Y))
    model = LogisticRegression(C=0.01)
    found = ours.cross_val_predict(model, x, y, cv=3)
    assert np.mean(found.collect() == theirs.cross_val_predict(model, X, Y, cv=3)) > 0.99
