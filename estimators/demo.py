"""``dsflow demo``: a photograph in 64 colours with KMeans, handwritten digits with CascadeSVM, and how it went.

Only the centres, the support vectors and the two pictures come to the main program.
"""

from __future__ import annotations

import sys
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import numpy as np

import dsarray as ds
import dsflow

__all__ = ["demo"]

PHOTOGRAPH = "china.jpg"
"""A photograph of 427 x 640 pixels by Dany Corriveau Sirois that comes with scikit-learn."""


@click.command()
@click.option("--engine", type=click.Choice(["serial", "threads", "dask"]), help="Where the tasks run.")
@click.option("--workers", type=click.IntRange(min=1), help="How many tasks run at a time; all cores by default.")
@click.option("--colours", type=click.IntRange(min=2, max=256), default=64, show_default=True)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default="demo-output",
    show_default=True,
    help="Folder for the pictures and reports.",
)
def demo(engine: str | None, workers: int | None, colours: int, output: Path) -> None:
    """Quantise a photograph, recognise digits, and show how."""
    _require("matplotlib", "PIL", "igraph")
    from dsflow import observe

    output.mkdir(parents=True, exist_ok=True)
    with dsflow.start(engine, workers=workers) as session:
        click.echo(f"dsflow {version('dsflow')}, engine {session.engine.name!r} with {session.engine.n_slots} slots")
        recorder = observe.Recorder.of(session)
        with observe.progress(session):
            photograph = _quantise_photograph(colours, output / "photograph.png")
            n_before = len(list(recorder))
            digits = _recognise_digits(output / "confusion_matrix.png")
        observe.draw_graph(list(recorder)[n_before:], output / "graph.svg")
        observe.write_trace(recorder, output / "timeline.json")
        report = observe.run_report(session)
        report.write(output / "report.html")
    click.echo(f"\n{photograph}\n{digits}\n\n{report}\n")
    _list_files(output)


def _require(*packages: str) -> None:
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise click.ClickException(
            f"demo: {', '.join(missing)} cannot be imported; install what the demo draws with: "
            'pip install "dsflow[demo]"'
        )


def _quantise_photograph(n_colours: int, path: Path) -> str:
    """Give each pixel the nearest of ``n_colours`` colours, and save both pictures side by side."""
    from sklearn.datasets import load_sample_image

    from estimators.cluster import KMeans

    start = time.perf_counter()
    original = load_sample_image(PHOTOGRAPH)
    pixels = ds.array(original.reshape(-1, 3) / 255)
    kmeans = KMeans(n_clusters=n_colours, n_init=1, random_state=0).fit(pixels)
    palette = (kmeans.cluster_centers_ * 255).round().astype(np.uint8)
    quantised = kmeans.predict(pixels)[:, None].map_blocks(_paint, palette=palette)
    _save_side_by_side(original, quantised.collect().reshape(original.shape), n_colours, path)
    seconds = time.perf_counter() - start
    n_original = len(np.unique(original.reshape(-1, 3), axis=0))
    return (
        f"KMeans: {pixels.shape[0]:,} pixels of {n_original:,} colours in {n_colours}, "
        f"{kmeans.n_iter_} iterations over {len(pixels.chunks[0])} blocks, {seconds:.1f} s"
    )


def _paint(labels: Any, palette: Any) -> Any:
    return palette[labels[:, 0]]


def _recognise_digits(path: Path) -> str:
    """Train on three quarters of the digits, test on the rest, and save the confusion matrix."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    from estimators.svm import CascadeSVM

    start = time.perf_counter()
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0, stratify=y)
    x_train = ds.array(X_train, block_size=(350, -1))
    svm = CascadeSVM(C=10, random_state=0).fit(x_train, ds.array(y_train, block_size=350))
    predicted = svm.predict(ds.array(X_test, block_size=(150, -1))).collect()
    accuracy = float((predicted == y_test).mean())
    _save_confusion(y_test, predicted, accuracy, path)
    seconds = time.perf_counter() - start
    return (
        f"CascadeSVM: {len(X_train):,} digits learnt in {len(x_train.chunks[0])} blocks, "
        f"{accuracy:.1%} of {len(X_test)} others recognised, {seconds:.1f} s"
    )


def _new_figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure  # without pyplot there is no display to need, and nothing to close

    return Figure(figsize=(width, height), dpi=110, layout="constrained")


def _save_side_by_side(original: Any, quantised: Any, n_colours: int, path: Path) -> None:
    figure = _new_figure(11, 4.2)
    titles = ("original", f"{n_colours} colours")
    for axes, picture, title in zip(figure.subplots(1, 2), (original, quantised), titles, strict=True):
        axes.imshow(picture)
        axes.set_title(title)
        axes.axis("off")
    figure.savefig(path)


def _save_confusion(truth: Any, predicted: Any, accuracy: float, path: Path) -> None:
    counts = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (truth, predicted), 1)
    figure = _new_figure(5.2, 5)
    axes = figure.subplots()
    axes.imshow(counts, cmap="Blues")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if count > counts.max() / 2 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour)
    axes.set(xticks=range(10), yticks=range(10), xlabel="predicted digit", ylabel="true digit")
    axes.set_title(f"CascadeSVM on handwritten digits: {accuracy:.1%}")
    figure.savefig(path)


def _list_files(output: Path) -> None:
    contents = {
        "photograph.png": "the photograph beside its quantised copy",
        "confusion_matrix.png": "which digits were taken for which",
        "graph.svg": "the task graph of CascadeSVM: open it in a browser and point at the tasks",
        "timeline.json": "the timeline: open it at https://ui.perfetto.dev",
        "report.html": "the run report",
    }
    click.echo("Written:")
    for name, what in contents.items():
        click.echo(f"  {output / name}  {what}")
    click.echo("\nNext: examples/kmeans_workflow.py, or the same on a cluster of processes: dsflow demo --engine dask")
    sys.stdout.flush()
