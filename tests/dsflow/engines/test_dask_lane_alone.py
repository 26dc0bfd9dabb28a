"""What becomes of calls that go straight to a worker, on clusters with a single one."""

import os
import signal
import time
from pathlib import Path

import pytest

import dsflow
from dsflow import task
from dsflow.engines.dask._lane import Ride


@task
def add(x, y):
    return x + y


@task
def change_directory(path, seconds):
    before = str(Path.cwd())
    os.chdir(path)
    time.sleep(seconds)
    os.chdir(before)


@task
def where(seconds):
    time.sleep(seconds)
    return str(Path.cwd())


def known(call, *arguments):
    """Call a task until it is known to be small."""
    for _ in range(8):
        call(*arguments).result()


def test_a_worker_that_has_died_meanwhile_delays_no_call(no_session):
    with dsflow.start("dask", workers=1) as session:
        known(add, 1, 2)
        before = session.engine.worker_pids()
        os.kill(before[0], signal.SIGKILL)
        while session.engine.worker_pids() == before or not session.engine.client.nthreads():
            time.sleep(0.05)
        start = time.monotonic()
        assert add(1, 2).result() == 3
        assert time.monotonic() - start < 15  # Dask goes on trying to connect for 30 s


def test_what_the_scheduler_sends_meanwhile_does_not_run_beside_a_short_call(no_session):
    here = str(Path.cwd())
    with dsflow.start("dask", workers=1):
        rode = 0
        for _ in range(30):
            known(where, 0.0)
            short = where(0.015)
            time.sleep(0.004)
            rode += isinstance(getattr(short._version.node.handle, "future", None), Ride)
            other = change_directory("/", 0.03)
            assert short.result() == here
            other.result()
            if rode == 3:
                return
        pytest.fail("no call went straight")
