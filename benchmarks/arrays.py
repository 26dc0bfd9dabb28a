"""Arrays in memory: ds-array on two threads, dask.array on two threads, and NumPy on one.

    python benchmarks/arrays.py [--quick | --smoke] [--sides threads,"plain Dask"]

Each side has its array in memory before, in blocks of its own choice (NumPy: whole), and its result afterwards.
Libraries beneath use one thread a task. What the elements add up to is compared with NumPy's.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dask
import dask.array as da
import numpy as np
from harness import Case, Options, compare, finish, read_options
from threadpoolctl import threadpool_limits

import dsarray as ds
import dsflow

MIB = 1 << 20


def chain(xp: Any, a: Any) -> Any:
    return xp.sqrt(a * a + 1) - xp.exp(-a) * 0.5


def reduce_rows(xp: Any, a: Any) -> Any:
    return xp.concatenate([a.sum(axis=1), a.std(axis=1)])


def reduce_columns(xp: Any, a: Any) -> Any:
    return xp.concatenate([a.mean(axis=0), a.max(axis=0)])


def standardise(_: Any, a: Any) -> Any:
    return (a - a.mean(axis=0)) / a.std(axis=0)


def add_transpose(_: Any, a: Any) -> Any:
    return a + a.T


def multiply(_: Any, a: Any) -> Any:
    return a @ a


def decompose(xp: Any, a: Any) -> Any:
    return xp.linalg.qr(a)[1]


def take_rows(_: Any, a: Any) -> Any:
    return a[np.random.default_rng(1).permutation(len(a))]


def select(_: Any, a: Any) -> Any:
    return a[a[:, 0] > 0.5]


def order(xp: Any, a: Any) -> Any:
    return xp.sort(a)


WORK: dict[str, tuple[Callable[[Any, Any], Any], str]] = {
    "elementwise chain": (chain, "square"),
    "reductions of rows": (reduce_rows, "square"),
    "reductions of columns": (reduce_columns, "square"),
    "standardise": (standardise, "tall"),
    "a + a.T": (add_transpose, "square"),
    "matmul": (multiply, "small"),
    "TSQR": (decompose, "tall"),
    "sort": (order, "line"),
    "rows in any order": (take_rows, "tall"),
    "rows by a mask": (select, "tall"),
}
"""What is done, and to an array of what shape."""


def shapes(n_bytes: int) -> dict[str, tuple[int, ...]]:
    side = int((n_bytes / 8) ** 0.5)
    return {
        "square": (side, side),
        "small": (side // 2, side // 2),
        "tall": (max(60, n_bytes // 8 // 50), 50),
        "line": (n_bytes // 8,),
    }


def ours(work: Callable[[Any, Any], Any], a: ds.Array) -> Any:
    result = work(np, a)
    dsflow.wait_on([touch(block) for block in result.blocks.flat])
    return result


@dsflow.task
def touch(block: Any) -> int:
    return int(block.nbytes)


def daskarray(work: Callable[[Any, Any], Any], a: Any) -> Any:
    """A sort is none of dask.array's: its users make a quantile sort of their own, or one block."""
    if work is order:
        return a.rechunk(-1).map_blocks(np.sort).persist()
    return work(da, a).persist()


def measure(work: Callable[[], Any], check: Callable[[Any], None]) -> float:
    start = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - start
    check(result)
    return seconds


def cases(options: Options) -> Iterator[Case]:
    n_bytes = options.pick(full=400 * MIB, quick=100 * MIB, smoke=MIB // 10)
    rng = np.random.default_rng(0)
    for name, (work, kind) in WORK.items():
        shape = shapes(n_bytes)[kind]
        if options.only not in name:
            continue
        x = rng.random(shape)
        expected = np.abs(work(np, x)).sum()
        with prepared(x, options) as sides:
            yield Case(
                name,
                {side: functools.partial(measure, functools.partial(run, work, *given), _checker(expected))
                 for side, (run, *given) in sides.items()},
                reference="NumPy",
                facts={"shape": shape, "MiB": x.nbytes / MIB},
            )  # fmt: skip


def _checker(expected: float) -> Callable[[Any], None]:
    def check(result: Any) -> None:
        found = float(abs(result).sum())
        if not np.isclose(found, expected, rtol=1e-6):
            raise ValueError(f"the result adds up to {found}, not {expected}")

    return check


@contextmanager
def prepared(x: Any, options: Options) -> Iterator[dict[str, tuple[Any, ...]]]:
    """The sides, each with its own array."""
    sides: dict[str, tuple[Any, ...]] = {"NumPy": (lambda work, a: work(np, a), x)}
    if options.among("threads"):
        sides["threads"] = (ours, ds.array(x))
    if options.among("plain Dask"):
        sides["plain Dask"] = (daskarray, da.from_array(x).persist())
    yield sides


def main() -> None:
    options = read_options(__doc__, rounds=5, quick_rounds=3)
    threads = threadpool_limits(1)
    with threads, dsflow.start("threads", workers=2), dask.config.set(scheduler="threads", num_workers=2):
        results = compare("arrays", cases(options), options)
    finish(results, options)


if __name__ == "__main__":
    main()
