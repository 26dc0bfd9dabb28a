"""What computing takes is known before anything runs, and refused if it cannot fit."""

import numpy as np
import pytest

import dsarray as ds
import dsflow


@pytest.fixture
def budget():
    """Sessions with a budget, in place of that of the module."""
    dsflow.stop()
    yield lambda memory, **how: dsflow.start("threads", workers=2, memory=memory, **how)
    if dsflow.active_session() is not None:
        dsflow.stop()
    dsflow.start("serial")


def test_a_chain_and_its_reduction_are_one_task_a_block(tasks):
    x = ds.random_array((1000, 100), block_size=250, random_state=0)
    plan = ((x - 1) * 2).sum().explain()
    assert tasks.n == 0
    assert plan.n_tasks == 5
    assert plan.result_bytes == plan.made_bytes == 8
    assert plan.task_bytes == 2 * 250 * 100 * 8
    assert plan.read_bytes == 0
    assert "5 tasks" in str(plan)
    assert "(partial)" in str(plan)


def test_the_plan_is_what_runs(tasks):
    x = ds.random_array((100, 100), block_size=(30, 40), random_state=0)
    for made in (x + 1, x.T @ x, (x - x.mean(axis=0)) / x.std(axis=0), x.sum(axis=1), x[::-1], x.rechunk(17)):
        n_planned = made.explain().n_tasks
        before = tasks.n
        made.collect()
        assert tasks.n - before == n_planned
        assert made.explain().n_tasks == 0
        assert made.explain().task_bytes == 0


def test_what_is_read_is_counted(tmp_path):
    ds.to_zarr(ds.random_array((1000, 10), block_size=100, random_state=0), tmp_path / "x")
    stored = ds.from_zarr(tmp_path / "x", block_size=100)
    assert stored.sum().explain().read_bytes == stored.nbytes
    assert stored[:250].sum().explain().read_bytes == 250 * 80


def test_memory_is_that_of_what_lives_at_one_moment():
    x = ds.array(np.zeros((100, 100)))
    long = x
    for _ in range(20):
        long = long + 1
    assert long.explain().task_bytes == 2 * x.nbytes
    assert (x + (x + 1)).explain().task_bytes == 3 * x.nbytes


def test_what_cannot_fit_is_refused_before_it_starts(budget):
    with budget("10 MiB") as session:
        x = ds.random_array((10_000, 1000), block_size=5000)
        with pytest.raises(MemoryError, match=r"a task needs \d{8} bytes, 2 at a time, but the session has 10485760"):
            (x + 1).sum().collect()
        assert not session.graph.pending
        assert 0.49 < float((ds.random_array((10_000, 1000), block_size=100) * 1).mean()) < 0.51


def test_blocks_that_nobody_has_chosen_fit_the_memory(budget):
    with budget("16 MiB"):
        x = ds.random_array((4000, 1000), random_state=0)
        assert max(x.block_shape[0] * 8000, 0) <= (16 << 20) // 32
        assert 0.49 < float(((x - x.mean(axis=0)) ** 2).sum() / x.size * 6) < 0.51


def test_blocks_are_as_many_as_slots(budget):
    dsflow.start("threads", workers=40)
    assert ds.zeros((8000, 4000)).n_blocks == 80


def test_sizes_are_told_in_words():
    x = ds.random_array((2000, 2000), block_size=1000)
    text = str((x @ x).explain())
    assert "30.5 MiB" in text
    assert "0 B from files" in text


def test_the_tasks_are_drawn_without_running_them(tasks, tmp_path):
    x = ds.random_array((100, 100), block_size=(30, 40), random_state=0)
    y = (x - x.mean(axis=0)) @ x.T
    picture = y.visualize(tmp_path / "plan.svg")
    assert tasks.n == 0
    assert f"{y.explain().n_tasks} tasks" in picture.svg
    assert (tmp_path / "plan.svg").read_text() == picture.svg == picture._repr_svg_()
    assert "subtract" in picture.svg
    y.collect()
    assert "0 tasks" in y.visualize().svg
