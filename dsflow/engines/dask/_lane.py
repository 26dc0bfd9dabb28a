"""The short way: a pack goes straight to a worker, past the scheduler, when the cluster has nothing else to do.

What a program waits for call by call is a message there and one back, instead of two each way that are held for others
to join them. The worker refuses while anything runs there. It keeps one of its slots free for the pack, of which the
scheduler does not know, until the pack ends, or hands over since a call takes long or waits; what the scheduler has
sent meanwhile runs beside it then. All else is as for packs that the scheduler has: what is lost is sent again.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

from dask._task_spec import Task as DaskTask
from distributed import Client, Status
from distributed.core import send_recv
from distributed.worker import _run_task

from dsflow.engines.dask._packing import Pack

__all__ = ["Errand", "Lane", "Ride", "open_lane"]

logger = logging.getLogger("dsflow")

OPERATION = "dsflow-pack"

BUSY = "busy"
"""The answer of a worker that runs something else."""

CONNECT_S = 0.5
"""A worker that does not answer within so long is not there any more."""


class Errand:
    """A pack that came straight to a worker: where its report goes, and the slot that it keeps free."""

    def __init__(self, executor: Executor) -> None:
        self.report: dict[str, Any] | None = None
        """The only report, if nothing that the calls have reported or printed is to come before it."""
        self._is_over = threading.Event()
        executor.submit(self._is_over.wait)

    def release(self) -> None:
        """Let the slot be used."""
        self._is_over.set()


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
            comm = await pool.connect(ride.address, timeout=CONNECT_S)
        except (OSError, TimeoutError):  # the worker died before
            self._refused(pack, ride)
            return
        try:
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
            self._refused(pack, ride)
            return
        if answer is not None:
            self._call(partial(self.receive, answer))
        ride.status = "finished"  # if the report comes another way, or never, somebody looks

    def _refused(self, pack: Pack, ride: Ride) -> None:
        """Have a pack sent the usual way, of which no call has begun."""
        self._leave(ride, "refused")
        self._call(partial(self.give_back, pack))

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
        ``run(key, calls, errand)`` runs a pack; it leaves its report with the errand or sends it.
    calls : callable
        Makes the calls from what is sent.
    """
    if OPERATION in worker.handlers:
        return

    errands: set[Errand] = set()

    async def take(key: str, content: bytes) -> Any:
        if worker.status != Status.running or worker.state.executing or errands:
            return BUSY
        errand = Errand(worker.executors["default"])
        errands.add(errand)
        task = DaskTask(key, run, key, calls(content), errand)
        running = (worker.execution_state, key, worker.active_threads, worker.active_threads_lock, 0.0)
        try:
            await asyncio.get_running_loop().run_in_executor(worker.executors["actor"], _run_task, task, {}, *running)
        finally:
            errand.release()
            errands.discard(errand)
        return errand.report

    worker.handlers[OPERATION] = take
