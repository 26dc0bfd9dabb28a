"""Corners that a hostile reader found: each of them was wrong once."""

import random
import threading
import time

import numpy as np
import pytest

from dsflow import INOUT, Future, share, task, wait_on
from tests.dsflow.conftest import only


class Box:
    def __init__(self, future):
        self.future = future


@task
def fail(x):
    raise ValueError(x)


@task
def add(x, y):
    return x + y


@task(values=INOUT)
def append(values, item):
    values.append(item)


@task
def look(box):
    return repr(box.future.exception())


@only("threads")
def test_tasks_that_have_waited_do_not_run_beside_more_than_the_slots(engine):
    lock, running, most = threading.Lock(), [], []

    def busy():
        with lock:
            running.append(1)
            most.append(len(running))
        time.sleep(0.01)
        with lock:
            running.pop()

    one = add(1, 1)

    @task
    def parent(function):
        wait_on(add(one, 1))
        busy()

    wait_on([parent(None) for _ in range(12)])
    assert max(most) <= 2


def test_what_is_shared_is_what_tasks_have_made_of_it(engine):
    values = [1]
    append(values, 2)
    assert share(values).result() == [1, 2]
    assert wait_on(values) == [1, 2]


def test_a_future_that_has_failed_can_be_passed_on_in_an_object(engine):
    failed = fail(7)
    assert isinstance(failed.exception(), ValueError)
    looked, innocent = look(Box(failed)), add(1, 1)
    assert wait_on(innocent) == 2
    assert wait_on(looked) == "ValueError(7)"


def test_a_large_array_of_objects_holds_futures(engine):
    array = np.empty(200_000, dtype=object)
    array[0] = add(1, 2)

    @task
    def first(objects):
        return type(objects[0]) is Future and objects[0].result()

    assert wait_on(first(array)) == 3


def test_what_hides_its_state_is_a_new_object_after_wait_on(engine):
    @task(generator=INOUT)
    def draw(generator):
        generator.random()

    generator, plain = random.Random(0), random.Random(0)
    draw(generator)
    plain.random()
    assert wait_on(generator).random() == plain.random()


@only("serial", "threads")
def test_a_callback_may_call_a_task_and_wait_for_it(engine):
    came = threading.Event()
    found = []

    def call_another(future):
        found.append(add(future, 1).result(timeout=20))
        came.set()

    add(1, 1).add_done_callback(call_another)
    assert came.wait(20)
    assert found == [3]


def test_shared_structure_costs_no_more_than_it_has_parts(engine):
    nested = [add(0, 1)]
    for _ in range(60):
        nested = [nested, nested]

    @task
    def depth(value):
        n = 0
        while isinstance(value, list):
            value, n = value[0], n + 1
        return n, value

    assert wait_on(depth(nested)) == (61, 1)


@only("dask", "dask-inproc")
def test_text_that_cannot_be_encoded_is_printed_escaped(engine, capfd):
    @task
    def speak():
        print("a\udc80b")
        return 1

    assert wait_on(speak()) == 1


def test_failures_that_one_stands_for_do_not_fail_the_parent(engine):
    @task
    def parent():
        with pytest.raises(ValueError, match=r"[12]"):
            wait_on(add(fail(1), fail(2)))
        return "handled"

    assert wait_on(parent()) == "handled"
