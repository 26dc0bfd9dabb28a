"""Processes of tasks: which is used when, and that each can be killed whatever its task does."""

import _thread
import contextlib
import ctypes
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from dsflow import _children, task, wait_on
from dsflow._errors import EngineError, TaskCancelledError, TaskLostError, TaskTimeoutError
from tests.dsflow import test_children
from tests.dsflow.test_children import DEADLINE_S, add, comes_true, leave, run, run_script, value_of

pool = test_children.pool


def is_running(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def our_children():
    """Child processes for tasks; others belong to the clusters of other tests."""
    alive = [each for each in psutil.Process().children() if each.status() != psutil.STATUS_ZOMBIE]
    return [each for each in alive if any("dsflow._child" in part for part in each.cmdline())]


@task
def get_pid():
    return os.getpid()


# --- processes --------------------------------------------------------------------------------------------------------


def test_a_warm_process_is_used_again(pool):
    pids = {value_of(run(pool, get_pid)) for _ in range(5)}
    assert len(pids) == 1
    assert pids != {os.getpid()}
    start = time.perf_counter()
    for _ in range(50):
        run(pool, add, 1, 2)
    assert (time.perf_counter() - start) / 50 < 0.05


def test_a_process_that_died_while_idle_is_replaced(pool):
    pid = value_of(run(pool, get_pid))
    os.kill(pid, signal.SIGKILL)
    assert comes_true(lambda: not pool._idle[0].channel.is_open())
    assert value_of(run(pool, get_pid)) != pid


def test_idle_processes_end(pool, monkeypatch):
    monkeypatch.setattr(_children, "IDLE_S", 0.2)
    pid = value_of(run(pool, get_pid))
    assert comes_true(lambda: not psutil.pid_exists(pid))
    assert value_of(run(pool, get_pid)) != pid


def test_a_process_has_the_environment_and_the_folder_of_its_call(pool, monkeypatch, tmp_path):
    @task
    def look(name):
        return os.environ.get(name), str(Path.cwd()), os.getpid()

    first = value_of(run(pool, look, "DSFLOW_TEST", environment={"DSFLOW_TEST": "1"}))
    second = value_of(run(pool, look, "DSFLOW_TEST"))
    assert (first[0], second[0]) == ("1", None)
    assert comes_true(lambda: not is_running(first[2]))  # at most one was busy
    monkeypatch.chdir(tmp_path)
    assert value_of(run(pool, look, "DSFLOW_TEST")) == (None, str(tmp_path), second[2])
    monkeypatch.setenv("DSFLOW_TEST", "2")
    assert value_of(run(pool, look, "DSFLOW_TEST"))[0] == "2"


def test_many_threads_at_once(pool):
    pids = set()

    def work(n):
        outcome = run(pool, sleep_and_pid, 0.001 * (n % 5))
        pids.add(value_of(outcome))
        assert value_of(run(pool, add, n, 1)) == n + 1
        if n % 10 == 0:
            assert isinstance(run(pool, leave, "exit").failure.exception, TaskLostError)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, range(60)))
    assert len(our_children()) <= 4


@task
def sleep_and_pid(seconds):
    time.sleep(seconds)
    return os.getpid()


def test_a_process_that_cannot_start_is_a_clear_error(pool, monkeypatch, capfd):
    with pytest.raises(EngineError, match="did not start; it ended with exit code 1"):
        value_of(run(pool, add, 1, 2, environment={"PYTHONPATH": "/nowhere", "PYTHONHOME": "/nowhere"}))
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(EngineError, match=r"cannot be started: .*/nowhere/python"):
        value_of(run(pool, add, 1, 2))


def _spin(how):
    if how == "python":
        while True:
            pass
    elif how == "C":
        sum(itertools.repeat(1))  # holds the interpreter's lock, and looks at no signal
    elif how == "masked":
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        time.sleep(1000)
    elif how == "foreign":
        ctypes.PyDLL(None).sleep(1000)


@task
def spin(how):
    _spin(how)


@task
def spin_with_processes(how, report):
    sleeper = subprocess.Popen(["sleep", "1000"])
    forked = os.fork()
    if forked == 0:
        time.sleep(1000)
    Path(report).write_text(f"{os.getpid()} {sleeper.pid} {forked}")
    Path(report).rename(f"{report}.done")
    _spin(how)


@pytest.mark.parametrize("how", ["python", "C", "masked", "foreign"])
def test_a_task_whose_time_is_over_is_killed_with_its_processes(pool, tmp_path, how):
    report = str(tmp_path / "pids")
    outcome = run(pool, spin_with_processes, how, report, names=("report",), time_out_s=1.5, key="s-1")
    error = outcome.failure.exception
    assert isinstance(error, TaskTimeoutError)
    assert str(error) == "s-1: not done after 1.5 s (time_out=1.5); its process was killed."
    described = f"how=str of length {len(how)}, report=str of length {len(report)}"
    assert error.__notes__ == [f"In task spin_with_processes({described}), called at here.py:1, which ran on w0."]
    assert 1.5 <= outcome.run.end - outcome.run.start < DEADLINE_S
    pids = list(map(int, Path(f"{report}.done").read_text().split()))
    assert comes_true(lambda: not any(map(is_running, pids)))


def test_after_close_nothing_runs(pool):
    threads = [threading.Thread(target=lambda: outcomes.append(run(pool, spin, "python"))) for _ in range(2)]
    outcomes = []
    for thread in threads:
        thread.start()
    run(pool, add, 1, 2)
    pool.close()
    for thread in threads:
        thread.join(DEADLINE_S)
    outcomes.append(run(pool, add, 1, 2))
    assert {type(outcome.failure.exception) for outcome in outcomes} == {TaskCancelledError}


@task
def say_and_spin(how):
    print("running")
    _spin(how)


@task
def calls_spin(how):
    wait_on(spin(how))


class SlowToLoad:
    def __reduce__(self):
        return _load_slowly, ()


def _load_slowly():
    time.sleep(1)
    return SlowToLoad()


def test_the_time_counts_from_the_start_of_the_function(pool):
    assert value_of(run(pool, sleep_and_pid, 0, time_out_s=0.5)) > 0
    assert value_of(run(pool, test_children.identity, [SlowToLoad(), 1], time_out_s=0.5))[1] == 1
    assert isinstance(run(pool, sleep_and_pid, 5, time_out_s=0.05).failure.exception, TaskTimeoutError)
    assert isinstance(run(pool, calls_spin, "C", time_out_s=0.3).failure.exception, TaskTimeoutError)


@pytest.mark.parametrize("how", ["python", "C"])
def test_a_task_is_killed_from_another_thread(pool, how):
    assert not pool.kill("s-1", "too late")
    running = threading.Event()

    killed = []

    def kill():
        running.wait(DEADLINE_S)
        killed.append(pool.kill("s-1", "s-1 was cancelled: nobody wants it"))

    killer = threading.Thread(target=kill)
    killer.start()
    error = run(pool, say_and_spin, how, key="s-1", emit=lambda *_: running.set()).failure.exception
    killer.join()
    assert type(error) is TaskCancelledError
    assert str(error) == "s-1 was cancelled: nobody wants it"
    assert killed == [True]
    assert not pool.kill("s-1", "too late")
    assert value_of(run(pool, add, 1, 2)) == 3


def test_a_task_can_be_killed_before_its_process_is_there(pool):
    def kill():
        while not pool.kill("s-1", "at once"):
            time.sleep(0)

    killer = threading.Thread(target=kill)
    killer.start()
    assert str(run(pool, spin, "python", key="s-1").failure.exception) == "at once"
    killer.join()


class StopError(BaseException):
    pass


def test_an_interrupt_kills_the_task_and_goes_on(pool):
    timer = threading.Timer(0.5, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run(pool, spin, "C")
    timer.join()
    assert our_children() == []


def test_an_exception_raised_into_the_thread_kills_the_task_and_goes_on(pool):
    ended = []
    running = threading.Event()

    def work():
        try:
            run(pool, say_and_spin, "C", emit=lambda *_: running.set())
        except StopError as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert running.wait(DEADLINE_S)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(StopError))
    thread.join(DEADLINE_S)
    assert len(ended) == 1
    assert our_children() == []
    with pytest.raises(ZeroDivisionError):
        run(pool, test_children.chatter, emit=lambda *_: 1 / 0)
    assert our_children() == []


# --- deaths -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "ended"), [("exit", "exit code 3"), ("crash", "signal SIGSEGV")])
def test_a_process_that_dies_by_itself_is_a_lost_task(pool, capfd, how, ended):
    error = run(pool, leave, how, key="leave-1").failure.exception
    assert type(error) is TaskLostError
    assert str(error).startswith(f"leave-1: the child process of its own in which it ran ended with {ended} before")
    assert error.__notes__ == [f"In task leave(how=str of length {len(how)}), called at here.py:1, which ran on w0."]
    assert value_of(run(pool, add, 1, 2)) == 3


@task
def leave_a_fork():
    if os.fork() == 0:
        print("said by a fork")
        time.sleep(1000)
    time.sleep(0.5)
    os._exit(3)


def test_a_process_that_dies_and_leaves_a_fork_is_lost_at_once(pool, capfd):
    said = []
    start = time.monotonic()
    error = run(pool, leave_a_fork, emit=lambda *line: said.append(line)).failure.exception
    assert "exit code 3" in str(error)
    assert time.monotonic() - start < DEADLINE_S
    assert (said, capfd.readouterr().err) == ([], "said by a fork\n")


SCRIPT = """
import itertools, json, os, signal, subprocess, sys, threading, time
from dsflow import _children, task
from dsflow._graph import Call

@task
def get_pid():
    return os.getpid()

@task
def spin(how):
    sleeper = subprocess.Popen(["sleep", "1000"])
    print(json.dumps([os.getpid(), sleeper.pid]), flush=True)
    while how == "python":
        pass
    sum(itertools.repeat(1))

def run(function, *values):
    return pool.run(function, Call(values), (), (), key=function.name, site="", worker="")

pool = _children.ChildPool()
"""

KILLED = """
threads = [threading.Thread(target=run, args=(get_pid,)) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
run(spin, sys.argv[1])
"""

FORKED = """
busy = threading.Thread(target=run, args=(spin, "C"), daemon=True)
busy.start()
pid = run(get_pid).stored[0]  # in another process, which is idle now
forked = os.fork()
if forked == 0:
    assert not pool.kill("spin", "not mine")
    assert run(get_pid).stored[0] != pid
    pool.close()
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]) == 7
assert run(get_pid).stored[0] == pid
lingering = os.fork()
if lingering == 0:
    time.sleep(1000)
print(json.dumps({"lingering": lingering}), flush=True)
busy.join()
"""


def family_of(process):
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(process.pid).children(recursive=True)
    return []


@pytest.mark.parametrize("how", ["python", "C"])
def test_a_parent_that_is_killed_leaves_no_process(tmp_path, how):
    with run_script(SCRIPT + KILLED, tmp_path, arguments=(how,)) as process:
        pids = json.loads(process.stdout.readline())
        family = family_of(process)
        assert set(pids) <= {each.pid for each in family}
        process.kill()
        _, alive = psutil.wait_procs(family, timeout=DEADLINE_S)
        assert alive == []


def test_a_fork_of_the_parent_leaves_the_processes_alone_and_does_not_keep_them(tmp_path):
    with run_script(SCRIPT + FORKED, tmp_path) as process:
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        family = family_of(process)
        assert len(family) == 4  # busy, its sleep, idle, lingering
        lingering = psutil.Process(next(line["lingering"] for line in lines if isinstance(line, dict)))
        process.kill()
        _, alive = psutil.wait_procs([each for each in family if each != lingering], timeout=DEADLINE_S)
        lingering.kill()
        assert alive == []
        assert process.stderr.read() == ""


def test_an_interrupt_from_the_terminal_does_not_reach_the_task(pool):
    pid = value_of(run(pool, get_pid))
    assert os.getsid(pid) == os.getpgid(pid) == pid
