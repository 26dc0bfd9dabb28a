"""What an array looks like: a line of text, or a small table and a sketch of its blocks. Nothing is computed."""

from __future__ import annotations

import html as _html
import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from dsarray._grid import Lengths
from dsarray._plan import planned_tasks
from dsflow.observe import Record, format_bytes, graph_as_svg

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["Picture", "draw", "html", "text"]

SIDE = 120
"""Length in pixels of the longer side of the sketch."""

MAX_LINES = 40
"""Boundaries drawn along one axis, at most."""


def text(a: Array) -> str:
    """Return one line: shape, type and blocks."""
    kind = ", sparse" if a.sparse else ""
    blocks = "1 block" if a.n_blocks == 1 else f"{a.n_blocks} blocks"
    return f"<Array: shape {a.shape}, {a.dtype}{kind}, {blocks} of {a.block_shape}>"


def html(a: Array) -> str:
    """Return a table and a sketch."""
    rows = [
        ("Shape", str(a.shape)),
        ("Type", f"{a.dtype}{' (sparse)' if a.sparse else ''}"),
        ("Bytes", format_bytes(a.nbytes)),
        ("Blocks", f"{a.n_blocks}, of {a.block_shape}"),
    ]
    body = "".join(f"<tr><th>{_html.escape(name)}</th><td>{_html.escape(value)}</td></tr>" for name, value in rows)
    return f"<table><tr><td><table>{body}</table></td><td>{_sketch(a)}</td></tr></table>"


class Picture:
    """An SVG picture, which notebooks show."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<Picture: {len(self.svg)} bytes of SVG>"


def draw(a: Array, path: str | os.PathLike[str] | None) -> Picture:
    """Return a picture of the tasks that computing an array would run."""
    planned = planned_tasks(a._cells.flat)
    picture = Picture(graph_as_svg(Record(key, name, "not started", reads, None, 0.0) for key, name, reads in planned))
    if path is not None:
        Path(path).write_text(picture.svg, encoding="utf-8")
    return picture


def _sketch(a: Array) -> str:
    """A drawing of the last two axes, in proportion as far as the eye can tell."""
    if not a.chunks:
        return ""
    rows, columns = a.chunks[-2:] if a.ndim > 1 else ((1,), a.chunks[0])
    n_rows, n_columns = max(1, sum(rows)), max(1, sum(columns))
    longest = max(n_rows, n_columns)
    height, width = (max(SIDE // 8, round(SIDE * n / longest)) for n in (n_rows, n_columns))
    horizontal = [f'<line x1="0" x2="{width}" y1="{y}" y2="{y}"/>' for y in _boundaries(rows, height)]
    vertical = [f'<line x1="{x}" x2="{x}" y1="0" y2="{height}"/>' for x in _boundaries(columns, width)]
    return (
        f'<svg width="{width + 2}" height="{height + 2}" viewBox="-1 -1 {width + 2} {height + 2}" '
        'style="stroke:#666;stroke-width:1">'
        f'<rect width="{width}" height="{height}" style="fill:#cfe0f0"/>{"".join(horizontal + vertical)}</svg>'
    )


def _boundaries(lengths: Lengths, extent: int) -> list[float]:
    """Where blocks meet, in pixels; only some of them if there are many."""
    total = max(1, sum(lengths))
    inner = list(itertools.accumulate(lengths))[:-1]
    step = -(-len(inner) // MAX_LINES) or 1
    return [round(extent * position / total, 1) for position in inner[::step]]
