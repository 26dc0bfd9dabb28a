"""`from_zarr` gives what was stored, for any blocks, and keeps none of it; `to_zarr` stores what an array holds."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
import zarr

import dsarray as ds
from dsarray.io._parts import block_of_chunks
from dsflow import task, wait_on


def saved(folder, values, chunks=None, **options):
    """The path of a new Zarr array."""
    path = folder / "values.zarr"
    chunks = tuple(max(1, n) for n in values.shape) if chunks is None else chunks
    zarr.create_array(path, shape=values.shape, chunks=chunks, dtype=values.dtype, **options)[...] = values
    return path


ARRAYS = {
    "1-D": np.arange(23),
    "2-D": np.arange(60.0).reshape(12, 5),
    "3-D": np.arange(120, dtype=np.int16).reshape(4, 5, 6),
    "0-D": np.array(2.5),
    "big-endian": np.arange(10, dtype=">i4"),
    "complex": np.arange(6).reshape(3, 2) * (1 + 2j),
    "bool": np.arange(9).reshape(3, 3) % 2 == 0,
    "no rows": np.empty((0, 3)),
}
x = np.random.default_rng(0).normal(size=(50, 6))


# --- agrees with NumPy ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("chunk", [2, 3])
@pytest.mark.parametrize("block_size", [None, 1, 4, -1, "every axis"])
def test_gives_what_was_stored_for_any_chunks_and_blocks(tmp_path, values, chunk, block_size):
    if values.ndim == 0 and isinstance(block_size, int):
        pytest.skip("there is no axis to cut")
    block_size = (2,) * values.ndim if block_size == "every axis" else block_size
    loaded = ds.from_zarr(saved(tmp_path, values, (chunk,) * values.ndim), block_size=block_size)
    assert loaded.shape == values.shape
    assert loaded.dtype == values.dtype.newbyteorder("=")  # format 3 does not record the order of bytes
    np.testing.assert_array_equal(loaded.collect(), values)


@pytest.mark.parametrize("block_size", [None, 1, 7, (7, 4), ((20, 0, 30), 6), -1])
def test_computes_what_numpy_computes(tmp_path, block_size):
    a = ds.from_zarr(saved(tmp_path, x, (10, 4)), block_size=block_size)
    np.testing.assert_allclose(((a - a.mean(axis=0)) / a.std(axis=0)).sum(axis=1), ((x - x.mean(0)) / x.std(0)).sum(1))
    np.testing.assert_allclose(a.T @ a, x.T @ x)
    np.testing.assert_array_equal(a.max(axis=1), x.max(axis=1))
    np.testing.assert_array_equal(a[a[:, 0] > 0], x[x[:, 0] > 0])
    np.testing.assert_array_equal(ds.map_blocks(np.negative, a), -x)


@pytest.mark.parametrize(
    "key",
    [np.s_[3:41:2], np.s_[::-1, 1:3], np.s_[12:12], np.s_[7], np.s_[:, None, 2], np.s_[[40, 3, 3]], np.s_[5:, 5:]],
)
def test_parts_are_those_of_numpy(tmp_path, key):
    np.testing.assert_array_equal(ds.from_zarr(saved(tmp_path, x, (10, 4)), block_size=(20, 4))[key], x[key])


def test_iteration_gives_the_parts_of_numpy_and_reads_each_block_once(tmp_path, monkeypatch):
    reads = []
    read = zarr.Array.__getitem__
    monkeypatch.setattr(zarr.Array, "__getitem__", lambda self, part: reads.append(part) or read(self, part))
    for row, expected in zip(ds.from_zarr(saved(tmp_path, x), block_size=20), x, strict=True):
        np.testing.assert_array_equal(row, expected)
    assert len(reads) == 3


@pytest.mark.parametrize("values", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("block_size", [2, 3])
def test_what_is_written_is_read_again(tmp_path, values, block_size):
    a = ds.array(values, block_size=(block_size,) * values.ndim)
    ds.to_zarr(a, tmp_path / "a.zarr")
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "a.zarr")[...], values)
    assert ds.from_zarr(tmp_path / "a.zarr").dtype == values.dtype.newbyteorder("=")
    np.testing.assert_array_equal(ds.from_zarr(tmp_path / "a.zarr"), values)


def test_each_block_is_written_as_a_chunk_by_the_task_that_computes_it(tmp_path, tasks):
    ds.to_zarr(ds.array(x, block_size=(20, 4)) * 2, tmp_path / "a.zarr", compressors=None)
    assert tasks.n == 6
    stored = zarr.open_array(tmp_path / "a.zarr")
    assert stored.chunks == (20, 4)
    assert stored.compressors == ()
    np.testing.assert_array_equal(stored[:], x * 2)


def test_irregular_blocks_and_lists_can_be_written(tmp_path):
    ds.to_zarr(ds.array(x, block_size=((5, 0, 20, 25), 6)), tmp_path / "a.zarr")
    np.testing.assert_array_equal(ds.from_zarr(tmp_path / "a.zarr"), x)
    ds.to_zarr([1, 2, 3], tmp_path / "b.zarr")
    np.testing.assert_array_equal(ds.from_zarr(tmp_path / "b.zarr"), [1, 2, 3])


# --- how blocks are cut -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "chunk", "block"),
    [
        ((5_000_000, 100), (40_000, 100), (40_000, 100)),
        ((5_000_000, 100), (10_000, 100), (40_000, 100)),
        ((5_000_000, 100), (10_000, 50), (40_000, 100)),
        ((5_000_000, 100), (200_000, 100), (200_000, 100)),
        ((1000, 1_000_000), (10, 100_000), (10, 400_000)),
        ((10, 10), (3, 3), (10, 10)),
        ((0, 3), (1, 3), (1, 3)),
        ((), (), ()),
    ],
)
def test_blocks_are_made_of_whole_chunks_and_of_whole_rows_if_these_fit(shape, chunk, block):
    assert block_of_chunks(shape, chunk, 8) == block


def test_block_size_and_configuration_are_heeded(tmp_path):
    path = saved(tmp_path, np.ones((5, 3)))
    assert ds.from_zarr(path, block_size=(2, 2)).chunks == ((2, 2, 1), (2, 1))
    with ds.config(block_size=2):
        assert ds.from_zarr(path).chunks == ((2, 2, 1), (3,))
    with pytest.raises(ValueError, match="from_zarr: block_size"):
        ds.from_zarr(path, block_size=0)


# --- what is read and kept --------------------------------------------------------------------------------------------


def test_nothing_is_read_before_it_is_needed_and_nothing_is_kept(tmp_path, tasks):
    path = saved(tmp_path, x, (10, 6))
    a = ds.from_zarr(path, block_size=10)
    total = (a + 1).sum()
    assert tasks.n == 0
    zarr.open_array(path, mode="r+")[:] = 0
    assert total.item() == x.size
    zarr.open_array(path, mode="r+")[:] = 1
    assert (a + 1).sum().item() == 2 * x.size
    assert wait_on(a.blocks[0, 0]).sum() == 60
    zarr.open_array(path, mode="r+")[:] = 2
    assert wait_on(a.blocks[0, 0]).sum() == 120
    assert [block.sum() for block in wait_on(a.blocks.flat)] == [120] * 5


def test_an_array_says_whether_it_is_streamed(tmp_path):
    a = ds.from_zarr(saved(tmp_path, x), block_size=20)
    assert a.streamed
    for streamed in (a + 1, a[3:].T, (a - a.mean(axis=0)).astype(np.float32), a.rechunk(7), a[a[:, 0] > 0]):
        assert streamed.streamed
    assert ds.map_blocks(np.sort, a, dtype=float, block_shape="same").streamed
    for kept in (a.sum(), a.T @ a, ds.array(x), ds.ones(3), ds.map_blocks(np.sort, ds.array(x), dtype=float)):
        assert not kept.streamed


def test_a_slice_reads_no_more_than_it_needs(tmp_path, monkeypatch):
    reads = []
    read = zarr.Array.__getitem__
    monkeypatch.setattr(zarr.Array, "__getitem__", lambda self, part: reads.append(part) or read(self, part))
    a = ds.from_zarr(saved(tmp_path, x, (5, 6)), block_size=20)
    np.testing.assert_array_equal(a[22:31][1:, 2:3], x[23:31, 2:3])
    assert reads == [(slice(23, 31), slice(2, 3))]


def test_tasks_read_in_one_task_what_they_use(tmp_path, tasks):
    a = ds.from_zarr(saved(tmp_path, x, (10, 3)), block_size=(10, 3))
    assert wait_on(ds.map_row_blocks(lambda rows: rows.shape, a * 2)) == [(10, 6)] * 5
    assert tasks.n == 5


def test_an_array_passed_to_a_task_is_not_read_for_it(tmp_path, tasks):
    @task
    def total(array):
        return array.sum().item(), array.streamed

    a = ds.from_zarr(saved(tmp_path, x, (10, 6)), block_size=10)
    assert pickle.loads(pickle.dumps(a)).streamed
    assert tasks.n == 0
    assert wait_on(total(a)) == (pytest.approx(x.sum()), True)


PROGRAM = """
import json, sys
import numpy as np, zarr
import dsarray as ds, dsflow

def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) >> 10  # rusage counts the parent's, too

path, folder = sys.argv[1:]
with dsflow.start("threads", workers=2):
    shape = (2_500, 100, 100)                                          # 200 MB
    ds.to_zarr(ds.zeros((10, 100, 100), block_size=5), folder + "/warm.zarr")
    assert (ds.from_zarr(folder + "/warm.zarr", block_size=5) + 1).sum().item() == 100_000
    before = peak()
    ds.to_zarr(ds.ones(shape, block_size=25), path, compressors=None)
    a = ds.from_zarr(path, block_size=25)
    sums = [a.sum().item(), (a * 2).sum().item(), a.max().item(), (a + a).mean(axis=0).collect().sum()]
    print(json.dumps({"sums": sums, "growth": peak() - before}))
"""


def test_a_pass_needs_the_memory_of_a_few_blocks(tmp_path):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "large.zarr"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["sums"] == [25e6, 50e6, 1, 2e4]
    assert found["growth"] < 60, "MiB, of which a block has 2"


# --- places -----------------------------------------------------------------------------------------------------------


def test_path_may_be_text_and_relative(tmp_path, monkeypatch):
    saved(tmp_path, np.arange(3))
    monkeypatch.chdir(tmp_path)
    loaded = ds.from_zarr("values.zarr")
    opened = ds.from_zarr(zarr.open_array("values.zarr"))
    ds.to_zarr(loaded, "copy.zarr")
    monkeypatch.chdir("/")
    np.testing.assert_array_equal(loaded, np.arange(3))
    np.testing.assert_array_equal(opened, np.arange(3))
    np.testing.assert_array_equal(ds.from_zarr(tmp_path / "copy.zarr"), np.arange(3))


def test_open_arrays_of_any_format_in_groups_and_in_archives_can_be_given(tmp_path):
    group = zarr.open_group(tmp_path / "group.zarr", mode="w")
    group.create_array("a/b", shape=x.shape, dtype=x.dtype, chunks=(10, 6))[:] = x
    np.testing.assert_array_equal(ds.from_zarr(group["a/b"], block_size=7), x)
    np.testing.assert_array_equal(ds.from_zarr(tmp_path / "group.zarr" / "a" / "b"), x)
    zarr.create_array(tmp_path / "old.zarr", shape=x.shape, dtype=">f8", chunks=(7, 2), zarr_format=2)[:] = x
    np.testing.assert_array_equal(ds.from_zarr(tmp_path / "old.zarr"), x)
    assert ds.from_zarr(tmp_path / "old.zarr").dtype == ">f8"
    with zarr.storage.ZipStore(tmp_path / "a.zip", mode="w") as store:
        zarr.create_array(store, shape=x.shape, dtype=x.dtype, chunks=(50, 6))[:] = x
    with zarr.storage.ZipStore(tmp_path / "a.zip", mode="r") as store:
        np.testing.assert_array_equal(ds.from_zarr(zarr.open_array(store)), x)


def test_array_in_memory_is_refused():
    with pytest.raises(TypeError, match=r"out of reach of other processes; .*ds\.array"):
        ds.from_zarr(zarr.array(x, store=zarr.storage.MemoryStore()))


# --- errors -----------------------------------------------------------------------------------------------------------


def test_missing_array_is_named(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"from_zarr: there is no Zarr array at .*nothing\.zarr; check the path"
    ):
        ds.from_zarr(tmp_path / "nothing.zarr")
    with pytest.raises(FileNotFoundError, match="no Zarr array"):
        ds.from_zarr(tmp_path)


def test_array_that_is_gone_or_has_changed_is_an_error(tmp_path):
    path = saved(tmp_path, np.arange(6))
    loaded = ds.from_zarr(path)
    path.rename(tmp_path / "elsewhere.zarr")
    with pytest.raises(FileNotFoundError, match="all workers share"):
        loaded.collect()
    saved(tmp_path, np.arange(8))
    with pytest.raises(ValueError, match=r"has changed from shape \(6,\).*call from_zarr again"):
        loaded.collect()


def test_what_is_no_place_is_refused():
    with pytest.raises(TypeError, match="a path, a URL or an open zarr array"):
        ds.from_zarr(3)


def test_what_is_there_is_replaced_if_asked_only(tmp_path):
    path = saved(tmp_path, x)
    with pytest.raises(FileExistsError, match="exists; give another path, or overwrite=True"):
        ds.to_zarr(x + 1, path)
    np.testing.assert_array_equal(ds.from_zarr(path), x)
    ds.to_zarr(x + 1, path, overwrite=True)
    np.testing.assert_array_equal(ds.from_zarr(path), x + 1)


def test_an_array_does_not_replace_what_it_is_read_from(tmp_path):
    path = saved(tmp_path, x)
    a = ds.from_zarr(path)
    for derived in (a, a + 1, a.mean(axis=0)):
        with pytest.raises(ValueError, match="which it would replace; write to another path"):
            ds.to_zarr(derived, path, overwrite=True)
    np.testing.assert_array_equal(a, x)


def test_sparse_arrays_are_refused(tmp_path):
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match="to_dense"):
        ds.to_zarr(ds.array(sparse.csr_array(x)), tmp_path / "a.zarr")


def test_without_zarr_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ImportError, match=r"pip install 'dsflow\[zarr\]'"):
        ds.from_zarr(tmp_path)
