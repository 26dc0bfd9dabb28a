"""A failed task runs once more, in this process: with the inputs that it had, where a debugger can see it.

What it runs comes from a file: whoever can write that file decides what is run here.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import linecache
import logging
import pickle
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsflow._active import end_session
from dsflow._context import Context
from dsflow._errors import DsflowError
from dsflow._execution import run_task
from dsflow._failure import unpack_failure
from dsflow._freeze import Stored, thaw
from dsflow._future import Future
from dsflow._graph import Outcome, Version
from dsflow._job import Job
from dsflow._kept import KeptFailure, open_failure, versions_in_use
from dsflow._session import Session
from dsflow._start import start
from dsflow._task import Task

__all__ = ["Replay", "replay"]

logger = logging.getLogger("dsflow")


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
        As `open_failure` does.
    DsflowError
        When what was kept cannot be read here.
    """
    _check_python(kept)
    with open_failure(Path(kept.path)) as (_, file), _as_then(kept):
        try:
            job, stored_task = pickle.load(file)
            task = thaw(stored_task)
        except Exception as error:
            raise DsflowError(f"{kept.key}: cannot be read here: {type(error).__name__}: {error}.") from error
        finally:
            _warn_of_versions(kept)
        if task is None:
            raise DsflowError(
                f"{kept.key}: the module of its function cannot be imported here; it was looked for in "
                f"{', '.join(kept.search_path)}."
            )
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
    # by the name that tracebacks have, and by the one that pdb makes of it
    sources = {name: text for each, text in kept.sources.items() for name in (each, str(Path(kept.folder, each)))}
    for name, text in sources.items():
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
        for name in sources:
            linecache.cache.pop(name, None)


def _warn_of_versions(kept: KeptFailure) -> None:
    """Say which of the packages that are in use here are not what they were."""
    for name, now in versions_in_use().items():
        then = kept.versions.get(name, now)
        if then != now:
            logger.warning("%s was %s when %s failed, and is %s here", name, then, kept.key, now)
