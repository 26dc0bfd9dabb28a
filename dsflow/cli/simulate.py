"""``dsflow simulate``: predict from a recorded run how long it takes on other workers."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import click

from dsflow import observe
from dsflow.observe import Prediction, Workload

__all__ = ["simulate"]

PREFIXES: dict[str, int] = {"": 1} | {
    letter + binary: base**power
    for power, letter in enumerate("kmgt", start=1)
    for binary, base in (("", 1000), ("i", 1024))
}

TIMES = {"s": 1.0, "ms": 1e-3, "us": 1e-6}


class _Counts(click.ParamType[tuple[int, ...]]):
    """Numbers of workers, with commas between them."""

    name = "counts"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Return the numbers."""
        texts = [text.strip() for text in value.split(",")]
        if not all(re.fullmatch(r"\d{1,12}", text) and int(text) > 0 for text in texts):
            self.fail(f"{value!r} is not a number of workers; give 1 or more, or several as in '1,2,4'.", param, ctx)
        return tuple(map(int, texts))


class _Bandwidth(click.ParamType[float]):
    """Bytes in a second; ``b`` is for bits and ``B`` for bytes."""

    name = "bandwidth"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the bytes."""
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*((?:[kmgt]i?)?)(b|bit|B)(?:/s|ps)\s*", _lower_prefix(value))
        if match is None or float(match[1]) == 0:
            hint = "give one such as '10Gb/s' (bits), '1GB/s' or '100MiB/s' (bytes)"
            self.fail(f"{value!r} is not a bandwidth; {hint}.", param, ctx)
        return float(match[1]) * PREFIXES[match[2]] / (1 if match[3] == "B" else 8)


class _Time(click.ParamType[float]):
    """Seconds, from a text with a unit."""

    name = "time"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        if isinstance(value, float):
            return value
        match = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*(s|ms|us)\s*", value)
        if match is None:
            self.fail(f"{value!r} is not a time; give one such as '0.5ms', '200us' or '1s'.", param, ctx)
        return float(match[1]) * TIMES[match[2]]


def _lower_prefix(text: str) -> str:
    """Leave only the case of the b alone, which tells bits from bytes."""
    return re.sub(r"[KMGTI]", lambda letter: letter[0].lower(), text)


@click.command()
@click.option(
    "--workers",
    type=_Counts(),
    multiple=True,
    default=["1,10,100,1000"],
    show_default=True,
    help="How many workers, of one slot each; several with commas, or with the option several times.",
)
@click.option(
    "--bandwidth",
    type=_Bandwidth(),
    default="10Gb/s",
    show_default=True,
    help="What a worker gets from others in a second: b is for bits, B for bytes.",
)
@click.option(
    "--latency",
    type=_Time(),
    default="0.2ms",
    show_default=True,
    help="How long a worker waits for the first byte of its inputs.",
)
@click.option(
    "--overhead",
    type=_Time(),
    show_default="that of the recorded run",
    help="What the engine takes for each task on its worker.",
)
@click.argument("trace", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def simulate(
    workers: Sequence[tuple[int, ...]], bandwidth: float, latency: float, overhead: float | None, trace: Path
) -> None:
    """Predict how long a recorded run takes on other workers.

    TRACE is what `dsflow.observe.write_trace` has written of a run. Nothing of the program runs.
    """
    try:
        workload = observe.read_workload(trace)
        overhead = workload.overhead_s if overhead is None else overhead
        predictions = [
            observe.simulate(workload, count, bandwidth, latency_s=latency, overhead_s=overhead)
            for count in dict.fromkeys(count for counts in workers for count in counts)
        ]
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    n_workers = f"{workload.n_workers} worker{'s' * (workload.n_workers != 1)}"
    click.echo(f"{len(workload.tasks):,} tasks, recorded on {n_workers} in {_time(workload.makespan_s)}")
    _show(workload, predictions)
    critical_path = _time(observe.find_critical_path(workload))
    click.echo(f"The longest chain of tasks takes {critical_path}; the engine {_time(overhead)} for each task.")
    for doubt in workload.doubts:
        click.echo(f"Doubt: {doubt}", err=True)


def _show(workload: Workload, predictions: Sequence[Prediction]) -> None:
    rows = [("WORKERS", "MAKESPAN", "SPEED-UP", "UTILISATION", "MOVED")]
    for each in predictions:
        speed_up = workload.makespan_s / each.makespan_s if each.makespan_s else math.inf
        moved = observe.format_bytes(each.bytes_moved)
        rows.append(
            (f"{each.n_workers:,}", _time(each.makespan_s), f"{speed_up:,.2f} x", f"{each.utilisation:.1%}", moved)
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)))


def _time(seconds: float) -> str:
    for unit, size in TIMES.items():
        if seconds >= size:
            return f"{seconds / size:,.2f} {unit}" if seconds < 100 * size else f"{seconds / size:,.0f} {unit}"
    return f"{seconds * 1e6:.0f} us"
