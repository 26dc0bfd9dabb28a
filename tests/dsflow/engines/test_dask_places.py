"""Where Dask runs tasks: priorities, constraints, labels and GPUs, on clusters of ours and of others."""

import os
import time

import numpy as np
import pytest
from distributed import Client, LocalCluster

import dsflow
from dsflow import ConstraintError, constraint, task, wait_on
from dsflow.testing import kill_a_worker
from tests.dsflow.conftest import only
from tests.dsflow.told import wait_for_file


@task
def note(path, text):
    time.sleep(0.03)  # or many of them are sent together, and run for 20 ms before anything else does
    with path.open("a") as file:
        file.write(text)


@task
def nap_until(path):
    wait_for_file(path)


@task(priority=5)
def note_soon(path, text):
    note.function(path, text)


def told():
    from threadpoolctl import threadpool_info

    n_threads = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}
    return os.getpid(), os.environ.get("CUDA_VISIBLE_DEVICES"), n_threads


plain = task(told)
on_ssd = constraint(labels="ssd")(task(told))
on_gpu = constraint(gpus=1)(task(told))


@constraint(cpus=2)
@task
def on_two_cores():
    np.ones((2, 2)) @ np.ones((2, 2))  # so that there is a BLAS to ask about
    return told()


@only("dask", "dask-inproc")
def test_tasks_of_a_higher_priority_go_first(engine, tmp_path):
    path = tmp_path / "log"
    path.touch()
    naps = [nap_until(tmp_path / "all called") for _ in range(2)]
    notes = [note(path, "a") for _ in range(30)]
    soon = [note_soon(path, "b") for _ in range(5)]
    time.sleep(0.3)  # what was called is on its way for some milliseconds
    (tmp_path / "all called").touch()
    wait_on([naps, notes, soon])
    assert path.read_text().rindex("b") < 20, "but for those that were on a worker already"


@pytest.fixture(scope="module")
def foreign_client():
    """Two workers of which each has a disk or two GPUs."""
    from distributed import Nanny, SpecCluster
    from distributed.scheduler import Scheduler

    options = {"nthreads": 1, "dashboard": False, "host": "127.0.0.1"}
    workers = {
        "disk": {"cls": Nanny, "options": {**options, "resources": {"ssd": 1}}},
        "device": {"cls": Nanny, "options": {**options, "resources": {"GPU": 2}}},
    }
    scheduler = {"cls": Scheduler, "options": {"dashboard": False, "host": "127.0.0.1", "port": 0}}
    with SpecCluster(workers=workers, scheduler=scheduler) as cluster, Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(2)
        yield client


@pytest.fixture
def foreign(foreign_client):
    with dsflow.start("dask", client=foreign_client) as session:
        yield session


def test_each_worker_of_another_cluster_is_a_place(foreign):
    places = foreign.engine.places()
    assert sorted((place.cpus, len(place.gpus), sorted(place.labels)) for place in places) == [
        (1, 0, ["ssd"]),
        (1, 2, []),
    ]
    assert all(place.workers == (place.name,) and place.memory_bytes > 0 for place in places)


@pytest.mark.slow
def test_tasks_run_where_their_constraint_is_satisfied(foreign):
    pids = foreign.engine.client.run(os.getpid)
    having = {label: pids[place.name] for place in foreign.engine.places() for label in (place.labels or {"gpu"})}
    assert {pid for pid, *_ in wait_on([on_ssd() for _ in range(6)])} == {having["ssd"]}
    found = wait_on([on_gpu() for _ in range(4)])
    assert {devices for _, devices, _ in found} <= {"0", "1"}
    assert having["ssd"] not in {pid for pid, *_ in found}, "they are children of the other worker"
    assert wait_on(plain())[0] in having.values()


@pytest.mark.slow
def test_what_no_worker_can_hold_is_refused_at_the_call(foreign):
    with pytest.raises(ConstraintError, match=r"on_two_cores.*2 cpus.*tcp://.*has 1 cpu"):
        on_two_cores()


@pytest.mark.slow
@pytest.mark.timeout(90)
def test_a_task_whose_only_worker_dies_runs_on_the_next_one_like_it(foreign_client, tmp_path):
    @constraint(labels="ssd")
    @task
    def slow_square(x):
        time.sleep(0.2)
        return x * x

    with dsflow.start("dask", client=foreign_client) as session:
        first = slow_square(1)
        assert wait_on(first) == 1
        squares = [slow_square(k) for k in range(6)]
        doomed = session.engine.client.run(os.getpid)
        place = next(place for place in session.engine.places() if place.labels)
        time.sleep(0.3)
        os.kill(doomed[place.name], 9)
        assert wait_on(squares) == [k * k for k in range(6)]
        assert wait_on(first) == 1


@pytest.mark.slow
def test_a_cluster_of_ours_is_one_place_with_what_start_was_told():
    with dsflow.start("dask", workers=2, memory="2 GiB", labels="ssd", gpus=2) as session:
        (place,) = session.engine.places()
        assert (place.cpus, place.memory_bytes, place.gpus, place.workers) == (2, 2 << 30, ("0", "1"), ())
        assert place.labels == session.labels == {"ssd"}
        wait_on(on_ssd())
        assert wait_on(on_two_cores())[2] == {2}
        devices = [devices for _, devices, _ in wait_on([on_gpu() for _ in range(6)])]
        assert set(devices) <= {"0", "1"}
        kill_a_worker(session)
        assert session.engine.places() == (place,), "the worker will be replaced"
        with pytest.raises(ConstraintError, match="tape"):
            constraint(labels="tape")(task(told))()

        @task
        def constrained_inside():
            return wait_on(on_ssd())[0]

        assert wait_on(constrained_inside()) > 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"gpus": -1}, "gpus=-1 is not a number of at least 0"),
        ({"labels": ["ssd", 3]}, r"labels=\[3\] are not names"),
    ],
)
def test_what_start_is_told_has_to_make_sense(no_session, options, words):
    with pytest.raises(ValueError, match=words):
        dsflow.start("dask", **options)


@pytest.mark.parametrize("options", [{"labels": "ssd"}, {"gpus": 1}])
def test_labels_are_not_for_running_clusters(no_session, inproc_client, options):
    with pytest.raises(ValueError, match="is for workers started here"):
        dsflow.start("dask", client=inproc_client, **options)


def test_other_workers_keep_the_session_going():
    """The cluster of a client may have no workers yet."""
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster, set_as_default=False) as client,
        dsflow.start("dask", client=client),
    ):
        future = plain()
        with pytest.raises(ConstraintError, match="there are no workers"):
            on_ssd()
        cluster.scale(1)
        assert wait_on(future)[0] == os.getpid()


@only("dask", "dask-inproc")
def test_tasks_start_in_the_order_of_the_calls(engine):
    @task
    def begin():
        started = time.time()
        time.sleep(0.05)
        return started

    starts = wait_on([begin() for _ in range(12)])
    order = sorted(range(12), key=starts.__getitem__)
    assert max(abs(place - position) for place, position in enumerate(order)) < 6, order
