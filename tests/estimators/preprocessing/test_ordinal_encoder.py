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


def test_engine_does_not_change_the_result(on_every_engine):
    found = OrdinalEncoder().fit_transform(ds.array(NUMBERS, block_size=50)).collect()
    np.testing.assert_array_equal(found, sklearn.preprocessing.OrdinalEncoder().fit_transform(NUMBERS))


def test_errors_say_what_is_wrong():
    cut = ds.array(NUMBERS, block_size=50)
    with pytest.raises(ValueError, match="Found unknown categories"):
        OrdinalEncoder().fit(cut).transform(ds.array(np.array([[7, 1, 0]]))).collect()
    with pytest.raises(NotImplementedError, match="max_categories=2 is not supported for an Array"):
        OrdinalEncoder(max_categories=2).fit(cut)
    with pytest.raises(TypeError, match="unknown_value should be an integer"):
        OrdinalEncoder(handle_unknown="use_encoded_value").fit(cut)
