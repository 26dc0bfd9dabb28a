"""Every benchmark runs, in small, and writes the rows that it promises; ratios are taken within a round."""

import importlib
import importlib.util
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
MODULES = ("sides", "harness", "contestants", "patterns", "metg")

PATTERNS = {"independent", "chain", "stencil", "tree", "all-to-all"}
FIGURES = (
    "us per task",
    "us per call",
    "bytes per pending task",
    "bytes in the main process",
    "peak of the main process",
)
RUNS = [
    ("tasks", ["serial", "threads"], PATTERNS | {"round trip", "cold start"}),
    ("metg", ["threads"], PATTERNS),
    ("growth", ["serial", "threads"], {f"{figure}, {n}" for figure in FIGURES for n in (50, 200)}),
    (
        "honest",
        ["threads", "plain Dask"],
        {
            *("mixture, up to 0.001 s, 8 kB", "mixture, up to 0.1 ms, 0.8 kB", "long tasks"),
            *("8 kB arguments", "8 kB results", "8 kB between tasks"),
        },
    ),
    pytest.param(
        "moved",
        ["dask", "plain Dask"],
        {f"{work}, {figure}" for work in ("k-means", "matmul", "shuffle") for figure in ("bytes", "seconds")},
        marks=pytest.mark.slow,  # it starts two clusters
    ),
]


@pytest.fixture
def modules(monkeypatch):
    """The modules of the benchmarks, which are no package."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    for name in MODULES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
    for name in MODULES:
        del sys.modules[name]


def run(name, sides, folder):
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), "--smoke", "--sides", ",".join(sides), "--out", folder]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.parametrize(("name", "sides", "cases"), RUNS)
def test_a_benchmark_writes_a_row_for_each_case_and_side(name, sides, cases, tmp_path):
    done = run(name, sides, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    written = json.loads((tmp_path / f"{name}.json").read_text())
    assert {(row["case"], row["side"]) for row in written["rows"]} == {(c, side) for c in cases for side in sides}
    assert all(row["least"] <= row["median"] <= row["greatest"] for row in written["rows"])
    assert all(row["ratio"]["median"] == 1 for row in written["rows"] if row["side"] == row["ratio"]["to"])
    assert not written["failed"]
    has_matplotlib = importlib.util.find_spec("matplotlib") is not None
    assert (tmp_path / f"{name}.png").exists() == has_matplotlib


def test_a_side_that_is_not_known_is_an_error_that_names_those_there_are(tmp_path):
    done = run("tasks", ["Rey"], tmp_path)
    assert done.returncode == 2
    assert "Rey: no such side; there are serial, threads, dask, plain Dask, Ray." in done.stderr


def test_ratios_are_of_the_same_round_and_say_how_many_times_as_good(modules):
    ours, theirs = iter([1.0, 2.0, 4.0]), iter([2.0, 2.0, 2.0])
    sides = {"ours": lambda: next(ours), "plain Dask": lambda: next(theirs)}
    rows, failed = modules.harness.measure(modules.harness.Case("seconds", sides), 3)
    assert [row.ratios for row in rows] == [(2.0, 1.0, 0.5), (1.0, 1.0, 1.0)]
    assert not failed
    figures = rows[0].to_json()
    assert (figures["median"], figures["least"], figures["greatest"]) == (2.0, 1.0, 4.0)
    del figures["ratio"]["rounds"]
    assert figures["ratio"] == {"to": "plain Dask", "median": 1.0, "least": 0.5, "greatest": 2.0}


def test_of_rates_more_is_better(modules):
    sides = {"ours": lambda: 30.0, "plain Dask": lambda: 10.0}
    case = modules.harness.Case("rate", sides, "tasks/s", more_is_better=True)
    assert modules.harness.measure(case, 1)[0][0].ratios == (3.0,)


def test_sides_take_turns_and_each_is_first_once(modules):
    order = []
    sides = {name: lambda name=name: order.append(name) or 1.0 for name in "abc"}
    modules.harness.measure(modules.harness.Case("order", sides), 3)
    assert "".join(order) == "abcbcacab"


def test_a_side_that_fails_is_a_line_and_the_others_go_on(modules):
    def fail():
        raise RuntimeError("no more memory")

    sides = {"plain Dask": fail, "threads": lambda: 1.0}
    rows, failed = modules.harness.measure(modules.harness.Case("work", sides), 2)
    assert [(row.side, row.reference, row.values) for row in rows] == [("threads", "threads", (1.0, 1.0))]
    assert failed == ["work, plain Dask: RuntimeError: no more memory"]


def test_a_peer_that_is_not_installed_is_left_out_and_named(modules, monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ray" else find(name))
    options = modules.harness.read_options("", arguments=["--smoke", "--sides", "threads,Ray"])
    assert options.sides == ("threads",)
    assert capsys.readouterr().out == "Ray is left out: ray is not installed; pip install -e '.[bench]'\n"


def test_a_measurement_of_several_figures_is_done_once_in_each_round(modules):
    done = iter([{"s": 1.0, "bytes": 10.0}, {"s": 2.0, "bytes": 20.0}])
    measured = modules.harness.Measured(lambda: next(done))
    assert [measured.ask(figure) for figure in ("s", "s", "bytes", "bytes")] == [1.0, 2.0, 10.0, 20.0]


def test_what_fails_in_the_process_of_a_side_is_told_with_its_place(modules):
    with (
        modules.contestants.contestants(["serial"]) as running,
        pytest.raises(modules.contestants.ContestantError, match=re.escape("KeyError: 'ring' (patterns.py:")),
    ):
        running["serial"].measure(modules.patterns.run_pattern, "ring", (3,))


@pytest.mark.parametrize(
    ("name", "sizes", "n_tasks", "reads"),
    [
        ("independent", (5,), 5, [[]] * 5),
        ("chain", (4,), 4, [[0]]),
        ("stencil", (4, 3), 12, [[0, 1], [0, 1, 2], [1, 2, 3], [2, 3]]),
        ("tree", (8,), 15, [[0, 1]]),
        ("tree", (5,), 11, [[0, 1]]),
        ("all-to-all", (3, 2), 6, [[0, 1, 2]] * 3),
    ],
)
def test_a_pattern_has_its_tasks_and_its_last_layer_reads_what_it_says(modules, name, sizes, n_tasks, reads):
    layers = modules.patterns.PATTERNS[name](*sizes)
    assert modules.patterns.count(layers) == n_tasks
    assert [list(inputs) for inputs in layers[-1]] == reads
    assert all(max(inputs) < len(before) for before, layer in itertools.pairwise(layers) for inputs in layer)


def test_the_smallest_grain_is_interpolated_where_efficiency_first_becomes_enough(modules):
    metg = modules.metg
    assert metg.crossing([(1e-4, 0.2), (4e-4, 0.6), (8e-4, 0.4)]) == pytest.approx(1e-4 * 4 ** (0.3 / 0.4))
    assert metg.crossing([(1e-4, 0.7), (2e-4, 0.9)]) == 1e-4
