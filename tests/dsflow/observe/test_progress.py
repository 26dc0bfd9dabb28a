"""The progress display: bars on a terminal, a line in the log now and then elsewhere, nothing left afterwards."""

import importlib
import io
import logging
import threading
import time

import pytest
from rich.console import Console

import dsflow
from dsflow import task, wait_on
from dsflow.observe import Recorder
from dsflow.observe import progress as show_progress

pytestmark = pytest.mark.usefixtures("no_session")

module = importlib.import_module("dsflow.observe.progress")  # the package's name `progress` is the function


@task
def double(x):
    return 2 * x


@task
def fail(x):
    raise KeyError(x)


@pytest.fixture
def terminal(monkeypatch):
    """What a terminal is given."""
    shown = io.StringIO()
    monkeypatch.setattr(
        module, "_console", lambda: Console(file=shown, force_terminal=True, width=100, color_system=None)
    )
    return shown


def progress_threads():
    return [thread.name for thread in threading.enumerate() if thread.name == "dsflow-progress"]


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_without_a_terminal_nothing_is_printed(capfd):
    with dsflow.start("serial"), show_progress():
        double(1)
        assert progress_threads()
    assert capfd.readouterr() == ("", "")
    assert not progress_threads()


def test_without_a_terminal_the_log_says_how_far_it_is(caplog, monkeypatch):
    monkeypatch.setattr(module, "LOG_S", 0.02)
    caplog.set_level(logging.INFO, "dsflow")
    with dsflow.start("serial"), show_progress():
        double(double(1))
        wait_for(lambda: "2 of 2 tasks have ended after 0 s" in caplog.messages)


def test_a_short_run_logs_nothing(caplog):
    caplog.set_level(logging.INFO, "dsflow")
    with dsflow.start("serial"), show_progress():
        double(1)
    assert not [message for message in caplog.messages if "tasks have ended" in message]


def test_on_a_terminal_each_name_has_a_bar_with_its_count(terminal):
    with dsflow.start("serial"):
        with show_progress():
            double(double(1))
            with pytest.raises(KeyError):
                wait_on(fail(1))
        last = terminal.getvalue().split("double")[-1]
        assert "2/2" in last
        assert "fail 1 failed" in last
        assert "1/1" in last
    assert not progress_threads()


def test_bars_move_while_tasks_run(terminal, monkeypatch):
    monkeypatch.setattr(module, "REFRESH_S", 0.01)
    gate = threading.Event()

    @task
    def block():
        gate.wait(10)

    with dsflow.start("threads", workers=1), show_progress():
        futures = [double(1), block()]
        wait_for(lambda: "0/1" in terminal.getvalue() and "double" in terminal.getvalue())
        gate.set()
        wait_on(futures)


def test_names_are_shown_as_they_are(terminal):
    with dsflow.start("serial"), show_progress():
        odd = task(lambda x: x)
        odd.name = "[red]f"
        odd(1)
    assert "[red]f" in [line for line in terminal.getvalue().splitlines() if "1/1" in line][-1]


def test_the_display_ends_with_an_error_of_the_program(terminal):
    with dsflow.start("serial"):
        double(1)
        with pytest.raises(ZeroDivisionError), show_progress():
            raise ZeroDivisionError
        assert not progress_threads()


def test_the_session_may_be_given_or_started():
    with dsflow.start("serial") as session, show_progress(session):
        double(1)
    assert Recorder.of(session).totals()["double"].done == 1
    with show_progress():
        assert dsflow.active_session() is not None
    dsflow.stop()
