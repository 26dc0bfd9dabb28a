"""The worker's side of packing: run many small calls as one task of Dask's, each with an outcome of its own.

A pack that takes longer than it should hands over what it has not begun: the main program sends that anew, to wherever
there is room. So does one whose call waits for others. Small results go to the main program with the report.
"""

from __future__ import annotations

import functools
import pickle
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from distributed import get_worker

from dsflow._context import Context
from dsflow._execution import run_task
from dsflow._failure import pack_failure
from dsflow._freeze import Stored, nbytes_of
from dsflow._graph import Call, Outcome
from dsflow.engines.dask._lane import Errand, open_lane
from dsflow.engines.dask._profiles import BUDGET_S
from dsflow.engines.dask._supervision import watch
from dsflow.engines.dask._visit import Visit, note_log_level, visit_of
from dsflow.engines.dask._worker import load_task, outcome_of

__all__ = ["Calls", "run_pack"]

MAX_RESULT = 1 << 20
"""A result of more bytes does not travel with a report, and a pack with more of them ends."""


@dataclass(slots=True, repr=False, eq=False)
class Calls:
    """The calls of a pack, pickled."""

    content: bytes

    def __repr__(self) -> str:
        return "<calls>"  # Dask logs it; the arguments are nobody's business


class _FailedInput:
    """In place of a value that a call of the pack should have made."""


class _Pack:
    """A pack that runs."""

    def __init__(self, key: str, topic: str, n_members: int, visit: Visit, errand: Errand | None) -> None:
        self.key = key
        self._topic = topic
        self._n_members = n_members
        self._visit = visit
        self._errand = errand
        """It takes the only report, if nothing that the calls have reported or printed is to come before that."""
        self._n_reports = visit.n_reports
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self._position = -1
        """The member that runs, or has run last."""
        self._begun_at = 0.0
        self._closed = False
        """True when no more members are begun."""
        self._unreported: list[tuple[Any, ...]] = []
        self._n_bytes = 0
        """Size of the results so far."""
        self._too_large: list[int] = []
        """Members whose results are too large for a report: they run again, each for itself, and keep theirs there."""

    def begin(self, position: int) -> bool:
        """Return whether a member is to be run now."""
        with self._lock:
            self._begun_at = time.monotonic()
            if self._closed or self._begun_at - self._start > BUDGET_S or self._n_bytes > MAX_RESULT:
                return False
            self._position = position
            return True

    def add(self, position: int, outcome: Outcome) -> None:
        """Note what came of a member."""
        run = outcome.run
        assert run is not None
        packed = None if outcome.failure is None else pack_failure(outcome.failure)
        nbytes = sum(map(nbytes_of, outcome.stored))
        with self._lock:
            if nbytes > MAX_RESULT:
                self._too_large.append(position)
                return
            self._n_bytes += nbytes
            run_of = (position, run.start, run.end, run.bytes_in, run.bytes_out)
            self._unreported.append((*run_of, list(outcome.stored), packed))

    def look(self) -> bool:
        """Hand over what has not begun, if the pack takes too long; return whether there may be a reason later."""
        if not self._closed and time.monotonic() - self._start > BUDGET_S:
            self.hand_over()
        return not self._closed

    def hand_over(self) -> None:
        """Begin no more members; report what there is to report."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._errand is not None:
                self._errand.release()
            running = (self._position, time.monotonic() - self._begun_at)
            self._report(returned=range(self._position + 1, self._n_members), running=running)

    def end(self) -> None:
        """Report what has not been reported."""
        with self._lock:
            left = range(0) if self._closed else range(self._position + 1, self._n_members)
            self._closed = True
            self._report(returned=left, ended=True)

    def _report(
        self, returned: Sequence[int], running: tuple[int, float] | None = None, *, ended: bool = False
    ) -> None:
        """Send a report (with the lock held)."""
        entries, self._unreported = self._unreported, []
        too_large, self._too_large = self._too_large, []
        blob = pickle.dumps((entries, too_large, list(returned), running, ended), 5)
        message = {"pack": self.key, "blob": blob, "place": self._visit.place, "measures": self._visit.measures()}
        if ended and self._errand is not None and self._visit.n_reports == self._n_reports:
            self._errand.report = message
        else:
            self._visit.report(self._topic, **message)


def run_pack(key: str, calls: Calls, errand: Errand | None = None) -> None:
    """Run the calls of a pack on this worker; what comes of them is in the reports."""
    topic, log_level, tasks, members, table = pickle.loads(calls.content)
    worker = get_worker()
    visit = visit_of(worker, topic)
    if visit.ended:
        return
    open_lane(worker, run_pack, Calls)
    note_log_level(log_level)
    pack = _Pack(key, topic, len(members), visit, errand)
    watch.add(pack)
    try:
        for position, member in enumerate(members):
            if not pack.begin(position):
                break
            if member[0] in visit.cancelled:
                visit.cancelled.discard(member[0])
                table += [_FailedInput] * member[5]
                continue
            inputs = [table[n] for n in member[3]]
            if any(value is _FailedInput for value in inputs):
                table += [_FailedInput] * member[5]
                continue
            run = functools.partial(_run, member, tasks[member[1]], inputs, visit, topic)
            outcome = outcome_of(member[0], member[4], visit, run)
            table += outcome.stored if outcome.failure is None else [_FailedInput] * member[5]
            pack.add(position, outcome)
    finally:
        watch.discard(pack)
        pack.end()


def _run(member: Any, pickled: bytes, inputs: Sequence[Stored], visit: Visit, topic: str) -> Outcome | None:
    """Run one call; return None if it was stopped."""
    key, _, written, _, site, _ = member
    task = load_task(key, pickled)
    call = Call(*written) if type(written) is tuple else written
    context = Context(label=key, connect=visit.session, emit=functools.partial(visit.show, topic, key))
    run = functools.partial(run_task, task, call, inputs, (), context, site=site, worker=visit.place, portable=True)
    return visit.run(key, context, run)
