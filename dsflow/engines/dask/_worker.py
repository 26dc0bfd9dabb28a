"""The worker's side of the Dask engine: run one node, and report it before its result is announced.

The report goes over the connection that carries Dask's own message that the task has ended, just before it; so it
costs no round trip, and a report that is lost means that the worker died and the task will run, and report, again.
"""

from __future__ import annotations

import contextlib
import functools
import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from distributed import Future as DaskFuture
from distributed import get_worker
from threadpoolctl import ThreadpoolController

from dsflow._active import active_session
from dsflow._context import Context
from dsflow._errors import TaskCancelledError
from dsflow._execution import run_task
from dsflow._failure import pack_failure, unpack_failure
from dsflow._freeze import Stored
from dsflow._future import Future
from dsflow._graph import Call, Failure, Outcome, Run, Version
from dsflow.engines.dask._care import Care
from dsflow.engines.dask._claims import claim
from dsflow.engines.dask._profiles import BUDGET_S, SMALL_RESULT
from dsflow.engines.dask._supervision import watch
from dsflow.engines.dask._visit import Visit, note_log_level, visit_of

__all__ = ["Job", "TaskFailed", "forget_tasks", "load_task", "outcome_of", "pick", "run_job"]


@dataclass(slots=True, eq=False)
class Job:
    """What a worker needs to run a node, apart from its inputs."""

    key: str
    """Key of the node."""
    run_key: str
    """Key of this attempt to run it."""
    call: Call
    handles: tuple[str | bytes, ...]
    """Dask keys of the Futures that the task gets; of one that has failed, the packed failure."""
    site: str
    """Where the task was called."""
    topic: str
    """Topic of Dask events that reports go to."""
    log_level: int
    """Level of the root logger of the main program."""
    several: bool
    """True if the node has several outputs, which then stay together until they are picked."""
    care: Care | None
    """What it needs besides being run."""
    is_announced: bool
    """True to report that it begins: its group may have to know."""
    is_probe: bool
    """True to report that it takes long: its task is not known yet."""

    def __repr__(self) -> str:
        return self.key  # Dask logs it; the arguments are nobody's business


SMALL_TASK = 1 << 16
"""Pickled tasks of so many bytes are kept when they have been read; others, with large closures, are read anew."""

Emit = Callable[[str, str], None]


class TaskFailed(Exception):  # noqa: N818 - ends the Dask task; the user sees the exception inside
    """Carries the failure of a task through Dask."""

    def __init__(self, text: str, packed: bytes) -> None:
        super().__init__(text, packed)
        self.packed = packed

    def __repr__(self) -> str:
        return f"TaskFailed({self.args[0]!r})"


def run_job(job: Job, task: bytes, *inputs: Stored) -> Any:
    """Run a node, given the pickled task, on this worker; return its stored outputs."""
    worker = get_worker()
    visit = visit_of(worker, job.topic)
    if visit.ended:
        raise TaskCancelledError(f"{job.key} (called at {job.site}) was cancelled: its program has left the cluster.")

    report = functools.partial(visit.report, job.topic)
    emit = functools.partial(visit.show, job.topic, job.key)
    if job.is_announced:
        report(started=job.run_key, at=time.time())
    note_log_level(job.log_level)
    probe = _Probe(functools.partial(report, late=job.run_key)) if job.is_probe else None
    if probe is not None:
        watch.add(probe)
    try:
        outcome = outcome_of(job.key, job.site, visit, lambda: _run(job, load_task(job.key, task), inputs, visit, emit))
    finally:
        if probe is not None:
            watch.discard(probe)
    run = outcome.run
    assert run is not None
    packed = None if outcome.failure is None else pack_failure(outcome.failure)
    values = None
    if packed is None and run.bytes_out <= SMALL_RESULT:
        values = pickle.dumps(tuple(outcome.stored), 5)
    measures = [run.worker, run.start, run.end, run.bytes_in, run.bytes_out]
    report(key=job.run_key, run=[*measures, *visit.measures()], failure=packed, values=values)
    if outcome.failure is not None and packed is not None:
        raise TaskFailed(type(outcome.failure.exception).__name__, packed)
    return tuple(outcome.stored) if job.several else outcome.stored[0]


class _Probe:
    """A task that is not known yet, and runs."""

    def __init__(self, tell: Callable[..., None]) -> None:
        self._tell = tell
        self._start = time.monotonic()
        self._told = False

    def look(self) -> bool:
        if time.monotonic() - self._start > BUDGET_S:
            self.hand_over()
        return not self._told

    def hand_over(self) -> None:
        if not self._told:
            self._told = True
            self._tell(seconds=time.monotonic() - self._start)


def pick(outputs: tuple[Stored, ...], position: int) -> Stored:
    """One output of a node that has several."""
    return outputs[position]


def outcome_of(key: str, site: str, visit: Visit, run: Callable[[], Outcome | None]) -> Outcome:
    """Run a call as ``run`` does; what goes wrong before its function is called is a failure of it, too."""
    start = time.time()
    try:
        outcome = run()
        if outcome is not None:
            return outcome
        error: Exception = TaskCancelledError(f"{key} (called at {site}) was cancelled.")
    except Exception as reason:  # noqa: BLE001 - whatever it is, someone waits for it
        error = reason
        error.add_note(f"In task {key}, called at {site}, which was to run on {visit.place}.")
    return Outcome(failure=Failure(error, key), run=Run(visit.place, start, time.time(), 0, 0))


def _run(job: Job, task: Any, inputs: Sequence[Stored], visit: Visit, emit: Emit) -> Outcome | None:
    """Run a node; return None if it was stopped."""
    context = Context(label=job.key, connect=visit.session, emit=emit)
    care = job.care
    if care is None:
        return visit.run(job.run_key, context, functools.partial(_run_here, job, task, inputs, context, visit))
    context.grant = care.grant
    if care.once:
        claim(visit.worker, job.run_key, job.key)
    if care.isolated:
        kill = functools.partial(visit.pool().kill, job.key, f"{job.key} was cancelled.")
        return visit.run(
            job.run_key, context, functools.partial(_run_apart, job, task, care, inputs, context, visit), kill
        )
    with _limited_to(care.cpus, visit.worker):
        return visit.run(job.run_key, context, functools.partial(_run_here, job, task, inputs, context, visit))


def _run_here(job: Job, task: Any, inputs: Sequence[Stored], context: Context, visit: Visit) -> Outcome:
    """Run a task in this thread."""
    return run_task(
        task,
        job.call,
        inputs,
        _futures_of(job.handles, context) if job.handles else [],
        context,
        site=job.site,
        worker=visit.place,
        portable=True,
    )


def _run_apart(job: Job, task: Any, care: Care, inputs: Sequence[Stored], context: Context, visit: Visit) -> Outcome:
    """Run a task in a child process; the values that it gets Futures of are fetched for it."""
    return visit.pool().run(
        task,
        job.call,
        inputs,
        [_settled(future) for future in _futures_of(job.handles, context)] if job.handles else [],
        key=job.key,
        site=job.site,
        worker=visit.place,
        time_out_s=care.time_out_s,
        environment=care.environment(),
        grant=care.grant,
        emit=context.emit,
    )


def _settled(future: Future[Any]) -> Stored | Failure:
    """Wait for a value that a task gets a Future of."""
    version = future._current()
    if version.failure is None:
        try:
            return future._session.stored_of(version)
        except Exception as error:  # noqa: BLE001 - it is for the task, if it looks at it
            return Failure(error, "")
    return version.failure


@contextlib.contextmanager
def _limited_to(cpus: int | None, worker: Any) -> Any:
    """Let BLAS and OpenMP have so many threads, in a process that runs one task at a time."""
    if cpus is None or worker.state.nthreads > 1 or active_session() is not None:
        yield
        return
    with ThreadpoolController().limit(limits=cpus):
        yield


def load_task(key: str, pickled: bytes) -> Any:
    """Read a pickled task."""
    task = _load_small_task(pickled) if len(pickled) <= SMALL_TASK else pickle.loads(pickled)
    if task is None:  # it was pickled by a name that means nothing here
        _load_small_task.cache_clear()
        raise ModuleNotFoundError(
            f"{key}: the worker cannot import the module that its function is in; "
            "install it there, or start the program in the folder where the module is."
        )
    if task.pickled is None:
        task.pickled = pickled
    return task


@functools.lru_cache(maxsize=512)
def _load_small_task(pickled: bytes) -> Any:
    return pickle.loads(pickled)


def forget_tasks() -> None:
    """Read pickled tasks anew: what they name has changed."""
    _load_small_task.cache_clear()


def _futures_of(handles: Sequence[str | bytes], context: Context) -> list[Future[Any]]:
    """Futures for values that lie on some worker, or will; the main program holds them until the task has ended."""
    client = context.session.engine.client  # type: ignore[attr-defined]  # it is a DaskEngine
    futures: list[Future[Any]] = []
    keys = [handle for handle in handles if isinstance(handle, str)]
    for handle in handles:
        version = Version()
        if isinstance(handle, str):
            version.handle = DaskFuture(handle, client)
        else:
            version.failure = unpack_failure(handle)
        futures.append(Future(version, context.session))
    # there is no public way to become interested in a key that another client has made
    client._send_to_scheduler({"op": "client-desires-keys", "keys": keys, "client": client.id})
    return futures
