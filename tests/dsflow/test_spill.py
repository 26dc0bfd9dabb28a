"""Values that do not fit the memory of this process lie on disk until a task needs them."""

import gc
import logging
import tempfile
from pathlib import Path

import numpy as np
import pytest

import dsflow
from dsflow import INOUT, barrier, task, wait_on
from dsflow._freeze import freeze, thaw
from dsflow._spill import SHARE, SPILLED_BYTES, Hoard, _folder_on_disk

LENGTH = 1 << 17
"""Elements of an array of 1 MiB."""


@task
def fill(n):
    return {"name": f"number {n}", "array": np.full(LENGTH, float(n))}


@task
def total(made):
    return made["name"], float(made["array"].sum())


@task(made=INOUT)
def increase(made):
    made["array"] += 1


@pytest.fixture(params=["serial", "threads"])
def small(request, no_session):
    """A session that keeps 6 MiB of values in memory."""
    with dsflow.start(request.param, workers=2, memory="10 MiB") as session:
        yield session


def on_disk(session):
    return [] if session.hoard._folder is None else list(Path(session.hoard._folder).iterdir())


def test_more_values_than_fit_memory_are_kept_and_read_again(small, caplog):
    with caplog.at_level(logging.INFO, "dsflow"):
        made = [fill(n) for n in range(20)]
        barrier()
    assert small.hoard.n_bytes <= SHARE * (10 << 20)
    assert len(on_disk(small)) >= 14
    assert "are written to" in caplog.text
    for each in made[::3]:
        increase(each)
    expected = [(f"number {n}", (n + (n % 3 == 0)) * LENGTH) for n in range(20)]
    assert wait_on([total(each) for each in made]) == expected
    assert wait_on(made[5])["array"][-1] == 5
    del made, each
    gc.collect()
    assert not on_disk(small)
    wait_on(total(fill(0)))
    assert small.hoard.n_bytes <= 2 << 20


def test_arguments_are_written_too(small):
    arrays = [np.full(LENGTH, float(n)) for n in range(12)]
    shared = [identity(array) for array in arrays]
    barrier()
    assert on_disk(small)
    assert [array[0] for array in wait_on(shared)] == list(range(12))


@task
def identity(array):
    return array


def test_nothing_is_left_on_disk(no_session):
    with dsflow.start("threads", workers=2, memory="2 MiB") as session:
        made = [fill(n) for n in range(5)]
        barrier()
        folder = Path(session.hoard._folder)
        assert folder.exists()
    assert not folder.exists()
    del made


def test_small_values_and_small_parts_of_large_ones_stay():
    hoard = Hoard(SPILLED_BYTES)
    small = [freeze(np.zeros(100), portable=False, snapshot=True) for _ in range(5000)]
    hoard.add(small)
    assert hoard.n_bytes == 0
    mixed = freeze([np.zeros(3), np.arange(10.0 * SPILLED_BYTES)], portable=False, snapshot=True)
    hoard.add([mixed])
    hoard.add([1, mixed])
    assert hoard.n_bytes == 0
    assert hoard.spilled_bytes == 80 * SPILLED_BYTES
    assert mixed.nbytes > 80 * SPILLED_BYTES
    assert type(mixed.buffers[0]) is bytes
    small_part, large_part = thaw(mixed, writable=True)
    large_part[0] = 7
    assert thaw(mixed)[1][:3].tolist() == [0, 1, 2]
    assert small_part.tolist() == [0, 0, 0]
    hoard.close()


def test_what_cannot_be_written_stays_in_memory(tmp_path, monkeypatch, caplog):
    hoard = Hoard(1000)
    monkeypatch.setattr(hoard, "_folder", str(tmp_path / "gone"))
    frozen = freeze(np.arange(float(LENGTH)), portable=False, snapshot=True)
    hoard.add([frozen])
    assert thaw(frozen)[-1] == LENGTH - 1
    assert "stay in memory" in caplog.text


def test_a_file_that_somebody_has_cut_is_an_error(tmp_path):
    hoard = Hoard(1000)
    frozen = freeze(np.arange(float(LENGTH)), portable=False, snapshot=True)
    hoard.add([frozen])
    (path,) = Path(hoard._folder).iterdir()
    path.write_bytes(b"short")
    with pytest.raises(OSError, match="cut short"):
        thaw(frozen)
    hoard.close()


def test_a_folder_in_memory_is_no_place_for_what_does_not_fit_memory(monkeypatch):
    assert _folder_on_disk() not in ("/dev/shm", None) or not Path("/proc/mounts").exists()
    monkeypatch.setattr(tempfile, "tempdir", "/dev/shm")
    if Path("/dev/shm").is_dir() and Path("/proc/mounts").exists():
        assert _folder_on_disk() != "/dev/shm"
