"""StandardScaler learns and gives what scikit-learn's does, whatever the blocks and the engine."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn.preprocessing
from sklearn.datasets import load_wine

import dsarray as ds
from dsflow.testing import forbid_compute
from estimators.preprocessing import StandardScaler

WINE = load_wine().data[::2]
WEIGHTS = np.random.default_rng(0).integers(0, 4, len(WINE)).astype(float)


def with_gaps(X):
    gaps = X.copy()
    gaps[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan
    return gaps


KINDS = {
    "dense": WINE,
    "float32": WINE.astype(np.float32),
    "int": WINE.astype(int),
    "with NaN": with_gaps(WINE),
    "far from 0": WINE + 1e7,
    "with a constant": np.column_stack([WINE[:, :2], np.full(len(WINE), 0.1)]),
    "one row": WINE[:1],
}


def assert_same(ours, theirs, rtol=1e-9):
    for name in ("mean_", "var_", "scale_", "n_samples_seen_"):
        expected, found = getattr(theirs, name), getattr(ours, name)
        if expected is None:
            assert found is None
        else:
            np.testing.assert_allclose(found, expected, rtol=rtol, err_msg=name)
            assert np.shape(found) == np.shape(expected)


@pytest.mark.parametrize("block_size", [None, 1, (30, 2)])
@pytest.mark.parametrize("sample_weight", [None, WEIGHTS], ids=["", "weighted"])
@pytest.mark.parametrize("X", KINDS.values(), ids=KINDS)
def test_finds_and_gives_what_scikit_learn_does(X, sample_weight, block_size):
    sample_weight = None if sample_weight is None else sample_weight[: len(X)]
    theirs = sklearn.preprocessing.StandardScaler().fit(X, sample_weight=sample_weight)
    cut = ds.array(X, block_size=block_size)
    ours = StandardScaler().fit(cut, sample_weight=sample_weight)
    rtol = 1e-5 if X.dtype == np.float32 else 1e-8
    assert_same(ours, theirs, rtol)
    expected, found = theirs.transform(X), ours.transform(cut)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found.collect(), expected, rtol=1e-4, atol=1e-4 if rtol > 1e-8 else 1e-7)
    np.testing.assert_allclose(ours.inverse_transform(found).collect(), X, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("with_mean", [True, False])
@pytest.mark.parametrize("with_std", [True, False])
def test_parts_of_the_work_can_be_left_out(with_mean, with_std):
    parameters = {"with_mean": with_mean, "with_std": with_std}
    theirs = sklearn.preprocessing.StandardScaler(**parameters).fit(WINE)
    ours = StandardScaler(**parameters).fit(ds.array(WINE, block_size=40))
    assert_same(ours, theirs)
    np.testing.assert_allclose(ours.transform(WINE), theirs.transform(WINE))


@pytest.mark.parametrize("sample_weight", [None, WEIGHTS], ids=["", "weighted"])
@pytest.mark.parametrize("with_std", [True, False])
def test_sparse_rows_stay_sparse(sample_weight, with_std):
    X = scipy.sparse.csr_array(np.where(WINE > 2, WINE, 0))
    theirs = sklearn.preprocessing.StandardScaler(with_mean=False, with_std=with_std).fit(
        X, sample_weight=sample_weight
    )
    cut = ds.array(X, block_size=33)
    ours = StandardScaler(with_mean=False, with_std=with_std).fit(cut, sample_weight=sample_weight)
    if with_std:
        assert_same(ours, theirs)
    found = ours.transform(cut)
    assert found.sparse
    np.testing.assert_allclose(found.collect().toarray(), theirs.transform(X).toarray())
    np.testing.assert_allclose(ours.inverse_transform(found).collect().toarray(), X.toarray())


@pytest.mark.parametrize("X", [WINE, with_gaps(WINE)], ids=["dense", "with NaN"])
def test_learns_part_by_part(X):
    ours, theirs = StandardScaler(), sklearn.preprocessing.StandardScaler()
    for part in (X[:20], X[20:60], X[60:]):
        ours.partial_fit(ds.array(part, block_size=20))
        theirs.partial_fit(part)
        assert_same(ours, theirs)
    assert_same(ours.fit(ds.array(X, block_size=20)), theirs.fit(X))


def test_engine_does_not_change_the_result(on_every_engine):
    cut = ds.array(WINE, block_size=50)
    expected = sklearn.preprocessing.StandardScaler().fit_transform(WINE)
    np.testing.assert_allclose(StandardScaler().fit_transform(cut).collect(), expected, rtol=1e-9, atol=1e-12)


def test_transform_computes_nothing_and_what_is_streamed_is_streamed(tmp_path):
    ds.to_zarr(ds.array(WINE, block_size=50), tmp_path / "X.zarr")
    X = ds.from_zarr(tmp_path / "X.zarr")
    scaler = StandardScaler().fit(X)
    with forbid_compute():
        scaled = scaler.transform(X)
    assert scaled.streamed
    np.testing.assert_allclose(scaled.collect(), sklearn.preprocessing.StandardScaler().fit_transform(WINE))


def test_names_of_features_are_kept():
    frame = pd.DataFrame(WINE[:, :2], columns=["a", "b"])
    scaler = StandardScaler().set_output(transform="pandas").fit(frame)
    assert list(scaler.transform(frame).columns) == ["a", "b"]
    assert scaler.transform(ds.array(WINE[:, :2])).shape == (89, 2)


def test_errors_say_what_is_wrong():
    sparse = ds.array(scipy.sparse.eye_array(4, format="csr"), block_size=2)
    with pytest.raises(ValueError, match="Cannot center sparse matrices: pass `with_mean=False`"):
        StandardScaler().fit(sparse)
    with pytest.raises(ValueError, match=r"Cannot (un)?center sparse matrices"):
        StandardScaler().fit(np.eye(4)).transform(sparse)
    with pytest.raises(ValueError, match="Input X contains infinity"):
        StandardScaler().fit(ds.array(np.full((4, 2), np.inf)))


@pytest.mark.parametrize("block_size", [None, 1, 2, 7])
@pytest.mark.parametrize("column", [1.7e12 + 1000 * np.arange(20.0), 1e8 + np.arange(20.0), np.full(20, 0.1)])
def test_gaps_do_not_cost_digits_of_columns_far_from_0(column, block_size):
    column[[0, 2, 5]] = np.nan
    ours = StandardScaler().fit(ds.array(column[:, None], block_size=block_size))
    theirs = sklearn.preprocessing.StandardScaler().fit(column[:, None])
    np.testing.assert_allclose(ours.scale_, theirs.scale_, rtol=1e-7)
    np.testing.assert_allclose(ours.mean_, theirs.mean_, rtol=1e-14)


def test_weights_are_not_forgotten_by_rows_without():
    scaler = StandardScaler().fit([[0.0], [1], [2]], sample_weight=[2.5, 0.25, 1]).partial_fit([[4.0], [7]])
    assert scaler.n_samples_seen_ == 5.75
    scaler.partial_fit([[9.0]])
    assert scaler.mean_ == pytest.approx((0.25 + 2 + 4 + 7 + 9) / 6.75)
