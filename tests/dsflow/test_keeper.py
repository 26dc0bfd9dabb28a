"""Failures are kept as far as they can be, for this user alone; what cannot be kept is said."""

import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import dsflow
from dsflow import IGNORE, RETRY, DsflowError, task, wait_on
from dsflow import _keeper as keeping
from dsflow._keeper import FailureKeeper
from dsflow._kept import load_failures
from tests.dsflow.conftest import only
from tests.dsflow.failures import end_of, fail, keep_failures, make, run_again

here = only("serial", "threads")
"""For what does not depend on where the inputs are."""


@pytest.fixture
def folder(engine, tmp_path):
    """Where the session of the test keeps its failures."""
    keep_failures(engine, tmp_path / "kept")
    return tmp_path / "kept"


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_a_task_that_is_tried_again_is_kept_once(engine, folder):
    end_of(task(on_failure=RETRY)(fail.function)(1))
    assert len(load_failures(folder)) == 1


def test_what_was_ignored_or_cancelled_or_has_not_begun_is_not_kept(engine, folder):
    assert wait_on(task(on_failure=IGNORE)(fail.function)(1)) is None
    failed = fail(1)
    assert isinstance(make(failed).exception(), KeyError)
    if engine.engine.name == "threads":
        assert task(time.sleep)(0.3).cancel()
    dsflow.stop()
    assert [kept.key[:5] for kept in load_failures(folder)] == ["fail-"]


@only("serial")
def test_only_the_first_failures_are_kept_and_that_is_said_once(engine, tmp_path, caplog):
    keep_failures(engine, tmp_path / "kept", max_failures=2)
    keys = [fail(n).exception() and n for n in range(5)]
    assert keys == list(range(5))
    assert len(load_failures(tmp_path / "kept")) == 2
    assert [record.message for record in caplog.records if "no more failures are kept" in record.message] == [
        record.message for record in caplog.records
    ]
    assert len(caplog.records) == 1


def test_inputs_that_are_too_large_are_not_kept(engine, tmp_path, caplog):
    keep_failures(engine, tmp_path / "kept", max_bytes=1 << 16)
    error = fail(make(1), task(np.zeros)(1 << 16)).exception()
    assert isinstance(error, KeyError)
    assert "dsflow replay" not in "".join(error.__notes__)
    assert load_failures(tmp_path / "kept") == []
    assert "cannot be kept for a replay: its inputs" in caplog.text
    assert "at most 65536 are kept" in caplog.text


@only("dask-inproc")
def test_it_is_noticed_early_that_inputs_are_too_large(engine, tmp_path, monkeypatch):
    keep_failures(engine, tmp_path / "kept", max_bytes=1 << 16)
    inputs = [task(np.zeros)(5_000 + n) for n in range(8)]
    dsflow.barrier()
    fetch, fetched = engine.engine.fetch, []
    monkeypatch.setattr(engine.engine, "fetch", lambda versions: fetched.append(len(versions)) or fetch(versions))
    assert isinstance(fail(*inputs).exception(), KeyError)
    assert fetched == [1, 2]


@here
def test_what_cannot_be_pickled_is_not_kept(engine, folder, caplog):
    lock = threading.Lock()

    @task
    def fail_with_lock():
        raise KeyError(lock)

    assert isinstance(fail_with_lock().exception(), KeyError)
    assert load_failures(folder) == []
    assert "cannot be kept for a replay" in caplog.text
    assert "lock" in caplog.text


@only("dask-inproc")
def test_values_that_were_lost_are_not_kept(engine, folder, caplog, monkeypatch):
    made = make(bytes(10_000))
    wait_on(made)

    def fetch(_):
        raise DsflowError("lost")

    monkeypatch.setattr(engine.engine, "fetch", fetch)
    assert isinstance(fail(made).exception(), KeyError)
    assert "cannot be kept for a replay: its inputs cannot be fetched: lost" in caplog.text


@only("dask-inproc")
def test_values_that_never_come_are_not_waited_for_twice(engine, folder, caplog, monkeypatch):
    made, gate = make(bytes(10_000)), threading.Event()
    wait_on(made)
    monkeypatch.setattr(keeping, "FETCH_S", 0.1)
    monkeypatch.setattr(engine.engine, "fetch", lambda _: gate.wait(20))
    assert isinstance(fail(made).exception(), KeyError)
    assert "its inputs are not here after 0.1 s" in caplog.text
    monkeypatch.setattr(keeping, "FETCH_S", 100)
    assert isinstance(fail(made).exception(), KeyError)
    gate.set()
    assert caplog.text.count("cannot be kept") == 1


@here
def test_a_file_is_there_whole_or_not_at_all(engine, folder, monkeypatch, caplog):
    def dump(content, file, protocol):
        file.write(b"a part")
        raise OSError("the disk is full")

    monkeypatch.setattr("dsflow._kept.pickle.dump", dump)
    assert isinstance(fail(1).exception(), KeyError)
    assert list(folder.iterdir()) == []
    assert "the disk is full" in caplog.text


# --- who may have written it ------------------------------------------------------------------------------------------


@only("serial")
def test_the_folder_and_the_files_are_for_this_user_alone(engine, folder):
    before = os.umask(0)
    try:
        end_of(fail(1))
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    (kept,) = load_failures(folder)
    assert Path(kept.path).stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("no_session")
@only("serial")
def test_what_others_can_have_written_is_refused(engine, folder, monkeypatch):
    end_of(fail(1))
    (kept,) = load_failures(folder)
    path = Path(kept.path)
    path.chmod(0o620)
    for refused in (lambda: load_failures(folder), lambda: run_again(kept)):
        with pytest.raises(PermissionError, match=f"others can write to {path}.*chmod go-w"):
            refused()
    path.chmod(0o600)
    folder.chmod(0o777)
    for refused in (lambda: load_failures(folder), lambda: FailureKeeper(folder)):
        with pytest.raises(PermissionError, match=f"others can write to {folder};"):
            refused()
    folder.chmod(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    for refused in (lambda: load_failures(folder), lambda: run_again(kept), lambda: FailureKeeper(folder)):
        with pytest.raises(PermissionError, match="belongs to another user"):
            refused()


def test_a_file_of_another_kind_is_refused(tmp_path):
    folder = FailureKeeper(tmp_path / "kept").folder
    (folder / "some.failure").write_text("some text")
    (folder / "some.txt").write_text("some text")
    with pytest.raises(ValueError, match=r"some\.failure is no failure that this version of dsflow has kept"):
        load_failures(folder)
