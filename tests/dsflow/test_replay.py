"""A task that has failed can run again, later and elsewhere, with what it had."""

import importlib.util
import json
import linecache
import logging
import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import dsflow
from dsflow import FILE_IN, INOUT, DsflowError, TaskCancelledError, constraint, current_task, task, wait_on
from dsflow._context import active_context
from dsflow._kept import load_failures
from tests.dsflow.conftest import only
from tests.dsflow.failures import end_of, fail, keep_failures, make, run_again

here = only("serial", "threads")
"""For what does not depend on where the inputs are."""


@pytest.fixture
def folder(engine, tmp_path):
    """Where the session of the test keeps its failures."""
    keep_failures(engine, tmp_path / "kept")
    return tmp_path / "kept"


def locals_of(outcome):
    """The variables of the innermost frame."""
    frames = outcome.failure.exception.__traceback__
    while frames.tb_next is not None:
        frames = frames.tb_next
    return frames.tb_frame.f_locals


class Box:
    """Holds a Future where no one looks for one."""

    def __init__(self, content):
        self.content = content

    def __eq__(self, other):
        return self.content == other.content

    __hash__ = None


@task(x=INOUT)
def append_and_fail(x):
    before = list(x)  # noqa: F841 - looked at from outside
    x.append(1)
    raise KeyError("half")


@task(path=FILE_IN)
def fail_to_read(path):
    text = Path(path).read_text()
    raise ValueError(text)


@task
def wait_inside(box):
    return wait_on(box.content)


@task
def fail_inside(x):
    return wait_on(fail(x)).sum()


@task
def fail_if_there(path):
    made = wait_on(make(4))
    if Path(path).exists():
        raise FileExistsError(path)
    return made


# --- what a replay has ------------------------------------------------------------------------------------------------


def test_it_fails_again_as_it_did_with_the_inputs_that_it_had(engine, folder):
    large = np.arange(200_000.0)
    error = end_of(fail(make(7), [make(8)], Box("y"), large, None, key={"z": 3}))
    assert isinstance(error, KeyError)
    (kept,) = load_failures(folder)
    outcome = run_again(kept)
    again = outcome.failure.exception
    assert (type(again), again.args) == (KeyError, error.args)
    (made, (nested,), box, array, none), keywords = locals_of(outcome)["args"], locals_of(outcome)["kwargs"]
    assert (made.tolist(), nested.tolist(), box, none, keywords) == (
        [7, 7, 7],
        [8, 8, 8],
        Box("y"),
        None,
        {"key": {"z": 3}},
    )
    assert np.array_equal(array, large)


def test_the_file_says_what_is_known_without_running_it(engine, folder):
    line = sys._getframe().f_lineno + 1
    end_of(fail(1))
    (kept,) = load_failures(folder)
    assert kept.key.startswith("fail-")
    assert kept.exception == "KeyError: 'as it should'"
    assert "In task fail(int), called at " in kept.trace
    assert kept.site == f"{__file__}:{line}"
    assert abs(kept.time_s - time.time()) < 60
    assert (kept.folder, kept.arguments) == (str(Path.cwd()), sys.argv)
    assert kept.versions["numpy"] == np.__version__
    assert not {name for name in kept.versions if "." in name or name in sys.stdlib_module_names}
    assert kept.worker.startswith({"serial": "main", "threads": "thread"}.get(engine.engine.name, "worker"))
    assert kept.nbytes == Path(kept.path).stat().st_size


def test_the_exception_says_how_to_replay_it(engine, folder):
    error = end_of(fail(1))
    (kept,) = load_failures(folder)
    assert f"`dsflow replay {folder} {kept.key}` runs it again in pdb" in error.__notes__[-1]
    assert error.__notes__[-1] not in kept.trace


def test_what_the_task_had_changed_is_as_it_was_before(engine, folder):
    x = [0]
    append_and_fail(x)
    with pytest.raises(KeyError):
        wait_on(x)
    dsflow.stop()
    (kept,) = load_failures(folder)
    for _ in range(2):
        assert locals_of(run_again(kept))["before"] == [0]


def test_its_files_are_there_with_what_was_in_them(engine, folder, tmp_path):
    path = tmp_path / "in.txt"
    path.write_text("then")
    end_of(fail_to_read(str(path)))
    path.unlink()
    (kept,) = load_failures(folder)
    looked_at = []

    def call(function, copy):
        try:
            function(copy)
        except ValueError as error:
            looked_at.append((str(error), Path(copy).name, Path(copy).read_text()))
            raise

    assert isinstance(run_again(kept, call).failure.exception, ValueError)
    assert looked_at == [("then", "in.txt", "then")]


def test_a_future_that_it_was_given_has_the_value_that_it_had(engine, folder):
    made = make(5)
    wait_on(made)
    end_of(fail(Box(made)))
    (kept,) = load_failures(folder)
    found = []
    run_again(kept, lambda function, box: found.append(wait_on(box.content).tolist()))
    assert found == [[5, 5, 5]]


def test_a_future_that_it_was_given_fails_as_it_did(engine, folder):
    failed = fail(5)
    assert isinstance(failed.exception(), KeyError)
    assert isinstance(end_of(wait_inside(Box(failed))), KeyError)
    first, second = load_failures(folder)
    assert (first.key[:5], second.key[:5]) == ("fail-", "wait_")
    assert isinstance(run_again(second).failure.exception, KeyError)


@only("threads")
def test_a_future_that_had_no_value_yet_says_so(engine, folder):
    gate = threading.Event()

    @task
    def wait_at_gate():
        gate.wait(20)

    late = wait_at_gate()
    error = fail(Box(late)).exception()
    gate.set()
    assert isinstance(error, KeyError)
    dsflow.stop()
    (kept,) = load_failures(folder)
    outcome = run_again(kept, lambda function, box: wait_on(box.content))
    assert isinstance(outcome.failure.exception, TaskCancelledError)
    assert "had no value yet when the task failed" in str(outcome.failure.exception)


def test_what_it_calls_runs_too(engine, folder, tmp_path):
    path = tmp_path / "there"
    path.touch()
    assert isinstance(end_of(fail_if_there(str(path))), FileExistsError)
    path.unlink()
    (kept,) = load_failures(folder)
    outcome = run_again(kept)
    assert outcome.failure is None
    assert len(outcome.stored) == 1


def test_a_failure_of_what_it_called_is_its_own_too(engine, folder):
    assert isinstance(end_of(fail_inside(1)), KeyError)
    kept = load_failures(folder)[-1]
    assert kept.key.startswith("fail_inside")
    assert isinstance(run_again(kept).failure.exception, KeyError)


def test_a_task_that_was_stopped_in_its_own_process_runs_in_this_one(engine, folder):
    @task(time_out=0.2)
    def hang(pid):
        if os.getpid() != pid:
            time.sleep(30)
        return "here"

    assert isinstance(end_of(hang(os.getpid())), dsflow.TaskTimeoutError)
    (kept,) = load_failures(folder)
    assert kept.exception.startswith("TaskTimeoutError: ")
    assert run_again(kept).stored == ["here"]


def test_it_knows_its_key_and_what_it_was_given_of_the_machine(engine, folder):
    end_of(constraint(memory=5)(task(fail.function))(1))
    (kept,) = load_failures(folder)
    known = []
    run_again(kept, lambda function, x: known.append((current_task().key, active_context().grant.needs.memory_bytes)))
    assert known == [(kept.key, 5)]


@only("threads", "dask-inproc")
def test_what_the_function_holds_is_what_it_held_when_it_ran(engine, folder, tmp_path):
    held = ["at the call"]

    @task
    def fail_late(path):
        deadline = time.monotonic() + 20
        while not Path(path).exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        raise KeyError(held[0])

    future = fail_late(str(tmp_path / "go"))
    held[0] = "later"
    (tmp_path / "go").touch()
    error = end_of(future)
    assert error.args == ("later" if engine.engine.name == "threads" else "at the call",)
    (kept,) = load_failures(folder)
    assert run_again(kept).failure.exception.args == error.args


@here
def test_what_it_refers_to_by_name_is_kept_if_its_module_is_the_program(engine, folder, tmp_path, monkeypatch):
    program = tmp_path / "program.py"
    program.write_text("FACTOR = 6\nclass Own: pass\ndef scaled(own):\n    own.x = FACTOR\n    raise KeyError(own)\n")
    names = {"__name__": "__main__"}
    exec(compile(program.read_bytes(), str(program), "exec"), names)
    for name in ("Own", "scaled"):
        monkeypatch.setattr(sys.modules["__main__"], name, names[name], raising=False)
    end_of(task(names["scaled"])(names["Own"]()))
    monkeypatch.undo()
    program.write_text("another\nprogram\n")
    linecache.checkcache()
    (kept,) = load_failures(folder)
    lines = []

    def call(function, own):
        try:
            function(own)
        finally:
            lines.append(linecache.getline(str(program), 4))

    outcome = run_again(kept, call)
    assert locals_of(outcome)["own"].x == 6
    assert lines == ["    own.x = FACTOR\n"]
    assert linecache.getline(str(program), 1) == "another\n"


# --- what can go wrong in a replay ------------------------------------------------------------------------------------


def altered(kept, **changes):
    """The failure, with changes to what its file tells."""
    path = Path(kept.path)
    first, told, rest = path.read_bytes().split(b"\n", 2)
    path.write_bytes(b"\n".join([first, json.dumps(json.loads(told) | changes).encode(), rest]))
    return load_failures(path.parent)[0]


@only("serial")
def test_another_python_is_named(engine, folder):
    end_of(fail(1))
    kept = altered(load_failures(folder)[0], python="3.10.2", executable="/opt/python3.10")
    with pytest.raises(
        DsflowError, match=r"was kept by Python 3\.10\.2, .* replay it with the dsflow of /opt/python3\.10"
    ):
        run_again(kept)


@only("serial")
def test_other_versions_of_packages_are_named(engine, folder, caplog):
    end_of(fail(1))
    kept = load_failures(folder)[0]
    run_again(altered(kept, versions=kept.versions | {"numpy": "1.2.3", "not_imported": "1"}))
    assert [record.message for record in caplog.records] == [
        f"numpy was 1.2.3 when {kept.key} failed, and is {np.__version__} here"
    ]


@only("serial")
def test_a_function_whose_module_is_gone_says_so(engine, folder, tmp_path, monkeypatch):
    (tmp_path / "module_of_a_task.py").write_text("import dsflow\n@dsflow.task\ndef fail():\n    1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    import module_of_a_task

    end_of(module_of_a_task.fail())
    monkeypatch.undo()
    (kept,) = load_failures(folder)
    del sys.modules["module_of_a_task"]
    assert isinstance(run_again(kept).failure.exception, ZeroDivisionError)
    del sys.modules["module_of_a_task"]
    (tmp_path / "module_of_a_task.py").unlink()
    with pytest.raises(DsflowError, match="the module of its function cannot be imported here; it was looked for in"):
        run_again(kept)


@only("serial")
def test_a_module_is_found_that_only_the_program_knew_how_to_find(engine, folder, tmp_path):
    (tmp_path / "package_of_a_task").mkdir()
    path = tmp_path / "package_of_a_task" / "inner.py"
    path.write_text("import dsflow\n@dsflow.task\ndef fail():\n    1 / 0\n")
    spec = importlib.util.spec_from_file_location("package_of_a_task.inner", path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    end_of(module.fail())
    del sys.modules[spec.name]
    (kept,) = load_failures(folder)
    assert isinstance(run_again(kept).failure.exception, ZeroDivisionError)
    del sys.modules[spec.name], sys.modules["package_of_a_task"]


@only("serial")
def test_a_file_that_cannot_be_read_to_its_end_says_so(engine, folder):
    end_of(fail(1))
    (kept,) = load_failures(folder)
    os.truncate(kept.path, kept.nbytes - 10)
    with pytest.raises(DsflowError, match=r"cannot be read here: .*truncated"):
        run_again(kept)
    assert dsflow.active_session() is None


@only("serial")
def test_the_process_is_as_that_of_the_program_was_and_then_as_before(engine, folder, tmp_path, monkeypatch, caplog):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["program.py", "x"])
    monkeypatch.setattr(sys, "path", [*sys.path, "beside"])
    end_of(fail(1))
    monkeypatch.undo()
    before = (Path.cwd(), list(sys.argv), list(sys.path))
    (kept,) = load_failures(folder)
    seen = []
    run_again(kept, lambda function, x: seen.append((Path.cwd(), list(sys.argv), str(tmp_path / "beside") in sys.path)))
    assert seen == [(tmp_path, ["program.py", "x"], True)]
    assert (Path.cwd(), sys.argv, sys.path) == before
    assert dsflow.active_session() is None
    with caplog.at_level(logging.WARNING):
        run_again(altered(kept, folder=str(tmp_path / "gone")))
    assert f"ran in {tmp_path / 'gone'}, which is gone" in caplog.text
