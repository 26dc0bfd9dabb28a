"""The simulation: exact answers for small graphs, and bounds for all; `test_workload` compares it with real runs."""

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsflow.observe import find_critical_path, simulate
from dsflow.observe.workload import Input, Step, Work, Workload

MEGABYTE = 1e6


def work(key, seconds, *reads, n_bytes=MEGABYTE, **options):
    """A task that calls none; each of its inputs is of the same size."""
    return Work(key, (Step(seconds),), tuple(Input(source, n_bytes) for source in reads), **options)


def load(*tasks, **options):
    """All tasks are called at once."""
    return Workload({each.key: each for each in tasks}, tuple(Step(calls=each.key) for each in tasks), **options)


CHAIN = load(work("a", 1), work("b", 2, "a"), work("c", 3, "b"))
INDEPENDENT = load(*(work(f"t{k}", 1) for k in range(8)))
FORK = load(work("a", 1), *(work(f"b{k}", 2, "a") for k in range(4)), work("c", 1, *(f"b{k}" for k in range(4))))


# --- small graphs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_workers", [1, 2, 1000])
def test_a_chain_takes_the_sum_whatever_the_number_of_workers(n_workers):
    prediction = simulate(CHAIN, n_workers)
    assert prediction.makespan_s == 6
    assert prediction.busy_s == 6
    assert prediction.utilisation == pytest.approx(1 / n_workers)
    assert prediction.bytes_moved == 0


@pytest.mark.parametrize(("n_workers", "makespan_s"), [(1, 8), (2, 4), (3, 3), (8, 1), (10**12, 1)])
def test_independent_tasks_are_divided(n_workers, makespan_s):
    prediction = simulate(INDEPENDENT, n_workers)
    assert prediction.makespan_s == makespan_s
    assert prediction.n_workers == n_workers
    assert prediction.utilisation == pytest.approx(8 / makespan_s / n_workers)


@pytest.mark.parametrize(("n_workers", "makespan_s"), [(1, 10), (2, 6), (4, 4)])
def test_a_fork_and_its_join_wait_for_each_other(n_workers, makespan_s):
    assert simulate(FORK, n_workers).makespan_s == makespan_s


def test_nothing_to_do_takes_no_time():
    prediction = simulate(load(), 3)
    assert (prediction.makespan_s, prediction.utilisation) == (0, 0)


def test_overhead_is_for_each_task():
    assert simulate(CHAIN, 1, overhead_s=0.5).makespan_s == 7.5
    assert simulate(load(work("a", 1), overhead_s=0.25), 1).makespan_s == 1.25
    assert simulate(load(work("a", 1), overhead_s=0.25), 1, overhead_s=0).makespan_s == 1


def test_tasks_of_a_higher_priority_go_first():
    tasks = [work("long", 4), work("a", 1), work("b", 1)]
    assert simulate(load(*tasks, work("last", 4)), 2).makespan_s == 6
    assert simulate(load(*tasks, work("last", 4, priority=1)), 2).makespan_s == 5


def test_a_worker_goes_on_with_what_it_has_made_ready_unless_something_has_a_higher_priority():
    tasks = [work("a", 1), work("long", 2), work("follower", 1, "a")]
    for priority, makespan_s in ((0, 6), (1, 5)):
        every = {each.key: each for each in [*tasks, work("queued", 4, priority=priority)]}
        main = (*(Step(calls=each.key) for each in tasks), Step(0.5, calls="queued"))
        assert simulate(Workload(every, main), 2).makespan_s == makespan_s


def test_a_task_of_several_slots_waits_for_all_of_them():
    wide = load(work("a", 1), work("b", 3), work("wide", 2, slots=2), work("c", 1))
    prediction = simulate(wide, 2)
    assert prediction.makespan_s == 6
    assert prediction.busy_s == 1 + 3 + 2 * 2 + 1


# --- data -------------------------------------------------------------------------------------------------------------


def test_inputs_come_from_other_workers_at_the_bandwidth_and_after_the_latency():
    pair = load(work("a", 1), work("b", 1), work("c", 1, "a", "b", n_bytes=2 * MEGABYTE))
    prediction = simulate(pair, 2, MEGABYTE, latency_s=0.5)
    assert prediction.makespan_s == 1 + 0.5 + 2 + 1
    assert prediction.transfer_s == 2.5
    assert prediction.bytes_moved == 2 * MEGABYTE
    assert simulate(pair, 1, MEGABYTE, latency_s=0.5).makespan_s == 3
    assert simulate(pair, 1, MEGABYTE, latency_s=0.5).bytes_moved == 0


def test_what_a_worker_has_got_it_keeps():
    readers = load(work("a", 1), work("b", 1), *(work(f"c{k}", 1, "a", "b") for k in range(6)))
    assert simulate(readers, 2, MEGABYTE).bytes_moved == 2 * MEGABYTE


def test_arguments_come_with_each_call_and_shared_values_once_for_each_worker():
    own = load(*(work(f"t{k}", 1, own_bytes=MEGABYTE) for k in range(4)))
    assert simulate(own, 1, MEGABYTE).makespan_s == 8
    shared = load(*(work(f"t{k}", 1, "value 0 of main") for k in range(4)))
    assert simulate(shared, 1, MEGABYTE).makespan_s == 5
    assert simulate(shared, 2, MEGABYTE).bytes_moved == 2 * MEGABYTE


@pytest.mark.parametrize("bandwidth", [1.0, 1e12])
def test_a_task_goes_to_the_idle_worker_that_holds_most_of_its_inputs(bandwidth):
    tasks = [work("small", 2), work("large", 1), work("rest", 2)]
    reader = Work("reader", (Step(1),), (Input("small", 1), Input("large", 100)))
    assert simulate(load(*tasks, reader), 3, bandwidth).bytes_moved == 1


def test_it_pays_to_wait_for_a_busy_worker_that_holds_a_large_input():
    tasks = [work("make", 1), work("other", 1), work("one", 2, "make"), work("two", 1, "make")]
    quick, slow = simulate(load(*tasks), 2, 10 * MEGABYTE), simulate(load(*tasks), 2, MEGABYTE / 10)
    assert (quick.makespan_s, quick.bytes_moved) == (3, MEGABYTE)
    assert (slow.makespan_s, slow.bytes_moved) == (4, 0)


def test_it_pays_only_as_long_as_the_queue_of_that_worker_is_short():
    readers = [work(f"r{k}", 2, "make") for k in range(9)]
    prediction = simulate(load(work("make", 1), *readers), 2, MEGABYTE / 10)
    assert (prediction.makespan_s, prediction.bytes_moved, prediction.transfer_s) == (15, MEGABYTE, 10)


def test_latency_alone_decides_too():
    tasks = {"a": work("a", 1), "b": work("b", 1), "c": work("c", 1, "b", n_bytes=0)}
    main = (Step(calls="a"), Step(calls="b"), Step(2, calls="c"))
    assert simulate(Workload(tasks, main), 2, latency_s=1.0).makespan_s == 3


def test_inputs_are_waited_for_together():
    assert simulate(load(work("a", 1, "value 0", "value 1")), 1, MEGABYTE, latency_s=0.5).makespan_s == 3.5


# --- callers ----------------------------------------------------------------------------------------------------------


def test_the_main_program_waits_where_it_has_waited():
    tasks = {key: work(key, 1) for key in "abcd"}
    main = (Step(calls="a"), Step(calls="b"), Step(0.5, ("a", "b"), 0.25, "c"), Step(calls="d"))
    assert simulate(Workload(tasks, main), 1).makespan_s == 4.25
    assert simulate(Workload(tasks, main), 4).makespan_s == 2.25


def test_a_task_that_waits_for_those_it_has_called_lends_its_slot():
    parent = Work("parent", (Step(1, calls="a"), Step(calls="b"), Step(0, ("a", "b"), 1)))
    tasks = {"parent": parent, "a": work("a", 2), "b": work("b", 2)}
    main = (Step(calls="parent"),)
    assert simulate(Workload(tasks, main), 1).makespan_s == 6
    assert simulate(Workload(tasks, main), 2).makespan_s == 4
    assert simulate(Workload(tasks, main), 1).utilisation == 1


# --- laws -------------------------------------------------------------------------------------------------------------


@st.composite
def loads(draw):
    seconds = draw(st.lists(st.integers(1, 20), min_size=1, max_size=25))
    tasks = []
    for nth, each in enumerate(seconds):
        makers = draw(st.sets(st.integers(0, nth - 1), max_size=3)) if nth else ()
        priority = draw(st.integers(0, 1))
        tasks.append(work(f"t{nth}", each, *(f"t{maker}" for maker in sorted(makers)), priority=priority))
    return load(*tasks)


@settings(max_examples=150, deadline=None)
@given(loads(), st.integers(1, 8))
def test_no_run_is_quicker_than_possible_nor_slower_than_grahams_bound(workload, n_workers):
    prediction = simulate(workload, n_workers)
    least_s = max(find_critical_path(workload), workload.seconds / n_workers)
    assert least_s - 1e-9 <= prediction.makespan_s <= (2 - 1 / n_workers) * least_s + 1e-9
    assert prediction.busy_s == pytest.approx(workload.seconds)


@settings(max_examples=100, deadline=None)
@given(loads(), st.integers(1, 8), st.sampled_from([1e5, 1e6, 1e9]), st.sampled_from([0.0, 0.5]))
def test_transfers_neither_lose_tasks_nor_change_from_run_to_run(workload, n_workers, bandwidth, latency_s):
    prediction = simulate(workload, n_workers, bandwidth, latency_s=latency_s)
    assert prediction == simulate(workload, n_workers, bandwidth, latency_s=latency_s)
    assert prediction.makespan_s >= max(find_critical_path(workload), workload.seconds / n_workers) - 1e-9
    assert prediction.busy_s == pytest.approx(workload.seconds)
    n_inputs = sum(len(each.inputs) for each in workload.tasks.values())
    assert prediction.bytes_moved <= n_inputs * MEGABYTE
    assert prediction.transfer_s >= prediction.bytes_moved / bandwidth - 1e-9
    if n_workers == 1:
        assert prediction.bytes_moved == 0


def seconds_to_simulate(n_tasks, n_workers):
    tasks = [work(f"t{k}", 1 + k % 7, *([f"t{k - 997}"] if k > 997 else []), "value 0 of main") for k in range(n_tasks)]
    workload = load(*tasks)
    start = time.perf_counter()
    simulate(workload, n_workers, 1e9, latency_s=1e-4)
    return time.perf_counter() - start


def test_the_cost_of_a_task_does_not_grow_with_the_number_of_workers():
    seconds_to_simulate(1000, 10)
    assert seconds_to_simulate(5000, 1000) < 10 * seconds_to_simulate(5000, 10)


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((0,), {}, "0 workers cannot run anything; give 1 or more"),
        ((1, 0.0), {}, "moves nothing; give more than 0"),
        ((1, math.nan), {}, "moves nothing"),
        ((1,), {"latency_s": -1.0}, "are to be 0 or more"),
        ((1,), {"overhead_s": math.nan}, "are to be 0 or more"),
        ((2,), {}, "wide needs 3 slots at a time; give 3 workers or more"),
    ],
)
def test_numbers_that_make_no_sense_are_errors(arguments, options, words):
    with pytest.raises(ValueError, match=words):
        simulate(load(work("wide", 1, slots=3)), *arguments, **options)


def test_tasks_that_wait_for_each_other_are_an_error():
    with pytest.raises(ValueError, match="waits for tasks that wait for it"):
        simulate(load(work("a", 1, "b"), work("b", 1, "a")), 1)
