"""What all benchmarks share: cases, rounds in which all sides take turns, ratios within a round, a table, JSON, a plot.

A case is one claim. Each round measures every side of it once, in an order that turns with the rounds, so that whatever
else the machine does meets all of them; a side is compared with its reference of the same round only.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sides import SIDES, missing

RESULTS = Path(__file__).parent / "results"
SIZES = ("full", "quick", "smoke")
VERSIONS = ("dsflow", "dask", "distributed", "ray", "numpy")


@dataclass(frozen=True)
class Case:
    """One claim: the same work, done by several sides."""

    name: str
    sides: Mapping[str, Callable[[], float]]
    """What does the work once and returns a measure of it, in ``unit``."""
    unit: str = "s"
    more_is_better: bool = False
    reference: str = "plain Dask"
    """The side that others are compared with; the first one if it is missing."""
    rounds: int | None = None
    """How many rounds at most."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What a reader of the figures wants to know of the work, such as its sizes."""


@dataclass(frozen=True)
class Spread:
    """What a few rounds gave."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Row:
    """One side of a case."""

    case: str
    side: str
    unit: str
    values: tuple[float, ...]
    """One of each round."""
    reference: str
    ratios: tuple[float, ...]
    """How many times as good as the reference, in each round."""
    facts: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {
            "case": self.case,
            "side": self.side,
            "unit": self.unit,
            "values": self.values,
            **vars(Spread.of(self.values)),
            "ratio": {"to": self.reference, "rounds": self.ratios, **vars(Spread.of(self.ratios))},
            "facts": dict(self.facts),
        }


@dataclass
class Results:
    """Rows of a benchmark, and what is not among them."""

    benchmark: str
    size: str
    rows: list[Row] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """Sides that are not installed, and what to do about it."""
    curves: dict[str, Any] = field(default_factory=dict)
    """What else is to be drawn."""
    failed: list[str] = field(default_factory=list)
    """Sides that did not end a case, and why."""

    def to_json(self) -> dict[str, Any]:
        return {
            "benchmark": self.benchmark,
            "size": self.size,
            "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
            "versions": {name: importlib.metadata.version(name) for name in VERSIONS if not missing(name)},
            "rows": [row.to_json() for row in self.rows],
            **({"curves": self.curves} if self.curves else {}),
            "left_out": self.left_out,
            "failed": self.failed,
        }


# --- the command line -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    size: str
    rounds: int
    sides: tuple[str, ...]
    only: str
    """Part of the names of the cases to do."""
    folder: Path | None
    """Where figures go; None for nowhere."""
    left_out: Mapping[str, str]

    def pick(self, **of_size: Any) -> Any:
        """Return what is given for this size: ``pick(full=1000, quick=100, smoke=10)``."""
        return of_size[self.size]

    def among(self, *names: str) -> list[str]:
        """Return those of the sides that were asked for and are installed."""
        return [name for name in names if name in self.sides]


def read_options(
    text: str | None, rounds: int = 3, quick_rounds: int = 2, arguments: Sequence[str] | None = None
) -> Options:
    """Read the command line; say which sides are left out because they are not installed."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_const", dest="size", const="quick", help="less than a minute")
    size.add_argument("--smoke", action="store_const", dest="size", const="smoke", help="that it runs, in seconds")
    parser.add_argument("--rounds", type=int, help=f"default: {rounds}; {quick_rounds} with --quick, 1 with --smoke")
    parser.add_argument("--sides", default=",".join(SIDES), help="separated by commas; default: %(default)s")
    parser.add_argument("--only", default="", help="cases whose names hold this")
    parser.add_argument("--out", type=Path, help="folder for the figures; default: benchmarks/results, or quick in it")
    given = parser.parse_args(arguments)
    asked = [side.strip() for side in given.sides.split(",")]
    if unknown := set(asked) - set(SIDES):
        parser.error(f"{', '.join(sorted(unknown))}: no such side; there are {', '.join(SIDES)}.")
    size_name = given.size or "full"
    left_out = {side: reason for side in asked if (reason := missing(side))}
    for side, reason in left_out.items():
        print(f"{side} is left out: {reason}")
    return Options(
        size_name,
        given.rounds or {"full": rounds, "quick": quick_rounds, "smoke": 1}[size_name],
        tuple(side for side in asked if side not in left_out),
        given.only,
        given.out or {"full": RESULTS, "quick": RESULTS / "quick", "smoke": None}[size_name],
        left_out,
    )


# --- rounds -----------------------------------------------------------------------------------------------------------


def compare(benchmark: str, cases: Iterable[Case], options: Options) -> Results:
    """Measure all cases; print the rows of each as it ends."""
    results = Results(benchmark, options.size, left_out=dict(options.left_out))
    print(f"{benchmark}, {options.size}: median of {options.rounds} rounds (least to greatest)")
    for case in cases:
        if options.only not in case.name or not case.sides:
            continue
        rows, failed = measure(case, min(options.rounds, case.rounds or options.rounds))
        results.rows += rows
        results.failed += failed
        print_rows(rows, failed)
    return results


def measure(case: Case, rounds: int) -> tuple[list[Row], list[str]]:
    """Let the sides of a case take turns; return a row for each, and a line for each that has failed."""
    values: dict[str, list[float]] = {side: [] for side in case.sides}
    failed = []
    for number in range(rounds):
        order = list(values)
        turn = number % max(1, len(order))
        for side in order[turn:] + order[:turn]:
            try:
                values[side].append(case.sides[side]())
            except Exception as error:  # noqa: BLE001 - one side's failure is a line; the others go on
                del values[side]
                failed.append(f"{case.name}, {side}: {type(error).__name__}: {error}".splitlines()[0])
    if not values:
        return [], failed
    reference = case.reference if case.reference in values else next(iter(values))
    rows = []
    for side, own in values.items():
        pairs = zip(own, values[reference], strict=True)
        ratios = [ratio(a, b) if case.more_is_better else ratio(b, a) for a, b in pairs]
        rows.append(Row(case.name, side, case.unit, tuple(own), reference, tuple(ratios), case.facts))
    return rows, failed


def ratio(above: float, below: float) -> float:
    """Divide; nothing by nothing is as good."""
    return above / below if below else (1.0 if above == below else float("inf"))


class Measured:
    """A measurement that gives several figures, for a case each: the first one that asks in a round has it done."""

    def __init__(self, measure: Callable[[], dict[str, float]]) -> None:
        self._measure = measure
        self._done: list[dict[str, float]] = []
        self._n_asked: Counter[str] = Counter()

    def ask(self, figure: str) -> float:
        number = self._n_asked[figure]
        if number == len(self._done):
            self._done.append(self._measure())
        self._n_asked[figure] += 1
        return self._done[number][figure]


# --- what comes of it -------------------------------------------------------------------------------------------------


def print_rows(rows: Sequence[Row], failed: Sequence[str]) -> None:
    """Print the sides of a case."""
    for row in rows:
        own, times = Spread.of(row.values), Spread.of(row.ratios)
        figures = f"{own.median:>10,.4g} {row.unit:8} ({own.least:,.4g} to {own.greatest:,.4g})"
        ratios = f"{times.median:.2f} x {row.reference} ({times.least:.2f} to {times.greatest:.2f})"
        as_good = "" if row.side == row.reference else ratios
        print(f"  {row.case:36} {row.side:12} {figures:46} {as_good}".rstrip(), flush=True)
    for line in failed:
        print(f"  FAILED: {line}", flush=True)


def finish(results: Results, options: Options, draw: Callable[[Any, Results], None] | None = None) -> None:
    """Write the figures and their picture, then end the program; its status is 1 if a side has failed."""
    if options.folder is not None:
        options.folder.mkdir(parents=True, exist_ok=True)
        path = options.folder / f"{results.benchmark}.json"
        path.write_text(json.dumps(results.to_json(), indent=1) + "\n", encoding="utf-8")
        plot(results, path.with_suffix(".png"), draw or draw_ratios)
    sys.exit(1 if results.failed else 0)


def plot(results: Results, path: Path, draw: Callable[[Any, Results], None]) -> None:
    """Draw the figures, if matplotlib is here."""
    if reason := missing("matplotlib"):
        print(f"no picture: {reason}")
        return
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained")
    draw(figure, results)
    figure.suptitle(f"{results.benchmark} ({results.size})", fontsize="medium")
    figure.savefig(path, dpi=120)


def draw_ratios(figure: Any, results: Results) -> None:
    """One line for each case; one dot with its spread for each side: how many times as good as the reference."""
    cases = list(dict.fromkeys(row.case for row in results.rows))
    sides = list(dict.fromkeys(row.side for row in results.rows))
    figure.set_size_inches(8, 1.5 + 0.45 * len(cases))
    axes = figure.subplots()
    for position, side in enumerate(sides):
        rows = [row for row in results.rows if row.side == side]
        spreads = [Spread.of(row.ratios) for row in rows]
        middle = [spread.median for spread in spreads]
        below = [spread.median - spread.least for spread in spreads]
        above = [spread.greatest - spread.median for spread in spreads]
        places = [cases.index(row.case) + 0.1 * (position - len(sides) / 2) for row in rows]
        axes.errorbar(middle, places, xerr=[below, above], fmt="o", markersize=4, label=side)
    axes.axvline(1.0, color="gray", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yticks(range(len(cases)), cases)
    axes.invert_yaxis()
    axes.set_xlabel("times as good as the reference")
    axes.legend(fontsize="small")
