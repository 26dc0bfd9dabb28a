import numpy as np
import pytest
import scipy.sparse
import sklearn.tree
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import estimator_checks_generator

import dsarray as ds
from dsflow.testing import count_tasks
from estimators.tree import DecisionTreeClassifier, DecisionTreeRegressor

DIGITS, NUMBERS = load_digits(return_X_y=True)
CLASSES = (DecisionTreeClassifier, sklearn.tree.DecisionTreeClassifier)
NUMERIC = (DecisionTreeRegressor, sklearn.tree.DecisionTreeRegressor)


def continuous(n_rows=600, n_features=4, seed=0):
    """Rows without equal values, so that there is one best split."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_features)).astype(np.float32)
    return X, (X[:, 0] > 0).astype(int) + (X[:, 1] + 0.3 * rng.normal(size=n_rows) > 0.5)


def uneven(n_rows):
    """Weights by which no two splits are equally good, and which add up without rounding errors."""
    return np.random.default_rng(2).integers(400, 1600, n_rows) / 1024


def arrays_of(tree):
    return {name: getattr(tree.tree_, name) for name in ("children_left", "children_right", "feature", "threshold")}


# --- agrees with scikit-learn -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params", [{}, {"criterion": "entropy"}, {"splitter": "random"}, {"max_leaf_nodes": 9}], ids=str
)
@pytest.mark.parametrize("blocks", [None, 100])
def test_small_data_gives_the_tree_of_scikit_learn(params, blocks):
    X = DIGITS if blocks is None else ds.array(DIGITS, block_size=blocks)
    ours, theirs = (
        kind(random_state=0, **params).fit(x, NUMBERS) for kind, x in zip(CLASSES, (X, DIGITS), strict=True)
    )
    for name, values in arrays_of(theirs).items():
        np.testing.assert_array_equal(arrays_of(ours)[name], values)
    np.testing.assert_array_equal(ours.predict_proba(DIGITS), theirs.predict_proba(DIGITS))


PARAMETERS = [
    {},
    {"criterion": "entropy"},
    {"max_depth": 4},
    {"min_samples_leaf": 7},
    {"min_samples_split": 0.1},
    {"min_weight_fraction_leaf": 0.1, "max_depth": 6},
    {"min_impurity_decrease": 0.01, "max_depth": 6},
    {"max_leaf_nodes": 8},
    {"ccp_alpha": 0.005},
    {"class_weight": "balanced"},
    {"class_weight": {0: 3.0, 1: 1.0, 2: 0.5}},
]


@pytest.mark.parametrize("params", PARAMETERS, ids=str)
@pytest.mark.parametrize("local_rows", [1, 60, 140])
def test_histograms_find_the_splits_of_scikit_learn(params, local_rows):
    X, y = continuous(250)  # at most 255 values, so that each has a bin of its own
    weights = uneven(len(X))
    params = {"max_depth": 3, "random_state": 0} | params
    model = DecisionTreeClassifier(local_rows=local_rows, **params)
    ours = model.fit(ds.array(X, block_size=37), y, sample_weight=weights)
    theirs = sklearn.tree.DecisionTreeClassifier(**params).fit(X, y, sample_weight=weights)
    if "class_weight" not in params:  # with rounding errors, scikit-learn splits nodes that are pure
        assert ours.get_depth() == theirs.get_depth()
        assert sorted(ours.tree_.n_node_samples) == sorted(theirs.tree_.n_node_samples)
        np.testing.assert_allclose(sorted(ours.tree_.threshold), sorted(theirs.tree_.threshold), atol=1e-6)
        np.testing.assert_allclose(sorted(ours.tree_.impurity), sorted(theirs.tree_.impurity), atol=1e-9)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-9)
    np.testing.assert_allclose(ours.feature_importances_, theirs.feature_importances_, atol=1e-9)


@pytest.mark.parametrize("params", [{}, {"max_depth": 4}, {"min_samples_leaf": 9}, {"max_leaf_nodes": 10}], ids=str)
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_histograms_find_the_splits_of_scikit_learn_in_regression(params, n_outputs):
    X, _ = continuous(250)
    y = np.sin(3 * X[:, :n_outputs]) + 1e3
    y = y[:, 0] if n_outputs == 1 else y
    ours = DecisionTreeRegressor(random_state=0, local_rows=20, **params).fit(ds.array(X, block_size=37), y)
    theirs = sklearn.tree.DecisionTreeRegressor(random_state=0, **params).fit(X, y)
    assert ours.tree_.node_count == theirs.tree_.node_count
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9)
    np.testing.assert_allclose(sorted(ours.tree_.impurity), sorted(theirs.tree_.impurity), atol=1e-8)


@pytest.mark.parametrize("criterion", ["gini", "entropy"])
def test_histograms_find_the_splits_of_scikit_learn_for_two_outputs(criterion):
    X, y = continuous(250)
    y = np.column_stack([y, X[:, 2] > 0])
    ours = DecisionTreeClassifier(random_state=0, local_rows=20, criterion=criterion).fit(ds.array(X, block_size=37), y)
    theirs = sklearn.tree.DecisionTreeClassifier(random_state=0, criterion=criterion).fit(X, y)
    assert ours.tree_.node_count == theirs.tree_.node_count
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    for found, expected in zip(ours.predict_proba(ds.array(X, block_size=50)), theirs.predict_proba(X), strict=True):
        np.testing.assert_allclose(found.collect(), expected)


@pytest.mark.parametrize("load", [load_digits, load_breast_cancer, load_wine])
def test_large_data_is_learnt_as_well_as_by_scikit_learn(load):
    X, y = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order], y[order]
    known, n_new = slice(0, 2 * len(X) // 3), len(X) // 3
    ours = DecisionTreeClassifier(random_state=0, local_rows=40).fit(ds.array(X[known], block_size=100), y[known])
    theirs = sklearn.tree.DecisionTreeClassifier(random_state=0).fit(X[known], y[known])
    assert ours.score(X[known], y[known]) == 1
    assert ours.score(X[-n_new:], y[-n_new:]) > theirs.score(X[-n_new:], y[-n_new:]) - 0.08


def test_regression_of_large_data_is_as_good_as_by_scikit_learn():
    X, y = load_diabetes(return_X_y=True)
    params = {"max_depth": 3, "random_state": 0}
    ours = DecisionTreeRegressor(local_rows=40, **params).fit(ds.array(X[:300], block_size=70), y[:300])
    theirs = sklearn.tree.DecisionTreeRegressor(**params).fit(X[:300], y[:300])
    assert abs(ours.score(X[:300], y[:300]) - theirs.score(X[:300], y[:300])) < 1e-6


def test_more_values_than_bins_lose_little():
    X, y = continuous(4000)
    ours = DecisionTreeClassifier(random_state=0, local_rows=500, max_depth=6).fit(ds.array(X, block_size=700), y)
    theirs = sklearn.tree.DecisionTreeClassifier(random_state=0, max_depth=6).fit(X, y)
    assert abs(ours.score(X, y) - theirs.score(X, y)) < 0.01


@pytest.mark.parametrize("local_rows", [1, 30])
def test_two_hundred_and_more_classes_are_fine(local_rows):
    X = np.repeat(np.arange(230.0), 3)[:, None]
    y = np.array([f"class {value:.0f}" for value in X[:, 0]])
    model = DecisionTreeClassifier(criterion="entropy", local_rows=local_rows).fit(ds.array(X, block_size=100), y)
    assert model.predict_proba(X).shape == (690, 230)
    np.testing.assert_array_equal(model.predict(X), y)


def test_weights_are_repetitions_in_histograms():
    X, y = continuous(200)
    times = np.random.default_rng(1).integers(0, 4, len(X))
    params = {"max_depth": 3, "local_rows": 1, "random_state": 0}
    weighted = DecisionTreeClassifier(**params).fit(ds.array(X, block_size=30), y, sample_weight=times)
    repeated = DecisionTreeClassifier(**params).fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X))
    theirs = sklearn.tree.DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y, sample_weight=times)
    np.testing.assert_allclose(weighted.predict_proba(X), theirs.predict_proba(X))


@pytest.mark.parametrize("kinds", [CLASSES, NUMERIC])
@pytest.mark.parametrize("local_rows", [None, 1, 40])
def test_missing_values_go_where_scikit_learn_sends_them(kinds, local_rows):
    X, y = continuous(250)
    rng = np.random.default_rng(0)
    X[rng.random(X.shape) < 0.2] = np.nan
    X[(y == 0) & (rng.random(len(y)) < 0.5), 3] = np.nan
    X[y == 2, 3] = np.abs(X[y == 2, 3])
    weights = uneven(len(X))
    ours = kinds[0](random_state=0, max_depth=4, local_rows=local_rows).fit(ds.array(X, block_size=60), y, weights)
    theirs = kinds[1](random_state=0, max_depth=4).fit(X, y, weights)
    assert ours.tree_.node_count == theirs.tree_.node_count
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-8)
    new = np.where(rng.random(X.shape) < 0.5, np.nan, X)
    np.testing.assert_allclose(ours.predict(new), theirs.predict(new), atol=1e-8)


# --- blocks, engines, kinds of input ----------------------------------------------------------------------------------


@pytest.mark.parametrize("block_size", [1, 13, 100, 600])
@pytest.mark.parametrize("kind", [DecisionTreeClassifier, DecisionTreeRegressor])
def test_blocking_does_not_change_the_tree(kind, block_size):
    X, y = continuous(300 if block_size == 1 else 600)
    y = y + X[:, 2] if kind is DecisionTreeRegressor else y
    params = {"random_state": 0, "max_features": 2, "local_rows": 150}
    expected = arrays_of(kind(**params).fit(ds.array(X, block_size=171), y))
    found = arrays_of(kind(**params).fit(ds.array(X, block_size=block_size), ds.array(y, block_size=99)))
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_the_engine_does_not_change_the_tree(on_every_engine):
    X, y = continuous()
    model = DecisionTreeClassifier(random_state=0, local_rows=50).fit(ds.array(X, block_size=100), ds.array(y))
    assert model.score(ds.array(X, block_size=70), y) == 1
    assert model.tree_.node_count == DecisionTreeClassifier(random_state=0, local_rows=50).fit(X, y).tree_.node_count


def test_empty_blocks_and_blocks_of_one_row_are_ordinary():
    X, y = continuous(200)
    blocks = [[X[:0]], [X[:1]], [X[1:150]], [X[150:150]], [X[150:]]]
    cut = ds.from_blocks(blocks, ((0, 1, 149, 0, 50), (4,)), X.dtype)
    for kind in (DecisionTreeClassifier, DecisionTreeRegressor):
        whole = kind(random_state=0, local_rows=20).fit(X, y)
        parts = kind(random_state=0, local_rows=20).fit(cut, y)
        np.testing.assert_array_equal(parts.predict(cut).collect(), whole.predict(X))


@pytest.mark.parametrize("local_rows", [None, 40])
def test_sparse_rows_give_the_same_tree_as_dense_ones(local_rows):
    X, y = DIGITS[:300], NUMBERS[:300]
    sparse = scipy.sparse.csr_array(X)
    models = [
        DecisionTreeClassifier(random_state=0, local_rows=local_rows, max_depth=5).fit(each, y)
        for each in (X, sparse, ds.array(sparse, block_size=(70, -1)))
    ]
    for model in models:
        assert model.score(sparse, y) == models[0].score(X, y)
        assert scipy.sparse.issparse(model.decision_path(ds.array(X[:20], block_size=7)).collect())


def test_answers_follow_the_kind_of_rows():
    X, y = continuous()
    model = DecisionTreeClassifier(random_state=0).fit(X, y)
    theirs = sklearn.tree.DecisionTreeClassifier(random_state=0).fit(X, y)
    x = ds.array(X, block_size=100)
    for name in ("predict", "predict_proba", "apply"):
        answer, expected = getattr(model, name)(x), getattr(theirs, name)(X)
        assert isinstance(answer, ds.Array)
        assert answer.dtype == expected.dtype
        np.testing.assert_array_equal(answer.collect(), expected)
    paths = model.decision_path(X)
    assert (paths != theirs.decision_path(X)).nnz == 0


def test_small_data_takes_one_task_and_large_data_a_few_for_each_level():
    X, y = continuous()
    with count_tasks() as counted:
        DecisionTreeClassifier().fit(X, y)
    assert counted.count <= 3
    with count_tasks() as counted:
        DecisionTreeClassifier(max_depth=3, local_rows=1).fit(ds.array(X, block_size=100), y)
    assert counted.count < 100


def test_labels_of_an_array_may_be_text():
    X, y = continuous()
    names = np.array(["low", "middle", "high"])[y]
    for local_rows in (None, 50):
        model = DecisionTreeClassifier(local_rows=local_rows).fit(ds.array(X, block_size=90), ds.array(names))
        assert model.classes_.tolist() == ["high", "low", "middle"]
        np.testing.assert_array_equal(model.predict(ds.array(X, block_size=90)).collect(), names)


def test_scores_of_arrays_are_those_of_scikit_learn():
    X, y = continuous()
    weights = np.random.default_rng(0).random(len(X))
    targets = np.column_stack([X[:, 0] ** 2, X[:, 1]])
    x = ds.array(X, block_size=90)
    for kind, known in ((DecisionTreeClassifier, y), (DecisionTreeRegressor, targets), (DecisionTreeRegressor, y)):
        model = kind(max_depth=2).fit(X, known)
        for sample_weight in (None, weights):
            expected = model.score(X, known, sample_weight)
            assert model.score(x, ds.array(known, block_size=50), sample_weight) == pytest.approx(expected)


def test_pruning_has_the_path_of_scikit_learn():
    X, y = continuous(200)
    ours = DecisionTreeClassifier(random_state=0).cost_complexity_pruning_path(X, y)
    theirs = sklearn.tree.DecisionTreeClassifier(random_state=0).cost_complexity_pruning_path(X, y)
    np.testing.assert_allclose(ours.ccp_alphas, theirs.ccp_alphas)


# --- scikit-learn's checks with rows in many tasks --------------------------------------------------------------------

SKIPPED = {
    # Nodes of different sizes are finished by scikit-learn, where equal splits are drawn at random.
    "check_sample_weight_equivalence_on_dense_data",
    "check_sample_weight_equivalence_on_sparse_data",
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("model", "check"),
    [
        pytest.param(model, check, id=f"{type(model).__name__}-{check.func.__name__}")
        for kind in (DecisionTreeClassifier, DecisionTreeRegressor)
        for model, check in estimator_checks_generator(kind(local_rows=8), legacy=True)
        if check.func.__name__ not in SKIPPED
    ],
)
def test_large_data_passes_the_checks_of_scikit_learn(model, check):
    with ds.config(block_size=7):
        check(model)


# --- edges and errors -------------------------------------------------------------------------------------------------


def test_one_row_and_constant_features_give_a_leaf():
    assert DecisionTreeRegressor().fit([[1.0]], [2.0]).predict([[5.0]]) == 2
    model = DecisionTreeClassifier(local_rows=1).fit(np.ones((10, 2)), [0, 1] * 5)
    assert model.tree_.node_count == 1
    assert model.predict_proba([[1, 1]]).tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize(
    "params",
    [{"criterion": "absolute_error"}, {"criterion": "poisson"}, {"splitter": "random"}, {"monotonic_cst": [1] * 4}],
)
def test_what_histograms_cannot_do_is_refused_by_name(params):
    X, y = continuous(100)
    assert DecisionTreeRegressor(**params).fit(X, y).n_outputs_ == 1
    with pytest.raises(NotImplementedError, match=f"{next(iter(params))}=.*up to local_rows=50 rows"):
        DecisionTreeRegressor(local_rows=50, **params).fit(X, y)


@pytest.mark.parametrize("local_rows", [None, 50])
def test_errors_name_what_is_wrong(local_rows):
    X, y = continuous(100)
    model = DecisionTreeClassifier(local_rows=local_rows)
    with pytest.raises(NotFittedError):
        model.predict(X)
    with pytest.raises(ValueError, match="infinity"):
        model.fit(np.where(X > 2, np.inf, X), y)
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples|does not match"):
        model.fit(ds.array(X, block_size=30), y[:-1])
    with pytest.raises(ValueError, match="Unknown label type"):
        model.fit(X, X[:, 0])
    with pytest.raises(ValueError, match="Unknown label type"):
        model.fit(ds.array(X, block_size=30), ds.array(X[:, 0], block_size=30))
    with pytest.raises(ValueError, match="NaN"):
        DecisionTreeRegressor(local_rows=local_rows).fit(X, np.where(y == 1, np.nan, y))
    with pytest.raises(ValueError, match="requires y"):
        model.fit(X, None)
    with pytest.raises(ValueError, match="local_rows"):
        DecisionTreeClassifier(local_rows=0).fit(X, y)
    with pytest.raises(ValueError, match="expecting 4 features"):
        model.fit(X, y).predict(X[:, :2])
