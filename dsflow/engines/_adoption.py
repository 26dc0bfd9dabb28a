"""Dask collections and Futures as arguments of tasks, for engines that run in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dsflow._task import task

if TYPE_CHECKING:
    from dsflow._graph import Version

__all__ = ["adopt_here"]


def adopt_here(value: Any, where: str) -> Version:
    """Return a version of what a Dask collection or Future stands for; a task of this engine computes it."""

    @task
    def compute() -> Any:  # what it computes is in its closure: as an argument it would be adopted again
        from distributed import Future

        return value.result() if isinstance(value, Future) else value.compute(scheduler="synchronous")

    version: Version = compute.named(f"compute-for-{where}")()._current()
    return version
