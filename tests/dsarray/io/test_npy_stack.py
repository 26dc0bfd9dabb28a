"""`to_npy_stack` and `from_npy_stack`: a file for each block, as Dask reads and writes them."""

import pickle

import dask.array as da
import numpy as np
import pytest

import dsarray as ds

x = np.random.default_rng(0).normal(size=(25, 6))


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("block_size", [4, (4, 4), ((20, 0, 5), 6), -1])
def test_dask_reads_what_is_written_and_so_do_we(tmp_path, axis, block_size):
    ds.to_npy_stack(tmp_path / "stack", ds.array(x, block_size=block_size) + 1, axis)
    np.testing.assert_array_equal(da.from_npy_stack(tmp_path / "stack").compute(), x + 1)
    a = ds.from_npy_stack(tmp_path / "stack")
    assert a.streamed
    np.testing.assert_array_equal(a.collect(), x + 1)
    np.testing.assert_array_equal(ds.from_npy_stack(tmp_path / "stack", block_size=(7, 5)).collect(), x + 1)


@pytest.mark.parametrize("axis", [0, 1])
def test_reads_what_dask_has_written(tmp_path, axis):
    da.to_npy_stack(tmp_path / "stack", da.from_array(x, chunks=(2, 4)), axis=axis)
    a = ds.from_npy_stack(tmp_path / "stack")
    assert len(a.chunks[axis]) == (13 if axis == 0 else 2)  # 10.npy comes after 9.npy
    np.testing.assert_array_equal(a[3:22, 1:].collect(), x[3:22, 1:])


def test_a_folder_without_info_is_joined_along_the_axis_that_is_asked(tmp_path):
    for number in range(3):
        np.save(tmp_path / f"part{number}.npy", x + number)
    np.testing.assert_array_equal(ds.from_npy_stack(tmp_path).collect(), np.concatenate([x, x + 1, x + 2]))
    np.testing.assert_array_equal(ds.from_npy_stack(tmp_path, 1).collect(), np.concatenate([x, x + 1, x + 2], axis=1))


def test_stacks_at_urls():
    ds.to_npy_stack("memory://stack", ds.array(x, block_size=4))
    np.testing.assert_array_equal(ds.from_npy_stack("memory://stack").collect(), x)


def test_what_is_there_is_replaced_if_asked_only(tmp_path):
    ds.to_npy_stack(tmp_path, ds.array(x, block_size=4))
    with pytest.raises(FileExistsError, match=r"has 7 \.npy files; .*overwrite=True"):
        ds.to_npy_stack(tmp_path, x)
    with pytest.raises(ValueError, match="which it would replace"):
        ds.to_npy_stack(tmp_path, ds.from_npy_stack(tmp_path), overwrite=True)
    ds.to_npy_stack(tmp_path, x * 2, overwrite=True)
    np.testing.assert_array_equal(ds.from_npy_stack(tmp_path).collect(), x * 2)


def test_errors_say_what_is_wrong(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no \.npy file in"):
        ds.from_npy_stack(tmp_path)
    with pytest.raises(ValueError, match="axis=2 for an array of 2 axes"):
        ds.to_npy_stack(tmp_path, x, 2)
    np.save(tmp_path / "0.npy", x)
    np.save(tmp_path / "1.npy", x[:, :3])
    with pytest.raises(ValueError, match=r"1\.npy has shape \(25, 3\).*alike but along axis 0"):
        ds.from_npy_stack(tmp_path)
    a = ds.from_npy_stack(tmp_path, 1)
    np.save(tmp_path / "1.npy", x[:, :2])
    with pytest.raises(ValueError, match="has changed since it was loaded"):
        a.collect()


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    np.save(tmp_path / "0.npy", x)
    (tmp_path / "info").write_bytes(pickle.dumps({"axis": print}))
    with pytest.raises(ValueError, match=r"is not what Dask writes \(it names builtins\.print\); give axis="):
        ds.from_npy_stack(tmp_path)
