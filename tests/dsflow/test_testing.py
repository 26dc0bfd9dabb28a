"""The helpers for tests."""

import time

import pytest

import dsflow
from dsflow import task, wait_on
from dsflow.testing import count_tasks, forbid_compute, kill_a_worker
from tests.dsflow.conftest import only


@task
def double(x):
    return 2 * x


@task
def double_all(values):
    return [double(value) for value in values]


@task
def slow(x):
    time.sleep(0.05)
    return x


def test_forbid_compute_raises_at_the_call_and_names_task_and_line(engine):
    with forbid_compute(), pytest.raises(AssertionError, match=r"double was, at .*test_testing\.py:\d+"):
        double(1)
    assert wait_on(double(1)) == 2


def test_forbid_compute_lets_tasks_end_that_were_called_before(engine):
    future = slow(3)
    with forbid_compute():
        assert wait_on(future) == 3


@only("serial", "threads", "dask-inproc")
def test_forbid_compute_holds_inside_of_tasks_too(engine):
    future = slow(2)

    @task
    def call_after(value):
        return double(value)

    late = call_after(future)
    with forbid_compute():
        if engine.engine.name == "serial":
            assert wait_on(late) == 4  # it has run at the call
        else:
            with pytest.raises(AssertionError, match="double was"):
                wait_on(late)


def test_count_tasks_counts_calls_by_name(engine):
    with count_tasks() as counted:
        wait_on([double(1), double(2), slow(3)])
    double(4)
    assert counted.count == 3
    assert counted.by_name == {"double": 2, "slow": 1}


@only("serial", "threads", "dask-inproc")
def test_count_tasks_counts_calls_of_tasks(engine):
    with count_tasks() as counted:
        assert wait_on(double_all([1, 2, 3])) == [2, 4, 6]
    assert counted.by_name == {"double_all": 1, "double": 3}


@only("serial", "threads", "dask-inproc")
def test_kill_a_worker_says_when_there_is_no_process_to_kill(engine):
    with pytest.raises(dsflow.EngineError, match=f"'{engine.engine.name}' has no worker processes"):
        kill_a_worker()


def test_kill_a_worker_says_when_there_is_no_session(no_session):
    with pytest.raises(dsflow.SessionError, match="no session"):
        kill_a_worker()
