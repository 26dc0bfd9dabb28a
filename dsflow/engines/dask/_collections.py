"""Values that Dask has already: collections, and Futures of its own, become versions without a detour."""

from __future__ import annotations

import uuid
from typing import Any

from dask._task_spec import Task as DaskTask
from dask._task_spec import TaskRef
from dask.base import is_dask_collection
from distributed import Client
from distributed import Future as DaskFuture

from dsflow._errors import ArgumentError
from dsflow._freeze import Stored, freeze
from dsflow._graph import Version

__all__ = ["adopt"]


def adopt(value: Any, client: Client, where: str) -> Version:
    """Return a version of what a Dask collection or Future stands for.

    A collection is computed on the cluster, and the result stays there.

    Raises
    ------
    ArgumentError
        When a Future is of another client than the session's.
    """
    if isinstance(value, DaskFuture):
        if value.client is not client:
            raise ArgumentError(
                f"{where}: {value!r} is of another client than the session; "
                "start the session with that client, dsflow.start('dask', client=…), or pass future.result()."
            )
        source = value
    elif is_dask_collection(value):
        source = client.compute(value, sync=False)
    else:  # it could have been one, and holds plain data
        return Version(stored=_stored(value))
    key = f"adopted-{uuid.uuid4().hex}"
    version = Version()
    version.handle = client.get({key: DaskTask(key, _stored, TaskRef(source.key))}, [key], sync=False)[0]
    return version


def _stored(value: Any) -> Stored:
    """Freeze a value of Dask's, on a worker: its owner may change it, and so might tasks."""
    return freeze(value, portable=True, snapshot=True)
