"""`from_hdf5` gives what was stored, for any blocks, and keeps none of it; `to_hdf5` stores what an array holds."""

import multiprocessing
import sys

import h5py
import numpy as np
import pytest

import dsarray as ds
from dsarray.io._paths import File
from dsarray.io.hdf5 import _write_block

ARRAYS = {
    "1-D": np.arange(23),
    "2-D": np.arange(60.0).reshape(12, 5),
    "3-D": np.arange(120, dtype=np.int16).reshape(4, 5, 6),
    "0-D": np.array(2.5),
    "big-endian": np.arange(10, dtype=">i4"),
    "complex": np.arange(6).reshape(3, 2) * (1 + 2j),
    "bool": np.arange(9).reshape(3, 3) % 2 == 0,
    "half": np.arange(5, dtype=np.float16),
    "bytes": np.array([b"ab", b"c"]),
    "no rows": np.empty((0, 3)),
}
x = np.random.default_rng(0).normal(size=(50, 6))


def saved(folder, values, name="x", **options):
    """The path of a file with a dataset."""
    with h5py.File(folder / "values.h5", "a") as file:
        file.pop(name, None)
        file.create_dataset(name, data=values, **options)
    return folder / "values.h5"


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("size", [None, 1, 4])
@pytest.mark.parametrize("url", ["", "file://", "local://"])
def test_gives_what_was_stored_for_any_blocks_from_paths_and_urls(tmp_path, values, size, url):
    path = saved(tmp_path, values, "group/x")
    a = ds.from_hdf5(f"{url}{path}", "group/x", block_size=None if size is None else (size,) * values.ndim)
    assert a.streamed
    assert a.dtype == values.dtype
    np.testing.assert_array_equal(a.collect(), values)


@pytest.mark.parametrize("options", [{}, {"chunks": (10, 4)}, {"chunks": (7, 6), "compression": "gzip"}])
def test_computes_what_numpy_computes(tmp_path, options):
    a = ds.from_hdf5(saved(tmp_path, x, **options), block_size=(20, 4))
    np.testing.assert_allclose((a - a.mean(axis=0)).std(axis=0), x.std(0))
    np.testing.assert_array_equal(a[3:41:2, 1:5], x[3:41:2, 1:5])


def test_blocks_are_made_of_whole_chunks(tmp_path):
    path = saved(tmp_path, np.zeros((10_000, 100)), chunks=(700, 100))
    assert all(length % 700 == 0 for length in ds.from_hdf5(path).chunks[0][:-1])


def test_nothing_is_kept(tmp_path, tasks):
    path = saved(tmp_path, x)
    a = ds.from_hdf5(path, block_size=20)
    assert tasks.n == 0
    assert (a * 2).sum().item() == pytest.approx(2 * x.sum())
    saved(tmp_path, x + 1)
    assert (a * 2).sum().item() == pytest.approx(2 * (x + 1).sum())


def test_errors_name_the_file_and_what_it_has(tmp_path):
    path = saved(tmp_path, x, "a/b")
    saved(tmp_path, x, "c")
    with pytest.raises(ValueError, match=r"values\.h5 has no dataset 'x'; it has a/b, c"):
        ds.from_hdf5(path, "x")
    with pytest.raises(ValueError, match=r"has no dataset 'a'"):
        ds.from_hdf5(path, "a")
    with pytest.raises(ValueError, match=r"has 2 datasets \(a/b, c\); give dataset="):
        ds.from_hdf5(path)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        ds.from_hdf5(tmp_path / "nothing.h5")
    (tmp_path / "text.h5").write_text("text")
    with pytest.raises(ValueError, match=r"text\.h5 cannot be opened as an HDF5 file"):
        ds.from_hdf5(tmp_path / "text.h5")
    saved(tmp_path, ["text", "longer"], "strings")
    with pytest.raises(TypeError, match=r"'strings'.*Python objects"):
        ds.from_hdf5(path, "strings")


def test_a_dataset_that_has_changed_is_an_error(tmp_path):
    a = ds.from_hdf5(saved(tmp_path, x))
    saved(tmp_path, x[:30])
    with pytest.raises(ValueError, match=r"has changed from shape \(50, 6\).*call from_hdf5 again"):
        a.collect()


# --- writing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", ARRAYS.values(), ids=ARRAYS)
@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("size", [2, 100])
def test_h5py_reads_what_is_written(tmp_path, values, size, compression):
    if compression and not values.size:
        pytest.skip("h5py has no chunks of nothing")
    if compression and values.ndim == 0:
        pytest.skip("h5py does not compress a scalar")
    ds.to_hdf5(ds.array(values, block_size=(size,) * values.ndim), tmp_path / "a.h5", "g/x", compression=compression)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["g/x"].dtype == values.dtype
        assert file["g/x"].compression == compression
        np.testing.assert_array_equal(file["g/x"][...], values)
    assert [each.name for each in tmp_path.iterdir()] == ["a.h5"]


@pytest.mark.parametrize("chunks", [7, (7, 4), ((5, 0, 20, 25), 6)])
@pytest.mark.parametrize("options", [{}, {"compression": "lzf"}, {"chunks": (8, 5)}])
def test_blocks_of_any_lengths_are_written_by_the_tasks_that_compute_them(tmp_path, tasks, chunks, options):
    a = ds.array(x, block_size=chunks) * 2
    ds.to_hdf5(a, tmp_path / "a.h5", "x", **options)
    assert tasks.n == a.n_blocks
    np.testing.assert_array_equal(ds.from_hdf5(tmp_path / "a.h5"), x * 2)


def test_compressed_chunks_are_the_blocks(tmp_path):
    ds.to_hdf5(ds.array(x, block_size=(20, 4)), tmp_path / "a.h5", "x", compression="gzip")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["x"].chunks == (20, 4)


def test_other_datasets_stay_and_this_one_is_replaced_if_asked(tmp_path):
    path = saved(tmp_path, x, "old")
    ds.to_hdf5(x + 1, path, "x")
    with pytest.raises(FileExistsError, match="has a dataset 'x'; give another name, or overwrite=True"):
        ds.to_hdf5(x + 2, path, "x")
    ds.to_hdf5(x + 2, path, "x", overwrite=True)
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["old"], x)
        np.testing.assert_array_equal(file["x"], x + 2)
    with pytest.raises(ValueError, match="which it would replace"):
        ds.to_hdf5(ds.from_hdf5(path, "x"), path, "copy")


def test_a_file_with_a_user_block_is_written_too(tmp_path):
    h5py.File(tmp_path / "a.h5", "w", userblock_size=512).close()
    ds.to_hdf5(ds.array(x, block_size=7), tmp_path / "a.h5", "x")
    np.testing.assert_array_equal(ds.from_hdf5(tmp_path / "a.h5"), x)


def test_what_cannot_be_written_is_refused_and_leaves_what_was_there(tmp_path):
    path = saved(tmp_path, x)
    with pytest.raises(TypeError, match=r"no type for elements of dtype <U1 .*astype"):
        ds.to_hdf5(np.array(["a"]), path, "x", overwrite=True)
    np.testing.assert_array_equal(ds.from_hdf5(path), x)
    with pytest.raises(ValueError, match="is a URL"):
        ds.to_hdf5(x, "memory://a.h5", "x")

    def fail(block):
        raise ArithmeticError("no")

    bad = ds.map_blocks(fail, ds.array(x, block_size=20), dtype=float, block_shape="same")
    with pytest.raises(ArithmeticError):
        ds.to_hdf5(bad, path, "bad")
    with h5py.File(path) as file:
        assert list(file) == ["x"]


def _write_rows(path, values, lock, starts):
    for start in starts:
        part = (slice(start, start + 5), slice(0, 6))
        _write_block(values[part], File(path), "x", part, lock)


def test_processes_write_chunks_one_after_the_other(tmp_path):
    path = saved(tmp_path, np.zeros((400, 6)), chunks=(3, 6), compression="lzf")
    values = np.random.default_rng(0).normal(size=(400, 6))
    forked = multiprocessing.get_context("fork")
    args = (str(path), values, str(tmp_path / "lock"))
    writers = [forked.Process(target=_write_rows, args=(*args, range(5 * i, 400, 20))) for i in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    np.testing.assert_array_equal(ds.from_hdf5(path), values)


def test_without_h5py_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r"pip install 'dsflow\[hdf5\]'"):
        ds.from_hdf5(tmp_path / "a.h5")
