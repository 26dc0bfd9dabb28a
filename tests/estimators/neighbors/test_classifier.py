"""KNeighborsClassifier votes as scikit-learn's does, whatever the blocks, the parts and the engine."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.model_selection
import sklearn.neighbors
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.metrics import pairwise_distances
from sklearn.pipeline import make_pipeline

import dsarray as ds
from estimators.model_selection import GridSearchCV
from estimators.neighbors import KNeighborsClassifier, _blockwise


def squared(distances):
    return 1 / (1 + distances**2)


@pytest.fixture(params=[None, 40], ids=["one part", "parts of 40 rows"])
def parts(request, monkeypatch):
    if request.param:
        monkeypatch.setattr(_blockwise, "_PART_BYTES", request.param * 8 * 13)
        monkeypatch.setattr(_blockwise, "_SPARSE_PART_ROWS", request.param)
    with ds.config(block_size=request.param):
        yield request.param


@pytest.mark.parametrize(
    "weights", ["uniform", "distance", squared, None], ids=["uniform", "distance", "a function", "none"]
)
@pytest.mark.parametrize("load", [load_wine, load_breast_cancer, load_digits])
def test_votes_as_scikit_learn_does(parts, load, weights):
    X, y = load(return_X_y=True)
    X, y = X[::2], y[::2] * 2 + 1
    parameters = {"n_neighbors": 6, "weights": weights}
    ours = KNeighborsClassifier(**parameters).fit(X[::2], y[::2])
    theirs = sklearn.neighbors.KNeighborsClassifier(**parameters).fit(X[::2], y[::2])
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-9)
    np.testing.assert_array_equal(ours.predict(None), theirs.predict(None))
    assert ours.score(X, y) == theirs.score(X, y)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    assert ours.predict(X).dtype == theirs.predict(X).dtype


@pytest.mark.parametrize("names", [False, True])
def test_several_outputs(parts, names):
    X, y = load_wine(return_X_y=True)
    Y = np.column_stack([y, X[:, 0] > 13])
    Y = np.array(["a", "b", "c"])[Y] if names else Y
    ours, theirs = (each().fit(X, Y) for each in (KNeighborsClassifier, sklearn.neighbors.KNeighborsClassifier))
    assert ours.outputs_2d_
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    for found, expected in zip(ours.predict_proba(X), theirs.predict_proba(X), strict=True):
        np.testing.assert_allclose(found, expected)
    if not names:
        x = ds.array(X, block_size=50)
        np.testing.assert_allclose(
            ours.score(x, ds.array(Y, block_size=60)), (theirs.predict(X) == Y).all(axis=1).mean()
        )
        assert ours.predict(x).shape == (178, 2)
        assert [each.shape for each in ours.predict_proba(x)] == [(178, 3), (178, 2)]


def test_arrays_in_arrays_out(on_every_engine, monkeypatch):
    monkeypatch.setattr(_blockwise, "_PART_BYTES", 40 * 8 * 13)
    X, y = load_wine(return_X_y=True)
    theirs = sklearn.neighbors.KNeighborsClassifier().fit(X, y)
    x = ds.array(X, block_size=31)
    ours = KNeighborsClassifier().fit(x, ds.array(y[:, None], block_size=50))
    assert isinstance(ours.predict(x), ds.Array)
    np.testing.assert_array_equal(ours.predict(x).collect(), theirs.predict(X))
    weights = np.linspace(0, 1, 178)
    np.testing.assert_allclose(ours.score(x, y, weights), theirs.score(X, y, weights))
    np.testing.assert_allclose(ours.score(X, y, weights), theirs.score(X, y, weights))
    assert ours.score(None, y) == theirs.score(None, y)


def test_labels_of_any_kind():
    X, y = load_wine(return_X_y=True)
    for labels in (np.array(["x", "y", "z"])[y], np.array(["x", "y", "z"], dtype=object)[y], y == 1, y.astype(float)):
        ours, theirs = (
            each().fit(X, labels) for each in (KNeighborsClassifier, sklearn.neighbors.KNeighborsClassifier)
        )
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert KNeighborsClassifier().fit(X, np.zeros(178)).predict(X[:3]).tolist() == [0, 0, 0]


def test_sparse_rows(parts):
    X = scipy.sparse.random_array((200, 20), density=0.3, rng=0, format="csr")
    y = np.arange(200) % 3
    ours, theirs = (each().fit(X, y) for each in (KNeighborsClassifier, sklearn.neighbors.KNeighborsClassifier))
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


def test_distances_may_be_given():
    X, y = load_wine(return_X_y=True)
    y = np.column_stack([y, y == 1])
    distances = pairwise_distances(X)
    ours = KNeighborsClassifier(metric="precomputed", weights="distance")
    theirs = sklearn.neighbors.KNeighborsClassifier(metric="precomputed", weights="distance").fit(distances, y)
    for labels in (y, ds.array(y, block_size=50)):
        ours.fit(ds.array(distances, block_size=60), labels)
        others = distances[:40] + 0.1
        np.testing.assert_array_equal(ours.predict(ds.array(others, block_size=7)), theirs.predict(others))


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("block_size", [None, 31, (50, 60)])
def test_distances_of_some_rows_may_be_given(weights, block_size):
    X, y = load_wine(return_X_y=True)
    searcher = sklearn.neighbors.NearestNeighbors(n_neighbors=12).fit(X[::2])
    own, others = (searcher.kneighbors_graph(each, mode="distance") for each in (X[::2], X[1::2]))
    parameters = {"metric": "precomputed", "weights": weights}
    theirs = sklearn.neighbors.KNeighborsClassifier(**parameters).fit(own, y[::2])
    x, queries = (each if block_size is None else ds.array(each, block_size=block_size) for each in (own, others))
    ours = KNeighborsClassifier(**parameters).fit(x, y[::2])
    np.testing.assert_array_equal(ours.predict(queries), theirs.predict(others))
    np.testing.assert_allclose(ours.predict_proba(queries), theirs.predict_proba(others))
    np.testing.assert_array_equal(ours.predict(None), theirs.predict(None))
    assert ours.score(queries, y[1::2]) == theirs.score(others, y[1::2])


def test_a_pipeline_and_a_search_give_it_graphs():
    X, y = load_wine(return_X_y=True)
    graph = sklearn.neighbors.NearestNeighbors(n_neighbors=120).fit(X).kneighbors_graph(X, mode="distance")
    ours, theirs = (
        each(metric="precomputed") for each in (KNeighborsClassifier, sklearn.neighbors.KNeighborsClassifier)
    )
    transformer = sklearn.neighbors.KNeighborsTransformer(n_neighbors=8)
    assert make_pipeline(transformer, ours).fit(X, y).score(X, y) == (
        make_pipeline(transformer, theirs).fit(X, y).score(X, y)
    )
    expected = sklearn.model_selection.cross_val_score(theirs, graph, y)
    np.testing.assert_allclose(sklearn.model_selection.cross_val_score(ours, graph, y), expected)
    for given in (graph, ds.array(graph, block_size=50)):
        search = GridSearchCV(ours, {"n_neighbors": [5]}).fit(given, y)
        np.testing.assert_allclose(search.cv_results_["mean_test_score"], expected.mean())


def test_errors():
    X, y = load_wine(return_X_y=True)
    model = KNeighborsClassifier(weights=lambda distances: 0 * distances).fit(X, y)
    with pytest.raises(ValueError, match="zero weights"):
        model.predict(X)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        KNeighborsClassifier().fit(ds.array(X), y[1:])
    with pytest.raises(ValueError, match="weights"):
        KNeighborsClassifier(weights="x").fit(X, y)


def test_continuous_labels_of_an_array_are_refused(engine):
    X, y = load_wine(return_X_y=True)
    with pytest.raises(ValueError, match="continuous"):
        KNeighborsClassifier().fit(X, ds.array(y + 0.5))
    engine._failures.clear()
