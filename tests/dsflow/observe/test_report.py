"""The run report: its numbers are those of the run, and it can be read as text, page and JSON."""

import dataclasses
import json
import time
from html.parser import HTMLParser

import numpy as np
import pytest

import dsflow
from dsflow import task, wait_on
from dsflow.observe import Recorder, RunReport, Totals, run_report

pytestmark = pytest.mark.usefixtures("no_session")

MIB = 1 << 20


@task
def make(n):
    return np.zeros(n)


@task
def total(x):
    return float(x.sum())


@task
def fail(x):
    raise KeyError(x)


@task
def pause(seconds):
    time.sleep(seconds)


BUSY = RunReport(
    engine="threads",
    n_slots=8,
    n_tasks=1234,
    n_failed=1,
    n_cancelled=2,
    wall_s=10.0,
    busy_s=76.0,
    bytes_moved=0,
    bytes_in=3 * MIB,
    bytes_out=2048,
    peak_memory_bytes=5 << 30,
    cpu_s=10.5,
    by_name={"<lambda>": Totals(1234, 1231, 1, 2, 76.0, 3 * MIB, 2048)},
)


def test_numbers_are_those_of_the_program():
    with dsflow.start("serial") as session:
        Recorder.of(session)
        total(make(1000))
        pause(0.02)
        with pytest.raises(KeyError):
            wait_on(fail(1))
        report = run_report()
        assert run_report(session) == dataclasses.replace(report, peak_memory_bytes=run_report().peak_memory_bytes)
    assert (report.engine, report.n_slots) == ("serial", 1)
    assert (report.n_tasks, report.n_failed, report.n_cancelled) == (4, 1, 0)
    assert 0.02 <= report.busy_s <= report.wall_s < 5
    assert 0 < report.utilisation <= 1
    assert 0 <= report.cpu_s < 5
    assert 8000 <= report.bytes_in < 9000
    assert 8000 <= report.bytes_out < 9000
    assert report.bytes_moved == 0
    assert report.peak_memory_bytes > 10 * MIB
    assert report.by_name["make"].called == 1
    assert report.by_name["pause"].seconds >= 0.02


def test_text_has_a_line_for_each_name_the_slowest_first():
    with dsflow.start("serial") as session:
        Recorder.of(session)
        make(1)
        pause(0.01)
        lines = str(run_report(session)).split("\n")
    assert lines[0] == "2 tasks, 0 failed, 0 cancelled"
    assert "engine 'serial'" in lines[1]
    assert "0 B moved between processes" in lines[2]
    assert "peak memory" in lines[3]
    assert [line.split()[0] for line in lines[4:]] == ["pause", "make"]


def test_amounts_have_units():
    text = str(BUSY)
    assert "1,234 tasks, 1 failed, 2 cancelled" in text
    assert "tasks read 3.0 MiB" in text
    assert "5.0 GiB peak memory" in text
    assert "2.0 KiB" in text
    assert "busy 95%" in text
    assert "3.0 TiB" in str(dataclasses.replace(BUSY, bytes_in=3 << 40))


def test_a_report_is_written_as_its_suffix_says(tmp_path):
    for name in ("report.html", "report.json", "report.txt", "report"):
        BUSY.write(tmp_path / name)
    assert (tmp_path / "report.txt").read_text() == (tmp_path / "report").read_text() == f"{BUSY}\n"
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
    assert json.loads((tmp_path / "report.json").read_text()) == dataclasses.asdict(BUSY)
    BUSY.write(str(tmp_path / "other.json"))
    assert (tmp_path / "other.json").exists()


def test_the_page_escapes_names_and_closes_what_it_opens():
    page = BUSY.to_html()
    assert "<lambda>" not in page
    assert "&lt;lambda&gt;" in page
    assert "engine &#x27;threads&#x27;" in page
    assert "would use your" in page
    opened = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "br"):
                opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    checker = Checker()
    checker.feed(page)
    checker.close()
    assert opened == []


def test_advice_is_given_when_threads_took_turns_on_one_core():
    assert "engine='dask' would use your" in BUSY.advice
    assert str(BUSY).endswith(BUSY.advice)


@pytest.mark.parametrize(
    "change",
    [
        {"engine": "dask"},
        {"n_slots": 1, "busy_s": 9.5},
        {"wall_s": 0.5, "busy_s": 3.9, "cpu_s": 0.5},
        {"busy_s": 20.0},
        {"cpu_s": 40.0},
        {"wall_s": 0.0},
    ],
    ids=["other engine", "one slot", "short run", "idle slots", "many cores", "nothing ran"],
)
def test_advice_is_given_in_no_other_case(change):
    assert dataclasses.replace(BUSY, **change).advice == ""


def test_a_session_without_tasks_has_a_report():
    with dsflow.start("serial") as session:
        report = run_report(session)
    assert (report.n_tasks, report.wall_s, report.utilisation) == (0, 0, 0)
    assert str(report).startswith("0 tasks")
    assert "<table>" in report.to_html()


def test_without_a_session_the_error_says_what_to_do():
    with pytest.raises(dsflow.SessionError, match=r"no session is active; call dsflow\.start\(\)"):
        run_report()


def test_on_dask_the_report_has_moved_bytes_and_the_memory_of_workers(dask_client):
    with dsflow.start(client=dask_client) as session:
        Recorder.of(session)
        array = make(MIB // 8)
        assert wait_on(array).nbytes == MIB
        assert wait_on(total(np.ones(MIB // 8))) == MIB / 8
        assert wait_on([total(make(10)) for _ in range(4)]) == [0.0] * 4
        report = run_report()
    assert report.engine == "dask"
    assert report.n_slots == 2
    assert MIB <= report.bytes_moved < 10 * MIB
    own = session.engine.peak_memory_bytes()
    assert own > 20 * MIB
    assert report.peak_memory_bytes > own
    assert report.n_tasks == 10
