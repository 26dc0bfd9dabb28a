import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dsarray as ds
from tests.dsarray.strategies import assert_alike, modest

RULES = ["auto", "doane", "fd", "rice", "scott", "sqrt", "sturges"]


@settings(modest, max_examples=60)
@given(st.sampled_from(RULES), st.integers(0, 200), st.sampled_from(["float64", "float32", "int64", "uint8"]),
       st.sampled_from([None, (55, 70), (0, 1)]))  # fmt: skip
def test_the_number_of_bins_is_numpys(rule, n, dtype, limits):
    values = (np.random.default_rng(n).normal(size=n) * 20 + 60).astype(dtype)
    array = ds.array(values, block_size=17)
    assert_alike(lambda: np.histogram(array, rule, limits)[0], lambda: np.histogram(values, rule, limits)[0])
    assert_alike(
        lambda: np.histogram_bin_edges(array, rule, limits), lambda: np.histogram_bin_edges(values, rule, limits), 1e-12
    )


def test_what_is_no_rule_is_refused():
    with pytest.raises(ValueError, match="'many' is not a valid estimator"):
        np.histogram(ds.ones(3), "many")
    with pytest.raises(TypeError, match="not supported with weights"):
        np.histogram(ds.ones(3), "auto", weights=ds.ones(3))
