"""Splits take the rows that scikit-learn would take."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.model_selection as theirs

import dsarray as ds
from dsflow.testing import forbid_compute
from estimators import model_selection as ours

rng = np.random.default_rng(0)
X, Y = rng.random((103, 4)), rng.integers(0, 3, 103)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"test_size": 0.2},
        {"train_size": 30, "test_size": 11},
        {"stratify": Y},
        {"shuffle": False},
        {"shuffle": False, "train_size": 10},
    ],
    ids=str,
)
@pytest.mark.parametrize("size", [(7, 3), (103, -1), (1, -1), (40, 2)], ids=str)
def test_the_same_rows_are_taken_for_any_blocks(how, size):
    random = {"random_state": 0} if how.get("shuffle", True) else {}
    expected = theirs.train_test_split(X, Y, **how, **random)
    found = ours.train_test_split(ds.array(X, block_size=size), ds.array(Y, block_size=20), **how, **random)
    assert all(isinstance(each, ds.Array) for each in found)
    assert max(found[0].chunks[0]) <= size[0]
    for each, reference in zip(found, expected, strict=True):
        np.testing.assert_array_equal(each.collect(), reference)


def test_kinds_may_be_mixed_and_rows_may_be_sparse():
    sparse, names = scipy.sparse.csr_matrix(X), [str(i) for i in range(103)]
    expected = theirs.train_test_split(X, Y, names, random_state=0)
    found = ours.train_test_split(ds.array(sparse, block_size=20), Y, names, random_state=0)
    assert found[0].sparse
    np.testing.assert_array_equal(found[1].collect().toarray(), expected[1])
    assert isinstance(found[2], np.ndarray)
    assert found[4:] == expected[4:]


def test_labels_to_stratify_by_may_be_a_ds_array():
    expected = theirs.train_test_split(X, stratify=Y, random_state=0)
    found = ours.train_test_split(ds.array(X, block_size=20), stratify=ds.array(Y, block_size=30), random_state=0)
    np.testing.assert_array_equal(found[0].collect(), expected[0])


def test_rows_are_taken_when_they_are_needed():
    x = ds.array(X, block_size=20)
    with forbid_compute():
        ours.train_test_split(x, random_state=0)


def test_it_works_the_same_on_every_engine(on_every_engine):
    train, _ = ours.train_test_split(ds.array(X, block_size=20), random_state=0)
    np.testing.assert_array_equal(train.collect(), theirs.train_test_split(X, random_state=0)[0])


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="at least one array"):
        ours.train_test_split()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ours.train_test_split(ds.array(X, block_size=20), Y[:-1])
    with pytest.raises(ValueError, match="test_size"):
        ours.train_test_split(ds.array(X, block_size=20), test_size=1.5)


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("KFold", {"n_splits": 4}),
        ("KFold", {"shuffle": True, "random_state": 0}),
        ("StratifiedKFold", {"shuffle": True, "random_state": 0}),
        ("ShuffleSplit", {"n_splits": 3, "test_size": 0.2, "random_state": 0}),
        ("StratifiedShuffleSplit", {"n_splits": 3, "random_state": 0}),
    ],
    ids=str,
)
def test_splitters_give_positions_of_the_rows_of_ds_arrays(name, how):
    expected = list(getattr(theirs, name)(**how).split(X, Y))
    found = list(getattr(ours, name)(**how).split(ds.array(X, block_size=20), ds.array(Y, block_size=9)))
    assert len(found) == len(expected) == getattr(ours, name)(**how).get_n_splits()
    for (train, test), (train_expected, test_expected) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(train, train_expected)
        np.testing.assert_array_equal(test, test_expected)
