"""Law 9: stopping works: a task that is killable, or has a time-out, runs in a process of its own, which is killed."""

import logging
import os
import random
import threading
import time
from pathlib import Path

import psutil
import pytest

from dsflow import TaskCancelledError, TaskTimeoutError, task, wait_on
from tests.dsflow import stage as staging
from tests.dsflow.stage import (
    Box,
    add,
    assert_slots,
    cancel_all,
    comes_true,
    here,
    in_threads,
)

clean = staging.clean


@task(killable=True)
def sleep_apart(path, seconds):
    Path(path).write_text(str(os.getpid()))
    time.sleep(seconds)
    return os.getpid()


@task(time_out=0.3)
def sleep_too_long(seconds):
    time.sleep(seconds)
    return "in time"


def pid_in(path):
    assert comes_true(lambda: path.exists() and path.read_text())
    return int(path.read_text())


@here
def test_a_killable_task_runs_in_a_warm_process_of_its_own(engine, tmp_path):
    pids = [wait_on(sleep_apart(str(tmp_path / "pid"), 0)) for _ in range(3)]
    assert len(set(pids)) == 1
    assert os.getpid() not in pids


@here
def test_cancelling_a_killable_task_kills_its_process(engine, tmp_path):
    path = tmp_path / "pid"
    start = time.monotonic()

    def work():
        pid_in(path)
        cancel_all(engine)

    thread = threading.Thread(target=work)
    thread.start()
    future = sleep_apart(str(path), 100)
    with pytest.raises(TaskCancelledError):
        wait_on(future)
    thread.join()
    assert comes_true(lambda: not psutil.pid_exists(pid_in(path)))
    assert time.monotonic() - start < 60
    assert wait_on(add(1, 2)) == 3


@in_threads
def test_a_killable_task_that_is_cancelled_before_it_starts_does_not(engine, tmp_path):
    for n in range(20):
        path = tmp_path / f"pid-{n}"
        future = sleep_apart(str(path), 100)
        time.sleep(random.Random(n).random() / 50)
        future.cancel()
    assert_slots(2)


@here
def test_a_time_out_ends_a_task_whatever_it_does(engine):
    with pytest.raises(TaskTimeoutError, match="sleep_too_long"):
        wait_on(sleep_too_long(100))
    assert wait_on(sleep_too_long(0)) == "in time"


@here
def test_a_task_in_a_process_of_its_own_gets_values_for_futures(engine):
    @task(killable=True)
    def unpack(box, more):
        return box.future.result() + more

    @task
    def fail():
        raise LookupError("for the box")

    assert wait_on(unpack(Box(add(1, 2)), add(3, 4))) == 10
    with pytest.raises(LookupError, match="for the box"):
        wait_on(unpack(Box(fail()), 1))


@in_threads
def test_what_a_task_in_a_process_of_its_own_prints_and_logs_is_tagged(engine, capsys, caplog):
    @task(killable=True)
    def speak():
        print("hello")
        logging.getLogger("spoken").warning("beware")

    wait_on(speak())
    assert comes_true(lambda: "beware" in caplog.text)
    assert "speak-" in capsys.readouterr().out
    assert "speak-" in caplog.text


@here
def test_a_task_for_a_process_of_its_own_must_be_picklable(engine):
    lock = threading.Lock()

    @task(killable=True)
    def locked():
        return lock

    with pytest.raises(TypeError, match=r"locked.*process of its own"):
        locked()
