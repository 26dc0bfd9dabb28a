"""Interrupting what does not end by it: it is reported, or stopped in a way of its own."""

import threading
import time

import pytest

import dsflow._interrupt
from dsflow._interrupt import give_up, run_interruptible
from tests.dsflow import test_interrupt
from tests.dsflow.test_interrupt import DEADLINE_S, Call, comes_true, interrupt_soon, spin

nothing_is_left = test_interrupt.nothing_is_left


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(dsflow._interrupt, "PATIENCE_S", 0.3)


def test_code_in_c_is_reported_as_stuck_and_interrupted_when_it_returns(impatient):
    blocked, reported = threading.Lock(), threading.Event()
    blocked.acquire()

    def work():
        blocked.acquire()
        spin()

    call = Call(lambda: run_interruptible("a", work))
    interrupt_soon("a", stuck=reported.set)
    assert not reported.is_set()
    assert reported.wait(DEADLINE_S)
    assert call.is_alive()
    blocked.release()
    assert call.end() == [None]


def test_what_ends_in_time_is_not_reported(impatient):
    reported = []
    call = Call(lambda: run_interruptible("a", spin))
    interrupt_soon("a", stuck=lambda: reported.append(1))
    call.end()
    time.sleep(0.5)
    assert not reported


def test_who_gives_up_is_not_told(impatient):
    blocked, reported = threading.Lock(), []
    blocked.acquire()
    call = Call(lambda: run_interruptible("a", blocked.acquire))
    interrupt_soon("a", stuck=lambda: reported.append(1))
    give_up("a")
    time.sleep(0.5)
    blocked.release()
    call.end()
    assert not reported


def test_what_knows_how_to_stop_is_asked_to_until_it_does():
    asked, done = [], threading.Event()

    def stop():
        asked.append(1)
        if len(asked) == 3:
            done.set()

    call = Call(lambda: run_interruptible("a", done.wait, DEADLINE_S, stop=stop))
    interrupt_soon("a")
    assert call.end() == [True]
    assert len(asked) >= 3


def test_an_error_of_a_report_does_not_end_the_watch(impatient, caplog):
    blocked, reported = threading.Lock(), threading.Event()
    blocked.acquire()
    calls = [Call(lambda n=n: run_interruptible(f"{n}", blocked.acquire)) for n in range(2)]
    interrupt_soon("0", stuck=lambda: 1 / 0)
    interrupt_soon("1", stuck=reported.set)
    assert reported.wait(DEADLINE_S)
    assert "cannot be stopped" in caplog.text
    for n_alive in (1, 0):
        blocked.release()
        assert comes_true(lambda n_alive=n_alive: sum(call.is_alive() for call in calls) == n_alive)
