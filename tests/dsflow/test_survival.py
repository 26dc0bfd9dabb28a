"""Law 7 on the Dask engine: killing any worker at any moment changes no result."""

import os
import random
import signal
import threading
import time

import numpy as np
import pytest

import dsflow
from dsflow import INOUT, task, wait_on
from dsflow.testing import kill_a_worker
from tests.dsflow.programs import difference, run_plain, run_with_tasks, write_program

pytestmark = pytest.mark.slow

DEADLINE_S = 90


@pytest.fixture
def survivors():
    """A session on two processes of its own, started as users start it; one for each test, since it gets hurt."""
    with dsflow.start("dask", workers=2) as session:
        yield session


@task(values=INOUT)
def slow_append(values, item):
    time.sleep(0.01)
    values.append(item)


@task(array=INOUT)
def increase(array, n):
    time.sleep(0.01)
    array += n


@task
def slow_square(x):
    time.sleep(0.02)
    return x * x


@task
def slow_add(x, y):
    time.sleep(0.02)
    return x + y


@task
def total(*values):
    return sum(int(np.sum(value)) for value in values)


@task
def kill_my_worker(how):
    os.kill(os.getpid(), how)


@task
def after(value):
    return value


@task
def sum_of_squares(n):
    return total(*[slow_square(k) for k in range(n)])


class Killer:
    """Kills workers at random moments while a program runs."""

    def __init__(self, session, seed, n_kills=2, over_s=1.0):
        rng = random.Random(seed)
        self.session, self.seed = session, seed
        self.moments = sorted(rng.uniform(0.02, over_s) for _ in range(n_kills))
        self.ended = threading.Event()
        self.killed = []
        self.thread = threading.Thread(target=self._kill)

    def _kill(self):
        start = time.monotonic()
        for k, moment in enumerate(self.moments):
            if self.ended.wait(max(0.0, moment - (time.monotonic() - start))):
                return
            self.killed.append(kill_a_worker(self.session, seed=self.seed + k))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join(DEADLINE_S)


@pytest.mark.timeout(DEADLINE_S)
@pytest.mark.parametrize("seed", range(3))
def test_a_chain_of_changes_survives(survivors, seed):
    values, array, made = [0], np.zeros(200_000), slow_add([0], [0])
    with Killer(survivors, seed) as killer:
        for n in range(50):
            slow_append(values, n)
            increase(array, n)
            slow_append(made, n)
        results = wait_on(values), wait_on(array), wait_on(made)
    assert killer.killed
    assert results[0] == [0, *range(50)]
    assert np.array_equal(results[1], np.full(200_000, sum(range(50))))
    assert results[2] == [0, 0, *range(50)]


@pytest.mark.timeout(DEADLINE_S)
@pytest.mark.parametrize("seed", range(3))
def test_fan_out_and_fan_in_survive(survivors, seed):
    shared = np.arange(200_000)
    with Killer(survivors, 100 + seed) as killer:
        layers = [[slow_square(k) for k in range(16)]]
        while len(layers[-1]) > 1:
            layers.append([slow_add(x, y) for x, y in zip(layers[-1][::2], layers[-1][1::2], strict=True)])
        top = total(layers[-1][0], shared, *layers[0])
        found = wait_on(top)
    assert killer.killed
    assert found == 2 * sum(k * k for k in range(16)) + int(shared.sum())
    assert wait_on(layers[0]) == [k * k for k in range(16)]


@pytest.mark.timeout(DEADLINE_S)
def test_a_value_whose_worker_dies_after_it_was_made_is_made_again(survivors):
    futures = [slow_square(k) for k in range(6)]
    dsflow.barrier()
    for seed in range(2):
        kill_a_worker(survivors, seed)
        assert wait_on(futures) == [k * k for k in range(6)]


@pytest.mark.timeout(DEADLINE_S)
@pytest.mark.parametrize("seed", range(2))
def test_tasks_that_call_tasks_survive(survivors, seed):
    with Killer(survivors, 200 + seed, over_s=0.3) as killer:
        found = wait_on([sum_of_squares(n) for n in range(2, 8)])
    assert killer.killed
    assert found == [sum(k * k for k in range(n)) for n in range(2, 8)]


@pytest.mark.timeout(DEADLINE_S)
@pytest.mark.parametrize("seed", range(3))
def test_random_programs_survive(survivors, seed):
    source = write_program(random.Random(seed), n_statements=40, concurrent=False)
    with Killer(survivors, 300 + seed, over_s=0.2):
        got = run_with_tasks(source)
    assert not difference(source, run_plain(source), got)


@pytest.mark.timeout(DEADLINE_S)
@pytest.mark.parametrize("how", [signal.SIGSEGV, signal.SIGKILL], ids=["crash in C", "out of memory"])
def test_a_task_that_kills_its_worker_each_time_is_an_error_that_names_it(survivors, how):
    doomed = kill_my_worker(how)
    dependent = after(doomed)
    with pytest.raises(dsflow.TaskLostError, match=r"kill_my_worker"):
        wait_on(doomed)
    with pytest.raises(dsflow.TaskLostError, match=r"kill_my_worker"):
        wait_on(dependent)
    assert wait_on(slow_square(3)) == 9, "the session lives on"


@pytest.mark.timeout(DEADLINE_S)
def test_kill_a_worker_kills_one_and_it_is_replaced(survivors):
    before = set(survivors.engine.worker_pids())
    killed = kill_a_worker(survivors, seed=1)
    assert killed in before
    assert wait_on([slow_square(k) for k in range(4)]) == [0, 1, 4, 9]
    end = time.monotonic() + DEADLINE_S / 2
    while len(set(survivors.engine.worker_pids()) - {killed}) < 2:
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.timeout(DEADLINE_S)
def test_workers_that_die_while_they_start_are_replaced_too(survivors):
    first = set(survivors.engine.worker_pids())
    for pid in first:
        os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + DEADLINE_S / 2
    while len(starting := set(survivors.engine.worker_pids()) - first) < 2:
        assert time.monotonic() < end
        time.sleep(0.01)
    for pid in starting:
        os.kill(pid, signal.SIGKILL)
    assert slow_square(3).result(timeout=DEADLINE_S / 2) == 9
