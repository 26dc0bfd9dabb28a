"""``dsflow run``: a script runs as Python would run it, where the command line says."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import dsflow
from dsflow._start import Choice, override
from dsflow.cli.run import run

pytestmark = pytest.mark.usefixtures("no_session", "own_process_state")


@pytest.fixture
def own_process_state(monkeypatch):
    """What `run` changes in its process is as before afterwards."""
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    yield
    override(Choice())


@pytest.fixture
def invoke(tmp_path):
    """Run a script in this process."""

    def invoke(program, *args, options=("--engine", "serial")):
        script = tmp_path / "program.py"
        script.write_text(program, encoding="utf-8")
        return CliRunner().invoke(run, [*options, str(script), *args])

    return invoke


@pytest.fixture
def run_process(tmp_path):
    """Run a script as a user does, in the folder of the script."""

    def run_process(program, *args, options=("--engine", "threads", "--workers", "2")):
        (tmp_path / "program.py").write_text(program, encoding="utf-8")
        command = [str(Path(sys.executable).parent / "dsflow"), "run", *options, "program.py", *args]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)

    return run_process


TASKS = """
import sys, time
from dataclasses import dataclass
import dsflow

@dataclass
class Point:
    x: int

@dsflow.task
def make(x):
    return Point(x)

@dsflow.task
def pause():
    time.sleep(0.3)

@dsflow.task
def use(point, _):
    assert isinstance(point, Point)

@dsflow.task
def fail():
    raise KeyError("as it should")
"""


def test_the_engine_of_the_command_line_beats_that_of_the_program(invoke):
    program = "import dsflow; s = dsflow.start('threads', workers=2, memory=5); print(s.engine.name, s.memory_bytes)"
    assert invoke(program).output == "serial 5\n"
    assert invoke(program, options=("--engine", "serial", "--memory", "1 KiB")).output == "serial 1024\n"


def test_the_number_of_workers_beats_that_of_the_program_too(invoke):
    program = "import dsflow; print(dsflow.start('threads', workers=2).engine.n_slots)"
    assert invoke(program, options=("--workers", "3")).output == "3\n"


def test_without_options_the_program_decides(invoke):
    program = "import dsflow; print(dsflow.start('threads', workers=2))"
    assert invoke(program, options=()).output.startswith("<Session: engine 'threads', 2 slots")


def test_arguments_are_passed_on_even_if_they_look_like_options(invoke):
    result = invoke("import sys; print(sys.argv[1:])", "a", "--engine", "x", "--help", "-v")
    assert result.output == "['a', '--engine', 'x', '--help', '-v']\n"


def test_the_script_is_the_main_module(invoke, tmp_path):
    result = invoke("import sys; print(__name__, __file__, sys.argv[0], sys.modules['__main__'].__file__)")
    assert result.output.split() == ["__main__", *[str(tmp_path / "program.py")] * 3]


def test_the_folder_of_the_script_is_on_the_path(invoke, tmp_path):
    (tmp_path / "module_beside_the_script.py").write_text("VALUE = 7")
    assert invoke("import module_beside_the_script as m; print(m.VALUE)").output == "7\n"
    del sys.modules["module_beside_the_script"]


def test_the_encoding_and_the_future_of_a_script_are_its_own(tmp_path):
    script = tmp_path / "latin.py"
    script.write_bytes("# coding: latin-1\ndef f(x: int): pass\nprint(ascii('é'), f.__annotations__)".encode("latin-1"))
    assert CliRunner().invoke(run, [str(script)]).output == "'\\xe9' {'x': <class 'int'>}\n"


def test_an_error_shows_a_traceback_that_begins_in_the_script(invoke):
    result = invoke("def f():\n    return 1 / 0\n\nf()\n")
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "program.py" in lines[1]
    assert "line 4" in lines[1]
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_a_script_that_python_cannot_read_is_shown_without_frames_of_ours(invoke):
    result = invoke("x = = 1\n")
    assert result.exit_code == 1
    assert result.stderr.lstrip().startswith('File "')
    assert "program.py" in result.stderr
    assert "SyntaxError" in result.stderr


def test_an_error_that_a_wait_raises_shows_the_lines_of_the_script(invoke):
    result = invoke(TASKS + "dsflow.wait_on(fail())")
    assert result.exit_code == 1
    assert "program.py" in result.stderr.splitlines()[1]
    assert 'raise KeyError("as it should")' in result.stderr
    assert "In task fail()" in result.stderr


def test_a_failure_that_no_wait_has_raised_fails_the_program(invoke):
    result = invoke(TASKS + "fail()\nprint('end')")
    assert result.exit_code == 1
    assert result.stdout == "end\n"
    assert "KeyError: 'as it should'" in result.stderr
    assert dsflow.active_session() is None


def test_the_session_has_ended_when_the_script_has(invoke):
    result = invoke("import dsflow; dsflow.start()")
    assert (result.exit_code, result.output) == (0, "")
    assert dsflow.active_session() is None


@pytest.mark.parametrize(("error", "code"), [("KeyError", 1), ("KeyboardInterrupt", 130)])
def test_an_error_or_interrupt_cancels_what_is_pending(invoke, error, code):
    program = (
        TASKS
        + f"""
import threading
gate = threading.Event()

@dsflow.task
def block():
    gate.wait(20)

futures = [block(), block()]
threading.Timer(0.1, gate.set).start()
raise {error}
"""
    )
    result = invoke(program, options=("--engine", "threads", "--workers", "1"))
    assert result.exit_code == code
    assert error in result.stderr
    assert "program.py" in result.stderr.splitlines()[1]
    assert dsflow.active_session() is None


@pytest.mark.parametrize(
    "options", [("--memory", "much"), ("--memory", "0"), ("--workers", "0"), ("--engine", "magic")]
)
def test_options_that_make_no_sense_are_refused(invoke, options):
    result = invoke("print('ran')", options=options)
    assert result.exit_code == 2
    assert f"Invalid value for {options[0]}" in result.stderr.replace("'", "")
    assert "ran" not in result.stdout


def test_an_option_that_is_unknown_is_named(invoke):
    result = invoke("", options=("--worker", "3"))
    assert result.exit_code == 2
    assert "No such option" in result.stderr


def test_a_script_that_is_not_there_is_an_error(tmp_path):
    result = CliRunner().invoke(run, [str(tmp_path / "missing.py")])
    assert result.exit_code == 2
    assert "does not exist" in result.stderr


@pytest.mark.parametrize("ending", ["", "sys.exit(3)"])
def test_tasks_that_begin_after_the_last_line_find_the_classes_of_the_script(run_process, ending):
    result = run_process(TASKS + f"use(made := make(1), pause())\ndsflow.wait_on(made)\n{ending}")
    assert result.returncode == (3 if ending else 0), result.stderr
    assert result.stderr == ""


def test_an_exit_code_of_the_script_is_that_of_the_command(run_process):
    assert run_process("import sys; sys.exit(3)").returncode == 3
    result = run_process("import sys; sys.exit('so it is')")
    assert (result.returncode, result.stderr) == (1, "so it is\n")


def test_a_failure_that_no_wait_has_raised_is_seen_at_an_exit_too(run_process):
    result = run_process(TASKS + "fail()\nsys.exit(0)")
    assert result.returncode == 1
    assert "KeyError: 'as it should'" in result.stderr
