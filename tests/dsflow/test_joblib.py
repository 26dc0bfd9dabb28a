"""The joblib backend: what joblib promises, and that its calls are tasks of the session."""

import gc
import multiprocessing
import os
import threading
import time
import weakref

import joblib  # noqa: TID251 - it is joblib's side of the door that is tested here
import numpy as np
import pytest

import dsflow
from dsflow import share, task, wait_on
from dsflow._joblib import register_joblib_backend
from dsflow.testing import count_tasks, forbid_compute
from tests.dsflow.conftest import only
from tests.dsflow.told import wait_for_file

Parallel, delayed = joblib.Parallel, joblib.delayed
parallel = only("threads", "dask", "dask-inproc")

MIB = 1 << 20


@pytest.fixture(autouse=True)
def backend():
    register_joblib_backend()
    with joblib.parallel_config(backend="dsflow"):
        yield


@task
def double(x):
    return 2 * x


def square(x):
    return x * x


def nap(seconds, result=None):
    time.sleep(seconds)
    return result


def wait_for(path):
    wait_for_file(path)
    return path


def divide(x, y):
    time.sleep(0.005)
    return x / y


def look(array, *rest):
    """Where an array lies, whether it may be changed, and what it holds."""
    return (os.getpid(), array.ctypes.data), array.flags.writeable, float(array.sum())


def look_inside(holder):
    return look(holder["arrays"][0])


def change(array):
    array += 1
    return array


def calls_in_a_call(n, **options):
    return sum(Parallel(**options)(delayed(square)(k) for k in range(n)))


def tree(depth):
    return 1 if depth == 0 else sum(Parallel(n_jobs=-1)(delayed(tree)(depth - 1) for _ in range(2)))


@task
def task_with_joblib(depth):
    register_joblib_backend()
    with joblib.parallel_config(backend="dsflow"):
        return tree(depth)


def generator_in_a_call(n):
    return list(Parallel(n_jobs=-1, return_as="generator")(delayed(square)(k) for k in range(n)))


def test_calls_are_tasks_and_results_come_in_order(engine):
    with count_tasks() as tasks:
        assert Parallel()(delayed(square)(n) for n in range(100)) == [n * n for n in range(100)]
        assert Parallel(n_jobs=2, pre_dispatch="all", batch_size=10)(delayed(square)(n) for n in range(20))[-1] == 361
    assert set(tasks.by_name) == {"square"}
    assert Parallel()([]) == []


def test_n_jobs_is_the_number_of_slots(engine):
    n_slots = engine.engine.n_slots
    assert joblib.effective_n_jobs() == joblib.effective_n_jobs(-1) == max(2, n_slots)
    assert joblib.effective_n_jobs(100) == max(2, n_slots)
    assert joblib.effective_n_jobs(1) == 1
    with forbid_compute():
        assert Parallel(n_jobs=1)(delayed(square)(n) for n in range(3)) == [0, 1, 4]
    with pytest.raises(ValueError, match="n_jobs == 0"):
        Parallel(n_jobs=0)([delayed(square)(1)])


def test_the_first_call_starts_the_default_session(no_session):
    assert dsflow.active_session() is None
    assert Parallel()(delayed(square)(n) for n in range(3)) == [0, 1, 4]
    assert dsflow.active_session().engine.name == "threads"
    dsflow.stop()


running, most, counting = set(), [0], threading.Lock()


def count_running(n):
    with counting:
        running.add(n)
        most[0] = max(most[0], len(running))
    time.sleep(0.02)
    with counting:
        running.remove(n)


def test_no_more_calls_run_than_n_jobs_though_there_are_more_slots(no_session):
    with dsflow.start("threads", workers=4):
        for n_jobs in (2, -3):
            most[0] = 0
            Parallel(n_jobs=n_jobs)(delayed(count_running)(n) for n in range(12))
            assert most == [2]


def test_the_backend_can_be_named_for_one_call_and_takes_no_unknown_parameter(engine):
    with joblib.parallel_config(backend="threading"):
        assert Parallel(backend="dsflow")(delayed(square)(n) for n in range(3)) == [0, 1, 4]
    with pytest.raises(TypeError, match="slots"):
        joblib.parallel_config(backend="dsflow", slots=3)


# --- what arrives -----------------------------------------------------------------------------------------------------


def test_large_arrays_go_out_once_wherever_they_are_and_arrive_read_only(engine, monkeypatch):
    large, small, put = np.ones(MIB // 8), np.ones(3), []
    monkeypatch.setattr(engine, "put", lambda value: put.append(value) or dsflow.Session.put(engine, value))
    calls = [delayed(look)(large, n) for n in range(10)]
    calls += [delayed(look_inside)({"arrays": [large]}) for n in range(10)]
    seen = Parallel(batch_size=1)(calls)
    assert {(writable, total) for _, writable, total in seen} == {(False, MIB // 8)}
    assert all(value is large for value in put)
    assert not engine.engine.remote or len(put) == 1
    assert engine.engine.remote or {place for place, *_ in seen} == {(os.getpid(), large.ctypes.data)}, "not a copy"
    assert [writable for _, writable, _ in Parallel()(delayed(look)(small) for _ in range(2))] == [True, True]


@only("serial", "threads")
def test_nothing_holds_a_large_array_after_its_calls(engine):
    arrays = [np.ones(MIB // 8) for _ in range(3)]
    Parallel()(delayed(look)(array) for array in arrays)
    references = list(map(weakref.ref, arrays))
    del arrays
    deadline = time.monotonic() + 20
    while any(reference() is not None for reference in references) and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.01)
    assert [reference() for reference in references] == [None] * 3


def test_max_nbytes_decides_what_is_large(engine):
    array = np.zeros(1000)
    with pytest.raises(ValueError, match="read-only") as caught:
        Parallel(max_nbytes=1000)(delayed(change)(array) for _ in range(3))
    assert any("max_nbytes=None" in note for note in caught.value.__notes__)
    changed = Parallel(max_nbytes=None)(delayed(change)(np.zeros(MIB // 8)) for _ in range(2))
    assert [each[-1] for each in changed] == [1, 1]
    assert Parallel()(delayed(change)(array) for _ in range(2))[1][0] == 1
    assert not array.any()


def test_futures_of_tasks_stand_for_their_values(engine):
    shared, of_a_task = share([3]), double(2)
    with pytest.raises(TypeError, match="len"):
        Parallel()(delayed(len)(of_a_task) for _ in range(2))
    assert Parallel()(delayed(len)(shared) for _ in range(2)) == [1, 1]
    assert Parallel()(delayed(sum)([of_a_task, n]) for n in range(2)) == [4, 5]


def test_what_cannot_be_copied_is_an_error_that_names_the_call(engine):
    lock = threading.Lock()
    with pytest.raises(TypeError, match=r"'dsflow': a call of nap cannot be copied.*lock"):
        Parallel()(delayed(nap)(0, lock) for _ in range(3))


# --- failures ---------------------------------------------------------------------------------------------------------


def test_an_error_is_the_users_own_with_its_lines_and_ends_the_calls(engine):
    with count_tasks() as tasks, pytest.raises(ZeroDivisionError) as caught:
        Parallel(batch_size=1)(delayed(divide)(1, y=3 - n) for n in range(1000))
    notes = "\n".join(caught.value.__notes__)
    assert "The call was divide(int, y=int)." in notes
    assert "test_joblib.py" in notes
    assert "return x / y" in notes
    assert "called at " + __file__[-20:] in notes.replace(__file__[:-20], "")
    assert tasks.count < 100
    assert not engine.graph.pending
    dsflow.barrier()


def test_joblib_can_be_used_again_after_an_error(engine):
    with Parallel(n_jobs=-1) as workers:
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                workers(delayed(divide)(1, n) for n in range(10))
            assert workers(delayed(divide)(n, 1) for n in range(10)) == list(range(10))


def test_an_error_of_the_iterable_comes_out(engine):
    def calls():
        yield from (delayed(square)(n) for n in range(10))
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        Parallel()(calls())


@parallel
def test_a_timeout_ends_the_calls(engine):
    start = time.monotonic()
    with pytest.raises(multiprocessing.TimeoutError):
        Parallel(timeout=0.1)(delayed(nap)(0.5) for _ in range(100))
    assert time.monotonic() - start < 5
    assert not engine.graph.pending


# --- generators -------------------------------------------------------------------------------------------------------


def test_generators_give_all_results(engine):
    ordered = Parallel(return_as="generator")(delayed(square)(n) for n in range(20))
    assert next(ordered) == 0
    assert list(ordered) == [n * n for n in range(1, 20)]
    unordered = Parallel(return_as="generator_unordered")(delayed(square)(n) for n in range(20))
    assert sorted(unordered) == [n * n for n in range(20)]


@parallel
def test_an_unordered_generator_gives_first_what_ends_first(engine, tmp_path):
    later = tmp_path / "later"
    results = Parallel(return_as="generator_unordered", batch_size=1)(delayed(wait_for)(p) for p in (later, tmp_path))
    assert next(results) == tmp_path
    later.touch()
    assert list(results) == [later]


@parallel
def test_a_generator_that_is_closed_cancels_its_calls_and_no_others(engine):
    others = Parallel(return_as="generator")(delayed(nap)(0.01, n) for n in range(30))
    results = Parallel(return_as="generator")(delayed(nap)(0.02, n) for n in range(1000))
    assert next(results) == 0
    with pytest.warns(UserWarning, match="cancelled"):
        results.close()
    assert list(others) == list(range(30))
    assert not engine.graph.pending


# --- calls that use joblib themselves ---------------------------------------------------------------------------------


def test_calls_in_calls_stay_in_their_slot_unless_they_ask_for_more(engine):
    with count_tasks() as tasks:
        assert Parallel(batch_size=1)(delayed(calls_in_a_call)(n) for n in range(4)) == [0, 0, 1, 5]
    assert tasks.by_name == {"calls_in_a_call": 4}
    with count_tasks() as tasks:
        assert Parallel()(delayed(calls_in_a_call)(n, n_jobs=-1) for n in range(4)) == [0, 0, 1, 5]
    assert engine.engine.name == "dask" or tasks.by_name["square"] > 2, "on remote workers they are not seen"
    dsflow.barrier()


def test_calls_in_calls_do_not_block_each_other(engine):
    assert Parallel()(delayed(tree)(3) for _ in range(3)) == [8, 8, 8]
    assert wait_on(task_with_joblib(2)) == 4
    with count_tasks() as tasks:
        assert Parallel()(delayed(generator_in_a_call)(3) for _ in range(4)) == [[0, 1, 4]] * 4
    assert "square" not in tasks.by_name, "who takes its time with a generator keeps no one else from running"


def test_an_error_in_a_call_of_a_call_comes_out(engine):
    def outer(n):
        return Parallel(n_jobs=2)(delayed(divide)(k, n) for k in range(3))

    with pytest.raises(ZeroDivisionError):
        Parallel()(delayed(outer)(n) for n in (2, 1, 0))
    dsflow.barrier()


# --- scikit-learn -----------------------------------------------------------------------------------------------------


def test_scikit_learn_gives_the_same_on_tasks(engine):
    from sklearn.datasets import load_iris
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import GridSearchCV, cross_val_score

    X, y = load_iris(return_X_y=True)
    forest = RandomForestClassifier(6, max_depth=2, random_state=0)
    search = GridSearchCV(forest, {"max_depth": [1, 3]}, cv=2)

    def results():
        search.fit(X, y)
        scores = [search.cv_results_["mean_test_score"], cross_val_score(forest, X, y, cv=3)]
        return [*scores, forest.fit(X, y).feature_importances_, forest.predict_proba(X)]

    with count_tasks() as tasks:
        found = results()
    assert {"_fit_and_score", "_parallel_build_trees"} <= tasks.by_name.keys()
    with joblib.parallel_config(backend="threading", n_jobs=1), forbid_compute():
        expected = results()
    for value, reference in zip(found, expected, strict=True):
        np.testing.assert_allclose(value, reference)
