"""The timeline: a JSON file that Perfetto shows, with a row for each worker."""

import json

import pytest

import dsflow
from dsflow import task, wait_on
from dsflow._graph import Run
from dsflow.observe import Record, Recorder, write_trace

pytestmark = pytest.mark.usefixtures("no_session")


@task
def double(x):
    return 2 * x


@task
def add(x, y):
    return x + y


@task
def nested(x):
    return double(double(x))


@task
def fail(x):
    raise KeyError(x)


def record(key, start, end, *reads, worker="worker 0", caller=None):
    return Record(key, "work", "program.py:3", reads, caller, 0.0, "done", Run(worker, start, end, 10, 20))


class Trace:
    """What a file holds."""

    def __init__(self, records, folder):
        write_trace(records, folder / "timeline.json")
        events = json.loads((folder / "timeline.json").read_text())["traceEvents"]
        self.slices = {event["args"]["key"]: event for event in events if event["ph"] == "X"}
        self.rows = {event["args"]["name"]: event["tid"] for event in events if event["ph"] == "M"}
        self.starts = [event for event in events if event["ph"] == "s"]
        self.ends = [event for event in events if event["ph"] == "f"]
        assert {event.get("name") for event in events if event["ph"] == "M"} <= {"thread_name"}
        assert all(isinstance(event["ts"], int) and event["ts"] >= 0 for event in events if "ts" in event)
        assert all(event["dur"] > 0 for event in self.slices.values())
        assert len({event["pid"] for event in events}) <= 1

    def row_of(self, key):
        return next(name for name, row in self.rows.items() if row == self.slices[key]["tid"])


def test_each_task_is_a_slice_on_the_row_of_its_worker(tmp_path):
    with dsflow.start("serial") as session:
        recorder = Recorder.of(session)
        add(double(1), double(2))
    trace = Trace(recorder, tmp_path)
    assert list(trace.rows) == ["main"]
    assert list(trace.slices) == [each.key for each in recorder]
    last = trace.slices[list(recorder)[-1].key]
    assert last["name"] == "add"
    assert last["tid"] == trace.rows["main"]
    assert last["args"]["state"] == "done"
    assert "test_trace.py" in last["args"]["called at"]
    assert last["args"]["bytes out"] == 8


def test_times_are_microseconds_since_the_first_start(tmp_path):
    trace = Trace([record("a", 1000.5, 1002.5), record("b", 1003.0, 1003.25)], tmp_path)
    assert [(event["ts"], event["dur"]) for event in trace.slices.values()] == [(0, 2_000_000), (2_500_000, 250_000)]


def test_arrows_lead_from_inside_of_the_maker_to_the_start_of_the_reader(tmp_path):
    with dsflow.start("serial") as session:
        recorder = Recorder.of(session)
        add(double(1), double(2))
    one, two, reader = recorder
    trace = Trace(recorder, tmp_path)
    assert len(trace.starts) == len(trace.ends) == 2
    for start, end, maker in zip(trace.starts, trace.ends, (one, two), strict=True):
        made, read = trace.slices[maker.key], trace.slices[reader.key]
        assert start["id"] == end["id"]
        assert made["ts"] <= start["ts"] < made["ts"] + made["dur"]
        assert end["ts"] == read["ts"]
        assert end["bp"] == "e"
    assert len({event["id"] for event in trace.starts}) == 2


def test_arrows_connect_rows(tmp_path):
    trace = Trace([record("a", 0, 1), record("b", 1, 2, "a", worker="worker 1")], tmp_path)
    assert trace.starts[0]["tid"] == trace.rows["worker 0"]
    assert trace.ends[0]["tid"] == trace.rows["worker 1"]


def test_a_task_of_no_time_is_seen_and_its_arrow_leaves_from_it(tmp_path):
    trace = Trace([record("a", 5.0, 5.0), record("b", 5.0, 5.0, "a", worker="worker 1")], tmp_path)
    assert trace.slices["a"]["dur"] == 1
    assert trace.starts[0]["ts"] == 0


def test_tasks_that_did_not_run_are_left_out(tmp_path):
    unstarted = Record("c", "work", "program.py:3", ("a",), None, 0.0, "cancelled")
    trace = Trace([record("a", 0, 1), unstarted, record("d", 1, 2, "c")], tmp_path)
    assert list(trace.slices) == ["a", "d"]
    assert trace.starts == []


def test_makers_that_are_no_longer_on_record_have_no_arrows(tmp_path):
    assert Trace([record("b", 0, 1, "a")], tmp_path).ends == []


def test_nothing_gives_an_empty_timeline(tmp_path):
    assert Trace([], tmp_path).slices == {}


def test_failed_tasks_are_shown_with_their_state(tmp_path):
    with dsflow.start("serial") as session:
        recorder = Recorder.of(session)
        with pytest.raises(KeyError):
            wait_on(fail(1))
    (event,) = Trace(recorder, tmp_path).slices.values()
    assert event["args"]["state"] == "failed"


def test_tasks_that_overlap_on_one_worker_have_rows_of_their_own(tmp_path):
    tasks = [record("a", 0, 3), record("b", 1, 4), record("c", 1.5, 2), record("d", 3.5, 5), record("e", 6, 7)]
    trace = Trace([*tasks, record("z", 0, 9, worker="worker 1")], tmp_path)
    assert [trace.row_of(key) for key in "abcde"] == [
        "worker 0", "worker 0 (2)", "worker 0 (3)", "worker 0", "worker 0",
    ]  # fmt: skip
    assert trace.row_of("z") == "worker 1"
    assert sorted(trace.rows.values()) == [1, 2, 3, 4]


def test_a_task_that_ran_inside_of_its_caller_is_drawn_there(tmp_path):
    tasks = [
        record("a", 0, 9),
        record("b", 1, 4, caller="a"),
        record("c", 2, 3, caller="b"),
        record("d", 4, 5, caller="a"),
    ]
    trace = Trace(tasks, tmp_path)
    assert list(trace.rows) == ["worker 0"]


def test_nested_tasks_of_the_serial_engine_can_be_drawn(tmp_path):
    with dsflow.start("serial") as session:
        recorder = Recorder.of(session)
        nested(1)
    trace = Trace(recorder, tmp_path)
    assert len(trace.slices) == 3
    assert list(trace.rows) == ["main"]


def test_threads_have_a_row_each(tmp_path):
    with dsflow.start("threads", workers=2) as session:
        recorder = Recorder.of(session)
        wait_on([double(k) for k in range(20)])
    trace = Trace(recorder, tmp_path)
    assert set(trace.rows) <= {"thread-0", "thread-1"}
    assert len(trace.slices) == 20
