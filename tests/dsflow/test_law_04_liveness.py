"""Law 4: every wait ends or says why it waits."""

import logging
import threading
import time

import pytest

import dsflow._session
from dsflow import task, wait_on
from tests.dsflow.conftest import only
from tests.dsflow.told import wait_for_file


@task
def nap(seconds):
    time.sleep(seconds)
    return seconds


@task
def nap_until(path):
    wait_for_file(path, 60)


@task
def after(x):
    return x


@pytest.fixture
def impatient(monkeypatch, caplog):
    monkeypatch.setattr(dsflow._gates, "PATIENCE_S", 0.05)
    caplog.set_level(logging.WARNING, logger="dsflow")
    return caplog


def _waiting_lines(caplog):
    return [record.getMessage() for record in caplog.records if record.getMessage().startswith("waiting for")]


class _Touch(logging.Handler):
    """Makes a file when a wait has said twice what it waits for, and that this runs."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())
        if len(self.lines) >= 2 and "running" in self.lines[-1]:
            self.path.touch()


@only("threads", "dask", "dask-inproc")
def test_a_long_wait_says_which_task_it_waits_for_and_where_that_is(engine, impatient, tmp_path):
    handler = _Touch(tmp_path / "said")
    logging.getLogger("dsflow").addHandler(handler)
    try:
        wait_on(nap_until(tmp_path / "said"))
    finally:
        logging.getLogger("dsflow").removeHandler(handler)
    lines = _waiting_lines(impatient)
    assert len(lines) >= 2, "it says so again"
    assert "nap" in lines[0]
    assert "test_law_04_liveness.py" in lines[0]
    assert any("running" in line for line in lines)


@only("threads", "dask", "dask-inproc")
def test_a_long_wait_names_the_task_at_the_root_of_it(engine, impatient):
    assert wait_on(after(after(nap(0.3)))) == 0.3
    line = _waiting_lines(impatient)[0]
    assert line.index("after") < line.index("which needs nap")


@only("threads")
def test_a_wait_for_a_task_without_a_slot_says_that_all_are_busy(engine, impatient):
    naps = [nap(0.3) for _ in range(6)]
    assert wait_on(naps[-1]) == 0.3
    assert "all 2 slots are busy" in _waiting_lines(impatient)[0]


@only("threads", "dask", "dask-inproc")
def test_a_wait_for_many_tasks_stays_short(engine, impatient):
    naps = [nap(0.2), *(nap(0.01) for _ in range(30))]
    dsflow.barrier()
    line = _waiting_lines(impatient)[0]
    assert "more" in line
    assert len(line) < 2000
    assert all(future.done() for future in naps)


def test_short_waits_say_nothing(engine, caplog):
    caplog.set_level(logging.WARNING, logger="dsflow")
    wait_on(nap(0.01))
    assert not _waiting_lines(caplog)


@only("threads", "dask", "dask-inproc")
def test_many_threads_may_wait_for_one_task(engine):
    future = nap(0.1)
    results = []
    threads = [threading.Thread(target=lambda: results.append(future.result())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert results == [0.1] * 8


def test_after_its_client_was_closed_a_session_says_so_and_ends(no_session, inproc_client):
    from distributed import Client

    client = Client(inproc_client.cluster.scheduler_address, set_as_default=False)
    session = dsflow.start("dask", client=client)
    assert wait_on(after(1)) == 1
    client.close()
    for future in (after(2), after(3)):
        with pytest.raises(dsflow.EngineError, match=r"after-.*stop\(\) and start anew"):
            future.result(timeout=20)
    ending = threading.Thread(target=dsflow.stop, daemon=True)
    ending.start()
    ending.join(20)
    assert not ending.is_alive()
    assert session.closed


@pytest.mark.slow
def test_a_task_that_asks_for_input_gets_none(no_session):
    @task
    def ask():
        return input("your name? ")

    with dsflow.start("dask", workers=1):
        asked = ask()
        error = asked.exception(timeout=20)
        assert type(error) is EOFError
        assert wait_on(after(1)) == 1
