"""What can go wrong with a worker or a task: the result is that of a run without faults, or a clear error, and nothing
is left behind. Random programs under fire are in test_survival.py."""

import gc
import itertools
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

import dsflow
from dsflow import FILE_INOUT, INOUT, TaskCancelledError, TaskLostError, TaskTimeoutError, barrier, task, wait_on
from dsflow.testing import kill_a_worker

pytestmark = pytest.mark.slow

DEADLINE_S = 90


@pytest.fixture
def processes():
    """A session on two processes of its own; afterwards none of them is left."""
    with dsflow.start("dask", workers=2) as session:
        pids = session.engine.worker_pids()
        yield session
        pids += session.engine.worker_pids()
    deadline = time.monotonic() + DEADLINE_S
    while any(map(_is_alive, pids)):
        assert time.monotonic() < deadline, "a worker process is left"
        time.sleep(0.05)


def _is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


@task
def slow_square(x):
    time.sleep(0.02)
    return x * x


@task(values=INOUT)
def append(values, item):
    time.sleep(0.005)
    values.append(item)


@task(path=FILE_INOUT)
def append_line(path, item):
    time.sleep(0.005)
    with Path(path).open("a") as file:
        file.write(f"{item}\n")


@task
def total(*values):
    return int(sum(np.sum(value) for value in values))


def test_files_survive_workers_that_are_killed(processes, tmp_path):
    path = tmp_path / "log"
    path.write_text("start\n")
    for i in range(120):
        append_line(path, i)
        if i % 40 == 20:
            kill_a_worker()
    dsflow.wait_on_file(path)
    assert path.read_text().splitlines() == ["start", *map(str, range(120))]


def test_a_worker_that_is_paused_only_delays(processes):
    stopped = processes.engine.worker_pids()[0]
    futures = [slow_square(i) for i in range(40)]
    os.kill(stopped, signal.SIGSTOP)
    try:
        time.sleep(0.5)
        more = [slow_square(i) for i in range(40)]
    finally:
        os.kill(stopped, signal.SIGCONT)
    assert wait_on(futures) == wait_on(more) == [i * i for i in range(40)]


def test_a_worker_that_stays_paused_and_is_killed_only_delays(processes):
    stopped = processes.engine.worker_pids()[1]
    values = []
    for i in range(60):
        append(values, i)
    os.kill(stopped, signal.SIGSTOP)
    time.sleep(0.3)
    os.kill(stopped, signal.SIGKILL)
    assert wait_on(values) == list(range(60))


@task
def use_up_memory():
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, resource.RLIM_INFINITY))
    return np.ones(1 << 30)


@task(killable=True)
def be_killed_for_memory():
    os.kill(os.getpid(), signal.SIGKILL)  # as the kernel would


def test_a_task_without_memory_is_an_error_of_its_own(processes):
    with pytest.raises(MemoryError):
        wait_on(use_up_memory())
    with pytest.raises(TaskLostError, match="SIGKILL"):
        wait_on(be_killed_for_memory())
    assert wait_on(slow_square(3)) == 9


@task
def give_a_lock():
    import threading

    return {"deep": [threading.Lock()]}


@task(box=INOUT)
def put_a_lock_in(box):
    import threading

    box["lock"] = threading.Lock()


def test_a_result_that_cannot_be_pickled_is_a_clear_error(processes):
    with pytest.raises(TypeError, match="give_a_lock: what it returned or changed, a dict, cannot be copied"):
        wait_on(give_a_lock())
    box = {"n": 1}
    put_a_lock_in(box)
    with pytest.raises(TypeError, match="cannot be copied"):
        wait_on(box)
    assert box == {"n": 1}


def test_huge_arguments_arrive_whole(processes):
    data = np.arange(25_000_000.0)  # 200 MB
    assert wait_on([total(data), total(data[: 1 << 20], data[1 << 20 :])]) == [int(data.sum())] * 2
    deep = value = []
    for _ in range(500):
        value.append([])
        value = value[0]
    assert wait_on(total(*range(5_000))) == sum(range(5_000))
    assert wait_on(total([len(deep)])) == 1


def test_ten_thousand_dropped_futures_leave_nothing(processes):
    for i in range(10_000):
        slow_nothing(i)
    barrier()
    gc.collect()
    assert not processes.graph.pending
    deadline = time.monotonic() + DEADLINE_S
    client = processes.engine.client
    while n_left := client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)):
        assert time.monotonic() < deadline, f"{n_left} tasks are left on the scheduler"
        time.sleep(0.1)


@task
def slow_nothing(_):
    return np.zeros(10)


@task
def never_in_python():
    while True:
        pass


@task
def never_in_c():
    sum(itertools.repeat(1))


@task(time_out=1)
def never_in_c_with_a_limit():
    sum(itertools.repeat(1))


def test_tasks_that_never_end_can_be_stopped(processes):
    endless = [never_in_python(), never_in_c()]
    time.sleep(0.5)
    limited = never_in_c_with_a_limit()
    start = time.monotonic()
    for future in endless:
        assert future.cancel()
    for future in endless:
        with pytest.raises(TaskCancelledError):
            wait_on(future)
    assert time.monotonic() - start < 20
    with pytest.raises(TaskTimeoutError):
        wait_on(limited)
    assert wait_on([slow_square(i) for i in range(10)]) == [i * i for i in range(10)]


def test_a_long_chain_of_changes_survives_and_leaves_no_history(processes):
    values, sizes = [], []
    for i in range(1000):
        append(values, i)
        if i in (300, 600, 900):
            kill_a_worker()
        if i % 250 == 249:
            assert wait_on(values)[-1] == i
            sizes.append(processes.engine.client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)))
    assert values == list(range(1000))
    assert max(sizes) <= 450, sizes  # two hundred links, whose history is not cut yet
