"""KNeighborsRegressor predicts what scikit-learn's does, whatever the blocks, the parts and the engine."""

import numpy as np
import pytest
import sklearn.neighbors
from sklearn.datasets import load_diabetes

import dsarray as ds
from estimators.neighbors import KNeighborsRegressor, _blockwise

X, Y = load_diabetes(return_X_y=True)
TARGETS = {"one target": Y, "two targets": np.column_stack([Y, X[:, 0]])}


@pytest.fixture(params=[None, 50], ids=["one part", "parts of 50 rows"])
def parts(request, monkeypatch):
    if request.param:
        monkeypatch.setattr(_blockwise, "_PART_BYTES", request.param * 80)
    with ds.config(block_size=request.param):
        yield request.param


@pytest.mark.parametrize(
    "weights", ["uniform", "distance", lambda distances: np.exp(-distances)], ids=["uniform", "distance", "function"]
)
@pytest.mark.parametrize("y", TARGETS.values(), ids=TARGETS)
def test_predicts_what_scikit_learn_predicts(parts, weights, y):
    ours, theirs = (
        each(4, weights=weights).fit(X[:400], y[:400])
        for each in (KNeighborsRegressor, sklearn.neighbors.KNeighborsRegressor)
    )
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(ours.predict(None), theirs.predict(None))
    x = ds.array(X, block_size=60)
    assert isinstance(ours.predict(x), ds.Array)
    np.testing.assert_allclose(ours.predict(x).collect(), theirs.predict(X))
    sample_weight = np.linspace(0, 1, len(X))
    for given in (X, x):
        np.testing.assert_allclose(ours.score(given, y), theirs.score(X, y))
        np.testing.assert_allclose(ours.score(given, y, sample_weight), theirs.score(X, y, sample_weight))


def test_the_engine_does_not_matter(on_every_engine):
    x = ds.array(X, block_size=60)
    ours = KNeighborsRegressor().fit(x, ds.array(Y, block_size=100))
    theirs = sklearn.neighbors.KNeighborsRegressor().fit(X, Y)
    np.testing.assert_allclose(ours.predict(x).collect(), theirs.predict(X))
    np.testing.assert_allclose(ours.score(None, Y), theirs.score(None, Y))


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("block_size", [None, 60, (100, 90)])
def test_distances_of_some_rows_may_be_given(weights, block_size):
    searcher = sklearn.neighbors.NearestNeighbors(n_neighbors=9).fit(X[::2])
    own, others = (searcher.kneighbors_graph(each, mode="distance") for each in (X[::2], X[1::2]))
    ours, theirs = (
        each(4, metric="precomputed", weights=weights)
        for each in (KNeighborsRegressor, sklearn.neighbors.KNeighborsRegressor)
    )
    theirs.fit(own, Y[::2])
    x, queries = (each if block_size is None else ds.array(each, block_size=block_size) for each in (own, others))
    np.testing.assert_allclose(ours.fit(x, Y[::2]).predict(queries), theirs.predict(others))
    np.testing.assert_allclose(ours.predict(None), theirs.predict(None))


def test_targets_that_are_none():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        KNeighborsRegressor().fit(X, Y[1:])
    with pytest.raises(ValueError, match="requires y"):
        KNeighborsRegressor().fit(X, None)
