import numpy as np
import pytest

import dsarray as ds
from dsflow.testing import forbid_compute
from tests.dsarray.strategies import assert_same

x = np.random.default_rng(0).normal(size=(40, 3))
weights = np.arange(40) / 8
OPTIONS = [
    {}, {"bins": 3}, {"bins": (2, 3, 4)}, {"bins": [[-1, 0, 1], 2, np.array([0, 0.5])]}, {"density": True, "bins": 4},
    {"bins": 2, "range": [(-1, 1), (0, 2), (-3, 3)]}, {"bins": 2, "weights": weights},
    {"bins": 3, "range": [None, (0, 2), None]},
]  # fmt: skip


def assert_all_same(actual, expected):
    assert_same(actual[0], expected[0], rtol=1e-12)
    assert len(actual[1]) == len(expected[1])
    for ours, numpys in zip(actual[1], expected[1], strict=True):
        assert_same(ours, numpys)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("size", [40, 7, (9, 2), ((20, 0, 20), (3,))])
def test_histograms_of_points_agree_with_numpy(options, size):
    assert_all_same(np.histogramdd(ds.array(x, block_size=size), **options), np.histogramdd(x, **options))


@pytest.mark.parametrize("dtype", ["float32", "int8", "int64"])
def test_coordinates_may_be_given_apart(dtype):
    values = (x * 3).astype(dtype)
    columns = [ds.array(values[:, 0], block_size=9), values[:, 1], ds.array(values[:, 2])]
    assert_all_same(np.histogramdd(columns, 3), np.histogramdd(values, 3))
    assert_all_same(np.histogramdd(ds.array(values[:, 0], block_size=9), 3), np.histogramdd(values[:, 0], 3))


@pytest.mark.parametrize("bins", [10, [2, 3], [-1, 0, 0.5, 2], [[0, 1], 4]], ids=str)
def test_histograms_of_pairs_agree_with_numpy(bins):
    pair, numpys = [ds.array(x[:, i], block_size=11) for i in (0, 1)], np.histogram2d(x[:, 0], x[:, 1], bins)
    for ours, expected in zip(np.histogram2d(*pair, bins), numpys, strict=True):
        assert_same(ours, expected)


def test_no_points_are_counted():
    none = np.empty((0, 2))
    assert_all_same(np.histogramdd(ds.array(none), 2), np.histogramdd(none, 2))


def test_nothing_runs_before_it_is_needed():
    with forbid_compute():
        counts, edges = np.histogramdd(ds.array(x, block_size=7), 2)
        assert counts.shape == (2, 2, 2)
        assert [each.shape for each in edges] == [(3,)] * 3


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda v: np.histogramdd(v, (2, 3)), "dimension"),
        (lambda v: np.histogramdd(v, 0), "positive"),
        (lambda v: np.histogramdd(v, 2, [(0, 1)]), "range"),
        (lambda v: np.histogramdd(v, 2, weights=np.ones(3)), "weights"),
        (lambda v: np.histogram2d(v[:, 0], v[:5, 1]), "length"),
    ],
)
def test_what_numpy_refuses_is_refused(call, words):
    with pytest.raises(ValueError):
        call(x)
    with pytest.raises(ValueError, match=words):
        call(ds.array(x, block_size=7))
