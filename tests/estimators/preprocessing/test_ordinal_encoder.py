"""OrdinalEncoder learns and gives what scikit-learn's does, for numbers and texts in blocks."""

import numpy as np
import pytest
import sklearn.preprocessing

import dsarray as ds
from dsflow.testing import forbid_compute
from estimators.preprocessing import OrdinalEncoder

rng = np.random.default_rng(0)
NUMBERS = rng.integers(0, [3, 5, 2], (60, 3))
KINDS = {
    "int": NUMBERS,
    "float": NUMBERS * 0.5,
    "with NaN": np.where(rng.random((60, 3)) < 0.1, np.nan, NUMBERS),
    "text": np.array(["red", "green", "blue", "white", "black"])[NUMBERS],
}


@pytest.mark.parametrize("block_size", [1, 7, (25, 2), -1])
@pytest.mark.parametrize("X", KINDS.values(), ids=KINDS)
def test_finds_and_gives_what_scikit_learn_does(X, block_size):
    theirs = sklearn.preprocessing.OrdinalEncoder().fit(X)
    cut = ds.array(X, block_size=block_size)
    ours = OrdinalEncoder().fit(cut)
    with forbid_compute():
        found = ours.transform(cut)
    np.testing.assert_array_equal(found.collect(), theirs.transform(X))
    np.testing.assert_array_equal(ours.inverse_transform(found).collect(), X)
    np.testing.assert_array_equal(ours.transform(X), theirs.transform(X))


def test_missing_and_unknown_values_are_encoded_as_asked():
    X, parameters = KINDS["with NaN"], {"encoded_missing_value": -1, "dtype": np.int32}
    theirs = sklearn.preprocessing.OrdinalEncoder(**parameters).fit_transform(X)
    ours = OrdinalEncoder(**parameters).fit_transform(ds.array(X, block_size=30))
    assert ours.dtype == np.int32
    np.testing.assert_array_equal(ours.collect(), theirs)
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-9).fit(ds.array(NUMBERS, block_size=30))
    np.testing.assert_array_equal(encoder.transform(ds.array(np.array([[7, 1, 0]]))).collect(), [[-9, 1, 0]])


@pytest.mark.parametrize("block_size", [None, 1, 25])
@pytest.mark.parametrize("parameters", [{"min_frequency": 10}, {"min_frequency": 0.2}, {"max_categories": 3}], ids=str)
@pytest.mark.parametrize("X", KINDS.values(), ids=KINDS)
def test_what_is_rare_is_put_together(X, parameters, block_size):
    theirs = sklearn.preprocessing.OrdinalEncoder(**parameters).fit(X)
    given = X if block_size is None else ds.array(X, block_size=block_size)
    ours = OrdinalEncoder(**parameters).fit(given)
    for found, expected in zip(ours.infrequent_categories_, theirs.infrequent_categories_, strict=True):
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.asarray(ours.transform(given)), theirs.transform(X))


def test_texts_that_are_rare_come_back_as_scikit_learn_names_them():
    encoder = OrdinalEncoder(min_frequency=15, handle_unknown="use_encoded_value", unknown_value=-1)
    found = encoder.inverse_transform(encoder.fit_transform(ds.array(KINDS["text"], block_size=25)))
    expected = sklearn.preprocessing.OrdinalEncoder(min_frequency=15).fit(KINDS["text"])
    np.testing.assert_array_equal(found.collect(), expected.inverse_transform(expected.transform(KINDS["text"])))


@pytest.mark.parametrize("unknown", [-1, np.nan])
@pytest.mark.parametrize("X", [NUMBERS, KINDS["text"]], ids=["int", "text"])
def test_what_is_known_comes_back_in_its_type_and_what_is_not_is_an_error(X, unknown):
    parameters = {"handle_unknown": "use_encoded_value", "unknown_value": unknown}
    encoder = OrdinalEncoder(**parameters).fit(ds.array(X, block_size=25))
    places = encoder.transform(X)
    with forbid_compute():
        found = encoder.inverse_transform(ds.array(places, block_size=10))
    assert found.dtype == X.dtype
    np.testing.assert_array_equal(found.collect(), X)
    places[41, 2] = unknown
    with pytest.raises(ValueError, match=r"OrdinalEncoder.inverse_transform: row 41 stands for no known category of "):
        encoder.inverse_transform(ds.array(places, block_size=10)).collect()


def test_what_is_streamed_comes_back_streamed(tmp_path):
    encoder = OrdinalEncoder().fit(NUMBERS)
    ds.to_zarr(ds.array(encoder.transform(NUMBERS), block_size=25), tmp_path / "X.zarr")
    found = encoder.inverse_transform(ds.from_zarr(tmp_path / "X.zarr"))
    assert found.streamed
    np.testing.assert_array_equal(found.collect(), NUMBERS)


def test_texts_may_be_shorter_than_categories():
    encoder = OrdinalEncoder().fit(ds.array(np.array([["black"], ["red"]])))
    assert encoder.transform(ds.array(np.array([["red"], ["red"]]), block_size=1)).collect().tolist() == [[1], [1]]


def test_engine_does_not_change_the_result(on_every_engine):
    found = OrdinalEncoder().fit_transform(ds.array(NUMBERS, block_size=50)).collect()
    np.testing.assert_array_equal(found, sklearn.preprocessing.OrdinalEncoder().fit_transform(NUMBERS))


def test_errors_say_what_is_wrong():
    cut = ds.array(NUMBERS, block_size=50)
    with pytest.raises(ValueError, match="Found unknown categories"):
        OrdinalEncoder().fit(cut).transform(ds.array(np.array([[7, 1, 0]]))).collect()
    with pytest.raises(ValueError, match="Expected 3 columns, got 2"):
        OrdinalEncoder().fit(cut).inverse_transform(cut[:, :2])
    with pytest.raises(TypeError, match="unknown_value should be an integer"):
        OrdinalEncoder(handle_unknown="use_encoded_value").fit(cut)
