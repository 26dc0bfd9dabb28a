"""Where tasks can run: this machine, for a cluster of ours; each worker, for any other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import dask
from distributed import Client

from dsflow._resources import Place

__all__ = ["Places", "place_of", "place_of_worker"]

FRESH_S = 1.0
"""What the scheduler has said is believed for so long."""


class Places:
    """The places of a cluster, as the scheduler knows them."""

    def __init__(self, client: Client, here: Place | None) -> None:
        self._client = client
        self._here = here or place_of(dask.config.get("dsflow.place", default=None))
        self._known: Sequence[Place] = ()
        self._known_at = float("-inf")

    def __call__(self) -> Sequence[Place]:
        """Return the places there are now."""
        if self._here is not None:
            return (self._here,)
        if time.monotonic() >= self._known_at + FRESH_S:
            workers = self._client.sync(self._client.scheduler.identity, n_workers=-1)["workers"]
            self._known = [place_of_worker(address, worker) for address, worker in workers.items()]
            self._known_at = time.monotonic()
        return self._known


def place_of_worker(address: str, worker: dict[str, Any]) -> Place:
    """Return the place that a worker is, by what the scheduler knows of it."""
    resources = worker["resources"]
    n_gpus = int(resources.get("GPU", 0))
    return Place(
        name=address,
        cpus=worker["nthreads"],
        memory_bytes=worker["memory_limit"],
        gpus=tuple(map(str, range(n_gpus))),
        labels=frozenset(resources) - {"GPU"},
        workers=(address,),
    )


def place_of(told: dict[str, Any] | None) -> Place | None:
    """Return the place of a cluster of ours, of which its processes were told."""
    if told is None:
        return None
    return Place(told["name"], told["cpus"], told["memory_bytes"], tuple(told["gpus"]), frozenset(told["labels"]))
