"""Futures that tasks are given, whose values other sessions make."""

import threading
import time

from dsflow import task, wait_on
from tests.dsflow.conftest import only


@task
def nap(seconds):
    time.sleep(seconds)
    return seconds


class Holder:
    def __init__(self, *futures):
        self.futures = futures


@task
def order_of_ends(holder):
    order, ended = [], threading.Semaphore(0)
    for n, future in enumerate(holder.futures):

        def note(n=n):
            order.append(n)
            ended.release()

        future._session.engine.on_held(future._version, note)
    for _ in holder.futures:
        assert ended.acquire(timeout=60)
    return order


@only("dask")
def test_the_engine_tells_when_a_value_of_another_session_is_there(engine):
    first, second = nap(4.0), nap(0.01)
    assert wait_on(second) == 0.01
    assert wait_on(order_of_ends(Holder(first, second))) == [1, 0]
