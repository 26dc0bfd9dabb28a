"""The worker's side of the Dask engine: run one node, and report it before its result is announced.

The report goes over the connection that carries Dask's own message that the task has ended, just before it; so it
costs no round trip, and a report that is lost means that the worker died and the task will run, and report, again.
"""

from __future__ import annotations

import functools
import logging
import os
import pickle
import resource
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dask.sizeof import sizeof
from distributed import Future as DaskFuture
from distributed import get_client, get_worker
from distributed.protocol import dask_deserialize, dask_serialize

from dsflow._active import active_session
from dsflow._context import Context, active_context
from dsflow._execution import run_task
from dsflow._failure import pack_failure, unpack_failure
from dsflow._freeze import Frozen, Stored
from dsflow._future import Future
from dsflow._graph import Call, Version
from dsflow._output import TaggedOutput
from dsflow._session import Session

__all__ = ["Job", "TaskFailed", "pick", "run_job"]


@dataclass(slots=True, eq=False)
class Job:
    """What a worker needs to run a node, apart from its inputs."""

    key: str
    """Key of the node."""
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

    def __repr__(self) -> str:
        return self.key  # Dask logs it; the arguments are nobody's business


SMALL_TASK = 1 << 16
"""Pickled tasks of so many bytes are kept when they have been read; others, with large closures, are read anew."""


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
    _prepare_process()

    def report(**message: Any) -> None:
        worker.log_event(job.topic, {"key": job.key, **message})

    def emit(stream: str, text: str) -> None:
        text = text.encode("utf-8", "backslashreplace").decode()  # what cannot be encoded cannot be sent either
        report(stream=stream, text=text, place=f"worker {worker.name}")

    context = Context(label=job.key, connect=functools.partial(_session_of, worker, job.topic), emit=emit)
    handles = _futures_of(job.handles, context) if job.handles else []
    _log_level.value = job.log_level
    outcome = run_task(
        _load_task(task),
        job.call,
        inputs,
        handles,
        context,
        site=job.site,
        worker=f"worker {worker.name}",
        portable=True,
    )
    run = outcome.run
    assert run is not None
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    moved = worker.transfer_outgoing_bytes_total
    packed = None if outcome.failure is None else pack_failure(outcome.failure)
    measures = [
        run.worker,
        run.start,
        run.end,
        run.bytes_in,
        run.bytes_out,
        worker.address,
        os.getpid(),
        peak_bytes,
        moved,
    ]
    report(run=measures, failure=packed)
    if outcome.failure is not None and packed is not None:
        raise TaskFailed(type(outcome.failure.exception).__name__, packed)
    return tuple(outcome.stored) if job.several else outcome.stored[0]


def pick(outputs: tuple[Stored, ...], position: int) -> Stored:
    """One output of a node that has several."""
    return outputs[position]


def _load_task(pickled: bytes) -> Any:
    return _load_small_task(pickled) if len(pickled) <= SMALL_TASK else pickle.loads(pickled)


@functools.lru_cache(maxsize=512)
def _load_small_task(pickled: bytes) -> Any:
    return pickle.loads(pickled)


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


# --- calls that tasks make -------------------------------------------------------------------------------------------

_sessions_lock = threading.Lock()


def _session_of(worker: Any, topic: str) -> Session:
    """The session that the calls of a worker's tasks go to: one for each worker process."""
    from dsflow.engines.dask._engine import DaskEngine

    main = active_session()
    if main is not None and isinstance(main.engine, DaskEngine) and main.engine.topic == topic:
        return main  # the worker is in the main program's process
    with _sessions_lock:
        session: Session | None = getattr(worker, "dsflow_session", None)
        if session is None:
            session = Session(lambda session: DaskEngine(session, get_client(), nested=True))
            worker.dsflow_session = session
        return session


# --- what the process needs once -------------------------------------------------------------------------------------

_log_level = threading.local()
_prepared = threading.Event()


class _LogForwarder(logging.Handler):
    """Sends what tasks log to the main program."""

    def emit(self, record: logging.LogRecord) -> None:
        context = active_context()
        if context is None or context.emit is None or record.levelno < getattr(_log_level, "value", logging.WARNING):
            return
        context.emit(f"log:{record.levelno}:{record.name}", record.getMessage())


def _prepare_process() -> None:
    """Catch what tasks print and log in this process, unless it is the main program's."""
    if _prepared.is_set() or active_session() is not None:
        return
    _prepared.set()
    TaggedOutput()
    root = logging.getLogger()
    root.addHandler(_LogForwarder())
    root.setLevel(logging.DEBUG)


def _sizeof_frozen(frozen: Frozen) -> int:
    return frozen.nbytes


def _serialize_frozen(frozen: Frozen) -> tuple[dict[str, Any], list[Any]]:
    return {"has_references": frozen.has_references}, [frozen.payload, *frozen.views]


def _deserialize_frozen(header: dict[str, Any], frames: list[Any]) -> Frozen:
    payload, *buffers = frames
    return Frozen(bytes(payload), tuple(buffers), header["has_references"])


sizeof.register(Frozen, _sizeof_frozen)
dask_serialize.register(Frozen, _serialize_frozen)
dask_deserialize.register(Frozen, _deserialize_frozen)
