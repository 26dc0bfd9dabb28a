"""Claims: a task with side effects is begun once.

The claim is an entry of the scheduler's own record of the task. So it outlives the worker, and goes when nobody needs
the task's result any more: exactly as long as Dask could run the task again.
"""

from __future__ import annotations

import pickle
from typing import Any

import cloudpickle
from distributed.core import clean_exception
from distributed.utils import sync

from dsflow._errors import TaskLostError

__all__ = ["claim"]

_MARK = "dsflow-claimed-by"


def claim(worker: Any, key: str, label: str) -> None:
    """Note at the scheduler that ``worker`` begins a task.

    Raises
    ------
    TaskLostError
        When it, or another worker, has begun it before.
    """
    reply = sync(worker.loop, _ask, worker, key)
    if reply is not None:
        raise TaskLostError(
            f"{label}: its worker died while it ran or held its result ({reply}); it has side effects, so it is not "
            "run again; look what it has done, and call it again if that is right."
        )


async def _ask(worker: Any, key: str) -> str | None:
    reply = await worker.scheduler.run_function(
        function=cloudpickle.dumps(_note), args=pickle.dumps((key, worker.address)), kwargs=pickle.dumps({}), wait=True
    )
    if reply["status"] == "error":
        _, error, _ = clean_exception(**reply)
        assert error is not None
        raise error
    found: str | None = reply["result"]
    return found


def _note(key: str, address: str, dask_scheduler: Any) -> str | None:
    """Note a claim, on the scheduler; return who has it already."""
    task = dask_scheduler.tasks.get(key)
    if task is None:
        return "nobody needs it any more"
    if task.metadata is None:
        task.metadata = {}
    before: str | None = task.metadata.get(_MARK)
    if before is None:
        task.metadata[_MARK] = address
    return before
