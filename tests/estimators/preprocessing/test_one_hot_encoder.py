"""OneHotEncoder learns and gives what scikit-learn's does, for numbers and texts in blocks."""

import numpy as np
import pandas as pd
import pytest
import sklearn.preprocessing

import dsarray as ds
from estimators.preprocessing import OneHotEncoder

rng = np.random.default_rng(0)
NUMBERS = rng.integers(0, [3, 5, 2], (60, 3))
KINDS = {
    "int": NUMBERS,
    "float": NUMBERS * 0.5,
    "with NaN": np.where(rng.random((60, 3)) < 0.1, np.nan, NUMBERS),
    "bool": NUMBERS > 0,
    "text": np.array(["red", "green", "blue", "white", "black"])[NUMBERS],
}


def assert_same_categories(ours, theirs):
    assert len(ours.categories_) == len(theirs.categories_)
    for found, expected in zip(ours.categories_, theirs.categories_, strict=True):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


@pytest.mark.parametrize("block_size", [7, (25, 2)])
@pytest.mark.parametrize("sparse_output", [True, False])
@pytest.mark.parametrize("drop", [None, "first", "if_binary"])
@pytest.mark.parametrize("X", KINDS.values(), ids=KINDS)
def test_finds_and_gives_what_scikit_learn_does(X, drop, sparse_output, block_size):
    parameters = {"drop": drop, "sparse_output": sparse_output}
    theirs = sklearn.preprocessing.OneHotEncoder(**parameters).fit(X)
    cut = ds.array(X, block_size=block_size)
    ours = OneHotEncoder(**parameters).fit(cut)
    assert_same_categories(ours, theirs)
    np.testing.assert_array_equal(ours.get_feature_names_out(), theirs.get_feature_names_out())
    found, expected = ours.transform(cut), theirs.transform(X)
    assert found.sparse == sparse_output
    collected = found.collect()
    np.testing.assert_array_equal(collected.toarray() if sparse_output else collected,
                                  expected.toarray() if sparse_output else expected)  # fmt: skip
    np.testing.assert_array_equal(ours.inverse_transform(found).collect(), X)
    np.testing.assert_array_equal(ours.inverse_transform(ours.transform(X)), X)


@pytest.mark.parametrize("X", [*KINDS.values(), pd.DataFrame(KINDS["text"], columns=list("abc"))])
def test_what_is_in_the_main_program_is_encoded_as_by_scikit_learn(X):
    ours, theirs = OneHotEncoder().fit(X), sklearn.preprocessing.OneHotEncoder().fit(X)
    assert_same_categories(ours, theirs)
    np.testing.assert_array_equal(ours.transform(X).toarray(), theirs.transform(X).toarray())


@pytest.mark.parametrize("parameters", [{"min_frequency": 10}, {"max_categories": 3}], ids=str)
def test_what_is_rare_is_put_together_but_not_of_an_array(parameters):
    theirs = sklearn.preprocessing.OneHotEncoder(**parameters).fit(NUMBERS)
    ours = OneHotEncoder(**parameters).fit(NUMBERS)
    np.testing.assert_array_equal(ours.transform(NUMBERS).toarray(), theirs.transform(NUMBERS).toarray())
    found = ours.transform(ds.array(NUMBERS, block_size=30)).collect()
    np.testing.assert_array_equal(found.toarray(), theirs.transform(NUMBERS).toarray())
    with pytest.raises(NotImplementedError, match=f"{next(iter(parameters))}=.* is not supported for an Array"):
        OneHotEncoder(**parameters).fit(ds.array(NUMBERS))


def test_unknown_categories_are_an_error_or_ignored():
    X = ds.array(np.array([[7, 0, 0]]))
    known = ds.array(NUMBERS, block_size=50)
    with pytest.raises(ValueError, match=r"Found unknown categories .* during transform"):
        OneHotEncoder().fit(known).transform(X).collect()
    found = OneHotEncoder(handle_unknown="ignore").fit(known).transform(X)
    np.testing.assert_array_equal(found.collect().toarray(), [[0, 0, 0, 1, 0, 0, 0, 0, 1, 0]])
    with pytest.raises(ValueError, match=r"Found unknown categories .* during fit"):
        OneHotEncoder(categories=[[0, 1], [0, 1], [0, 1]]).fit(known)


def test_engine_does_not_change_the_result(on_every_engine):
    found = OneHotEncoder().fit_transform(ds.array(NUMBERS, block_size=50)).collect()
    np.testing.assert_array_equal(
        found.toarray(), sklearn.preprocessing.OneHotEncoder().fit_transform(NUMBERS).toarray()
    )


def test_other_features_than_in_fit_are_an_error():
    encoder = OneHotEncoder().fit(ds.array(KINDS["text"]))
    with pytest.raises(ValueError, match="X has 2 features, but OneHotEncoder is expecting 3"):
        encoder.transform(ds.array(KINDS["text"][:, :2]))
    with pytest.raises(ValueError, match="expected a 2-D array"):
        encoder.fit(ds.array(KINDS["text"][0]))
