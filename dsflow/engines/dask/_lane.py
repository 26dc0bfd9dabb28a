"""The short way: a pack goes straight to a worker, past the scheduler, when the cluster has nothing else to do.

What a program waits for call by call is a message there and one back, instead of two each way that are held for others
to join them. The worker runs the pack beside its slots; it refuses while something runs in these. All else is as for
packs that the scheduler has: who waits for others hands over, and what is lost with its worker is sent again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

from dask._task_spec import Task as DaskTask
from distributed import Client, Status
from distributed.core import send_recv
from distributed.worker import _run_task

from dsflow.engines.dask._packing import Pack

__all__ = ["Lane", "Ride", "open_lane"]

logger = logging.getLogger("dsflow")

OPERATION = "dsflow-pack"

BUSY = "busy"
"""The answer of a worker that runs something else."""


@dataclass(slots=True)
class Ride:
    """A pack that is with a worker. It has a status, as Dask's Futures have."""

    address: str
    status: str = "pending"


class Lane:
    """Sends packs straight to the worker that has reported last.

    Parameters
    ----------
    client : Client
        Of the cluster.
    call : callable
        Has a function called by the thread that receives reports.
    is_ours : bool
        Whether nobody else uses the cluster; otherwise nothing goes this way.
    """

    def __init__(self, client: Client, call: Callable[[Callable[[], object]], None], *, is_ours: bool) -> None:
        self._client = client
        self._is_ours = is_ours
        self._call = call
        self._riding: set[asyncio.Task[None]] = set()
        self._address: str | None = None
        """A worker that knows how to answer."""
        self.receive: Callable[[dict[str, Any]], None]
        """Takes the report on a pack."""
        self.give_back: Callable[[Pack], None]
        """Takes a pack that the worker did not take."""

    def __bool__(self) -> bool:
        return self._address is not None

    def note(self, address: str) -> None:
        """Note that a worker has reported on a pack."""
        if self._is_ours:
            self._address = address

    def send(self, pack: Pack, content: bytes) -> None:
        """Send a pack, without waiting."""
        assert self._address is not None
        pack.future = Ride(self._address)
        self._client.loop.asyncio_loop.call_soon_threadsafe(self._start, self._ride(pack, pack.future, content))

    def close(self) -> None:
        """Wait for no answer any more."""
        for task in list(self._riding):
            self._client.loop.asyncio_loop.call_soon_threadsafe(task.cancel)

    def _start(self, ride: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(ride)
        self._riding.add(task)
        task.add_done_callback(self._riding.discard)

    async def _ride(self, pack: Pack, ride: Ride, content: bytes) -> None:
        pool = self._client.rpc
        try:
            comm = await pool.connect(ride.address)
            try:
                answer = await send_recv(comm, op=OPERATION, key=pack.key, content=content)
            finally:
                pool.reuse(ride.address, comm)
        except (OSError, TimeoutError):  # the worker has died
            self._leave(ride, "lost")
            return
        except Exception:
            self._leave(ride, "lost")
            logger.exception("worker %s cannot answer; its calls go by the scheduler", ride.address)
            return
        if answer == BUSY:
            self._leave(ride, "refused")
            self._call(partial(self.give_back, pack))
            return
        if answer is not None:
            self._call(partial(self.receive, answer))
        ride.status = "finished"  # if the report comes another way, or never, somebody looks

    def _leave(self, ride: Ride, status: str) -> None:
        ride.status = status
        if self._address == ride.address:
            self._address = None


def open_lane(worker: Any, run: Callable[..., None], calls: Callable[[bytes], Any]) -> None:
    """Have a worker take packs that come straight to it.

    Parameters
    ----------
    worker : Worker
        The worker.
    run : callable
        ``run(key, calls, answer)`` runs a pack, and gives its report to ``answer`` or sends it.
    calls : callable
        Makes the calls from what is sent.
    """
    if OPERATION in worker.handlers:
        return

    async def take(key: str, content: bytes) -> Any:
        if worker.status != Status.running or worker.state.executing:
            return BUSY
        answers: list[dict[str, Any]] = []
        task = DaskTask(key, run, key, calls(content), answers.append)
        running = (worker.execution_state, key, worker.active_threads, worker.active_threads_lock, 0.0)
        await asyncio.get_running_loop().run_in_executor(worker.executors["actor"], _run_task, task, {}, *running)
        return answers[0] if answers else None

    worker.handlers[OPERATION] = take
