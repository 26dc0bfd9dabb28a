import numpy as np
import pytest

import dsarray as ds


def test_the_block_size_holds_inside_the_with_block_only():
    with ds.config(block_size=7):
        assert ds.array(np.ones((20, 3))).chunks == ((7, 7, 6), (3,))
        assert ds.array(np.ones((20, 3)), block_size=-1).chunks == ((20,), (3,))
        with ds.config(block_size=(5, 2, 1)):
            assert ds.zeros((6, 3)).chunks == ((5, 1), (2, 1))
            assert ds.zeros(6).chunks == ((5, 1),)
        with ds.config(block_size=np.array([5, 2])):
            assert ds.zeros((6, 3)).chunks == ((5, 1), (2, 1))
        assert ds.array(1).chunks == ()
    assert ds.array(np.ones((20, 3))).chunks == ((20,), (3,))


def test_nonsense_is_refused_at_once():
    with pytest.raises(ValueError, match="config: block_size=0"), ds.config(block_size=0):
        pass
