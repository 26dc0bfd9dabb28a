"""Traces are read as they were written, and real runs on 1, 2 and 4 workers are predicted from each other."""

import json
import time

import pytest

import dsflow
from dsflow import constraint, share, task, wait_on
from dsflow._graph import Run
from dsflow.observe import Record, Recorder, read_workload, simulate, write_trace
from dsflow.observe.workload import Input, Step

pytestmark = pytest.mark.usefixtures("no_session")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", "is not JSON"),
        ("[]", "not a trace of dsflow; give a file of dsflow.observe.write_trace"),
        ('{"traceEvents": []}', "not a trace of dsflow"),
        ('{"traceEvents": [], "otherData": {"dsflow trace": 99}}', "version 99, not 1; record the run anew"),
        ('{"traceEvents": [{"ph": "X"}], "otherData": {"dsflow trace": 1}}', "is damaged .KeyError"),
        ('{"traceEvents": [], "otherData": {"dsflow trace": 1}}', "has no tasks; attach Recorder.of"),
    ],
)
def test_files_that_are_no_traces_of_ours_are_errors(tmp_path, text, words):
    (tmp_path / "trace.json").write_text(text)
    with pytest.raises(ValueError, match=words):
        read_workload(tmp_path / "trace.json")


# --- traces -----------------------------------------------------------------------------------------------------------


def record(key, called, start, end, *reads, worker="thread-0", caller=None, cpu=0.0, bytes_in=20):
    run = Run(worker, 1000.0 + start, 1000.0 + end, bytes_in, 20)
    return Record(key, "work", "program.py:3", reads, caller, 1000.0 + called, "done", run, caller_cpu=cpu)


@pytest.fixture
def written(tmp_path):
    """Write records to a file and read it."""

    def written(records):
        write_trace(records, tmp_path / "trace.json")
        return read_workload(tmp_path / "trace.json")

    return written


def test_a_caller_that_was_idle_until_tasks_ended_has_waited_for_them(written):
    workload = written([record("a", 0, 0.5, 1), record("b", 0, 1, 2), record("c", 2.25, 2.5, 3, cpu=0.5)])
    assert workload.main[2] == Step(pytest.approx(0.25), ("a", "b"), pytest.approx(0.25), "c")
    assert workload.makespan_s == pytest.approx(3)
    assert simulate(workload, 1, overhead_s=0).makespan_s == pytest.approx(2.25)


def test_a_caller_that_was_busy_has_not_waited(written):
    workload = written([record("a", 0, 0, 1), record("b", 2, 2, 3, cpu=2.0)])
    assert workload.main[1] == Step(pytest.approx(2), calls="b")


def test_what_a_task_reads_is_divided_among_its_makers(written):
    makers = [record("a", 0, 0, 1, bytes_in=0), record("b", 0, 1, 2, bytes_in=0)]
    inputs = written([*makers, record("c", 0, 2, 3, "a", "b", bytes_in=30)]).tasks["c"].inputs
    assert [(each.source, each.n_bytes) for each in inputs] == [("a", 15), ("b", 15)]
    more = written([*makers, record("c", 0, 2, 3, "a", bytes_in=30)]).tasks["c"]
    assert (more.inputs, more.own_bytes) == ((Input("a", 20),), 10)


def test_the_overhead_is_the_gap_where_there_was_something_to_do(written):
    records = [record("a", 0, 0, 1), record("b", 0, 1.25, 2), record("c", 5, 6, 7), record("d", 0, 9, 10, "c")]
    assert written(records).overhead_s == pytest.approx((0.25 + 2) / 2)
    assert written(records[:1]).overhead_s == 0


def test_inputs_that_are_no_longer_on_record_are_doubted(written):
    (doubt,) = written([record("b", 0, 0, 1, "a")]).doubts
    assert doubt.startswith("1 inputs are of tasks that are not in the trace")


@task
def rest(seconds, *_):
    time.sleep(seconds)
    return seconds


@constraint(cpus=2)
@task(priority=3)
def wide(x):
    return len(x)


@task
def nested():
    parts = [rest(0.02), rest(0.04)]
    return sum(wait_on(parts))


def record_run(program, folder, engine="threads", workers=1):
    """Run a program; return how long that took, and what its trace tells."""
    with dsflow.start(engine, workers=workers) as session:
        recorder = Recorder.of(session)
        program()
        wait_on([])
        dsflow.barrier()
        span = recorder.span()
    write_trace(recorder, folder / "trace.json")
    return span.end - span.begin, read_workload(folder / "trace.json")


def test_a_trace_tells_priority_slots_and_shared_values(tmp_path):
    def program():
        data = share(b"x" * 1000)
        wide(data)
        wide(data)

    _, workload = record_run(program, tmp_path, workers=2)
    one, two = workload.tasks.values()
    assert (one.priority, one.slots) == (3, 2)
    assert one.inputs == two.inputs == (Input("value 0 of main", one.inputs[0].n_bytes),)
    assert 1000 <= one.inputs[0].n_bytes < 1200
    assert one.own_bytes == 0


def test_a_trace_tells_who_has_called_whom(tmp_path):
    _, workload = record_run(nested, tmp_path)
    assert len(workload.main) == 1
    parent, *children = workload.tasks.values()
    assert [step.calls for step in parent.steps] == [*(child.key for child in children), None]
    assert set(parent.steps[-1].awaits) == {child.key for child in children}
    assert parent.seconds < 0.02
    assert 0.04 <= simulate(workload, 2).makespan_s < simulate(workload, 1).makespan_s


def test_the_tasks_of_a_serial_run_are_taken_to_be_called_without_a_wait(tmp_path):
    def program():
        rest(0.02)
        rest(0.02)
        nested()

    _, workload = record_run(program, tmp_path, engine="serial", workers=None)
    assert "A serial run does not tell where the main program waits" in workload.doubts[0]
    assert workload.main[1].before_s < 0.02
    assert workload.seconds == pytest.approx(0.1, rel=0.3)
    assert simulate(workload, 4).makespan_s == pytest.approx(0.04, rel=0.5)


def test_a_trace_has_nothing_that_perfetto_does_not_take(tmp_path):
    record_run(nested, tmp_path)
    content = json.loads((tmp_path / "trace.json").read_text())
    assert content.keys() == {"traceEvents", "displayTimeUnit", "otherData"}


# --- real runs --------------------------------------------------------------------------------------------------------


def fork_and_join():
    first = rest(0.1)
    rest(0.1, *[rest(0.04 + 0.02 * (k % 4), first) for k in range(16)])


def rounds_with_waits():
    for _ in range(3):
        wait_on([rest(0.05 + 0.01 * k) for k in range(6)])
        time.sleep(0.05)


def tree():
    layer = [rest(0.05) for _ in range(16)]
    while len(layer) > 1:
        layer = [rest(0.06, *layer[k : k + 2]) for k in range(0, len(layer), 2)]


def nests():
    for _ in range(8):
        nested()


def errors(runs):
    """How far each run is from what each of them predicts, as a share of it."""
    return {
        (recorded_on, n_workers): simulate(workload, n_workers).makespan_s / real_s - 1
        for recorded_on, (_, workload) in runs.items()
        for n_workers, (real_s, _) in runs.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("program", [fork_and_join, rounds_with_waits, tree, nests])
def test_real_runs_are_predicted_from_each_other(program, tmp_path):
    runs = {}
    for _ in range(4):  # others on this machine can only make a run longer, so that the quickest one counts
        for n in (1, 2, 4):
            run = record_run(program, tmp_path, workers=n)
            runs[n] = min(run, runs.get(n, run), key=lambda each: each[0])
        if max(map(abs, errors(runs).values())) <= 0.15:
            break
    assert max(map(abs, errors(runs).values())) <= 0.15, errors(runs)
