"""A failed task runs once more, in this process: with the inputs that it had, where a debugger can see it.

What it runs comes from a file: whoever can write that file decides what is run here.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import linecache
import logging
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from dsflow._active import end_session
from dsflow._context import Context
from dsflow._errors import DsflowError
from dsflow._execution import run_task
from dsflow._failure import unpack_failure
from dsflow._freeze import Stored, thaw
from dsflow._future import Future
from dsflow._graph import Outcome, Version
from dsflow._job import Job
from dsflow._keeper import FORMAT, SUFFIX, KeptFailure, check_trusted
from dsflow._session import Session
from dsflow._start import start
from dsflow._task import Task

__all__ = ["Replay", "load_failures", "replay"]

logger = logging.getLogger("dsflow")


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
    for path in folder.glob(f"*{SUFFIX}"):
        with _opened(path) as (kept, _):
            failures.append(kept)
    return sorted(failures, key=lambda kept: kept.time_s)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[KeptFailure, BinaryIO]]:
    """Open the file of a failure, and read it as far as that is safe."""
    with path.open("rb") as file:
        found = os.fstat(file.fileno())
        check_trusted(path, found)
        if file.readline(len(FORMAT)) != FORMAT:
            raise ValueError(f"{path} is not a failure that this version of dsflow has kept; move it away.")
        yield replace(KeptFailure(**json.loads(file.readline())), path=str(path), nbytes=found.st_size), file


@dataclass(slots=True)
class Replay:
    """A failed task, about to run again."""

    task: Task[Any]
    """The task."""
    job: Job
    """Its call, and what that refers to."""
    session: Session
    """Where the tasks run that it calls."""

    def run(self, call: Callable[..., Any]) -> Outcome:
        """Run the task by ``call(function, *args, **kwargs)``; its files are there until that returns."""
        task = copy.copy(self.task)
        task.function = functools.partial(call, self.task.function)
        context = Context(self.session, label=self.job.key)
        context.grant = self.job.grant
        futures = [_settled_future(*handle, self.session) for handle in self.job.handles]
        return run_task(
            task, self.job.call, self.job.inputs, futures, context, site=self.job.site, worker="main", portable=False
        )


def _settled_future(stored: Stored, failure: bytes | None, session: Session) -> Future[Any]:
    version = Version(stored=stored)
    if failure is not None:
        version.failure = unpack_failure(failure)
    return Future(version, session)


@contextlib.contextmanager
def replay(kept: KeptFailure) -> Iterator[Replay]:
    """Prepare to run a failed task again: as long as this lasts, the process is as that of the program was.

    Its working directory, search path and command line are those of the program, and it has a serial session. This
    unpickles the failure, and so runs what is in it.

    Raises
    ------
    PermissionError, ValueError
        As `load_failures` does.
    DsflowError
        When what was kept cannot be read here.
    """
    _check_python(kept)
    with _opened(Path(kept.path)) as (_, file), _as_then(kept):
        try:
            job, stored_task = pickle.load(file)
            task = thaw(stored_task)
        except Exception as error:
            raise DsflowError(f"{kept.key}: cannot be read here: {type(error).__name__}: {error}.") from error
        if task is None:
            raise DsflowError(
                f"{kept.key}: the module of its function cannot be imported here; it was looked for in "
                f"{', '.join(kept.search_path)}."
            )
        _warn_of_versions(kept)
        session = start("serial")
        try:
            yield Replay(task, job, session)
        finally:
            end_session(session, abandon=True)


def _check_python(kept: KeptFailure) -> None:
    here = ".".join(map(str, sys.version_info[:2]))
    if not kept.python.startswith(f"{here}."):
        raise DsflowError(
            f"{kept.key}: was kept by Python {kept.python}, and Python {here} cannot read its functions; "
            f"replay it with the dsflow of {kept.executable}."
        )


@contextlib.contextmanager
def _as_then(kept: KeptFailure) -> Iterator[None]:
    path, arguments = list(sys.path), list(sys.argv)
    sys.path[:0] = [entry for entry in dict.fromkeys(kept.search_path) if entry not in path]
    sys.argv[:] = kept.arguments
    for name, text in kept.sources.items():
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    try:
        with contextlib.ExitStack() as stack:
            if Path(kept.folder).is_dir():
                stack.enter_context(contextlib.chdir(kept.folder))
            else:
                logger.warning("%s ran in %s, which is gone; it runs in %s now", kept.key, kept.folder, Path.cwd())
            yield
    finally:
        sys.path[:], sys.argv[:] = path, arguments
        for name in kept.sources:
            linecache.cache.pop(name, None)


def _warn_of_versions(kept: KeptFailure) -> None:
    """Say which of the packages that are in use here are not what they were."""
    for name, then in kept.versions.items():
        now = getattr(sys.modules.get(name), "__dict__", {}).get("__version__", then)
        if now != then:
            logger.warning("%s was %s when %s failed, and is %s here", name, then, kept.key, now)
