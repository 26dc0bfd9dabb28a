"""Mixtures of tasks that no engine is told about, and large tasks: our engines beside plain Dask and Ray, in turn.

    python benchmarks/honest.py [--quick | --smoke] [--sides dask,"plain Dask"]

Durations, sizes of results and failures of a mixture are drawn once, from a seed, and are the same for all sides; each
result is read by a second task. Durations are by the clock: threads that share the interpreter's lock, or a core with
others, end in time, having done less. Large tasks say that nothing is lost where nothing is to be won.
"""

from __future__ import annotations

import functools
import math
import random
import time
from typing import Any

import numpy as np
from contestants import Contestant, contestants
from harness import Case, Options, compare, finish, read_options
from sides import Side

MIB = 1 << 20


def busy(seconds: float) -> None:
    """Keep a core busy."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def make(seconds: float, n_bytes: int, fails: bool) -> Any:
    busy(seconds)
    if fails:
        raise ValueError("drawn to fail")
    return np.ones(n_bytes // 8)


def size_of(array: Any) -> int:
    return array.nbytes


def total(array: Any) -> float:
    return float(array.sum())


def product(left: Any, right: Any) -> float:
    return float(left @ right)


def mixture(side: Side, n_tasks: int, most_seconds: float, most_bytes: int) -> float:
    """Return the seconds for tasks of 10 us to ``most_seconds``, whose results have 8 bytes to ``most_bytes``."""
    drawn = _draw(n_tasks, most_seconds, most_bytes)
    maker, reader = side.risky_task(make), side.risky_task(size_of)
    side.outcomes([reader(maker(0, 8, False)) for _ in range(4)])
    start = time.perf_counter()
    sizes = [reader(maker(*each)) for each in drawn]
    found = side.outcomes(sizes)
    seconds = time.perf_counter() - start
    _check(found, [None if fails else n_bytes for _, n_bytes, fails in drawn])
    return seconds


def _draw(n_tasks: int, most_seconds: float, most_bytes: int) -> list[tuple[float, int, bool]]:
    rng = random.Random(0)
    return [
        (
            math.exp(rng.uniform(math.log(1e-5), math.log(most_seconds))),
            8 * round(math.exp(rng.uniform(0, math.log(most_bytes / 8)))),
            rng.random() < 0.05,
        )
        for _ in range(n_tasks)
    ]


def long_tasks(side: Side, n_tasks: int, seconds: float) -> float:
    task = side.task(busy)
    side.results([task(0) for _ in range(4)])
    start = time.perf_counter()
    side.results([task(seconds) for _ in range(n_tasks)])
    return time.perf_counter() - start


def large_arguments(side: Side, n_tasks: int, n_bytes: int) -> float:
    """Return the seconds to pass a large array of the main program to each task."""
    task = side.task(total)
    side.results([task(np.ones(1)) for _ in range(4)])
    arrays = [np.full(n_bytes // 8, float(number)) for number in range(n_tasks)]
    start = time.perf_counter()
    sums = side.results([task(side.put(array)) for array in arrays])
    seconds = time.perf_counter() - start
    _check(sums, [number * (n_bytes // 8) for number in range(n_tasks)])
    return seconds


def large_results(side: Side, n_tasks: int, n_bytes: int) -> float:
    """Return the seconds to bring a large result of each task to the main program."""
    task = side.task(make)
    side.results([task(0, 8, False) for _ in range(4)])
    start = time.perf_counter()
    arrays = side.results([task(0, n_bytes, False) for _ in range(n_tasks)])
    seconds = time.perf_counter() - start
    _check([array.nbytes for array in arrays], [n_bytes] * n_tasks)
    return seconds


def large_between(side: Side, n_tasks: int, n_bytes: int) -> float:
    """Return the seconds for tasks that each read two large results of others."""
    maker, reader = side.task(make), side.task(product)
    side.results([reader(maker(0, 8, False), maker(0, 8, False)) for _ in range(4)])
    start = time.perf_counter()
    made = [maker(0, n_bytes, False) for _ in range(n_tasks)]
    dots = side.results([reader(made[i], made[i - 1]) for i in range(n_tasks)])
    seconds = time.perf_counter() - start
    _check(dots, [n_bytes // 8] * n_tasks)
    return seconds


def _check(found: list[Any], expected: list[Any]) -> None:
    if found != expected:
        wrong = sum(a != b for a, b in zip(found, expected, strict=True))
        raise ValueError(f"{wrong} of {len(expected)} results are wrong")


def cases(options: Options, running: dict[str, Contestant]) -> list[Case]:
    pick = options.pick
    n_bytes = pick(full=64 * MIB, quick=64 * MIB, smoke=8_000)
    n_tasks = pick(full=8, quick=4, smoke=2)
    most = pick(full=(150, 1.0, 64 * MIB), quick=(60, 0.1, 64 * MIB), smoke=(10, 1e-3, 8_000))
    small = pick(full=(1500, 1e-3, 8_000), quick=(150, 1e-3, 8_000), smoke=(10, 1e-4, 800))
    work = {
        f"mixture, up to {most[1]:g} s, {_amount(most[2])}": (mixture, most),
        f"mixture, up to {1e3 * small[1]:g} ms, {_amount(small[2])}": (mixture, small),
        "long tasks": (long_tasks, pick(full=(4, 1.0), quick=(4, 0.5), smoke=(2, 0.01))),
        f"{_amount(n_bytes)} arguments": (large_arguments, (n_tasks, n_bytes)),
        f"{_amount(n_bytes)} results": (large_results, (n_tasks, n_bytes)),
        f"{_amount(n_bytes)} between tasks": (large_between, (n_tasks, n_bytes)),
    }
    return [
        Case(name, {side: functools.partial(each.measure, *what) for side, each in running.items()}, facts=_facts(what))
        for name, what in ((name, (function, *sizes)) for name, (function, sizes) in work.items())
    ]


def _facts(what: tuple[Any, ...]) -> dict[str, Any]:
    function, *sizes = what
    return {"does": function.__name__, "sizes": sizes}


def _amount(n_bytes: int) -> str:
    return f"{n_bytes // MIB} MiB" if n_bytes >= MIB else f"{n_bytes / 1000:g} kB"


def main() -> None:
    options = read_options(__doc__, rounds=3)
    with contestants(options.among("threads", "dask", "plain Dask", "Ray")) as running:
        results = compare("honest", cases(options, running), options)
    finish(results, options)


if __name__ == "__main__":
    main()
