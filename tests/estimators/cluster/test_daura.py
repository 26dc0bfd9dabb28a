"""Daura finds the clusters of the sequential procedure, whatever the blocks, the rounds and the engine."""

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils.estimator_checks import estimator_checks_generator

import dsarray as ds
import estimators
from estimators.cluster import Daura, _daura


def reference(distances, cutoff):
    """The procedure of the paper, one cluster after the other."""
    near = distances <= cutoff
    np.fill_diagonal(near, True)
    is_left = np.full(len(near), True)
    clusters = []
    while is_left.any():
        counts = (near & is_left).sum(axis=1) * is_left
        center = counts.argmax()
        members = np.flatnonzero(near[center] & is_left)
        clusters.append([center, *members[members != center]])
        is_left[members] = False
    return clusters


def distances_of(X):
    return euclidean_distances(np.asarray(X, float))


RNG = np.random.default_rng(0)
CASES = {
    "points": (distances_of(RNG.random((200, 2))), 0.12),
    "points, far": (distances_of(RNG.random((200, 2))), 0.3),
    "a line": (distances_of(np.arange(60)[:, None]), 1.0),
    "the same": (np.zeros((30, 30)), 0.0),
    "alone": (distances_of(np.arange(30)[:, None]), 0.5),
    "integers": (np.rint(distances_of(RNG.integers(0, 9, (120, 2)))), 2.0),
    "iris": (distances_of(load_iris().data), 0.6),
}


@pytest.fixture(params=[1 << 24, 200, 0], ids=["one task", "some rounds", "all rounds"])
def rounds(request, monkeypatch):
    monkeypatch.setattr(_daura, "_FEW_NEIGHBORS", request.param)


def lists_of(clusters):
    return [list(members) for members in clusters]


@pytest.mark.parametrize(("distances", "cutoff"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("block_size", [None, (23, 40)], ids=["whole", "blocks"])
def test_finds_what_one_cluster_after_the_other_finds(distances, cutoff, block_size, rounds):
    expected = reference(distances, cutoff)
    model = Daura(cutoff).fit(distances if block_size is None else ds.array(distances, block_size=block_size))
    assert lists_of(model.clusters_) == expected
    assert model.cluster_centers_indices_.tolist() == [members[0] for members in expected]
    assert isinstance(model.labels_, np.ndarray if block_size is None else ds.Array)
    labels = np.asarray(model.labels_)
    assert all((labels[members] == cluster).all() for cluster, members in enumerate(expected))


def test_the_engine_does_not_matter(on_every_engine, rounds):
    distances, cutoff = CASES["points"]
    model = Daura(cutoff)
    labels = model.fit_predict(ds.array(distances, block_size=60))
    assert lists_of(model.clusters_) == reference(distances, cutoff)
    assert labels.shape == (200,)


def test_streamed_distances_are_read_once(tmp_path, monkeypatch):
    import zarr

    distances, cutoff = CASES["points"]
    ds.to_zarr(ds.array(distances, block_size=50), tmp_path / "X.zarr")
    reads = []
    read = zarr.Array.__getitem__
    monkeypatch.setattr(zarr.Array, "__getitem__", lambda self, part: reads.append(part) or read(self, part))
    model = Daura(cutoff).fit(ds.from_zarr(tmp_path / "X.zarr", block_size=50))
    assert lists_of(model.clusters_) == reference(distances, cutoff)
    assert len(reads) == 4


def test_empty_blocks():
    distances, cutoff = CASES["points"]
    model = Daura(cutoff).fit(ds.array(distances, block_size=((0, 100, 1, 0, 99), 200)))
    assert lists_of(model.clusters_) == reference(distances, cutoff)


SAMPLES_NOT_DISTANCES = {"check_clustering", "check_estimators_nan_inf"}
"""Checks that pass samples, which are not square, to any estimator."""

CHECKS = [
    check
    for _, check in estimator_checks_generator(Daura(2.0))
    if getattr(check, "func", check).__name__ not in SAMPLES_NOT_DISTANCES
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: getattr(check, "func", check).__name__)
@pytest.mark.parametrize("block_size", [None, 7])
@pytest.mark.filterwarnings("ignore")
def test_passes_the_checks_of_scikit_learn(check, block_size):
    with ds.config(block_size=block_size):
        check(Daura(2.0))


def test_a_model_is_the_same_from_a_file_and_from_a_pickle(tmp_path):
    model = Daura(0.6).fit(CASES["iris"][0])
    estimators.save(model, tmp_path / "model")
    for copy in (estimators.load(tmp_path / "model"), pickle.loads(pickle.dumps(model))):
        assert vars(copy).keys() == vars(model).keys()
        assert lists_of(copy.clusters_) == lists_of(model.clusters_)


def test_distances_that_are_none(engine):
    with pytest.raises(ValueError, match="square"):
        Daura().fit(np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"sample 0 has 2 neighbors, but is one of 1 samples"):
        Daura().fit(np.array([[0.0, 0.1], [0.5, 0.0]]))
    with pytest.raises(ValueError, match="cutoff"):
        Daura(-1).fit(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="Negative values in data"):
        Daura().fit(-np.ones((3, 3)))
    engine._failures.clear()
    with pytest.raises(ValueError, match="Input X contains NaN"):
        Daura().fit(np.full((3, 3), np.nan))
    engine._failures.clear()
