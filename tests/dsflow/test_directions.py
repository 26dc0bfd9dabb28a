"""What each direction means, on every engine; the random programs of law 1 combine them."""

import threading

import numpy as np
import pytest

import dsflow
from dsflow import (
    COLLECTION_IN_DELETE,
    COLLECTION_INOUT,
    COMMUTATIVE,
    IN,
    IN_DELETE,
    INOUT,
    OUT,
    ArgumentError,
    delete_object,
    task,
    wait_on,
)
from tests.dsflow.conftest import only


class Box:
    def __init__(self, content=None):
        self.content = content

    @task
    def put(self, content):
        self.content = content

    @task(target_direction=IN)
    def doubled(self):
        return self.content * 2

    @task(self=COMMUTATIVE)
    def add(self, n):
        self.content += n


class NeedsArguments:
    def __init__(self, x):
        self.x = x


@task
def add(x, y):
    return x + y


@task
def fail():
    raise LookupError("on purpose")


@task(x=OUT)
def fill(x, value):
    if isinstance(x, np.ndarray):
        assert not x.any()
        x[...] = value
    elif isinstance(x, Box):
        assert x.content is None
        x.content = value
    else:
        assert len(x) == 0
        x.append(value)


@task(values=INOUT)
def append(values, item):
    values.append(item)


@task(values=COMMUTATIVE)
def collect(values, item):
    values.append(item)


@task(values=COMMUTATIVE, others=COMMUTATIVE)
def collect_in_two(values, others, item):
    values.append(item)
    others.append(item)


# --- OUT, IN_DELETE --------------------------------------------------------------------------------------------------


def test_an_argument_that_is_filled_arrives_empty_and_goes_back_full(engine):
    array, items, box = np.ones((2, 3), np.float32), [1, 2], Box("old")
    for each in (array, items, box):
        fill(each, 4)
    assert wait_on(array).tolist() == [[4] * 3] * 2
    assert array.dtype == np.float32
    assert wait_on(items) == [4]
    assert wait_on(box).content == 4


def test_what_is_filled_does_not_wait_for_what_it_was(engine):
    items = []
    append(items, fail())
    fill(items, 1)
    assert wait_on(items) == [1]
    with pytest.raises(LookupError):
        dsflow.barrier()


def test_a_class_that_needs_arguments_cannot_be_made_empty(engine):
    with pytest.raises(TypeError, match=r"NeedsArguments\(\) needs arguments; give them defaults, or declare"):
        fill(NeedsArguments(1), 2)


def test_a_value_that_was_given_up_is_gone_and_says_to_whom(engine):
    @task(x=IN_DELETE)
    def last(x):
        return x

    future = add(1, 2)
    result = last(future)
    with pytest.raises(ArgumentError, match=r"it was given up to last-.* by IN_DELETE; its value is gone"):
        add(future, 1)
    assert wait_on(result) == 3


def test_an_object_that_was_given_up_is_passed_as_it_is_afterwards(engine):
    @task(values=COLLECTION_IN_DELETE)
    def last(values):
        return [list(value) for value in values]

    inner = [1]
    append(inner, 2)
    result = last([inner])
    assert wait_on(result) == [[1, 2]]
    assert wait_on(add(inner, [9])) == [1, 9]


def test_a_deleted_object_is_passed_as_it_is_afterwards(engine):
    values, future = [1], add(1, 1)
    append(values, 2)
    delete_object(values, [future])
    assert wait_on(add(values, [])) == [1]
    with pytest.raises(ArgumentError, match="deleted by delete_object"):
        wait_on(future)


# --- methods and varargs ---------------------------------------------------------------------------------------------


def test_the_direction_of_self_can_be_given_as_target_direction(engine):
    box = Box()
    box.put(4)
    assert wait_on(box.doubled()) == 8
    for n in range(4):
        box.add(n)
    assert wait_on(box).content == 10


def test_the_direction_of_varargs_is_that_of_each(engine):
    @task(lists=INOUT)
    def append_to_all(item, *lists):
        for each in lists:
            each.append(item)

    x, y = [], []
    append_to_all(1, x, y, x)
    assert wait_on(x, y) == [[1, 1], [1]]


# --- COMMUTATIVE -----------------------------------------------------------------------------------------------------


def test_all_commutative_changes_are_there_afterwards(engine):
    values = [0]
    for i in range(1, 20):
        collect(values, add(i, 0))
    size = add(values, [20])
    for i in range(20, 25):
        collect(values, i)
    append(values, 25)
    assert sorted(wait_on(size)) == list(range(21))
    wait_on(values)
    assert values[-1] == 25
    assert sorted(values) == list(range(26))


@pytest.mark.usefixtures("engine")
@only("threads")
def test_a_commutative_call_goes_before_one_that_is_not_ready():
    DOOR.clear()
    values = []
    collect_and_open(values, wait_for_door())
    collect_and_open(values, "early")
    assert wait_on(values) == ["early", "late"]


DOOR = threading.Event()


@task
def wait_for_door():
    assert DOOR.wait(60)
    return "late"


@task(values=COMMUTATIVE)
def collect_and_open(values, item):
    values.append(item)
    if item == "early":
        DOOR.set()


def test_two_commutative_data_are_changed_in_the_same_order(engine):
    x, y = [], []
    for i in range(10):
        collect_in_two(*((x, y) if i % 2 else (y, x)), add(i, 0))
    wait_on(x, y)
    assert x == y
    assert sorted(x) == list(range(10))


def test_an_object_may_be_read_and_changed_commutatively_by_one_call(engine):
    @task(values=COMMUTATIVE)
    def collect_sum(values, others):
        values.append(sum(others))

    values = [1]
    collect_sum(values, values)
    collect(values, 5)
    collect_sum(values, [values, 1][0])
    wait_on(values)
    assert values[0] == 1
    assert len(values) == 4


def test_a_commutative_call_that_fails_spoils_what_comes_after(engine):
    values = [1]
    collect(values, fail())
    collect(values, 2)
    with pytest.raises(LookupError):
        wait_on(values)
    assert values in ([1], [1, 2])  # what those did that succeeded is kept
    collect(values, 3)
    assert wait_on(values)[-1] == 3


def test_after_a_failure_an_object_is_what_the_last_task_left_that_succeeded(engine):
    @task(values=OUT)
    def fill_badly(values):
        raise LookupError("badly")

    values = [0]
    append(values, 1)
    fill_badly(values)
    with pytest.raises(LookupError, match="badly"):
        wait_on(values)
    assert values == [0, 1]


def test_two_names_in_one_call_are_one_object(engine):
    @task(x=COMMUTATIVE, y=INOUT)
    def both(x, y):
        x.append(3)
        y.append(4)

    @task(x=OUT, y=INOUT)
    def fill_and_append(x, y):
        x[:] = [4]
        y.append(5)

    a, b = [1], [1]
    both(a, a)
    fill_and_append(b, b)
    assert wait_on(a, b) == [[1, 3, 4], [4, 5]]

    @task(x=COLLECTION_INOUT)
    def whole_and_parts(x, y): ...

    with pytest.raises(ArgumentError, match="the list passed as 'y' is passed as a collection too"):
        whole_and_parts(a, a)
