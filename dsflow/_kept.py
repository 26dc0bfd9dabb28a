"""A failure on disk: what a file of it says, and who may have written it.

A file has a line that names the format, a line of JSON that can be read without running what is in the file, and a
pickle of the call, which cannot.
"""

from __future__ import annotations

import contextlib
import json
import linecache
import os
import pickle
import platform
import re
import stat
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any, BinaryIO

from dsflow._graph import Node, Outcome

__all__ = [
    "KeptFailure",
    "check_trusted",
    "describe_failure",
    "load_failures",
    "open_failure",
    "versions_in_use",
    "write_failure",
]

_FORMAT = b"dsflow failure 1\n"
_SUFFIX = ".failure"


@dataclass(frozen=True, slots=True)
class KeptFailure:
    """What is known of a failure without running what is in its file."""

    key: str
    """Key of the node."""
    exception: str
    """Type and message."""
    trace: str
    """The traceback, with the notes."""
    time_s: float
    """When it failed, in seconds since the epoch."""
    site: str
    """File and line of the call."""
    worker: str
    """Where it ran."""
    folder: str
    """The working directory of the program."""
    arguments: list[str]
    """The command line of the program."""
    search_path: list[str]
    """Where the program has found its modules."""
    python: str
    """Version of Python."""
    executable: str
    """Path of Python."""
    versions: dict[str, str]
    """Versions of the packages that were imported."""
    sources: dict[str, str]
    """Text of the file of a function that is kept by value, by the name of the file."""
    path: str = ""
    """The file."""
    nbytes: int = 0
    """Size of the file."""


# --- what is told of a failure ---------------------------------------------------------------------------------------


def describe_failure(node: Node, outcome: Outcome) -> KeptFailure:
    """Return what is to be told of a node that has just failed in this process's session."""
    failure, run = outcome.failure, outcome.run
    assert failure is not None
    error = failure.exception
    folder = Path.cwd()
    return KeptFailure(
        key=node.key,
        exception=f"{type(error).__name__}: {error}".partition("\n")[0].removesuffix(": "),
        trace="".join(traceback.format_exception(error)),
        time_s=time.time() if run is None else run.end,
        site=node.site,
        worker="an unknown place" if run is None else run.worker,
        folder=str(folder),
        arguments=list(sys.argv),
        search_path=[*(str(folder / entry) for entry in sys.path), *_roots_of(node.function.function)],
        python=platform.python_version(),
        executable=sys.executable,
        versions=versions_in_use(),
        sources=_sources_of(node.function.function),
    )


def _is_by_name(function: Any) -> bool:
    """Whether a function is pickled as the name of what an imported module has."""
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
    return module not in (None, "__main__") and "<locals>" not in name


def _roots_of(function: Any) -> Iterator[str]:
    """The folder in which Python finds the module of a function by its name."""
    module = sys.modules.get(function.__module__) if _is_by_name(function) else None
    file = getattr(module, "__file__", None)
    if module is not None and file is not None:
        path = Path(file).absolute()
        yield str(path.parents[module.__name__.count(".") + (path.name == "__init__.py")])


def _sources_of(function: Any) -> dict[str, str]:
    """The text that goes with a function that is pickled by value: the file may be another, or gone, by then."""
    code = getattr(function, "__code__", None)
    if code is None or _is_by_name(function):
        return {}
    return {code.co_filename: "".join(linecache.getlines(code.co_filename))}


def versions_in_use() -> dict[str, str]:
    """Return the versions of the packages that this process has imported, by name."""
    found = {name: getattr(module, "__dict__", {}).get("__version__") for name, module in sys.modules.copy().items()}
    of_packages = {name: each for name, each in found.items() if "." not in name and isinstance(each, str)}
    ours = {"dsflow": version_of("dsflow")}
    return ours | {name: each for name, each in of_packages.items() if name not in sys.stdlib_module_names}


# --- files -----------------------------------------------------------------------------------------------------------


def write_failure(folder: Path, kept: KeptFailure, content: Any) -> Path:
    """Write a file that is there whole or not at all, for this user alone; return its path."""
    path = folder / (re.sub(r"[^\w.<>+-]", "_", kept.key)[-150:] + _SUFFIX)
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(_FORMAT + json.dumps(asdict(kept)).encode("ascii") + b"\n")
            pickle.dump(content, file, protocol=5)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def load_failures(folder: str | os.PathLike[str]) -> list[KeptFailure]:
    """Return the failures that a folder holds, the oldest first; nothing of what is in them is run.

    Raises
    ------
    PermissionError
        When the folder, or a file in it, can have been written by another user.
    ValueError
        When a file is no failure.
    """
    folder = Path(folder).absolute()
    check_trusted(folder, folder.stat())
    failures = []
    for path in folder.glob(f"*{_SUFFIX}"):
        with open_failure(path) as (kept, _):
            failures.append(kept)
    return sorted(failures, key=lambda kept: kept.time_s)


@contextlib.contextmanager
def open_failure(path: Path) -> Iterator[tuple[KeptFailure, BinaryIO]]:
    """Open the file of a failure and read what it tells; the rest of the file is the pickle.

    Raises
    ------
    PermissionError, ValueError
        As `load_failures` does.
    """
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        check_trusted(path, found)
        if file.readline(len(_FORMAT)) != _FORMAT:
            raise ValueError(f"{path} is no failure that this version of dsflow has kept; move it away.")
        yield replace(KeptFailure(**json.loads(file.readline())), path=str(path), nbytes=found.st_size), file


def check_trusted(path: Path, found: os.stat_result) -> None:
    """Raise PermissionError unless only this user can have written what is at a path, of which this is the state."""
    if found.st_uid != os.geteuid():
        raise PermissionError(
            f"{path} belongs to another user (number {found.st_uid}); a failure holds code that a replay runs, "
            "so replay only what your own programs have kept."
        )
    if stat.S_IMODE(found.st_mode) & 0o022:
        raise PermissionError(
            f"others can write to {path}; a failure holds code that a replay runs, so nobody else should: "
            f"if your own programs have written all that is in it, use chmod go-w {path}"
        )
