"""`from_npz` gives what `numpy.load` gives of an archive, block by block; `to_npz` writes what `numpy.savez` does."""

import numpy as np
import pytest

import dsarray as ds

ARRAYS = {
    "rows": np.arange(60.0).reshape(12, 5),
    "fortran": np.asfortranarray(np.arange(60, dtype=np.float32).reshape(12, 5)),
    "cube": np.arange(120, dtype=np.int16).reshape(4, 5, 6),
    "one": np.array(2.5),
    "none": np.empty((0, 3)),
    "texts": np.array(["a", "bc"]),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("url", ["", "file://", "local://"])
@pytest.mark.parametrize("size", [None, 2, 100])
def test_gives_the_arrays_of_an_archive_by_name(tmp_path, save, url, size):
    save(tmp_path / "a.npz", **ARRAYS)
    for name, values in ARRAYS.items():
        block_size = None if size is None else (size,) * values.ndim
        with ds.config(block_size=None):
            found = ds.from_npz(f"{url}{tmp_path}/a.npz")
        assert list(found) == list(ARRAYS)
        a = found[name] if block_size is None else found[name].rechunk(block_size)
        assert a.streamed
        assert a.dtype == values.dtype
        np.testing.assert_array_equal(a.collect(), values)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_parts_are_read_alone(tmp_path, save):
    x = np.arange(600.0).reshape(100, 6)
    save(tmp_path / "a.npz", x=x, y=np.asfortranarray(x))
    for a in ds.from_npz(tmp_path / "a.npz", block_size=7).values():
        np.testing.assert_array_equal(a[13:77, 2:5].collect(), x[13:77, 2:5])
        np.testing.assert_allclose(a.sum(axis=0), x.sum(axis=0))


@pytest.mark.parametrize("size", [2, 100])
def test_numpy_loads_what_is_written(tmp_path, size):
    arrays = {name: ds.array(values, block_size=(size,) * values.ndim) for name, values in ARRAYS.items()}
    ds.to_npz(tmp_path / "a.npz", **arrays)
    np.savez(tmp_path / "b", arrays["rows"], cube=arrays["cube"])
    with np.load(tmp_path / "a.npz") as loaded:
        assert list(loaded) == list(ARRAYS)
        for name, values in ARRAYS.items():
            assert loaded[name].dtype == values.dtype
            np.testing.assert_array_equal(loaded[name], values)
    with np.load(tmp_path / "b.npz") as loaded:
        np.testing.assert_array_equal(loaded["arr_0"], ARRAYS["rows"])
        np.testing.assert_array_equal(loaded["cube"], ARRAYS["cube"])
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def test_errors_say_what_is_wrong(tmp_path):
    (tmp_path / "text.npz").write_text("a")
    with pytest.raises(ValueError, match=r"text\.npz is not a \.npz archive"):
        ds.from_npz(tmp_path / "text.npz")
    np.savez(tmp_path / "a.npz", x=np.arange(6))
    with pytest.raises(FileExistsError, match="overwrite=True"):
        ds.to_npz(tmp_path / "a.npz", x=np.arange(3))
    found = ds.from_npz(tmp_path / "a.npz")["x"]
    with pytest.raises(ValueError, match="which it would replace"):
        ds.to_npz(tmp_path / "a.npz", x=found, overwrite=True)
    np.savez(tmp_path / "a.npz", x=np.arange(6) + 1)
    with pytest.raises(ValueError, match="has changed since it was loaded"):
        found.collect()
    np.savez(tmp_path / "objects.npz", x=np.array([None, 1]))
    with pytest.raises(ValueError, match="Python objects"):
        ds.from_npz(tmp_path / "objects.npz")
    with pytest.raises(ValueError, match="is the URL of one file"):
        ds.to_npz("memory://a.npz", x=np.arange(3))
