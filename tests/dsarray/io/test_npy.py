"""`load_npy_file` and `from_npy` give what `numpy.load` gives, block by block; `to_npy` writes what `save` does."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

import dsarray as ds
from dsarray.io import load_npy_file
from dsflow import wait_on


def saved(folder, values):
    np.save(folder / "values.npy", values)
    return folder / "values.npy"


ARRAYS = {
    "1-D": np.arange(23),
    "2-D": np.arange(60.0).reshape(12, 5),
    "3-D": np.arange(120, dtype=np.int16).reshape(4, 5, 6),
    "0-D": np.array(2.5),
    "Fortran": np.asfortranarray(np.arange(60.0, dtype=np.float32).reshape(12, 5)),
    "big-endian": np.arange(10, dtype=">i4"),
    "complex": np.arange(6).reshape(3, 2) * (1 + 2j),
    "bool": np.arange(9).reshape(3, 3) % 2 == 0,
    "text": np.array([["a", "bc"], ["ü", ""]]),
    "dates": np.array(["2024-02-29", "NaT"], dtype="datetime64[D]"),
    "no rows": np.empty((0, 3)),
}


@pytest.mark.parametrize("values", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("block_size", [None, 1, 4, -1, "every axis"])
def test_gives_what_numpy_loads_for_any_blocks(tmp_path, values, block_size):
    if values.ndim == 0 and isinstance(block_size, int):
        pytest.skip("there is no axis to cut")
    block_size = (2,) * values.ndim if block_size == "every axis" else block_size
    loaded = load_npy_file(saved(tmp_path, values), block_size)
    assert loaded.shape == values.shape
    assert loaded.dtype == values.dtype
    np.testing.assert_array_equal(loaded.collect(), values)


def test_blocks_are_cut_as_asked(tmp_path):
    assert load_npy_file(saved(tmp_path, np.ones((5, 3))), block_size=(2, 2)).chunks == ((2, 2, 1), (2, 1))


def test_block_size_of_the_configuration_holds(tmp_path):
    with ds.config(block_size=2):
        assert load_npy_file(saved(tmp_path, np.ones((5, 3)))).chunks == ((2, 2, 1), (3,))


def test_path_may_be_text_and_relative(tmp_path, monkeypatch):
    saved(tmp_path, np.arange(3))
    monkeypatch.chdir(tmp_path)
    loaded = load_npy_file("values.npy")
    monkeypatch.chdir("/")
    np.testing.assert_array_equal(loaded.collect(), np.arange(3))


def test_blocks_are_read_by_the_tasks_that_use_them(tmp_path):
    path = saved(tmp_path, np.arange(6))
    loaded = load_npy_file(path)
    path.rename(tmp_path / "elsewhere.npy")
    with pytest.raises(FileNotFoundError, match="all workers share"):
        loaded.collect()


def test_blocks_keep_no_part_of_the_file_open(tmp_path):
    block = load_npy_file(saved(tmp_path, np.arange(6)), block_size=3).blocks[0].result()
    assert not isinstance(block, np.memmap)
    shutil.rmtree(tmp_path)
    np.testing.assert_array_equal(block, [0, 1, 2])


def test_file_that_has_changed_is_an_error(tmp_path):
    loaded = load_npy_file(saved(tmp_path, np.arange(6)))
    saved(tmp_path, np.arange(8))
    with pytest.raises(ValueError, match=r"has changed from shape \(6,\).*load it again"):
        loaded.collect()


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"load_npy_file: .*nothing\.npy does not exist; check the path"):
        load_npy_file(tmp_path / "nothing.npy")


def test_folder_is_not_a_file(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder; give the path of a file"):
        load_npy_file(tmp_path)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "a.npy").write_text("1,2\n3,4\n")
    with pytest.raises(ValueError, match=r"a\.npy is not a \.npy file; write it with numpy\.save"):
        load_npy_file(tmp_path / "a.npy")


def test_objects_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Python objects"):
        load_npy_file(saved(tmp_path, np.array([None, 1])))


def test_truncated_file_is_refused(tmp_path):
    path = saved(tmp_path, np.arange(1000))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match="cannot be read in blocks"):
        load_npy_file(path)


def test_path_of_another_type_is_refused():
    with pytest.raises(TypeError, match=r"path=3 is a int; give a str or a pathlib\.Path"):
        load_npy_file(3)


# --- streamed ---------------------------------------------------------------------------------------------------------

x = np.random.default_rng(0).normal(size=(50, 6))
PLACES = {"path": str, "URL of a file": lambda path: f"file://{path}", "other URL": lambda path: f"local://{path}"}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("values", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_streams_what_numpy_loads_for_any_blocks_from_paths_and_urls(tmp_path, values, size, place):
    a = ds.from_npy(place(saved(tmp_path, values)), block_size=(size,) * values.ndim)
    assert a.dtype == values.dtype
    assert a.streamed
    np.testing.assert_array_equal(a.collect(), values)


def test_a_stream_is_read_anew_by_each_task_and_a_slice_reads_its_part(tmp_path, monkeypatch):
    path = saved(tmp_path, x)
    a = ds.from_npy(path, block_size=20)
    assert wait_on(a.blocks[0, 0]).sum() == pytest.approx(x[:20].sum())
    saved(tmp_path, x * 2)
    assert wait_on(a.blocks[0, 0]).sum() == pytest.approx(2 * x[:20].sum())
    parts = []
    monkeypatch.setattr("dsarray.io.npy.read_part", lambda file, header, part: parts.append(part) or x[part])
    a[22:31][1:, 2:3].collect()
    assert parts == [(slice(23, 31), slice(2, 3))]


@pytest.mark.parametrize("call", [load_npy_file, ds.from_npy])
def test_stream_of_a_file_that_has_changed_is_an_error(tmp_path, call):
    loaded = call(saved(tmp_path, np.arange(6)))
    saved(tmp_path, np.arange(8))
    with pytest.raises(ValueError, match=rf"{call.__name__}: .*has changed from shape \(6,\).*load it again"):
        loaded.collect()


# --- writing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_what_is_written_is_what_numpy_loads(tmp_path, values, size):
    ds.to_npy(ds.array(values, block_size=(size,) * values.ndim), tmp_path / "a.npy")
    loaded = np.load(tmp_path / "a.npy")
    assert loaded.dtype == values.dtype
    np.testing.assert_array_equal(loaded, values)


@pytest.mark.parametrize("chunks", [((5, 0, 20, 25), 6), ((50,), (1, 2, 3)), ((49, 1), (6, 0)), -1, 7])
def test_blocks_of_any_lengths_are_written_by_the_tasks_that_compute_them(tmp_path, tasks, chunks):
    a = ds.array(x, block_size=chunks) * 2
    ds.to_npy(a, tmp_path / "a.npy")
    assert tasks.n == a.n_blocks
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), x * 2)
    assert [each.name for each in tmp_path.iterdir()] == ["a.npy"]


def test_numpy_save_writes_an_array_as_numpy_names_it(tmp_path):
    np.save(tmp_path / "a", ds.array(x, block_size=20))
    np.save(str(tmp_path / "a.npy"), ds.array(x, block_size=20) + 1)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), x + 1)
    with (tmp_path / "b.npy").open("wb") as file, pytest.raises(TypeError, match="give a path"):
        np.save(file, ds.array(x))


def test_a_file_is_replaced_if_asked_and_never_by_what_is_read_from_it(tmp_path):
    path = saved(tmp_path, x)
    with pytest.raises(FileExistsError, match="exists; give another path, or overwrite=True"):
        ds.to_npy(x, path)
    ds.to_npy(x + 1, path, overwrite=True)
    np.testing.assert_array_equal(np.load(path), x + 1)
    with pytest.raises(ValueError, match="which it would replace"):
        ds.to_npy(ds.from_npy(path) + 1, path, overwrite=True)


def test_a_failure_leaves_no_file_and_the_old_one(tmp_path):
    path = saved(tmp_path, x)

    def fail(block):
        raise ArithmeticError("no")

    bad = ds.map_blocks(fail, ds.array(x, block_size=20), dtype=float, block_shape="same")
    with pytest.raises(ArithmeticError):
        ds.to_npy(bad, path, overwrite=True)
    np.testing.assert_array_equal(np.load(path), x)
    assert [each.name for each in tmp_path.iterdir()] == ["values.npy"]


def test_what_cannot_be_written_is_refused(tmp_path):
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match="to_dense"):
        ds.to_npy(ds.array(sparse.csr_array(x)), tmp_path / "a.npy")
    with pytest.raises(ValueError, match=r"is a URL, .*to_npy_stack or to_zarr"):
        ds.to_npy(x, "memory://a.npy")
    with pytest.raises(FileNotFoundError, match=r"the folder .* does not exist"):
        ds.to_npy(x, tmp_path / "nothing" / "a.npy")


PROGRAM = """
import json, sys
import numpy as np
import dsarray as ds, dsflow

def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) >> 10

folder = sys.argv[1]
with dsflow.start("threads", workers=2):
    ds.to_npy(ds.zeros((20, 100), block_size=5), folder + "/warm.npy")
    assert ds.from_npy(folder + "/warm.npy", block_size=5).sum().item() == 0
    before = peak()
    ds.to_npy(ds.ones((250_000, 100), block_size=2_500), folder + "/a.npy")    # 200 MB
    ds.to_npy(ds.from_npy(folder + "/a.npy", block_size=2_500) + 1, folder + "/b.npy")
    total = ds.from_npy(folder + "/b.npy", block_size=2_500).sum().item()
    print(json.dumps({"total": total, "growth": peak() - before}))
"""


def test_a_pass_needs_the_memory_of_a_few_blocks(tmp_path):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["total"] == 50e6
    assert found["growth"] < 70, "MiB, of which a block has 2"


ON_DASK = """
import sys
import numpy as np
import dsarray as ds, dsflow

folder = sys.argv[1]
x = np.random.default_rng(0).normal(size=(60, 6))
with dsflow.start("dask", workers=2):
    a = ds.array(x, block_size=(11, 4)) * 2
    ds.to_npy(a, folder + "/a.npy")
    ds.to_hdf5(a, folder + "/a.h5", "x")
    ds.to_hdf5(a, folder + "/a.h5", "compressed", compression="gzip")
    ds.to_csv(a, folder + "/a.csv")
    ds.to_parquet(a, folder + "/parquet")
    for b in (
        ds.from_npy(folder + "/a.npy", block_size=7),
        ds.from_hdf5(folder + "/a.h5", "x", block_size=7),
        ds.from_hdf5(folder + "/a.h5", "compressed"),
        ds.from_csv(folder + "/a.csv", header=False, block_size=7),
        ds.from_parquet(folder + "/parquet"),
    ):
        assert np.array_equal(b.collect(), x * 2), b
        assert np.isclose(b.sum().item(), x.sum() * 2)
"""


def test_processes_write_and_read_at_the_same_time(tmp_path):
    command = [sys.executable, "-c", ON_DASK, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
