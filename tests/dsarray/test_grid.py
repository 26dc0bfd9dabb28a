import itertools

import numpy as np
import pytest

from dsarray import _grid as grid

LENGTHS = [(0,), (1,), (3,), (1, 2), (2, 0, 1), (0, 3), (2, 2, 1), (1, 1, 1, 1), (0, 0)]


@pytest.mark.parametrize("lengths", LENGTHS)
def test_a_slice_takes_what_numpy_takes(lengths):
    n = sum(lengths)
    positions = list(range(n))
    starts = grid.offsets(lengths)
    ends = [None, *range(-n - 2, n + 3)]
    for start, stop, step in itertools.product(ends, ends, [None, 1, 2, 3, -1, -2, -5]):
        found = []
        for block, part in grid.slice_pieces(lengths, slice(start, stop, step)):
            own = positions[starts[block] : starts[block + 1]]
            taken = own[part]
            found += taken
        assert found == positions[start:stop:step]


@pytest.mark.parametrize("lengths", LENGTHS)
def test_a_slice_of_everything_takes_whole_blocks(lengths):
    pieces = grid.slice_pieces(lengths, slice(None))
    assert [part for _, part in pieces] == [slice(0, n, 1) for n in lengths if n] or [slice(0, 0, 1)]


@pytest.mark.parametrize("lengths", LENGTHS)
def test_every_position_is_located(lengths):
    expected = [(block, local) for block, n in enumerate(lengths) for local in range(n)]
    assert [grid.locate(lengths, i) for i in range(sum(lengths))] == expected


@pytest.mark.parametrize(("length", "size"), list(itertools.product(range(8), range(1, 9))))
def test_cutting_covers_an_axis_with_blocks_of_the_size(length, size):
    lengths = grid.cut(length, size)
    assert sum(lengths) == length
    assert all(n == size for n in lengths[:-1])
    assert len(lengths) == max(1, -(-length // size))


@pytest.mark.parametrize(("a", "b"), list(itertools.product([c for c in LENGTHS if sum(c) == 3], repeat=2)))
def test_common_lengths_have_the_boundaries_of_both(a, b):
    common = set(grid.offsets(grid.common_lengths([a, b])))
    assert common == set(grid.offsets(a)) | set(grid.offsets(b))


def test_equal_cuttings_are_kept_as_they_are():
    assert grid.common_lengths([(2, 0, 1), (2, 0, 1)]) == (2, 0, 1)
    assert grid.common_lengths([(0, 0), (0,)]) == (0,)


@pytest.mark.parametrize(("old", "new"), list(itertools.product([c for c in LENGTHS if sum(c) == 3], repeat=2)))
def test_regrouping_takes_each_position_once(old, new):
    starts = grid.offsets(old)
    taken = [
        [starts[block] + i for block, part in pieces for i in range(part.start, part.stop)]
        for pieces in grid.regroup(old, new)
    ]
    assert list(map(len, taken)) == list(new)
    assert list(itertools.chain(*taken)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("shape", "block_size", "chunks"),
    [
        ((5, 3), 2, ((2, 2, 1), (3,))),
        ((5, 3), (2, 2), ((2, 2, 1), (2, 1))),
        ((5, 3), (-1, 9), ((5,), (3,))),
        ((0, 3), (4, -1), ((0,), (3,))),
        ((5,), ((1, 4),), ((1, 4),)),
        ((5, 3), [2, 2], ((2, 2, 1), (2, 1))),
        ((5, 3), np.array([2, 2]), ((2, 2, 1), (2, 1))),
        ((5, 3), [np.array([1, 4]), np.int64(2)], ((1, 4), (2, 1))),
        ((), (), ()),
        ((), 3, ()),
    ],
)
def test_block_sizes_are_clamped_and_an_int_cuts_the_first_axis(shape, block_size, chunks):
    assert grid.chunks_for(shape, block_size, "test") == chunks


@pytest.mark.parametrize(
    "block_size", [0, -2, 1.5, "x", True, (1,), (1, 2, 3), (1, 0), ((2, 2), 1), ((6, -1), 1), np.ones(2)]
)
def test_nonsense_block_sizes_are_refused_with_the_value(block_size):
    with pytest.raises(ValueError, match="test: block_size="):
        grid.chunks_for((5, 3), block_size, "test")


def test_two_sizes_for_one_axis_are_refused_with_how_to_make_two_axes():
    with pytest.raises(ValueError, match=r"give a single number, or cut x\[None\] or x\[:, None\]"):
        grid.chunks_for((10,), (1, 5), "test")


def test_small_arrays_stay_whole():
    assert grid.auto_chunks((1000, 100), 8) == ((1000,), (100,))
    assert grid.auto_chunks((), 8) == ()
    assert grid.auto_chunks((0, 10**9), 8) == ((0,), (10**9,))


@pytest.mark.parametrize("shape", [(10**7,), (10**6, 50), (300, 10**6), (3, 10**9), (2, 3, 10**8), (10**7, 1, 3)])
def test_blocks_chosen_for_large_arrays_have_a_bounded_size(shape):
    chunks = grid.auto_chunks(shape, 8)
    assert grid.shape_of(chunks) == shape
    largest = 8
    for lengths in chunks:
        largest *= max(lengths)
    assert grid.MIB // 2 <= largest <= grid.TARGET_BYTES
    assert chunks == grid.auto_chunks(shape, 8)


def test_medium_arrays_have_blocks_for_all_cores(monkeypatch):
    monkeypatch.setattr(grid.os, "cpu_count", lambda: 4)
    assert 8 <= len(grid.auto_chunks((1 << 20, 2), 8)[0]) <= 9


@pytest.mark.parametrize(("shape", "error"), [((2, -1), ValueError), ("ab", TypeError), ((1.5,), TypeError)])
def test_nonsense_shapes_are_refused(shape, error):
    with pytest.raises(error, match="test: shape="):
        grid.check_shape(shape, "test")


@pytest.mark.parametrize(("lengths", "axes", "n_most", "n_joined", "expected"), [
    (((1, 2, 3, 4), (5, 6)), [0], 4, 9, ((3, 7), (5, 6))),
    (((1, 2, 3, 4), (5, 6)), [1], 4, 9, ((1, 2, 3, 4), (11,))),
    (((1, 2, 3, 4), (5, 6)), [0, 1], 1, 9, ((10,), (11,))),
    (((1, 2, 3, 4), (5, 6)), [0, 1], 3, 9, ((3, 7), (11,))),
    (((1, 2, 3, 4), (5, 6)), [0, 1], 1, 2, ((1, 2, 3, 4), (11,))),
    (((1, 2, 3, 4), (5, 6)), [0, 1], 1, 5, ((3, 7), (11,))),
    (((1, 2, 3), (5,)), [0], 3, 9, ((1, 2, 3), (5,))),
])  # fmt: skip
def test_neighbours_are_joined_until_there_are_few_enough(lengths, axes, n_most, n_joined, expected):
    assert grid.coarsen(lengths, axes, n_most, n_joined) == expected
