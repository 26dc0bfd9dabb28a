"""Arrays of Dask become ours, on any engine, and ours become Dask's."""

import subprocess
import sys

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import dsarray as ds
from dsarray._array import Array
from dsflow import task, wait_on

x = np.random.default_rng(0).normal(size=(50, 6))
d = da.from_array(x, chunks=(7, 4))

DASKS = {
    "as it is": lambda d: d,
    "elementwise": lambda d: d - d.mean(axis=0),
    "product": lambda d: d.T @ d,
    "other chunks": lambda d: d.rechunk((20, 3)),
    "reversed": lambda d: d[::-1, 1:],
    "0-d": lambda d: d.sum(),
    "random": lambda d: da.random.default_rng(0).random((9, 2), chunks=(3, 2)),
    "no rows": lambda d: d[:0],
    "bool": lambda d: d > 0,
    "three axes": lambda d: d[:, None, :] * np.ones((1, 2, 1)),
}
OURS = {
    "of a value": lambda: ds.array(x, block_size=(7, 4)),
    "computed": lambda: ds.array(x, block_size=(7, 4)) + 1,
    "made": lambda: ds.ones((5, 3), block_size=2) * 2,
    "0-d": lambda: ds.array(x, block_size=7).sum(),
    "reduced": lambda: ds.array(x, block_size=7).sum(axis=0),
    "product": lambda: ds.array(x, block_size=7).T @ ds.array(x, block_size=(9, 4)),
    "streamed": lambda: ds.from_dask(d, streamed=True) * 2,
    "no rows": lambda: ds.array(x[:0]),
}


# --- from Dask --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", DASKS.values(), ids=DASKS)
@pytest.mark.parametrize("streamed", [False, True])
def test_each_chunk_becomes_a_block_with_what_dask_computes(make, streamed):
    theirs = make(d)
    ours = ds.from_dask(theirs, streamed=streamed)
    expected = theirs.compute(scheduler="synchronous")
    assert ours.streamed == streamed
    assert ours.dtype == theirs.dtype
    assert ours.chunks == (theirs.chunks if theirs.size else tuple(c or (0,) for c in theirs.chunks))
    np.testing.assert_allclose(ours.collect(), expected)
    np.testing.assert_allclose((ours * 2).sum().item(), 2 * expected.sum(), atol=1e-9)


def test_nothing_is_computed_before_it_is_needed_and_then_once(tmp_path, tasks):
    def spy(block):
        with (tmp_path / "calls").open("a") as file:  # tasks have copies of what is in memory
            file.write("called\n")
        return block

    def n_calls():
        return len((tmp_path / "calls").read_text().split()) if (tmp_path / "calls").exists() else 0

    theirs = d.map_blocks(spy, dtype=float, meta=np.empty((0, 0)))
    ours = ds.from_dask(theirs - theirs.sum(axis=0))
    assert (tasks.n, n_calls()) == (0, 0)
    for _ in range(2):
        ours.collect()
    assert n_calls() == 16  # though each is needed for the sum and for the difference
    streamed = ds.from_dask(theirs, streamed=True)
    streamed.collect()
    streamed[:3, :2].collect()
    assert n_calls() == 33


def test_persisted_chunks_and_data_frames():
    np.testing.assert_array_equal(ds.from_dask(d.persist(scheduler="synchronous") + 1).collect(), x + 1)
    frame = dd.from_pandas(pd.DataFrame({"a": [1, 2, 3], "b": [4.0, 5, 6]}), npartitions=2)
    np.testing.assert_array_equal(ds.from_dask(frame).collect(), [[1, 4], [2, 5], [3, 6]])
    np.testing.assert_array_equal(ds.from_dask(frame["a"]).collect(), [1, 2, 3])


def test_sparse_chunks_stay_sparse():
    matrix = scipy.sparse.random(20, 5, 0.3, format="csr", random_state=0)
    ours = ds.array(matrix, block_size=6)
    theirs = ours.to_dask()
    assert scipy.sparse.issparse(theirs.blocks[0].compute(scheduler="synchronous"))
    for streamed in (False, True):
        again = ds.from_dask(theirs, streamed=streamed)
        assert again.sparse
        assert abs(again.collect() - matrix).sum() == 0


def test_what_is_no_array_of_dask_is_refused():
    with pytest.raises(TypeError, match=r"a ndarray is no array of Dask; use ds\.array"):
        ds.from_dask(x)
    with pytest.raises(TypeError, match=r"a Delayed.* is no array of Dask"):
        ds.from_dask(dask.delayed(x))
    with pytest.raises(ValueError, match=r"not known; call x\.compute_chunk_sizes\(\)"):
        ds.from_dask(d[d[:, 0] > 0])
    with pytest.raises(TypeError, match="Python objects"):
        ds.from_dask(da.from_array(np.array([None, 1]), chunks=1))


def test_a_chunk_that_is_not_as_dask_said_is_an_error():
    short = d.map_blocks(lambda block: block[1:], dtype=float, meta=np.empty((0, 0)), chunks=d.chunks)
    with pytest.raises(ValueError, match=r"a chunk has shape \(6, 4\), not \(7, 4\) as Dask said"):
        ds.from_dask(short).collect()
    other = d.map_blocks(lambda block: block.astype(np.float32), dtype=float, meta=np.empty((0, 0)))
    assert ds.from_dask(other).collect().dtype == np.float64
    masked = da.ma.masked_greater(d, 0)
    with pytest.raises(TypeError, match="masked array"):
        ds.from_dask(masked).collect()


# --- to Dask ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", OURS.values(), ids=OURS)
@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_an_array_becomes_one_of_dasks(make, scheduler):
    ours = make()
    with dask.config.set(scheduler=scheduler):
        theirs = ours.to_dask()
        assert (theirs.chunks, theirs.dtype) == (ours.chunks, ours.dtype)
        np.testing.assert_array_equal(theirs.compute(), ours.collect())
        np.testing.assert_allclose((da.asarray(ours) * 2).sum().compute(), 2 * ours.collect().sum())


@pytest.mark.parametrize("make", OURS.values(), ids=OURS)
@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_an_array_is_a_collection_of_dask(make, scheduler):
    ours = make()
    assert dask.is_dask_collection(ours)
    with dask.config.set(scheduler=scheduler):
        np.testing.assert_array_equal(dask.compute(ours, 3)[0], ours.collect())
        (persisted,) = dask.persist(ours)
        assert isinstance(persisted, Array)
        np.testing.assert_array_equal(persisted.collect(), ours.collect())
        (optimized,) = dask.optimize(ours)
        np.testing.assert_array_equal(optimized.collect(), ours.collect())
        assert np.isclose(dask.delayed(np.sum)(ours).compute(), ours.collect().sum())


@pytest.mark.parametrize("make", OURS.values(), ids=OURS)
def test_an_array_that_has_been_one_of_dasks_is_what_it_was(make, tasks):
    ours = make()
    again = ds.from_dask(ours.to_dask())
    assert tasks.n == 0
    np.testing.assert_array_equal(again.collect(), ours.collect())
    np.testing.assert_array_equal(ds.from_dask(ours.to_dask() + 1).collect(), ours.collect() + 1)


def test_nothing_runs_before_dask_needs_it(tasks):
    ours = ds.array(x, block_size=7) * 2
    theirs = ours.to_dask()
    assert dask.is_dask_collection(ours)
    assert tasks.n == 0
    theirs[:7].sum().compute(scheduler="synchronous")
    assert tasks.n <= 1


def test_the_same_blocks_have_the_same_name():
    ours = ds.array(x, block_size=7)
    assert dask.base.tokenize(ours) == dask.base.tokenize(ours.copy())
    assert dask.base.tokenize(ours) != dask.base.tokenize(ours + 1)
    name = ours.to_dask().name
    assert name == ours.to_dask().name
    ours += 1
    assert ours.to_dask().name != name


def test_an_array_passed_to_a_task_is_still_an_array():
    @task
    def describe(a):
        return type(a).__name__, a.sum().item()

    assert wait_on(describe(ds.array(x, block_size=7))) == ("Array", pytest.approx(x.sum()))


ON_A_CLUSTER = """
import sys
import dask, dask.array as da, numpy as np
import dsarray as ds, dsflow
from distributed import Client, LocalCluster

if __name__ == "__main__":
    x = np.random.default_rng(0).normal(size=(50, 6))
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        dsflow.start("dask", client=client)
        d = da.from_array(x, chunks=(7, 4))
        assert np.allclose(ds.from_dask(d.persist() + 1).collect(), x + 1)
        assert np.allclose(ds.from_dask(d - d.mean(axis=0)).collect(), x - x.mean(0))
        a = ds.array(x, block_size=(7, 4))
        np.save(sys.argv[1] + "/x.npy", x)
        stored = ds.from_npy(sys.argv[1] + "/x.npy", block_size=7)
        for b in (a, a.T @ a, stored * 2):
            assert np.allclose((b.to_dask() + 1).compute(), b.collect() + 1)
            assert np.allclose(dask.compute(b)[0], b.collect())
            assert np.allclose(dask.persist(b)[0].collect(), b.collect())
        dsflow.stop()
"""


def test_arrays_go_to_and_fro_on_a_cluster_of_dasks(tmp_path):
    (tmp_path / "program.py").write_text(ON_A_CLUSTER)
    command = [sys.executable, str(tmp_path / "program.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
