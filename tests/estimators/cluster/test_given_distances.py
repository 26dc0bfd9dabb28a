"""DBSCAN finds in given distances, dense or sparse, what scikit-learn's finds, whatever the blocks and the engine."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.cluster
import sklearn.neighbors
from sklearn.datasets import load_wine, make_blobs, make_moons
from sklearn.metrics import pairwise_distances
from sklearn.preprocessing import StandardScaler

import dsarray as ds
from dsflow.testing import count_tasks
from estimators.cluster import DBSCAN, _given_distances
from estimators.neighbors import NearestNeighbors


def noise():
    return np.random.default_rng(0).random((500, 2)) * 10


def blobs():
    return make_blobs(600, 2, centers=5, cluster_std=0.7, random_state=1)[0]


def lattice():
    return np.indices((20, 20)).reshape(2, -1).T[::-1].astype(float)


CASES = {
    "blobs": (blobs(), {"eps": 0.4}),
    "blobs in a chain": (blobs(), {"eps": 1.5, "min_samples": 20}),
    "noise": (noise(), {"eps": 0.5, "min_samples": 4}),
    "none is core": (noise(), {"eps": 0.01}),
    "moons": (make_moons(500, noise=0.05, random_state=0)[0], {"eps": 0.15}),
    "a lattice with corners": (lattice(), {"eps": 1.0, "min_samples": 4}),
    "the same rows": (np.repeat(noise()[:50], 6, axis=0), {"eps": 0.5, "min_samples": 7}),
    "wine": (StandardScaler().fit_transform(load_wine().data), {"eps": 2.3, "min_samples": 6}),
}

each_case = pytest.mark.parametrize(("X", "parameters"), CASES.values(), ids=CASES)


def check(distances, block_size, sample_weight=None, **parameters):
    """Fit DBSCAN to distances, cut in blocks if these have a size, and compare with scikit-learn's."""
    given = distances if block_size is None else ds.array(distances, block_size=block_size)
    theirs = sklearn.cluster.DBSCAN(metric="precomputed", **parameters).fit(distances, sample_weight=sample_weight)
    ours = DBSCAN(metric="precomputed", **parameters).fit(given, sample_weight=sample_weight)
    for name in ("labels_", "core_sample_indices_", "components_"):
        found, expected = getattr(ours, name), getattr(theirs, name)
        assert isinstance(found, ds.Array) == (block_size is not None)
        np.testing.assert_array_equal(dense(found), dense(expected))


def dense(values):
    values = values.collect() if isinstance(values, ds.Array) else values
    return values.toarray() if scipy.sparse.issparse(values) else values


def weights_for(X, parameters):
    """Return weights, some of which are negative, for one of the cases."""
    return np.random.default_rng(0).integers(-1, 4, len(X)) if parameters == CASES["noise"][1] else None


# --- all distances ----------------------------------------------------------------------------------------------------


@each_case
@pytest.mark.parametrize("block_size", [None, 70, (499, 100), 1000])
def test_distances_may_be_given(X, parameters, block_size, monkeypatch):
    monkeypatch.setattr(_given_distances, "_ELEMENTS", 5000)
    check(pairwise_distances(X), block_size, weights_for(X, parameters), **parameters)


def test_given_distances_are_the_same_on_every_engine(on_every_engine):
    distances = pairwise_distances(noise())
    given = ds.from_blocks([[distances[:0]], [distances[:1]], [distances[1:]]], ((0, 1, 499), (500,)), float)
    found = DBSCAN(metric="precomputed", min_samples=4).fit_predict(given)
    expected = sklearn.cluster.DBSCAN(metric="precomputed", min_samples=4).fit_predict(distances)
    np.testing.assert_array_equal(found, expected)


# --- distances of some samples ----------------------------------------------------------------------------------------


def graph_of(X, radius, *, has_own=True, kind=scipy.sparse.csr_matrix):
    """Return the distances within a radius; those of samples to themselves only on demand."""
    model = sklearn.neighbors.NearestNeighbors(radius=radius).fit(X)
    return kind(model.radius_neighbors_graph(X if has_own else None, mode="distance"))


@each_case
@pytest.mark.parametrize("has_own", [True, False])
@pytest.mark.parametrize("block_size", [None, 70, (499, 100)])
def test_distances_of_some_samples_may_be_given(X, parameters, has_own, block_size, monkeypatch):
    monkeypatch.setattr(_given_distances, "_ELEMENTS", 500)
    graph = graph_of(X, 1.5 * parameters["eps"], has_own=has_own)
    check(graph, block_size, weights_for(X, parameters), **parameters)


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "lil"])
def test_distances_of_some_samples_in_any_format_that_keeps_zeros(kind):
    graph = graph_of(noise(), 0.6, kind=scipy.sparse.csr_array).asformat(kind)
    labels = DBSCAN(min_samples=4, metric="precomputed").fit_predict(graph)
    np.testing.assert_array_equal(labels, sklearn.cluster.DBSCAN(min_samples=4).fit_predict(noise()))


def test_graphs_of_the_house_may_be_given(on_every_engine):
    x = ds.array(noise(), block_size=90)
    graph = NearestNeighbors(radius=0.6).fit(x).radius_neighbors_graph(x, mode="distance")
    labels = DBSCAN(min_samples=4, metric="precomputed").fit_predict(graph)
    assert isinstance(labels, ds.Array)
    np.testing.assert_array_equal(labels, sklearn.cluster.DBSCAN(min_samples=4).fit_predict(noise()))


def test_the_same_samples_are_near_each_other_though_their_distance_is_0():
    X = np.repeat(noise()[:40], 3, axis=0)
    graph = graph_of(X, 0.01)
    assert graph.nnz == 360
    assert not graph.data.any()
    ours = DBSCAN(min_samples=3, metric="precomputed").fit(ds.array(graph, block_size=25))
    np.testing.assert_array_equal(ours.labels_, np.repeat(np.arange(40), 3))


def test_without_any_distance_each_sample_is_alone():
    nothing = scipy.sparse.csr_array((5, 5))
    assert DBSCAN(min_samples=2, metric="precomputed").fit_predict(nothing).tolist() == [-1] * 5
    assert DBSCAN(min_samples=1, metric="precomputed").fit_predict(nothing).tolist() == [0, 1, 2, 3, 4]


def test_empty_blocks_of_some_distances():
    graph = graph_of(noise(), 0.6, kind=scipy.sparse.csr_array)
    given = ds.from_blocks([[graph[:0]], [graph[:1]], [graph[1:]]], ((0, 1, 499), (500,)), float, sparse=True)
    labels = DBSCAN(min_samples=4, metric="precomputed").fit_predict(given)
    np.testing.assert_array_equal(labels, sklearn.cluster.DBSCAN(min_samples=4).fit_predict(noise()))


# --- distances that differ by direction -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("min_samples", [1, 3])
@pytest.mark.parametrize("block_size", [None, 1, 13])
def test_distances_in_one_direction(seed, min_samples, block_size):
    graph = scipy.sparse.random_array((40, 40), density=0.06, rng=seed, format="csr")
    all_distances = np.where(graph.toarray() > 0, graph.toarray(), 9.0)
    for distances in (graph, all_distances):
        check(distances, block_size, eps=0.8, min_samples=min_samples)


@pytest.mark.parametrize("min_samples", [2, 5])
def test_distances_of_the_nearest_in_one_direction(min_samples):
    graph = sklearn.neighbors.NearestNeighbors(n_neighbors=5).fit(noise()).kneighbors_graph(mode="distance")
    check(graph, 90, min_samples=min_samples)


def test_a_way_in_one_direction_through_all_blocks():
    order = np.random.default_rng(0).permutation(50)
    graph = scipy.sparse.coo_array((np.ones(49), (order[:-1], order[1:])), shape=(50, 50)).tocsr()
    check(graph, 4, eps=1.0, min_samples=2)


def test_distances_that_are_the_same_in_both_directions_take_one_round():
    graph = ds.array(graph_of(noise(), 0.6), block_size=100)
    with count_tasks() as counted:
        DBSCAN(min_samples=4, metric="precomputed").fit(graph)
    assert counted.by_name["are_same"] == 1


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (noise(), "Precomputed matrix must be square. Input is a 500x2 matrix"),
        (-np.ones((9, 9)), "Negative values in data passed to metric='precomputed'"),
        (np.full((9, 9), np.nan), "Input X contains NaN"),
        (scipy.sparse.csr_array(noise()), "Precomputed matrix must be square. Input is a 500x2 matrix"),
        (-scipy.sparse.eye_array(9, format="csr"), "Negative values in data passed to metric='precomputed'"),
        (np.nan * scipy.sparse.eye_array(9, format="csr"), "Input X contains NaN"),
    ],
    ids=["not square", "negative", "NaN", "sparse, not square", "sparse, negative", "sparse, NaN"],
)
def test_given_distances_that_are_none_are_errors(given, words, engine):
    with pytest.raises(ValueError, match=words):
        DBSCAN(metric="precomputed").fit(ds.array(given, block_size=5))
    engine._failures.clear()


@pytest.mark.parametrize("kind", ["dia", "dok", "bsr"])
def test_formats_that_lose_zeros_are_refused(kind):
    with pytest.raises(TypeError, match=rf"DBSCAN: Sparse matrix in '{kind}' format .* give a CSR matrix"):
        DBSCAN(metric="precomputed").fit(scipy.sparse.eye_array(9).asformat(kind))
