"""The smallest efficient grain, METG(50 %), of each pattern: our engines beside plain Dask and Ray, in turn.

    python benchmarks/metg.py [--quick | --smoke] [--sides threads,dask,"plain Dask"] [--only chain]

It is the shortest duration of tasks at which two workers do at least half of the work that they could (E. Slaughter et
al., "Task Bench", 2020). Durations double until that is so, then once more; between two of them it is interpolated.
Work is a fixed amount of hashing, which needs no interpreter's lock; how long it takes with nothing around it is
measured beside each duration. The ideal for a chain is one worker that never waits.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass, field
from typing import Any

from contestants import Contestant, contestants
from harness import Case, Options, Results, compare, finish, read_options
from patterns import PATTERNS, count, run_pattern, seconds_per_byte
from sides import N_WORKERS

FIRST_S, LEAST_S, MOST_S = 100e-6, 5e-6, 0.11
ENOUGH = 0.5


class NotEfficientError(Exception):
    """No duration was long enough."""


@dataclass
class Curves:
    """Efficiency by duration, of each pattern and side."""

    points: dict[str, dict[str, list[tuple[float, float]]]] = field(default_factory=dict)
    """Pairs of the duration in seconds and the efficiency, as of the last round."""

    def smallest_us(self, contestant: Contestant, pattern: str, sizes: tuple[int, ...]) -> float:
        """Find the smallest efficient grain, in microseconds."""
        found: dict[float, float] = {}
        grain = FIRST_S
        found[grain] = efficiency(contestant, pattern, sizes, grain)
        while found[grain] >= ENOUGH and grain / 2 >= LEAST_S:
            grain /= 2
            found[grain] = efficiency(contestant, pattern, sizes, grain)
        grain = max(found)
        while found[grain] < ENOUGH:
            grain *= 2
            if grain > MOST_S:
                raise NotEfficientError(f"{found[max(found)]:.0%} at {max(found):g} s")
            found[grain] = efficiency(contestant, pattern, sizes, grain)
        if grain > FIRST_S:
            found[2 * grain] = efficiency(contestant, pattern, sizes, 2 * grain)
        points = sorted(found.items())
        self.points.setdefault(pattern, {})[contestant.side] = points
        return 1e6 * crossing(points)


def efficiency(contestant: Contestant, pattern: str, sizes: tuple[int, ...], grain: float) -> float:
    """Return the share of the workers' time that is work, with tasks of about ``grain`` seconds."""
    layers = PATTERNS[pattern](*sizes)
    n_workers = min(N_WORKERS, max(map(len, layers)))
    n_bytes = max(1, round(grain / _usual_seconds_per_byte()))
    ideal = count(layers) / n_workers * n_bytes * seconds_per_byte(n_workers)
    return ideal / contestant.measure(run_pattern, pattern, sizes, n_bytes)


@functools.cache
def _usual_seconds_per_byte() -> float:
    return min(seconds_per_byte(N_WORKERS) for _ in range(10))


def crossing(points: list[tuple[float, float]]) -> float:
    """Return where efficiency first becomes enough, on straight lines over the logarithm of the duration."""
    for (left, low), (right, high) in itertools.pairwise(points):
        if low < ENOUGH <= high:
            share = (ENOUGH - low) / (high - low)
            return math.exp(math.log(left) + share * (math.log(right) - math.log(left)))
    return points[0][0]


def cases(options: Options, running: dict[str, Contestant], curves: Curves) -> list[Case]:
    sizes = options.pick(
        full={"independent": (500,), "chain": (60,), "stencil": (16, 20), "tree": (128,), "all-to-all": (16, 8)},
        quick={"independent": (200,), "chain": (20,), "stencil": (16, 6), "tree": (64,), "all-to-all": (16, 3)},
        smoke={"independent": (20,), "chain": (5,), "stencil": (4, 3), "tree": (8,), "all-to-all": (3, 3)},
    )
    return [
        Case(
            name,
            {side: functools.partial(curves.smallest_us, each, name, own) for side, each in running.items()},
            "us",
            facts={"sizes": own, "tasks": count(PATTERNS[name](*own))},
        )
        for name, own in sizes.items()
    ]


def draw(figure: Any, results: Results) -> None:
    """One picture for each pattern: efficiency by duration, a line for each side."""
    figure.set_size_inches(3 * max(1, len(results.curves)), 3)
    all_axes = figure.subplots(1, max(1, len(results.curves)), sharey=True, squeeze=False)[0]
    for axes, (pattern, sides) in zip(all_axes, results.curves.items(), strict=False):
        for side, points in sides.items():
            axes.plot([1e6 * grain for grain, _ in points], [share for _, share in points], marker=".", label=side)
        axes.axhline(ENOUGH, color="gray", linewidth=0.8)
        axes.set(title=pattern, xscale="log", ylim=(0, 1.1), xlabel="duration of a task [us]")
    all_axes[0].set_ylabel("efficiency")
    all_axes[0].legend(fontsize="small")


def main() -> None:
    options = read_options(__doc__, rounds=3, quick_rounds=1)
    curves = Curves()
    with contestants(options.among("threads", "dask", "plain Dask", "Ray")) as running:
        results = compare("metg", cases(options, running, curves), options)
    results.curves = curves.points
    finish(results, options, draw)


if __name__ == "__main__":
    main()
