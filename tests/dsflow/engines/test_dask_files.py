"""Stored files travel between the processes of a cluster, and go with the last who needs them."""

import gc
import os
import random
import time
from pathlib import Path

from distributed import get_worker

from dsflow._blobs import StoredDirectory, StoredFile
from tests.dsflow.conftest import only

CONTENT = random.Random(0).randbytes(300_000)  # the same in all processes


def read(stored, *_):
    with stored.open() as file:
        return len(file.read()), os.getpid()


def write():
    path = Path(get_worker().local_directory) / "made"
    path.write_bytes(CONTENT)
    return StoredFile.taken(path)


def n_blobs(dask_worker):
    return len([path for path in Path(dask_worker.local_directory).rglob("dsflow-files-*/*") if path.is_file()])


def comes_true(condition, deadline_s=20):
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            return False
        gc.collect()
        time.sleep(0.02)
    return True


@only("dask")
def test_a_file_goes_to_a_worker_and_on_to_another_and_back(engine, tmp_path):
    from dsflow import task, wait_on

    wait_on([task(time.sleep)(0.05) for _ in range(6)])  # each worker knows of the session
    client = engine.engine.client
    (tmp_path / "data").write_bytes(CONTENT)
    addresses = list(client.nthreads())
    given = client.submit(lambda stored: stored, StoredFile.of(tmp_path / "data"), workers=addresses[:1])
    made = client.submit(write, workers=addresses[1:], pure=False)
    reads = [client.submit(read, each, at, workers=[at]) for each in (given, made) for at in addresses]
    assert {size for size, _ in client.gather(reads)} == {300_000}
    assert len({pid for _, pid in client.gather(reads)}) == 2
    for each in (given, made):
        back = each.result()
        back.write_to(tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == CONTENT
    # Dask drops all but one copy of a value that was moved, once every 2 s: then one of the processes may have none
    assert max(client.run(n_blobs).values()) == 1, "equal contents are kept once in a process"
    del given, made, reads, each, back
    assert comes_true(lambda: sum(client.run(n_blobs).values()) == 0), client.run(n_blobs)


@only("dask")
def test_a_directory_goes_to_a_worker_and_back(engine, tmp_path):
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "folder" / "inner" / "data").write_bytes(CONTENT)
    client = engine.engine.client
    stored = client.submit(lambda stored: stored, StoredDirectory.of(tmp_path / "folder"), pure=False).result()
    stored.write_to(tmp_path / "back")
    assert (tmp_path / "back" / "inner" / "data").read_bytes() == CONTENT


def test_dask_knows_that_the_content_is_on_disk(tmp_path):
    from dask.sizeof import sizeof

    import dsflow.engines.dask  # noqa: F401 - it registers them

    (tmp_path / "data").write_bytes(CONTENT)
    assert sizeof(StoredFile.of(tmp_path / "data")) < 10_000
