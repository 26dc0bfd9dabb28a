"""Estimators beside scikit-learn's, and dask-ml's where it is installed: seconds to fit, and the peak of memory.

    python benchmarks/learning.py [--quick | --smoke] [--sides threads,"plain Dask"] [--only PCA]

Each measurement is a process of its own, which makes the data, in memory, before it looks at the clock. Ours has two
threads; scikit-learn's has its libraries' two. "plain Dask" is dask-ml with two threads.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness import Case, Options, compare, finish, read_options

MIB = 1 << 20


def blobs(rows: int, columns: int) -> tuple[Any, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    centers = rng.normal(scale=4, size=(5, columns))
    classes = rng.integers(0, 5, rows)
    return centers[classes] + rng.normal(size=(rows, columns)), classes


def linear(rows: int, columns: int) -> tuple[Any, Any]:
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, columns))
    return x, x @ rng.normal(size=columns) + rng.normal(size=rows)


def halves(rows: int, columns: int) -> tuple[Any, Any]:
    x, y = linear(rows, columns)
    return x, (y > 0).astype(int)


Data = Callable[[int, int], tuple[Any, Any]]

_SEED = {"random_state": 0}
_KMEANS = {"n_clusters": 20, "n_init": 1, **_SEED}
_FOREST = {"n_estimators": 20, "max_depth": 10, **_SEED}
_MIXTURE = {"n_components": 5, "max_iter": 10, "tol": 0, **_SEED}

WORK: dict[str, tuple[str, dict[str, Any], Data, int, int]] = {
    "KMeans": ("cluster", {**_KMEANS, "max_iter": 20, "tol": 0}, blobs, 500_000, 20),
    "MiniBatchKMeans": ("cluster", _KMEANS, blobs, 1_000_000, 20),
    "DBSCAN": ("cluster", {"eps": 0.8}, blobs, 50_000, 3),
    "PCA": ("decomposition", {"n_components": 10, **_SEED}, blobs, 500_000, 50),
    "TruncatedSVD": ("decomposition", {"n_components": 10, **_SEED}, blobs, 500_000, 50),
    "GaussianMixture": ("mixture", _MIXTURE, blobs, 200_000, 10),
    "LinearRegression": ("linear_model", {}, linear, 1_000_000, 20),
    "Ridge": ("linear_model", {}, linear, 1_000_000, 20),
    "Lasso": ("linear_model", {"alpha": 0.01}, linear, 1_000_000, 20),
    "LogisticRegression": ("linear_model", {}, halves, 500_000, 20),
    "StandardScaler": ("preprocessing", {}, blobs, 1_000_000, 20),
    "MinMaxScaler": ("preprocessing", {}, blobs, 1_000_000, 20),
    "RandomForestClassifier": ("ensemble", _FOREST, blobs, 100_000, 20),
    "KNeighborsClassifier": ("neighbors", {}, blobs, 20_000, 10),
    "CascadeSVM": ("svm", _SEED, blobs, 40_000, 10),
}
"""Room, parameters, data, rows and columns."""

THEIRS = {"CascadeSVM": "SVC"}

IN_DASK_ML = {
    "KMeans",
    "PCA",
    "TruncatedSVD",
    "LinearRegression",
    "LogisticRegression",
    "StandardScaler",
    "MinMaxScaler",
}
"""What dask-ml has, too."""


# --- what runs in a process of its own --------------------------------------------------------------------------------


def child(side: str, name: str, rows: int, columns: int) -> dict[str, float]:
    room, parameters, data, *_ = WORK[name]
    x, y = data(rows, columns)
    package = {"threads": "estimators", "scikit-learn": "sklearn", "plain Dask": "dask_ml"}[side]
    kind = getattr(importlib.import_module(f"{package}.{room}"), name if side == "threads" else THEIRS.get(name, name))
    if side == "plain Dask":
        return with_dask(kind(**parameters), x, y)
    if side == "threads":
        import dsarray as ds
        import dsflow

        with dsflow.start("threads", workers=2):
            x, y = ds.array(x), ds.array(y)
            return measured(lambda: fit(kind(**parameters), x, y))
    return measured(lambda: fit(kind(**parameters), x, y))


def with_dask(model: Any, x: Any, y: Any) -> dict[str, float]:
    import dask
    import dask.array as da

    with dask.config.set(scheduler="threads", num_workers=2):
        x, y = da.from_array(x, chunks=(len(x) // 4, -1)), da.from_array(y, chunks=len(x) // 4)
        return measured(lambda: fit(model, x, y))


def fit(model: Any, x: Any, y: Any) -> None:
    """Fit, and predict or transform as many rows; results stay where they are."""
    model.fit(x, y)
    result = model.predict(x) if hasattr(model, "predict") else getattr(model, "transform", lambda _: None)(x)
    if hasattr(result, "blocks") and hasattr(result, "explain"):
        for future in result.blocks.flat:
            future.exception()
    elif hasattr(result, "persist"):
        result.persist()


def measured(work: Callable[[], None]) -> dict[str, float]:
    before, peaks, ended = resident(), [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.005):
            peaks[0] = max(peaks[0], resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    ended.set()
    watcher.join()
    return {"seconds": seconds, "mib": max(1.0, peaks[0] - before)}


def resident() -> float:
    return int(Path("/proc/self/status").read_text(encoding="ascii").split("VmRSS:")[1].split()[0]) / 1024


# --- the parent, which stays small ------------------------------------------------------------------------------------


def cases(options: Options) -> Iterator[Case]:
    share = options.pick(full=1.0, quick=0.1, smoke=0.002)
    dask_ml = options.among("plain Dask") if importlib.util.find_spec("dask_ml") is not None else []
    for name, (*_, rows, columns) in WORK.items():
        sides = ["scikit-learn", *options.among("threads"), *(dask_ml if name in IN_DASK_ML else [])]
        sized = max(300, int(share * rows))
        kept: dict[str, float] = {}
        seconds = {side: functools.partial(run, kept, side, name, sized, columns) for side in sides}
        facts = {"rows": sized, "columns": columns}
        yield Case(f"{name}, seconds", seconds, reference="scikit-learn", facts=facts)
        memory = {side: functools.partial(kept.__getitem__, side) for side in sides}
        yield Case(f"{name}, MiB", memory, unit="MiB", reference="scikit-learn", rounds=1, facts=facts)


def run(kept: dict[str, float], side: str, *arguments: Any) -> float:
    """Measure one side; note its memory, too."""
    command = [sys.executable, __file__, "--child", json.dumps([side, *arguments])]
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    found = json.loads(done.stdout.splitlines()[-1])
    kept[side] = max(found["mib"], kept.get(side, 0.0))
    return float(found["seconds"])


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(child(*json.loads(sys.argv[2]))))
        return
    options = read_options(__doc__, rounds=3)
    finish(compare("learning", cases(options), options), options)


if __name__ == "__main__":
    main()
