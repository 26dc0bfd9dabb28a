"""`load_npy_file` gives what `numpy.load` gives, block by block, and reads nothing before it is used."""

import shutil

import numpy as np
import pytest

import dsarray as ds
from dsarray.io import load_npy_file


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
