import numpy as np
import pytest

import dsarray as ds

SHAPES = [(), (0,), (7,), (70_000,), (300, 500), (3, 300, 260), (2, 2, 2, 2)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("block_size", [1 << 10, 100])
def test_blocking_does_not_change_the_numbers(shape, block_size):
    whole = ds.random_array(shape, block_size=(-1,) * len(shape), random_state=3).collect()
    blocks = ds.random_array(shape, block_size=(block_size,) * len(shape), random_state=3).collect()
    np.testing.assert_array_equal(whole, blocks)
    assert whole.shape == shape
    assert whole.dtype == np.float64


def test_the_numbers_are_uniform_and_not_repeated():
    values = ds.random_array((600, 600), random_state=0).collect()
    assert 0 <= values.min() < 1e-4
    assert 1 - 1e-4 < values.max() < 1
    assert abs(values.mean() - 0.5) < 0.005
    assert len(np.unique(values)) == values.size


def test_the_numbers_are_pinned():
    """They must not change from one version to the next."""
    expected = np.random.Generator(np.random.PCG64(np.random.SeedSequence(0, spawn_key=(0, 0)))).random((2, 2))
    np.testing.assert_array_equal(ds.random_array((2, 2), random_state=0).collect(), expected)


def test_a_part_costs_only_the_tiles_it_touches(tasks):
    huge = ds.random_array((10**9, 100), random_state=0)
    assert huge[10**8, :2].collect().shape == (2,)
    assert tasks.n == 1


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_generators_are_drawn_from_once(make):
    def twice():
        state = make(0)
        return [ds.random_array(3, random_state=state).collect() for _ in range(2)]

    first, second = twice()
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(twice(), [first, second])


def test_none_gives_new_numbers_that_do_not_change():
    a, b = ds.random_array(5), ds.random_array(5)
    assert not np.array_equal(a.collect(), b.collect())
    assert float((a - a).sum()) == 0


def test_nonsense_states_are_refused():
    with pytest.raises(TypeError, match="no seed"):
        ds.random_array(3, random_state="x")
    with pytest.raises(ValueError, match="negative"):
        ds.random_array(3, random_state=-1)
