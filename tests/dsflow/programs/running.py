"""Running a program with tasks and with plain functions, and comparing what comes of it."""

from __future__ import annotations

import builtins
import functools
import importlib
import re
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import dsflow
from dsflow import Direction, OnFailure, Task
from tests.dsflow.programs import plain

VOCABULARY = [f"tests.dsflow.vocabulary.{name}" for name in
              ("contents", "objects", "elements", "files", "policies", "nesting")]  # fmt: skip

FOR_MAIN = ["TaskGroup", "barrier", "barrier_group", "delete_file", "file_exists", "open", "share", "task",
            "wait_on", "wait_on_directory", "wait_on_file"]  # fmt: skip
"""What programs use of dsflow, besides directions and policies."""


def run_with_tasks(source: str) -> dict[str, Any]:
    """Run a program in the active session; return the content of its variables and files, and what it has seen."""
    session = dsflow.active_session()
    assert session is not None
    names = _names(dsflow, [importlib.import_module(name) for name in VOCABULARY])
    cpus = max(place.cpus for place in session.engine.places())
    return _run(source, names, cpus=min(2, cpus))


def run_plain(source: str) -> dict[str, Any]:
    """Run the same program with plain functions."""
    return _run(source, _names(plain, [_plain_module(name) for name in VOCABULARY]), cpus=1)


def _names(library: ModuleType, modules: list[ModuleType]) -> dict[str, Any]:
    """What a program may use."""
    names = {name: value for module in modules for name, value in vars(module).items() if not name.startswith("_")}
    names |= {name: value for name, value in vars(dsflow).items() if isinstance(value, (Direction, OnFailure))}
    names |= {name: getattr(library, name) for name in FOR_MAIN}
    names["open_file"] = names.pop("open")
    return names


@functools.cache
def _plain_module(name: str) -> ModuleType:
    """A module of the vocabulary for which dsflow is `plain`."""
    path = importlib.import_module(name).__file__
    assert path is not None
    module = ModuleType(name + "_of_plain_functions")
    sys.modules[module.__name__] = module  # dataclasses look their module up
    module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _import}
    exec(compile(Path(path).read_text(), path, "exec"), module.__dict__)
    return module


def _import(name: str, *args: Any) -> Any:
    if name == "dsflow":
        return plain
    return _plain_module(name) if name in VOCABULARY else builtins.__import__(name, *args)


@contextmanager
def _folders() -> Iterator[dict[str, str]]:
    """The folder of a program, with a link in it, and one beside it where tasks count their tries."""
    root = Path(tempfile.mkdtemp(prefix="program-"))
    folders = {"FOLDER": str(root / "folder"), "TRIES": str(root / "tries")}
    for folder in folders.values():
        Path(folder).mkdir()
    Path(folders["FOLDER"], "link.txt").symlink_to("p.txt")
    try:
        yield folders
    finally:
        shutil.rmtree(root)


def _run(source: str, names: dict[str, Any], cpus: int) -> dict[str, Any]:
    with _folders() as folders:
        names = {**names, **folders, "Path": Path, "CPUS": cpus}
        namespace: dict[str, Any] = dict(names, seen=[], __name__="__main__")
        exec(compile(source, "<program>", "exec"), namespace)
        variables = {
            name: value
            for name, value in namespace.items()
            if name not in names and name[0] != "_" and not isinstance(value, (type, Task, FunctionType, ModuleType))
        }
        names["barrier"]()
        found = {name: names["content_of"](names["wait_on"](value)) for name, value in variables.items()}
        session = dsflow.active_session()
        if session is not None and names["task"] is dsflow.task:
            for path in list(session.main.tracker.paths):
                dsflow.wait_on_file(path)
        return {**found, "FOLDER": names["content_of_folder"](folders["FOLDER"])}


def assert_same(source: str) -> None:
    """Assert that a program gives with tasks, in the active session, what it gives with plain functions."""
    source = textwrap.dedent(source)
    expected = run_plain(source)
    try:
        got = run_with_tasks(source)
    except Exception as error:
        error.add_note(f"In the program\n\n{source}")
        raise
    found = difference(source, expected, got)
    assert not found, found


def difference(source: str, expected: dict[str, Any], got: dict[str, Any]) -> str:
    """Say where two runs of a program differ; empty if they do not."""
    if expected == got:
        return ""
    lines = [
        f"{name}: plain functions give {_shown(expected.get(name))}, tasks give {_shown(got.get(name))}"
        for name in expected
        if name not in got or got[name] != expected[name]
    ]
    return "\n".join(["The program", "", source, "differs:", *lines])


def _shown(value: Any) -> str:
    text = re.sub(r"(\\x00){99,}", "...", repr(value))
    return text if len(text) < 2000 else f"{text[:1000]}...{text[-1000:]}"
