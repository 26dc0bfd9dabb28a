"""Law 8: values go when their last Future goes, at once: nothing that a call leaves behind is a cycle of references,
which would hold them until the garbage collector comes by."""

import gc
import time
from pathlib import Path

import numpy as np
import pytest

from dsflow import (
    COLLECTION_INOUT,
    COMMUTATIVE,
    FILE_INOUT,
    INOUT,
    OUT,
    TaskGroup,
    constraint,
    delete_file,
    task,
    wait_on,
    wait_on_file,
)
from dsflow._graph import Node, Version
from tests.dsflow.conftest import only


@task
def add(x, y):
    return x


@task
def nested(x):
    return add(x, 1)


@task(values=INOUT)
def append(values, item):
    values.append(item)


@task(values=COMMUTATIVE)
def collect(values, item):
    values.append(item)


@task(values=COLLECTION_INOUT)
def replace(values):
    values[0] = 1


@task(values=OUT)
def fill(values):
    values.append(1)


@task(path=FILE_INOUT)
def write(path):
    Path(path).write_text("x")


@constraint(cpus=1)
@task
def constrained(x):
    return x


def changes():
    values = []
    for i in range(3):
        append(values, i)
    wait_on(values)


def commutative_changes():
    values = []
    collect(values, 1)
    add(values, 1)
    collect(values, 2)
    wait_on(values)


def collections():
    values = [1, 2]
    replace(values)
    wait_on(values)


def filled():
    values = []
    fill(values)
    wait_on(values)


def files(folder):
    path = folder / "a"
    path.touch()
    write(path)
    wait_on_file(path)
    delete_file(path)


def results():
    wait_on(add(add(1, 2), np.zeros(3)), nested(1), constrained(1))


def groups():
    with TaskGroup("all"):
        add(1, 2)


@only("serial", "threads")
@pytest.mark.parametrize("use", [changes, commutative_changes, collections, filled, files, results, groups])
def test_what_calls_leave_behind_is_no_cycle(engine, use, tmp_path):
    arguments = [tmp_path] if use is files else []
    gc.freeze()  # what is older need not be looked at
    use(*arguments)
    gc.collect()
    gc.disable()
    try:
        before = _count()
        use(*arguments)
        deadline = time.monotonic() + 10
        while _count() > before and time.monotonic() < deadline:
            time.sleep(0.01)  # a thread may be about to let go of what it has run
        assert _count() <= before
    finally:
        gc.enable()
        gc.unfreeze()


def _count():
    return sum(issubclass(type(each), (Node, Version)) for each in gc.get_objects())
