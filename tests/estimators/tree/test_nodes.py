"""Nodes of trees from files: compiled trees follow them without looking, so none may be wrong."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

import dsarray as ds
from estimators.ensemble import RandomForestClassifier
from estimators.tree import DecisionTreeClassifier, DecisionTreeRegressor
from estimators.tree._nodes import check_nodes

X, Y = load_iris(return_X_y=True)


@pytest.fixture
def nodes():
    return RandomForestClassifier(3, random_state=0).fit(X, Y)._nodes


def changed(nodes, **changes):
    """Return nodes of which some elements, by name and position, are others."""
    found = {name: values.copy() for name, values in nodes.items()}
    for name, (place, value) in changes.items():
        found[name][place] = value
    return found


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(random_state=0),
        DecisionTreeClassifier(random_state=0, max_leaf_nodes=4),
        DecisionTreeRegressor(random_state=0, ccp_alpha=0.01),
        DecisionTreeClassifier(max_depth=1),
        *(DecisionTreeRegressor(random_state=0, local_rows=8, max_leaf_nodes=each) for each in (None, 5)),
        DecisionTreeClassifier(random_state=0, local_rows=20, ccp_alpha=0.01),
        RandomForestClassifier(3, random_state=0, local_rows=20),
    ],
    ids=str,
)
def test_what_grows_is_trees(model):
    model.fit(ds.array(X, block_size=40), Y)._check_learned()
    type(model)()._check_learned()


def test_a_tree_of_one_node_is_one():
    DecisionTreeClassifier().fit(X, np.zeros(len(X)))._check_learned()


@pytest.mark.parametrize(
    "changes",
    [
        {"feature": (0, 10**9)},
        {"feature": (0, -2)},
        {"feature": (0, 4)},
        {"left_child": (0, 0)},
        {"right_child": (0, 1)},
        {"right_child": (0, 10**9)},
        {"right_child": (0, -1)},
        {"left_child": (0, -1)},
        {"left_child": (0, -2)},
        {"n_nodes": (0, 1)},
        {"n_nodes": (0, -5)},
    ],
    ids=str,
)
def test_nodes_that_are_no_trees_are_refused(nodes, changes):
    check_nodes(nodes, 4, 1)
    with pytest.raises(ValueError, match="nodes of trees"):
        check_nodes(changed(nodes, **changes), 4, 1)


def test_circles_and_crossings_are_refused(nodes):
    inner = np.flatnonzero(nodes["left_child"] > 0)
    last = inner[inner < nodes["n_nodes"][0]][-1]
    for value in (0, last, nodes["left_child"][0]):
        with pytest.raises(ValueError, match="other nodes"):
            check_nodes(changed(nodes, left_child=(last, value)), 4, 1)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("feature", lambda values: values.astype(float)),
        ("feature", lambda values: values[:-1]),
        ("left_child", lambda values: values.astype(np.uint64)),
        ("threshold", lambda values: values[:, None]),
        ("value", lambda values: values[:, 0]),
        ("value", lambda values: values[:-1]),
        ("value", lambda values: values.astype(np.float32)),
        ("n_nodes", lambda values: values.astype(float)),
        ("n_nodes", lambda values: values[:0]),
    ],
)
def test_arrays_of_another_kind_are_refused(nodes, name, change):
    with pytest.raises(ValueError, match="nodes of trees"):
        check_nodes(nodes | {name: change(nodes[name])}, 4, 1)


@pytest.mark.parametrize("n_features", [3, 2.5, "x"])
def test_features_that_are_not_there_are_refused(nodes, n_features):
    with pytest.raises(ValueError, match="features"):
        check_nodes(nodes, n_features, 1)


@pytest.mark.parametrize(
    "changes", [{"n_classes_": 2}, {"classes_": np.arange(2)}, {"n_classes_": 4, "classes_": np.arange(4)}], ids=str
)
def test_classes_that_values_do_not_have_are_refused(changes):
    model = DecisionTreeClassifier().fit(X, Y)
    vars(model).update(changes)
    with pytest.raises(ValueError, match="classes in place of"):
        model._check_learned()
    model.n_outputs_ = 10**12
    with pytest.raises(ValueError, match="values of"):
        model._check_learned()
