"""The user's own modules reach workers that cannot import them, and leave nothing there."""

import contextlib
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from distributed import Client

import dsflow

pytestmark = pytest.mark.slow

DEADLINE_S = 60
SOURCES = str(Path(dsflow.__file__).parents[1])


@contextlib.contextmanager
def elsewhere(folder, n_workers=1, workers_path=""):
    """A cluster of processes that know nothing of this one's folders but dsflow; the address of its scheduler."""
    folder.mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([SOURCES, workers_path]).rstrip(os.pathsep),
        "HOME": str(folder),
    }
    with contextlib.ExitStack() as stack:

        def start(module, *arguments):
            log = stack.enter_context((folder / f"{module}-{len(list(folder.iterdir()))}.log").open("w"))
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{module}", *arguments],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
            )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            return process

        file = folder / "scheduler.json"
        start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file))

        def add_worker():
            options = ("--nthreads", "1", "--no-dashboard", "--local-directory", str(folder / "space"))
            start("dask_worker", "--scheduler-file", str(file), "--host", "127.0.0.1", *options)

        for _ in range(n_workers):
            add_worker()
        yield file, add_worker


def run_program(folder, source, scheduler_file, **modules):
    """Run a script that finds modules beside it, and a client of the cluster as ``client``."""
    folder.mkdir(exist_ok=True)
    for name, text in modules.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))
    script = folder / "program.py"
    beginning = f"""
        import logging, sys
        from pathlib import Path
        from distributed import Client
        import dsflow
        from dsflow import task, wait_on
        here = Path(__file__).parent
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(message)s"))
        handler.addFilter(lambda record: "shipping" in record.getMessage())
        logging.getLogger("dsflow").addHandler(handler)
        logging.getLogger("dsflow").setLevel("INFO")
        client = Client(scheduler_file={str(scheduler_file)!r}, set_as_default=False)
        client.wait_for_workers(1)
    """
    script.write_text(textwrap.dedent(beginning) + textwrap.dedent(source))
    done = subprocess.run(
        [sys.executable, script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": SOURCES},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


HELPER = """
    from dsflow import task

    class OwnError(Exception):
        def __init__(self, code):
            super().__init__(f"code {code}")
            self.code = code

    class Point:
        def __init__(self, x):
            self.x = x

    def triple(x):
        return 3 * x

    @task
    def tripled(point):
        return Point(triple(point.x))

    @task
    def fail(code):
        raise OwnError(code)
"""


def test_modules_beside_the_script_reach_the_workers(tmp_path):
    source = """
        import beside
        with dsflow.start("dask", client=client):
            @task
            def both(x):
                return beside.triple(x) + 1
            print([point.x for point in wait_on([beside.tripled(beside.Point(k)) for k in range(3)])])
            print(wait_on(both(2)))
            try:
                wait_on(beside.fail(7))
            except beside.OwnError as error:
                print(type(error) is beside.OwnError, error.code, "fail" in error.__notes__[0])
    """
    with elsewhere(tmp_path / "cluster", n_workers=2) as (file, _):
        lines = run_program(tmp_path / "program", source, file, beside=HELPER)
    shipped, *rest = lines
    assert shipped.startswith("shipping 1 modules")
    assert shipped.endswith("KiB: beside")
    assert rest == ["[0, 3, 6]", "7", "True 7 True"]


def test_a_package_with_relative_imports_goes_as_a_whole(tmp_path):
    source = """
        from package.sub import tasks
        with dsflow.start("dask", client=client):
            print(wait_on(tasks.answer()))
    """
    with elsewhere(tmp_path / "cluster") as (file, _):
        lines = _run_package(tmp_path / "program", source, file)
    assert lines[-1] == "42"
    assert len([line for line in lines if "shipping" in line]) == 1


def _run_package(folder, source, file):
    for path, text in {
        "package/__init__.py": "",
        "package/lazy.py": "from .constants import FORTY\n",
        "package/constants.py": "FORTY = 40\n",
        "package/sub/__init__.py": "from .. import constants\n",
        "package/sub/tasks.py": (
            "from dsflow import task\n\n@task\ndef answer():\n    from ..lazy import FORTY\n    return FORTY + 2\n"
        ),
    }.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return run_program(folder, source, file)


def test_a_module_that_is_edited_and_reloaded_is_read_anew_and_nothing_goes_twice(tmp_path):
    source = """
        import importlib
        import edited, same
        with dsflow.start("dask", client=client):
            print(wait_on(edited.version()), wait_on(same.one()))
            (here / "edited.py").write_text((here / "edited.py").read_text().replace("1", "2"))
            importlib.invalidate_caches()
            importlib.reload(edited)
            print(wait_on(edited.version()), wait_on(same.one()))
    """
    task_of = "from dsflow import task\n\n@task\ndef {}():\n    return 1\n"
    with elsewhere(tmp_path / "cluster") as (file, _):
        lines = run_program(
            tmp_path / "program", source, file, edited=task_of.format("version"), same=task_of.format("one")
        )
    shipped = [line.partition(": ")[2] for line in lines if "shipping" in line]
    assert shipped == ["edited, same", "edited"]
    assert [line for line in lines if "shipping" not in line] == ["1 1", "2 1"]


def test_a_worker_that_finds_the_same_file_gets_nothing_and_sees_changes(tmp_path):
    source = """
        import importlib
        import beside
        with dsflow.start("dask", client=client):
            print(wait_on(beside.tripled(beside.Point(2))).x)
            (here / "beside.py").write_text((here / "beside.py").read_text().replace("3 * x", "30 * x"))
            importlib.reload(beside)
            print(wait_on(beside.tripled(beside.Point(2))).x)
    """
    with elsewhere(tmp_path / "cluster", workers_path=str(tmp_path / "program")) as (file, _):
        assert run_program(tmp_path / "program", source, file, beside=HELPER) == ["6", "60"]


def test_new_workers_get_the_modules_too(tmp_path):
    source = """
        import os, time
        import beside
        @task
        def where(point):
            time.sleep(0.2)
            return os.getpid(), beside.triple(point.x)
        with dsflow.start("dask", client=client):
            print(wait_on(where(beside.Point(1)))[1])
            (here / "more").touch()
            client.wait_for_workers(2)
            found = wait_on([where(beside.Point(k)) for k in range(12)])
            print(len({pid for pid, _ in found}), [x for _, x in found] == [3 * k for k in range(12)])
    """
    import threading

    with elsewhere(tmp_path / "cluster") as (file, add_worker):
        folder = tmp_path / "program"
        ended = threading.Event()

        def watch():
            while not ended.wait(0.05):
                if (folder / "more").exists():
                    add_worker()
                    return

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            lines = run_program(folder, source, file, beside=HELPER)
        finally:
            ended.set()
            thread.join()
    assert lines[1:] == ["3", "2 True"]


def test_nothing_stays_on_the_workers_when_the_session_has_ended(tmp_path):
    source = """
        import beside
        with dsflow.start("dask", client=client):
            print(wait_on(beside.tripled(beside.Point(2))).x)
    """
    with elsewhere(tmp_path / "cluster", n_workers=2) as (file, _):
        run_program(tmp_path / "program", source, file, beside=HELPER)
        with Client(scheduler_file=str(file), set_as_default=False) as client:
            found = client.run(_what_is_left)
        files = [path.name for path in (tmp_path / "cluster" / "space").rglob("*.py")]
    assert list(found.values()) == [([], [], {})] * 2
    assert files == []


def _what_is_left(dask_worker):
    import sys

    return (
        [path for path in sys.path if "beside" in path],
        [name for name in sys.modules if name == "beside"],
        dict(getattr(dask_worker, "dsflow_visits", {})),
    )


def test_a_cluster_of_ours_reads_a_reloaded_module_anew_and_gets_nothing(tmp_path):
    folder = tmp_path / "program"
    source = """
        import importlib
        import beside
        with dsflow.start("dask", workers=1):
            print(wait_on(beside.tripled(beside.Point(2))).x)
            (here / "beside.py").write_text((here / "beside.py").read_text().replace("3 * x", "30 * x"))
            print(wait_on(beside.tripled(beside.Point(2))).x, "until it is reloaded here")
            importlib.reload(beside)
            print(wait_on(beside.tripled(beside.Point(2))).x)
    """
    with elsewhere(tmp_path / "cluster") as (file, _):
        assert run_program(folder, source, file, beside=HELPER) == ["6", "6 until it is reloaded here", "60"]
