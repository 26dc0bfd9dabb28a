"""Law 8: nothing leaks: values go with their last Future; threads, processes, ports and files go with the session."""

import gc
import json
import subprocess
import sys
import textwrap
import time
import weakref

import numpy as np
import pytest

import dsflow
from dsflow import INOUT, barrier, share, task, wait_on
from dsflow._graph import Node, Version
from tests.dsflow.conftest import only

LARGE = 200_000


class Marker:
    """Can be weakly referenced, and pickled."""


class FailedError(Exception):
    pass


kept = []
"""Weak references to what tasks have made in this process."""


@task
def make_array(n):
    return np.zeros(n)


@task
def total(array):
    return float(np.sum(array))


@task(x=INOUT)
def append(x, item):
    x.append(item)


@task
def identity(x):
    return x


@task
def fail_with_local():
    local = Marker()
    kept.append(weakref.ref(local))
    raise FailedError


@task
def call_many(n):
    futures = [total(make_array(n)) for _ in range(10)]
    return sum(wait_on(futures))


def _versions():
    gc.collect()
    return sum(issubclass(type(each), Version) for each in gc.get_objects())


def _nodes():
    gc.collect()
    return sum(issubclass(type(each), Node) for each in gc.get_objects())


def _comes_true(condition, deadline_s=20):
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def _scheduler_tasks(session):
    gc.collect()  # programs that were run by exec hold their Futures in cycles
    return session.engine.client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.tasks))


def test_a_value_goes_with_its_last_future(engine):
    before = _versions()
    future = make_array(LARGE)
    name_two, version = [future], weakref.ref(future._version)
    wait_on(total(future))
    del future
    gc.collect()
    assert version() is not None
    del name_two
    assert _comes_true(lambda: gc.collect() >= 0 and version() is None)
    assert _comes_true(lambda: _versions() == before)


def test_only_the_end_of_a_chain_stays(engine):
    before = _versions(), _nodes()
    future = identity(0)
    for _ in range(30):
        future = identity(future)
    values = [0]
    for n in range(30):
        append(values, n)
    wait_on(future)
    barrier()
    assert _comes_true(lambda: _versions() == before[0] + 2)
    assert _comes_true(lambda: _nodes() == before[1])
    wait_on(values)
    del future
    assert _comes_true(lambda: _versions() == before[0])


def test_nothing_is_pending_after_the_last_wait(engine):
    futures = [total(make_array(n)) for n in range(20)]
    wait_on(futures)
    barrier()
    assert not engine.graph.pending


@only("dask", "dask-inproc")
def test_the_cluster_forgets_what_nobody_needs(engine):
    assert _comes_true(lambda: not _scheduler_tasks(engine)), _scheduler_tasks(engine)
    future = make_array(LARGE)
    values = [1]
    for n in range(10):
        append(values, n)
    big = np.ones(LARGE)
    sums = [total(future), total(big), total(share(big)), call_many(5)]
    wait_on([sums, values])
    assert _scheduler_tasks(engine)
    del future, sums, big
    assert _comes_true(lambda: not _scheduler_tasks(engine)), _scheduler_tasks(engine)


@only("dask", "dask-inproc")
def test_the_cluster_forgets_failed_tasks(engine):
    failed = identity(fail_with_local())
    with pytest.raises(FailedError):
        wait_on(failed)
    del failed
    gc.collect()
    assert _comes_true(lambda: not _scheduler_tasks(engine)), _scheduler_tasks(engine)


@only("serial", "threads")
def test_objects_that_have_no_weak_references_are_released_by_wait_on(engine):
    marker = Marker()
    gone = weakref.ref(marker)
    values = [marker]
    append(values, 1)
    wait_on(values)
    assert not engine.main.tracker
    del values, marker
    assert _comes_true(lambda: gc.collect() >= 0 and gone() is None)


def test_an_object_that_nobody_holds_is_not_tracked_any_more(engine):
    class Bag:
        def append(self, item):
            self.item = item

    bag = Bag()
    append(bag, 1)
    barrier()
    assert engine.main.tracker
    del bag
    gc.collect()
    assert not engine.main.tracker


@only("serial", "threads")
def test_what_a_failed_task_held_goes_when_its_failure_was_raised(engine):
    kept.clear()
    future = fail_with_local()
    with pytest.raises(FailedError):
        wait_on(future)
    del future
    assert _comes_true(lambda: gc.collect() >= 0 and kept[0]() is None)


@only("serial", "threads")
def test_a_shared_value_goes_with_its_future(engine):
    array = np.zeros(LARGE)
    owner = weakref.ref(array)
    future = share(array)
    assert wait_on(total(future)) == 0
    del array
    gc.collect()
    assert owner() is not None
    del future
    assert _comes_true(lambda: gc.collect() >= 0 and owner() is None)


def test_a_session_goes_when_it_has_ended(no_session):
    for name in ("serial", "threads"):
        session = dsflow.start(name, workers=2)
        futures = [identity(n) for n in range(5)]
        wait_on(futures)
        dsflow.stop()
        gone = weakref.ref(session.graph)
        del session, futures
        assert _comes_true(lambda gone=gone: gc.collect() >= 0 and gone() is None)


SCRIPT = """
import glob, json, os, sys, tempfile, threading, time
import psutil
import dsflow

@dsflow.task
def make(n):
    import numpy
    return numpy.zeros(n)

@dsflow.task
def fail():
    raise ValueError

def counts():
    me = psutil.Process()
    children = me.children(recursive=True)
    ports = [c.laddr.port for p in [me, *children] for c in p.net_connections("inet") if c.status == "LISTEN"]
    return {"threads": sorted(t.name for t in threading.enumerate()), "processes": len(children), "ports": ports}

before = counts()
engine = sys.argv[1]
for abandon in (False, True):
    session = dsflow.start(engine, workers=2)
    futures = [make(10), make(300_000), fail()]
    assert dsflow.wait_on(futures[0]).shape == (10,)
    try:
        if abandon:
            with session:
                raise KeyError
        dsflow.stop()
    except (KeyError, ValueError):
        pass
deadline = time.monotonic() + 20
while (after := counts()) != before and time.monotonic() < deadline:
    time.sleep(0.1)
print(json.dumps([before, after]))
"""


@pytest.mark.parametrize("name", ["serial", "threads", pytest.param("dask", marks=pytest.mark.slow)])
def test_after_stop_no_thread_process_port_or_file_is_left(name, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    temporary, work = tmp_path / "tmp", tmp_path / "work"
    temporary.mkdir()
    work.mkdir()
    environment = {"TMPDIR": str(temporary), "PATH": "/usr/bin:/bin", "HOME": str(work)}
    done = subprocess.run(
        [sys.executable, script, name],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    before, after = json.loads(done.stdout.splitlines()[-1])
    assert before["processes"] == 0
    assert after == before
    assert [str(path) for path in [*temporary.rglob("*"), *work.rglob("*")]] == []
