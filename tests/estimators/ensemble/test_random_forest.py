import numpy as np
import pytest
import sklearn.ensemble
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.metrics import accuracy_score

import dsarray as ds
import estimators
from dsflow.testing import count_tasks
from estimators.ensemble import RandomForestClassifier, RandomForestRegressor

DIGITS, NUMBERS = load_digits(return_X_y=True)
SICK, SICKNESS = load_diabetes(return_X_y=True)
KINDS = [
    (RandomForestClassifier, sklearn.ensemble.RandomForestClassifier, DIGITS[:400], NUMBERS[:400]),
    (RandomForestRegressor, sklearn.ensemble.RandomForestRegressor, SICK, SICKNESS),
]
each_kind = pytest.mark.parametrize(("kind", "counterpart", "X", "y"), KINDS, ids=["classifier", "regressor"])


def nodes_of(model):
    return [tree.tree_.__getstate__()["nodes"] for tree in model.estimators_]


def assert_same_trees(found, expected):
    assert len(found.estimators_) == len(expected.estimators_)
    for ours, theirs in zip(nodes_of(found), nodes_of(expected), strict=True):
        for name in ("left_child", "right_child", "feature", "threshold", "n_node_samples"):
            np.testing.assert_array_equal(ours[name], theirs[name])


# --- agrees with scikit-learn -----------------------------------------------------------------------------------------


@each_kind
@pytest.mark.parametrize(
    "params", [{}, {"bootstrap": False}, {"max_samples": 0.5}, {"max_features": "log2", "ccp_alpha": 0.01}], ids=str
)
def test_small_data_gives_the_forest_of_scikit_learn(kind, counterpart, X, y, params):
    ours = kind(5, random_state=7, **params).fit(ds.array(X, block_size=90), y)
    theirs = counterpart(5, random_state=7, **params).fit(X, y)
    assert_same_trees(ours, theirs)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_array_equal(ours.apply(X), theirs.apply(X))
    np.testing.assert_allclose(ours.feature_importances_, theirs.feature_importances_)
    (found, starts), (expected, ends) = ours.decision_path(X), theirs.decision_path(X)
    assert (found != expected).nnz == 0
    np.testing.assert_array_equal(starts, ends)


@each_kind
def test_many_tasks_give_the_same_forest_as_one(kind, counterpart, X, y, monkeypatch):
    monkeypatch.setattr("estimators.ensemble._growing._TASK_ROWS", 2 * len(X))
    for seed in (3, np.random.RandomState(3)):
        ours = kind(5, random_state=seed).fit(X, y)
        assert_same_trees(ours, counterpart(5, random_state=3).fit(X, y))


@pytest.mark.parametrize("load", [load_digits, load_breast_cancer, load_wine])
def test_large_data_is_learnt_as_well_as_by_scikit_learn(load):
    X, y = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order], y[order]
    n_known = 2 * len(X) // 3
    params = {"n_estimators": 20, "random_state": 0}
    ours = RandomForestClassifier(local_rows=100, **params).fit(ds.array(X[:n_known], block_size=200), y[:n_known])
    theirs = sklearn.ensemble.RandomForestClassifier(**params).fit(X[:n_known], y[:n_known])
    assert ours.score(X[:n_known], y[:n_known]) > 0.99
    assert ours.score(X[n_known:], y[n_known:]) > theirs.score(X[n_known:], y[n_known:]) - 0.03
    np.testing.assert_allclose(ours.feature_importances_, theirs.feature_importances_, atol=0.2)


def test_regression_of_large_data_is_as_good_as_by_scikit_learn():
    params = {"n_estimators": 50, "random_state": 0, "max_features": 0.5}
    known, new = slice(0, 300), slice(300, None)
    ours = RandomForestRegressor(local_rows=50, **params).fit(ds.array(SICK[known], block_size=70), SICKNESS[known])
    theirs = sklearn.ensemble.RandomForestRegressor(**params).fit(SICK[known], SICKNESS[known])
    assert ours.score(SICK[new], SICKNESS[new]) > theirs.score(SICK[new], SICKNESS[new]) - 0.04


@pytest.mark.parametrize(
    "params",
    [
        {"class_weight": "balanced"},
        {"class_weight": "balanced_subsample"},
        {"class_weight": {0: 5.0}},
        {"max_samples": 100},
        {"max_samples": 0.3},
        {"bootstrap": False},
        {"max_leaf_nodes": 30},
        {"ccp_alpha": 0.002},
        {"criterion": "log_loss", "min_samples_leaf": 3},
    ],
    ids=str,
)
def test_parameters_mean_the_same_for_large_data(params):
    X, y = DIGITS[:600], NUMBERS[:600]
    params = {"n_estimators": 10, "random_state": 0} | params
    ours = RandomForestClassifier(local_rows=100, **params).fit(ds.array(X, block_size=200), y)
    theirs = sklearn.ensemble.RandomForestClassifier(**params).fit(X, y)
    sizes, expected = ([len(nodes) for nodes in nodes_of(model)] for model in (ours, theirs))
    assert np.mean(sizes) == pytest.approx(np.mean(expected), rel=0.12)
    assert abs(ours.score(DIGITS[600:], NUMBERS[600:]) - theirs.score(DIGITS[600:], NUMBERS[600:])) < 0.06


def test_weights_of_rows_are_how_often_they_are_drawn():
    X, y = DIGITS[:400], NUMBERS[:400]
    weights = np.where(y < 5, 1.0, 0.0)
    model = RandomForestClassifier(5, local_rows=50, random_state=0).fit(ds.array(X, block_size=90), y, weights)
    assert model.predict(X).max() < 5
    roots = [nodes["weighted_n_node_samples"][0] for nodes in nodes_of(model)]
    assert np.mean(roots) == pytest.approx(400, rel=0.1)


# --- out of bag, warm start -------------------------------------------------------------------------------------------


@each_kind
@pytest.mark.parametrize("local_rows", [None, 60])
def test_rows_out_of_bag_tell_how_good_the_forest_is(kind, counterpart, X, y, local_rows):
    params = {"n_estimators": 30, "oob_score": True, "random_state": 0}
    x = ds.array(X, block_size=90)
    ours, theirs = kind(local_rows=local_rows, **params).fit(x, y), counterpart(**params).fit(X, y)
    assert ours.oob_score_ == pytest.approx(theirs.oob_score_, abs=0 if local_rows is None else 0.06)
    name = "oob_decision_function_" if hasattr(theirs, "oob_decision_function_") else "oob_prediction_"
    assert isinstance(getattr(ours, name), ds.Array)
    found, expected = getattr(ours, name).collect(), getattr(theirs, name)
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < (1e-12 if local_rows is None else 0.2 * np.abs(expected).max())
    assert isinstance(getattr(kind(local_rows=local_rows, **params).fit(X, y), name), np.ndarray)


def test_a_score_of_ones_own_is_for_small_data():
    params = {"n_estimators": 20, "oob_score": accuracy_score, "random_state": 0}
    model = RandomForestClassifier(**params).fit(DIGITS[:300], NUMBERS[:300])
    assert 0.7 < model.oob_score_ < 1
    with pytest.raises(NotImplementedError, match="oob_score as a function"):
        RandomForestClassifier(local_rows=50, **params).fit(DIGITS[:300], NUMBERS[:300])


def test_few_trees_warn_that_some_rows_are_in_all_of_them():
    with pytest.warns(UserWarning, match="do not have OOB scores"):
        RandomForestClassifier(2, local_rows=50, oob_score=True).fit(DIGITS[:300], NUMBERS[:300])


@each_kind
@pytest.mark.parametrize("local_rows", [None, 60])
def test_a_warm_start_keeps_the_trees(kind, counterpart, X, y, local_rows):
    model = kind(3, random_state=0, warm_start=True, local_rows=local_rows).fit(X, y)
    model.set_params(n_estimators=6).fit(X, y)
    assert_same_trees(model, kind(6, random_state=0, local_rows=local_rows).fit(X, y))
    with pytest.raises(ValueError, match="larger or equal"):
        model.set_params(n_estimators=5).fit(X, y)
    with pytest.warns(UserWarning, match="without increasing n_estimators"):
        model.set_params(n_estimators=6).fit(X, y)


# --- blocks, engines, tasks -------------------------------------------------------------------------------------------


@each_kind
@pytest.mark.parametrize("block_size", [31, 200, 400])
def test_blocking_does_not_change_the_forest(kind, counterpart, X, y, block_size):
    params = {"n_estimators": 3, "random_state": 0, "max_features": 3, "local_rows": 80}
    expected = kind(**params).fit(ds.array(X, block_size=90), y)
    assert_same_trees(kind(**params).fit(ds.array(X, block_size=block_size), ds.array(y, block_size=33)), expected)


def test_the_engine_does_not_change_the_forest(on_every_engine, tmp_path):
    X, y = DIGITS[:300], NUMBERS[:300]
    x = ds.array(X, block_size=90)
    model = RandomForestClassifier(5, random_state=0, local_rows=80, oob_score=True)
    with pytest.warns(UserWarning, match="OOB"):
        model.fit(x, ds.array(y, block_size=70))
    assert model.score(x, y) > 0.97
    model.oob_decision_function_ = model.oob_decision_function_.collect()
    estimators.save(model, tmp_path / "forest")
    np.testing.assert_array_equal(estimators.load(tmp_path / "forest").predict(X), model.predict(x).collect())


def test_trees_grow_together_whatever_their_number():
    x, y = ds.array(DIGITS[:600], block_size=200), NUMBERS[:600]
    counts = []
    for n_estimators in (2, 20):
        with count_tasks() as counted:
            RandomForestClassifier(n_estimators, local_rows=100, max_depth=3, random_state=0).fit(x, y)
        counts.append(counted.count)
    assert counts[1] < 2 * counts[0]


def test_errors_name_what_is_wrong():
    X, y = DIGITS[:100], NUMBERS[:100]
    for local_rows in (None, 20):
        with pytest.raises(ValueError, match="bootstrap=False"):
            RandomForestClassifier(bootstrap=False, max_samples=0.5, local_rows=local_rows).fit(X, y)
        with pytest.raises(ValueError, match="bootstrap=True"):
            RandomForestClassifier(bootstrap=False, oob_score=True, local_rows=local_rows).fit(X, y)
        with pytest.raises(ValueError, match="class_weight"):
            RandomForestClassifier(class_weight="other", local_rows=local_rows).fit(X, y)
    with pytest.raises(ValueError, match="a tree has not got any row"):
        RandomForestClassifier(50, max_samples=1, local_rows=20).fit(X, y)
    with pytest.raises(AttributeError, match="not kept"):
        _ = RandomForestClassifier(2).fit(X, y).estimators_samples_


@each_kind
def test_trees_are_compiled_once_for_each_fit(kind, counterpart, X, y):
    model = kind(2, random_state=0).fit(X, y)
    first = [tree.tree_ for tree in model.estimators_]
    assert all(tree.tree_ is each for tree, each in zip(model.estimators_, first, strict=True))
    before = model.predict(X[:50])
    model.set_params(random_state=1).fit(X, y)
    assert not any(tree.tree_ is each for tree, each in zip(model.estimators_, first, strict=True))
    assert (model.predict(X[:50]) != before).any()


def test_few_rows_of_the_main_program_are_answered_there(engine):
    model = RandomForestClassifier(2, random_state=0).fit(DIGITS, NUMBERS)
    with count_tasks() as tasks:
        found = model.predict_proba(DIGITS)
    assert tasks.count == 0
    np.testing.assert_array_equal(found, model.predict_proba(ds.array(DIGITS, block_size=500)))
