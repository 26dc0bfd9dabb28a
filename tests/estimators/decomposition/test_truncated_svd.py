"""TruncatedSVD finds the largest singular values of rows, dense or sparse, as scikit-learn's does."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.decomposition
from sklearn.datasets import load_digits

import dsarray as ds
from dsflow.testing import count_tasks
from estimators.decomposition import TruncatedSVD

LEARNED = ("components_", "explained_variance_", "explained_variance_ratio_", "singular_values_")


def rows(kind="dense", shape=(200, 30)):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(shape[0], 12)) * 0.7 ** np.arange(12) @ rng.normal(size=(12, shape[1])) + 2
    kinds = {"dense": X, "float32": X.astype(np.float32), "sparse": scipy.sparse.csr_array(np.where(X > 3, X, 0))}
    return kinds[kind]


def assert_same(model, other, rtol):
    for name in LEARNED:
        found, expected = getattr(model, name), getattr(other, name)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * np.abs(expected).max(), err_msg=name)


@pytest.mark.parametrize("algorithm", ["randomized", "arpack"])
@pytest.mark.parametrize("kind", ["dense", "float32", "sparse"])
@pytest.mark.parametrize("shape", [(200, 30), (25, 30)], ids=str)
def test_finds_what_scikit_learn_finds(algorithm, kind, shape):
    parameters = {"n_components": 4, "algorithm": algorithm, "n_iter": 40, "random_state": 0}
    X = rows(kind, shape)
    ours = TruncatedSVD(**parameters).fit(ds.array(X, block_size=60))
    theirs = sklearn.decomposition.TruncatedSVD(**parameters).fit(X)
    rtol = 1e-4 if kind == "float32" else 1e-7
    assert_same(ours, theirs, rtol)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), rtol=rtol, atol=100 * rtol)
    np.testing.assert_allclose(ours.inverse_transform(ours.transform(X)), theirs.inverse_transform(theirs.transform(X)),
                               atol=1000 * rtol)  # fmt: skip


def test_few_iterations_come_as_near_as_in_scikit_learn():
    X = load_digits().data
    exact = np.linalg.svdvals(X)[:10]
    misses = [
        np.abs(kind(10, n_iter=2, random_state=0).fit(X).singular_values_ - exact).max()
        for kind in (TruncatedSVD, sklearn.decomposition.TruncatedSVD)
    ]
    assert misses[0] <= misses[1] * 1.01


@pytest.mark.parametrize("algorithm", ["randomized", "arpack"])
@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("block_size", [1, 7, ((0, 99, 1, 0, 100), (30,)), -1])
def test_blocking_does_not_change_the_result(algorithm, kind, block_size):
    model = TruncatedSVD(3, algorithm=algorithm, random_state=0)
    whole = vars(model.fit(rows(kind))).copy()
    model.fit(ds.array(rows(kind), block_size=block_size))
    for name in LEARNED:
        np.testing.assert_allclose(getattr(model, name), whole[name], atol=1e-9)


def test_engine_does_not_change_the_result(on_every_engine):
    parameters = {"n_components": 3, "n_iter": 40, "random_state": 0}
    model = TruncatedSVD(**parameters).fit(ds.array(rows("sparse"), block_size=70))
    assert_same(model, sklearn.decomposition.TruncatedSVD(**parameters).fit(rows("sparse")), 1e-7)


def test_streamed_rows_give_the_same(tmp_path):
    ds.to_zarr(ds.array(rows(), block_size=50), tmp_path / "X.zarr")
    parameters = {"n_components": 3, "n_iter": 40, "random_state": 0}
    model = TruncatedSVD(**parameters).fit(ds.from_zarr(tmp_path / "X.zarr", block_size=70))
    assert_same(model, sklearn.decomposition.TruncatedSVD(**parameters).fit(rows()), 1e-7)


def test_sparse_rows_are_never_made_dense(monkeypatch):
    X = ds.array(rows("sparse"), block_size=50)
    for name in ("toarray", "todense"):
        monkeypatch.setattr(scipy.sparse.csr_array, name, None)
    model = TruncatedSVD(3, random_state=0).fit(X)
    model.transform(X).collect()


def test_arrays_in_give_arrays_out_by_one_task_for_each_row_of_blocks():
    X = ds.array(rows("sparse"), block_size=70)
    model = TruncatedSVD(3, random_state=0).fit(X)
    with count_tasks() as tasks:
        turned = model.transform(X)
    assert tasks.count == X.grid[0]
    assert turned.chunks == (X.chunks[0], (3,))
    assert isinstance(model.inverse_transform(turned), ds.Array)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"n_components": 31}, r"n_components\(31\) must be <= n_features\(30\)"),
        ({"n_components": 30, "algorithm": "arpack"}, "must be less than min"),
        ({"n_components": 0}, "'n_components' parameter of TruncatedSVD"),
    ],
    ids=str,
)
def test_parameters_that_make_no_sense_are_named(parameters, words):
    with pytest.raises(ValueError, match=words):
        TruncatedSVD(**parameters).fit(ds.array(rows(), block_size=70))


@pytest.mark.parametrize("make", [np.asarray, ds.array])
def test_one_feature_is_an_error(make):
    with pytest.raises(ValueError, match=r"Found array with 1 feature\(s\).*a minimum of 2 is required"):
        TruncatedSVD(1).fit(make(rows()[:, :1]))


def test_numbers_that_are_not_finite_are_an_error(engine):
    X = rows()
    X[150, 2] = np.inf
    with pytest.raises(ValueError, match="Input X contains infinity"):
        TruncatedSVD(3).fit(ds.array(X, block_size=70))
    engine._failures.clear()
