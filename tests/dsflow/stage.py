"""Tasks that run until they are told to end, or are stopped, for tests of stopping; on engines of this process only."""

import contextlib
import threading
import time

import pytest

import dsflow._interrupt
from dsflow import task, wait_on
from dsflow._interrupt import TaskInterrupted
from tests.dsflow.conftest import only

DEADLINE_S = 30
here = only("serial", "threads")
in_threads = only("threads")


class Box:
    """A Future in it is given to a task as it is."""

    def __init__(self, future):
        self.future = future


class Stage:
    """What tasks and the test say to each other."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.started = threading.Semaphore(0)
        self.blocked = threading.Lock()
        self.blocked.acquire()
        self.events = []
        self.meeting = None
        self.counting = threading.Lock()
        self.n_running = self.most_running = 0

    def wait_until_started(self, count=1):
        for _ in range(count):
            assert self.started.acquire(timeout=DEADLINE_S)

    def unblock(self):
        with contextlib.suppress(RuntimeError):
            self.blocked.release()


stage = Stage()


@pytest.fixture(autouse=True)
def clean():
    """Nothing is left of the test before."""
    stage.reset()
    yield
    stage.unblock()
    assert comes_true(lambda: not any(each.name == "dsflow-interrupts" for each in threading.enumerate()))


@pytest.fixture
def impatient(monkeypatch):
    """What does not end is stuck after a moment."""
    monkeypatch.setattr(dsflow._interrupt, "PATIENCE_S", 0.3)


def comes_true(condition, deadline_s=DEADLINE_S):
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def cancel_all(session):
    session.cancel(list(session.graph.pending.values()), "the test says so")


@contextlib.contextmanager
def cancelling_when_started(session):
    """Cancel everything, from another thread, when a task has started."""

    def work():
        stage.wait_until_started()
        cancel_all(session)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join(DEADLINE_S)
    assert not thread.is_alive()


@task
def spin(*_):
    """Run Python code for ever."""
    stage.started.release()
    try:
        while True:
            sum(range(10))
    except TaskInterrupted:
        stage.events.append("interrupted")
        raise
    finally:
        stage.events.append("cleaned up")


@task
def block(*_):
    """Run C code that ends when the test says so."""
    stage.started.release()
    try:
        stage.blocked.acquire(timeout=DEADLINE_S)
    finally:
        stage.events.append("unblocked")
        stage.unblock()


LINE_OF_BLOCK = f"{__file__}:{block.__wrapped__.__code__.co_firstlineno + 5} in block"


@task
def note(what, *_):
    stage.events.append(what)
    return what


@task
def add(x, y):
    return x + y


@task
def meet():
    return stage.meeting.wait(DEADLINE_S) >= 0


@task
def count_running():
    with stage.counting:
        stage.n_running += 1
        stage.most_running = max(stage.most_running, stage.n_running)
    time.sleep(0.001)
    with stage.counting:
        stage.n_running -= 1


def assert_slots(n):
    """All slots can be used at once, and no more than these."""
    stage.meeting = threading.Barrier(n)
    assert wait_on([meet() for _ in range(2 * n)]) == [True] * 2 * n
    wait_on([count_running() for _ in range(20 * n)])
    assert stage.most_running <= n
