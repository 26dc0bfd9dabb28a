"""Waiting and knowing: explain, the line after 30 seconds, the wall clock, cancelling; on every engine."""

import logging
import threading
import time
from pathlib import Path

import pytest

import dsflow
from dsflow import (
    COMMUTATIVE,
    FILE_OUT,
    INOUT,
    TaskCancelledError,
    WallClockError,
    barrier,
    explain,
    set_wall_clock,
    task,
    wait_on,
)
from tests.dsflow.conftest import only


@task
def add(x, y):
    return x + y


@task
def fail():
    raise LookupError("on purpose")


@task
def wait_for_file(path):
    deadline = time.monotonic() + 60
    while not Path(path).exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return 1


@task(values=INOUT)
def append(values, item):
    values.append(item)


@task(values=COMMUTATIVE)
def collect(values, item):
    values.append(item)


NOT_SERIAL = only("threads", "dask", "dask-inproc")


@NOT_SERIAL
def test_explain_follows_the_graph_to_what_could_run(engine, tmp_path):
    door = tmp_path / "door"
    held = wait_for_file(str(door))
    last = add(add(held, 1), 1)
    text = explain(last)
    door.touch()
    assert text.startswith("add-")
    assert "which needs wait_for_file-" in text
    assert f"called at {__file__}" in text
    assert wait_on(last) == 3
    assert explain(last).startswith("it is done, by add-")


@NOT_SERIAL
def test_explain_knows_objects_files_and_commutative_calls(engine, tmp_path):
    @task(path=FILE_OUT)
    def write(path, _):
        Path(path).touch()

    door = tmp_path / "door"
    held = wait_for_file(str(door))
    values, found = [], []
    append(values, held)
    collect(found, held)
    collect(found, 2)
    write(tmp_path / "a", held)
    texts = [explain(each) for each in (values, found, tmp_path / "a")]
    door.touch()
    assert all("wait_for_file-" in text for text in texts), texts
    assert wait_on(values) == [1]
    assert sorted(wait_on(found)) == [1, 2]
    assert explain(5) == "a int is not what a task makes or changes."


def test_explain_says_what_failed(engine):
    failed = add(fail(), 1)
    assert isinstance(failed.exception(), LookupError)
    assert "it failed, by fail-" in explain(failed)
    assert "LookupError: on purpose" in explain(failed)


@NOT_SERIAL
def test_a_long_wait_says_what_it_waits_for(engine, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("dsflow._gates.PATIENCE_S", 0.1)
    door, lines = tmp_path / "door", []

    def open_door(record):
        if "waiting for add-" in record.getMessage():
            lines.append(record.getMessage())
            door.touch()
        return True

    caplog.handler.addFilter(open_door)
    result = add(wait_for_file(str(door)), 1)
    with caplog.at_level(logging.WARNING, "dsflow"):
        assert wait_on(result) == 2  # it would take a minute, and raise, if nothing were said
    caplog.handler.removeFilter(open_door)
    assert "wait_for_file-" in lines[0]


@NOT_SERIAL
def test_a_cancelled_task_ends_its_wait_and_what_depends_on_it(engine, tmp_path):
    held = wait_for_file(str(tmp_path / "door"))
    after = add(held, 1)
    assert held.cancel()
    assert held.cancelled()
    assert not held.cancel()
    for future in (held, after):
        with pytest.raises(TaskCancelledError, match=r"wait_for_file-.* was cancelled: cancel\(\) was called"):
            wait_on(future)
    barrier()
    assert wait_on([add(i, 1) for i in range(6)]) == [1, 2, 3, 4, 5, 6]


@NOT_SERIAL
def test_an_object_whose_change_was_cancelled_is_as_it_was(engine, tmp_path):
    values = [0]
    append(values, 1)
    append(values, held := wait_for_file(str(tmp_path / "door")))
    held.cancel()
    with pytest.raises(TaskCancelledError):
        wait_on(values)
    assert values == [0, 1]


def test_what_has_ended_cannot_be_cancelled(engine):
    future = add(1, 1)
    assert wait_on(future) == 2
    assert not future.cancel()
    assert not future.cancelled()


@pytest.mark.parametrize("where", ["threads", "dask"])
def test_the_wall_clock_ends_the_work_of_a_session(no_session, where, tmp_path, inproc_client):
    dsflow.start(where, **({"client": inproc_client} if where == "dask" else {"workers": 2}))
    set_wall_clock(60)
    set_wall_clock(0.3)
    held = wait_for_file(str(tmp_path / "door"))
    with pytest.raises(WallClockError, match=r"wall clock limit of 0\.3 s"):
        wait_on(add(held, 1))
    with pytest.raises(WallClockError):
        add(1, 1)
    barrier()
    dsflow.stop()
    assert wait_on(add(1, 1)) == 2  # in a new session
    dsflow.stop()


def test_a_session_that_ends_in_time_forgets_its_wall_clock(no_session):
    dsflow.start("threads", workers=2)
    set_wall_clock(0.2)
    assert wait_on(add(1, 1)) == 2
    dsflow.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "dsflow-wall-clock" and thread.is_alive()]
    with dsflow.start("threads", workers=2):
        time.sleep(0.3)
        assert wait_on(add(1, 1)) == 2
        with pytest.raises(ValueError, match="-1 is not a number of seconds"):
            set_wall_clock(-1)
