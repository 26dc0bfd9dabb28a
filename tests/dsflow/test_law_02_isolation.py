"""Law 2: values cross boundaries frozen, on every engine."""

import time

import numpy as np
import pytest

from dsflow import IN, INOUT, share, task, wait_on
from tests.dsflow.conftest import only

LARGE = 200_000
"""Elements of an array that engines hold apart from the call."""


class Bag:
    def __init__(self, items):
        self.items = items


@task
def later(value):
    time.sleep(0.05)
    return value


@task
def copied(value, after=None):
    return list(value)


@task
def first(array, after=None):
    return int(array[0])


@task
def item_of(bag, after=None):
    return list(bag.items)


@task
def undeclared_append(values):
    values.append("mine alone")
    return len(values)


@task
def writeable_flags(array, in_list, in_dict, bag):
    return [each.flags.writeable for each in (array, in_list[0], in_dict["x"], bag.items)]


@task
def make_array(n):
    return np.arange(n)


@task
def write_undeclared(array):
    array[0] = 7


@task(array=IN(copy=True))
def write_to_copy(array, in_list=None):
    array[0] = 7
    return int(array[0])


@task(arrays=IN(copy=True))
def write_to_copies(arrays):
    for array in arrays:
        array[0] = 7
    return [int(array[0]) for array in arrays]


@task
def address(array):
    return array.__array_interface__["data"][0]


@task(x=INOUT)
def append(x, item):
    x.append(item)


@pytest.mark.parametrize("n", [3, LARGE])
def test_what_main_does_to_an_argument_after_the_call_is_not_seen(engine, n):
    array, values, bag = np.zeros(n), [1], Bag([1])
    gate = later(0)
    results = [first(array, gate), copied(values, gate), item_of(bag, after=gate), copied(value=[values], after=gate)]
    array[0] = 5
    values.append(2)
    bag.items = "changed"
    assert wait_on(results) == [0, [1], [1], [[1]]]


def test_a_task_sees_nothing_of_what_another_does_to_a_shared_argument(engine):
    made = copied([1, 2])
    assert wait_on([undeclared_append(made) for _ in range(4)]) == [3, 3, 3, 3]
    assert wait_on(made) == [1, 2]


def test_main_sees_nothing_of_what_a_task_does_undeclared(engine):
    values = [1, 2]
    assert wait_on(undeclared_append(values)) == 3
    assert values == [1, 2]


@pytest.mark.parametrize("n", [3, LARGE])
def test_arrays_arrive_read_only_wherever_they_are(engine, n):
    array = np.zeros(n)
    assert wait_on(writeable_flags(array, [array], {"x": array.copy()}, Bag(array))) == [False] * 4
    result = make_array(n)
    assert wait_on(writeable_flags(result, [result], {"x": result}, Bag(array))) == [False] * 4


def test_writing_to_an_argument_raises_an_error_that_names_the_remedies(engine):
    with pytest.raises(ValueError, match="read-only") as caught:
        wait_on(write_undeclared(np.zeros(3)))
    advice = "\n".join(caught.value.__notes__)
    assert "IN(copy=True)" in advice
    assert "INOUT" in advice


@pytest.mark.parametrize("n", [3, LARGE])
def test_in_with_copy_gives_a_writable_copy_that_nobody_else_sees(engine, n):
    array, result = np.zeros(n), make_array(n)
    assert wait_on(write_to_copy(array), write_to_copy(result), write_to_copies([array, result])) == [7, 7, [7, 7]]
    assert array[0] == 0
    assert wait_on(result)[0] == 0


def test_a_shared_value_reaches_tasks(engine):
    everywhere = share({"array": np.arange(4), "name": "x"})
    assert wait_on(copied(everywhere)) == ["array", "name"]
    assert wait_on(first(share(np.arange(3, 9)))) == 3


@only("serial", "threads")
def test_a_shared_array_is_not_copied(engine):
    array = np.arange(LARGE)
    assert wait_on(address(share(array))) == array.__array_interface__["data"][0]


@only("serial", "threads", "dask-inproc")
def test_an_array_goes_from_task_to_task_without_copying(engine):
    made = make_array(LARGE)
    addresses = wait_on([address(made) for _ in range(3)])
    assert len(set(addresses)) == 1


@pytest.mark.parametrize("n", [3, LARGE])
def test_main_may_change_its_result_and_nobody_else_sees_it(engine, n):
    result = make_array(n)
    mine = wait_on(result)
    mine[0] = 99
    assert wait_on(result)[0] == 0
    assert wait_on(first(result)) == 0
    values = copied([[1], [2]])
    wait_on(values)[0].append(5)
    assert wait_on(values) == [[1], [2]]


def test_an_argument_keeps_its_shape_inside(engine):
    """Two names for one object inside the arguments of a call are one object in the task too."""

    @task
    def same(x, pair):
        return x is pair[0], pair[0] is pair[1]

    values = [1]
    assert wait_on(same(values, [values, values])) == (True, True)
    result = copied([1])
    assert wait_on(same(result, [result, result])) == (True, True)


def test_a_view_inside_a_container_of_an_array_that_a_task_changes_is_refused(engine):
    """Passed as an argument itself it is refused; in a container it must not be read as it was before the change."""

    @task(array=INOUT)
    def fill(array):
        array[:] = 7

    array = np.zeros(4)
    fill(array)
    with pytest.raises(ValueError, match="view"):
        copied(array[2:])
    with pytest.raises(ValueError, match="view"):
        copied([array[2:]])


def test_a_view_of_an_array_that_the_same_call_changes_is_refused(engine):
    @task(array=INOUT)
    def fill(array, part):
        array[:] = 7
        return part.sum()

    array = np.zeros(4)
    with pytest.raises(ValueError, match="view"):
        fill(array, array[2:])


def test_what_a_function_argument_closes_over_is_taken_as_it_is_at_the_call(engine):
    @task
    def call(function, after):
        return function()

    values = [1]
    counted = call(lambda: len(values), later(0))
    values.append(2)
    assert wait_on(counted) == 1


@only("dask", "dask-inproc")
def test_a_local_task_sees_what_its_closure_and_its_globals_hold_at_the_call(engine, monkeypatch):
    factor, seen = 1, [1]

    @task
    def look():
        return factor, list(seen), offset, list(settings)

    looked = [look()]
    factor = 2
    looked.append(look())
    seen.append(2)
    looked.append(look())
    monkeypatch.setitem(globals(), "offset", 5)
    looked.append(look())
    monkeypatch.setitem(settings, "y", 1)
    looked.append(look())
    assert wait_on(looked) == [
        (1, [1], 0, ["x"]),
        (2, [1], 0, ["x"]),
        (2, [1, 2], 0, ["x"]),
        (2, [1, 2], 5, ["x"]),
        (2, [1, 2], 5, ["x", "y"]),
    ]


offset = 0
settings = {"x": 1}

MAIN = """
@task
def look(n):
    return n * factor, list(seen)

@task
def scale(n):
    return (lambda: n * factor)()

factor, seen = 1, [1]
looked = [look(1), scale(1)]
factor = 2
looked += [look(1), scale(1)]
seen.append(2)
looked += [look(1)]
found = wait_on(looked)
"""


@only("dask", "dask-inproc")
def test_a_task_of_the_main_module_sees_what_its_globals_hold_at_the_call(engine):
    names = {"__name__": "__main__", "task": task, "wait_on": wait_on}
    exec(MAIN, names)
    assert names["found"] == [(1, [1]), 1, (2, [1]), 2, (2, [1, 2])]


@only("dask", "dask-inproc")
def test_a_task_whose_surroundings_stay_as_they_are_is_pickled_once(engine):
    factor = 3

    @task
    def scale(n):
        return factor * n + offset

    first_call = scale(1)
    pickled = scale.pickled
    assert wait_on(first_call, scale(2)) == [3, 6]
    assert scale.pickled is pickled
