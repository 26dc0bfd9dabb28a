"""Starting and stopping: which engine, with how many workers and how much memory."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dsflow._active import end_session, open_session
from dsflow._context import main_program
from dsflow._resources import parse_memory
from dsflow._session import Session

if TYPE_CHECKING:
    from dsflow.engines.protocol import Engine

__all__ = ["Choice", "override", "start", "stop"]

logger = logging.getLogger("dsflow")

ENGINES = ("serial", "threads", "dask")


@dataclass(slots=True)
class Choice:
    """An engine and its size; None leaves a field open."""

    engine: str | None = None
    client: Any = None
    workers: int | None = None
    memory: int | str | None = None
    threads_per_worker: int | None = None
    labels: Iterable[str] = ()
    gpus: int | None = None
    keep_failures: str | os.PathLike[str] | None = None


_override = Choice()


def override(choice: Choice) -> None:
    """Let the command line decide: what ``choice`` sets goes before what the program asks for."""
    global _override
    _override = choice


def start(
    engine: str | None = None,
    client: Any = None,
    workers: int | None = None,
    memory: int | str | None = None,
    threads_per_worker: int | None = None,
    labels: str | Iterable[str] = (),
    gpus: int | None = None,
    keep_failures: str | os.PathLike[str] | None = None,
) -> Session:
    """Start the session of this process; the first call of a task does so by itself if you don't.

    Parameters
    ----------
    engine : {"serial", "threads", "dask"}, optional
        Where tasks run: in the calling thread, in threads of this process, or on a Dask cluster. The default is the
        Dask client that is active in this process, if there is one, else threads.
    client : distributed.Client, optional
        The client of a running cluster, for ``engine="dask"``. It is left open by `stop`. Without one, a cluster of
        processes is started on this machine, and ended by `stop`.
    workers : int, optional
        How many tasks run at a time; all cores by default.
    memory : int or str, optional
        Bytes for values over all workers, such as ``"2 GiB"``. What does not fit is written to disk; plans of arrays
        and estimators that need more at one time are refused. By default all of the machine's, and nothing is refused.
    threads_per_worker : int, optional
        Threads in each process of a cluster that is started here; 1 by default.
    labels : str or iterable of str, optional
        What tasks may ask for by name, as in ``@constraint(labels="ssd")``, that this machine has. The workers of a
        cluster that is running have the names of their Dask resources.
    gpus : int, optional
        How many GPUs of this machine tasks may use; by default all that are visible.
    keep_failures : path, optional
        A folder for what failing tasks were given, so that ``dsflow replay`` can run them again.

    Returns
    -------
    Session
        Usable as a context manager that stops it.

    Raises
    ------
    SessionError
        When a session is running already.
    ValueError
        When a value makes no sense.
    """
    labels = frozenset([labels] if isinstance(labels, str) else labels)
    asked = Choice(engine, client, workers, memory, threads_per_worker, labels, gpus, keep_failures)
    choice = Choice(*(getattr(_override, name) or getattr(asked, name) for name in Choice.__slots__))
    _check(choice)
    why = "from the command line" if _override.engine else "as asked"
    if choice.engine is None:
        choice.engine, choice.client, why = _default_engine(choice.client)
    _check_started_here(choice)
    chosen = choice.engine
    memory_bytes = None if choice.memory is None else _memory_bytes(choice.memory)
    session = open_session(
        lambda session: _make_engine(session, choice),
        memory_bytes=memory_bytes,
        labels=choice.labels,
        n_gpus=choice.gpus,
        keep_failures=choice.keep_failures,
    )
    logger.info("engine %r with %d slots, %s", chosen, session.engine.n_slots, why)
    return session


main_program.start = start


def stop() -> None:
    """Wait for all tasks and end the session.

    Raises
    ------
    Exception
        The exception of the first failed task that no wait has raised yet.
    """
    end_session()


def _memory_bytes(memory: int | str) -> int:
    try:
        return parse_memory(memory)
    except ValueError as error:
        raise ValueError(f"start: memory={error}.") from None


def _check(choice: Choice) -> None:
    if choice.engine is not None and choice.engine not in ENGINES:
        raise ValueError(f"start: engine={choice.engine!r} is not known; choose one of {', '.join(ENGINES)}.")
    if choice.client is not None and choice.engine not in (None, "dask"):
        raise ValueError(f"start: client= goes with engine='dask', not {choice.engine!r}.")
    for name, least in (("workers", 1), ("threads_per_worker", 1), ("gpus", 0)):
        value = getattr(choice, name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
            raise ValueError(f"start: {name}={value!r} is not a number of at least {least}.")
    if wrong := [label for label in choice.labels if not isinstance(label, str) or not label]:
        raise ValueError(f"start: labels={wrong!r} are not names; give texts such as 'ssd'.")
    if choice.threads_per_worker is not None and choice.engine != "dask":
        raise ValueError("start: threads_per_worker= goes with engine='dask', whose workers are processes.")
    if choice.workers is not None and choice.client is not None:
        raise ValueError("start: workers= is for clusters started here; the given client's cluster has its own.")


def _check_started_here(choice: Choice) -> None:
    for name in ("labels", "gpus"):
        if choice.client is not None and getattr(choice, name):
            raise ValueError(
                f"start: {name}= is for workers started here; those of a running cluster have what they were "
                "started with: dask worker --resources."
            )


def _default_engine(client: Any) -> tuple[str, Any, str]:
    if client is not None:
        return "dask", client, "for the client given"
    if "distributed" in sys.modules:
        from dsflow.engines.dask import active_client

        client = active_client()
        if client is not None:
            return "dask", client, "for the Dask client that is active in this process"
    return "threads", None, "the default"


def _make_engine(session: Session, choice: Choice) -> Engine:
    if choice.engine == "serial":
        from dsflow.engines.serial import SerialEngine

        return SerialEngine(session)
    if choice.engine == "threads":
        from dsflow.engines.threads import ThreadsEngine

        return ThreadsEngine(session, choice.workers)
    from dsflow.engines.dask import start_engine

    return start_engine(session, choice.client, choice.workers, choice.threads_per_worker)
