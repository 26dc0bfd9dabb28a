"""A cluster on this machine: one scheduler process, and worker processes that are replaced when they die.

Every process is a subprocess started from scratch, so that a program needs no ``if __name__ == "__main__"``. All
connections are on loopback with mutual TLS, under a certificate that lives in memory as long as the cluster.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import dask
from distributed import Security, SpecCluster
from distributed.deploy.spec import ProcessInterface
from distributed.system import MEMORY_LIMIT

from dsflow._errors import EngineError
from dsflow._session import inherited_environment

__all__ = ["LocalCluster", "start_local_cluster"]

logger = logging.getLogger("dsflow")

START_TIMEOUT_S = 60.0

PAUSE_S = 1.0
"""Time before another try to replace a worker."""

_OUTSIDE_SIGNALS = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
"""Signals that come from outside; a process that crashes by itself ends in other ways."""

MESSAGES_S = 0.001
"""Time between two messages to the same receiver."""

LOG_LENGTH = 16
"""How many of its last messages Dask keeps, for people who look for a fault in it; they have the size of calls."""

_CONFIG = {
    "distributed": {
        "logging": {
            "distributed": "error",
            "distributed.scheduler": "critical",  # what it says of workers that die is said here, where it matters
            "distributed.worker": "critical",
        },
        "worker": {"memory": {"terminate": False}, "profile": {"enabled": False}},
        "scheduler": {"allowed-failures": 2},
        "admin": {"low-level-log-length": LOG_LENGTH},
        "deploy": {"lost-worker-timeout": "60s"},
    }
}
"""Dask's settings in the processes: their logs go to the user's terminal, so they say little."""


class _Node(ProcessInterface):  # type: ignore[misc]  # distributed has no annotations
    """One process of a cluster, seen from its parent."""

    kind = ""

    def __init__(
        self,
        arguments: list[str],
        options: dict[str, Any],
        security: Security,
        environment: dict[str, str],
        pids: set[int],
        segments: str | None,
    ) -> None:
        super().__init__()
        self._pids = pids
        self._segments = segments
        self._spec = {
            "kind": self.kind,
            "arguments": arguments,
            "options": options,
            "security": {name: getattr(security, name) for name in _security_fields(security)},
            "path": sys.path,
            "messages_s": MESSAGES_S,
            "segments": self._segments,
        }
        self._environment = environment
        self.process: asyncio.subprocess.Process | None = None
        self.pid: int | None = None

    async def start(self) -> None:
        """Start the process and wait until it listens."""
        await self._spawn()
        await super().start()

    async def _spawn(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "dsflow.clusters._node"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # an interrupt from the terminal is for the program, which then closes us
            env=self._environment,
        )
        self.pid = self.process.pid
        self._pids.add(self.pid)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(self._spec).encode() + b"\n")
        try:
            line = await asyncio.wait_for(self.process.stdout.readline(), START_TIMEOUT_S)
        except TimeoutError:
            line = b""
        if not line:
            ended = self.process.returncode
            await self._kill()
            how = f"within {START_TIMEOUT_S:g} s" if ended is None else f"but ended with {_cause(ended)}"
            raise EngineError(
                f"LocalCluster: a {self.kind.lower()} process did not start {how}; see what it wrote above."
            )
        self.address = json.loads(line)["address"]

    async def _kill(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            self._pids.discard(process.pid)
            assert process.stdin is not None
            process.stdin.close()

    async def close(self) -> None:
        """Kill the process."""
        await self._kill()
        await super().close()


def _environment(n_threads: int, folder: str, place: dict[str, Any], segments: str | None) -> dict[str, str]:
    """The environment of the processes: BLAS and OpenMP inside a task get ``n_threads`` threads."""
    ours = {"temporary-directory": folder, "dsflow": {"place": place, "segments": segments}}
    config = dask.config.merge(dask.config.config, _CONFIG, ours)
    return inherited_environment(
        PYTHONPATH=os.pathsep.join(path for path in sys.path if path),
        OMP_NUM_THREADS=str(n_threads),
        DASK_INTERNAL_INHERIT_CONFIG=dask.config.serialize(config),
    )


def _security_fields(security: Security) -> list[str]:
    return ["require_encryption", *(name for name in security.__slots__ if name.endswith(("_file", "_key", "_cert")))]


class _Scheduler(_Node):
    kind = "Scheduler"

    def __init__(self, options: dict[str, Any], **common: Any) -> None:
        super().__init__([], options, **common)


class _Worker(_Node):
    kind = "Worker"

    def __init__(
        self, scheduler: str, name: int, options: dict[str, Any], deaths: dict[str, int], **common: Any
    ) -> None:
        super().__init__([scheduler], {**options, "name": name}, **common)
        self._deaths = deaths
        self._ending: int | None = None
        """Process that is ended on purpose."""
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process, and keep one running until closed."""
        await super().start()
        self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while self.process is not None:
            process = self.process
            code = await process.wait()
            if self.process is not process:
                return
            self._deaths[self.address] = code
            self._remove_segments(process.pid)
            if process.pid != self._ending:
                how = _cause(code)
                logger.warning("worker %s (process %d) died: %s; starting another", self.address, process.pid, how)
            await self._replace()

    async def _replace(self) -> None:
        while True:
            try:
                await self._spawn()
            except EngineError:
                logger.warning("the new worker did not start; trying again in %g s", PAUSE_S)
                await asyncio.sleep(PAUSE_S)
            else:
                return

    def _remove_segments(self, pid: int) -> None:
        """Free the memory that a process has shared, which can no longer do so."""
        if self._segments is not None:
            for path in Path(self._segments).glob(f"{pid}-*"):
                path.unlink(missing_ok=True)

    def end(self) -> None:
        """Kill the process, so that another takes its place."""
        process = self.process
        if process is not None:
            self._ending = process.pid
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    async def close(self) -> None:
        """Kill the process for good."""
        if self._watching is not None:
            self._watching.cancel()
        await super().close()


def _cause(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


class LocalCluster(SpecCluster):  # type: ignore[misc]  # distributed has no annotations
    """A scheduler and workers in processes of this machine.

    Parameters
    ----------
    n_workers : int
        Number of worker processes.
    threads_per_worker : int
        Threads in each of them.
    memory_bytes : int, optional
        Memory for data over all workers; beyond it they spill to disk. By default all of the machine's.
    gpus : sequence of str
        The GPUs of this machine that tasks may use, as ``CUDA_VISIBLE_DEVICES`` takes them.
    labels : iterable of str
        What tasks may ask for by name.
    """

    def __init__(
        self,
        n_workers: int,
        threads_per_worker: int = 1,
        memory_bytes: int | None = None,
        gpus: Sequence[str] = (),
        labels: Iterable[str] = (),
    ) -> None:
        self.place = {
            "name": "this machine",
            "cpus": n_workers * threads_per_worker,
            "memory_bytes": memory_bytes or MEMORY_LIMIT,
            "gpus": list(gpus),
            "labels": sorted(labels),
        }
        """What tasks have of this machine, for all workers to know."""
        self._folder = tempfile.mkdtemp(prefix="dsflow-")
        self.segments = _shared_memory()
        """Folder in memory through which the processes share large values, or None."""
        self._deaths: dict[str, int] = {}
        self._pids: set[int] = set()
        security = Security.temporary()
        per_slot = max(1, (os.cpu_count() or 1) // (n_workers * threads_per_worker))
        environment = _environment(per_slot, self._folder, self.place, self.segments)
        common = {
            "security": security,
            "environment": environment,
            "pids": self._pids,
            "segments": self.segments,
        }
        on_loopback: dict[str, Any] = {"host": "127.0.0.1", "protocol": "tls://"}
        options = {
            **on_loopback,
            "nthreads": threads_per_worker,
            "memory_limit": memory_bytes // n_workers if memory_bytes else f"{1 / n_workers}",
            "local_directory": self._folder,
            "dashboard": False,
        }
        worker_options = {"options": options, "deaths": self._deaths, **common}
        scheduler_options = {**on_loopback, "port": 0, "dashboard_address": "127.0.0.1:0"}
        try:
            self._launch(n_workers, worker_options, scheduler_options, common, security)
        except BaseException:
            self.kill()
            raise

    def _launch(
        self,
        n_workers: int,
        worker_options: dict[str, Any],
        scheduler_options: dict[str, Any],
        common: dict[str, Any],
        security: Security,
    ) -> None:
        super().__init__(
            workers={i: {"cls": _Worker, "options": {**worker_options, "name": i}} for i in range(n_workers)},
            scheduler={"cls": _Scheduler, "options": {"options": scheduler_options, **common}},
            worker={"cls": _Worker, "options": worker_options},
            security=security,
            name="dsflow",
            silence_logs=logging.ERROR,
        )

    def kill(self) -> None:
        """End all processes at once, when the cluster could not be started."""
        for pid in self._pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._remove_folders()

    def was_killed(self, address: str) -> bool:
        """Whether the worker at ``address`` died by a signal from outside, rather than by itself."""
        return -self._deaths.get(address, 0) in _OUTSIDE_SIGNALS

    def end_worker(self, address: str) -> None:
        """End the worker at ``address``, in which something hangs; another takes its place."""
        for worker in self.workers.values():
            if worker.address == address and address not in self._deaths:  # else another is on its way already
                worker.end()

    def worker_pids(self) -> list[int]:
        """Return the process ids of the workers."""
        return [worker.pid for worker in list(self.workers.values()) if worker.pid in self._pids]

    def close(self, timeout: float | None = None) -> None:
        """End all processes and remove their folder."""
        super().close(timeout)
        self._remove_folders()

    def _remove_folders(self) -> None:
        for folder in filter(None, (self._folder, self.segments)):
            shutil.rmtree(folder, ignore_errors=True)


def _shared_memory() -> str | None:
    """Make a folder in the memory of the machine, if it has a place for such."""
    with contextlib.suppress(OSError):
        return tempfile.mkdtemp(prefix="dsflow-", dir="/dev/shm")
    return None


def start_local_cluster(
    n_workers: int | None = None,
    threads_per_worker: int = 1,
    memory_bytes: int | None = None,
    gpus: Sequence[str] = (),
    labels: Iterable[str] = (),
) -> LocalCluster:
    """Start a cluster on this machine, by default with one worker process a core."""
    n_workers = n_workers or max(1, (os.cpu_count() or 1) // threads_per_worker)
    return LocalCluster(n_workers, threads_per_worker, memory_bytes, gpus, labels)
