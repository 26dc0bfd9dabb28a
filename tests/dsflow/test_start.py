"""start(), stop() and the session."""

import logging
import threading

import pytest

import dsflow
from dsflow import task, wait_on
from dsflow._resources import parse_memory
from dsflow._start import Choice, override


@task
def thread_name():
    return threading.current_thread().name


@task
def identity(x):
    return x


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"engine": "spark"}, r"engine='spark' is not known; choose one of serial, threads, dask"),
        ({"workers": 0}, "workers=0 is not a number of at least 1"),
        ({"workers": True}, "workers=True"),
        ({"workers": 2.0}, r"workers=2\.0"),
        ({"threads_per_worker": -1}, "threads_per_worker=-1"),
        ({"memory": "a lot"}, "memory='a lot' is not an amount"),
        ({"memory": 0}, "memory=0"),
        ({"memory": -5}, "memory=-5"),
        ({"memory": "0 GiB"}, "memory='0 GiB'"),
        ({"engine": "threads", "client": object()}, "client= goes with engine='dask'"),
        ({"engine": "dask", "client": object(), "workers": 2}, "workers= is for clusters started here"),
        ({"engine": ""}, "engine=''"),
        ({"engine": "threads", "threads_per_worker": 2}, "threads_per_worker= goes with engine='dask'"),
        ({"engine": "serial", "threads_per_worker": 1}, "threads_per_worker= goes with engine='dask'"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_and_starts_nothing(no_session, kwargs, words):
    with pytest.raises(ValueError, match=f"start: .*{words}"):
        dsflow.start(**{"engine": "serial", **kwargs} if "client" not in kwargs else kwargs)
    assert dsflow.active_session() is None


@pytest.mark.parametrize("client", ["tcp://127.0.0.1:8786", object()])
def test_a_client_that_is_none_is_refused_and_starts_nothing(no_session, client):
    with pytest.raises(TypeError, match=r"client=.* is not a synchronous distributed\.Client"):
        dsflow.start("dask", client=client)
    assert dsflow.active_session() is None


@pytest.mark.parametrize(
    ("memory", "expected"),
    [
        (123, 123), ("123", 123), ("2 GiB", 2 * 2**30), ("500MB", 500 * 10**6), (" 1.5 kib ", 1536), ("2g", 2 * 10**9),
        ("1 TiB", 2**40), ("7 b", 7),
    ],
)  # fmt: skip
def test_memory_is_read_with_its_unit(memory, expected):
    assert parse_memory(memory) == expected


def test_the_session_knows_its_memory(no_session):
    with dsflow.start("serial", memory="2 KiB") as session:
        assert session.memory_bytes == 2048
    with dsflow.start("serial") as session:
        assert session.memory_bytes is None


@pytest.mark.parametrize("workers", [1, 3])
def test_threads_has_as_many_slots_as_workers(no_session, workers):
    with dsflow.start("threads", workers=workers) as session:
        assert session.engine.n_slots == workers


def test_a_second_start_is_an_error_and_the_first_session_goes_on(engine):
    with pytest.raises(dsflow.SessionError, match=rf"engine '{engine.engine.name}'.*call dsflow\.stop\(\) first"):
        dsflow.start("serial")
    assert dsflow.active_session() is engine
    assert wait_on(identity(1)) == 1


def test_stop_ends_the_session_and_waits_for_calls(no_session):
    session = dsflow.start("threads", workers=1)
    futures = [identity(n) for n in range(20)]
    dsflow.stop()
    assert dsflow.active_session() is None
    assert session.closed
    assert all(future.done() for future in futures)
    dsflow.stop()


def test_the_with_form_stops_also_after_an_error(no_session):
    with dsflow.start("serial") as session:
        assert dsflow.active_session() is session
    assert dsflow.active_session() is None
    with pytest.raises(KeyError), dsflow.start("threads", workers=1):
        {}["missing"]
    assert dsflow.active_session() is None


def test_the_with_form_leaves_a_later_session_alone(no_session):
    first = dsflow.start("serial")
    with first:
        dsflow.stop()
        second = dsflow.start("serial")
    assert dsflow.active_session() is second
    dsflow.stop()


def test_the_first_call_starts_threads_if_nothing_was_started(no_session):
    assert wait_on(identity(1)) == 1
    session = dsflow.active_session()
    assert session is not None
    assert session.engine.name == "threads"
    dsflow.stop()


@pytest.mark.parametrize("make", [lambda: dsflow.start(), lambda: identity(1)])
def test_the_active_dask_client_is_adopted_and_left_open(no_session, inproc_client, make):
    with inproc_client.as_current():
        make()
        session = dsflow.active_session()
        assert session.engine.name == "dask"
        assert wait_on(identity(1)) == 1
        dsflow.stop()
    assert inproc_client.status == "running"
    assert inproc_client.submit(lambda: 5).result(timeout=20) == 5


def test_one_log_line_says_which_engine_and_why(no_session, caplog):
    with caplog.at_level(logging.INFO, logger="dsflow"):
        with dsflow.start("serial"):
            pass
        with dsflow.start():
            pass
    lines = [record.getMessage() for record in caplog.records if "engine" in record.getMessage()]
    assert len(lines) == 2
    assert "'serial'" in lines[0]
    assert "as asked" in lines[0]
    assert "'threads'" in lines[1]
    assert "default" in lines[1]


def test_the_command_line_goes_before_the_argument(no_session):
    override(Choice(engine="serial"))
    try:
        with dsflow.start("threads", workers=2) as session:
            assert session.engine.name == "serial"
    finally:
        override(Choice())


def test_serial_runs_in_the_calling_thread(no_session):
    with dsflow.start("serial"):
        assert wait_on(thread_name()) == threading.current_thread().name


def test_the_session_shows_its_state(no_session):
    with dsflow.start("threads", workers=2) as session:
        assert repr(session) == "<Session: engine 'threads', 2 slots, 0 tasks pending>"
    assert repr(session) == "<Session: engine 'threads', 2 slots, ended>"


def test_without_a_session_waiting_does_nothing(no_session):
    values = [1]
    assert wait_on(values) is values
    dsflow.barrier()
    assert dsflow.active_session() is None


def test_engines_that_cannot_start_leave_no_session(no_session, monkeypatch):
    import dsflow.engines.serial as serial

    def refuse(session):
        raise OSError("no room")

    monkeypatch.setattr(serial, "SerialEngine", refuse)
    with pytest.raises(OSError, match="no room"):
        dsflow.start("serial")
    assert dsflow.active_session() is None


def test_a_session_started_in_one_thread_serves_the_others(engine):
    results = []
    threads = [threading.Thread(target=lambda n=n: results.append(wait_on(identity(n)))) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(results) == [0, 1, 2, 3]
