"""Constraints are enforced, and refused at the call when no worker could ever satisfy them (law 4)."""

import itertools
import os
import threading
import time
from pathlib import Path

import pytest

import dsflow
from dsflow import ConstraintError, TaskCancelledError, constraint, current_task, explain, task, wait_on
from tests.dsflow.conftest import only


class Meter:
    """How much is in use at a time, by tasks of this process."""

    def __init__(self):
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0

    def use(self, amount, seconds=0.02):
        with self._lock:
            self._now += amount
            self.most = max(self.most, self._now)
        time.sleep(seconds)
        with self._lock:
            self._now -= amount


METER = Meter()


@task
def light(_=None):
    METER.use(1)


@constraint(cpus="n")
@task
def heavy(n):
    METER.use(n)
    return n


@constraint(memory=lambda n_bytes, **_: n_bytes)
@task
def allocate(n_bytes, name=None):
    return n_bytes


@task
def add(x, y):
    return x + y


@pytest.fixture
def meter():
    METER.most = 0
    return METER


@only("threads", "dask-inproc")
def test_tasks_never_use_more_cpus_than_there_are(engine, meter):
    if engine.engine.name == "dask":
        pytest.skip("each worker of a foreign cluster is a place of its own: see the next test")
    futures = [light() for _ in range(6)]
    futures += [f(*args) for _ in range(4) for f, args in ((heavy, (2,)), (light, ()), (heavy, (1,)), (light, ()))]
    wait_on(futures)
    assert meter.most == 2


def test_a_constraint_that_can_be_met_is_met(engine):
    assert wait_on([heavy(1), allocate(10), allocate(20, name="x"), add(heavy(1), 1)]) == [1, 10, 20, 2]


def test_what_no_worker_could_ever_give_is_refused_with_the_numbers(engine):
    with pytest.raises(
        ConstraintError, match=r"heavy \(called at .*\): no worker can satisfy its .*\(5000 cpus\): .*cpu"
    ):
        heavy(5000)
    with pytest.raises(ConstraintError, match=r"1.07e\+09 GiB of memory"):
        allocate(1 << 60)

    @constraint(labels=["quantum"])
    @task
    def exotic(): ...

    with pytest.raises(ConstraintError, match="label 'quantum'"):
        exotic()
    assert wait_on(heavy(1)) == 1


def test_the_amount_may_not_be_a_future(engine):
    with pytest.raises(TypeError, match="heavy: constraint cpus='n': "):
        heavy(add(1, 1))


@only("serial", "threads", "dask-inproc")
def test_a_task_that_waits_lends_its_cpus_out(engine):
    n = engine.engine.places()[0].cpus

    @constraint(cpus=n)
    @task
    def inner(x):
        return x + 1

    @constraint(cpus=1)
    @task
    def outer(x):
        return wait_on(inner(inner(x)))

    assert wait_on([outer(i) for i in range(4)]) == [2, 3, 4, 5]


@only("threads")
def test_a_large_task_is_not_overtaken_for_ever(engine):
    log = []

    @task
    def small(i):
        log.append(i)
        time.sleep(0.001)

    @constraint(cpus=2)
    @task
    def large():
        log.append("large")

    futures = [small(i) for i in range(20)]
    futures.append(large())
    futures += [small(i) for i in range(400)]
    wait_on(futures)
    assert log.index("large") < 200


def test_labels_are_what_the_workers_were_given(no_session):
    @constraint(labels="ssd")
    @task
    def on_ssd():
        return "done"

    with dsflow.start("threads", workers=2, labels=["ssd", "fast"]):
        assert wait_on(on_ssd()) == "done"


def test_a_gpu_belongs_to_one_task_at_a_time(no_session):
    seen = []

    @constraint(gpus=1)
    @task
    def use():
        seen.append(current_task().gpus)
        time.sleep(0.01)

    @constraint(gpus=1)
    @task(killable=True)
    def see():
        return os.environ["CUDA_VISIBLE_DEVICES"]

    with dsflow.start("threads", workers=4, gpus=2):
        wait_on([use() for _ in range(6)])
        assert len(wait_on(see())) == 1
        with pytest.raises(ConstraintError, match="2 gpus"):
            constraint(gpus=3)(task(lambda: None))()
    assert {len(gpus) for gpus in seen} == {1}


@only("threads")
def test_explain_says_which_resource_is_missing(engine):
    door = threading.Event()

    @task
    def hold():
        assert door.wait(60)

    holding = hold()
    waiting = heavy(2)
    try:
        assert "waits for 2 cpus" in explain(waiting)
    finally:
        door.set()
    wait_on(holding, waiting)


def test_a_cancelled_task_gives_back_what_it_had(engine):
    futures = [heavy(1) for _ in range(20)]
    for future in futures[5:]:
        future.cancel()
    assert all(f.exception() is None or isinstance(f.exception(), TaskCancelledError) for f in futures)
    assert wait_on(heavy(1)) == 1
    assert not engine.dispatcher._n_constrained


@pytest.mark.parametrize(
    ("amounts", "error", "words"),
    [
        ({"cpus": 0}, ValueError, "constraint: function: cpus=0: 0 is less than 1"),
        ({"cpus": 1.5}, TypeError, "1.5 is not an int"),
        ({"memory": "much"}, ValueError, "'much' is not an amount of memory"),
        ({"gpus": -1}, ValueError, "-1 is less than 0"),
        ({"cpus": "m"}, TypeError, r"'m' is not an int \(or the name of a parameter"),
    ],
)
def test_amounts_are_checked_where_the_task_is_written(amounts, error, words):
    with pytest.raises(error, match=words):

        @constraint(**amounts)
        @task
        def function(n): ...


def test_constraint_goes_above_task():
    with pytest.raises(TypeError, match="expected a task, got function; put it above @task"):

        @constraint(cpus=2)
        def function(): ...


def test_places_of_a_cluster_of_ours_are_the_machine(no_session, tmp_path):
    @constraint(cpus=2)
    @task
    def both(path):
        started = time.time()
        time.sleep(0.05)
        with Path(path).open("a") as file:
            file.write(f"{started} {time.time()}\n")

    with dsflow.start("dask", workers=2):
        wait_on([both(str(tmp_path / "log")) for _ in range(3)])
    times = sorted(tuple(map(float, line.split())) for line in (tmp_path / "log").read_text().splitlines())
    assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(times))
