"""Tiny tasks in patterns, a round trip and a cold start: our engines beside plain Dask and Ray, in turn.

    python benchmarks/tasks.py [--quick | --smoke] [--sides serial,threads,dask,"plain Dask",Ray] [--only tree]

"Dask graph" is plain Dask again, by ``delayed``: one graph of everything, sent when its result is asked for.
"""

from __future__ import annotations

import functools
import subprocess
import sys

from contestants import Contestant, contestants, environment
from harness import Case, Options, compare, finish, read_options
from patterns import PATTERNS, count, round_trip, run_pattern

_COLD = """
import time
start = time.perf_counter()
from sides import open_side
from patterns import grow
side = open_side({side!r})
assert side.results([side.task(grow)(0)]) == [1]
print(time.perf_counter() - start, flush=True)
side.close()
"""
"""In a new interpreter: import, start, one call, its result."""


def pattern_rate(contestant: Contestant, name: str, sizes: tuple[int, ...], *, as_graph: bool = False) -> float:
    seconds = contestant.measure(run_pattern, name, sizes, as_graph=as_graph)
    return count(PATTERNS[name](*sizes)) / seconds


def round_trip_ms(contestant: Contestant, n_trips: int) -> float:
    return 1e3 * contestant.measure(round_trip, n_trips)


def cold_start(side: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _COLD.format(side=side)],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
        env=environment(),
    )
    return float(done.stdout.split()[0])


def cases(options: Options, running: dict[str, Contestant]) -> list[Case]:
    sizes = options.pick(
        full={"independent": (5000,), "chain": (1000,), "stencil": (16, 60), "tree": (1024,), "all-to-all": (16, 20)},
        quick={"independent": (1000,), "chain": (150,), "stencil": (16, 10), "tree": (128,), "all-to-all": (16, 5)},
        smoke={"independent": (50,), "chain": (10,), "stencil": (4, 3), "tree": (8,), "all-to-all": (3, 3)},
    )
    made = []
    for name, own in sizes.items():
        sides = {side: functools.partial(pattern_rate, each, name, own) for side, each in running.items()}
        if "plain Dask" in running:
            sides["Dask graph"] = functools.partial(pattern_rate, running["plain Dask"], name, own, as_graph=True)
        facts = {"sizes": own, "tasks": count(PATTERNS[name](*own))}
        made.append(Case(name, sides, "tasks/s", more_is_better=True, facts=facts))
    n_trips = options.pick(full=200, quick=40, smoke=5)
    trips = {side: functools.partial(round_trip_ms, each, n_trips) for side, each in running.items()}
    made.append(Case("round trip", trips, "ms", facts={"trips": n_trips}))
    starts = {side: functools.partial(cold_start, side) for side in running}
    made.append(Case("cold start", starts, rounds=options.pick(full=3, quick=1, smoke=1)))
    return made


def main() -> None:
    options = read_options(__doc__, rounds=5)
    with contestants(options.sides) as running:
        results = compare("tasks", cases(options, running), options)
    finish(results, options)


if __name__ == "__main__":
    main()
