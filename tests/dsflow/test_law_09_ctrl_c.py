"""Law 9: stopping works: an interrupt from the keyboard ends the program, a second one at once."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

PROGRAM = """
import sys, time, dsflow

@dsflow.task
def nap():
    print("started", flush=True)
    time.sleep(60)

@dsflow.task
def nest(depth):
    dsflow.wait_on(nap() if depth == 0 else nest(depth - 1))

@dsflow.task(killable=True)
def apart():
    print("started", flush=True)
    time.sleep(60)

@dsflow.task
def stubborn():
    print("started", flush=True)
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass

dsflow.start(sys.argv[1], workers=2)
{what}
print("not reached")
"""


def interrupted(path, engine, what, n_interrupts=1):
    """Run a program and interrupt it; return its output, its errors, and the seconds that it took to end."""
    path.write_text(PROGRAM.replace("{what}", what))
    process = subprocess.Popen(
        [sys.executable, path, engine],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            assert "started" in process.stdout.readline()
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            start = time.monotonic()
            for _ in range(n_interrupts):
                process.send_signal(signal.SIGINT)
                time.sleep(0.2)
            output, errors = process.communicate(timeout=60)
            seconds = time.monotonic() - start
            _, alive = psutil.wait_procs(family, timeout=10)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode != 0
    assert "not reached" not in output
    assert not alive
    return output, errors, seconds


@pytest.mark.parametrize("engine", ["serial", "threads"])
@pytest.mark.parametrize("what", ["dsflow.wait_on(nap())", "dsflow.wait_on(nest(50))", "dsflow.wait_on(apart())"])
def test_an_interrupt_ends_the_program(engine, what, tmp_path):
    _, errors, seconds = interrupted(tmp_path / "program.py", engine, what)
    assert "KeyboardInterrupt" in errors
    assert seconds < 20, "law 9 asks for 2 s"


WAITING_FOR_A_THREAD = """
import threading

@dsflow.task
def wait_for(box):
    try:
        next(iter(box)).result()
    finally:
        for _ in range(10_000_000):  # what is ended by an interrupt is not cancelled as well
            pass

def call(): futures.append(nap())
futures = []
session = dsflow.active_session()
threading.Thread(target=call, daemon=True).start()
while not session.graph.pending:
    pass
version = next(iter(session.graph.pending.values())).outputs[0]()
dsflow.wait_on(wait_for({dsflow.Future(version, session)}))  # in a set: it is passed on as it is
"""


def test_an_interrupt_is_not_lost_in_a_task_that_waits(tmp_path):
    _, errors, _ = interrupted(tmp_path / "program.py", "serial", WAITING_FOR_A_THREAD)
    assert "KeyboardInterrupt" in errors
    assert "TaskCancelledError" not in errors


def test_an_interrupt_during_stop_ends_the_program(tmp_path):
    _, errors, seconds = interrupted(tmp_path / "program.py", "threads", "future = nap()\ndsflow.stop()")
    assert "KeyboardInterrupt" in errors
    assert seconds < 20


def test_a_program_that_ends_while_its_tasks_run_can_be_interrupted(tmp_path):
    _, errors, seconds = interrupted(tmp_path / "program.py", "threads", "future = nap()\nsys.exit()")
    assert "KeyboardInterrupt" in errors
    assert seconds < 20


def test_a_second_interrupt_kills(tmp_path):
    what = "dsflow.wait_on([stubborn(), stubborn()])"
    _, errors, seconds = interrupted(tmp_path / "program.py", "threads", what, n_interrupts=2)
    assert "KeyboardInterrupt" in errors
    assert seconds < 20
