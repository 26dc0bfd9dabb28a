"""Tasks that were given a place on a worker which then died find another, on the scheduler.

A worker of a cluster of ours is no place of its own, so that nothing there is bound to one.
"""

from __future__ import annotations

import time
from typing import Any

import dask
from distributed import Client, SchedulerPlugin

from dsflow._resources import Needs
from dsflow.engines.dask._places import place_of_worker

__all__ = ["Binding"]

_OURS = "dsflow"
"""Name of the annotation that tells what a bound task needs."""

_Told = tuple[str, int, int, int, tuple[str, ...]]


class Binding:
    """Binds tasks to workers, for one program."""

    def __init__(self, client: Client, root: str) -> None:
        self._client = client
        self._root = root
        self.is_used = False

    def annotate(self, needs: Needs) -> Any:
        """Return a context in which graphs are sent whose tasks are bound to workers."""
        if not self.is_used:
            self._client.register_plugin(_Relocation(self._root), name=_name_of(self._root))
            self.is_used = True
        told: _Told = (self._root, needs.cpus, needs.memory_bytes, needs.gpus, tuple(needs.labels))
        return dask.annotate(**{_OURS: told})

    async def end(self) -> None:
        """Take the plugin from the scheduler."""
        if self.is_used:
            await self._client.scheduler.unregister_scheduler_plugin(name=_name_of(self._root))


def _name_of(root: str) -> str:
    return f"{root}-relocation"


class _Relocation(SchedulerPlugin):  # type: ignore[misc]  # distributed has no annotations
    """Binds tasks anew when their workers are gone."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._scheduler: Any = None

    async def start(self, scheduler: Any) -> None:
        self._scheduler = scheduler

    def remove_worker(self, scheduler: Any, **_: Any) -> None:
        """Let what was bound to a worker that is gone run on others that will do."""
        self._bind_anew(scheduler)

    def add_worker(self, scheduler: Any, worker: str) -> None:  # noqa: ARG002 - as Dask calls it
        """Let a new worker have what no other will do for."""
        self._bind_anew(scheduler)

    def _bind_anew(self, scheduler: Any) -> None:
        runnable = {}
        for task in list(scheduler.tasks.values()):
            told: _Told | None = (task.annotations or {}).get(_OURS)
            if told is None or told[0] != self._root or not task.worker_restrictions:
                continue
            if any(address in scheduler.workers for address in task.worker_restrictions):
                continue
            _, cpus, memory_bytes, gpus, labels = told
            fitting = _fitting(scheduler, Needs(cpus, memory_bytes, gpus, frozenset(labels)))
            if fitting:
                task.worker_restrictions = fitting
                if task in scheduler.unrunnable:
                    runnable[task.key] = "processing"
        if runnable:
            scheduler.transitions(runnable, f"dsflow-relocation-{time.time()}")


def _fitting(scheduler: Any, needs: Needs) -> set[str]:
    identities = {address: worker.identity() for address, worker in scheduler.workers.items()}
    return {address for address, told in identities.items() if place_of_worker(address, told).can_hold(needs)}
