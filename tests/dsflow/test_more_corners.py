"""More corners that a hostile reader found, of the parts that came later."""

import threading
import time
from pathlib import Path

import pytest

from dsflow import (
    COLLECTION_IN,
    DICTIONARY_INOUT,
    FILE_CONCURRENT,
    INOUT,
    OUT,
    Executor,
    SessionError,
    TaskGroup,
    barrier,
    explain,
    set_wall_clock,
    start,
    stop,
    task,
    wait_on,
    wait_on_file,
)
from tests.dsflow.conftest import only


@task(file=FILE_CONCURRENT)
def append_unless_one(file, number):
    if number == 1:
        raise ValueError("one")
    with Path(file).open("a") as stream:
        stream.write(str(number))


@task(file=FILE_CONCURRENT, number=INOUT)
def change_both(file, number):
    """Never runs: a number cannot be changed."""


@task(counter=INOUT)
def count(counter):
    counter["n"] += 1


@task(table=DICTIONARY_INOUT)
def fill(table):
    table["x"] = 1


@task(items=COLLECTION_IN)
def total(items):
    return sum(items)


@task
def call_with_item(function):
    function(3)


@task
def sleep_in_steps(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)


@task
def limit_the_session():
    set_wall_clock(60)


@task(values=INOUT)
def append_late(values, item):
    time.sleep(0.3)
    values.append(item)


@task(values=OUT, on_failure="IGNORE")
def fail_to_refill(values):
    raise ValueError("not today")


@only("serial", "threads", "dask-inproc")
def test_what_was_not_replaced_after_all_is_waited_for(engine):
    values = [1]
    append_late(values, 2)
    fail_to_refill(values)
    append_late(values, 3)
    assert wait_on(values) == [1, 2, 3]


@only("serial", "threads", "dask-inproc")
def test_what_others_wrote_to_a_shared_file_outlives_the_failure_of_one(engine, tmp_path):
    path = tmp_path / "shared.txt"
    path.write_text("base")
    for number in range(3):
        append_unless_one(str(path), number)
    with pytest.raises(ValueError, match="one"):
        wait_on_file(str(path))
    assert sorted(path.read_text()) == sorted("base02")


@only("serial")
def test_a_call_that_does_not_come_about_leaves_no_file_tracked(engine, tmp_path):
    path = tmp_path / "shared.txt"
    path.write_text("base")
    with pytest.raises(TypeError, match="cannot be changed"):
        change_both(str(path), 3)
    assert not engine.main.tracker.paths


@only("threads", "dask-inproc")
def test_threads_of_the_program_that_change_one_object_lose_nothing(engine):
    counter = {"n": 0}
    threads = [threading.Thread(target=lambda: [count(counter) for _ in range(20)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_on(counter)
    assert counter == {"n": 80}


@only("threads")
def test_a_callback_that_fails_costs_no_slot(engine, caplog):
    futures = [count({"n": 0}) for _ in range(1)]
    node = sleep_in_steps(0.1)._version.node
    engine.graph.on_settled(node, lambda _: 1 / 0)
    wait_on(futures)
    engine.wait([node])
    assert [wait_on(total([n])) for n in range(20)] == list(range(20))
    assert "what follows the end of" in caplog.text


@only("serial", "dask-inproc")
def test_a_group_is_entered_once(engine):
    group = TaskGroup("once")
    with group:
        total([1])
    with pytest.raises(RuntimeError, match="make another"), group:
        pass


@task
def fail_in_time(seconds):
    time.sleep(seconds)
    raise ValueError(f"after {seconds} s")


@only("threads", "dask-inproc")
def test_of_several_members_of_a_group_that_fail_the_first_one_is_raised_and_that_is_all(engine):
    with pytest.raises(ValueError, match="after"), TaskGroup("all fail"):
        for seconds in (0.05, 0.1):
            fail_in_time(seconds)
    time.sleep(0.2)
    barrier()


@only("serial", "threads", "dask-inproc")
def test_a_task_does_not_limit_the_time_of_the_session(engine):
    with pytest.raises(SessionError, match="main program"):
        limit_the_session().result()


@only("serial")
def test_a_method_written_in_c_takes_a_copy_of_its_object_along(engine):
    values = [1]
    wait_on(call_with_item(values.append))
    assert values == [1]


@only("serial")
def test_a_dictionary_is_a_dict_and_a_collection_is_a_list(engine):
    with pytest.raises(TypeError, match="not a dict"):
        fill([1])
    with pytest.raises(TypeError, match="not a list"):
        total({"x": 1})


@only("dask-inproc", "dask")
def test_explain_says_where_a_task_is_and_for_how_long(engine):
    future = sleep_in_steps(60)
    deadline = time.monotonic() + 30
    while "now at" not in explain(future) and time.monotonic() < deadline:
        time.sleep(0.02)
    text = explain(future)
    future.cancel()
    assert "running for" in text
    assert "test_more_corners.py" in text
    assert "on worker" in text


def test_values_reach_an_executor_though_the_session_is_stopped(no_session, inproc_client):
    start("dask", client=inproc_client)
    executor = Executor()
    futures = [executor.submit(pow, 2, n) for n in range(50)]
    stop()
    assert [future.result() for future in futures] == [2**n for n in range(50)]


def test_a_task_has_no_attributes_but_its_own():
    def function():
        return 1

    function.name = "nonsense"
    assert task(function).name == "function"
