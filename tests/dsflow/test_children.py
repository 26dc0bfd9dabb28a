"""Tasks in processes of their own: they give what they give here, and can be killed whatever they do."""

import ctypes
import itertools
import logging
import os
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import types
from pathlib import Path

import numpy as np
import psutil
import pytest

import dsflow
from dsflow import active_session, task, wait_on
from dsflow._children import ChildPool
from dsflow._context import Context
from dsflow._execution import run_task
from dsflow._freeze import ATOMS, freeze, thaw
from dsflow._future import Future
from dsflow._graph import Call, Failure

DEADLINE_S = 20
keys = itertools.count()


def call_of(*arguments, changed=(), names=()):
    """A call: tuples refer to inputs and handles, objects are frozen; those at ``changed`` are INOUT."""
    values, shared, private = [], [], []
    for position, value in enumerate(arguments):
        if type(value) not in ATOMS | {tuple}:
            pack, kind = (private, "private") if position in changed else (shared, "shared")
            pack.append(value)
            value = (kind, len(pack) - 1)
        values.append(value)
    return Call(
        values=tuple(values),
        names=names,
        shared=freeze(shared, portable=True) if shared else None,
        private=freeze(private, portable=True) if private else None,
        changed=tuple((None, position) for position in changed),
        parameters=tuple(f"argument {position}" for position in changed),
    )


def run(pool, function, *arguments, changed=(), names=(), inputs=(), handles=(), key=None, **options):
    key = key or f"{function.name}-{next(keys)}"
    call = call_of(*arguments, changed=changed, names=names)
    return pool.run(function, call, inputs, handles, key=key, site="here.py:1", worker="w0", **options)


def value_of(outcome):
    if outcome.failure is not None:
        outcome.failure.throw()
    values = [thaw(stored) for stored in outcome.stored]
    return values[0] if len(values) == 1 else values


def run_script(text, tmp_path, arguments=()):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(text))
    command = [sys.executable, "-W", "error", script, *arguments]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def comes_true(condition):
    end = time.monotonic() + DEADLINE_S
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def left_over():
    """Processes, descriptors and threads of this process."""
    processes = [process.pid for process in psutil.Process().children(recursive=True)]
    descriptors = {
        int(path.name): str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()
    }
    return processes, descriptors, {thread.name for thread in threading.enumerate()}


def _new_in(now, then):
    now, then = (set(each.items()) if isinstance(each, dict) else set(each) for each in (now, then))
    return now - then


@pytest.fixture
def pool(monkeypatch, tmp_path_factory):
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    before = left_over()
    pool = ChildPool()
    yield pool
    start = time.monotonic()
    pool.close()
    assert time.monotonic() - start < DEADLINE_S
    deadline = time.monotonic() + DEADLINE_S
    while any(_new_in(now, then) for now, then in zip(left_over(), before, strict=True)):  # others come and go too
        assert time.monotonic() < deadline, left_over()
        time.sleep(0.05)
    assert list(temporary.iterdir()) == []


# --- what a task gives ------------------------------------------------------------------------------------------------


class Point:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return self.x == other.x


class OddError(Exception):
    def __init__(self, code, *, detail):
        super().__init__(f"code {code}")
        self.detail = detail


@task
def add(x, y):
    return x + y


@task(returns=2)
def twins(x):
    return x, [x]


@task
def change(values, array):
    values.append(len(values))
    array += 1
    return float(array.sum())


@task
def fail(x):
    raise OddError(x, detail=[x])


@task
def fail_at_keyboard():
    raise KeyboardInterrupt


@task
def leave(how):
    if how == "exit":
        os._exit(3)
    elif how == "crash":
        ctypes.string_at(0)
    elif how == "sys":
        sys.exit(4)


@task
def identity(x):
    return x


CASES = [
    (add, (1, 2), {}),
    (add, ("a", "b"), {"names": ("y",)}),
    (twins, (Point(3),), {}),
    (identity, ({"a": np.arange(5.0)},), {}),
    (identity, (None,), {}),
    (change, ([5], np.zeros(4)), {"changed": (0, 1)}),
    (twins, ([1, 2],), {}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].name)
def test_a_task_gives_what_it_gives_in_this_process(pool, case):
    function, arguments, options = case
    here = run_task(
        function, call_of(*arguments, **options), (), (), Context(label="k"), site="", worker="", portable=True
    )
    there = run(pool, function, *arguments, **options)
    np.testing.assert_equal(value_of(there), value_of(here))
    assert (there.run.worker, there.run.bytes_in, there.run.bytes_out) == ("w0", here.run.bytes_in, here.run.bytes_out)
    assert there.run.start <= there.run.end <= time.time()


def test_inputs_are_shared_unless_the_task_may_change_them(pool):
    array = freeze(np.arange(3), portable=True)
    assert value_of(run(pool, add, ("value", 0), ("value", 0), inputs=[array])).tolist() == [0, 2, 4]
    with pytest.raises(ValueError, match="read-only"):
        value_of(run(pool, change, [], np.zeros(3), changed=(0,)))


def test_the_users_exception_comes_back_with_frames_and_notes(pool):
    there = run(pool, fail, 5).failure
    assert isinstance(there.exception, OddError)
    assert there.exception.detail == [5]
    assert there.exception.__notes__ == ["In task fail(int), called at here.py:1, which ran on w0."]
    assert there.exception.__traceback__.tb_frame.f_code.co_name == "fail"
    assert there.key.startswith("fail-")
    with pytest.raises(KeyboardInterrupt):
        value_of(run(pool, fail_at_keyboard))
    with pytest.raises(SystemExit):
        value_of(run(pool, leave, "sys"))


def test_what_cannot_be_pickled_is_a_clear_error(pool, monkeypatch):
    module = types.ModuleType("only_here")
    exec("import dsflow\n@dsflow.task\ndef function():\n    pass", module.__dict__)
    monkeypatch.setitem(sys.modules, "only_here", module)
    with pytest.raises(TypeError, match="cannot be read in a process of its own: its module cannot be imported"):
        value_of(run(pool, module.function))
    lock = threading.Lock()

    @task
    def holds_a_lock():
        return lock

    @task
    def returns_a_lock():
        return threading.Lock()

    with pytest.raises(TypeError, match="holds_a_lock: the function cannot be sent to a process of its own"):
        value_of(run(pool, holds_a_lock))
    with pytest.raises(TypeError, match="returns_a_lock: what it returned or changed, a lock, cannot be copied"):
        value_of(run(pool, returns_a_lock))
    with pytest.raises(TypeError, match="identity: an argument cannot be sent to a process of its own"):
        value_of(run(pool, identity, ("value", 0), inputs=[lock]))
    with pytest.raises(TypeError, match="cannot be read in a process of its own: RuntimeError: not here"):
        value_of(run(pool, task(OnlyHere()), 1))
    assert value_of(run(pool, add, 1, 2)) == 3


class OnlyHere:
    def __call__(self, x):
        return x

    def __reduce__(self):
        return _refuse, ()


def _refuse():
    raise RuntimeError("not here")


# --- what a task says -------------------------------------------------------------------------------------------------


@task
def chatter():
    print("one\ntwo")
    print("three", end="")
    sys.stdout.flush()
    print("!\x00\udc80")
    print("to stderr", file=sys.stderr)
    sys.stdout.buffer.write(b"raw\n")
    sys.stdout.flush()
    logging.getLogger("chatter").warning("look at %s", "this")
    logging.getLogger("chatter").info("not at this")
    wait_on(mumble())
    thread = threading.Thread(target=print, args=("from a thread",))
    thread.start()
    thread.join()
    print("no end", end="")


@task
def mumble():
    print("nested")


SAID = [
    ("stdout", "one"),
    ("stdout", "two"),
    ("stdout", "three!\x00\\udc80"),
    ("stderr", "to stderr"),
    ("stdout", "raw"),
    ("log:30:chatter", "look at this"),
    ("stdout", "nested"),
    ("stdout", "from a thread"),
    ("stdout", "no end"),
]


def test_what_a_task_prints_and_logs_arrives_by_line(pool, capfd, caplog):
    said = []
    assert value_of(run(pool, chatter, emit=lambda *line: said.append(line))) is None
    assert said == SAID
    run(pool, chatter)
    out, err = capfd.readouterr()
    assert out == "".join(f"{text}\n" for stream, text in SAID if stream == "stdout")
    assert err == "to stderr\n"
    assert ("chatter", logging.WARNING, "look at this") in caplog.record_tuples
    with caplog.at_level(logging.INFO):
        run(pool, chatter)
    assert ("chatter", logging.INFO, "not at this") in caplog.record_tuples


def test_what_c_code_prints_goes_to_standard_error(pool, capfd):
    @task
    def print_as_c_does():
        os.write(1, b"from C\n")
        return sys.stdin.read()

    assert value_of(run(pool, print_as_c_does)) == ""
    assert capfd.readouterr() == ("", "from C\n")


# --- tasks that tasks call --------------------------------------------------------------------------------------------


@task
def nest(depth):
    session = active_session()
    assert session.engine.name == "serial"
    future = identity(Point(1)) if depth == 0 else nest(depth - 1)
    values = [1]
    extend(values, future)
    return wait_on(values)[-1], os.getpid()


@task(values=dsflow.INOUT)
def extend(values, item):
    values.append(item)


@task
def fails_inside():
    return fail(7)


def test_tasks_that_a_task_calls_run_in_its_process(pool):
    value = value_of(run(pool, nest, 30))
    pids = set()
    while isinstance(value, tuple):
        value, pid = value
        pids.add(pid)
    assert value == Point(1)
    assert len(pids) == 1
    assert pids != {os.getpid()}
    for _ in range(2):
        with pytest.raises(OddError, match="code 7"):
            value_of(run(pool, fails_inside))
    assert value_of(run(pool, identity, 1)) == 1


@task
def use_handles(first, second, broken):
    assert [type(future) for future in (first, second, broken)] == [Future] * 3
    assert first.done()
    assert broken.done()
    with pytest.raises(OddError):
        broken.result()
    return wait_on(add(first, second)), wait_on(first)


def test_handles_arrive_as_futures(pool):
    handles = [freeze(np.ones(2), portable=True), 2, Failure(OddError(1, detail=2), "broken-1")]
    outcome = run(pool, use_handles, ("handle", 0), ("handle", 1), ("handle", 2), handles=handles)
    both, first = value_of(outcome)
    assert (both.tolist(), first.tolist()) == ([3, 3], [1, 1])
