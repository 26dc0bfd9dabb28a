"""Where a Dask engine gets its client from: given, active in this process, or of a cluster started here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import dask
from distributed import Client, default_client

from dsflow.engines._machine import this_machine
from dsflow.engines.dask._engine import DaskEngine
from dsflow.engines.dask._places import place_of

if TYPE_CHECKING:
    from dsflow._session import Session

__all__ = ["active_client", "start_engine"]


def active_client() -> Client | None:
    """Return the Dask client that is active in this process, or None."""
    try:
        return default_client()
    except ValueError:
        return None


def start_engine(
    session: Session,
    client: Any,
    workers: int | None,
    threads_per_worker: int | None,
) -> DaskEngine:
    """Make the engine for a client, or for a new cluster on this machine if there is none."""
    if client is None and workers is None and session.n_gpus is None and not session.labels:
        client = active_client()
    if client is not None:
        if not isinstance(client, Client) or client.asynchronous:
            raise TypeError(
                f"start: client={client!r} is not a synchronous distributed.Client; "
                "make one with distributed.Client(address)."
            )
        return DaskEngine(session, client)
    from dsflow.clusters import LOG_LENGTH, MESSAGES_S, start_local_cluster

    threads = threads_per_worker or 1
    n_workers = workers or max(1, (os.cpu_count() or 1) // threads)
    gpus = this_machine(1, None, (), session.n_gpus).gpus
    cluster = start_local_cluster(n_workers, threads, session.memory_bytes, gpus, session.labels)
    try:
        with dask.config.set({"distributed.admin.low-level-log-length": LOG_LENGTH}):
            client = Client(cluster, direct_to_workers=True, set_as_default=False)
        client.scheduler_comm.interval = MESSAGES_S
        client.wait_for_workers(n_workers)
        return DaskEngine(session, client, cluster, here=place_of(cluster.place))
    except BaseException:
        cluster.kill()
        raise
