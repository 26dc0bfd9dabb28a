"""Every example runs as it is, in a process of its own, on each engine, and prints its result."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"

PRINTS = {
    "apply_along_axis.py": "means of 100 columns",
    "cascade_svm.py": "of 5000 other pixels are told right",
    "control.py": "given up: 20 is out of range",
    "files.py": "8 files counted",
    "interoperate.py": "of the digits are told right",
    "kmeans_workflow.py": "397 digits in 10 clusters",
    "survival.py": "links in order: True",
    "waiting.py": "'c?' has a question mark",
}
"""What the output of an example has to hold."""

HAS_COMMAND = importlib.util.find_spec("dsflow.cli.run") is not None
COMMAND = [sys.executable, "-c", "from dsflow.cli import main; main()", "run", "--engine"]


def run(command, name):
    environment = {**os.environ, "PYTHONWARNINGS": "error::UserWarning"}  # that it has not converged, for one
    done = subprocess.run(
        [*command, str(EXAMPLES / name)], capture_output=True, text=True, timeout=100, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_example_is_forgotten():
    assert {path.name for path in EXAMPLES.glob("*.py")} - {"make_data.py"} == PRINTS.keys()


@pytest.mark.parametrize("name", PRINTS)
def test_runs_as_it_is(name):
    assert PRINTS[name] in run([sys.executable], name)


@pytest.mark.skipif(not HAS_COMMAND, reason="`dsflow run` is not built yet")
@pytest.mark.parametrize(
    ("engine", "name"),
    [
        *[("serial", name) for name in ("cascade_svm.py", "control.py")],
        ("threads", "kmeans_workflow.py"),
        *[("dask", name) for name in ("cascade_svm.py", "control.py", "files.py")],
    ],
)
def test_runs_on_each_engine(engine, name):
    assert PRINTS[name] in run([*COMMAND, engine], name)


def test_data_is_made_of_real_numbers(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import make_data

    monkeypatch.setattr(make_data, "FOLDER", tmp_path / "data")
    assert Path(make_data.path_of("pixels_test.svm")).read_text().startswith(("1 1:", "-1 1:"))
    assert len(Path(make_data.path_of("digits_test.csv")).read_text().splitlines()) == 397
