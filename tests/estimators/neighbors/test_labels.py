"""Votes of neighbors whose labels are none, as those of a damaged model may be."""

import numpy as np
import pytest

import dsarray as ds
from estimators.neighbors import KNeighborsClassifier

X = np.arange(20.0).reshape(10, 2)


@pytest.mark.parametrize("code", [2**63 - 1, 10**9, 2, -1])
@pytest.mark.parametrize("blocks", [None, 4])
def test_labels_that_are_no_classes_are_an_error(code, blocks):
    x = X if blocks is None else ds.array(X, block_size=blocks)
    model = KNeighborsClassifier(2).fit(x, np.arange(10) % 2)
    model._y = ds.array(np.full(10, code), block_size=4)
    model._make_parts(ds.array(X))
    with pytest.raises(ValueError, match="none of its 2 classes"):
        model.predict(X)
