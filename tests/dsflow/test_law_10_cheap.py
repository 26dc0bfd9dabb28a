"""Law 10: the cost of a task does not grow, calls return at once, waiting tasks give up their slot."""

import logging
import subprocess
import sys
import threading
import time

import pytest

import dsflow
import dsflow._session
from dsflow import INOUT, as_completed, task, wait_on
from tests.dsflow.conftest import only

DEADLINE_S = 30
FEW, MANY, BATCH = 200, 5000, 100
opened = threading.Event()


@pytest.fixture(autouse=True)
def _closed():
    opened.clear()
    yield
    opened.set()


@task
def wait_until_opened(value):
    assert opened.wait(DEADLINE_S)
    return value


@task
def add(x, y):
    return x + y


@task(x=INOUT)
def append(x, item):
    x.append(item)


@task
def nap(seconds):
    time.sleep(seconds)
    return seconds


@task
def time_of_a_call():
    start = time.perf_counter()
    future = nap(0.3)
    duration = time.perf_counter() - start
    return duration, future


@task
def wait_inside(depth):
    return depth if depth == 0 else wait_on(wait_inside(depth - 1)) + 1


@task
def call_inside(depth):
    return 0 if depth == 0 else add(call_inside(depth - 1), 1)


def _best_of_batches(do, n):
    """The least time of a batch of calls among the first few of ``n``, and among the last few."""
    durations = []
    for _ in range(n // BATCH):
        start = time.perf_counter()
        for _ in range(BATCH):
            do()
        durations.append(time.perf_counter() - start)
    few = FEW // BATCH
    return min(durations[: 2 * few]), min(durations[-4 * few :])


@only("threads", "dask-inproc")
def test_a_call_costs_the_same_with_few_and_with_many_tasks_pending(engine):
    n = MANY if engine.engine.name == "threads" else 1500
    root = wait_until_opened(1)
    futures = []
    few, many = _best_of_batches(lambda: futures.append(add(root, 1)), n)
    assert len(engine.graph.pending) == n + 1
    opened.set()
    assert many < _bound(engine) * few
    assert sum(wait_on(futures)) == 2 * n


@only("threads", "dask-inproc")
def test_a_link_of_a_chain_costs_the_same_at_its_start_and_at_its_end(engine):
    values = [wait_until_opened(1)]
    few, many = _best_of_batches(lambda: values.append(add(values.pop(), 1)), 2000)
    opened.set()
    assert many < _bound(engine) * few
    assert wait_on(values.pop()) == 2001


@only("serial", "threads")
def test_a_change_of_an_object_costs_the_same_after_many_changes_of_others(engine):
    lists = [[] for _ in range(MANY)]
    rest = iter(lists)
    few, many = _best_of_batches(lambda: append(next(rest), 1), MANY)
    assert many < _bound(engine) * few
    assert wait_on(lists) == [[1]] * MANY


def _bound(engine):
    """How far off a measurement may be; with Dask in this process, its event loop takes turns with the caller."""
    return 16 if engine.engine.name == "dask" else 4


def _duration_of(do, n):
    best = float("inf")
    for _ in range(3):
        futures = [add(n, 1) for n in range(n)]
        wait_on(futures)
        start = time.perf_counter()
        do(futures)
        best = min(best, (time.perf_counter() - start) / n)
    return best


@only("serial", "threads")
@pytest.mark.parametrize("do", [wait_on, lambda futures: list(as_completed(futures)), lambda futures: dsflow.barrier()])
def test_waiting_for_a_task_costs_the_same_among_few_and_many(engine, do):
    few, many = _duration_of(do, FEW), _duration_of(do, 2000)
    assert many < _bound(engine) * few


@only("threads", "dask-inproc")
def test_as_completed_costs_the_same_among_few_and_many_pending_tasks(engine):
    def duration(n):
        opened.clear()
        root = wait_until_opened(0)
        futures = [add(root, k) for k in range(n)]
        start = time.perf_counter()
        opened.set()
        assert sum(1 for _ in as_completed(futures)) == n
        return (time.perf_counter() - start) / n

    few = min(duration(FEW) for _ in range(3))
    assert duration(3000) < 1.5 * _bound(engine) * few


def test_importing_dsflow_starts_nothing_and_imports_nothing_large():
    code = (
        "import sys, threading, dsflow, multiprocessing\n"
        "large = {'numpy', 'dask', 'distributed', 'sklearn', 'scipy', 'zarr', 'pandas', 'rich'} & set(sys.modules)\n"
        "assert not large, large\n"
        "assert threading.active_count() == 1\n"
        "assert dsflow.active_session() is None\n"
        "import psutil; assert not psutil.Process().children()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@only("threads", "dask", "dask-inproc")
def test_calls_of_main_return_before_their_inputs_are_there(engine):
    root = nap(1)
    futures = [add(root, n) for n in range(50)]
    values = [1]
    append(values, root)
    assert not root.done()
    assert wait_on(futures[49]) == 50
    assert wait_on(values) == [1, 1]


@only("threads", "dask", "dask-inproc")
def test_a_call_inside_a_task_returns_at_once(engine):
    duration, result = wait_on(time_of_a_call())
    assert result == 0.3
    assert duration < 0.2


@only("threads", "dask", "dask-inproc")
def test_tasks_that_wait_give_up_their_slots(engine):
    """More tasks wait, one for the other, than there are slots."""
    assert wait_on([wait_inside(10), wait_inside(10)]) == [10, 10]


def test_one_thread_is_enough_for_tasks_that_wait(no_session):
    with dsflow.start("threads", workers=1):
        assert wait_on(wait_inside(20)) == 20
        assert wait_on(call_inside(20)) == 20


def test_one_worker_is_enough_for_tasks_that_wait(no_session):
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster, set_as_default=False) as client,
        dsflow.start("dask", client=client),
    ):
        assert wait_on(wait_inside(10)) == 10
        assert wait_on(call_inside(10)) == 10


@only("threads")
def test_no_more_tasks_run_at_a_time_than_there_are_slots(engine):
    running, most = [], []

    @task
    def run(n):
        running.append(n)
        most.append(len(running))
        time.sleep(0.01)
        running.remove(n)

    wait_on([run(n) for n in range(20)])
    assert max(most) == 2


@only("threads")
def test_a_free_slot_is_used_while_another_task_is_slow(engine):
    for _ in range(30):
        opened.clear()
        wait_on(add(0, 0))  # there is a thread, which is idle or about to be
        slow, quick = wait_until_opened(1), add(1, 1)
        assert quick.result(timeout=DEADLINE_S / 4) == 2
        assert not slow.done()
        opened.set()
        assert wait_on(slow) == 1


@only("threads")
def test_there_are_never_more_threads_than_slots_if_no_task_waits(engine):
    most = 0
    for _ in range(50):
        futures = [add(n, 1) for n in range(5)]
        most = max(most, sum(thread.name.startswith("thread-") for thread in threading.enumerate()))
        wait_on(futures)
        time.sleep(0.001)  # the threads are idle by now, and are woken one after the other
    assert most <= 2


@only("serial", "threads")
def test_nesting_a_thousand_deep_works(engine):
    assert wait_on(call_inside(1000)) == 1000


@pytest.mark.slow
@only("dask", "dask-inproc")
def test_nesting_two_hundred_deep_works(engine):
    """The law says 1,000; on Dask the time grows with the square of the depth, to a minute."""
    assert wait_on(call_inside(200)) == 200


@only("serial", "threads", pytest.param("dask", marks=pytest.mark.slow))
def test_a_chain_of_thousands_of_links_works(engine):
    root = nap(0.05)
    future = root
    for _ in range(3000):
        future = add(future, 1)
    assert wait_on(future) == 3000.05


@only("threads")
def test_a_failure_at_the_root_of_a_long_chain_reaches_its_end(engine):
    @task
    def fail(after):
        raise ZeroDivisionError

    future = fail(nap(0.05))
    for _ in range(3000):
        future = add(future, 1)
    with pytest.raises(ZeroDivisionError):
        wait_on(future)


@only("threads")
def test_main_is_held_back_at_a_logged_bound_of_pending_calls(engine, monkeypatch, caplog):
    monkeypatch.setattr(dsflow._session, "MAX_PENDING", 10)
    caplog.set_level(logging.INFO, logger="dsflow")
    most = 0
    for _ in range(60):
        nap(0.002)
        most = max(most, len(engine.graph.pending))
    assert most <= 10
    assert any("10 calls are pending" in record.getMessage() for record in caplog.records)
