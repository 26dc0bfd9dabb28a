"""OneHotEncoder learns and gives what scikit-learn's does, for numbers and texts in blocks."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
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


RARE = [
    {"min_frequency": 10},
    {"min_frequency": 0.2, "drop": "if_binary"},
    {"max_categories": 3, "drop": "first", "handle_unknown": "infrequent_if_exist"},
    {"max_categories": 1, "sparse_output": False},
    {"max_categories": 2, "min_frequency": 20, "handle_unknown": "ignore"},
]


@pytest.mark.parametrize("block_size", [None, 1, 25])
@pytest.mark.parametrize("parameters", RARE, ids=str)
@pytest.mark.parametrize("X", KINDS.values(), ids=KINDS)
def test_what_is_rare_is_put_together(X, parameters, block_size):
    theirs = sklearn.preprocessing.OneHotEncoder(**parameters).fit(X)
    given = X if block_size is None else ds.array(X, block_size=block_size)
    ours = OneHotEncoder(**parameters).fit(given)
    assert_same_categories(ours, theirs)
    for found, expected in zip(ours.infrequent_categories_, theirs.infrequent_categories_, strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(ours.drop_idx_, theirs.drop_idx_)
    np.testing.assert_array_equal(ours.get_feature_names_out(), theirs.get_feature_names_out())
    found, expected = ours.transform(given), theirs.transform(X)
    assert_same_rows(found if block_size is None else found.collect(), expected)


def assert_same_rows(found, expected):
    assert scipy.sparse.issparse(found) == scipy.sparse.issparse(expected)
    assert found.dtype == expected.dtype
    dense = [each.toarray() if scipy.sparse.issparse(each) else each for each in (found, expected)]
    np.testing.assert_array_equal(*dense)


def test_given_categories_are_counted():
    categories = [["white", "red", "green", "blue"], ["pink", *sorted(set(KINDS["text"][:, 1]))], ["red", "green"]]
    parameters = {"categories": categories, "min_frequency": 15}
    theirs = sklearn.preprocessing.OneHotEncoder(**parameters).fit(KINDS["text"])
    ours = OneHotEncoder(**parameters).fit(ds.array(KINDS["text"], block_size=13))
    for found, expected in zip(ours.infrequent_categories_, theirs.infrequent_categories_, strict=True):
        np.testing.assert_array_equal(found, expected)
    assert_same_rows(ours.transform(KINDS["text"]), theirs.transform(KINDS["text"]))


def test_texts_that_are_rare_come_back_as_scikit_learn_names_them():
    encoder = OneHotEncoder(min_frequency=15)
    cut = ds.array(KINDS["text"], block_size=25)
    found = encoder.inverse_transform(encoder.fit_transform(cut))
    expected = sklearn.preprocessing.OneHotEncoder(min_frequency=15).fit(KINDS["text"])
    np.testing.assert_array_equal(found.collect(), expected.inverse_transform(expected.transform(KINDS["text"])))
    assert found.dtype == "U18"


def test_a_second_fit_forgets_what_was_rare():
    encoder = OneHotEncoder(min_frequency=15).fit(ds.array(NUMBERS, block_size=25))
    encoder.set_params(min_frequency=None).fit(ds.array(NUMBERS, block_size=25))
    assert not hasattr(encoder, "infrequent_categories_")
    assert encoder.transform(NUMBERS).shape == (60, 10)


def test_unknown_categories_are_an_error_or_ignored():
    X = ds.array(np.array([[7, 0, 0]]))
    known = ds.array(NUMBERS, block_size=50)
    with pytest.raises(ValueError, match=r"Found unknown categories .* during transform"):
        OneHotEncoder().fit(known).transform(X).collect()
    found = OneHotEncoder(handle_unknown="ignore").fit(known).transform(X)
    np.testing.assert_array_equal(found.collect().toarray(), [[0, 0, 0, 1, 0, 0, 0, 0, 1, 0]])
    with pytest.raises(ValueError, match=r"Found unknown categories .* during fit"):
        OneHotEncoder(categories=[[0, 1], [0, 1], [0, 1]]).fit(known)


def test_unknown_texts_are_quoted():
    known = ds.array(KINDS["text"], block_size=50)
    with pytest.raises(ValueError, match=r"Found unknown categories \['pink'\] in column 0 during transform"):
        OneHotEncoder().fit(known).transform(ds.array(np.array([["pink", "red", "red"]]))).collect()
    with pytest.raises(ValueError, match=r"Found unknown categories \['green'\] in column 2 during fit"):
        OneHotEncoder(categories=[["red", "green", "blue"], list(np.unique(KINDS["text"])), ["red"]]).fit(known)


@pytest.mark.parametrize("parameters", [{"handle_unknown": "ignore"}, {}, {"handle_unknown": "warn"}], ids=str)
def test_rows_of_no_category_are_found_when_they_are_taken_back(parameters):
    encoder = OneHotEncoder(**parameters).fit(ds.array(NUMBERS, block_size=50))
    rows = encoder.transform(NUMBERS).toarray()
    rows[[41, 50], 3:8] = 0  # nothing of the second feature
    found = encoder.inverse_transform(ds.array(rows, block_size=10))
    assert found.dtype == NUMBERS.dtype
    np.testing.assert_array_equal(found[:40].collect(), NUMBERS[:40])
    with pytest.raises(ValueError, match=r"row 41 stands for no known category of feature 1, .* in an Array of int64"):
        found.collect()


def test_numbers_that_are_rare_have_no_value_to_come_back_as():
    X = np.array([[1], [1], [2], [1], [3]])
    encoder = OneHotEncoder(min_frequency=2).fit(ds.array(X, block_size=2))
    with pytest.raises(ValueError, match=r"row 2 stands for an infrequent category of feature 0"):
        encoder.inverse_transform(encoder.transform(ds.array(X, block_size=2))).collect()


def test_categories_of_a_data_frame_come_back_if_they_have_a_type_in_common():
    texts = pd.DataFrame(KINDS["text"], columns=list("abc"), dtype=object)
    encoder = OneHotEncoder().fit(texts)
    found = encoder.inverse_transform(ds.array(encoder.transform(texts), block_size=20))
    assert found.dtype == "U5"
    np.testing.assert_array_equal(found.collect(), KINDS["text"])
    mixed = OneHotEncoder().fit(pd.DataFrame({"a": ["x", "y"], "b": [1, 2]}))
    with pytest.raises(TypeError, match=r"no Array of categories of the types \[.*'int64'\]; pass X.collect\(\)"):
        mixed.inverse_transform(ds.array(np.eye(4)))


def test_engine_does_not_change_the_result(on_every_engine):
    parameters = {"min_frequency": 15}
    encoder = OneHotEncoder(**parameters).fit(ds.array(KINDS["text"], block_size=50))
    theirs = sklearn.preprocessing.OneHotEncoder(**parameters).fit(KINDS["text"])
    found = encoder.transform(ds.array(KINDS["text"], block_size=50))
    assert_same_rows(found.collect(), theirs.transform(KINDS["text"]))
    expected = theirs.inverse_transform(theirs.transform(KINDS["text"]))
    np.testing.assert_array_equal(encoder.inverse_transform(found).collect(), expected)


def test_other_features_than_in_fit_are_an_error():
    encoder = OneHotEncoder().fit(ds.array(KINDS["text"]))
    with pytest.raises(ValueError, match="X has 2 features, but OneHotEncoder is expecting 3"):
        encoder.transform(ds.array(KINDS["text"][:, :2]))
    with pytest.raises(ValueError, match="expected a 2-D array"):
        encoder.fit(ds.array(KINDS["text"][0]))
    with pytest.raises(ValueError, match=r"Expected .* columns, got 2"):
        encoder.inverse_transform(ds.array(np.eye(2)))
