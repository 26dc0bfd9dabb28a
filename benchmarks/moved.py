"""Bytes that travel between processes for k-means, a matrix product and a shuffle: ours on Dask beside plain Dask.

    python benchmarks/moved.py [--quick | --smoke] [--only shuffle]

All data is made by tasks, so that what is counted is what the work itself moves: what workers send to each other and
to the main program, and what the main program sends them. Plain Dask has ``dask.array`` for two of them; its k-means is
written here as its users would: sums by block and center, added up by the main program. On plain Dask the bytes of
what the main program submits are those of its centers, pickled, for each task; graphs and messages count on no side.
"""

from __future__ import annotations

import functools
import pickle
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from contestants import Contestant, contestants
from harness import Case, Measured, Options, compare, finish, read_options
from sides import Side

Figures = dict[str, float]


def counted(side: Side, work: Callable[[], int | None]) -> Figures:
    """Return the bytes and seconds of work, which may return bytes that the side does not see."""
    refresh(side)
    before, start = side.bytes_moved(), time.perf_counter()
    unseen = work() or 0
    seconds = time.perf_counter() - start
    refresh(side)
    return {"bytes": side.bytes_moved() - before + unseen, "seconds": seconds}


def refresh(side: Side) -> None:
    """Run a few tasks on all workers: what those have sent is known here by reports of their tasks."""
    task = side.task(time.sleep)
    side.results([task(0.005) for _ in range(8)])


# --- ours -------------------------------------------------------------------------------------------------------------


def our_kmeans(side: Side, n_rows: int, n_features: int, n_clusters: int, n_iterations: int, n_blocks: int) -> Figures:
    import dsarray as ds
    from estimators.cluster import KMeans

    def work() -> None:
        rows = ds.random_array((n_rows, n_features), block_size=(n_rows // n_blocks, n_features), random_state=0)
        start = np.random.default_rng(0).random((n_clusters, n_features))
        KMeans(n_clusters, init=start, n_init=1, max_iter=n_iterations, tol=0.0).fit(rows)

    return counted(side, work)


def our_matmul(side: Side, length: int, block: int) -> Figures:
    import dsarray as ds

    def work() -> None:
        left, right = (
            ds.random_array((length, length), block_size=(block, block), random_state=seed) for seed in (0, 1)
        )
        float((left @ right).sum())

    return counted(side, work)


def our_shuffle(side: Side, n_rows: int, n_features: int, n_blocks: int) -> Figures:
    import dsarray as ds

    def work() -> None:
        rows = ds.random_array((n_rows, n_features), block_size=(n_rows // n_blocks, n_features), random_state=0)
        float(rows[np.random.default_rng(0).permutation(n_rows)].max())

    return counted(side, work)


# --- plain Dask -------------------------------------------------------------------------------------------------------


def plain_kmeans(
    side: Side, n_rows: int, n_features: int, n_clusters: int, n_iterations: int, n_blocks: int
) -> Figures:
    def work() -> int:
        make, assign = side.task(_make_rows), side.task(_sums_by_center)
        blocks = [make(seed, n_rows // n_blocks, n_features) for seed in range(n_blocks)]
        centers = np.random.default_rng(0).random((n_clusters, n_features))
        submitted = 0
        for _ in range(n_iterations):
            parts = side.results([assign(block, centers) for block in blocks])
            submitted += n_blocks * len(pickle.dumps(centers, protocol=5))
            sums, counts = (sum(each) for each in zip(*parts, strict=True))
            centers = sums / np.maximum(counts, 1)[:, None]
        return submitted

    return counted(side, work)


def _make_rows(seed: int, n_rows: int, n_features: int) -> Any:
    return np.random.default_rng(seed).random((n_rows, n_features))


def _sums_by_center(rows: Any, centers: Any) -> tuple[Any, Any]:
    distances = (centers**2).sum(axis=1) - 2 * rows @ centers.T
    one_hot = np.eye(len(centers))[distances.argmin(axis=1)]
    return one_hot.T @ rows, one_hot.sum(axis=0)


def plain_matmul(side: Side, length: int, block: int) -> Figures:
    import dask.array as da

    def work() -> None:
        left, right = (da.random.default_rng(seed).random((length, length), chunks=block) for seed in (0, 1))
        float((left @ right).sum().compute())

    return counted(side, work)


def plain_shuffle(side: Side, n_rows: int, n_features: int, n_blocks: int) -> Figures:
    import dask.array as da

    def work() -> None:
        rows = da.random.default_rng(0).random((n_rows, n_features), chunks=(n_rows // n_blocks, n_features))
        float(rows[np.random.default_rng(0).permutation(n_rows)].max().compute())

    return counted(side, work)


# --- cases ------------------------------------------------------------------------------------------------------------


def cases(options: Options, running: dict[str, Contestant]) -> list[Case]:
    pick = options.pick
    work = {
        "k-means": (
            *(our_kmeans, plain_kmeans),
            pick(full=(400_000, 20, 16, 10, 8), quick=(80_000, 20, 16, 5, 8), smoke=(400, 4, 3, 2, 4)),
        ),
        "matmul": (our_matmul, plain_matmul, pick(full=(3000, 750), quick=(1500, 500), smoke=(60, 30))),
        "shuffle": (
            *(our_shuffle, plain_shuffle),
            pick(full=(400_000, 25, 16), quick=(80_000, 25, 8), smoke=(400, 4, 4)),
        ),
    }
    made = []
    for name, (ours, plain, sizes) in work.items():
        measured = {
            side: Measured(functools.partial(each.measure, plain if side == "plain Dask" else ours, *sizes))
            for side, each in running.items()
        }
        for figure, unit in (("bytes", "bytes"), ("seconds", "s")):
            sides = {side: functools.partial(each.ask, figure) for side, each in measured.items()}
            made.append(Case(f"{name}, {figure}", sides, unit, facts={"sizes": sizes}))
    return made


def main() -> None:
    options = read_options(__doc__, rounds=3)
    with contestants(options.among("dask", "plain Dask")) as running:
        results = compare("moved", cases(options, running), options)
    finish(results, options)


if __name__ == "__main__":
    main()
