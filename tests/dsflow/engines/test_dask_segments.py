"""On one machine large values are shared in memory: each lies there once, and goes when nothing needs it."""

import gc
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import dsflow
from dsflow import INOUT, task, wait_on
from dsflow._freeze import Frozen, freeze, thaw
from dsflow.engines.dask import _segments
from dsflow.engines.dask._segments import BUFFER_BYTES, MAX_BUFFERS, SEGMENT_BYTES, load, park

LENGTH = 1 << 20
"""Elements of an array of 8 MiB."""

pytestmark = pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="this machine has no folder in memory")


@task
def fill(n):
    return np.full(LENGTH, float(n))


@task
def total(array):
    return float(array.sum()), array.flags.writeable


@task
def dot(left, right):
    return float(left @ right)


@task(array=INOUT)
def increase(array):
    array += 1


@task
def where(_):
    return os.getpid()


@pytest.fixture(scope="module")
def cluster():
    """A cluster of ours; its folder in memory."""
    session = dsflow.start("dask", workers=2)
    yield Path(session.engine._cluster.segments)
    dsflow.stop()


def await_that(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        gc.collect()
        time.sleep(0.05)


def bytes_in(folder):
    return sum(path.stat().st_size for path in folder.iterdir())


def test_arguments_results_and_what_tasks_pass_on_are_right_and_leave_nothing(cluster):
    arrays = [np.full(LENGTH, float(n)) for n in range(3)]
    assert wait_on([total(array) for array in arrays]) == [(n * LENGTH, False) for n in range(3)]
    made = [fill(n) for n in range(4)]
    assert wait_on([dot(made[i], made[i - 1]) for i in range(4)]) == [n * LENGTH for n in (0, 0, 2, 6)]
    here = wait_on(made)
    assert [array[-1] for array in here] == [0, 1, 2, 3]
    assert all(array.flags.writeable for array in here)
    array = np.zeros(LENGTH)
    for _ in range(3):
        increase(array)
    assert wait_on(array)[0] == 3
    del made, here, arrays, array
    await_that(lambda: not list(cluster.iterdir()))


def test_a_value_that_all_read_lies_in_memory_once(cluster):
    array = dsflow.share(np.ones(LENGTH))
    pids = wait_on([where(array) for _ in range(20)])
    assert bytes_in(cluster) == 8 * LENGTH
    assert os.getpid() not in pids
    moved = dsflow.active_session().engine.bytes_moved()
    assert wait_on(total(array)) == (LENGTH, False)
    assert dsflow.active_session().engine.bytes_moved() - moved < LENGTH
    del array
    await_that(lambda: not list(cluster.iterdir()))


def test_what_a_killed_worker_has_shared_is_made_again_and_its_memory_freed(cluster):
    made = [fill(n) for n in range(4)]
    assert wait_on([dot(made[i], made[i - 1]) for i in range(4)]) == [n * LENGTH for n in (0, 0, 2, 6)]
    pid = wait_on(where(made[1]))
    os.kill(pid, signal.SIGKILL)
    assert wait_on([dot(made[i], made[i - 1]) for i in range(4)]) == [n * LENGTH for n in (0, 0, 2, 6)]
    await_that(lambda: not list(cluster.glob(f"{pid}-*")))
    del made
    await_that(lambda: not list(cluster.iterdir()))


def test_an_argument_is_there_as_long_as_what_was_made_of_it_may_have_to_be_made_again(cluster):
    array = np.full(LENGTH, 2.0)
    doubled = double(array)
    pid = wait_on(where(doubled))
    del array
    gc.collect()
    os.kill(pid, signal.SIGKILL)
    assert wait_on(total(doubled)) == (4 * LENGTH, False)


@task
def double(array):
    return 2 * array


@pytest.mark.parametrize("lengths", [(LENGTH,), (LENGTH, 3, BUFFER_BYTES, 0), (BUFFER_BYTES, LENGTH)])
def test_a_parked_value_is_the_value(tmp_path, lengths):
    value = {"text": "x", "arrays": [np.arange(n, dtype=float) for n in lengths]}
    frozen = freeze(value, portable=True, snapshot=True)
    parked = park(frozen, str(tmp_path))
    for each in (load(parked), load(pickle.loads(pickle.dumps(parked))), frozen):
        thawed = thaw(each)
        assert thawed["text"] == "x"
        for found, array in zip(thawed["arrays"], value["arrays"], strict=True):
            np.testing.assert_array_equal(found, array)
            assert not found.flags.writeable
    assert park(frozen, str(tmp_path)) == parked
    assert len(list(tmp_path.iterdir())) == 1
    del frozen, each, thawed, found
    gc.collect()
    assert not list(tmp_path.iterdir())


def test_what_is_small_or_of_many_parts_is_sent(tmp_path):
    arrays = [np.zeros(n) for n in [SEGMENT_BYTES // 8 // MAX_BUFFERS] * (MAX_BUFFERS + 1)]
    for value in (1, np.zeros(SEGMENT_BYTES // 8 - 1), [np.zeros(8)] * 10, arrays, "x" * (2 * SEGMENT_BYTES)):
        assert park(freeze(value, portable=True, snapshot=True), str(tmp_path), "data-1") is None
    assert not list(tmp_path.iterdir())


def test_without_room_a_value_is_sent(tmp_path, monkeypatch):
    frozen = freeze(np.zeros(LENGTH), portable=True, snapshot=True)
    assert park(frozen, str(tmp_path / "gone")) is None

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_segments, "_write", fail)
    assert park(frozen, str(tmp_path)) is None
    assert not list(tmp_path.iterdir())


def test_values_are_read_when_too_many_are_mapped(tmp_path, monkeypatch):
    monkeypatch.setattr(_segments, "MAX_MAPS", 0)
    frozen = freeze(np.arange(float(LENGTH)), portable=True, snapshot=True)
    loaded = load(park(frozen, str(tmp_path)))
    assert isinstance(loaded, Frozen)
    assert type(loaded.buffers[0]) is bytes
    assert thaw(loaded)[-1] == LENGTH - 1


PROGRAM = """
import os, signal, numpy, dsflow
session = dsflow.start("dask", workers=1)
@dsflow.task
def total(array):
    return float(array.sum())
array = dsflow.share(numpy.ones(1 << 20))
assert dsflow.wait_on(total(array)) == 1 << 20
print(session.engine._cluster.segments, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_is_left_in_memory_of_a_program_that_is_killed():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=100, check=False)
    folder = Path(done.stdout.strip())
    assert folder.name.startswith("dsflow-"), done.stderr
    await_that(lambda: not folder.exists())
