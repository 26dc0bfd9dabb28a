"""What goes to the process of a task and back: large values, tasks that are sent once, values that need care."""

import random
import socket
import threading
import tracemalloc
from pathlib import Path

import numpy as np

from dsflow import TaskTimeoutError, _job, current_task, task
from dsflow._blobs import StoredFile, clear_store
from dsflow._channel import Channel
from dsflow._child import Server
from dsflow._children import ChildPool
from dsflow._freeze import freeze
from dsflow._job import make_job
from dsflow._process import ChildProcess
from dsflow._resources import Grant, Needs, Place
from tests.dsflow import test_children
from tests.dsflow.test_children import DEADLINE_S, call_of, identity, run, run_script, value_of

LARGE = 100 << 20

pool = test_children.pool


@task
def measure_memory(array):
    before = int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    assert not array.flags.writeable
    assert array[-1] == 1
    return before, array


def test_large_arrays_are_not_copied_on_the_way(pool):
    run(pool, measure_memory, ("value", 0), inputs=[freeze(np.ones(2), portable=True)])
    array = np.ones(LARGE // 8)
    stored = freeze(array, portable=True)
    tracemalloc.start()
    try:
        outcome = run(pool, measure_memory, ("value", 0), inputs=[stored])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.2 * LARGE  # what came back
    in_process, back = value_of(outcome)
    assert in_process < 2 * LARGE
    assert np.array_equal(back, array)
    (buffer,) = outcome.stored[0].buffers
    assert type(buffer) is not memoryview
    assert np.shares_memory(back, np.frombuffer(buffer))


@task
def read(stored, spins):
    text = stored.open().read()
    while spins:
        pass
    return text, stored, type(stored), current_task()


def test_files_go_with_the_process_even_if_it_is_killed(pool, tmp_path):
    path = tmp_path / "file"
    path.write_text("content")
    stored = StoredFile.of(path)
    grant = Grant(Place("here", 4, 1 << 30), Needs(cpus=3), ("1",))
    text, back, kind, info = value_of(run(pool, read, ("value", 0), False, inputs=[stored], grant=grant))
    assert (text, back, kind) == (b"content", stored, StoredFile)
    assert (info.cpus, info.gpus) == (3, ("1",))
    error = run(pool, read, ("value", 0), True, inputs=[stored], time_out_s=0.3).failure.exception
    assert isinstance(error, TaskTimeoutError)
    del stored, back
    clear_store()  # unless other tests have files in it still, in a folder of before


def test_many_small_buffers_arrive_in_order(pool):
    arrays = [np.full(n % 7, n) for n in range(5000)]
    np.testing.assert_equal(value_of(run(pool, identity, arrays)), arrays)


SCRIPT = """
import sys
import dsflow
from dsflow import _children, task
from dsflow._freeze import freeze, thaw
from dsflow._graph import Call

class Point:
    def __init__(self, x):
        self.x = x

class OwnError(Exception):
    pass

@task
def make(kind, points, module, own, parts):
    assert isinstance(own, parts["kind"])
    assert parts["added"] == points[1]
    if points[1] == 0:
        raise OwnError
    return kind(points[0].x + points[1] + own.x), module.sqrt(4)

import math
pool = _children.ChildPool()
for added in (1, 0):
    # as an engine of this process stores them, which other processes cannot read
    reference = lambda value: ("value", 0) if value == "added" else None
    points = freeze([[Point(3), "added"]], portable=False, reference=reference)
    own = freeze([Point(5)], portable=False)
    values = (Point, ("shared", 0), math, ("private", 0), ("collection", 0))
    call = Call(values, shared=points, private=own, collections=({"kind": Point, "added": ("value", 0)},))
    outcome = pool.run(make, call, [added], [], key="make-1", site="here", worker="w")
    if added:
        point, root = thaw(outcome.stored[0])
        assert type(point) is Point and point.x == 9 and root == 2, point
assert type(outcome.failure.exception) is OwnError
pool.close()
print("good")
"""


def test_a_script_without_a_guard_and_its_own_classes(tmp_path):
    with run_script(SCRIPT, tmp_path) as process:
        out, err = process.communicate(timeout=DEADLINE_S)
    assert (out, err) == ("good\n", "")


# --- the process, seen from inside ------------------------------------------------------------------------------------


def test_parent_and_process_agree_on_what_tasks_are_kept(no_session, monkeypatch):
    monkeypatch.setattr(_job, "CACHED_TASK", 2000)
    monkeypatch.setattr("dsflow._process.CACHED_TASKS", 2)
    monkeypatch.setattr("dsflow._child.CACHED_TASKS", 2)
    ours, theirs = socket.socketpair()
    served = Server(Channel(theirs))
    server = threading.Thread(target=served.serve, daemon=True)
    child = ChildProcess.__new__(ChildProcess)
    child.__dict__.update(channel=Channel(ours), _tasks=set(), is_ready=False)
    server.start()
    pad = bytes(3000)
    tasks = [task(lambda x, n=n: x + n) for n in range(3)] + [task(lambda x, pad=pad: x + len(pad))]
    pool = ChildPool()
    for number in [*range(4), 0, 0, 3, 3, *random.Random(0).choices(range(4), k=40)]:
        pool.accept(tasks[number])
        job = make_job(tasks[number], call_of(1), (), (), "key", "site", "worker", True, None)
        said = []
        stored, failure, _ = child.perform(job, None, lambda *line: said.append(line))
        assert (stored, failure, said) == ([3001 if number == 3 else 1 + number], None, [])
        assert child._tasks == set(served._tasks)
        assert len(child._tasks) <= 2
    child.channel.close()
    server.join(DEADLINE_S)
    theirs.close()
