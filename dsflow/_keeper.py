"""Failures on disk: a task that has failed is kept with all that it had, so that `dsflow replay` can run it again.

A file a failure: a line that names the format, a line of JSON that can be read without running what is in the file, and
a pickle of the call. What moves: inputs that lie on workers come to this process, one after the other.
"""

from __future__ import annotations

import copy
import json
import linecache
import logging
import os
import pickle
import platform
import re
import stat
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from dsflow._errors import EngineError, TaskCancelledError, TaskLostError, WallClockError
from dsflow._freeze import Frozen, Stored, freeze, nbytes_of
from dsflow._graph import REMOTE, Failure, Node, Outcome, Version
from dsflow._job import Job, make_job

if TYPE_CHECKING:
    from dsflow._session import Session
    from dsflow._task import Task

__all__ = ["FORMAT", "SUFFIX", "FailureKeeper", "KeptFailure", "check_trusted"]

logger = logging.getLogger("dsflow")

FORMAT = b"dsflow failure 1\n"
"""The first line of a file."""

SUFFIX = ".failure"

MAX_BYTES = 1 << 30
"""A failure with larger inputs is not kept."""

MAX_FAILURES = 20
"""So many failures of a session are kept; those that come later are most often the same again."""

FETCH_S = 30.0
"""Inputs that lie on workers are waited for so long."""


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


class FailureKeeper:
    """Keeps the failures of one session in a folder.

    Parameters
    ----------
    folder : path
        Made, for this user alone, if it is not there.
    max_bytes : int
        A failure with larger inputs is not kept.
    max_failures : int
        How many failures are kept; the first ones are.

    Raises
    ------
    OSError
        When the folder cannot be made, or others can write to it.
    """

    def __init__(
        self, folder: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES, max_failures: int = MAX_FAILURES
    ) -> None:
        self.folder = Path(folder).absolute()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_trusted(self.folder, self.folder.stat())
        self._max_bytes = max_bytes
        self._max_failures = max_failures
        self._n_failures = 0
        self._lock = threading.Lock()

    def keep(self, node: Node, outcome: Outcome, session: Session) -> None:
        """Keep a node that has failed for good, as long as it has its call; what prevents that is logged, not raised.

        A node that was cancelled, or that the engine could not run, has no failure of its own and is not kept.
        """
        failure = outcome.failure
        if failure is None or not _is_its_own(failure.exception) or not self._has_room(node):
            return
        try:
            job, task = self._pack(node, outcome, session)
            path = self._write(_describe(node, outcome), (job, task))
        except Exception as error:
            logger.warning("%s failed, and cannot be kept for a replay: %s", node.key, error)
            logger.debug("%s cannot be kept", node.key, exc_info=True)
            return
        logger.info("%s failed, and is kept in %s", node.key, path)
        failure.exception.add_note(
            f"`dsflow replay {quote(str(self.folder))} {quote(node.key)}` runs it again in pdb, with its inputs."
        )

    def _has_room(self, node: Node) -> bool:
        with self._lock:
            self._n_failures += 1
            n_failures = self._n_failures
        if n_failures == self._max_failures + 1:
            logger.warning(
                "%s failed, and so did %d before: no more failures are kept in %s",
                node.key,
                n_failures - 1,
                self.folder,
            )
        return n_failures <= self._max_failures

    def _pack(self, node: Node, outcome: Outcome, session: Session) -> tuple[Job, Stored]:
        """The call and the task, as another process can read them."""
        call, inputs, handles, task = node.call, node.inputs, node.handles, node.function
        if node.settled:
            raise EngineError("it was cancelled in the meantime")
        was_sent = session.engine.remote or task.options.isolated
        stored_task = Frozen(task.pickled, ()) if was_sent else freeze(task, portable=True)
        states: list[Stored | Failure | Version] = [_state_of(version, session) for version in handles]
        values = self._values_of([*inputs, *(each for each in states if type(each) is Version)], session)
        n_bytes = sum(map(nbytes_of, (stored_task, *values.values(), call.shared, call.private, *call.values)))
        self._check_size(n_bytes)
        to_job = copy.copy(task)
        to_job.pickled = b""  # the task is kept beside the job, where its arrays are not copied
        job = make_job(
            task=to_job,
            call=call,
            inputs=[values[version] for version in inputs],
            handles=[values[each] if type(each) is Version else each for each in states],
            key=node.key,
            site=node.site,
            worker=_worker_of(outcome),
            announced=False,
            grant=node.grant,
        )
        return job, stored_task

    def _values_of(self, versions: Sequence[Version], session: Session) -> dict[Version, Stored]:
        """What versions have; what lies with the engine is brought here."""
        values = {version: version.stored for version in versions}
        remote = [version for version, stored in values.items() if stored is REMOTE]
        errors: list[BaseException] = []

        def fetch() -> None:
            try:
                values.update(self._fetched(remote, session))
            except BaseException as error:
                logger.debug("the inputs of a failed task cannot be fetched", exc_info=True)
                errors.append(error)

        if remote:  # not in this thread: a cluster that has lost a value, and its workers, never gives it
            thread = threading.Thread(target=fetch, name="dsflow-keeper", daemon=True)
            thread.start()
            thread.join(FETCH_S)
            if thread.is_alive():
                with self._lock:
                    self._n_failures = max(self._n_failures, self._max_failures + 1)
                raise EngineError(f"its inputs are not here after {FETCH_S:g} s; no more failures are kept")
            if errors:
                raise EngineError(f"its inputs cannot be fetched: {errors[0]}") from errors[0]
        return values

    def _fetched(self, versions: list[Version], session: Session) -> Iterator[tuple[Version, Stored]]:
        """Bring values here: as many at a time as there are already, so that too many bytes are noticed early."""
        n_fetched = n_bytes = 0
        while n_fetched < len(versions):
            batch = versions[n_fetched : 2 * n_fetched + 1]
            for version, value in zip(batch, session.engine.fetch(batch), strict=True):
                # in the meantime the engine may have brought it here for a purpose of its own
                stored = value if version.stored is REMOTE else version.stored
                n_bytes += nbytes_of(stored)
                yield version, stored
            self._check_size(n_bytes)
            n_fetched += len(batch)

    def _check_size(self, n_bytes: int) -> None:
        if n_bytes > self._max_bytes:
            raise ValueError(f"its inputs have {n_bytes} bytes; at most {self._max_bytes} are kept")

    def _write(self, kept: KeptFailure, content: Any) -> Path:
        """Write a file that is there whole or not at all."""
        path = self.folder / (re.sub(r"[^\w.<>+-]", "_", kept.key)[-150:] + SUFFIX)
        descriptor, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=self.folder)  # for this user alone
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(FORMAT + json.dumps(asdict(kept)).encode("ascii") + b"\n")
                pickle.dump(content, file, protocol=5)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return path


def check_trusted(path: Path, found: os.stat_result) -> None:
    """Raise PermissionError unless only this user can have written what is at a path."""
    if found.st_uid != os.geteuid():
        raise PermissionError(
            f"{path} belongs to another user (number {found.st_uid}); a failure holds code that a replay runs, "
            "so replay only what your own programs have kept."
        )
    if stat.S_IMODE(found.st_mode) & 0o022:
        raise PermissionError(
            f"others can write to {path}; a failure holds code that a replay runs, so only you should: "
            f"if all that is in it comes from your own programs, chmod go-w {path}"
        )


def _is_its_own(error: BaseException) -> bool:
    """Whether an exception tells of the task, not of who has cancelled it nor of the engine."""
    return isinstance(error, TaskLostError) or not isinstance(error, (TaskCancelledError, WallClockError, EngineError))


def _state_of(version: Version, session: Session) -> Stored | Failure | Version:
    """What a Future that the task was given is to be in a replay: the version if it has a value, else a failure."""
    if version.failure is not None:
        return version.failure
    if version.node is None and (not version.is_foreign or session.engine.holds(version)):
        return version
    error = TaskCancelledError("a Future that the task was given had no value yet when the task failed; none was kept.")
    return Failure(error, version.maker or "")


# --- what is told of a failure ---------------------------------------------------------------------------------------


def _describe(node: Node, outcome: Outcome) -> KeptFailure:
    failure, run = outcome.failure, outcome.run
    assert failure is not None
    error = failure.exception
    folder = Path.cwd()
    return KeptFailure(
        key=node.key,
        exception=f"{type(error).__name__}: {error}".partition("\n")[0],
        trace="".join(traceback.format_exception(error)),
        time_s=time.time() if run is None else run.end,
        site=node.site,
        worker=_worker_of(outcome),
        folder=str(folder),
        arguments=list(sys.argv),
        search_path=[*(str(folder / entry) for entry in sys.path), *_roots_of(node.function)],
        python=platform.python_version(),
        executable=sys.executable,
        versions=dict(_versions()),
        sources=_sources_of(node.function),
    )


def _worker_of(outcome: Outcome) -> str:
    return "an unknown place" if outcome.run is None else outcome.run.worker


def _is_by_name(task: Task[Any]) -> bool:
    """Whether the function is kept as the name of what an imported module has."""
    module, name = getattr(task.function, "__module__", None), getattr(task.function, "__qualname__", "")
    return module not in (None, "__main__") and "<locals>" not in name


def _roots_of(task: Task[Any]) -> Iterator[str]:
    """The folder in which Python finds the module of a function by its name."""
    module = sys.modules.get(task.function.__module__) if _is_by_name(task) else None
    file = getattr(module, "__file__", None)
    if module is not None and file is not None:
        path = Path(file).absolute()
        yield str(path.parents[module.__name__.count(".") + (path.name == "__init__.py")])


def _sources_of(task: Task[Any]) -> dict[str, str]:
    """The text that goes with a function that is kept by value: the file may be another, or gone, by then."""
    code = getattr(task.function, "__code__", None)
    if code is None or _is_by_name(task):
        return {}
    return {code.co_filename: "".join(linecache.getlines(code.co_filename))}


def _versions() -> Iterator[tuple[str, str]]:
    yield "dsflow", version_of("dsflow")
    for name, module in sys.modules.copy().items():
        found = getattr(module, "__dict__", {}).get("__version__")
        if isinstance(found, str) and "." not in name and name not in sys.stdlib_module_names:
            yield name, found
