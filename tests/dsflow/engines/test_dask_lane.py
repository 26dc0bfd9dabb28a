"""Calls that somebody waits for one by one go straight to a worker; nobody can tell but by the clock."""

import os
import signal
import time
from pathlib import Path

import pytest

import dsflow
from dsflow import task, wait_on
from dsflow.engines.dask._lane import Ride


@task
def add(x, y):
    return x + y


@task
def shout(word):
    print(word)
    return word


@task
def divide(x, y):
    return x / y


@task
def end_worker_once(path):
    if not Path(path).exists():
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


@task
def nap(seconds):
    time.sleep(seconds)
    return os.getpid()


@task
def sum_of(n):
    return sum(wait_on([add(i, 1) for i in range(n)]))


@pytest.fixture(scope="module")
def session():
    with dsflow.start("dask", workers=2) as session:
        yield session


def known(call, *arguments):
    """Call a task until it is known to be small."""
    for _ in range(8):
        call(*arguments).result()


def rides(future):
    """Whether a call is with a worker, and the scheduler does not know of it."""
    return isinstance(future._version.node.handle.future, Ride)


def n_sent(session):
    return session.engine.client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.transition_counter)


def test_calls_that_are_waited_for_one_by_one_pass_the_scheduler(session):
    known(add, 1, 2)
    before = n_sent(session)
    total = 0
    for i in range(30):
        total = add(total, i).result()
    assert total == sum(range(30))
    assert n_sent(session) - before < 30  # each call alone would take several
    first = add(1, 2)
    assert add(first, add(first, 1)).result() == 7  # a pack of three


def test_failures_are_the_users(session):
    known(divide, 1, 2)
    with pytest.raises(ZeroDivisionError) as caught:
        divide(1, 0).result()
    assert "divide" in "".join(caught.value.__notes__)
    assert divide(3, 2).result() == 1.5


def test_what_a_call_prints_is_seen_before_its_result(session, capfd):
    known(shout, "before")
    capfd.readouterr()
    for n in range(5):
        shout(f"word {n}").result()
        assert f"word {n}" in capfd.readouterr().out


def test_a_call_that_waits_for_others_and_one_that_takes_long_end(session):
    known(sum_of, 2)
    assert sum_of(3).result() == 6
    known(nap, 0.0)
    long = nap(0.3)  # known to be short, so it goes straight
    with pytest.raises(TimeoutError):
        long.result(timeout=0.05)
    assert rides(long)
    assert add(1, 1).result() == 2  # beside it
    assert long.result() in session.engine.worker_pids()


def test_a_call_whose_worker_dies_is_run_again(session, tmp_path):
    path = tmp_path / "seen"
    path.touch()
    known(end_worker_once, str(path))
    path.unlink()
    lost = end_worker_once(str(path))
    with pytest.raises(TimeoutError):
        lost.result(timeout=0.02)
    assert rides(lost)
    assert lost.result() == "done"
    assert path.exists()
    known(add, 1, 1)
    assert add(2, 2).result() == 4


def test_a_call_can_be_cancelled(session):
    known(nap, 0.0)
    long = nap(30)
    with pytest.raises(TimeoutError):
        long.result(timeout=0.1)
    assert rides(long)
    assert "running for" in session.engine.explain(long._version.node)
    start = time.monotonic()
    assert long.cancel()
    with pytest.raises(dsflow.TaskCancelledError):
        long.result()
    assert time.monotonic() - start < 10
    assert add(1, 1).result() == 2


def test_a_call_after_one_that_was_cancelled_does_not_wait_for_it(session):
    known(nap, 0.0)
    known(add, 1, 1)
    stuck = nap(30)
    with pytest.raises(TimeoutError):
        stuck.result(timeout=0.2)
    stuck.cancel()
    start = time.monotonic()
    assert add(1, 2).result() == 3
    assert time.monotonic() - start < 2.5  # a sleep is not interrupted; its worker is replaced after 5 s
