"""Law 6: what a failure means, alone and in a group. Laws 3 and 5 hold in each case: old versions stay, errors tell."""

import logging
import threading
import time
from pathlib import Path

import pytest

import dsflow
from dsflow import (
    CANCEL_SUCCESSORS,
    COLLECTION_INOUT,
    FILE_OUT,
    IGNORE,
    INOUT,
    RETRY,
    TaskCancelledError,
    TaskGroup,
    barrier,
    barrier_group,
    cancel_group,
    task,
    wait_on,
)
from dsflow._graph import Outcome
from dsflow._ordering import Graph
from tests.dsflow.conftest import only


@task
def add(x, y):
    return x + y


@task
def fail(text="on purpose"):
    raise LookupError(text)


@task(values=INOUT)
def append(values, item):
    values.append(item)


def settle(future):
    """Wait for the end of a task, without a look at what came of it."""
    while not future.done():
        time.sleep(0.001)


# --- RETRY -----------------------------------------------------------------------------------------------------------


@task(on_failure=RETRY, values=INOUT)
def fail_some_times(values, path, n_failures):
    """Counts its tries beside, and spoils its argument before it fails."""
    values.append("try")
    with Path(path).open("a") as file:
        file.write("x")
    if Path(path).stat().st_size <= n_failures:
        raise LookupError(f"failure {Path(path).stat().st_size}")
    return Path(path).stat().st_size


def test_a_retried_task_starts_from_what_its_arguments_were(engine, tmp_path):
    values = [0]
    append(values, 1)
    tries = fail_some_times(values, tmp_path / "tries", 2)
    append(values, 2)
    total = add(tries, 10)
    assert wait_on(values) == [0, 1, "try", 2]
    assert wait_on(tries, total) == [3, 13]


def test_a_task_is_retried_three_times_and_then_fails(engine, tmp_path):
    values = [0]
    tries = fail_some_times(values, tmp_path / "tries", 99)
    with pytest.raises(LookupError, match="failure 4"):
        wait_on(add(tries, 1))
    assert (tmp_path / "tries").read_text() == "xxxx"
    with pytest.raises(LookupError):
        wait_on(values)
    assert values == [0]


def test_retries_are_told_in_the_log(engine, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "dsflow"):
        wait_on(fail_some_times([], tmp_path / "tries", 1))
    assert [record.getMessage() for record in caplog.records if "runs again (1 of 3)" in record.getMessage()]


# --- IGNORE ----------------------------------------------------------------------------------------------------------


def test_an_ignored_failure_gives_the_defaults_and_dependants_run(engine):
    @task(on_failure=IGNORE, defaults={"returns": 40})
    def fail_with_default():
        raise LookupError

    @task(on_failure=IGNORE, returns=2, defaults={"returns": (1, 2)})
    def fail_with_two():
        raise LookupError

    first, second = fail_with_two()
    assert wait_on(add(fail_with_default(), 2), add(first, second)) == [42, 3]


def test_without_a_default_a_result_is_none_and_an_argument_what_it_was(engine, caplog):
    @task(on_failure=IGNORE, values=INOUT, fresh=INOUT)
    def spoil(values, fresh):
        values.append("spoiled")
        fresh["spoiled"] = True
        raise LookupError("ignored")

    values, fresh = [0], {"n": 0}
    append(values, 1)
    with caplog.at_level(logging.WARNING, "dsflow"):
        result = spoil(values, fresh)
        assert wait_on(result) is None
    append(values, 2)
    assert wait_on(values, fresh) == [[0, 1, 2], {"n": 0}]
    assert len([record for record in caplog.records if "is ignored" in record.getMessage()]) == 1


def test_without_a_default_elements_stay_what_they_were_beside_a_value_that_is_not_here(engine):
    @task
    def make(n):
        return bytes(n)

    @task(on_failure=IGNORE, rows=COLLECTION_INOUT(depth=1))
    def spoil(rows, far):
        rows[:] = [far] * 3
        raise LookupError

    rows = [1, [2], 3]
    spoil(rows, make(1_000_000))
    assert wait_on(rows) == [1, [2], 3]


def test_defaults_may_name_parameters_and_files(engine, tmp_path):
    @task(on_failure=IGNORE, defaults={"values": [7], "path": str(tmp_path / "default")}, values=INOUT, path=FILE_OUT)
    def spoil(values, path, other):
        raise LookupError

    @task(on_failure=IGNORE, path=FILE_OUT)
    def write_nothing(path):
        raise LookupError

    (tmp_path / "default").write_text("default")
    values = [0]
    spoil(values, tmp_path / "a", 1)
    write_nothing(tmp_path / "b")
    assert wait_on(values) == [7]
    dsflow.wait_on_file(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a").read_text() == "default"
    assert (tmp_path / "b").read_text() == ""


# --- CANCEL_SUCCESSORS, FAIL -----------------------------------------------------------------------------------------


def test_only_successors_are_cancelled_and_only_who_asks_is_told(engine):
    @task(on_failure=CANCEL_SUCCESSORS)
    def fail_quietly():
        raise LookupError("quiet")

    failed = fail_quietly()
    successor, other = add(failed, 1), add(1, 1)
    barrier()
    assert wait_on(other) == 2
    with pytest.raises(LookupError, match="quiet"):
        wait_on(successor)


def test_a_failure_is_raised_at_the_next_barrier_and_the_session_lives(engine):
    fail()
    with pytest.raises(LookupError):
        barrier()
    barrier()
    assert wait_on(add(1, 2)) == 3


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"on_failure": "REPEAT"}, ValueError, "on_failure='REPEAT' is not one of FAIL, RETRY, CANCEL_SUCCESSORS, IGN"),
        ({"defaults": {"returns": 1}}, ValueError, "defaults= are used with on_failure=IGNORE only"),
        ({"on_failure": IGNORE, "defaults": {"z": 1}}, ValueError, r"defaults= names \['z'\]; it takes 'returns'"),
        ({"on_failure": RETRY, "side_effects": True}, ValueError, "would repeat its side effects"),
        ({"time_out": 0}, ValueError, "time_out=0 is not a number of seconds"),
        ({"priority": "high"}, TypeError, "priority='high' is not an int"),
    ],
)
def test_options_are_checked_where_the_task_is_written(options, error, words):
    with pytest.raises(error, match=words):

        @task(**options)
        def function(x): ...


# --- groups ----------------------------------------------------------------------------------------------------------


def test_the_end_of_a_group_waits_for_its_tasks(engine):
    with TaskGroup("outer"):
        first = add(1, 1)
        with TaskGroup("inner"):
            second = add(first, 1)
        assert second.done()
        third = add(second, 1)
    assert third.done()
    assert wait_on(third) == 4


def test_a_group_without_a_barrier_is_waited_for_by_its_name(engine):
    with TaskGroup("late", implicit_barrier=False):
        futures = [add(i, 1) for i in range(5)]
    barrier_group("late")
    assert all(future.done() for future in futures)
    with pytest.raises(ValueError, match="no group 'unknown' was opened by this caller; groups: 'late'"):
        barrier_group("unknown")


def test_a_group_raises_what_a_member_raised_and_later_members_are_cancelled(engine):
    with pytest.raises(LookupError, match="on purpose"), TaskGroup("doomed"):
        settle(fail())
        late = [add(i, 1) for i in range(3)]
    outside = add(1, 1)
    for future in late:
        with pytest.raises(TaskCancelledError, match="of its group 'doomed', has failed") as caught:
            wait_on(future)
        assert isinstance(caught.value.__cause__, LookupError)
    assert wait_on(outside) == 2
    barrier()


def test_members_that_wait_are_cancelled_and_others_go_on(engine):
    @task
    def wait_for(flag):
        return flag.wait(60) if hasattr(flag, "wait") else flag

    with pytest.raises(LookupError), TaskGroup("doomed"):
        failed = fail()
        successors = [add(failed, i) for i in range(3)]
    for future in successors:
        assert isinstance(future.exception(), (LookupError, TaskCancelledError))
    assert wait_on(wait_for(1)) == 1


@only("threads", "dask", "dask-inproc")
def test_members_that_run_go_on_when_another_fails(engine):
    @task
    def run_on():
        time.sleep(0.6)
        return "done"

    @task
    def fail_soon():
        time.sleep(0.2)
        raise LookupError("soon")

    with pytest.raises(LookupError, match="soon"), TaskGroup("mixed"):
        running = run_on()
        fail_soon()
        waiting = [add(i, 1) for i in range(40)]
    assert wait_on(running) == "done"
    assert all(future.exception() is None or isinstance(future.exception(), TaskCancelledError) for future in waiting)


def test_a_failure_in_an_inner_group_ends_the_outer_one_too(engine):
    with pytest.raises(LookupError), TaskGroup("outer"):
        with TaskGroup("inner", implicit_barrier=False):
            settle(fail())
        late = add(1, 1)
    assert isinstance(late.exception(), TaskCancelledError)


@only("threads")
def test_a_group_may_fail_while_a_task_is_called_in_it(engine, monkeypatch):
    told = threading.Event()

    @task
    def fail_when_told():
        told.wait(20)
        raise LookupError("told")

    def add_late(graph, node, outputs, *, follow):
        if node.name == "add":
            told.set()
            deadline = time.monotonic() + 20
            while group._end is None and time.monotonic() < deadline:
                time.sleep(0.001)
        return add_node(graph, node, outputs, follow=follow)

    add_node = Graph.add
    monkeypatch.setattr(Graph, "add", add_late)
    with TaskGroup("racing", implicit_barrier=False) as group:
        fail_when_told()
        late = add(1, 1)
    late.exception(20)
    left = list(engine.graph.pending.values())
    engine.graph.pending.clear()  # what is settled and in there would keep stop() from ending
    assert not left
    assert isinstance(late.exception(), TaskCancelledError)
    with pytest.raises(LookupError, match="told"):
        group.barrier()


@only("threads")
def test_a_task_may_end_before_its_group_knows_of_it(engine, monkeypatch):
    def add_early(graph, node, outputs, *, follow):
        failure = add_node(graph, node, outputs, follow=follow)
        if node.name == "add":
            engine.settle(node, Outcome(stored=[3]))
        return failure

    add_node = Graph.add
    monkeypatch.setattr(Graph, "add", add_early)
    with TaskGroup("racing") as group:
        early = add(1, 2)
    assert early.done()
    assert not group._members()


def test_an_ignored_failure_ends_no_group(engine):
    @task(on_failure=IGNORE)
    def fail_quietly():
        raise LookupError

    with TaskGroup("fine"):
        fail_quietly().exception()
        total = add(1, 1)
    assert wait_on(total) == 2


def test_a_cancelled_group_takes_no_more_members(engine):
    with TaskGroup("stopped", implicit_barrier=False) as group:
        add(1, 1)
        cancel_group("stopped")
        late = add(1, 1)
    assert isinstance(late.exception(), TaskCancelledError)
    group.barrier()
    with TaskGroup("stopped"):  # a new one of that name
        assert wait_on(add(1, 2)) == 3


def test_a_block_that_is_left_by_an_exception_cancels_its_tasks(engine):
    with pytest.raises(ZeroDivisionError), TaskGroup("left"):
        pending = add(add(1, 1), 1)
        1 / 0
    assert pending.exception() is None or isinstance(pending.exception(), TaskCancelledError)
    barrier()


@only("threads")
def test_cancelling_a_group_stops_members_that_run(engine):
    started = threading.Event()

    @task
    def spin():
        started.set()
        while True:
            pass

    with TaskGroup("spinning", implicit_barrier=False):
        running = spin()
    assert started.wait(60)
    cancel_group("spinning")
    with pytest.raises(TaskCancelledError, match="its group 'spinning' was cancelled"):
        wait_on(running)
    assert wait_on([add(i, 1) for i in range(4)]) == [1, 2, 3, 4]


def test_tasks_that_are_called_by_tasks_have_groups_of_their_own(engine):
    @task
    def nested():
        try:
            with TaskGroup("inside"):
                fail("inside")
        except LookupError as error:
            return str(error)

    with TaskGroup("outside"):
        results = [nested(), nested()]
    assert wait_on(results) == ["inside", "inside"]
