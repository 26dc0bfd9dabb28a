"""NearestNeighbors takes distances in place of features, dense or sparse, as scikit-learn's does."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.neighbors
from sklearn.metrics import pairwise_distances

import dsarray as ds
from estimators.neighbors import NearestNeighbors


def rows():
    return np.random.default_rng(0).normal(size=(200, 3))


def assert_same(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)


# --- all distances ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [float, np.float32])
def test_distances_may_be_given(dtype):
    X = rows()
    own = pairwise_distances(X).astype(dtype)
    others = own[:50] + dtype(0.5)
    ours = NearestNeighbors(metric="precomputed", radius=1.0).fit(ds.array(own, block_size=(30, 70)))
    theirs = sklearn.neighbors.NearestNeighbors(metric="precomputed", radius=1.0).fit(own)
    for queries in (None, others):
        cut = None if queries is None else ds.array(queries, block_size=(20, 70))
        found = ours.kneighbors(cut)
        assert all(isinstance(each, ds.Array) for each in found)
        assert_same([each.collect() for each in found], theirs.kneighbors(queries))
        graph = ours.radius_neighbors_graph(cut, mode="distance").collect().toarray()
        np.testing.assert_allclose(graph, theirs.radius_neighbors_graph(queries, mode="distance").toarray())
    assert ours.effective_metric_ == theirs.effective_metric_


def test_of_given_distances_that_are_equal_the_first_come_first():
    model = NearestNeighbors(n_neighbors=3, metric="precomputed").fit(np.ones((5, 5)))
    assert model.kneighbors(np.array([[2.0, 1, 2, 1, 0]]))[1].tolist() == [[4, 1, 3]]


def test_given_distances_that_are_none_are_errors():
    model = NearestNeighbors(metric="precomputed")
    with pytest.raises(ValueError, match="must be square"):
        model.fit(rows())
    with pytest.raises(ValueError, match="Negative values in data passed to metric='precomputed'"):
        model.fit(ds.array(-np.ones((6, 6)), block_size=4))
    with pytest.raises(ValueError, match="must be square"):
        model.fit(scipy.sparse.eye_array(6, 5, format="csr"))
    with pytest.raises(ValueError, match="Negative values in data passed to metric='precomputed'"):
        model.fit(ds.array(-scipy.sparse.eye_array(6), block_size=4))
    with pytest.raises(TypeError, match=r"in 'dia' format .* give a CSR matrix"):
        model.fit(scipy.sparse.eye_array(6, format="dia"))
    with pytest.raises(ValueError, match="expecting 6 features"):
        model.fit(np.ones((6, 6))).kneighbors(np.ones((2, 5)))


# --- distances of some rows -------------------------------------------------------------------------------------------


def graphs(kind):
    """Return distances of some rows, and of some queries to these, by number or by radius."""
    X = rows()
    X[3], X[8] = X[4], X[7]
    model = sklearn.neighbors.NearestNeighbors(radius=3.0).fit(X)
    asked = X[:30] + 0.01
    if kind == "by number":
        return [model.kneighbors_graph(each, 20, mode="distance") for each in (X, asked)]
    return [model.radius_neighbors_graph(each, mode="distance", sort_results=True) for each in (X, asked)]


@pytest.mark.parametrize("kind", ["by number", "by radius"])
@pytest.mark.parametrize("block_size", [None, 30, (20, 70)])
def test_distances_of_some_rows_may_be_given(kind, block_size):
    own, others = graphs(kind)
    parameters = {"n_neighbors": 3, "metric": "precomputed", "radius": 0.5}
    theirs = sklearn.neighbors.NearestNeighbors(**parameters).fit(own)
    ours = NearestNeighbors(**parameters).fit(cut(own, block_size))
    for queries in (None, others):
        found = ours.kneighbors(cut(queries, block_size))
        assert all(isinstance(each, ds.Array) == (block_size is not None) for each in found)
        assert_same([whole(found[0])], theirs.kneighbors(queries)[:1])
        for mode in ("connectivity", "distance"):
            graph = whole(ours.radius_neighbors_graph(cut(queries, block_size), mode=mode))
            expected = theirs.radius_neighbors_graph(queries, mode=mode)
            assert graph.nnz == expected.nnz
            np.testing.assert_allclose(graph.toarray(), expected.toarray())
    if block_size is None:
        for found, expected in zip(ours.radius_neighbors(others)[1], theirs.radius_neighbors(others)[1], strict=True):
            np.testing.assert_array_equal(found, np.sort(expected))


def cut(graph, block_size):
    return graph if graph is None or block_size is None else ds.array(graph, block_size=block_size)


def whole(found):
    return found.collect() if isinstance(found, ds.Array) else found


def test_of_some_distances_those_that_are_0_are_distances():
    own = scipy.sparse.csr_array(([0.0, 2, 1, 0, 3, 0], ([0, 0, 1, 1, 2, 2], [1, 2, 0, 1, 0, 1])), shape=(3, 3))
    for graph in (own, ds.array(own, block_size=(2, 2))):
        model = NearestNeighbors(n_neighbors=2, metric="precomputed").fit(graph)
        distances, indices = model.kneighbors(own)
        assert distances.tolist() == [[0, 2], [0, 1], [0, 3]]
        assert indices.tolist() == [[1, 2], [1, 0], [1, 0]]
        assert model.radius_neighbors_graph(own, 1).nnz == 4


def test_given_distances_may_be_dense_in_one_call_and_sparse_in_another():
    own, others = graphs("by radius")
    model = NearestNeighbors(n_neighbors=2, metric="precomputed").fit(own)
    dense = pairwise_distances(rows()[:5], rows())
    expected = np.sort(dense, axis=1)[:, :2]
    np.testing.assert_allclose(model.kneighbors(dense)[0], expected)
    model.fit(pairwise_distances(rows()))
    assert_same(
        model.kneighbors(others, 1)[:1],
        sklearn.neighbors.NearestNeighbors(metric="precomputed").fit(own).kneighbors(others, 1)[:1],
    )


def test_graphs_may_be_given_on_every_engine(on_every_engine):
    x = ds.array(rows(), block_size=30)
    model = NearestNeighbors(n_neighbors=9).fit(x)
    graph = model.kneighbors_graph(x, mode="distance")
    given = NearestNeighbors(n_neighbors=4, metric="precomputed").fit(graph)
    assert_same(
        [each.collect() for each in given.kneighbors()], NearestNeighbors(n_neighbors=4).fit(rows()).kneighbors()
    )


def test_empty_blocks_of_some_distances():
    own, others = (scipy.sparse.csr_array(each) for each in graphs("by number"))
    empty = ds.from_blocks([[others[:0]], [others[:1]], [others[1:]]], ((0, 1, 29), (200,)), float, sparse=True)
    model = NearestNeighbors(n_neighbors=4, metric="precomputed").fit(own)
    assert_same([each.collect() for each in model.kneighbors(empty)], model.kneighbors(others))
    graph = model.radius_neighbors_graph(empty, 0.5, mode="distance").collect()
    np.testing.assert_allclose(graph.toarray(), model.radius_neighbors_graph(others, 0.5, mode="distance").toarray())


def test_graphs_with_too_few_neighbors_are_errors(engine):
    own, others = graphs("by number")
    model = NearestNeighbors(n_neighbors=21, metric="precomputed").fit(own)
    with pytest.raises(ValueError, match="21 neighbors per samples are required, but some samples have only 20"):
        model.kneighbors(others)
    engine._failures.clear()
    with pytest.raises(ValueError, match="ask for fewer"):
        model.kneighbors(ds.array(others, block_size=7))[0].collect()
    engine._failures.clear()
