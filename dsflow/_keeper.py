"""The keeper of failures: what a task needs to run again is taken before the session lets go of it.

What moves: inputs that lie on workers come to this process.
"""

from __future__ import annotations

import copy
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from dsflow._errors import EngineError, TaskCancelledError, TaskLostError, WallClockError
from dsflow._freeze import Frozen, Stored, freeze, nbytes_of
from dsflow._graph import REMOTE, Failure, Node, Outcome, Version
from dsflow._job import Job, make_job
from dsflow._kept import check_trusted, describe_failure, write_failure

if TYPE_CHECKING:
    from dsflow._session import Session

__all__ = ["FailureKeeper"]

logger = logging.getLogger("dsflow")

MAX_BYTES = 1 << 30
"""A failure with larger inputs is not kept."""

MAX_FAILURES = 20
"""So many failures of a session are kept; those that come later are most often the same again."""

FETCH_S = 30.0
"""Inputs that lie on workers are waited for so long."""


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
            kept = describe_failure(node, outcome)
            path = write_failure(self.folder, kept, self._pack(node, session, kept.worker))
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

    def _pack(self, node: Node, session: Session, worker: str) -> tuple[Job, Stored]:
        """The call and the task, as another process can read them."""
        call, inputs, handles, task = node.call, node.inputs, node.handles, node.function
        if node.settled:
            raise EngineError("it was cancelled in the meantime")
        was_sent = session.engine.remote or task.options.isolated
        stored_task = Frozen(task.pickled, ()) if was_sent else freeze(task, portable=True)
        states: list[Stored | Failure | Version] = [_state_of(version, session) for version in handles]
        values = self._values_of([*inputs, *(each for each in states if isinstance(each, Version))], session)
        n_bytes = sum(map(nbytes_of, (stored_task, *values.values(), call.shared, call.private, *call.values)))
        self._check_size(n_bytes)
        to_job = copy.copy(task)
        to_job.pickled = b""  # the task is kept beside the job, where its arrays are not copied
        job = make_job(
            task=to_job,
            call=call,
            inputs=[values[version] for version in inputs],
            handles=[values[each] if isinstance(each, Version) else each for each in states],
            key=node.key,
            site=node.site,
            worker=worker,
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
