"""The picture of a graph: an SVG file that a browser shows, with a box a task as long as these can be told apart."""

import itertools
import re
import sys
from collections import Counter
from xml.etree import ElementTree as ET

import pytest

import dsflow
from dsflow import task, wait_on
from dsflow.observe import Record, Recorder, draw_graph

pytest.importorskip("igraph", reason="igraph places the boxes")
pytestmark = pytest.mark.usefixtures("no_session")

SVG = "{http://www.w3.org/2000/svg}"


def record(number, *reads, name="work", state="done", caller=None):
    return Record(f"k{number}", name, "program.py:3", tuple(f"k{r}" for r in reads), caller, float(number), state)


def chain(n_tasks, name_of=lambda number: "work"):
    return [record(k, *([k - 1] if k else []), name=name_of(k)) for k in range(n_tasks)]


class Picture:
    """What an SVG file shows."""

    def __init__(self, records, folder):
        draw_graph(records, folder / "graph.svg")
        self.root = ET.parse(folder / "graph.svg").getroot()
        self.text = " | ".join("".join(text.itertext()) for text in self.root.iter(f"{SVG}text"))
        boxes = [group for group in self.root.iter(f"{SVG}g") if group.get("class") == "task"]
        self.titles = [box.findtext(f"{SVG}title") for box in boxes]
        self.shapes = [box.find(f"{SVG}rect") for box in boxes]
        self.labels = [box.findtext(f"{SVG}text") for box in boxes]
        paths = [path for path in self.root.findall(f"{SVG}path") if path.get("fill") == "none"]
        self.curves = [[float(number) for number in re.findall(r"-?[\d.]+", path.get("d"))] for path in paths]
        self.n_dashed = sum(path.get("stroke-dasharray") is not None for path in paths)


@task
def double(x):
    return 2 * x


@task
def add(x, y):
    return x + y


@task
def nested(x):
    return double(x)


@task
def fail(x):
    raise KeyError(x)


def test_a_program_gives_a_box_for_each_task_with_what_it_was(tmp_path):
    with dsflow.start("serial") as session:
        recorder = Recorder.of(session)
        add(double(1), double(2))
    picture = Picture(recorder, tmp_path)
    assert len(picture.titles) == 3
    assert picture.labels == ["double", "double", "add"]
    for title, each in zip(picture.titles, recorder, strict=True):
        key, how, where = title.split("\n")
        assert key == each.key
        assert how.startswith("done in ")
        assert how.endswith(" on main")
        assert where == f"called at {each.site}"
    assert "3 tasks, 2 dependencies" in picture.text
    assert "double2 x" in picture.text  # the legend
    assert len(picture.curves) == 2


def test_data_flows_downward(tmp_path):
    picture = Picture(chain(4), tmp_path)
    heights = [float(shape.get("y")) for shape in picture.shapes]
    assert heights == sorted(set(heights))
    assert all(curve[1] < curve[-1] for curve in picture.curves)


def test_boxes_of_one_row_do_not_overlap(tmp_path):
    picture = Picture([record(k) for k in range(12)], tmp_path)
    lefts = sorted(float(shape.get("x")) for shape in picture.shapes)
    width = float(picture.shapes[0].get("width"))
    assert all(right - left >= width for left, right in itertools.pairwise(lefts))
    assert lefts[0] >= 0
    assert lefts[-1] + width <= float(picture.root.get("width"))


def test_tasks_of_one_name_share_a_colour(tmp_path):
    names = ["a", "b", "a", "c"]
    picture = Picture([record(k, name=name) for k, name in enumerate(names)], tmp_path)
    colours = [shape.get("fill") for shape in picture.shapes]
    assert colours[0] == colours[2]
    assert len(set(colours)) == 3


def test_ten_names_have_colours_of_their_own_and_more_names_have_colours_too(tmp_path):
    picture = Picture([record(k, name=f"task{k}") for k in range(30)], tmp_path)
    colours = [shape.get("fill") for shape in picture.shapes]
    assert len(set(colours[:10])) == 10
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours)


def test_calls_are_dashed_lines(tmp_path):
    with dsflow.start("serial") as session:
        recorder = Recorder.of(session)
        nested(1)
    assert Picture(recorder, tmp_path).n_dashed == 1


def test_failed_and_pending_tasks_look_different(tmp_path):
    with dsflow.start("serial") as session:
        recorder = Recorder.of(session)
        with pytest.raises(KeyError):
            wait_on(fail(1))
        double(1)
    picture = Picture([*recorder, record(1, state="pending")], tmp_path)
    failed, done, pending = picture.shapes
    assert failed.get("stroke") == "#c62828"
    assert done.get("stroke-dasharray") is None
    assert pending.get("stroke-dasharray") is not None
    assert "1 failed" in picture.text
    assert "1 pending" in picture.text


@pytest.mark.parametrize("name", ["<lambda>", "a&b\"c'", "f\x00\x1b", "x]]>y"])
def test_names_may_hold_what_means_something_in_xml(name, tmp_path):
    picture = Picture([record(0, name=name)], tmp_path)
    assert picture.labels == ["".join(letter for letter in name if letter.isprintable())]


def test_long_names_are_cut(tmp_path):
    (label,) = Picture([record(0, name="n" * 200)], tmp_path).labels
    assert label.endswith("…")
    assert len(label) < 30


def test_up_to_300_tasks_have_a_box_each(tmp_path):
    picture = Picture([record(k, *([k - 30] if k >= 30 else [])) for k in range(300)], tmp_path)
    assert len(picture.titles) == 300
    assert "A box stands for" not in picture.text


def test_above_300_tasks_a_box_stands_for_many_and_the_picture_says_so(tmp_path):
    layers = [
        [record(100 * row + k, *([100 * (row - 1) + k] if row else []), name=f"row{row}") for k in range(100)]
        for row in range(4)
    ]
    picture = Picture([each for layer in layers for each in layer], tmp_path)
    assert picture.labels == ["row0 x100", "row1 x100", "row2 x100", "row3 x100"]
    assert "A box stands for all tasks of one name in one layer" in picture.text
    assert "400 tasks, 300 dependencies" in picture.text
    assert picture.titles[0].startswith("row0 100 x")
    assert len(picture.curves) == 3


def test_a_row_that_is_too_wide_is_collapsed_too(tmp_path):
    picture = Picture([record(k) for k in range(81)], tmp_path)
    assert picture.labels == ["work x81"]


def test_a_graph_that_is_too_deep_has_several_layers_in_a_row_without_lines_between_them(tmp_path):
    picture = Picture(chain(700, lambda number: "even" if number % 2 == 0 else "odd"), tmp_path)
    assert len(picture.titles) <= 300
    assert "A row stands for 5 layers; lines within a row are not drawn." in picture.text
    assert "700 tasks, 699 dependencies" in picture.text
    assert picture.curves
    assert all(curve[1] < curve[-1] for curve in picture.curves)


def test_lines_that_pass_several_rows_are_counted_once(tmp_path):
    picture = Picture([*chain(4), record(4, 0, 3)], tmp_path)
    assert "5 tasks, 5 dependencies" in picture.text
    arrows = [path for path in picture.root.findall(f"{SVG}path") if path.get("fill") != "none"]
    assert len(arrows) == 5


def test_links_to_tasks_that_are_no_longer_on_record_are_told(tmp_path):
    picture = Picture(chain(5)[3:], tmp_path)
    assert len(picture.titles) == 2
    assert "1 dependencies lead to tasks that are no longer on record" in picture.text


def test_no_tasks_give_an_empty_picture(tmp_path):
    assert "0 tasks, 0 dependencies" in Picture([], tmp_path).text


def test_one_task_is_told_in_the_singular(tmp_path):
    assert "1 task, 0 dependencies" in Picture([record(0)], tmp_path).text


def test_boxes_that_carry_no_names_have_them_in_their_titles(tmp_path):
    picture = Picture([record(k) for k in range(40)], tmp_path)
    assert Counter(picture.labels) == {None: 40}
    assert picture.titles[7].startswith("k7\n")


def test_without_igraph_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "igraph", None)
    with pytest.raises(ImportError, match=r'draw_graph: igraph places the boxes; pip install "dsflow\[demo\]"'):
        draw_graph([record(0)], tmp_path / "graph.svg")
    assert not (tmp_path / "graph.svg").exists()
