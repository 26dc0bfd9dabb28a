"""NearestNeighbors finds what scikit-learn's finds, whatever the blocks, the parts and the engine."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.neighbors
from sklearn.datasets import load_digits, load_wine
from sklearn.exceptions import NotFittedError

import dsarray as ds
from dsflow import wait_on
from estimators.neighbors import NearestNeighbors, _blockwise, _nearest, _search


def rows(n_rows=200, n_features=3, dtype=float):
    return np.random.default_rng(0).normal(size=(n_rows, n_features)).astype(dtype)


def sparse_rows():
    return scipy.sparse.random_array((150, 30), density=0.2, rng=0, format="csr")


@pytest.fixture(params=[None, 60], ids=["one part", "parts of 60 rows"])
def parts(request, monkeypatch):
    """One part, or several."""
    if request.param:
        monkeypatch.setattr(_blockwise, "_PART_BYTES", request.param * 24)
        monkeypatch.setattr(_blockwise, "_SPARSE_PART_ROWS", request.param)
    with ds.config(block_size=request.param):
        yield request.param


METRICS = {
    "default": {},
    "manhattan": {"metric": "manhattan"},
    "chebyshev": {"metric": "chebyshev"},
    "minkowski": {"p": 3},
    "weighted": {"p": 2, "metric_params": {"w": [1.0, 2.0, 0.5]}},
    "cosine": {"metric": "cosine"},
    "brute": {"algorithm": "brute"},
    "ball tree": {"algorithm": "ball_tree", "leaf_size": 3},
    "correlation": {"metric": "correlation"},
    "mahalanobis": {"metric": "mahalanobis", "metric_params": {"VI": np.diag([1.0, 2, 3])}},
    "seuclidean": {"metric": "seuclidean", "metric_params": {"V": np.array([1.0, 2, 3])}},
    "callable": {"metric": lambda a, b: np.abs(a - b).max()},
}


def assert_same(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)


# --- agrees with scikit-learn -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("parameters", METRICS.values(), ids=METRICS)
def test_finds_what_scikit_learn_finds(parts, parameters):
    X, queries = rows(), rows(50) + 0.1
    ours = NearestNeighbors(n_neighbors=7, radius=0.8, **parameters).fit(X)
    theirs = sklearn.neighbors.NearestNeighbors(n_neighbors=7, radius=0.8, **parameters).fit(X)
    assert ours.effective_metric_ == theirs.effective_metric_
    assert_same(ours.kneighbors(queries), theirs.kneighbors(queries))
    assert_same(ours.kneighbors(), theirs.kneighbors())
    assert_same(ours.kneighbors(queries, 1), theirs.kneighbors(queries, 1))
    np.testing.assert_array_equal(ours.kneighbors(queries, 3, False), theirs.kneighbors(queries, 3, False))
    radius = 0.5 if parameters.get("metric") != "cosine" else 0.05
    for X_asked in (queries, None):
        found = ours.radius_neighbors(X_asked, radius)
        expected = theirs.radius_neighbors(X_asked, radius)
        for k in range(len(found[0])):
            order = np.argsort(expected[1][k])
            assert_same((found[0][k], found[1][k]), (expected[0][k][order], expected[1][k][order]))


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "manhattan"])
def test_sparse_rows(parts, metric):
    X = sparse_rows()
    ours = NearestNeighbors(metric=metric).fit(X)
    theirs = sklearn.neighbors.NearestNeighbors(metric=metric).fit(X)
    assert_same(ours.kneighbors(X[:20]), theirs.kneighbors(X[:20]))
    assert_same(ours.kneighbors(X[:20].toarray()), theirs.kneighbors(X[:20]))


@pytest.mark.parametrize("mode", ["connectivity", "distance"])
def test_graphs(parts, mode):
    X = rows()
    ours, theirs = NearestNeighbors(radius=0.5).fit(X), sklearn.neighbors.NearestNeighbors(radius=0.5).fit(X)
    for queries in (None, X[:30]):
        for name in ("kneighbors_graph", "radius_neighbors_graph"):
            found, expected = (getattr(each, name)(queries, mode=mode) for each in (ours, theirs))
            np.testing.assert_allclose(found.toarray(), expected.toarray())
            assert type(found) is type(expected)


def test_real_rows_of_many_features():
    X = load_digits().data
    ours, theirs = (
        each(n_neighbors=4).fit(X[:1000]) for each in (NearestNeighbors, sklearn.neighbors.NearestNeighbors)
    )
    assert_same(ours.kneighbors(X[1000:])[:1], theirs.kneighbors(X[1000:])[:1])


def test_float32_gives_what_float64_gives():
    X = rows(dtype=np.float32)
    assert_same(NearestNeighbors().fit(X).kneighbors(), NearestNeighbors().fit(X.astype(float)).kneighbors())


# --- ties -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_neighbors", [1, 4, 50])
def test_of_rows_that_are_equally_far_the_first_are_taken(parts, n_neighbors):
    X = np.random.default_rng(0).integers(0, 3, size=(300, 3)).astype(float)
    squares = ((X[:, None] - X[None]) ** 2).sum(axis=2)
    expected = np.argsort(squares, axis=1, kind="stable")[:, :n_neighbors]
    found = NearestNeighbors(n_neighbors=n_neighbors).fit(X).kneighbors(X, return_distance=False)
    np.testing.assert_array_equal(found, expected)


def test_rows_that_are_all_the_same(parts):
    X = np.ones((40, 3))
    distances, indices = NearestNeighbors(n_neighbors=5).fit(X).kneighbors()
    assert not distances.any()
    assert (indices != np.arange(40)[:, None]).all()


def test_ties_are_looked_at_in_parts(monkeypatch):
    monkeypatch.setattr(_search, "_PAIRS", 100)
    X = np.repeat(rows(20), 10, axis=0)
    found = NearestNeighbors(n_neighbors=3).fit(X).kneighbors(X, return_distance=False)
    np.testing.assert_array_equal(found, (np.arange(200) // 10 * 10)[:, None] + np.arange(3))
    assert len(NearestNeighbors(radius=0.1).fit(X).radius_neighbors_graph().indices) == 1800


# --- blocks, kinds, engines -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block_size", [(7, 2), 1, -1, ((0, 100, 1, 0, 99), 3)])
def test_blocks_of_fitted_rows_and_of_queries_do_not_matter(block_size, parts):
    X = rows()
    expected = NearestNeighbors().fit(X).kneighbors(X[:60])
    model = NearestNeighbors().fit(ds.array(X, block_size=block_size))
    assert_same(model.kneighbors(X[:60]), expected)
    found = model.kneighbors(ds.array(X[:60], block_size=block_size if isinstance(block_size, int) else 7))
    assert all(isinstance(each, ds.Array) for each in found)
    assert_same([each.collect() for each in found], expected)
    assert [each.dtype for each in found] == [float, np.intp]


def test_parts_may_have_fewer_rows_than_neighbors_are_asked_for(monkeypatch):
    monkeypatch.setattr(_blockwise, "_PART_BYTES", 1)
    X = rows(40)
    model = NearestNeighbors(n_neighbors=9).fit(ds.array(X, block_size=3))
    assert_same(model.kneighbors(X), sklearn.neighbors.NearestNeighbors(n_neighbors=9).fit(X).kneighbors(X))
    assert_same(model.kneighbors(X, 40), sklearn.neighbors.NearestNeighbors().fit(X).kneighbors(X, 40))


def test_the_engine_does_not_matter(on_every_engine, monkeypatch):
    monkeypatch.setattr(_blockwise, "_PART_BYTES", 30 * 24)
    X = rows()
    theirs = sklearn.neighbors.NearestNeighbors().fit(X)
    model = NearestNeighbors().fit(ds.array(X, block_size=30))
    assert_same(model.kneighbors(X), theirs.kneighbors(X))
    np.testing.assert_allclose(model.radius_neighbors_graph(X).toarray(), theirs.radius_neighbors_graph(X).toarray())


def test_graphs_of_arrays_are_sparse_arrays(parts):
    X = rows()
    model = NearestNeighbors(radius=0.5).fit(ds.array(X, block_size=50))
    for graph in (model.kneighbors_graph(), model.radius_neighbors_graph(mode="distance", sort_results=True)):
        assert isinstance(graph, ds.Array)
        assert graph.sparse
        assert graph.shape == (200, 200)
    np.testing.assert_allclose(
        model.radius_neighbors_graph(mode="distance").collect().toarray(),
        NearestNeighbors(radius=0.5).fit(X).radius_neighbors_graph(mode="distance").toarray(),
    )


def test_streamed_rows_are_read_by_the_tasks(tmp_path, monkeypatch):
    monkeypatch.setattr(_blockwise, "_PART_BYTES", 50 * 24)
    X = rows()
    ds.to_zarr(ds.array(X, block_size=50), tmp_path / "X.zarr")
    streamed = ds.from_zarr(tmp_path / "X.zarr", block_size=50)
    model = NearestNeighbors().fit(streamed)
    assert_same([each.collect() for each in model.kneighbors(streamed)], NearestNeighbors().fit(X).kneighbors(X))


def test_a_call_waits_for_nothing(monkeypatch):
    model = NearestNeighbors(radius=0.5).fit(ds.array(rows(), block_size=50))
    queries = ds.array(rows(), block_size=50)
    for module in (_blockwise, _nearest):
        monkeypatch.setattr(module, "wait_on", lambda _: pytest.fail("it waits"))
    model.kneighbors(queries)
    model.radius_neighbors_graph(queries)


def test_a_model_outlives_its_session(engine):
    import dsflow

    model = NearestNeighbors().fit(rows())
    expected = model.kneighbors(rows(5))
    dsflow.stop()
    with dsflow.start("serial"):
        assert_same(model.kneighbors(rows(5)), expected)


def test_missing_values_under_their_own_metric():
    X = rows()
    X[::7, 1] = np.nan
    ours, theirs = (
        each(metric="nan_euclidean").fit(X) for each in (NearestNeighbors, sklearn.neighbors.NearestNeighbors)
    )
    assert_same(ours.kneighbors(), theirs.kneighbors())


def test_graphs_have_indices_of_32_bits():
    graph = NearestNeighbors().fit(rows()).kneighbors_graph(ds.array(rows(), block_size=50))
    assert all(each.indices.dtype == np.int32 for each in wait_on(graph.row_blocks()))


# --- edges and errors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"metric": "seuclidean"}, "metric_params={'V'"),
        ({"metric": "mahalanobis"}, "metric_params={'VI'"),
        ({"metric": "nothing"}, "metric"),
        ({"n_neighbors": 0}, "n_neighbors"),
        ({"algorithm": "kd_tree", "metric": "cosine"}, "cosine"),
    ],
    ids=str,
)
def test_parameters_that_make_no_sense(parameters, words):
    with pytest.raises(ValueError, match=words):
        NearestNeighbors(**parameters).fit(rows())


def test_wrong_calls():
    model = NearestNeighbors().fit(rows())
    with pytest.raises(ValueError, match="Expected n_neighbors <= n_samples_fit"):
        model.kneighbors(rows(), 201)
    with pytest.raises(ValueError, match="Expected n_neighbors < n_samples_fit"):
        model.kneighbors(None, 200)
    with pytest.raises(ValueError, match="Got -1"):
        model.kneighbors(rows(), -1)
    with pytest.raises(TypeError, match="enter integer value"):
        model.kneighbors(rows(), 1.5)
    with pytest.raises(TypeError, match="radius_neighbors_graph"):
        model.radius_neighbors(ds.array(rows()))
    with pytest.raises(ValueError, match="Unsupported mode"):
        model.kneighbors_graph(mode="x")
    with pytest.raises(NotFittedError):
        NearestNeighbors().kneighbors(rows())


def test_values_that_are_not_finite_are_refused(engine):
    X = rows()
    X[150, 1] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        NearestNeighbors().fit(ds.array(X, block_size=50))
    engine._failures.clear()
    model = NearestNeighbors().fit(rows())
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.kneighbors(ds.array(X, block_size=50))[0].collect()
    engine._failures.clear()


def test_wine_and_its_neighbors_within_a_radius_are_sorted():
    X = load_wine().data
    distances, _ = NearestNeighbors().fit(X).radius_neighbors(X, 30, sort_results=True)
    assert all((np.diff(each) >= 0).all() for each in distances)
    assert max(map(len, distances)) > 5


def test_rows_that_are_too_far_apart_are_an_error_and_no_column_that_is_not_there():
    X = np.array([[1e300, 0.0], [-1e300, 0.0], [0.0, 1e200]])
    for rows in (X, ds.array(X, block_size=2)):
        with pytest.raises(ValueError, match="so far apart"):
            NearestNeighbors(n_neighbors=2).fit(rows).kneighbors_graph(X, mode="distance")
