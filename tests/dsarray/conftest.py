"""A serial session for each module; no array depends on the engine. And the array libraries that blocks may be of."""

import importlib.util

import array_api_strict
import numpy as np
import pytest

import dsarray as ds
import dsflow
from dsarray import _namespace
from tests.dsarray import stand_in


class Counter:
    """Counts the tasks that are called."""

    def __init__(self):
        self.n = 0

    def submitted(self, node):
        self.n += 1

    def settled(self, node):
        pass


@pytest.fixture(scope="module", autouse=True)
def session():
    session = dsflow.start("serial")
    yield session
    session._failures.clear()  # of the failures that a test makes it has seen one
    dsflow.stop()


@pytest.fixture
def tasks(session):
    """``tasks.n`` is the number of tasks called since the test began."""
    counter = Counter()
    session.listeners.append(counter)
    yield counter
    session.listeners.remove(counter)


# --- array libraries --------------------------------------------------------------------------------------------------


def to_strict(block):
    return array_api_strict.asarray(block, copy=True)


class ArrayLibrary:
    """Makes arrays with blocks of a library, and tells whether a block is of it."""

    def __init__(self, name, put, kind):
        self.name = name
        self._put = put
        self.kind = kind

    def array(self, values, block_size=None):
        """An Array of these values, whose blocks are the library's."""
        array = ds.array(values, block_size=block_size)
        return array if self._put is None else array.map_blocks(self._put, dtype=array.dtype, block_shape="same")

    def owns(self, array):
        """Whether all blocks are of the library, as tasks see them that are given their Futures."""
        return set(self.kinds(array)) == {self.kind}

    def kinds(self, array):
        """The types of the blocks, as tasks see them that are given their Futures."""
        look = dsflow.task(lambda block: type(_namespace.native(block)))
        return dsflow.wait_on([look(block) for block in array.blocks.flat])

    def fallbacks(self):
        """What NumPy has done for the library, and how often, since this was asked before."""
        found = dict(_namespace.fallbacks)
        _namespace.fallbacks.clear()
        return found


def _finds_device():
    if importlib.util.find_spec("cupy") is None:
        return False
    cupy = importlib.import_module("cupy")
    try:
        return cupy.cuda.runtime.getDeviceCount() > 0
    except cupy.cuda.runtime.CUDARuntimeError:
        return False


@pytest.fixture(scope="session", params=["numpy", "strict", "stand-in", "cupy"])
def library(request):
    """Whose blocks a test uses: NumPy's, those of a library strict about the standard, one like CuPy, or CuPy's."""
    if request.param == "numpy":
        return ArrayLibrary("numpy", None, np.ndarray)
    if request.param == "strict":
        return ArrayLibrary("strict", to_strict, type(array_api_strict.zeros(1)))
    if request.param == "stand-in":
        return ArrayLibrary("stand-in", stand_in.asarray, stand_in.DeviceArray)
    if not _finds_device():
        pytest.skip("no GPU here")
    return ArrayLibrary("cupy", ds.to_device, importlib.import_module("cupy").ndarray)
