"""Patterns of dependencies, after Task Bench (E. Slaughter et al., 2020), and one function that runs any of them.

A pattern is a list of layers; a layer lists, for each of its tasks, which tasks of the layer before it reads.
"""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sides import Side

Layers = list[list[range]]

_NOTHING = range(0)
_DATA = memoryview(bytes(1 << 20))


def independent(n_tasks: int) -> Layers:
    """Tasks that have nothing to do with each other."""
    return [[_NOTHING] * n_tasks]


def chain(n_links: int) -> Layers:
    """Tasks that read the one before."""
    return [[_NOTHING], *[[range(1)] for _ in range(n_links - 1)]]


def stencil(width: int, steps: int) -> Layers:
    """Tasks that read three neighbours of the step before."""
    step = [range(max(0, i - 1), min(width, i + 2)) for i in range(width)]
    return [[_NOTHING] * width, *[step] * (steps - 1)]


def tree(n_leaves: int) -> Layers:
    """Leaves, and tasks that read two until one is left."""
    layers = independent(n_leaves)
    while len(layers[-1]) > 1:
        n = len(layers[-1])
        layers.append([range(i, min(n, i + 2)) for i in range(0, n, 2)])
    return layers


def all_to_all(width: int, steps: int) -> Layers:
    """Tasks that read all of the step before."""
    return [[_NOTHING] * width, *[[range(width)] * width] * (steps - 1)]


PATTERNS: dict[str, Callable[..., Layers]] = {
    "independent": independent,
    "chain": chain,
    "stencil": stencil,
    "tree": tree,
    "all-to-all": all_to_all,
}


def count(layers: Layers) -> int:
    """Return the number of tasks."""
    return sum(map(len, layers))


def grow(n_bytes: int, *depths: int) -> int:
    """Work, if asked to; return how many layers there are up to here."""
    if n_bytes:
        hash_bytes(n_bytes)
    return max(depths) + 1 if depths else 1


def hash_bytes(n_bytes: int) -> None:
    """Work without holding the interpreter's lock: a fixed amount, whoever else works."""
    digest = hashlib.sha256()
    while n_bytes > 0:
        digest.update(_DATA[:n_bytes])
        n_bytes -= len(_DATA)


def seconds_per_byte(n_threads: int, n_bytes: int = 16 << 20) -> float:
    """Return how long `hash_bytes` takes now, in so many threads at a time with nothing around it."""
    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(hash_bytes, [1] * n_threads))
        start = time.perf_counter()
        list(pool.map(hash_bytes, [n_bytes] * n_threads))
        return (time.perf_counter() - start) / n_bytes


def run_pattern(side: Side, name: str, sizes: tuple[int, ...], n_bytes: int = 0, *, as_graph: bool = False) -> float:
    """Return the seconds that a pattern takes from its first call to its last result."""
    layers = PATTERNS[name](*sizes)
    side = side.graph() if as_graph else side
    task = side.task(grow)
    warm_up(side, task)
    start = time.perf_counter()
    before: list[Any] = []
    for layer in layers:
        before = [task(n_bytes, *[before[i] for i in inputs]) for inputs in layer]
    depths = side.results(before)
    seconds = time.perf_counter() - start
    if set(depths) != {len(layers)}:
        raise ValueError(f"{name}: {len(layers)} layers gave depths {set(depths)}")
    return seconds


def warm_up(side: Side, task: Callable[..., Any]) -> None:
    """Let both workers, and all on the way to them, have done such tasks."""
    first = [task(0) for _ in range(32)]
    side.results([task(0, *pair) for pair in zip(first[::2], first[1::2], strict=True)])


def round_trip(side: Side, n_trips: int) -> float:
    """Return the median seconds of one call and its result, one after the other."""
    task = side.task(grow)
    warm_up(side, task)
    trips = []
    for _ in range(n_trips):
        start = time.perf_counter()
        side.results([task(0)])
        trips.append(time.perf_counter() - start)
    return statistics.median(trips)
