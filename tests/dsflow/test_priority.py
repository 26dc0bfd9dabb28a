"""Priority: of the tasks that could run the most important goes first; among equals, the one that came first."""

import random
import statistics
import threading
import time
from types import SimpleNamespace

import pytest

import dsflow
from dsflow import task, wait_on
from dsflow.engines._queue import ReadyQueue
from tests.dsflow import stage as staging
from tests.dsflow.stage import DEADLINE_S, add, block, note, stage

clean = staging.clean


def noting(priority):
    return task(priority=priority)(note.__wrapped__)


@pytest.fixture
def one_thread(no_session):
    """A session with one slot, which is taken until the test says so."""
    with dsflow.start("threads", workers=1) as session:
        busy = block()
        stage.wait_until_started()
        yield session
        stage.unblock()
        wait_on(busy)


def finish(futures):
    stage.unblock()
    wait_on(futures)
    return [event for event in stage.events if event != "unblocked"]


def test_tasks_run_by_priority_and_then_in_order(one_thread):
    priorities = [0, 3, -1, 0, 3, 100, -1, True, 2]
    futures = [noting(priority)(n) for n, priority in enumerate(priorities)]
    order = sorted(range(len(priorities)), key=lambda n: (-priorities[n], n))
    assert finish(futures) == order == [5, 1, 4, 8, 7, 0, 3, 2, 6]


def test_what_becomes_ready_later_goes_before_what_is_less_important(one_thread):
    root = note("root")
    futures = [note("plain"), noting(1)("important", root), noting(-1)("unimportant", root)]
    assert finish(futures) == ["root", "important", "plain", "unimportant"]


def test_a_thread_goes_on_with_what_it_has_made_ready_only_if_nothing_is_more_important(one_thread):
    @task
    def add_work():
        return [noting(1)("more important"), note("root")]

    root = noting(5)("root")
    futures = [noting(2)("more important"), note("follows", root)]
    assert finish(futures) == ["root", "more important", "follows"]


def test_priorities_do_not_matter_to_results(no_session):
    numbers = random.Random(0)
    for engine in ("serial", "threads"):
        with dsflow.start(engine, workers=2):
            total = 0
            for n in range(200):
                total = task(priority=numbers.randrange(-3, 3))(add.__wrapped__)(total, n)
            assert wait_on(total) == sum(range(200))


# --- the queue -------------------------------------------------------------------------------------------------------


def node_of(priority):
    return SimpleNamespace(options=SimpleNamespace(priority=priority), settled=False)


def test_the_queue_gives_what_sorting_gives():
    for seed in range(50):
        numbers = random.Random(seed)
        queue, model = ReadyQueue(), []
        for number in range(300):
            action = numbers.choice(["put", "put", "put_first", "take", "settle"])
            if action in ("put", "put_first"):
                node = node_of(numbers.choice([0, 0, 0, 1, 2, -1, numbers.randrange(-50, 50)]))
                place = number if action == "put" else -number
                queue.extend([node]) if action == "put" else queue.put_first(node)
                model.append((-node.options.priority, place, id(node), node))
            elif action == "take":
                model.sort()
                expected = model.pop(0)[-1] if model else None
                assert queue.take() is expected
            elif model:
                node = model.pop(numbers.randrange(len(model)))[-1]
                node.settled = True
                queue.forget(1)
            if model:
                node = numbers.choice(model)[-1]
                assert queue.n_ahead(node) >= sorted(model).index(next(m for m in model if m[-1] is node))
                assert queue.goes_before(node) or node.options.priority >= max(-m[0] for m in model)
        model.sort()
        assert [queue.take() for _ in model] == [m[-1] for m in model]
        assert queue.take() is None
        assert len(queue) == 0


def test_settled_nodes_are_not_kept():
    queue = ReadyQueue()
    nodes = [node_of(n % 3) for n in range(3000)]
    queue.extend(nodes)
    for node in nodes[:-10]:
        node.settled = True
        queue.forget(1)
    assert len(queue) < 1500
    left = sorted(nodes[-10:], key=lambda node: -node.options.priority)
    assert [queue.take() for _ in range(10)] == left
    assert queue.take() is None


def test_an_empty_queue_knows_no_node():
    queue = ReadyQueue()
    assert queue.n_ahead(node_of(0)) is None
    queue.extend([node_of(1)])
    queue.clear()
    assert queue.take() is None


@pytest.mark.parametrize("n_priorities", [1, 2000])
def test_a_node_costs_the_same_among_few_and_many(n_priorities):
    numbers = random.Random(0)

    def duration(n):
        queue = ReadyQueue()
        queue.extend([node_of(numbers.randrange(n_priorities)) for _ in range(n)])
        durations = []
        for _ in range(100):
            nodes = [node_of(numbers.randrange(n_priorities)) for _ in range(20)]
            start = time.perf_counter()
            for node in nodes:
                queue.extend([node])
                queue.take()
            durations.append(time.perf_counter() - start)
        return statistics.median(durations)

    few = min(duration(100) for _ in range(3))
    many = min(duration(20_000) for _ in range(3))
    assert many < 4 * few


def test_threads_may_call_tasks_of_many_priorities_at_once(no_session):
    with dsflow.start("threads", workers=2):
        results = []

        def call(seed):
            numbers = random.Random(seed)
            futures = [noting(numbers.randrange(-5, 5))((seed, n)) for n in range(200)]
            results.append(wait_on(futures))

        threads = [threading.Thread(target=call, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE_S)
        assert sorted(map(tuple, results)) == [tuple((seed, n) for n in range(200)) for seed in range(4)]
