"""What a machine has, as a place for tasks."""

import os
import subprocess
import sys

import pytest

import dsflow
from dsflow.engines import _machine
from dsflow.engines._machine import this_machine

PHYSICAL = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize(("engine", "cpus"), [("serial", os.cpu_count()), ("threads", 3)])
def test_an_engine_of_this_process_has_one_place(engine, cpus, no_session):
    with dsflow.start(engine, workers=3) as session:
        (place,) = session.engine.places()
        assert place.cpus == cpus
        assert 0 < place.memory_bytes <= PHYSICAL
    with dsflow.start(engine, workers=3, memory="1 GiB", labels=["ssd"]) as session:
        (place,) = session.engine.places()
        assert place.memory_bytes == 2**30
        assert place.labels == {"ssd"}


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_memory_of_a_control_group_is_what_there_is(tmp_path):
    assert _machine._memory_bytes(tmp_path) == PHYSICAL
    _write(tmp_path / "proc/self/cgroup", "0::/outer/inner\n")
    _write(tmp_path / "sys/fs/cgroup/outer/inner/memory.max", "max\n")
    assert _machine._memory_bytes(tmp_path) == PHYSICAL
    _write(tmp_path / "sys/fs/cgroup/outer/memory.max", "1000000\n")
    assert _machine._memory_bytes(tmp_path) == 1_000_000
    _write(tmp_path / "sys/fs/cgroup/memory.max", "500000\n")
    assert _machine._memory_bytes(tmp_path) == 500_000


def test_a_control_group_of_the_first_version_counts_too(tmp_path):
    _write(tmp_path / "proc/self/cgroup", "5:cpu:/a\n4:memory:/job\n")
    _write(tmp_path / "sys/fs/cgroup/memory/memory.limit_in_bytes", f"{2**63 - 4096}\n")
    assert _machine._memory_bytes(tmp_path) == PHYSICAL
    _write(tmp_path / "sys/fs/cgroup/memory/job/memory.limit_in_bytes", "700000\n")
    assert _machine._memory_bytes(tmp_path) == 700_000


def test_gpus_are_those_that_cuda_may_see(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for name in ("nvidia3", "nvidia0", "nvidiactl", "nvidia-uvm", "sda1"):
        (tmp_path / name).touch()
    assert list(_machine._gpus(tmp_path)) == ["0", "1"]
    for visible, gpus in [("", []), ("2", ["2"]), ("GPU-1f, 0", ["GPU-1f", "0"]), ("1,-1,2", ["1"])]:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert list(_machine._gpus(tmp_path)) == gpus


def test_the_user_may_say_how_many_gpus_there_are(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5")
    assert this_machine(1, None, ()).gpus == ("4", "5")
    assert this_machine(1, None, (), 1).gpus == ("4",)
    assert this_machine(1, None, (), 0).gpus == ()


PROGRAM = """
import numpy, sys, dsflow
from threadpoolctl import threadpool_info

@dsflow.task
def load():
    import sklearn.cluster  # has OpenMP

@dsflow.task
def plain():
    return limits()

@dsflow.constraint(cpus=2)
@dsflow.task
def half():
    return limits()

@dsflow.constraint(cpus=4)
@dsflow.task
def whole():
    return limits()

@dsflow.constraint(cpus=2)
@dsflow.task(killable=True)
def apart():
    import sklearn.cluster
    return limits()

def limits():
    return dict(sorted((info["user_api"], info["num_threads"]) for info in threadpool_info()))

before = limits()["blas"]
with dsflow.start("threads", workers=4):
    dsflow.wait_on(load())
    for function in (plain, half, whole, plain, apart):
        print(function.name, dsflow.wait_on(function()))
print("restored", limits()["blas"] == before)
"""


@pytest.mark.slow
def test_libraries_use_as_many_threads_as_a_task_has_cpus(tmp_path):
    cores = os.cpu_count() or 1
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    command = [sys.executable, path]  # Dask's nannies have set these for all libraries in the process of the tests
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=environment)
    each = max(1, cores // 4)
    assert done.stdout.splitlines() == [
        f"plain {{'blas': {each}, 'openmp': {each}}}",
        f"half {{'blas': {each}, 'openmp': {2 * each}}}",
        f"whole {{'blas': {4 * each}, 'openmp': {4 * each}}}",
        f"plain {{'blas': {each}, 'openmp': {each}}}",
        "apart {'blas': 2, 'openmp': 2}",
        "restored True",
    ], done.stderr
