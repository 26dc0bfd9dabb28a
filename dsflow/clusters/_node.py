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
    sys.path[:] = spec["path"]
    out = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a task's C code prints must not go to our pipe
    asyncio.run(_serve(spec, out))
    os._exit(0)  # a task that does not end must not keep the process


async def _serve(spec: dict[str, Any], out: int) -> None:
    import distributed

    server = getattr(distributed, spec["kind"])(
        *spec["arguments"], security=distributed.Security(**spec["security"]), **spec["options"]
    )
    async with server:
        os.write(out, json.dumps({"address": server.address}).encode() + b"\n")
        os.close(out)
        loop = asyncio.get_running_loop()
        parent_gone = asyncio.Event()

        def watch_parent() -> None:
            while sys.stdin.read(1024):
                pass
            loop.call_soon_threadsafe(parent_gone.set)

        threading.Thread(target=watch_parent, daemon=True).start()
        ends = [asyncio.ensure_future(parent_gone.wait()), asyncio.ensure_future(server.finished())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        os._exit(0)


if __name__ == "__main__":
    main()
