"""Futures: what they can do, and what they say when asked for something else."""

import asyncio
import copy
import logging
import operator
import threading
import time

import numpy as np
import pytest

import dsflow
from dsflow import IN, as_completed, task, wait_on
from tests.dsflow.conftest import only


@task
def identity(x):
    return x


@task
def nap(seconds, result=None):
    time.sleep(seconds)
    return result


@task
def fail():
    raise ZeroDivisionError("by zero")


class Cart:
    def __init__(self, items):
        self.items = items

    @task
    def add(self, item):
        self.items.append(item)

    @task(self=IN)
    def total(self) -> int:
        return sum(self.items)

    def untracked(self):
        return 1


@task
def make_cart() -> Cart:
    return Cart([1, 2])


@task
def make_cart_of_unknown_kind():
    return Cart([1, 2])


REFUSED = {
    "truth value": bool,
    "not": operator.not_,
    "iteration": iter,
    "len": len,
    "in": lambda f: 1 in f,
    "indexing": lambda f: f[0],
    "item assignment": lambda f: operator.setitem(f, 0, 1),
    "int": int,
    "float": float,
    "index": lambda f: [1, 2][f],
    "range": range,
    "call": lambda f: f(),
    "with": lambda f: f.__enter__(),
    "+": lambda f: f + 1,
    "reflected +": lambda f: 1 + f,
    "+=": lambda f: operator.iadd(f, 1),
    "-": lambda f: f - 1,
    "*": lambda f: 2 * f,
    "/": lambda f: f / 2,
    "//": lambda f: 1 // f,
    "%": lambda f: f % 2,
    "**": lambda f: 2**f,
    "@": lambda f: f @ f,
    "divmod": lambda f: divmod(f, 2),
    "reflected divmod": lambda f: divmod(2, f),
    "<": lambda f: f < 1,
    ">=": lambda f: f >= f,
    "-f": operator.neg,
    "+f": operator.pos,
    "abs": abs,
    "~": operator.invert,
    "round": round,
    "&": lambda f: f & 1,
    "|": lambda f: 1 | f,
    "<<": lambda f: f << 1,
    "reflected >>": lambda f: 1 >> f,
    "sorted": lambda f: sorted([f, f]),
    "sum": lambda f: sum([f]),
    "max": lambda f: max(f, f),
    "next": next,
    "unpacking": lambda f: print(*f),
    "array": np.asarray,
    "array in a list": lambda f: np.asarray([f], dtype=float),
}


def test_a_future_is_not_the_value_and_says_what_to_do(engine):
    future = identity(1)
    for name, use in REFUSED.items():
        with pytest.raises(TypeError, match="wait_on"):
            use(future)
            pytest.fail(f"{name} is not refused")


def test_equality_is_identity_and_futures_are_hashable(engine):
    one, other = identity(1), identity(1)
    assert one == one
    assert one != other
    assert one != 1
    assert len({one, other, one}) == 2
    assert {one: "x"}[one] == "x"
    assert [other, one].index(one) == 1


@only("threads", "dask", "dask-inproc")
def test_a_result_that_is_not_there_in_time_is_a_timeout_that_names_the_task(engine):
    future = nap(0.3, "slept")
    with pytest.raises(TimeoutError, match=r"nap.*test_futures\.py"):
        future.result(timeout=0.02)
    with pytest.raises(TimeoutError, match="nap"):
        future.exception(timeout=0.02)
    with pytest.raises(TimeoutError, match="nap"):
        dsflow.barrier(timeout=0.02)
    assert not future.done()
    assert future.result(timeout=20) == "slept"
    assert future.done()


def test_exception_gives_the_exception_or_none(engine):
    assert identity(1).exception() is None
    error = fail().exception()
    assert type(error) is ZeroDivisionError


def test_done_is_true_after_success_and_failure(engine):
    good, bad = identity(1), fail()
    wait_on(good)
    assert bad.exception() is not None
    assert good.done()
    assert bad.done()


def test_repr_says_the_state_and_not_the_value(engine):
    good, bad = identity("secret"), fail()
    wait_on(good)
    bad.exception()
    assert repr(good) == "<Future: done>"
    assert repr(bad) == "<Future: failed: ZeroDivisionError>"


@only("threads", "dask", "dask-inproc")
def test_repr_of_a_pending_future_names_the_task(engine):
    future = nap(0.1)
    assert "pending" in repr(future)
    assert "nap" in repr(future)


def test_a_callback_is_called_once_with_the_future(engine):
    called = []
    arrived = threading.Semaphore(0)

    def callback(future):
        called.append(future)
        arrived.release()

    for future in (nap(0.01, 5), fail()):
        future.add_done_callback(callback)
        assert arrived.acquire(timeout=20)
        assert called == [future]
        future.exception()
        future.add_done_callback(callback)
        assert arrived.acquire(timeout=20)
        assert called == [future, future]
        called.clear()


def test_a_callback_may_get_the_result(engine):
    got = []
    arrived = threading.Event()

    def callback(future):
        got.append(future.result())
        arrived.set()

    future = nap(0.02, 7)
    future.add_done_callback(callback)
    assert arrived.wait(20)
    assert got == [7]


def test_a_callback_that_raises_is_logged_and_what_comes_after_it_goes_on(engine, caplog):
    asked, ended = threading.Event(), threading.Event()

    def break_down(future):
        asked.set()
        raise LookupError("a broken callback")

    slow = nap(0.05, 3)
    dependent = identity(slow)
    slow.add_done_callback(break_down)
    slow.add_done_callback(lambda _: ended.set())
    assert asked.wait(20)
    assert ended.wait(20), "the next callback is called all the same"
    assert dependent.result(timeout=20) == slow.result(timeout=20) == 3
    assert identity(4).result(timeout=20) == 4
    slow.add_done_callback(break_down)  # the task has ended: it is called at once
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [str(record.exc_info[1]) for record in errors] == ["a broken callback"] * 2
    assert {record.name for record in errors} == {"dsflow"}


def test_await_gives_the_value_and_leaves_the_loop_free(engine):
    async def main():
        ticks = 0
        future = asyncio.ensure_future(value_of(nap(0.1, 4)))
        while not future.done():
            ticks += 1
            await asyncio.sleep(0.005)
        return await future, ticks

    async def value_of(future):
        return await future

    value, ticks = asyncio.run(main())
    assert value == 4
    assert engine.engine.name == "serial" or ticks > 2


def test_await_raises_the_exception(engine):
    async def main():
        await fail()

    with pytest.raises(ZeroDivisionError):
        asyncio.run(main())


@only("threads", "dask", "dask-inproc")
def test_as_completed_gives_first_what_ends_first(engine):
    slow, quick = nap(0.5, "slow"), nap(0.01, "quick")
    assert [future.result() for future in as_completed([slow, quick])] == ["quick", "slow"]


def test_as_completed_gives_each_future_once_also_failed_ones(engine):
    good, bad = identity(1), fail()
    assert set(as_completed([good, bad, good])) == {good, bad}
    assert isinstance(bad.exception(), ZeroDivisionError)
    assert list(as_completed([])) == []


@only("threads", "dask", "dask-inproc")
def test_as_completed_ends_at_its_timeout(engine):
    slow = nap(0.3)
    with pytest.raises(TimeoutError, match=r"^as_completed: tasks are left after 0\.02 s; .*nap.*test_futures\.py"):
        list(as_completed([slow], timeout=0.02))


def test_as_completed_refuses_what_is_no_future(engine):
    with pytest.raises(TypeError, match=r"as_completed: .*int"):
        list(as_completed([3]))


def test_a_future_of_a_finished_session_says_so(no_session):
    with dsflow.start("serial"):
        old = identity(1)
        changed = [1]
    for get in (wait_on, lambda f: f.result(), lambda f: wait_on([f]), lambda f: wait_on({"x": (1, f)})):
        with pytest.raises(dsflow.SessionError, match="session has ended"):
            get(old)
        assert dsflow.active_session() is None, "waiting has started a session"
    with dsflow.start("serial"):
        with pytest.raises(dsflow.SessionError, match=r"identity: .*session"):
            identity(old)
        with pytest.raises(dsflow.SessionError, match=r"identity: .*session"):
            identity([{"x": old}])
        assert wait_on(identity(changed)) == [1]


def test_task_methods_are_forwarded_when_the_kind_is_known(engine):
    cart = make_cart()
    cart.add(identity(4))
    assert wait_on(cart.total()) == 7
    assert wait_on(cart).items == [1, 2, 4]


def test_other_attributes_say_what_to_do(engine):
    with pytest.raises(AttributeError, match=r"Cart has no task method.*wait_on"):
        make_cart().untracked()
    with pytest.raises(AttributeError, match=r"wait_on\(future\)\.items"):
        make_cart().items
    with pytest.raises(AttributeError, match="annotate what the task returns"):
        make_cart_of_unknown_kind().add(1)
    assert not hasattr(make_cart(), "__array_interface__")


def test_a_future_is_not_pickled_or_copied_by_others():
    import copy
    import pickle

    with dsflow.start("serial"):
        future = identity(1)
        for attempt in (pickle.dumps, copy.deepcopy):
            with pytest.raises(Exception, match=r"Future|wait_on"):
                attempt(future)


def test_wait_on_finds_futures_in_containers(engine):
    one = identity(1)
    assert wait_on([one, (one, {"x": one}), "text"]) == [1, (1, {"x": 1}), "text"]
    assert wait_on(one, 5, [one]) == [1, 5, [1]]


def test_a_future_in_a_set_or_an_attribute_arrives_as_a_future(engine):
    @task
    def take(futures, cart):
        return sum(wait_on(future) for future in futures) + wait_on(cart.items)

    assert wait_on(take({identity(1), nap(0.02, 2)}, Cart(nap(0.02, 10)))) == 13


@only("dask", "dask-inproc")
def test_wait_on_brings_the_values_of_many_futures_in_one_transfer(engine, monkeypatch):
    client, fetched = engine.engine.client, []
    gather = client.gather

    def count(handles, *args, **kwargs):
        fetched.append(len(handles))
        return gather(handles, *args, **kwargs)

    monkeypatch.setattr(client, "gather", count)
    values = [bytes([n]) * 40_000 for n in range(10)]  # too large to come with the reports
    futures = [identity(value) for value in values]
    assert wait_on({"all": futures, "first": (futures[0],)}) == {"all": values, "first": (values[0],)}
    assert fetched == [10]


def test_a_copy_of_a_future_does_not_see_what_tasks_change_later(engine):
    future = make_cart()
    before = copy.copy(future)
    future.add(3)
    assert wait_on(before).items == [1, 2]
    before.add(4)
    assert wait_on(future).items == [1, 2, 3]
    assert wait_on(before).items == [1, 2, 4]
    dsflow.delete_object(before)
    assert wait_on(future).items == [1, 2, 3]
    with pytest.raises(dsflow.ArgumentError, match="its value is gone"):
        copy.copy(before).result()
