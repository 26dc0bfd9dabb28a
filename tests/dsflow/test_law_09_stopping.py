"""Law 9: stopping works: what runs Python code is interrupted, what has not started never does."""

import statistics
import threading
import time

import pytest

import dsflow
from dsflow import INOUT, TaskCancelledError, explain, task, wait_on
from dsflow._interrupt import TaskInterrupted
from tests.dsflow import stage as staging
from tests.dsflow.conftest import only
from tests.dsflow.stage import (
    Box,
    add,
    assert_slots,
    block,
    cancel_all,
    cancelling_when_started,
    comes_true,
    here,
    in_threads,
    note,
    spin,
    stage,
)

clean = staging.clean


# --- what runs Python code -------------------------------------------------------------------------------------------


@here
def test_a_running_task_is_interrupted_and_cleans_up(engine):
    with cancelling_when_started(engine):
        future = spin()
        with pytest.raises(TaskCancelledError, match=r"spin-.*was cancelled: the test says so"):
            wait_on(future)
    assert comes_true(lambda: stage.events == ["interrupted", "cleaned up"])
    assert wait_on(add(1, 2)) == 3


@here
def test_what_depends_on_a_cancelled_task_is_cancelled(engine):
    with cancelling_when_started(engine):
        future = note("not reached", spin())
        with pytest.raises(TaskCancelledError):
            wait_on(add(future, 1))
    assert future.cancelled()
    assert "not reached" not in stage.events


@here
def test_a_change_that_was_cancelled_is_none(engine):
    @task(values=INOUT)
    def fill(values):
        values.append(1)
        spin.__wrapped__()

    values = [0]
    with cancelling_when_started(engine):
        fill(values)
        with pytest.raises(TaskCancelledError):
            wait_on(values)
    assert values == [0]


@here
def test_the_result_of_a_task_that_swallows_the_interrupt_is_dropped(engine):
    @task
    def stubborn():
        try:
            spin.__wrapped__()
        except BaseException:
            return "done all the same"

    with cancelling_when_started(engine):
        future = stubborn()
        with pytest.raises(TaskCancelledError):
            wait_on(future)
    assert comes_true(lambda: "interrupted" in stage.events)
    assert wait_on(add(1, 2)) == 3
    assert future.cancelled()


@here
def test_a_task_ends_through_those_it_has_called(engine):
    @task
    def outer(depth):
        if depth:
            wait_on(outer(depth - 1))
        else:
            spin.__wrapped__()
        stage.events.append("not reached")

    with cancelling_when_started(engine):
        with pytest.raises(TaskCancelledError):
            wait_on(outer(45))
    assert comes_true(lambda: stage.events == ["interrupted", "cleaned up"])
    assert wait_on(add(1, 2)) == 3


@only("serial")
def test_what_a_cancelled_task_has_called_is_cancelled(engine):
    @task
    def outer(depth):
        return outer(depth - 1) if depth else spin.__wrapped__()

    def work():
        stage.wait_until_started()
        first = next(iter(engine.graph.pending.values()))
        engine.cancel([first], "the test says so")

    thread = threading.Thread(target=work)
    thread.start()
    assert outer(45).cancelled()
    thread.join()
    assert not engine.graph.pending


@here
def test_an_inner_task_is_cancelled_alone(engine):
    @task
    def outer():
        future = spin()
        try:
            wait_on(future)
        except TaskCancelledError:
            return "goes on"

    def work():
        stage.wait_until_started()
        inner = [node for node in engine.graph.pending.values() if node.name == "spin"]
        engine.cancel(inner, "the test says so")

    thread = threading.Thread(target=work)
    thread.start()
    assert wait_on(outer()) == "goes on"
    thread.join()


@in_threads
def test_a_task_that_waits_for_others_is_interrupted(engine):
    blocked = block()

    @task
    def waits(box):
        stage.started.release()
        try:
            box.future.result()
        except TaskInterrupted:
            stage.events.append("interrupted")
            raise

    waiting = waits(Box(blocked))
    third = block()
    stage.wait_until_started(3)
    assert waiting.cancel()
    assert comes_true(lambda: stage.events == ["interrupted"]), "it needs no slot for that"
    stage.unblock()
    wait_on([blocked, third])
    assert_slots(2)


@in_threads
def test_a_cancelled_task_calls_no_others(engine):
    @task
    def calls():
        stage.started.release()
        while True:
            note("called")

    future = calls()
    stage.wait_until_started()
    assert comes_true(lambda: len(stage.events) > 3)
    assert future.cancel()
    cancel_all(engine)
    assert comes_true(lambda: not engine.graph.pending)
    assert_slots(2)


# --- what has not started --------------------------------------------------------------------------------------------


@in_threads
def test_cancelled_tasks_that_are_queued_never_start(engine):
    busy = [block() for _ in range(2)]
    stage.wait_until_started(2)
    queued = [note(n) for n in range(20)]
    for future in queued[::2]:
        assert future.cancel()
        assert future.cancelled()
    stage.unblock()
    wait_on([*busy, *queued[1::2]])
    assert [event for event in stage.events if event != "unblocked"] == list(range(1, 20, 2))


@in_threads
def test_a_task_that_is_cancelled_at_the_last_moment_does_not_start(engine):
    busy = [block() for _ in range(2)]
    stage.wait_until_started(2)
    future = note("started")
    node = future._version.node
    assert future.cancel()
    assert engine.engine._runner.run(node, "this thread") is None
    stage.unblock()
    wait_on(busy)
    assert "started" not in stage.events


@in_threads
def test_cancelling_a_task_costs_the_same_among_few_and_many(engine):
    def duration(n):
        """The median time of batches of 20: the garbage collector makes some of them long."""
        futures = [note(k) for k in range(n)]
        durations = []
        for position in range(0, n, 20):
            start = time.perf_counter()
            for future in futures[position : position + 20]:
                future.cancel()
            durations.append(time.perf_counter() - start)
        return statistics.median(durations)

    busy = [block() for _ in range(2)]
    stage.wait_until_started(2)
    few = min(duration(200) for _ in range(5))
    many = duration(4000)
    assert many < 4 * few
    assert len(engine.engine._ready) < 1000, "they are not kept either"
    stage.unblock()
    wait_on(busy)


# --- saying where things are -----------------------------------------------------------------------------------------


@in_threads
def test_it_is_said_where_a_running_task_is(engine):
    future = block()
    stage.wait_until_started()
    text = explain(future)
    assert "running for" in text
    assert "in thread-0, now at" in text
    assert "stage.py:" in text
    stage.unblock()


def test_it_is_said_how_many_are_queued_before_a_task(no_session):
    @task(priority=2)
    def important():
        return 1

    with dsflow.start("threads", workers=1):
        busy = block()
        stage.wait_until_started()
        queued = [note(n) for n in range(3)]
        first = important()
        assert "all 1 slots are busy and 3 tasks are queued before it" in explain(queued[2])
        assert "0 tasks of priority 2 or higher are queued before it" in explain(first)
        stage.unblock()
        wait_on([busy, *queued, first])
