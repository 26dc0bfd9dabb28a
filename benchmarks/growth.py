"""What a task costs and what memory it takes until it has run, from few tasks to a million: does either grow?

    python benchmarks/growth.py [--quick | --smoke] [--sides threads,dask,"plain Dask"] [--only 10,000]

For memory, all tasks read the first one, which waits for a file; so all are pending at once, up to 100,000 of them.
For time, as many are called that need not wait, and waited for; of a million, most are held back by the bound of
pending calls, and the peak of the main process says whether that holds. Each measurement has a process of its own;
memory is resident memory, of that process and of all that it has started. Engine "serial" runs calls at once: it has
no pending tasks, and its memory is that of results that are held.
"""

from __future__ import annotations

import functools
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from contestants import Contestant
from harness import Case, Measured, Options, Results, Spread, compare, finish, read_options
from patterns import grow, warm_up
from sides import SIDES, Side

MOST_HELD = 100_000
LIMIT_S = 580.0


def wait_for(path: str) -> int:
    while path and not Path(path).exists():
        time.sleep(0.01)
    return 0


def follow(_: int, number: int) -> int:
    return number


def pend(side: Side, n_tasks: int, waits: bool) -> dict[str, float]:
    """Hold tasks back and let them go; then call as many that need not wait. Return what was measured."""
    first, rest = side.task(wait_for), side.task(follow)
    warm_up(side, side.task(grow))
    side.finish([rest(first(""), number) for number in range(32)])
    n_held = min(n_tasks, MOST_HELD)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "go")
        before = resident_bytes()
        start = time.perf_counter()
        gate = first(str(path) if waits else "")
        held = [rest(gate, number) for number in range(n_held)]
        calls = time.perf_counter() - start
        after = settled_resident_bytes()
        path.touch()
        side.finish(held)
    del held
    start = time.perf_counter()
    gate = first("")
    held = [rest(gate, number) for number in range(n_held)]
    for number in range(n_held, n_tasks):
        rest(gate, number)
    side.finish(held)
    seconds = time.perf_counter() - start
    kilo = 1 if sys.platform == "darwin" else 1024
    return {
        "us per task": 1e6 * seconds / n_tasks,
        "us per call": 1e6 * calls / n_held,
        "bytes per pending task": max(0, after[1] - before[1]) / n_held,
        "bytes in the main process": max(0, after[0] - before[0]) / n_held,
        "peak of the main process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilo / 1e6,
    }


def resident_bytes() -> tuple[int, int]:
    """Return the memory of this process, and with that of all it has started."""
    own = psutil.Process(os.getpid())
    sizes = [process.memory_info().rss for process in [own, *own.children(recursive=True)]]
    return sizes[0], sum(sizes)


def settled_resident_bytes() -> tuple[int, int]:
    """Return the memory once it has stopped to grow: what was called may be on its way to another process."""
    before, now, tries = (0, 0), resident_bytes(), 0
    while now[1] - before[1] > 1 << 16 and tries < 100:
        time.sleep(0.2)
        before, now, tries = now, resident_bytes(), tries + 1
    return now


def measure(side: str, n_tasks: int) -> dict[str, float]:
    """Measure in a process that has done nothing yet."""
    contestant = Contestant(side, LIMIT_S)
    try:
        return contestant.measure(pend, n_tasks, side != "serial")
    finally:
        contestant.close()


FIGURES = {
    "us per task": "us",
    "us per call": "us",
    "bytes per pending task": "bytes",
    "bytes in the main process": "bytes",
    "peak of the main process": "MB",
}


def cases(options: Options) -> list[Case]:
    most = {
        "serial": options.pick(full=1_000_000, quick=100_000, smoke=200),
        "threads": options.pick(full=1_000_000, quick=30_000, smoke=200),
        "dask": options.pick(full=100_000, quick=1_000, smoke=50),
        "plain Dask": options.pick(full=100_000, quick=1_000, smoke=50),
        "Ray": options.pick(full=100_000, quick=1_000, smoke=50),
    }
    made = []
    for n_tasks in options.pick(
        full=(1_000, 10_000, 100_000, 1_000_000), quick=(300, 1_000, 30_000, 100_000), smoke=(50, 200)
    ):
        measured = {
            side: Measured(functools.partial(measure, side, n_tasks))
            for side in options.among(*SIDES)
            if n_tasks <= most[side]
        }
        for figure, unit in FIGURES.items():
            sides = {side: functools.partial(each.ask, figure) for side, each in measured.items()}
            made.append(Case(f"{figure}, {n_tasks:,}", sides, unit, facts={"tasks": n_tasks, "figure": figure}))
    return made


def draw(figure: Any, results: Results) -> None:
    """A picture for each figure, by the number of tasks; a line for each side."""
    figure.set_size_inches(12, 3.2)
    for axes, (name, unit) in zip(figure.subplots(1, len(FIGURES)), FIGURES.items(), strict=True):
        rows = [row for row in results.rows if row.facts["figure"] == name]
        for side in dict.fromkeys(row.side for row in rows):
            points = [(row.facts["tasks"], Spread.of(row.values).median) for row in rows if row.side == side]
            axes.plot(*zip(*points, strict=True), marker=".", label=side)
        axes.set(title=name, xscale="log", yscale="log", xlabel="tasks", ylabel=unit)
        axes.title.set_fontsize("small")
    axes.legend(fontsize="x-small")


def main() -> None:
    options = read_options(__doc__, rounds=1, quick_rounds=1)
    finish(compare("growth", cases(options), options), options, draw)


if __name__ == "__main__":
    main()
