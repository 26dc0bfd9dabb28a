"""``dsflow simulate``: a table of what a recorded run would come to on other workers."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from dsflow._graph import Run
from dsflow.cli import main
from dsflow.observe import Record, write_trace


def record(key, start, end, *reads, worker="worker 0"):
    return Record(key, "work", "program.py:3", reads, None, 0.0, "done", Run(worker, start, end, 0, 10_000_000))


@pytest.fixture
def trace(tmp_path):
    """Four tasks of a second, of which one reads what two others make; they ran on one worker."""
    records = [record(key, nth, nth + 1) for nth, key in enumerate("abc")]
    last = Record("d", "work", "program.py:3", ("a", "b"), None, 0.0, "done", Run("worker 0", 3, 4, 20_000_000, 8))
    write_trace([*records, last], tmp_path / "trace.json")
    return str(tmp_path / "trace.json")


def invoke(*args):
    return CliRunner().invoke(main, ["simulate", *args])


def test_the_table_has_a_row_for_each_number_of_workers(trace):
    result = invoke(trace, "--workers", "1,2", "--workers", "1000", "--bandwidth", "160Mb/s", "--latency", "0s")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "4 tasks, recorded on 1 worker in 4.00 s",
        "WORKERS  MAKESPAN  SPEED-UP  UTILISATION    MOVED",
        "      1    4.00 s    1.00 x       100.0%      0 B",
        "      2    2.50 s    1.60 x        80.0%  9.5 MiB",
        "  1,000    2.50 s    1.60 x         0.2%  9.5 MiB",
        "The longest chain of tasks takes 2.00 s; the engine 0 us for each task.",
    ]


def makespan(trace, *options):
    return invoke(trace, "--workers", "2", "--latency", "0ms", *options).output.splitlines()[2].split()[1:3]


@pytest.mark.parametrize(
    ("bandwidth", "seconds"),
    [
        ("80Mb/s", "3.00"), ("80 Mbit/s", "3.00"), ("80mbps", "3.00"), ("0.08Gb/s", "3.00"), ("10MB/s", "3.00"),
        ("10000kB/s", "3.00"), ("10MiB/s", "2.95"), ("80Mib/s", "2.95"), ("10 GB/s", "2.00"), ("1Tbps", "2.00"),
        ("10000000B/s", "3.00"),
    ],
)  # fmt: skip
def test_bits_and_bytes_are_told_apart(trace, bandwidth, seconds):
    assert makespan(trace, "--bandwidth", bandwidth) == [seconds, "s"]


def test_latency_and_overhead_have_units(trace):
    assert makespan(trace, "--latency", "500ms") == ["2.51", "s"]
    assert makespan(trace, "--overhead", "0.5s", "--bandwidth", "1TB/s") == ["3.00", "s"]
    assert makespan(trace, "--overhead", "500000us", "--bandwidth", "1TB/s") == ["3.00", "s"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--workers", "0"), "'0' is not a number of workers; give 1 or more"),
        (("--workers", "1,,2"), "several as in '1,2,4'"),
        (("--workers", "many"), "'many' is not a number of workers"),
        (("--bandwidth", "10"), "'10' is not a bandwidth; give one such as '10Gb/s' (bits)"),
        (("--bandwidth", "0Gb/s"), "is not a bandwidth"),
        (("--bandwidth", "-1Gb/s"), "is not a bandwidth"),
        (("--bandwidth", "10Gb"), "is not a bandwidth"),
        (("--bandwidth", "10 parsecs/s"), "is not a bandwidth"),
        (("--latency", "1"), "'1' is not a time; give one such as '0.5ms'"),
    ],
)
def test_options_that_make_no_sense_are_errors_that_say_what_to_give(trace, options, words):
    result = invoke(trace, *options)
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())


def test_a_file_that_is_not_there_or_no_trace_is_an_error(tmp_path):
    assert "does not exist" in invoke(str(tmp_path / "none.json")).output
    (tmp_path / "other.json").write_text("{}")
    result = invoke(str(tmp_path / "other.json"))
    assert result.exit_code == 1
    assert "is not a trace of dsflow; give a file of dsflow.observe.write_trace." in result.output


def test_doubts_are_shown_apart_from_the_table(tmp_path):
    write_trace([record("b", 0, 1, "a")], tmp_path / "trace.json")
    result = invoke(str(tmp_path / "trace.json"))
    assert "Doubt: 1 inputs are of tasks that are not in the trace" in result.stderr
    assert "Doubt" not in result.stdout
    assert [line.split()[0] for line in result.stdout.splitlines()[2:6]] == ["1", "10", "100", "1,000"]


def test_the_command_runs_as_a_user_runs_it(trace):
    command = [str(Path(sys.executable).parent / "dsflow"), "simulate", trace, "--workers", "1000"]
    done = subprocess.run([*command, "--bandwidth", "10Gb/s"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "MAKESPAN" in done.stdout
