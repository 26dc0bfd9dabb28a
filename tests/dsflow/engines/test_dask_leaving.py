"""A cluster that is not ours is left as it was."""

import threading
import time

import pytest

import dsflow
from dsflow import task, wait_on


@task
def square(x):
    return x * x


@task(killable=True)
def square_apart(x):
    return x * x


@task
def squares(n):
    return wait_on([square(k) for k in range(n)])


@task
def loop(path):
    path.touch()
    while True:
        time.sleep(0.01)


def on_worker(dask_worker):
    import logging
    import os
    import sys

    import psutil

    own = f"{dask_worker.address}"
    children = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
    return {
        "visits": len(getattr(dask_worker, "dsflow_visits", {})),
        "children": [line for line in children if "dsflow" in line],
        "threads": sorted(name for name in (each.name for each in threading.enumerate()) if "dsflow" in name),
        "streams": type(sys.stdout).__name__,
        "level": logging.getLogger().level,
        "handlers": [type(each).__name__ for each in logging.getLogger().handlers],
        "pid": os.getpid(),
        "address": own,
    }


def on_scheduler(dask_scheduler):
    return (
        [name for name in dask_scheduler._broker._topics if name.startswith("dsflow")],
        [name for name in dask_scheduler.plugins if name.startswith("dsflow")],
        [name for name in dask_scheduler.worker_plugins if name.startswith("dsflow")],
    )


@pytest.mark.parametrize("abandon", [False, True])
def test_nothing_of_a_session_is_left_on_the_cluster_of_another(no_session, dask_client, tmp_path, abandon):
    before = dask_client.run(on_worker)
    session = dsflow.start("dask", client=dask_client)
    assert wait_on(squares(4)) == [0, 1, 4, 9]
    assert wait_on([square_apart(k) for k in range(4)]) == [0, 1, 4, 9]
    running = loop(tmp_path / "started") if abandon else None
    while abandon and not (tmp_path / "started").exists():
        time.sleep(0.01)
    assert any(found["visits"] for found in dask_client.run(on_worker).values())
    if abandon:
        with pytest.raises(KeyError), session:
            raise KeyError
    else:
        dsflow.stop()
    del running
    end = time.monotonic() + 20
    while dask_client.run(on_worker) != before and time.monotonic() < end:
        time.sleep(0.05)
    assert dask_client.run(on_worker) == before
    assert dask_client.run_on_scheduler(on_scheduler) == ([], [], [])


def test_two_sessions_one_after_the_other_share_nothing(no_session, dask_client):
    for _ in range(2):
        with dsflow.start("dask", client=dask_client):
            assert wait_on(squares(3)) == [0, 1, 4]
            visits = dask_client.run(lambda dask_worker: len(getattr(dask_worker, "dsflow_visits", {})))
            assert max(visits.values()) == 1
