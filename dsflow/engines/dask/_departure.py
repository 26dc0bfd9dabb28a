"""Leaving a cluster that is not ours as it was."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from distributed import Client

from dsflow.engines.dask._visit import end_visit

__all__ = ["leave_cluster"]

logger = logging.getLogger("dsflow")

PATIENCE_S = 10.0
"""What a worker does not let go of in that time is left to it."""

UNSUBSCRIBED_S = 1.0
"""How long it takes at most until the scheduler knows that nobody listens any more."""


def leave_cluster(client: Client, root: str, ends: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Remove what a program has on the workers and the scheduler; ``ends`` remove what else there is."""

    async def leave() -> None:
        left: dict[str, Any] = await client._run(end_visit, root, on_error="ignore")
        for address, keys in left.items():
            if keys:
                logger.warning("tasks left behind on worker %s, which did not end: %s", address, ", ".join(keys))
        for end in ends:
            await end()
        await client._run_on_scheduler(_forget_topics, root)

    with contextlib.suppress(TimeoutError, OSError):  # the cluster is going away, or a worker hangs
        client.sync(leave, callback_timeout=PATIENCE_S)


async def _forget_topics(root: str, dask_scheduler: Any) -> None:
    """Have the scheduler forget the last reports, which it keeps; there is no public way."""
    topics = dask_scheduler._broker._topics
    names = [name for name in topics if name == root or name.startswith(f"{root}/")]
    deadline = time.monotonic() + UNSUBSCRIBED_S
    while any(topics[name].subscribers for name in names) and time.monotonic() < deadline:
        await asyncio.sleep(0.005)  # or it would make the topic again to take the subscriber out
    for name in names:
        del topics[name]
