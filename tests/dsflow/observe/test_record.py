"""The recorder: one record a task for the last ones, totals for all, and nothing of the program."""

import gc
import threading
import time
import weakref

import numpy as np
import pytest

import dsflow
from dsflow import INOUT, task, wait_on
from dsflow.observe import Recorder

pytestmark = pytest.mark.usefixtures("no_session")


@task
def double(x):
    return 2 * x


@task
def fail(x):
    raise KeyError(x)


@task
def nested(x):
    return double(double(x))


@task(x=INOUT)
def append(x, item):
    x.append(item)


@task(returns=2)
def split(x):
    return x, x


@task
def add(x, y):
    return x + y


@task
def pause(seconds):
    time.sleep(seconds)


def by_name(recorder):
    return {record.name: record for record in recorder}


def test_records_stand_in_the_order_of_the_calls_with_name_place_and_state():
    with dsflow.start("serial") as session:
        recorder = Recorder.of(session)
        double(double(1))
        append([], 1)
    records = list(recorder)
    assert [record.name for record in records] == ["double", "double", "append"]
    assert {record.state for record in records} == {"done"}
    assert "test_record.py" in records[0].site
    assert all(record.key.startswith(record.name) for record in records)
    assert len({record.key for record in records}) == 3


def test_a_record_tells_when_and_where_the_task_ran():
    with dsflow.start("serial") as session:
        recorder = Recorder.of(session)
        before = time.time()
        pause(0.02)
    (record,) = recorder
    assert before - 0.1 <= record.submitted <= record.run.start <= record.run.end <= time.time()
    assert 0.02 <= record.seconds < 1
    assert record.run.worker == "main"


def test_totals_count_calls_ends_and_bytes_by_name():
    with dsflow.start("serial") as session:
        recorder = Recorder.of(session)
        for _ in range(3):
            double(np.zeros(1000))
        with pytest.raises(KeyError):
            wait_on(fail(1))
    totals = recorder.totals()
    assert list(totals) == ["double", "fail"]
    assert (totals["double"].called, totals["double"].done, totals["double"].failed) == (3, 3, 0)
    assert (totals["fail"].called, totals["fail"].done, totals["fail"].failed) == (1, 0, 1)
    assert totals["double"].settled == totals["double"].called
    assert 3 * 8000 <= totals["double"].bytes_out < 3 * 9000
    assert 3 * 8000 <= totals["double"].bytes_in < 3 * 9000
    assert totals["double"].seconds > 0


def test_totals_are_a_copy_of_the_moment():
    with dsflow.start("serial") as session:
        recorder = Recorder.of(session)
        double(1)
        before = recorder.totals()
        double(1)
        before["double"].called += 10
        assert recorder.totals()["double"].called == 2


def test_what_reads_the_result_of_a_failed_task_is_cancelled():
    gate = threading.Event()

    @task
    def fail_late():
        gate.wait(10)
        raise KeyError

    with dsflow.start("threads", workers=2) as session:
        recorder = Recorder.of(session)
        future = double(double(fail_late()))
        gate.set()
        with pytest.raises(KeyError):
            wait_on(future)
        states = [record.state for record in recorder]
    assert states == ["failed", "cancelled", "cancelled"]
    assert recorder.totals()["double"].cancelled == 2
    assert list(recorder)[1].run is None
    assert list(recorder)[1].seconds == 0


def test_what_is_called_with_a_result_that_has_failed_already_is_cancelled():
    with dsflow.start("serial") as session:
        recorder = Recorder.of(session)
        with pytest.raises(KeyError):
            wait_on(double(fail(1)))
    assert by_name(recorder)["double"].state == "cancelled"


def test_what_a_session_gives_up_is_cancelled():
    gate = threading.Event()

    @task
    def block():
        gate.wait(10)

    session = dsflow.start("threads", workers=1)
    recorder = Recorder.of(session)
    add(block(), 1)
    assert {record.state for record in recorder} == {"pending"}
    session.cancel(list(session.graph.pending.values()), "the test wants it")
    assert [record.state for record in recorder] == ["cancelled", "cancelled"]
    gate.set()
    dsflow.stop()


def test_a_record_names_the_tasks_it_reads_each_once():
    with dsflow.start("serial") as session:
        recorder = Recorder.of(session)
        one = double(1)
        left, right = split(one)
        add(left, right)
        add([one], [one, left])
        add(1, 2)
    made, parted, *added = recorder
    assert made.reads == ()
    assert parted.reads == (made.key,)
    assert added[0].reads == (parted.key,)
    assert set(added[1].reads) == {made.key, parted.key}
    assert added[2].reads == ()


def test_a_change_reads_the_change_before_it():
    x = []
    with dsflow.start("serial") as session:
        recorder = Recorder.of(session)
        append(x, 1)
        append(x, 2)
    first, second = recorder
    assert first.reads == ()
    assert second.reads == (first.key,)


@pytest.mark.parametrize("name", ["serial", "threads"])
def test_nested_tasks_name_their_caller_whose_time_does_not_count_twice(name):
    with dsflow.start(name) as session:
        recorder = Recorder.of(session)
        assert wait_on(nested(3)) == 12
    outer, *inner = recorder
    assert outer.caller is None
    assert outer.calls
    assert [record.caller for record in inner] == [outer.key] * 2
    assert not any(record.calls for record in inner)
    assert inner[1].reads == (inner[0].key,)
    assert recorder.span().busy_s == pytest.approx(sum(record.seconds for record in inner))


def test_a_task_whose_child_fails_has_failed_itself():
    @task
    def call_fail():
        return fail(1)

    with dsflow.start("serial") as session:
        recorder = Recorder.of(session)
        with pytest.raises(KeyError):
            wait_on(call_fail())
    assert [record.state for record in recorder] == ["failed", "failed"]


def test_the_number_of_records_is_bounded_and_totals_go_on():
    with dsflow.start("serial") as session:
        recorder = Recorder(keep=5)
        session.listeners.append(recorder)
        for k in range(20):
            double(k)
        add(1, 2)
    assert [record.name for record in recorder] == ["double"] * 4 + ["add"]
    assert recorder.totals()["double"].done == 20
    assert not recorder._pending


def test_a_recorder_may_keep_totals_only():
    with dsflow.start("serial") as session:
        recorder = Recorder(keep=0)
        session.listeners.append(recorder)
        double(1)
    assert list(recorder) == []
    assert recorder.totals()["double"].done == 1


def test_a_recorder_keeps_no_value_and_no_node_alive():
    seen = []

    class Watcher:
        def submitted(self, node):
            seen.append(weakref.ref(node))

        def settled(self, node):
            pass

    with dsflow.start("serial") as session:
        recorder = Recorder.of(session)
        session.listeners.append(Watcher())
        future = double(np.zeros(1000))
        seen += [weakref.ref(future._version), weakref.ref(session)]
        del future
        gc.collect()
        assert [reference() for reference in seen] == [None, None, session]
    del session
    gc.collect()
    assert seen[-1]() is None
    assert recorder.totals()["double"].done == len(list(recorder)) == 1


def test_a_session_has_one_recorder():
    with dsflow.start("serial") as session:
        assert Recorder.of(session) is Recorder.of() is Recorder.of(session)
    with dsflow.start("serial") as other:
        assert list(Recorder.of(other)) == []


def test_a_recorder_without_a_session_is_an_error_that_says_what_to_do():
    with pytest.raises(dsflow.SessionError, match=r"Recorder\.of: no session is active; call dsflow\.start\(\)"):
        Recorder.of()


def test_tasks_called_before_the_recorder_was_attached_are_left_out():
    gate = threading.Event()

    @task
    def early():
        gate.wait(10)
        return 1

    with dsflow.start("threads", workers=1) as session:
        first = early()
        recorder = Recorder.of(session)
        second = double(first)
        gate.set()
        assert wait_on(second) == 2
    assert [record.name for record in recorder] == ["double"]
    assert list(recorder.totals()) == ["double"]


def test_the_span_goes_from_the_first_call_to_the_last_end_or_to_now():
    gate = threading.Event()

    @task
    def block():
        gate.wait(10)

    with dsflow.start("threads", workers=1) as session:
        recorder = Recorder.of(session)
        assert recorder.span().begin == recorder.span().end == 0
        future = block()
        first = recorder.span()
        time.sleep(0.01)
        assert recorder.span().end > first.end >= first.begin > 0
        gate.set()
        wait_on(future)
    ended = recorder.span()
    time.sleep(0.01)
    assert recorder.span() == ended
    assert ended.begin == first.begin
    assert ended.busy_s > 0


def test_records_may_be_read_while_tasks_are_called():
    with dsflow.start("threads", workers=2) as session:
        recorder = Recorder.of(session)
        for k in range(200):
            double(k)
            assert len(list(recorder)) == k + 1
        dsflow.barrier()
    assert recorder.totals()["double"].done == 200


def test_records_of_tasks_on_dask_name_their_worker(inproc_client):
    with dsflow.start(client=inproc_client) as session:
        recorder = Recorder.of(session)
        wait_on([double(double(1)), double(np.zeros(1000))])
    assert {record.state for record in recorder} == {"done"}
    assert {record.run.worker for record in recorder} <= {"worker 0", "worker 1"}
    first, second, _ = recorder
    assert second.reads == (first.key,)
    assert recorder.totals()["double"].bytes_out >= 8000
