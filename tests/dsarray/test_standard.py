import copy
import importlib.util
import sys
import types

import numpy as np
import pytest

import dsarray as ds
from dsarray import _standard, xp
from dsflow import wait_on

x = np.arange(12.0).reshape(4, 3)


def test_an_array_knows_its_namespace():
    array = ds.array(x)
    assert array.__array_namespace__() is xp
    assert array.__array_namespace__(api_version="2022.12") is xp
    assert array.__array_namespace__(api_version="2025.12") is ds.xp
    with pytest.raises(ValueError, match="2031"):
        array.__array_namespace__(api_version="2031.12")


# --- devices ----------------------------------------------------------------------------------------------------------


class Block(np.ndarray):
    """Stands for an array of CuPy."""

    __module__ = "cupy.core"

    def get(self):
        return np.array(self)


@pytest.fixture
def cupy(monkeypatch):
    """A module that stands for CuPy; it counts what has moved there."""
    module = types.ModuleType("cupy")
    module.n_moved = 0

    def asarray(block, dtype=None):
        module.n_moved += 1
        return np.array(block, dtype).view(Block)

    module.asarray = asarray
    monkeypatch.setitem(sys.modules, "cupy", module)
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: module if name == "cupy" else find_spec(name))
    return module


def test_arrays_are_on_the_cpu_and_nothing_runs_to_tell(tasks):
    array = ds.array(x, block_size=2)
    assert array.device == (array + 1).sum().device == ds.zeros(3).device == "cpu"
    assert array.to_device("cpu") is array
    assert tasks.n == 0
    array.blocks[0, 0].result()
    assert array.device == "cpu"


def test_moving_is_recorded_and_each_block_moves_once(cupy, tasks):
    array = ds.array(x, block_size=2)
    there = array.to_device("cuda")
    assert there.device == (there * 2).device == "cuda"
    assert there.to_device("cuda") is there
    assert there.to_device("cpu").device == "cpu"
    assert tasks.n == 0
    block = wait_on(there.blocks[0, 0])
    assert type(block) is Block
    assert there.device == "cuda"  # the block itself has been asked
    np.testing.assert_array_equal(there.collect(), x)
    np.testing.assert_array_equal((there + 1).to_device("cpu").collect(), x + 1)
    assert cupy.n_moved == 2
    assert type((there + 1).to_device("cpu").blocks[0, 0].result()) is np.ndarray


def test_what_two_arrays_need_moves_once(cupy):
    there = ds.array(x, block_size=2).to_device("cuda")
    left, right = there + 1, there * 2
    np.testing.assert_array_equal(left.collect(), x + 1)
    np.testing.assert_array_equal(right.collect(), x * 2)
    assert cupy.n_moved == 2


def test_what_is_like_an_array_on_a_device_is_there_too(cupy):
    there = xp.asarray(x, device="cuda")
    for made in (xp.zeros_like(there), xp.full_like(there, 3), xp.asarray(there), xp.astype(there, xp.float32)):
        assert made.device == "cuda"
    assert xp.ones_like(there, device="cpu").device == "cpu"
    assert xp.zeros(3, device="cuda").device == "cuda"
    assert xp.asarray(wait_on(there.blocks[0, 0])).device == "cuda"
    assert xp.__array_namespace_info__().devices() == ("cpu", "cuda")


def test_without_cupy_moving_fails_where_the_block_is(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(ModuleNotFoundError, match="install CuPy on the workers"):
        ds.array(x).to_device("cuda").collect()


def test_devices_that_are_not_known_are_refused():
    array = ds.array(x)
    for device in ("gpu", None, 0):
        with pytest.raises(ValueError, match="is not known"):
            array.to_device(device)
    with pytest.raises(ValueError, match="stream"):
        array.to_device("cpu", stream=1)
    import scipy.sparse

    with pytest.raises(TypeError, match="to_dense"):
        ds.array(scipy.sparse.eye_array(3).tocsr()).to_device("cuda")


# --- DLPack -----------------------------------------------------------------------------------------------------------


def test_dlpack_exports_the_elements():
    array = ds.array(x, block_size=2)
    assert array.__dlpack_device__() == (1, 0) == x.__dlpack_device__()
    np.testing.assert_array_equal(np.from_dlpack(array), x)
    np.testing.assert_array_equal(np.from_dlpack(array, copy=True, device="cpu"), x)
    for dtype in ("bool", "int8", "uint64", "float32", "complex64"):
        assert np.from_dlpack(ds.array(x.astype(dtype))).dtype == dtype


def test_an_export_is_the_callers_own():
    array = ds.array(x, block_size=4)
    exported = np.array(np.from_dlpack(array))
    exported[:] = 7
    np.testing.assert_array_equal(array.collect(), x)


def test_dlpack_refuses_what_it_cannot():
    array = ds.array(x)
    with pytest.raises(BufferError, match="copy=False"):
        array.__dlpack__(copy=False)
    with pytest.raises(BufferError, match="stream="):
        array.__dlpack__(stream=1)
    with pytest.raises(BufferError, match="dl_device"):
        array.__dlpack__(dl_device=(2, 0))


def test_a_copy_has_the_same_device(cupy):
    there = ds.array(x).to_device("cuda")
    assert copy.copy(there).device == "cuda"
    assert set(_standard.DEVICES) == {"cpu", "cuda"}
