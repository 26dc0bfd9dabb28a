"""Law 11: the same file, with no ``__main__`` guard, runs on every engine and gives the same."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid

import psutil
import pytest

ENGINES = ["serial", "threads", pytest.param("dask", marks=pytest.mark.slow)]

PROGRAM = """
import sys
from collections import namedtuple
from dataclasses import dataclass

import numpy as np

import dsflow
from dsflow import INOUT, task, wait_on

session = dsflow.start(sys.argv[1], workers=2)

FACTOR = 3
Point = namedtuple("Point", "x y")

class Problem(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code = code

@dataclass
class Config:
    scale: int

class Model:
    def __init__(self):
        self.weights = np.zeros(3)

    @task
    def fit(self, x):
        self.weights += x

    def norm(self):
        return float(self.weights.sum())

def helper(x):
    return FACTOR * x

@task
def scaled(x, config):
    return Point(helper(x) * config.scale, type(config).__name__)

@task
def make_model() -> Model:
    return Model()

@task
def fail(x):
    raise Problem(x, "as it should")

@task
def nested(n):
    return [scaled(k, Config(k)) for k in range(n)]

@task
def say(text):
    print("hello from the task:", text)

@task(lines=INOUT)
def write(lines, text):
    lines.append(text)

config = Config(2)
points = [scaled(k, config) for k in range(4)]
model, other = Model(), make_model()
for k in range(3):
    model.fit(k)
    other.fit(np.arange(3))
lines = ["one"]
write(lines, "two")
wait_on(say("good morning"))
print("points", wait_on(points))
print("model", wait_on(model).norm(), wait_on(other).norm(), type(wait_on(other)) is Model)
print("nested", wait_on(nested(3)))
print("lines", wait_on(lines))
print("kind", type(wait_on(points[0])) is Point)
try:
    wait_on(fail(5))
except Problem as problem:
    print("problem", problem.code, problem.args)
dsflow.stop()
print("the end")
"""

EXPECTED = """
points [Point(x=0, y='Config'), Point(x=6, y='Config'), Point(x=12, y='Config'), Point(x=18, y='Config')]
model 9.0 9.0 True
nested [Point(x=0, y='Config'), Point(x=3, y='Config'), Point(x=12, y='Config')]
lines ['one', 'two']
kind True
problem 5 ('as it should',)
the end
"""


def run(path, source, *arguments):
    path.write_text(source)
    return subprocess.run(
        [sys.executable, path, *arguments], cwd=path.parent, capture_output=True, text=True, timeout=100, check=False
    )


@pytest.mark.parametrize("name", ENGINES)
def test_one_file_gives_the_same_on_every_engine(name, tmp_path):
    done = run(tmp_path / "program.py", PROGRAM, name)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    said = [line for line in lines if "hello from the task" in line]
    assert len(said) == 1
    assert said[0].endswith("hello from the task: good morning")
    assert name == "serial" or "say" in said[0], "it is tagged with the task"
    assert [line for line in lines if line not in said] == EXPECTED.strip().splitlines()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ENGINES)
def test_a_module_beside_the_script_is_found_by_tasks(name, tmp_path):
    (tmp_path / "beside.py").write_text("from dsflow import task\n\n@task\ndef triple(x):\n    return 3 * x\n")
    source = (
        "import sys, dsflow, beside\n"
        "dsflow.start(sys.argv[1], workers=1)\n"
        "@dsflow.task\ndef both(x):\n    return beside.triple(x + 1)\n"
        "print(dsflow.wait_on([beside.triple(4), both(1)]))\n"
    )
    done = run(tmp_path / "program.py", source, name)
    assert done.stdout.splitlines() == ["[12, 6]"], done.stderr


@pytest.mark.parametrize("name", ENGINES)
def test_a_failure_that_nobody_waits_for_sets_the_exit_code(name, tmp_path):
    source = (
        "import sys, dsflow\n"
        "dsflow.start(sys.argv[1], workers=1)\n"
        "@dsflow.task\ndef fail():\n    raise LookupError('nobody waits')\n"
        "fail()\n"
        "print('main is done', flush=True)\n"
    )
    done = run(tmp_path / "program.py", source, name)
    assert done.returncode == 1, done.stderr
    assert done.stdout == "main is done\n"
    assert "LookupError: nobody waits" in done.stderr
    assert "raise LookupError('nobody waits')" in done.stderr
    assert "In task fail()" in done.stderr


@pytest.mark.parametrize("name", ENGINES)
def test_an_error_in_main_ends_the_program_without_waiting_for_all_tasks(name, tmp_path):
    source = (
        "import sys, time, dsflow\n"
        "dsflow.start(sys.argv[1], workers=1)\n"
        "@dsflow.task\ndef nap(x):\n    time.sleep(0.2)\n    return x\n"
        "if sys.argv[1] != 'serial':\n    naps = [nap(k) for k in range(1000)]\n"
        "raise KeyError('main is broken')\n"
    )
    start = time.monotonic()
    done = run(tmp_path / "program.py", source, name)
    assert done.returncode == 1
    assert "KeyError: 'main is broken'" in done.stderr
    assert time.monotonic() - start < 60, "the naps take 200 s"


@pytest.mark.parametrize("name", ENGINES)
def test_ctrl_c_during_a_wait_ends_the_program_and_its_processes(name, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(
        "import sys, time, dsflow\n"
        "dsflow.start(sys.argv[1], workers=2)\n"
        "@dsflow.task\ndef nap(x):\n    print('started', flush=True)\n    time.sleep(60)\n    return x\n"
        "dsflow.wait_on([nap(0), nap(1)] + [nap(2) for _ in range(50)])\n"
        "print('not reached')\n"
    )
    with subprocess.Popen(
        [sys.executable, path, name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert "started" in process.stdout.readline()
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        start = time.monotonic()
        if name == "dask":
            os.killpg(process.pid, signal.SIGINT)  # as the terminal does
        else:
            process.send_signal(signal.SIGINT)
        try:
            output, errors = process.communicate(timeout=30)
            seconds = time.monotonic() - start
            _, alive = psutil.wait_procs(family, timeout=10)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode != 0
    assert "KeyboardInterrupt" in errors
    assert "not reached" not in output
    assert not alive
    assert seconds < 20, "law 9 asks for 2 s"


@pytest.mark.parametrize("name", ENGINES)
def test_a_program_that_never_stops_its_session_ends(name, tmp_path):
    source = (
        "import sys, dsflow\n"
        "dsflow.start(sys.argv[1], workers=2)\n"
        "@dsflow.task\ndef add(x, y):\n    return x + y\n"
        "futures = [add(k, k) for k in range(10)]\n"
        "print(sum(dsflow.wait_on(futures)), flush=True)\n"
        "last = add(1, 1)\n"
    )
    done = run(tmp_path / "program.py", source, name)
    assert (done.returncode, done.stdout) == (0, "90\n"), done.stderr
    assert done.stderr == ""


FORKING = """
import os, signal, sys, dsflow

@dsflow.task
def add(x, y):
    return x + y

dsflow.start(sys.argv[1], workers=2)
before = add(1, 1)
print("before", dsflow.wait_on(before), flush=True)
child = os.fork()
if child == 0:
    signal.alarm(20)  # whatever hangs ends here
    try:
        before.result()
    except dsflow.SessionError as error:
        print("child", type(error).__name__)
    try:
        dsflow.wait_on(add(before, 1))
    except dsflow.SessionError as error:
        print("child", type(error).__name__)
    print("child", dsflow.wait_on([add(k, k) for k in range(4)]))
    dsflow.stop()
    print("child has stopped", flush=True)
    os._exit(0)
_, status = os.waitpid(child, 0)
print("status", os.waitstatus_to_exitcode(status))
print("parent", dsflow.wait_on(before, add(before, 1)))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("name", ENGINES)
def test_a_forked_child_calls_tasks_of_its_own(name, tmp_path):
    done = run(tmp_path / "program.py", FORKING, name)
    assert done.stdout.splitlines() == [
        "before 2",
        "child SessionError",
        "child SessionError",
        "child [0, 2, 4, 6]",
        "child has stopped",
        "status 0",
        "parent [2, 3]",
    ], done.stderr


def nodes_of(mark):
    """The processes of clusters that a program with this mark has started."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if "dsflow.clusters._node" in process.cmdline() and process.environ().get("DSFLOW_MARK") == mark:
                found.append(process)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0.3, 0.8, 1.3])
def test_ctrl_c_while_a_cluster_starts_leaves_no_process(delay, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(
        "import distributed, dsflow\n"
        "print('starting', flush=True)\n"
        "dsflow.start('dask', workers=2)\n"
        "input()\n"  # where an interrupt comes too late for the start
    )
    mark = uuid.uuid4().hex
    with subprocess.Popen(
        [sys.executable, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "DSFLOW_MARK": mark},
    ) as process:
        try:
            assert process.stdout.readline() == "starting\n"
            time.sleep(delay)
            os.killpg(process.pid, signal.SIGINT)
            process.wait(30)
            _, alive = psutil.wait_procs(nodes_of(mark), timeout=5)
        finally:
            for each in [process, *nodes_of(mark)]:
                with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                    each.kill()
    assert process.returncode != 0
    assert not alive
