"""The task graph as a picture: tasks in layers from top to bottom, a line from each task to those that read its result.

This file decides what is drawn and where; `dsflow.observe.svg` draws it.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dsflow.observe.svg import Box, Line, Point, render_svg

if TYPE_CHECKING:
    from dsflow.observe.record import Record

__all__ = ["draw_graph", "graph_as_svg"]

MAX_BOXES = 300
"""When there are more tasks than that, a box stands for all tasks of one name in one layer."""

MAX_ROW = 80
"""So it does when a layer has more tasks than that."""

Links = Counter[tuple[int, int, bool]]
"""Number of links by source box, target box and whether the target was called (rather than reads) by the source."""


def draw_graph(records: Iterable[Record], path: str | os.PathLike[str]) -> None:
    """Write the graph of some tasks as an SVG picture.

    A box is a task, coloured by the task's name. A line leads down from a task to one that reads its result, a dashed
    line to one that it called. In a browser, pointing at a box tells its key, its duration, its worker and the place
    of the call. Of more than 300 tasks, all that have one name and lie in one layer share a box; the picture says so.

    Parameters
    ----------
    records : Recorder or iterable of Record
        The tasks, in the order of the calls.
    path : str or path
        The file to write, usually ``*.svg``.

    Raises
    ------
    ImportError
        When igraph, which places the boxes, is not installed.

    Examples
    --------
    >>> draw_graph(Recorder.of(session), "graph.svg")  # doctest: +SKIP
    """
    Path(path).write_text(graph_as_svg(records), encoding="utf-8")


def graph_as_svg(records: Iterable[Record]) -> str:
    """Return the picture that `draw_graph` writes."""
    tasks = list(records)
    boxes, links, notes = _gather(tasks)
    spots, lines = _place(boxes, links)
    n_links = links.total()
    heading = f"{len(tasks):,} task{'s' * (len(tasks) != 1)}, {n_links:,} dependenc{'ies' if n_links != 1 else 'y'}"
    return render_svg(heading, notes, boxes, spots, lines)


def _gather(tasks: Sequence[Record]) -> tuple[list[Box], Links, list[str]]:
    """Put the tasks into boxes; return these, the links between them, and what the reader has to know."""
    layers = _find_layers(tasks)
    notes = []
    one_each = len(tasks) <= MAX_BOXES and max(Counter(layers).values(), default=0) <= MAX_ROW
    depth = 1
    if one_each:
        keys: list[tuple[object, ...]] = [(layer, number) for number, layer in enumerate(layers)]
    else:
        notes.append("A box stands for all tasks of one name in one layer; xN tells how many, wider lines carry more.")
        while True:
            keys = [(layer // depth, task.name) for layer, task in zip(layers, tasks, strict=True)]
            if len(set(keys)) <= MAX_BOXES or depth > max(layers):
                break
            depth += 1
        if depth > 1:
            notes.append(f"A row stands for {depth} layers; lines within a row are not drawn.")
    numbers: dict[tuple[object, ...], int] = {}
    boxes: list[Box] = []
    for key, layer, task in zip(keys, layers, tasks, strict=True):
        if key not in numbers:
            numbers[key] = len(boxes)
            boxes.append(Box(task.name, layer // depth, []))
        boxes[numbers[key]].tasks.append(task)
    links, n_outside = _link(tasks, [numbers[key] for key in keys])
    if n_outside:
        notes.append(f"{n_outside:,} dependencies lead to tasks that are no longer on record.")
    return boxes, links, notes


def _find_layers(tasks: Iterable[Record]) -> list[int]:
    """Count for each task the links of the longest way from a task that needs no other."""
    layers: dict[str, int] = {}
    for task in tasks:
        sources = task.reads if task.caller is None else (*task.reads, task.caller)
        layers[task.key] = max((layers[key] + 1 for key in sources if key in layers), default=0)
    return list(layers.values())


def _link(tasks: Sequence[Record], numbers: Sequence[int]) -> tuple[Links, int]:
    """Count the links between boxes, and those that come from outside."""
    box_of = {task.key: number for task, number in zip(tasks, numbers, strict=True)}
    links: Links = Counter()
    n_outside = 0
    for task, target in zip(tasks, numbers, strict=True):
        callers = () if task.caller is None else (task.caller,)
        for key, called in itertools.chain(((k, False) for k in task.reads), ((k, True) for k in callers)):
            if key in box_of:
                links[box_of[key], target, called] += 1
            else:
                n_outside += 1
    return links, n_outside


def _place(boxes: Sequence[Box], links: Links) -> tuple[list[Point], list[Line]]:
    """Find a spot for each box, in units of boxes, and the lines to draw from layer to layer.

    Links that leave one box and pass several layers share a line as far as they go together.
    """
    try:
        import igraph
    except ImportError as error:
        raise ImportError('draw_graph: igraph places the boxes; pip install "dsflow[demo]" brings it.') from error

    layers = [box.layer for box in boxes]
    bends: dict[tuple[int, bool, int], int] = {}
    counts: dict[tuple[int, int, bool], int] = {}
    for (source, target, called), count in links.items():
        if boxes[source].layer == boxes[target].layer:
            continue
        start = source
        for layer in range(boxes[source].layer + 1, boxes[target].layer):
            end = bends.setdefault((source, called, layer), len(layers))
            if end == len(layers):
                layers.append(layer)
            counts[start, end, called] = max(counts.get((start, end, called), 0), count)
            start = end
        counts[start, target, called] = count
    graph = igraph.Graph(n=len(layers), edges=[edge[:2] for edge in counts], directed=True)
    spots: list[Point] = [(x, y) for x, y in graph.layout_sugiyama(layers=layers).coords]
    lines = [
        Line(spots[start], spots[end], start < len(boxes), end < len(boxes), count, called)
        for (start, end, called), count in counts.items()
    ]
    return spots[: len(boxes)], lines
