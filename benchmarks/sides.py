"""The sides of a benchmark: our engines, plain Dask and Ray, each behind the same few methods.

`Side.task` gives what its users call themselves, with nothing in between: a task of ours, ``client.submit``, a remote
function. Each side has two workers that run one task at a time, in processes where it has processes.
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

SIDES = ("serial", "threads", "dask", "plain Dask", "Ray")
"""The first three are ours."""

N_WORKERS = 2
_NEEDS = {"plain Dask": "distributed", "Ray": "ray"}


def missing(side: str) -> str:
    """Return why a side or a package cannot be used here; empty if it can."""
    package = _NEEDS.get(side, "dsflow" if side in SIDES else side)
    return "" if importlib.util.find_spec(package) else f"{package} is not installed; pip install -e '.[bench]'"


class Side:
    """Something that runs tasks."""

    def task(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return what is called like the function, and gives something that stands for its result."""
        raise NotImplementedError

    def risky_task(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the same, of a function whose failures concern only those that read its results."""
        return self.task(function)

    def put(self, value: Any) -> Any:
        """Return what is best passed to tasks in place of a large value."""
        return value

    def results(self, handles: Sequence[Any]) -> list[Any]:
        """Wait for results and return them."""
        raise NotImplementedError

    def finish(self, handles: Sequence[Any]) -> None:
        """Wait for all that was called, of which ``handles`` are held; leave results where they are."""
        raise NotImplementedError

    def outcomes(self, handles: Sequence[Any]) -> list[Any]:
        """Wait for results and return them; None for those of tasks that have failed."""
        raise NotImplementedError

    def graph(self) -> Side:
        """Return the side that sends everything at once, when results are asked for; itself if there is none."""
        return self

    def bytes_moved(self) -> int:
        """Return how many bytes have left a process so far, as far as the side knows."""
        raise NotImplementedError

    def close(self) -> None:
        """End everything."""


class Ours(Side):
    """An engine of dsflow."""

    def __init__(self, engine: str) -> None:
        import dsflow

        logging.getLogger("dsflow").setLevel(logging.ERROR)  # warnings of tasks that are drawn to fail
        self.dsflow = dsflow
        self.session = dsflow.start(engine, workers=N_WORKERS)
        self._task = functools.cache(dsflow.task)
        self._risky_task = functools.cache(dsflow.task(on_failure=dsflow.CANCEL_SUCCESSORS))

    def task(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return self._task(function)

    def risky_task(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return self._risky_task(function)

    def results(self, handles: Sequence[Any]) -> list[Any]:
        return self.dsflow.wait_on(list(handles))

    def finish(self, _: Sequence[Any]) -> None:
        self.dsflow.barrier()

    def outcomes(self, handles: Sequence[Any]) -> list[Any]:
        return [_outcome(future.result) for future in handles]

    def bytes_moved(self) -> int:
        return self.session.engine.bytes_moved()

    def close(self) -> None:
        self.dsflow.stop()


class PlainDask(Side):
    """Dask's futures, on its own cluster of processes with its own settings."""

    def __init__(self) -> None:
        from distributed import Client, LocalCluster

        self.cluster = LocalCluster(
            n_workers=N_WORKERS, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL
        )
        self.client = Client(self.cluster)

    def task(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return functools.partial(self.client.submit, function, pure=False)

    def results(self, handles: Sequence[Any]) -> list[Any]:
        return self.client.gather(list(handles))

    def put(self, value: Any) -> Any:
        return self.client.scatter(value)

    def finish(self, handles: Sequence[Any]) -> None:
        from distributed import wait

        wait(handles)

    def outcomes(self, handles: Sequence[Any]) -> list[Any]:
        self.finish(handles)
        values = iter(self.client.gather([each for each in handles if each.status == "finished"]))
        return [next(values) if each.status == "finished" else None for each in handles]

    def graph(self) -> Side:
        return DaskGraph(self)

    def bytes_moved(self) -> int:
        """Return what workers have sent: to each other, and to the scheduler or client for a gather."""
        sent = self.client.run(lambda dask_worker: dask_worker.transfer_outgoing_bytes_total)
        return sum(sent.values())

    def close(self) -> None:
        self.client.close()
        self.cluster.close()


class DaskGraph(Side):
    """Dask's ``delayed``, whose graph is sent as a whole."""

    def __init__(self, plain: PlainDask) -> None:
        self.client = plain.client

    def task(self, function: Callable[..., Any]) -> Callable[..., Any]:
        import dask

        return dask.delayed(function, pure=False, traverse=False)

    def results(self, handles: Sequence[Any]) -> list[Any]:
        return self.client.gather(self.client.compute(list(handles)))


class Ray(Side):
    """Ray, on loopback, in a folder that goes with it."""

    def __init__(self) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"
        import ray

        self.ray = ray
        self._folder = tempfile.mkdtemp(prefix="ray-")
        ray.init(
            num_cpus=N_WORKERS,
            object_store_memory=2 << 30,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
            _node_ip_address="127.0.0.1",
            _temp_dir=self._folder,
        )
        self._remote = functools.cache(ray.remote)

    def task(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return self._remote(function).remote

    def results(self, handles: Sequence[Any]) -> list[Any]:
        return self.ray.get(list(handles))

    def put(self, value: Any) -> Any:
        return self.ray.put(value)

    def finish(self, handles: Sequence[Any]) -> None:
        self.ray.wait(list(handles), num_returns=len(handles), fetch_local=False)

    def outcomes(self, handles: Sequence[Any]) -> list[Any]:
        return [_outcome(functools.partial(self.ray.get, handle)) for handle in handles]

    def close(self) -> None:
        self.ray.shutdown()
        shutil.rmtree(self._folder, ignore_errors=True)


def _outcome(get: Callable[[], Any]) -> Any:
    try:
        return get()
    except Exception:  # noqa: BLE001 - tasks raise what they like, and each side wraps it as it likes
        return None


def open_side(name: str) -> Side:
    """Start a side in this process."""
    if name == "plain Dask":
        return PlainDask()
    return Ray() if name == "Ray" else Ours(name)
