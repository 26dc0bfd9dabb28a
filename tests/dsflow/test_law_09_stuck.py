"""Law 9: stopping works: a thread that does not end is left behind and named; the others do not notice."""

import contextlib
import random
import threading
import time

import pytest

import dsflow
import dsflow._interrupt
from dsflow import EngineError, TaskCancelledError, barrier, task, wait_on
from tests.dsflow import stage as staging
from tests.dsflow.stage import (
    DEADLINE_S,
    LINE_OF_BLOCK,
    assert_slots,
    block,
    cancelling_when_started,
    comes_true,
    in_threads,
    note,
    spin,
    stage,
)

clean, impatient = staging.clean, staging.impatient


# --- what cannot be interrupted --------------------------------------------------------------------------------------


@in_threads
def test_the_wait_for_a_cancelled_task_ends_whatever_it_does(engine):
    future = block()
    stage.wait_until_started()
    start = time.monotonic()
    future.cancel()
    with pytest.raises(TaskCancelledError):
        future.result()
    assert time.monotonic() - start < 10
    stage.unblock()


def test_a_thread_that_does_not_end_is_named_and_another_takes_its_place(no_session, impatient, caplog):
    with dsflow.start("threads", workers=1):
        future = block()
        stage.wait_until_started()
        after = note("after")
        future.cancel()
        assert wait_on(after) == "after"
        assert stage.events == ["after"], "only in a new thread can it have run"
        line = next(r.getMessage() for r in caplog.records if "left behind" in r.getMessage())
        assert "block-" in line
        assert "thread-0" in line
        assert LINE_OF_BLOCK in line
        assert_slots(1)
        stage.unblock()
        assert comes_true(lambda: "unblocked" in stage.events)
        assert_slots(1)
        assert not [t for t in threading.enumerate() if t.name == "thread-0"]


def test_a_thread_in_doubt_takes_no_other_task(no_session):
    with dsflow.start("threads", workers=1):
        future = block()
        stage.wait_until_started()
        future.cancel()
        after = note("after")
        with pytest.raises(TimeoutError):
            after.result(timeout=0.3)
        stage.unblock()
        assert wait_on(after) == "after"
        assert stage.events == ["unblocked", "after"]


@in_threads
def test_a_thread_that_waits_for_ever_in_a_cancelled_task_is_left_behind_too(engine, impatient):
    @task
    def waits_in_vain():
        stage.started.release()
        with dsflow.active_session().engine.waiting():
            stage.blocked.acquire(timeout=DEADLINE_S)  # as a wait that does not look up
        stage.events.append("not reached")

    futures = [waits_in_vain() for _ in range(3)]
    stage.wait_until_started(3)
    for future in futures:
        future.cancel()
    assert comes_true(lambda: len(engine.engine._left) == 3)
    assert_slots(2)
    for _ in range(3):
        assert comes_true(stage.blocked.locked)
        stage.unblock()
    assert comes_true(lambda: not any(worker.thread.is_alive() for worker in engine.engine._left))
    assert_slots(2)
    assert stage.events == []
    stage.blocked = threading.Lock()
    stage.blocked.acquire()


@pytest.mark.parametrize("patience_s", [0.1, 60])
def test_stop_names_the_threads_that_it_leaves_behind(patience_s, no_session, monkeypatch, caplog):
    monkeypatch.setattr(dsflow._interrupt, "PATIENCE_S", patience_s)
    session = dsflow.start("threads", workers=2)
    futures = [block(), note("short")]
    stage.wait_until_started()
    start = time.monotonic()
    with pytest.raises(LookupError), session:
        raise LookupError
    assert time.monotonic() - start < 20, "law 9 asks for 2 s"
    assert all(future.done() for future in futures)
    (line,) = [r.getMessage() for r in caplog.records if "threads left behind" in r.getMessage()]
    assert "block-" in line
    assert LINE_OF_BLOCK in line
    stage.unblock()
    assert comes_true(lambda: "unblocked" in stage.events)


@in_threads
def test_stop_waits_for_a_cancelled_task_that_cleans_up(engine):
    @task
    def slow_to_end():
        try:
            spin.__wrapped__()
        finally:
            time.sleep(0.3)
            stage.events.append("ended")

    future = slow_to_end()
    stage.wait_until_started()
    future.cancel()
    dsflow.stop()
    assert stage.events[-1] == "ended"


def test_the_serial_engine_says_that_it_cannot_stop_a_task(no_session, impatient, caplog):
    session = dsflow.start("serial")

    def unblock():
        assert comes_true(lambda: "cannot be stopped" in caplog.text)
        stage.unblock()

    thread = threading.Thread(target=unblock)
    thread.start()
    with session, cancelling_when_started(session):
        assert block().cancelled()
    thread.join()
    assert "block-" in caplog.text
    assert "in MainThread, now at" in caplog.text


# --- races -----------------------------------------------------------------------------------------------------------


@task
def work(n):
    total = 0
    for k in range(n):
        total += k
    return total


@task
def nest(n):
    return sum(wait_on([work(n), work(n // 2)]))


def sum_below(n):
    return n * (n - 1) // 2


class Hunt:
    """Threads that call tasks, short and long, nested and not, and threads that cancel those that run."""

    def __init__(self, session, seconds):
        self.session = session
        self.end = time.monotonic() + seconds
        self.n_values = self.n_cancelled = 0
        self.errors = []
        roles = [(role, seed) for role in (self.call, self.cancel) for seed in range(3)]
        self.threads = [threading.Thread(target=self.keep_errors, args=role) for role in roles]

    def keep_errors(self, role, seed):
        numbers = random.Random(seed)
        try:
            while time.monotonic() < self.end:
                role(numbers)
        except BaseException as error:
            self.errors.append(error)

    def call(self, numbers):
        ns = [numbers.choice([0, 10, 1000, 20_000]) for _ in range(20)]
        calls = [(n, numbers.choice([work, nest])(n)) for n in ns]
        for n, future in calls:
            try:
                assert future.result(DEADLINE_S) in (sum_below(n), sum_below(n) + sum_below(n // 2))
                self.n_values += 1
            except TaskCancelledError:
                self.n_cancelled += 1

    def cancel(self, numbers):
        running = [node for node in list(self.session.graph.pending.values()) if node.started is not None]
        if running:
            self.session.cancel([numbers.choice(running)], "the hunt")
        time.sleep(numbers.choice([0, 0.0002, 0.002]))


@in_threads
def test_cancelling_at_random_breaks_nothing(engine):
    hunt = Hunt(engine, 1.5)
    for thread in hunt.threads:
        thread.start()
    for thread in hunt.threads:
        thread.join(2 * DEADLINE_S)
    assert not hunt.errors
    assert min(hunt.n_values, hunt.n_cancelled) > 10
    with contextlib.suppress(TaskCancelledError):
        barrier()
    assert_slots(2)
    assert not engine.engine._left


@in_threads
def test_what_cannot_be_shown_is_no_reason_to_wait_for_ever(engine, monkeypatch):
    def fail(*_):
        raise OSError("the terminal is gone")

    @task(killable=True)
    def speak():
        print("hello")

    monkeypatch.setattr("dsflow.engines.threads.write_tagged", fail)
    with pytest.raises(EngineError, match=r"speak-.* cannot be run: OSError: the terminal is gone"):
        wait_on(speak())
    assert_slots(2)
