"""Drawing of a task graph whose boxes have their places: shapes, colours, legend and tooltips, as SVG text."""

from __future__ import annotations

import colorsys
import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from dsflow.observe.record import Record

__all__ = ["Box", "Line", "Point", "render_svg"]

Point = tuple[float, float]
"""How far right, how far down."""

MARGIN = 32.0
LABELLED_ROW = 14
"""Boxes carry their names as long as no row has more of them than that."""

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
_INK, _SOFT_INK, _LINE, _ALARM = "#1f2933", "#66717d", "#8793a0", "#c62828"
_STYLE = """
text { dominant-baseline: central; }
.task:hover rect { stroke-width: 3; }
"""
_HUES = (0.58, 0.09, 0.36, 0.92, 0.74, 0.14, 0.49, 0.02, 0.25, 0.82)
"""Of the first names; further ones continue around the circle."""


@dataclass(frozen=True, slots=True)
class Box:
    """One task, or several of one name."""

    name: str
    """Name of the tasks."""
    layer: int
    """Row, counted from the top."""
    tasks: list[Record]
    """The tasks, at least one."""


@dataclass(frozen=True, slots=True)
class Line:
    """A link between two boxes, or the part of it between two layers."""

    start: Point
    """Spot where it begins, in units of boxes."""
    end: Point
    """Spot where it ends, in units of boxes."""
    leaves: bool
    """Whether it begins at a box, rather than going on from another line."""
    arrives: bool
    """Whether it ends at a box."""
    count: int
    """How many links it stands for."""
    called: bool
    """True if the source called the target, false if the target reads the source's result."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """From units of boxes to pixels."""

    box: Point
    """Width and height of a box."""
    step: Point
    """Distance between the centres of neighbours."""
    labelled: bool
    """Whether boxes carry their names."""
    origin: Point = (0.0, 0.0)
    """Where the spot (0, 0) lies."""

    def __call__(self, spot: Point) -> Point:
        return self.origin[0] + spot[0] * self.step[0], self.origin[1] + spot[1] * self.step[1]


def render_svg(
    heading: str, notes: Sequence[str], boxes: Sequence[Box], spots: Sequence[Point], lines: Sequence[Line]
) -> str:
    """Draw the boxes at their spots, the lines between them and a legend; return the SVG document."""
    scale = _choose_scale(boxes)
    xs, ys = zip(*spots, *(line.end for line in lines), strict=True) if spots else ((0.0,), (0.0,))
    span = (max(xs) - min(xs)) * scale.step[0] + scale.box[0]
    width = max(span + 2 * MARGIN, 720.0)
    colours = _choose_colours(list(dict.fromkeys(box.name for box in boxes)))

    svg = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "font-family": _FONT})
    ET.SubElement(svg, "style").text = _STYLE
    paper = ET.SubElement(svg, "rect", fill="white")
    top = _draw_legend(svg, heading, notes, boxes, colours, width)
    left = (width - span) / 2 - min(xs) * scale.step[0]
    scale = _Scale(scale.box, scale.step, scale.labelled, (left + scale.box[0] / 2, top + scale.box[1] / 2))
    for line in lines:
        _draw_line(svg, line, scale)
    for box, spot in zip(boxes, spots, strict=True):
        _draw_box(svg, box, scale, scale(spot), colours[box.name])
    height = scale((0, max(ys)))[1] + scale.box[1] / 2 + MARGIN
    svg.set("viewBox", f"0 0 {width:.0f} {height:.0f}")
    for element in (svg, paper):
        element.set("width", f"{width:.0f}")
        element.set("height", f"{height:.0f}")
    ET.indent(svg)
    return ET.tostring(svg, encoding="unicode") + "\n"


def _choose_scale(boxes: Sequence[Box]) -> _Scale:
    """Make boxes as wide as the longest name, or small and mute where many stand side by side."""
    widest = max(Counter(box.layer for box in boxes).values(), default=1)
    if widest > LABELLED_ROW:
        return _Scale((18.0, 18.0), (25.0, 70.0), labelled=False)
    width = max((_width_of(_label(box), 13) for box in boxes), default=0.0) + 28
    return _Scale((width, 30.0), (width + 18, 72.0), labelled=True)


def _choose_colours(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Give each name a light colour to fill with and a dark one to draw with."""
    golden = (math.sqrt(5) - 1) / 2
    hues = itertools.chain(_HUES, (number * golden % 1 for number in itertools.count(1)))
    return {name: (_colour(hue, 0.87, 0.75), _colour(hue, 0.38, 0.62)) for name, hue in zip(names, hues, strict=False)}


def _colour(hue: float, lightness: float, saturation: float) -> str:
    return "#" + "".join(f"{round(255 * part):02x}" for part in colorsys.hls_to_rgb(hue, lightness, saturation))


def _draw_legend(
    svg: ET.Element,
    heading: str,
    notes: Sequence[str],
    boxes: Sequence[Box],
    colours: dict[str, tuple[str, str]],
    width: float,
) -> float:
    """Write heading, notes and one entry a name; return where the picture itself can begin."""
    x, y = MARGIN, MARGIN + 6
    _write(svg, x, y, heading, size=19, weight="600")
    for note in notes:
        y += 24
        _write(svg, x, y, note, size=13, fill=_SOFT_INK)
    y += 34
    for name, (fill, stroke) in colours.items():
        text, detail = _shorten(name, 40), _describe([task for box in boxes if box.name == name for task in box.tasks])
        entry = 24 + _width_of(text, 14) + 8 + _width_of(detail, 13) + 26
        if x + entry > width - MARGIN / 2 and x > MARGIN:
            x, y = MARGIN, y + 26
        ET.SubElement(svg, "rect", _rectangle((x + 8, y), (16, 16), 4), fill=fill, stroke=stroke)
        label = _write(svg, x + 24, y, text, size=14)
        ET.SubElement(label, "tspan", {"dx": "8", "font-size": "13", "fill": _SOFT_INK}).text = detail
        x += entry
    return y + 42


def _describe(tasks: Sequence[Record]) -> str:
    """Say how many tasks there are, how long they ran, and what went wrong."""
    parts = [f"{len(tasks):,} x", _duration(sum(task.seconds for task in tasks))]
    states = Counter(task.state for task in tasks)
    parts += [f"{states[state]:,} {state}" for state in ("failed", "cancelled", "pending") if states[state]]
    return " · ".join(parts)


def _draw_box(svg: ET.Element, box: Box, scale: _Scale, centre: Point, colours: tuple[str, str]) -> None:
    states = {task.state for task in box.tasks}
    fill, stroke = colours
    looks = {"fill": fill, "stroke": stroke, "stroke-width": "1.3"}
    if "failed" in states:
        looks |= {"stroke": _ALARM, "stroke-width": "2.6"}
    elif "done" not in states:
        looks |= {"fill": "white", "stroke-dasharray": "4 3"}
    group = ET.SubElement(svg, "g", {"class": "task"})
    ET.SubElement(group, "title").text = _clean(_tooltip(box))
    ET.SubElement(group, "rect", _rectangle(centre, scale.box, 8 if scale.labelled else 5) | looks)
    if scale.labelled:
        _write(group, *centre, _label(box), size=13, anchor="middle")
    if "failed" in states:
        x, y = centre[0] + scale.box[0] / 2, centre[1] - scale.box[1] / 2
        cross = f"M{x - 3:.1f} {y - 3:.1f}l6 6m0 -6l-6 6"
        ET.SubElement(group, "circle", {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "7", "fill": _ALARM})
        ET.SubElement(group, "path", {"d": cross, "stroke": "white", "stroke-width": "1.8"})


def _draw_line(svg: ET.Element, line: Line, scale: _Scale) -> None:
    """Draw a curve that begins and ends upright, with an arrow if it arrives at a box."""
    (x0, y0), (x1, y1) = scale(line.start), scale(line.end)
    half = scale.box[1] / 2
    thickness = 1.2 + 0.6 * math.log2(line.count)
    if line.leaves:
        y0 += half
    if line.arrives:
        y1 -= half
        arrow = 3.0 + thickness / 2
        tip = f"M{x1:.1f} {y1:.1f}l{-arrow:.1f} {-2 * arrow:.1f}h{2 * arrow:.1f}z"
        ET.SubElement(svg, "path", {"d": tip, "fill": _LINE})
        y1 -= arrow
    middle = (y0 + y1) / 2
    curve = f"M{x0:.1f} {y0:.1f}C{x0:.1f} {middle:.1f} {x1:.1f} {middle:.1f} {x1:.1f} {y1:.1f}"
    looks = {"d": curve, "fill": "none", "stroke": _LINE, "stroke-width": f"{thickness:.2g}"}
    ET.SubElement(svg, "path", looks | ({"stroke-dasharray": "3 4"} if line.called else {}))


def _tooltip(box: Box) -> str:
    if len(box.tasks) > 1:
        workers = {task.run.worker for task in box.tasks if task.run is not None}
        sites = sorted({task.site for task in box.tasks})
        more = f" and {len(sites) - 1} more places" if len(sites) > 1 else ""
        called = f"called at {sites[0]}{more}"
        return "\n".join((f"{box.name} {_describe(box.tasks)}", f"on {len(workers)} workers", called))
    (task,) = box.tasks
    where = "" if task.run is None else f" in {_duration(task.seconds)} on {task.run.worker}"
    return "\n".join((task.key, task.state + where, f"called at {task.site}"))


def _label(box: Box) -> str:
    count = f" x{len(box.tasks):,}" if len(box.tasks) > 1 else ""
    return _shorten(box.name, 24) + count


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"


def _width_of(text: str, size: int) -> float:
    """Estimate the width of a text in pixels, rather too wide than too narrow."""
    return 0.6 * size * len(text)


def _rectangle(centre: Point, size: Point, radius: float) -> dict[str, str]:
    sides = {"x": centre[0] - size[0] / 2, "y": centre[1] - size[1] / 2, "width": size[0], "height": size[1]}
    return {name: f"{value:.1f}" for name, value in sides.items()} | {"rx": f"{radius}"}


def _write(
    svg: ET.Element,
    x: float,
    y: float,
    text: str,
    *,
    size: int,
    weight: str = "400",
    fill: str = _INK,
    anchor: str = "",
) -> ET.Element:
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "font-size": f"{size}", "font-weight": weight, "fill": fill}
    element = ET.SubElement(svg, "text", place | ({"text-anchor": anchor} if anchor else {}))
    element.text = _clean(text)
    return element


def _clean(text: str) -> str:
    """Drop what XML cannot hold."""
    return "".join(letter for letter in text if letter.isprintable() or letter == "\n")
