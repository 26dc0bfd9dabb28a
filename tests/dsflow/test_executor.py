"""Executor: what libraries expect of `concurrent.futures`, and what tasks promise."""

import asyncio
import concurrent.futures
import functools
import gc
import pickle
import threading
import time
import weakref

import numpy as np
import pytest

import dsflow
from dsflow import barrier, task, wait_on
from dsflow._executor import Executor
from dsflow.testing import count_tasks
from tests.dsflow.conftest import only
from tests.dsflow.told import wait_for_file

parallel = only("threads", "dask", "dask-inproc")


@pytest.fixture
def executor(engine):
    with Executor() as executor:
        yield executor


@task
def double(x):
    return 2 * x


@task
def fail_later():
    time.sleep(0.05)
    raise KeyError("a task has failed")


@task(returns=2)
def halves(x):
    return x / 2, x / 2


def add(x, y=1):
    return x + y


def divide(x, y):
    time.sleep(0.02)
    return x / y


def nap(seconds, result=None):
    time.sleep(seconds)
    return result


def wait_for(path):
    wait_for_file(path)
    return "slow"


class Counter:
    def __init__(self, n=0):
        self.n = n

    def __add(self, k):
        self.n += k
        return self.n

    add = property(lambda self: self.__add)  # a method that is not found by its name

    def __call__(self, k):
        return self.__add(k)


CALLABLES = {
    "function": (add, (1, 2), 3),
    "lambda": (lambda x: x + 3, (0,), 3),
    "partial": (functools.partial(add, y=2), (1,), 3),
    "bound method": (Counter(1).add, (2,), 3),
    "class method": (dict.fromkeys, ([3],), {3: None}),
    "callable object": (Counter(1), (2,), 3),
    "class": (complex, (3,), 3),
    "builtin": (max, (1, 3), 3),
    "method of a builtin": ([1, 2, 2, 2].count, (2,), 3),
    "ufunc": (np.add, (1, 2), 3),
    "task": (double, (1.5,), 3),
    "task with several results": (halves, (2,), (1, 1)),
}


@pytest.mark.parametrize("kind", CALLABLES)
def test_any_callable_gives_a_real_concurrent_future(executor, kind):
    function, args, expected = CALLABLES[kind]
    future = executor.submit(function, *args)
    assert isinstance(future, concurrent.futures.Future)
    assert future.result(timeout=20) == expected
    assert (future.done(), future.running(), future.cancel()) == (True, False, False)


def test_keyword_arguments_may_have_any_name(executor):
    assert executor.submit(dict, self=1, fn=2, task=3).result() == {"self": 1, "fn": 2, "task": 3}
    assert executor.submit(functools.partial(dict, fn=5), function=1).result() == {"fn": 5, "function": 1}


def test_futures_stand_for_their_values(executor):
    of_a_task, of_a_call = double(4), executor.submit(nap, 0.02, 3)
    assert executor.submit(add, of_a_task, y=of_a_call).result() == 11
    assert executor.submit(sum, [of_a_task, of_a_call]).result() == 11
    assert executor.submit(sum, (of_a_call, of_a_call)).result() == 6
    assert executor.submit(dict, {"a": of_a_call, "b": 1}).result() == {"a": 3, "b": 1}
    for chunksize in (1, 2):
        assert list(executor.map(add, [of_a_call, 1], [of_a_task, 2], chunksize=chunksize)) == [11, 3]


def test_arguments_are_copies_as_those_of_tasks_are_and_so_is_the_object_of_a_method(executor):
    counter = Counter(1)
    futures = [executor.submit(counter.add, 5), executor.submit(counter, 6)]
    counter.n = 100
    assert [future.result() for future in futures] == [6, 7]
    assert counter.n == 100
    writable, result = executor.submit(lambda x: (x.flags.writeable, x + 1), np.zeros(3)).result()
    assert not writable
    result += 1


def test_what_cannot_be_passed_is_an_error_at_once(executor):
    with pytest.raises(TypeError, match=r"divide: .*'y'.*signature is divide\(x, y\)"):
        executor.submit(divide, 1)
    with pytest.raises(TypeError, match="coroutine"):
        executor.submit(asyncio.sleep, 1)
    future = executor.submit(add, 1)
    with pytest.raises(TypeError, match=r"list, tuple or dict.*future\.result\(\)"):
        executor.submit(add, Counter(future))
    with pytest.raises(TypeError, match="stands for its value"):
        pickle.dumps(future)
    for name in ("chunksize", "buffersize"):
        with pytest.raises(ValueError, match=rf"Executor\.map: {name}=0"):
            executor.map(add, [1], **{name: 0})


def test_a_call_goes_to_the_session_that_is_active_or_starts_the_default_one(no_session):
    executor = Executor()
    with dsflow.start("serial"):
        old = executor.submit(add, 1)
    assert executor.submit(add, 2).result() == 3
    assert dsflow.active_session().engine.name == "threads"
    assert old.result() == 2
    with pytest.raises(dsflow.SessionError, match="session"):
        executor.submit(add, old)
    dsflow.stop()


def test_the_exception_is_the_users_own_and_says_where_it_came_from(executor):
    future = executor.submit(divide, 1, y=0)
    with pytest.raises(ZeroDivisionError) as of_submit:
        future.result()
    results = executor.map(divide, [1, 1], [1, 0])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError) as of_map:
        next(results)
    for caught in (of_submit, of_map):
        assert caught.traceback[-1].name == "divide"
        assert any("In task divide(int, " in note and "test_executor.py" in note for note in caught.value.__notes__)


def test_a_failure_that_no_one_asks_for_is_silent(executor):
    failed = [executor.submit(divide, 1, 0), executor.submit(functools.partial(divide, 1), 0)]
    dependent = executor.submit(add, failed[0])
    concurrent.futures.wait([*failed, dependent], timeout=20)
    barrier()
    assert isinstance(dependent.exception(), ZeroDivisionError)


def test_the_failure_of_a_task_is_silent_only_if_a_call_has_told_it(executor):
    executor.submit(add, fail_later())
    with pytest.raises(KeyError, match="a task has failed"):
        barrier()
    assert isinstance(executor.submit(add, fail_later()).exception(), KeyError)
    barrier()
    with pytest.raises(KeyError):
        executor.submit(add, fail_later()).result()
    barrier()


@parallel
def test_a_cancelled_call_does_not_run_nor_does_what_depends_on_it(executor, tmp_path):
    async def cancel(future):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.wrap_future(future), 0.01)

    go, path, told = tmp_path / "go", tmp_path / "ran", []
    busy = [executor.submit(wait_for, go) for _ in range(6)]  # they fill the slots, and the queues of the workers
    time.sleep(0.05)  # or Dask would put what is called next in front
    future, of_asyncio = executor.submit(path.touch), executor.submit(path.touch)
    dependent = executor.submit(str, future)
    future.add_done_callback(told.append)
    assert [future.cancel(), future.cancel()] == [True, True]
    assert told == [future]
    asyncio.run(cancel(of_asyncio))
    for each in (future, dependent, of_asyncio):
        assert each.cancelled()
        assert each.done()
        for ask in (each.result, each.exception):
            with pytest.raises(concurrent.futures.CancelledError):
                ask()
    assert concurrent.futures.wait([future, dependent], timeout=20).done == {future, dependent}
    time.sleep(0.3)  # until the workers of a cluster know
    go.touch()
    assert [each.result(timeout=20) for each in busy] == ["slow"] * 6
    barrier()
    assert not path.exists()


@only("threads")
def test_a_running_call_says_so_and_is_not_cancelled(executor):
    begun, may_end = threading.Event(), threading.Event()
    future = executor.submit(lambda: begun.set() or may_end.wait(20))
    assert begun.wait(20)
    assert (future.running(), future.done(), future.cancel()) == (True, False, False)
    may_end.set()
    assert future.result(timeout=20)
    assert not future.running()


@parallel
def test_waits_end_in_time_and_the_quick_do_not_wait_for_the_slow(executor, tmp_path):
    go = tmp_path / "go"
    slow, quick = executor.submit(wait_for, go), executor.submit(nap, 0.01, "quick")
    for ask in (slow.result, slow.exception):
        with pytest.raises(TimeoutError, match=r"wait_for.*test_executor\.py"):
            ask(timeout=0.02)
    assert concurrent.futures.wait([slow], timeout=0.01).not_done == {slow}
    ended = concurrent.futures.as_completed([slow, quick, slow], timeout=20)
    assert next(ended).result() == "quick"
    go.touch()
    assert next(ended).result() == "slow"
    results = executor.map(wait_for, [go, later := tmp_path / "later"])
    assert next(results) == "slow"
    later.touch()


def test_callbacks_may_call_and_wait(executor):
    ended, got = threading.Event(), []
    other = executor.submit(nap, 0.02, 5)

    def callback(future):
        got.append(executor.submit(add, future.result(), other.result(timeout=20)).result(timeout=20))
        ended.set()

    executor.submit(nap, 0.02, 1).add_done_callback(callback)
    other.add_done_callback(lambda _: 1 / 0)  # is logged, and nothing else
    assert ended.wait(20)
    assert got == [6]
    other.add_done_callback(got.append)
    assert got == [6, other], "of a call that has ended, it is called at once"


def test_asyncio_awaits_calls_and_goes_on_meanwhile(executor, engine):
    async def main():
        futures = [asyncio.get_running_loop().run_in_executor(executor, nap, 0.1, n) for n in range(3)]
        gathered = asyncio.gather(*futures, asyncio.wrap_future(executor.submit(add, 2)))
        ticks = 0
        while not gathered.done():
            ticks += 1
            await asyncio.sleep(0.005)
        return await gathered, ticks

    values, ticks = asyncio.run(main())
    assert values == [0, 1, 2, 3]
    assert engine.engine.name == "serial" or ticks > 2


def test_map_gives_what_map_gives_and_makes_one_task_of_a_chunk(executor):
    for iterables in [(range(7),), (range(7), range(3, 9)), ([],)]:
        expected = list(map(add, *iterables))
        for chunksize in (1, 3, 100):
            with count_tasks() as tasks:
                assert list(executor.map(add, *iterables, chunksize=chunksize)) == expected
            assert tasks.by_name["add"] == tasks.count == -(-len(expected) // chunksize)


@pytest.mark.parametrize("chunksize", [1, 2])
def test_map_reads_no_further_ahead_than_its_buffer(executor, chunksize):
    items = iter(range(20))
    results = executor.map(add, items, chunksize=chunksize, buffersize=2)
    assert next(items) == 2 * chunksize
    assert next(results) == 1
    assert next(items) == 3 * chunksize + 1
    assert list(results) == [n + 1 for n in range(1, 20) if n not in (2 * chunksize, 3 * chunksize + 1)]
    executor.map(add, items := iter(range(20)))
    assert next(items, "all is read at once") == "all is read at once"


@parallel
def test_map_cancels_the_rest_at_its_timeout_after_an_error_and_when_it_is_closed(executor, engine):
    results = executor.map(nap, [0.2] * 30, timeout=0.1)
    with pytest.raises(TimeoutError):
        next(results)
    assert len(engine.graph.pending) < 10
    results = executor.map(divide, [1] * 100, [0] * 100)
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert len(engine.graph.pending) < 10
    results = executor.map(nap, [0.02] * 30)
    next(results)
    results.close()
    assert len(engine.graph.pending) < 10


@parallel
def test_shutdown_waits_for_or_cancels_its_own_calls_and_no_others(engine, tmp_path):
    mine, other = Executor(), Executor()
    slow = other.submit(wait_for, tmp_path / "go")
    own = [mine.submit(nap, 0.1, n) for n in range(2)]
    mine.shutdown()
    assert [future.done() for future in (*own, slow)] == [True, True, False]
    for call in (lambda: mine.submit(add, 1), lambda: mine.map(add, [1])):
        with pytest.raises(RuntimeError, match="after shutdown"):
            call()
    assert other.submit(add, 1).result() == 2
    assert wait_on(double(1)) == 2
    more = [other.submit(time.sleep, 0.1) for _ in range(50)]
    other.shutdown(wait=False, cancel_futures=True)
    (tmp_path / "go").touch()
    assert sum(future.cancelled() for future in more) > 20
    other.shutdown()
    assert all(future.done() for future in [slow, *more])
    assert not engine.graph.pending


def fibonacci(n):
    with Executor() as executor:
        return n if n < 2 else sum(executor.map(fibonacci, [n - 1, n - 2]))


def add_in_a_callback(n):
    executor, ended, got = Executor(), threading.Event(), []

    def callback(future):
        got.append(executor.submit(add, future.result()))
        ended.set()

    (first := executor.submit(add, n)).add_done_callback(callback)
    return got[0].result() if ended.wait(20) and got[0].session is first.session else "called elsewhere"


def test_calls_may_use_executors_themselves(executor):
    def count_down(n, executor):
        return n if n == 0 else executor.submit(count_down, n - 1, executor).result()

    assert list(executor.map(fibonacci, range(5))) == [0, 1, 1, 2, 3]
    assert executor.submit(count_down, 3, executor).result(timeout=20) == 0
    assert executor.submit(add_in_a_callback, 1).result(timeout=20) == 3


def test_a_function_is_made_a_task_once_and_let_go_of_with_the_last_future(executor):
    data = np.zeros(10)

    def local():
        return float(data.sum())

    futures = [executor.submit(local) for _ in range(3)]
    assert len(executor._tasks) == 1
    assert [future.result() for future in futures] == [0, 0, 0]
    gone = weakref.ref(local)
    barrier()
    futures.clear()
    del local
    deadline = time.monotonic() + 20
    while gone() is not None and time.monotonic() < deadline:  # a thread of the engine's may be about to let go
        gc.collect()
        time.sleep(0.01)
    assert gone() is None
    assert not executor._tasks


@only("dask-inproc")
def test_values_come_together_and_one_that_cannot_be_had_is_the_error_of_its_own_future(executor, engine, monkeypatch):
    fetched, lost, fetch = [], [], engine.engine.fetch

    def fetch_but_one(versions):
        fetched.append(len(versions))
        time.sleep(0.02)  # so that others come together
        if lost[0].version in versions:
            raise LookupError("lost")
        return fetch(versions)

    monkeypatch.setattr(engine.engine, "fetch", fetch_but_one)
    values = [bytes([n]) * 40_000 for n in range(40)]
    futures = [executor.submit(bytes, value) for value in values]
    lost.append(futures.pop())
    assert [future.result(timeout=20) for future in futures] == values[:-1]
    assert isinstance(lost[0].exception(timeout=20), LookupError)
    assert max(fetched) > 5
