import numpy as np
import pytest
import scipy.sparse

import dsarray as ds


def test_blocks_in_main_memory_belong_to_numpy():
    assert ds.namespace(np.ones(1)) is np
    assert ds.namespace(scipy.sparse.eye_array(2, format="csr")) is np
    block = np.ones(2)
    assert ds.to_host(block) is block


def test_blocks_on_a_gpu_belong_to_cupy():
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    block = ds.to_device(np.ones(2))
    assert ds.namespace(block) is cupy
    assert ds.to_host(block).tolist() == [1, 1]
