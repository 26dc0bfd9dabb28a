"""``dsflow demo``: it runs, writes what it names, and says what to install."""

import json
import sys
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from click.testing import CliRunner

import dsflow
from dsflow.cli import main

FILES = ["photograph.png", "confusion_matrix.png", "graph.svg", "timeline.json", "report.html"]

pytestmark = pytest.mark.filterwarnings("ignore:.*:DeprecationWarning:matplotlib")


@pytest.fixture(autouse=True)
def engine():
    """The demo starts its own session."""
    yield
    assert dsflow.active_session() is None


@pytest.fixture
def small_photograph(monkeypatch):
    """A picture of 60 x 80 pixels in place of the photograph."""
    picture = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    monkeypatch.setattr("sklearn.datasets.load_sample_image", lambda name: picture)


def invoke(*args):
    return CliRunner().invoke(main, ["demo", *args])


@pytest.mark.usefixtures("small_photograph")
@pytest.mark.parametrize("engine_name", ["serial", "threads"])
def test_the_demo_writes_and_names_its_files(tmp_path, engine_name):
    pytest.importorskip("matplotlib")
    pytest.importorskip("igraph")
    folder = tmp_path / "new" / "demo"
    result = invoke("--engine", engine_name, "--workers", "2", "--colours", "4", "--output", str(folder))
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    for name in FILES:
        assert f"{folder / name}  " in result.output
    assert f"engine {engine_name!r}" in result.output
    assert "KMeans: 4,800 pixels of " in result.output
    assert "in 4, " in result.output
    accuracy = float(result.output.split(" learnt in 4 blocks, ")[1].split("%")[0])
    assert accuracy > 97
    assert "0 failed, 0 cancelled" in result.output

    for name in FILES[:2]:
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    graph = ET.parse(folder / "graph.svg").getroot()
    text = "".join(graph.itertext())
    assert "solve_block" in text
    assert "assign_and_sum" not in text  # it shows the second half
    names = {event["name"] for event in json.loads((folder / "timeline.json").read_text())["traceEvents"]}
    assert {"solve_block", "assign_and_sum", "thread_name"} <= names
    assert "assign_and_sum" in (folder / "report.html").read_text()


@pytest.mark.parametrize(("missing", "named"), [("matplotlib", "matplotlib"), ("igraph", "igraph"), ("PIL", "PIL")])
def test_without_what_it_draws_with_the_demo_says_what_to_install(tmp_path, monkeypatch, missing, named):
    monkeypatch.setitem(sys.modules, missing, None)
    result = invoke("--output", str(tmp_path / "demo"))
    assert result.exit_code == 1
    assert f"Error: demo: {named} cannot be imported" in result.output
    assert 'pip install "dsflow[demo]"' in result.output
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("options", [("--colours", "1"), ("--colours", "257"), ("--workers", "0"), ("--engine", "x")])
def test_options_that_make_no_sense_are_refused(options, tmp_path):
    result = invoke(*options, "--output", str(tmp_path / "demo"))
    assert result.exit_code == 2
    assert f"Invalid value for '{options[0]}'" in result.output
