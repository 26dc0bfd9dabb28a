"""IncrementalPCA merges the batches that scikit-learn's merges, wherever blocks end."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.decomposition
from sklearn.datasets import load_breast_cancer

import dsarray as ds
from dsflow.testing import count_tasks
from estimators.decomposition import PCA, IncrementalPCA

LEARNED = (
    *("components_", "explained_variance_", "explained_variance_ratio_", "singular_values_"),
    *("mean_", "var_", "noise_variance_", "n_samples_seen_", "n_components_"),
)


def rows(n_rows=300, dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 12)) * 0.7 ** np.arange(12) @ rng.normal(size=(12, 12)) + 10
    return X.astype(dtype)


def assert_same(model, other, rtol=1e-9):
    for name in LEARNED:
        found, expected = np.asarray(getattr(model, name)), np.asarray(getattr(other, name))
        assert found.dtype == expected.dtype or name == "n_samples_seen_", name
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * np.abs(expected).max(), err_msg=name)


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"n_components": 3},
        {"n_components": 5, "batch_size": 7},
        {"n_components": 11, "batch_size": 40, "whiten": True},
        {"batch_size": 299},
        {"batch_size": 1000},
    ],
    ids=str,
)
@pytest.mark.parametrize("block_size", [1, 13, 100, -1])
def test_finds_what_scikit_learn_finds_for_any_blocks(parameters, block_size):
    ours = IncrementalPCA(**parameters).fit(ds.array(rows(), block_size=block_size))
    theirs = sklearn.decomposition.IncrementalPCA(**parameters).fit(rows())
    assert_same(ours, theirs)
    assert ours.batch_size_ == theirs.batch_size_
    turned = theirs.transform(rows())
    np.testing.assert_allclose(ours.transform(rows()), turned, atol=1e-8)
    np.testing.assert_allclose(ours.inverse_transform(turned), theirs.inverse_transform(turned), atol=1e-8)
    np.testing.assert_allclose(ours.get_covariance(), theirs.get_covariance(), atol=1e-8)


@pytest.mark.parametrize("parameters", [{}, {"batch_size": 300}, {"batch_size": 300, "whiten": True}], ids=str)
@pytest.mark.parametrize("kind", [np.asarray, scipy.sparse.csr_array])
def test_float32_gives_what_scikit_learn_gives(parameters, kind):
    X = kind(rows(dtype=np.float32))
    theirs = sklearn.decomposition.IncrementalPCA(3, **parameters).fit(X)
    turned = theirs.transform(X)
    for given in (X, ds.array(X, block_size=70)):
        ours = IncrementalPCA(3, **parameters).fit(given)
        assert_same(ours, theirs, 1e-4)
        found, back = ours.transform(given), ours.inverse_transform(turned)
        assert found.dtype == turned.dtype
        assert back.dtype == theirs.inverse_transform(turned).dtype
        np.testing.assert_allclose(np.asarray(found), turned, rtol=1e-3, atol=1e-3)


def test_float32_is_kept_by_the_first_batch_alone():
    ours, theirs = IncrementalPCA(3), sklearn.decomposition.IncrementalPCA(3)
    for _ in range(2):
        X = rows(dtype=np.float32)
        assert_same(ours.partial_fit(X), theirs.partial_fit(X), 1e-4)


def test_sparse_rows_are_made_dense_batch_after_batch():
    X = scipy.sparse.random_array((300, 12), density=0.3, rng=0, format="csr")
    ours = IncrementalPCA(4, batch_size=50).fit(ds.array(X, block_size=70))
    theirs = sklearn.decomposition.IncrementalPCA(4, batch_size=50).fit(X)
    assert_same(ours, theirs)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-9)


def test_partial_fit_takes_all_rows_as_one_batch():
    ours, theirs = IncrementalPCA(4), sklearn.decomposition.IncrementalPCA(4)
    for start in (0, 100, 200):
        batch = rows()[start : start + 100]
        ours.partial_fit(ds.array(batch, block_size=30))
        theirs.partial_fit(batch)
        assert_same(ours, theirs)


def test_partial_fit_goes_on_after_fit():
    ours = IncrementalPCA(4, batch_size=50).fit(rows()[:200]).partial_fit(rows()[200:])
    theirs = sklearn.decomposition.IncrementalPCA(4, batch_size=50).fit(rows()[:200]).partial_fit(rows()[200:])
    assert_same(ours, theirs)


def test_all_components_are_those_of_pca():
    X = load_breast_cancer().data
    merged, whole = IncrementalPCA(batch_size=100).fit(X), PCA(svd_solver="full").fit(X)
    np.testing.assert_allclose(merged.explained_variance_, whole.explained_variance_, rtol=1e-6)


def test_engine_does_not_change_the_result(on_every_engine):
    model = IncrementalPCA(3, batch_size=40).fit(ds.array(rows(), block_size=70))
    assert_same(model, sklearn.decomposition.IncrementalPCA(3, batch_size=40).fit(rows()))


def test_streamed_rows_give_the_same(tmp_path):
    ds.to_zarr(ds.array(rows(), block_size=50), tmp_path / "X.zarr")
    model = IncrementalPCA(3, batch_size=40).fit(ds.from_zarr(tmp_path / "X.zarr", block_size=70))
    assert_same(model, sklearn.decomposition.IncrementalPCA(3, batch_size=40).fit(rows()))


def test_many_batches_are_few_tasks():
    X = ds.array(rows(), block_size=100)
    with count_tasks() as tasks:
        IncrementalPCA(3, batch_size=10).fit(X)
    assert tasks.count <= 3


def test_arrays_in_give_arrays_out_by_one_task_for_each_row_of_blocks():
    X = ds.array(rows(), block_size=70)
    model = IncrementalPCA(3).fit(X)
    with count_tasks() as tasks:
        assert model.transform(X).chunks == (X.chunks[0], (3,))
    assert tasks.count == X.grid[0]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"n_components": 13}, "n_components=13 invalid for n_features=12"),
        ({"n_components": 0}, "'n_components' parameter of IncrementalPCA"),
    ],
    ids=str,
)
def test_parameters_that_make_no_sense_are_named(parameters, words):
    with pytest.raises(ValueError, match=words):
        IncrementalPCA(**parameters).fit(ds.array(rows(), block_size=70))


def test_a_first_batch_with_fewer_rows_than_components_is_an_error():
    with pytest.raises(ValueError, match="n_components=5 must be less or equal to the batch number of samples 3"):
        IncrementalPCA(5).partial_fit(rows(3))


def test_another_number_of_components_between_batches_is_an_error():
    model = IncrementalPCA(5).partial_fit(rows())
    with pytest.raises(ValueError, match="has changed from 5 to 4"):
        model.set_params(n_components=4).partial_fit(rows())


def test_sparse_rows_are_no_batch():
    with pytest.raises(TypeError, match="does not support sparse input"):
        IncrementalPCA(2).partial_fit(scipy.sparse.csr_array(np.eye(9)))


def test_numbers_that_are_not_finite_are_an_error(engine):
    X = rows()
    X[150, 2] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        IncrementalPCA(3).fit(ds.array(X, block_size=70))
    engine._failures.clear()
