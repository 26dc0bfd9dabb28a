"""A scheduler or worker process: ``python -m dsflow.clusters._node``.

What to be comes as one line of JSON on standard input, certificates included, so that no secret is on a command line
or a disk. The address goes back as one line on standard output. The end of standard input, which comes when the parent
closes it or dies, ends the process.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Read what to be, be it, and end with standard input."""
    spec = json.loads(sys.stdin.readline())
    _end_with(os.dup(sys.stdin.fileno()))
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())  # a task that asks for input gets none
    sys.path[:] = spec["path"]
    out = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a task's C code prints must not go to our pipe
    asyncio.run(_serve(spec, out))
    os._exit(0)  # a task that does not end must not keep the process


def _end_with(parent: int) -> None:
    """End this process when the pipe from its parent is closed, whatever it is doing then."""

    def watch() -> None:
        while os.read(parent, 1024):
            pass
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


async def _serve(spec: dict[str, Any], out: int) -> None:
    import distributed

    server = getattr(distributed, spec["kind"])(
        *spec["arguments"], security=distributed.Security(**spec["security"]), **spec["options"]
    )
    async with server:
        _be_prompt(server, spec["messages_s"])
        os.write(out, json.dumps({"address": server.address}).encode() + b"\n")
        os.close(out)
        await server.finished()


def _be_prompt(server: Any, messages_s: float) -> None:
    """Have messages sent sooner than after Dask's 2 to 5 ms: there are few of them, and someone waits for each."""
    import distributed

    if not isinstance(server, distributed.Scheduler):
        server.batched_stream.interval = messages_s
        return

    class Prompt(distributed.SchedulerPlugin):  # type: ignore[misc]  # distributed has no annotations
        def add_worker(self, scheduler: Any, worker: str) -> None:
            scheduler.stream_comms[worker].interval = messages_s

        def add_client(self, scheduler: Any, client: str) -> None:
            scheduler.loop.add_callback(self._hurry, scheduler, client)

        def _hurry(self, scheduler: Any, client: str) -> None:
            if client in scheduler.client_comms:
                scheduler.client_comms[client].interval = messages_s

    server.add_plugin(Prompt(), name="dsflow-prompt")


if __name__ == "__main__":
    main()
