"""Lists and dicts whose elements are data of their own, on every engine."""

import numpy as np
import pytest

import dsflow
from dsflow import (
    COLLECTION_IN,
    COLLECTION_INOUT,
    COLLECTION_OUT,
    CONCURRENT,
    DICTIONARY_INOUT,
    DICTIONARY_OUT,
    IN,
    INOUT,
    ArgumentError,
    task,
    wait_on,
)


@task
def add(x, y):
    return x + y


@task(values=INOUT)
def append(values, item):
    values.append(item)


@task(values=COLLECTION_INOUT(depth=1))
def increase(values):
    for i, value in enumerate(values):
        if isinstance(value, list):
            value.append(1)
        else:
            values[i] = value + 1


@task(values=COLLECTION_INOUT)
def increase_all(values):
    for i, value in enumerate(values):
        if isinstance(value, list):
            for j, inner in enumerate(value):
                value[j] = inner + 1
        else:
            values[i] = value + 1


@task(values=COLLECTION_OUT(depth=1))
def make(values):
    for i in range(len(values)):
        values[i] = np.full(2, i)


@task(values=COLLECTION_IN)
def total(values):
    return int(sum(np.sum(value) for value in values))


def test_elements_are_data_of_their_own(engine):
    inner = [5]
    values = [inner, 1, add(1, 1), np.float64(2)]
    increase(values)
    append(inner, 2)
    increase(values)
    middle = add(values[1], 0)
    wait_on(values[0])
    assert inner == [5, 1, 2, 1]
    assert wait_on(middle) == 3
    assert wait_on(values) == [[5, 1, 2, 1], 3, 4, 4.0]


def test_elements_are_made_in_their_places(engine):
    blocks = [None, object(), np.zeros(3), [], add(1, 1)]
    make(blocks)
    assert wait_on(total(blocks)) == 20
    assert wait_on(add(blocks[3], 1)).tolist() == [4, 4]
    assert [block.tolist() for block in wait_on(blocks)] == [[i, i] for i in range(5)]


def test_depth_says_how_far_a_collection_is_taken_apart(engine):
    @task(values=COLLECTION_INOUT(depth=1))
    def outer(values):
        values[0].append("outer")

    @task(values=COLLECTION_INOUT)
    def inmost(values):
        values[0][0] = "inmost"

    x = [[0], 1]
    outer(x)
    assert isinstance(x[0], list)
    assert wait_on(x[0]) == [0, "outer"]
    y = [[0], 1]
    inmost(y)
    assert isinstance(y[0][0], dsflow.Future)
    assert wait_on(y) == [["inmost"], 1]


def test_values_of_a_dict_are_data_of_their_own(engine):
    @task(prices=DICTIONARY_INOUT)
    def double(prices):
        for name in prices:
            prices[name] *= 2

    @task(prices=DICTIONARY_OUT)
    def zero(prices):
        for name in prices:
            prices[name] = 0

    prices, others = {"a": 1, "b": add(1, 1)}, dict.fromkeys("xy")
    double(prices)
    zero(others)
    assert wait_on(add(prices["b"], 1)) == 5
    assert wait_on(prices, others) == [{"a": 2, "b": 4}, {"x": 0, "y": 0}]


@pytest.mark.parametrize("change", ["append", "clear"])
def test_a_task_must_not_change_the_number_of_elements(engine, change):
    @task(values=COLLECTION_INOUT(depth=1))
    def resize(values):
        getattr(values, change)(*([1] if change == "append" else []))

    values = [[1], [2]]
    resize(values)
    with pytest.raises(ValueError, match=r"the list 'values' had 2 elements and has [30] elements now"):
        wait_on(values)
    assert values == [[1], [2]]


def test_a_collection_must_be_a_list_that_no_task_changes(engine):
    with pytest.raises(
        TypeError, match=r"argument 'values' is a tuple, not a list, and is declared COLLECTION_INOUT\(depth=1\)"
    ):
        increase((1, 2))
    values = [1]
    append(values, 2)
    with pytest.raises(ArgumentError, match=r"tasks are changing the list itself; call wait_on\(it\) first"):
        increase(values)
    values.append(values)
    wait_on(values)
    looped = []
    looped.append(looped)
    with pytest.raises(ArgumentError, match="contains itself"):
        increase_all(looped)


def test_objects_cannot_be_shared_by_tasks_that_run_at_once():
    with pytest.raises(TypeError, match="use COMMUTATIVE for an object, or FILE_CONCURRENT for a file"):

        @task(x=CONCURRENT)
        def change(x): ...


@pytest.mark.parametrize(
    ("make_direction", "error", "words"),
    [
        (lambda: IN(depth=2), TypeError, r"depth= is for collections; use COLLECTION_IN\(depth=2\)"),
        (lambda: COLLECTION_IN(depth=0), ValueError, "depth=0 is not a number of levels"),
        (lambda: dsflow.FILE_IN(copy=True), TypeError, "copy= is for objects"),
    ],
)
def test_options_of_directions_are_checked(make_direction, error, words):
    with pytest.raises(error, match=words):
        make_direction()
