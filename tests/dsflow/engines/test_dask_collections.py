"""Dask collections and Futures as arguments of tasks."""

import dask
import numpy as np
import pytest
from distributed import Client

from dsflow import ArgumentError, task, wait_on
from tests.dsflow.conftest import only


@task
def total(array):
    return float(np.sum(array))


@task
def append(values, item):
    values.append(item)
    return values


@dask.delayed
def numbers(n):
    return list(range(n))


@dask.delayed
def fail():
    raise LookupError("in Dask")


@only("dask", "dask-inproc")
def test_a_collection_is_computed_on_the_cluster(engine):
    array = pytest.importorskip("dask.array").ones((40, 40), chunks=(10, 10))
    assert wait_on(total(array)) == 1600
    assert wait_on(append(numbers(3), 3)) == [0, 1, 2, 3]
    assert wait_on(append([numbers(2)], {"in a dict": numbers(1)})) == [[0, 1], {"in a dict": [0]}]


@only("dask", "dask-inproc")
def test_a_future_of_the_sessions_client_is_its_value(engine):
    future = engine.engine.client.submit(list, (1, 2))
    assert wait_on(append(future, 3)) == [1, 2, 3]
    assert future.result() == [1, 2], "the task had its own"
    assert wait_on(append([future], 0)) == [[1, 2], 0]


@only("dask", "dask-inproc")
def test_the_error_of_a_collection_is_the_users(engine):
    with pytest.raises(LookupError, match="in Dask"):
        wait_on(append(fail(), 1))


@only("dask")
def test_a_future_of_another_client_is_refused(engine, inproc_client):
    with (
        Client(inproc_client.cluster, set_as_default=False) as other,
        pytest.raises(ArgumentError, match=r"append.*another client than the session.*future.result\(\)"),
    ):
        append(other.submit(list, (1, 2)), 3)


@only("dask", "dask-inproc")
def test_what_only_looks_like_a_collection_is_plain_data(engine):
    assert wait_on(append([], Empty())) == [Empty()]


class Empty:
    def __dask_graph__(self):
        return None

    def __eq__(self, other):
        return type(other) is Empty

    __hash__ = object.__hash__


@only("serial", "threads")
def test_they_are_computed_here_for_engines_without_a_cluster(engine):
    array = pytest.importorskip("dask.array").ones((4, 4), chunks=(2, 2))
    assert wait_on(total(array)) == 16
    assert wait_on(append(numbers(3), 3)) == [0, 1, 2, 3]


@only("dask")
def test_the_cluster_forgets_what_was_adopted(engine):
    import gc
    import time

    result = append(numbers(3), 3)
    assert wait_on(result) == [0, 1, 2, 3]
    del result
    gc.collect()
    end = time.monotonic() + 20
    while left := engine.engine.client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.tasks)):
        assert time.monotonic() < end, left
        time.sleep(0.01)
