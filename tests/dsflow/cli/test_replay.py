"""``dsflow replay``: failures are listed, and run again in pdb."""

import io
import signal
import subprocess
import sys
import threading
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

import dsflow
from dsflow import FILE_STDIN, FILE_STDOUT, task, wait_on
from dsflow._kept import load_failures
from dsflow._start import Choice, override
from dsflow.cli.replay import replay
from dsflow.cli.run import run
from tests.dsflow.failures import end_of, keep_failures

pytestmark = pytest.mark.usefixtures("no_session")


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Keeps the failure of a call; gives the folder."""
    monkeypatch.setenv("HOME", str(tmp_path))  # where pdb looks for its configuration
    folder = tmp_path / "kept"

    def kept(function, *args):
        keep_failures(dsflow.start("serial"), folder)
        end_of(function(*args))
        return folder

    return kept


@dataclass
class Result:
    exit_code: int | None
    stdout: str
    stderr: str


def invoke(folder, *args, typed=""):
    """Run the command here, with what is typed; a runner of click's keeps pdb away from its streams."""
    stdin, handler = sys.stdin, signal.getsignal(signal.SIGINT)
    sys.stdin = io.StringIO(typed)
    try:
        with redirect_stdout(io.StringIO()) as stdout, redirect_stderr(io.StringIO()) as stderr:
            with pytest.raises(SystemExit) as ended:
                replay([str(folder), *args])
    finally:
        sys.stdin = stdin
        signal.signal(signal.SIGINT, handler)  # pdb has its own
    return Result(ended.value.code, stdout.getvalue(), stderr.getvalue())


@task
def divide(x, y):
    double = 2 * x
    return double / y


@task
def divide_inside(x):
    return wait_on(divide(x, 0))


@task
def misuse(path):
    quotient = divide(4, 2)
    return quotient + len(path)


@task
def return_lock():
    return threading.Lock()


@task(question=FILE_STDIN, answer=FILE_STDOUT)
def answer(question, answer):
    print("written to a file")
    raise KeyError(input())


@task(time_out=0.1)
def hang(n):
    for second in range(n):
        time.sleep(1)


@task
def divide_once(path):
    first = not Path(path).exists()
    Path(path).touch()
    return 1 / (not first)


# --- the list ---------------------------------------------------------------------------------------------------------


def test_without_a_key_the_failures_are_listed(kept):
    kept(divide, 3, 0)
    folder = kept(divide_inside, 4)
    result = invoke(folder)
    assert result.exit_code == 0
    head, *rows = result.stdout.splitlines()
    assert head.split("  ")[0] == "KEY"
    keys = [failure.key for failure in load_failures(folder)]
    assert [row.split()[0] for row in rows] == keys
    assert len(keys) == 3
    assert rows[0].endswith("ZeroDivisionError: division by zero")
    assert " MiB  " in rows[0]
    assert time.strftime("%Y-%m-%d ") in rows[0]
    assert f"{Path(__file__).name}:" in rows[1]
    assert result.stderr == f"`dsflow replay {folder} KEY` opens one in pdb.\n"


def test_a_folder_without_failures_says_so(tmp_path):
    tmp_path.chmod(0o700)
    assert invoke(tmp_path).stdout == f"There are no failures in {tmp_path}.\n"


@pytest.mark.parametrize(
    ("key", "why"), [("divide", "2 failures have a key that begins with 'divide'"), ("x", "no failure has a key")]
)
def test_a_key_that_is_not_that_of_one_failure_is_refused_with_those_there_are(kept, key, why):
    folder = kept(divide_inside, 4)
    result = invoke(folder, key)
    assert result.exit_code == 2
    assert why in result.stderr
    assert all(failure.key in result.stderr for failure in load_failures(folder))


def test_what_others_can_have_written_is_refused(kept):
    folder = kept(divide, 3, 0)
    folder.chmod(0o770)
    result = invoke(folder, "divide")
    assert result.exit_code == 1
    assert f"Error: others can write to {folder}" in result.stderr


# --- pdb --------------------------------------------------------------------------------------------------------------


def test_pdb_opens_where_it_fails(kept):
    result = invoke(kept(divide, 3, 0), "divide", typed="p double, y\nq\n")
    assert result.exit_code == 1
    assert "divide-" in result.stdout.splitlines()[0]
    assert "ran on main and failed: ZeroDivisionError: division by zero" in result.stdout.splitlines()[0]
    assert f'File "{__file__}"' in result.stdout.splitlines()[2]
    assert "-> return double / y\n(Pdb) (6, 0)\n(Pdb) " in result.stdout
    assert dsflow.active_session() is None


def test_pdb_opens_in_the_task_that_it_called_and_shows_the_users_frames_alone(kept):
    folder = kept(divide_inside, 3)
    key = load_failures(folder)[1].key
    assert key.startswith("divide_inside")
    result = invoke(folder, key, typed="p double\nup\np x\nq\n")
    assert result.exit_code == 1
    assert "(Pdb) 6\n" in result.stdout
    assert "-> return wait_on(divide(x, 0))\n(Pdb) 3\n" in result.stdout
    assert "_session.py" not in result.stdout


def test_pdb_opens_in_the_users_line_for_an_error_of_ours(kept):
    result = invoke(kept(misuse, "path"), "misuse", typed="p path\nq\n")
    assert "-> return quotient + len(path)\n(Pdb) 'path'\n" in result.stdout


def test_pdb_opens_for_what_fails_after_the_function(kept):
    result = invoke(kept(return_lock), "return", typed="p value\nq\n")
    assert result.exit_code == 1
    assert "cannot be copied" in result.stdout
    assert "(Pdb) <unlocked _thread.lock" in result.stdout


def test_pdb_opens_once(kept):
    result = invoke(kept(divide, 3, 0), "divide", typed="q\n")
    assert result.stdout.count("(Pdb)") == 1
    assert result.stdout.count("Traceback") == 1


def test_pdb_has_the_streams_of_the_user_where_the_task_has_files(kept, tmp_path):
    (tmp_path / "question").write_text("what?\n")
    folder = kept(answer, str(tmp_path / "question"), str(tmp_path / "answer"))
    for options in ((), ("--trace",)):
        typed = "c\n" if options else ""
        result = invoke(folder, "answer", *options, typed=typed + "p 'you', Path(question).read_text()\nq\n")
        assert "KeyError: 'what?'" in result.stdout
        assert "(Pdb) ('you', 'what?\\n')\n" in result.stdout
        assert "\nwritten to a file" not in result.stdout


def test_trace_opens_pdb_at_the_first_line(kept):
    result = invoke(kept(divide, 3, 0), "divide", "--trace", typed="n\np double\ny = 4\nc\n")
    assert result.exit_code == 0
    assert "-> double = 2 * x\n(Pdb) " in result.stdout
    assert "-> return double / y\n(Pdb) 6\n" in result.stdout
    assert "It did not fail this time; it gave float." in result.stdout


def test_trace_opens_pdb_where_it_fails_too(kept):
    result = invoke(kept(divide, 3, 0), "divide", "--trace", typed="c\np double\nq\n")
    assert result.exit_code == 1
    assert "ZeroDivisionError: division by zero\n>" in result.stdout
    assert "(Pdb) 6\n" in result.stdout


def test_who_leaves_the_trace_is_done(kept):
    folder, before = kept(divide, 3, 0), sys.gettrace()
    result = invoke(folder, "divide", "--trace", typed="q\n")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.count("(Pdb)") == 1
    assert sys.gettrace() is before


def test_an_interrupt_opens_pdb_where_a_task_hangs(kept):
    folder = kept(hang, 20)
    timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    timer.start()
    result = invoke(folder, "hang", typed="p n\nq\n")
    timer.join()
    assert result.exit_code == 130
    assert "It was ended from outside: an interrupt opens pdb where it is, --trace at its first line." in result.stdout
    assert "-> time.sleep(1)\n(Pdb) 20\n" in result.stdout
    result = invoke(folder, "hang", "--trace", typed="q\n")
    assert "for second in range(n):\n(Pdb) " in result.stdout
    assert "ended from outside" not in result.stdout


def test_a_task_that_does_not_fail_this_time_shows_how_it_had_failed(kept, tmp_path):
    result = invoke(kept(divide_once, str(tmp_path / "path")), "divide_once")
    assert result.exit_code == 0
    assert "It did not fail this time; it gave float. It had failed with:\n\nTraceback" in result.stdout
    assert "    return 1 / (not first)" in result.stdout
    assert "In task divide_once(str of length" in result.stdout


# --- from end to end --------------------------------------------------------------------------------------------------


PROGRAM = """
import sys
import dsflow
from beside import halve

OFFSET = 5

class Point:
    def __init__(self, x):
        self.x = x

@dsflow.task
def invert(point):
    shifted = point.x - OFFSET
    return Point(1 / shifted)

invert(Point(5))
halve(invert(Point(6)), len(sys.argv))
"""

BESIDE = """
import dsflow

@dsflow.task
def halve(point, n):
    return point / n
"""


def dsflow_process(folder, *args, typed=None):
    command = [str(Path(sys.executable).parent / "dsflow"), *args]
    return subprocess.run(command, input=typed, capture_output=True, text=True, timeout=60, cwd=folder)


@pytest.mark.parametrize("engine", ["threads", "dask"])
def test_a_program_that_has_failed_is_replayed_by_another_process_without_its_source(tmp_path, engine):
    work = tmp_path / "work"
    work.mkdir()
    (work / "program.py").write_text(PROGRAM)
    (work / "beside.py").write_text(BESIDE)
    options = ("--engine", engine, "--workers", "1", "--keep-failures", "kept")
    result = dsflow_process(work, "run", *options, "program.py", "an", "argument")
    assert result.returncode == 1
    assert "`dsflow replay " in result.stderr
    (work / "program.py").unlink()
    result = dsflow_process(
        tmp_path, "replay", "work/kept", "invert", typed="import sys\np shifted, point.x, sys.argv[1:]\nq\n"
    )
    assert result.returncode == 1, result.stderr
    assert "-> return Point(1 / shifted)\n(Pdb) (Pdb) (0, 5, ['an', 'argument'])\n" in result.stdout
    result = dsflow_process(tmp_path, "replay", "work/kept", "halve", typed="p point.x, n\nq\n")
    assert result.returncode == 1, result.stderr
    assert "TypeError: unsupported operand type(s) for /: 'Point' and 'int'" in result.stdout
    assert "-> return point / n\n(Pdb) (1.0, 3)\n" in result.stdout


def test_the_folder_is_that_of_the_command_line_before_that_of_the_program(tmp_path, monkeypatch):
    for name in ("argv", "path"):
        monkeypatch.setattr(sys, name, list(getattr(sys, name)))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    (tmp_path / "program.py").write_text(
        f"import dsflow\ndsflow.start('serial', keep_failures={str(tmp_path / 'own')!r})\ndsflow.task(len)(5)\n"
    )
    try:
        assert CliRunner().invoke(run, [str(tmp_path / "program.py")]).exit_code == 1
        options = ["--keep-failures", str(tmp_path / "asked")]
        assert CliRunner().invoke(run, [*options, str(tmp_path / "program.py")]).exit_code == 1
    finally:
        override(Choice())
    assert [len(load_failures(tmp_path / name)) for name in ("own", "asked")] == [1, 1]
