"""DBSCAN finds what scikit-learn's finds, exactly, whatever the blocks, the regions and the engine."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.cluster
from sklearn.datasets import load_digits, load_iris, load_wine, make_blobs, make_moons
from sklearn.preprocessing import StandardScaler

import dsarray as ds
from estimators.cluster import DBSCAN, _density, _regions


def blobs(n_features=2):
    return make_blobs(600, n_features, centers=5, cluster_std=0.7, random_state=1)[0]


def noise():
    return np.random.default_rng(0).random((500, 2)) * 10


def lattice():
    return np.stack(np.meshgrid(np.arange(20.0), np.arange(20.0)), axis=-1).reshape(-1, 2)[::-1]


CASES = {
    "blobs": (blobs(), {"eps": 0.4}),
    "blobs in a chain": (blobs(), {"eps": 1.5, "min_samples": 20}),
    "noise": (noise(), {"eps": 0.5, "min_samples": 4}),
    "all are core": (noise(), {"eps": 0.3, "min_samples": 1}),
    "none is": (noise(), {"eps": 0.01}),
    "one cluster": (noise(), {"eps": 30.0}),
    "moons": (make_moons(500, noise=0.05, random_state=0)[0], {"eps": 0.15}),
    "a lattice": (lattice(), {"eps": 1.0, "min_samples": 5}),
    "a lattice with corners": (lattice(), {"eps": 1.0, "min_samples": 4}),
    "the same rows": (np.repeat(noise()[:50], 6, axis=0), {"eps": 0.5, "min_samples": 7}),
    "manhattan": (noise(), {"eps": 0.6, "metric": "manhattan", "min_samples": 4}),
    "chebyshev": (noise(), {"eps": 0.4, "metric": "chebyshev", "min_samples": 4}),
    "minkowski": (noise(), {"eps": 0.5, "metric": "minkowski", "p": 3, "min_samples": 4}),
    "cosine": (blobs(3), {"eps": 0.002, "metric": "cosine"}),
    "brute": (noise(), {"eps": 0.5, "algorithm": "brute", "min_samples": 4}),
    "many features": (load_digits().data[:600], {"eps": 22.0, "min_samples": 4}),
    "iris": (load_iris().data, {"eps": 0.4, "min_samples": 6}),
    "wine": (StandardScaler().fit_transform(load_wine().data), {"eps": 2.3, "min_samples": 6}),
    "sparse": (scipy.sparse.csr_matrix(np.maximum(noise() - 5, 0)), {"eps": 0.3, "min_samples": 4}),
    "float32": (noise().astype(np.float32), {"eps": 0.5, "min_samples": 4}),
}


@pytest.fixture(params=[None, 60], ids=["one unit", "many units"])
def small_units(request, monkeypatch):
    if request.param:
        monkeypatch.setattr(_regions, "_FEW_ROWS", request.param)
        monkeypatch.setattr(_regions, "_LEAST_SAMPLE", 16)
    return request.param


@pytest.fixture(params=[0, 16], ids=["dense", "pairs are kept"])
def few_pairs(request, monkeypatch):
    monkeypatch.setattr(_density, "_KEPT_PAIRS", request.param)


def assert_same(ours, theirs):
    np.testing.assert_array_equal(np.asarray(ours.labels_), theirs.labels_)
    np.testing.assert_array_equal(np.asarray(ours.core_sample_indices_), theirs.core_sample_indices_)
    found = ours.components_.collect() if isinstance(ours.components_, ds.Array) else ours.components_
    found, expected = (each.toarray() if scipy.sparse.issparse(each) else each for each in (found, theirs.components_))
    np.testing.assert_array_equal(found, expected)


# --- agrees with scikit-learn -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("X", "parameters"), CASES.values(), ids=CASES)
def test_finds_what_scikit_learn_finds(X, parameters, small_units, few_pairs):
    theirs = sklearn.cluster.DBSCAN(**parameters).fit(X)
    ours = DBSCAN(**parameters).fit(X)
    assert_same(ours, theirs)
    assert isinstance(ours.labels_, np.ndarray)
    assert ours.labels_.dtype == theirs.labels_.dtype
    assert_same(DBSCAN(**parameters).fit(ds.array(X, block_size=83)), theirs)


@pytest.mark.parametrize("case", ["blobs", "noise", "cosine", "sparse", "one cluster"])
@pytest.mark.parametrize("least", [0, -1], ids=["", "some negative"])
def test_weights(case, least, small_units, few_pairs):
    X, parameters = CASES[case]
    sample_weight = np.random.default_rng(0).uniform(least, 2, size=X.shape[0])
    theirs = sklearn.cluster.DBSCAN(**parameters).fit(X, sample_weight=sample_weight)
    assert_same(DBSCAN(**parameters).fit(X, sample_weight=sample_weight), theirs)
    x, weights = ds.array(X, block_size=83), ds.array(sample_weight, block_size=100)
    assert_same(DBSCAN(**parameters).fit(x, sample_weight=weights), theirs)


def test_a_sample_between_two_clusters_is_in_the_first(small_units):
    X = np.concatenate([np.linspace(5, 6, 40), [4.5], np.linspace(3, 4, 40), [4.5]])[:, None]
    parameters = {"eps": 0.5, "min_samples": 20}
    ours, theirs = (each(**parameters).fit(X) for each in (DBSCAN, sklearn.cluster.DBSCAN))
    assert_same(ours, theirs)
    assert ours.labels_[40] == ours.labels_[-1] == 0


# --- blocks, regions, engines -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("block_size", [1, (250, 1), -1, ((0, 100, 1, 0, 399), 2)], ids=str)
def test_blocks_do_not_matter(block_size, small_units):
    theirs = sklearn.cluster.DBSCAN(eps=0.5, min_samples=4).fit(noise())
    ours = DBSCAN(eps=0.5, min_samples=4).fit(ds.array(noise(), block_size=block_size))
    assert isinstance(ours.labels_, ds.Array)
    assert isinstance(ours.components_, ds.Array)
    assert_same(ours, theirs)


def test_the_engine_does_not_matter(on_every_engine, monkeypatch):
    monkeypatch.setattr(_regions, "_FEW_ROWS", 60)
    theirs = sklearn.cluster.DBSCAN(eps=0.5, min_samples=4).fit(noise())
    assert_same(DBSCAN(eps=0.5, min_samples=4).fit(ds.array(noise(), block_size=90)), theirs)


def test_regions_keep_most_units_apart(monkeypatch):
    monkeypatch.setattr(_regions, "_FEW_ROWS", 60)
    tree, n_regions = _regions.choose_cuts(noise(), 0.12, 0.3)
    assert n_regions == 16
    assert sorted(np.unique(_regions._find_regions(noise(), tree))) == list(range(16))
    assert _regions.choose_cuts(noise(), 0.12, 5.0) == (0, 1)


def test_streamed_samples(tmp_path, small_units):
    ds.to_zarr(ds.array(noise(), block_size=100), tmp_path / "X.zarr")
    ours = DBSCAN(eps=0.5, min_samples=4).fit(ds.from_zarr(tmp_path / "X.zarr", block_size=100))
    assert_same(ours, sklearn.cluster.DBSCAN(eps=0.5, min_samples=4).fit(noise()))


def test_fit_predict():
    labels = DBSCAN(eps=0.4).fit_predict(ds.array(blobs(), block_size=100))
    np.testing.assert_array_equal(labels, sklearn.cluster.DBSCAN(eps=0.4).fit_predict(blobs()))


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"eps": 0}, "eps"),
        ({"min_samples": 0}, "min_samples"),
        ({"metric": "mahalanobis"}, "metric_params={'VI'"),
    ],
    ids=str,
)
def test_parameters_that_make_no_sense(parameters, words):
    with pytest.raises(ValueError, match=words):
        DBSCAN(**parameters).fit(noise())


@pytest.mark.parametrize("eps", [0.5, 100.0])
def test_values_that_are_not_finite_are_refused(engine, eps, small_units):
    X = noise()
    X[450, 1] = np.inf
    with pytest.raises(ValueError, match="Input X contains infinity"):
        DBSCAN(eps=eps).fit(ds.array(X, block_size=100))
    engine._failures.clear()


def test_weights_that_are_none_are_an_error(engine):
    with pytest.raises(ValueError, match="contains NaN"):
        DBSCAN().fit(noise(), sample_weight=ds.array(np.full(500, np.nan)))
    engine._failures.clear()
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(499,\)"):
        DBSCAN().fit(noise(), sample_weight=np.ones(499))


@pytest.mark.parametrize("weights", [None, np.array([1.0, 2, 3])], ids=["", "weighted"])
def test_a_sample_is_near_itself_whatever_the_metric_gives(weights):
    x = np.array([[0.0, 0], [1, 0], [0, 1]])  # the cosine distance of zeros is 1
    for min_samples in (1, 2):
        how = {"metric": "cosine", "eps": 0.5, "min_samples": min_samples}
        expected = sklearn.cluster.DBSCAN(**how).fit(x, sample_weight=weights).labels_
        np.testing.assert_array_equal(DBSCAN(**how).fit(x, sample_weight=weights).labels_, expected)
