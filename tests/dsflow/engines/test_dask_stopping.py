"""Law 9 on Dask: what is cancelled stops where it runs; what cannot be stopped does not keep its worker."""

import logging
import os
import re
import threading
import time

import psutil
import pytest

import dsflow
from dsflow import TaskCancelledError, TaskTimeoutError, task, wait_on
from tests.dsflow.conftest import only

DEADLINE_S = 60


def comes_true(condition, deadline_s=DEADLINE_S):
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def own_workers():
    """A session on two processes of its own, which may be replaced."""
    with dsflow.start("dask", workers=2) as session:
        yield session


@task
def loop(folder):
    (folder / "started").touch()
    try:
        while True:
            time.sleep(0.01)
    finally:
        (folder / "cleaned").touch()


@task
def call_and_wait(folder):
    wait_on(loop(folder))


@task
def sleep(folder, seconds):
    (folder / "started").touch()
    time.sleep(seconds)
    (folder / "ended").touch()


@task
def hang(folder):
    (folder / "started").touch()
    re.match(r"(a+)+$", "a" * 60 + "b")  # this keeps all other threads of the process from running


@task(killable=True)
def killable(folder):
    (folder / "pid").write_text(str(os.getpid()))
    (folder / "started").touch()
    re.match(r"(a+)+$", "a" * 60 + "b")


@task(time_out=0.3)
def too_long():
    time.sleep(DEADLINE_S)


@task
def square(x):
    return x * x


@task
def pid_of_worker(x):
    time.sleep(0.05)
    return os.getpid()


class Holder:
    def __init__(self, future):
        self.future = future


@task(killable=True)
def pid_of_child(holder):
    return os.getpid(), holder.future.result()


def n_running(dask_worker):
    return sum(len(visit._running) for visit in getattr(dask_worker, "dsflow_visits", {}).values())


def cancel_when_started(session, future, folder, name="started"):
    assert comes_true((folder / name).exists)
    session.cancel([future._version.node], "it is not wanted any more")
    start = time.monotonic()
    with pytest.raises(TaskCancelledError, match="not wanted"):
        wait_on(future)
    assert time.monotonic() - start < 10, "law 9 asks for 1 s"


@only("dask", "dask-inproc")
def test_python_code_stops_at_its_next_step_and_cleans_up(engine, tmp_path):
    cancel_when_started(engine, loop(tmp_path), tmp_path)
    assert comes_true((tmp_path / "cleaned").exists)


@only("dask", "dask-inproc")
def test_a_task_that_waits_for_another_stops_and_so_does_that(engine, tmp_path):
    future = call_and_wait(tmp_path)
    cancel_when_started(engine, future, tmp_path)
    assert comes_true((tmp_path / "cleaned").exists)
    assert wait_on([square(x) for x in range(4)]) == [0, 1, 4, 9]


@only("dask", "dask-inproc")
def test_many_queued_tasks_are_cancelled_at_once(engine, tmp_path):
    first = loop(tmp_path)
    assert wait_on(square(1)) == 1
    assert comes_true((tmp_path / "started").exists)
    rest = [sleep(tmp_path, 0.5) for _ in range(100)]
    engine.cancel([future._version.node for future in [first, *rest]], "enough")
    assert wait_on(square(3)) == 9
    assert comes_true((tmp_path / "cleaned").exists)


@only("dask", "dask-inproc")
def test_a_killable_task_is_killed_whatever_it_does(engine, tmp_path):
    future = killable(tmp_path)
    cancel_when_started(engine, future, tmp_path)
    pid = int((tmp_path / "pid").read_text())
    assert comes_true(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, 10)
    assert wait_on(square(3)) == 9


@only("dask", "dask-inproc")
def test_a_task_with_a_time_out_fails_after_it(engine):
    with pytest.raises(TaskTimeoutError, match=r"too_long.*time_out=0.3"):
        wait_on(too_long())
    assert wait_on(square(3)) == 9


@only("dask", "dask-inproc")
def test_an_isolated_task_gets_the_values_of_futures_inside_of_objects(engine):
    pid, value = wait_on(pid_of_child(Holder(square(4))))
    assert value == 16
    assert pid not in engine.engine.worker_pids()


@pytest.mark.slow
@pytest.mark.parametrize("stuck", [sleep, hang])
def test_a_worker_in_which_c_code_goes_on_is_replaced_and_no_other_task_suffers(own_workers, tmp_path, caplog, stuck):
    caplog.set_level(logging.WARNING, logger="dsflow")
    before = set(own_workers.engine.worker_pids())
    data = [square(k) for k in range(20)]
    dsflow.barrier()
    future = stuck(tmp_path, DEADLINE_S) if stuck is sleep else stuck(tmp_path)
    assert comes_true((tmp_path / "started").exists)
    others = [pid_of_worker(k) for k in range(100)]
    cancel_when_started(own_workers, future, tmp_path)
    assert comes_true(lambda: len(set(own_workers.engine.worker_pids()) - before) == 1)
    assert set(wait_on(others)) & before
    assert wait_on(data) == [k * k for k in range(20)]
    assert len({*wait_on([pid_of_worker(k) for k in range(40)])}) == 2
    lines = [record.getMessage() for record in caplog.records]
    assert any("is replaced" in line and stuck.name in line for line in lines)
    assert not any("died" in line or "runs again" in line for line in lines)
    assert not (tmp_path / "ended").exists()


@pytest.mark.slow
@only("dask", "dask-inproc")
def test_a_worker_of_another_cluster_is_left_alone_and_the_user_told(engine, tmp_path, caplog):
    caplog.set_level(logging.WARNING, logger="dsflow")
    before = engine.engine.worker_pids()
    cancel_when_started(engine, sleep(tmp_path, 9), tmp_path)
    told = r"sleep-\w+-\d+ was cancelled and goes on.*worker .*killable=True"
    assert comes_true(lambda: any(re.search(told, record.getMessage()) for record in caplog.records))
    assert engine.engine.worker_pids() == before
    assert comes_true(lambda: sum(engine.engine.client.run(n_running).values()) == 0)
    assert not (tmp_path / "ended").exists(), "it was interrupted when the C code had returned"


@only("dask-inproc")
def test_no_thread_is_left_of_what_was_stopped(engine, tmp_path):
    cancel_when_started(engine, loop(tmp_path), tmp_path)
    assert comes_true((tmp_path / "cleaned").exists)
    assert comes_true(lambda: "dsflow-interrupts" not in {thread.name for thread in threading.enumerate()})
