"""Tasks with side effects: they are begun once, and their results are not lost with a worker."""

import os
import signal
import time

import pytest

import dsflow
from dsflow import TaskLostError, task, wait_on
from dsflow.testing import kill_a_worker
from tests.dsflow.conftest import only


@task(side_effects=True)
def append_line(path, n_bytes=10):
    with path.open("a") as file:
        file.write("ran\n")
    return bytes(n_bytes)


@task(side_effects=True)
def append_line_and_die(path):
    with path.open("a") as file:
        file.write("ran\n")
    os.kill(os.getpid(), signal.SIGKILL)


@task(side_effects=True, returns=2)
def append_line_twice(path):
    append_line.function(path)
    return 1, [2]


@task
def length(value):
    return len(value)


@task
def square(x):
    time.sleep(0.02)
    return x * x


def n_runs(path):
    return len(path.read_text().splitlines())


@pytest.fixture
def own_workers():
    with dsflow.start("dask", workers=2) as session:
        yield session


@only("dask", "dask-inproc")
@pytest.mark.parametrize("n_bytes", [10, 3 << 20], ids=["small", "large"])
def test_it_runs_once_and_its_result_is_used_like_any_other(engine, tmp_path, n_bytes):
    result = append_line(tmp_path / "log", n_bytes)
    assert wait_on(length(result)) == n_bytes
    assert wait_on(length(result)) == n_bytes
    assert len(wait_on(result)) == n_bytes
    first, second = append_line_twice(tmp_path / "log")
    assert wait_on(length(second)) == 1
    assert wait_on([first, second]) == [1, [2]]
    assert n_runs(tmp_path / "log") == 2


@pytest.mark.slow
def test_a_task_whose_worker_dies_is_not_run_again(own_workers, tmp_path):
    lost = append_line_and_die(tmp_path / "log")
    dependent = length(lost)
    with pytest.raises(TaskLostError, match=r"append_line_and_die.*has side effects, so it is not run again"):
        wait_on(lost)
    with pytest.raises(TaskLostError, match="append_line_and_die"):
        wait_on(dependent)
    assert n_runs(tmp_path / "log") == 1
    assert wait_on(square(3)) == 9


@pytest.mark.slow
def test_small_results_survive_the_death_of_all_workers(own_workers, tmp_path):
    results = [append_line(tmp_path / "log") for _ in range(4)]
    dsflow.barrier()
    for seed in range(4):
        kill_a_worker(own_workers, seed)
    assert wait_on([length(result) for result in results]) == [10] * 4
    assert n_runs(tmp_path / "log") == 4


@pytest.mark.slow
def test_a_large_result_that_was_lost_is_an_error(own_workers, tmp_path):
    result = append_line(tmp_path / "log", 3 << 20)
    dsflow.barrier()
    for pid in own_workers.engine.worker_pids():
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(TaskLostError, match="held its result"):
        wait_on(result)
    assert n_runs(tmp_path / "log") == 1


@only("dask", "dask-inproc")
def test_no_claim_is_left(engine, tmp_path):
    results = [append_line(tmp_path / "log") for _ in range(3)]
    wait_on(results)
    del results

    def claimed(dask_scheduler):
        return [key for key, task in dask_scheduler.tasks.items() if task.metadata and "append_line" in key]

    end = time.monotonic() + 20
    while engine.engine.client.run_on_scheduler(claimed):
        assert time.monotonic() < end
        time.sleep(0.01)
