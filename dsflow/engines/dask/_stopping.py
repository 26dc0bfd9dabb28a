"""Stopping what runs on workers and nobody waits for any more.

The workers that have the tasks raise an exception in their threads, or kill their child processes. A worker of a
cluster of ours in which a task goes on nevertheless is replaced; of another cluster it is left alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future as ThreadFuture
from typing import Any

from distributed import Client

from dsflow.engines.dask._visit import stop_tasks

__all__ = ["Stopper"]

logger = logging.getLogger("dsflow")

GRACE_S = 5.0
"""A task that goes on for so long after it was to stop does not stop by itself."""

LOOK_S = 0.25
"""Time between two looks whether tasks have stopped."""


class Stopper:
    """Stops tasks, in the event loop of the client."""

    def __init__(self, client: Client, cluster: Any, root: str) -> None:
        self._client = client
        self._cluster = cluster
        self._root = root
        self._replaced: set[str] = set()
        """Addresses of workers that were ended."""
        self._at_work: set[ThreadFuture[None]] = set()

    def stop(self, held: Mapping[str, tuple[str, Any]]) -> None:
        """Stop tasks, without waiting.

        With each key comes Dask's key for what it is part of, and what keeps the scheduler from forgetting that until
        then.
        """
        work = self._stop(dict(held))
        try:
            done = asyncio.run_coroutine_threadsafe(work, self._client.loop.asyncio_loop)
        except RuntimeError:  # the event loop has ended
            work.close()
            return
        self._at_work.add(done)
        done.add_done_callback(self._at_work.discard)

    def close(self) -> None:
        """Leave off."""
        for work in list(self._at_work):
            work.cancel()

    async def _stop(self, held: dict[str, tuple[str, Any]]) -> None:
        keys = list(held)
        assigned = await self._assigned_to({key: part_of for key, (part_of, _) in held.items()})
        held.clear()  # from now on the scheduler starts none of them
        with contextlib.suppress(OSError, TimeoutError):  # the cluster is going away
            await self._stop_on_workers(keys, assigned)

    async def _assigned_to(self, parts: Mapping[str, str]) -> dict[str, list[str]]:
        """Which workers have the tasks, running or next in line."""
        processing = await self._client.scheduler.processing(workers=None)
        found = {
            address: [key for key, part_of in parts.items() if part_of in theirs]
            for address, theirs in ((address, set(theirs)) for address, theirs in processing.items())
        }
        return {address: theirs for address, theirs in found.items() if theirs}

    async def _stop_on_workers(self, keys: list[str], assigned: dict[str, list[str]]) -> None:
        deadline = time.monotonic() + GRACE_S
        running = await self._tell(assigned)
        await asyncio.sleep(LOOK_S)
        # those that were on their way to a worker when we asked
        late = {address: keys for address in await self._addresses() if address not in running}
        running |= await self._tell(late)
        while running and time.monotonic() < deadline:
            await asyncio.sleep(LOOK_S)
            running = await self._tell(running)
        for address, stuck in running.items():
            await self._give_up(address, stuck)

    async def _addresses(self) -> list[str]:
        identity = await self._client.scheduler.identity(n_workers=-1)
        return list(identity["workers"])

    async def _tell(self, keys: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
        """Have each worker stop its tasks; return those that run still. A worker that does not answer runs them all."""

        async def tell(address: str) -> Sequence[str]:
            try:
                asking = self._client._run(stop_tasks, self._root, keys[address], workers=[address], on_error="ignore")
                replies = await asyncio.wait_for(asking, GRACE_S)
            except TimeoutError:
                return keys[address]
            found: Sequence[str] = replies.get(address, ())
            return found

        replies = await asyncio.gather(*map(tell, keys))
        return {address: found for address, found in zip(keys, replies, strict=True) if found}

    async def _give_up(self, address: str, stuck: Sequence[str]) -> None:
        """Replace a worker whose task goes on, if it is ours."""
        names = ", ".join(stuck)
        if self._cluster is None:
            logger.warning(
                "%s was cancelled and goes on: the code it runs cannot be interrupted; it keeps a thread of worker %s "
                "until it ends. Declare the task killable=True, so that it runs in a process that can be ended.",
                *(names, address),
            )
            return
        if address in self._replaced:
            return
        self._replaced.add(address)
        logger.warning(
            "%s was cancelled, but its worker %s goes on, or does not answer: it is replaced", names, address
        )
        # it was not the fault of the other tasks there, nor of the scheduler's making: none of them is blamed
        await self._client.scheduler.unregister(
            address=address, expected=True, close=False, stimulus_id=f"dsflow-stop-{time.time()}"
        )
        self._cluster.end_worker(address)
