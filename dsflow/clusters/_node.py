"""A scheduler or worker process: ``python -m dsflow.clusters._node``.

What to be comes as one line of JSON on standard input, certificates included, so that no secret is on a command line
or a disk. The address goes back as one line on standard output. The end of standard input, which comes when the parent
closes it or dies, ends the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Read what to be, be it, and end with standard input."""
    spec = json.loads(sys.stdin.readline())
    _end_with(os.dup(sys.stdin.fileno()), spec["segments"] if spec["kind"] == "Scheduler" else None)
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())  # a task that asks for input gets none
    sys.path[:] = spec["path"]
    out = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a task's C code prints must not go to our pipe
    asyncio.run(_serve(spec, out))
    os._exit(0)  # a task that does not end must not keep the process


def _end_with(parent: int, segments: str | None) -> None:
    """End this process when the pipe from its parent is closed, whatever it is doing then, and free what it shared."""

    def watch() -> None:
        while os.read(parent, 1024):
            pass
        if segments is not None:
            shutil.rmtree(segments, ignore_errors=True)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


async def _serve(spec: dict[str, Any], out: int) -> None:
    import distributed

    server = getattr(distributed, spec["kind"])(
        *spec["arguments"], security=distributed.Security(**spec["security"]), **spec["options"]
    )
    async with server:
        _be_prompt(server, spec["messages_s"])
        if spec["kind"] == "Scheduler" and spec["segments"] is not None:
            _be_tidy(server, spec["segments"])
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


def _be_tidy(scheduler: Any, segments: str) -> None:
    """Free the memory of a value of the main program when nothing can need it any more."""
    import distributed

    class Tidy(distributed.SchedulerPlugin):  # type: ignore[misc]  # distributed has no annotations
        def transition(self, key: Any, start: str, finish: str, *_: Any, **__: Any) -> None:  # noqa: ARG002 - Dask's
            if finish == "forgotten" and type(key) is str and key.startswith("data-"):
                with contextlib.suppress(OSError):
                    Path(segments, key).unlink()

    scheduler.add_plugin(Tidy(), name="dsflow-tidy")


if __name__ == "__main__":
    main()
