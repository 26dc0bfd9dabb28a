"""KMeans on rows that are read anew in each pass finds what it finds on rows that it keeps, and keeps none of them."""

import json
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse
import sklearn.cluster
from sklearn.datasets import make_blobs

import dsarray as ds
from estimators.cluster import KMeans
from estimators.cluster._points import label_rows, made


def blobs(n_rows=300, dtype=np.float64):
    """Rows far from the origin, in groups that overlap."""
    X, _ = make_blobs(n_rows, n_features=4, centers=6, cluster_std=3, random_state=1)
    return (X + 100).astype(dtype)


def streamed(folder, X, chunk=50, block_size=None):
    ds.to_zarr(ds.array(X, block_size=chunk), folder / "X.zarr")
    return ds.from_zarr(folder / "X.zarr", block_size=block_size)


def assert_same(model, other, rtol=1e-9):
    np.testing.assert_allclose(model.cluster_centers_, other.cluster_centers_, rtol=rtol)
    np.testing.assert_array_equal(np.asarray(model.labels_), other.labels_)
    np.testing.assert_allclose(model.inertia_, other.inertia_, rtol=max(rtol, 1e-9))
    assert model.n_iter_ == other.n_iter_


weights = np.random.default_rng(0).random(300)
STARTS = {
    "centers": {"init": blobs()[:9], "n_init": 1},
    "centers, no tolerance": {"init": blobs()[:9], "n_init": 1, "tol": 0.0, "max_iter": 5},
    "a callable": {"init": lambda X, k, random_state: np.array(X[:k]), "n_init": 2},
    "++": {"init": "k-means++"},
    "random": {"init": "random", "n_init": 3},
    "an empty cluster": {"init": np.vstack([blobs()[:8], [[1e4] * 4]]), "n_init": 1},
}


# --- agrees with scikit-learn, and with itself on rows that are kept --------------------------------------------------


@pytest.mark.parametrize("parameters", STARTS.values(), ids=STARTS)
@pytest.mark.parametrize("sample_weight", [None, weights], ids=["", "weighted"])
def test_finds_what_scikit_learn_finds(tmp_path, parameters, sample_weight):
    parameters = {"n_clusters": 9, "random_state": 3, **parameters}
    X = streamed(tmp_path, blobs(), block_size=70)
    ours = KMeans(**parameters).fit(X, sample_weight=sample_weight)
    theirs = sklearn.cluster.KMeans(**parameters).fit(blobs(), sample_weight=sample_weight)
    assert_same(ours, theirs)
    assert isinstance(ours.labels_, ds.Array)
    assert ours.labels_.dtype == np.int32
    assert ours.labels_.chunks == X.chunks[:1]
    np.testing.assert_array_equal(ours.predict(X), theirs.labels_)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(blobs()))
    np.testing.assert_allclose(ours.score(X, sample_weight=sample_weight), -ours.inertia_)


@pytest.mark.parametrize("init", ["k-means++", "k-means||", blobs()[:9]], ids=["++", "||", "centers"])
@pytest.mark.parametrize("block_size", [37, (90, 3), ((0, 100, 1, 0, 199), 4), -1])
def test_blocking_does_not_change_the_result(tmp_path, init, block_size):
    model = KMeans(9, init=init, n_init=1, random_state=3)
    kept = model.fit(blobs()).__dict__.copy()
    model.fit(streamed(tmp_path, blobs(), block_size=block_size))
    np.testing.assert_allclose(model.cluster_centers_, kept["cluster_centers_"])
    np.testing.assert_array_equal(model.labels_, kept["labels_"])


@pytest.mark.parametrize("init", ["k-means||", blobs()[:9]], ids=["||", "centers"])
def test_engine_does_not_change_the_result(on_every_engine, tmp_path, init):
    model = KMeans(9, init=init, n_init=1, random_state=3)
    kept = model.fit(blobs()).__dict__.copy()
    model.fit(streamed(tmp_path, blobs(), block_size=70))
    np.testing.assert_allclose(model.cluster_centers_, kept["cluster_centers_"])
    np.testing.assert_array_equal(model.labels_, kept["labels_"])


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_other_types_are_converted_by_the_tasks_that_read(tmp_path, dtype):
    X = blobs(dtype=dtype)
    model = KMeans(9, init=X[:9], n_init=1).fit(streamed(tmp_path, X, block_size=70))
    theirs = sklearn.cluster.KMeans(9, init=X[:9], n_init=1).fit(X)
    np.testing.assert_allclose(model.cluster_centers_, theirs.cluster_centers_, rtol=1e-5)
    assert model.cluster_centers_.dtype == theirs.cluster_centers_.dtype


def test_what_was_computed_of_streamed_rows_is_streamed_too(tmp_path):
    X = streamed(tmp_path, blobs(), block_size=70)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    expected = (blobs() - blobs().mean(axis=0)) / blobs().std(axis=0)
    assert_same(
        KMeans(9, init=expected[:9], n_init=1).fit(scaled),
        sklearn.cluster.KMeans(9, init=expected[:9], n_init=1).fit(expected),
    )


# --- what is read and kept --------------------------------------------------------------------------------------------


def test_each_iteration_reads_each_block_once_and_the_labels_cost_the_pass_of_the_inertia(tmp_path, monkeypatch):
    import zarr

    X = streamed(tmp_path, blobs(), block_size=50)
    monkeypatch.setattr("estimators.cluster._rows._SAMPLE_ROWS", 50)
    reads = []
    read = zarr.Array.__getitem__
    monkeypatch.setattr(zarr.Array, "__getitem__", lambda self, part: reads.append(part) or read(self, part))
    model = KMeans(9, init=blobs()[:9], n_init=1, tol=0, max_iter=4).fit(X)
    np.asarray(model.labels_)
    assert len(reads) == 1 + (model.n_iter_ + 1) * X.n_blocks  # one for a sample


PROGRAM = """
import json, sys
import numpy as np
import dsarray as ds, dsflow
from estimators.cluster import KMeans

def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) >> 10  # rusage counts the parent's, too

centers = np.random.default_rng(0).random((8, 50))
with dsflow.start("threads", workers=2):
    for n_rows in (10_000, 250_000):                        # 4 MB, to warm up, and 100 MB
        before = peak()
        path = f"{sys.argv[1]}/{n_rows}.zarr"
        ds.to_zarr(ds.random_array((n_rows, 50), block_size=5_000, random_state=0), path)
        model = KMeans(8, init=centers, max_iter=3, tol=0).fit(ds.from_zarr(path, block_size=5_000))
    print(json.dumps({"n_labels": len(model.labels_), "growth": peak() - before}))
"""


def test_a_fit_needs_the_memory_of_a_few_blocks(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["n_labels"] == 250_000
    assert found["growth"] < 40, "MiB, of which a block has 2"


# --- edges and errors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("row", [0, 299])
def test_values_that_are_not_finite_are_refused(tmp_path, value, row, engine):
    X = blobs()
    X[row, 2] = value
    with pytest.raises(ValueError, match="Input X contains"):
        KMeans(9, init=blobs()[:9], n_init=1, tol=0).fit(streamed(tmp_path, X, block_size=70))
    engine._failures.clear()  # those of the other tasks


def test_rows_far_from_the_given_centers_lose_no_digits(tmp_path):
    X = blobs(dtype=np.float32) + np.float32(1e4)
    init = np.arange(3.0)[:, None].repeat(4, axis=1)
    model = KMeans(3, init=init, n_init=1).fit(streamed(tmp_path, X, block_size=70))
    theirs = sklearn.cluster.KMeans(3, init=init, n_init=1).fit(X.astype(float))
    np.testing.assert_allclose(model.inertia_, theirs.inertia_, rtol=1e-3)


def test_sparse_rows_are_labelled_in_parts_too():
    X = scipy.sparse.random_array((5000, 6), density=0.3, rng=0, format="csr")
    centers = X[:5].toarray()
    expected = ((X.toarray()[:, None] - centers[None]) ** 2).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(label_rows(X, centers), expected)
    assert made(X) is X
