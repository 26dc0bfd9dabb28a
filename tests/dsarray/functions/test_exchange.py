import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsarray._cell import Cell, Value
from dsarray.functions import _exchange
from tests.dsarray.strategies import modest


def runs_of(*arrays):
    """Runs of values that stand in order, accompanied by the number of their run."""
    cells = [Cell(Value((np.array(each), np.full(len(each), i)))) for i, each in enumerate(arrays)]
    return _exchange.Runs(tuple(cells), tuple(map(len, arrays)))


def selected(runs, ranges):
    return [cell.future.result() for cell in _exchange.select_ranks(runs, ranges, len(ranges))]


@modest
@given(
    arrays=st.lists(st.lists(st.integers(0, 5), max_size=40).map(sorted), min_size=1, max_size=5),
    samples=st.sampled_from([1, 2, 32]),
    data=st.data(),
)
def test_ranges_of_ranks_are_those_of_a_stable_sort(arrays, samples, data):
    arrays = [np.array(each, dtype=int) for each in arrays]
    values, owners = np.concatenate(arrays), np.repeat(np.arange(len(arrays)), [len(each) for each in arrays])
    order = np.argsort(values, kind="stable")
    bounds = st.tuples(st.integers(0, len(values)), st.integers(0, len(values))).map(lambda pair: tuple(sorted(pair)))
    ranges = data.draw(st.lists(bounds, min_size=1, max_size=4))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_exchange, "SAMPLES_PER_PAIR", samples)
        found = selected(runs_of(*arrays), ranges)
    for (start, stop), (got, sources) in zip(ranges, found, strict=True):
        assert got.tolist() == values[order][start:stop].tolist()
        assert sources.tolist() == owners[order][start:stop].tolist()


@pytest.mark.parametrize("samples", [1, 3])
def test_few_samples_find_every_rank(monkeypatch, samples):
    monkeypatch.setattr(_exchange, "SAMPLES_PER_PAIR", samples)
    random = np.random.default_rng(0)
    runs = runs_of(*[np.sort(random.integers(0, 300, n)) for n in (200, 3, 90, 0, 150)])
    ordered = np.sort(np.concatenate([cell.state.value[0] for cell in runs.cells]))
    ranges = [(start, min(start + 37, 443)) for start in range(0, 443, 37)]
    assert _exchange._step(443, 5, len(ranges)) > 1
    for (start, stop), (got, _) in zip(ranges, selected(runs, ranges), strict=True):
        assert got.tolist() == ordered[start:stop].tolist()


def test_ranges_may_depend_on_the_data():
    runs = runs_of([1, 4], [2, 3])
    ranges = Cell.of(np.array, [[1, 3]])
    (cell,) = _exchange.select_ranks(runs, ranges, 1)
    assert cell.future.result()[0].tolist() == [2, 3]


def test_a_piece_is_little_more_than_what_is_asked_for():
    n = 10_000
    random = np.random.default_rng(0)
    runs = runs_of(*[np.sort(random.random(n)) for _ in range(8)])
    step = _exchange._step(8 * n, 8, 8)
    samples = [_exchange._samples(cell.state.value, step) for cell in runs.cells]
    brackets = _exchange._bracket(_exchange.ranges_of(runs.lengths), runs.lengths, step, *samples)
    taken = (brackets.upper - brackets.lower).sum(axis=1)
    assert (taken >= n).all()
    assert taken.max() < 1.2 * n


def test_small_neighbours_are_put_together():
    def groups(sizes):
        return [list(group) for group in _exchange.group_blocks(sizes, 8)]

    enough = _exchange.RUN_BYTES // 8
    assert groups([1, 2, 3]) == [[0, 1, 2]]
    assert groups([enough, 1, enough, 1]) == [[0], [1, 2, 3]]
    assert groups([enough, enough]) == [[0], [1]]
    assert groups([0]) == [[0]]
