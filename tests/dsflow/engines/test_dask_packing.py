"""Many small calls are one task of Dask's, and each of them still is a call of its own."""

import os
import threading
import time

import pytest

import dsflow
from dsflow import (
    COMMUTATIVE,
    INOUT,
    TaskCancelledError,
    TaskGroup,
    TaskLostError,
    barrier,
    constraint,
    share,
    task,
    wait_on,
)
from dsflow._options import Options
from dsflow.engines.dask._packing import Packer
from dsflow.engines.dask._profiles import Profile
from tests.dsflow.conftest import only

parallel = only("dask", "dask-inproc")


@task
def add(x, y):
    return x + y


@task
def increase_unless(x, bad):
    if x == bad:
        raise ValueError(f"{x} is bad")
    return x + 1


@task
def sleep_if(x, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)
    return x


@task
def say(x):
    print(f"this is {x}")
    return x


@task
def sum_by_tasks(n):
    return sum(wait_on([add(k, 1) for k in range(n)]))


@task
def blow_up(x, n_bytes):
    return bytes(n_bytes) + bytes([x])


@task(values=INOUT)
def append(values, item):
    values.append(item)


@constraint(cpus=1)
@task
def take_one(x):
    return x


@task(values=COMMUTATIVE)
def gather(values, item):
    values.append(item)


@task
def exit_if(x, bad):
    if x == bad:
        os._exit(3)
    return x


@task
def exception_of(futures):
    return [type(future.exception()).__name__ for future in futures]


class Holder:
    def __init__(self, *futures):
        self.futures = futures

    def __iter__(self):
        return iter(self.futures)


@pytest.fixture
def sent(engine, monkeypatch):
    """How many tasks Dask has been given, so far."""
    outbox, counts = engine.engine._outbox, []
    get = outbox._get

    def count(graph, *args, **kwargs):
        counts.append(len(graph))
        return get(graph, *args, **kwargs)

    monkeypatch.setattr(outbox, "_get", count)
    return counts


def know(*calls):
    """Have tasks known as small."""
    for call in calls:
        for _ in range(5):
            call().result()


@parallel
def test_many_small_calls_are_few_tasks_of_dask(engine, sent):
    know(lambda: add(1, 2))
    sent.clear()
    futures = [add(n, 1) for n in range(500)]
    assert wait_on(futures) == list(range(1, 501))
    assert sum(sent) < 100


@parallel
def test_a_chain_is_few_tasks_of_dask(engine, sent):
    know(lambda: add(1, 2))
    sent.clear()
    future = add(0, 1)
    for _ in range(499):
        future = add(future, 1)
    values = []
    for n in range(100):
        append(values, n)
    assert future.result() == 500
    assert wait_on(values) == list(range(100))
    assert sum(sent) < 120


@parallel
def test_a_call_that_fails_fails_alone_with_what_reads_it(engine):
    know(lambda: increase_unless(1, 0))
    futures = [increase_unless(n, 7) for n in range(20)]
    readers = [increase_unless(future, -1) for future in futures]
    assert [n for n, future in enumerate(futures) if future.exception() is not None] == [7]
    assert [n for n, future in enumerate(readers) if future.exception() is not None] == [7]
    with pytest.raises(ValueError, match="7 is bad"):
        readers[7].result()
    assert readers[8].result() == 10


@parallel
def test_a_long_call_does_not_delay_the_others_of_its_pack(engine):
    know(lambda: sleep_if(1, 0))
    futures = [sleep_if(n, 60 if n == 3 else 0) for n in range(100)]
    others = futures[:3] + futures[4:]
    assert wait_on(others) == [0, 1, 2, *range(4, 100)]
    assert not futures[3].done()
    assert futures[3].cancel()


@parallel
def test_calls_that_turn_out_to_be_long_are_sent_though_nobody_waits(engine, monkeypatch):
    monkeypatch.setattr(Packer, "take", lambda _: ([], []))  # as if all slots were busy
    futures = [sleep_if(n, 0.03) for n in range(10)]
    dask = engine.engine
    for _ in range(dask._packer.capacity):
        dask._packer.profiles.of(sleep_if).note_long()
    time.sleep(0.05)  # until the window was looked at
    dask.call(dask._unpacker.send_apart)
    deadline = time.monotonic() + 30
    while not all(future.done() for future in futures) and time.monotonic() < deadline:
        time.sleep(0.01)  # a wait would send what was forgotten
    assert all(future.done() for future in futures)


@parallel
def test_what_waits_for_others_does_not_keep_them_from_running(engine):
    know(lambda: sum_by_tasks(0), lambda: add(1, 2))
    assert wait_on([sum_by_tasks(5) for _ in range(20)]) == [15] * 20


@parallel
def test_results_of_a_pack_may_be_larger_than_expected(engine):
    know(lambda: blow_up(1, 1))
    sizes = [10, 10_000, 3 << 20, 10]
    assert [len(value) for value in wait_on([blow_up(1, size) for size in sizes])] == [size + 1 for size in sizes]
    later = [blow_up(1, 10_000) for _ in range(3)]
    barrier()
    assert all(future._version.handle is not None for future in later), "no small task any more"
    assert [len(value) for value in wait_on(later)] == [10_001] * 3


@parallel
def test_calls_of_a_pack_and_calls_with_a_constraint_do_not_block_each_other(engine):
    know(lambda: sleep_if(1, 0))
    futures = [sleep_if(n, 0.03) for n in range(30)]
    modest = [take_one(n) for n in range(3)]
    more = [sleep_if(n, 0) for n in range(30)]
    assert wait_on(futures + more) == [*range(30), *range(30)]
    assert wait_on(modest) == [0, 1, 2]


@parallel
def test_a_call_runs_with_what_its_function_was_at_the_call(engine):
    value = 1

    @task
    def add_value(x):
        return x + value

    gate = sleep_if(1, 0.3)
    before = [add_value(gate) for _ in range(3)]
    value = 2
    assert add_value(0).result() == 2
    assert wait_on(before) == [2, 2, 2]


@parallel
def test_calls_that_are_cancelled_before_they_run_take_no_slot(engine):
    know(lambda: sleep_if(1, 0))
    gates = [task(sleep_if.function)(n, 0.5) for n in range(4)]
    futures = [sleep_if(n, 60) for n in range(3)]
    time.sleep(0.1)
    assert all(future.cancel() for future in futures)
    assert wait_on(gates) == [0, 1, 2, 3]
    assert sleep_if(7, 0).result(timeout=30) == 7


@parallel
def test_a_future_of_a_commutative_group_can_be_looked_at_by_a_task(engine):
    values = share([])
    for n in range(3):
        gather(values, sleep_if(n, 0.05))
    assert exception_of(Holder(values)).result() == ["NoneType"]
    assert sorted(wait_on(values)) == [0, 1, 2]


@only("dask")
def test_what_is_printed_is_tagged_with_the_call(engine, capsys):
    know(lambda: say(0))
    futures = [say(n) for n in range(1, 10)]
    wait_on(futures)
    deadline = time.monotonic() + 20
    lines = []
    while len(lines) < 14 and time.monotonic() < deadline:
        lines += capsys.readouterr().out.splitlines()
        time.sleep(0.02)
    for future in futures:
        assert any(future._version.maker in line for line in lines)


@parallel
def test_calls_of_a_group_that_were_not_begun_are_cancelled(engine):
    know(lambda: increase_unless(1, 0))
    with pytest.raises(ValueError, match="is bad"), TaskGroup("bad"):
        futures = [increase_unless(0 if n == 5 else 1, 0) for n in range(50)]
    assert all(future.done() for future in futures)


@parallel
def test_a_task_may_be_given_futures_of_calls_that_wait_to_be_sent(engine):
    know(lambda: increase_unless(1, 0))
    gate = sleep_if(1, 0.2)
    futures = [increase_unless(gate, 1), increase_unless(gate, 0)]
    assert exception_of(Holder(*futures)).result() == ["ValueError", "NoneType"]
    assert isinstance(futures[0].exception(), ValueError)


@parallel
def test_pending_calls_can_be_cancelled(engine):
    know(lambda: add(1, 2))
    gate = sleep_if(1, 60)
    futures = [add(gate, n) for n in range(10)]
    assert gate.cancel()
    for future in futures:
        with pytest.raises(TaskCancelledError):
            future.result()


@pytest.mark.slow
def test_a_call_that_kills_its_worker_is_lost_alone(no_session):
    with dsflow.start("dask", workers=2):
        know(lambda: exit_if(1, 0))
        futures = [exit_if(n, 7) for n in range(30)]
        with pytest.raises(TaskLostError):
            futures[7].result(timeout=100)
        assert wait_on(futures[:7] + futures[8:]) == [*range(7), *range(8, 30)]


@only("dask-inproc")
def test_threads_may_call_at_the_same_time(engine):
    results = []

    def call():
        results.append(sum(wait_on([add(n, 1) for n in range(200)])))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [sum(range(1, 201))] * 4


def test_a_task_is_small_when_it_was_seen_to_be_quick():
    profile = Profile(Options())
    assert not profile.is_small()
    assert not profile.is_large(4)
    profile.note(1e-4, 100)
    assert profile.is_small()


def test_a_first_run_that_is_slow_does_not_make_a_task_a_large_one():
    profile = Profile(Options())
    profile.note_long()
    profile.note(0.5, 8, is_news=False)
    assert not profile.is_large(2)
    profile.note(1e-4, 8)
    assert profile.is_small()


def test_a_task_whose_runs_are_slow_on_all_slots_is_a_large_one():
    profile = Profile(Options())
    for _ in range(4):
        assert not profile.is_large(4)
        profile.note(0.015, 8)
    assert profile.is_large(4)


def test_a_task_that_takes_longer_and_longer_becomes_a_large_one():
    profile = Profile(Options())
    for _ in range(10):
        profile.note(1e-4, 8)
    profile.note_long()
    assert profile.is_small()
    for _ in range(5):
        profile.note_long()
    assert profile.is_large(4)
    for _ in range(5):
        profile.note(1e-4, 8)
    assert profile.is_small()


@pytest.mark.parametrize("options", [Options(priority=1), Options(side_effects=True), Options(time_out_s=1.0)])
def test_a_task_with_a_wish_of_its_own_is_never_packed(options):
    profile = Profile(options)
    profile.note(1e-4, 8)
    assert not profile.is_small()
    assert profile.is_large(4)
