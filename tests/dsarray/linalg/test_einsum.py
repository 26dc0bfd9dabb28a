import numpy as np
import pytest

import dsarray as ds
from tests.dsarray.linalg.matrices import assert_close, normal

SUBSCRIPTS = ["ij,jk->ik", "ij,jk", "ij->ji", "ij->j", "ij->", "ii->i", "ii", "ij,ij->i", "ij,kj->ik", "ij,jk,kl->il",
              "i,j->ij", "ij,j", "ij,jk,kl,lm->im", "ii,ij->j", "i,i", "ij,kl->ijkl", "ij,jk->k", "ijj->i", "ij,k",
              "ijk,ikl->ijl", "ij, jk -> ik"]  # fmt: skip


@pytest.mark.parametrize("subscripts", SUBSCRIPTS)
@pytest.mark.parametrize("dtype", ["float64", "complex64", "int8", "bool"])
def test_sums_agree_with_numpy_in_any_blocks(subscripts, dtype):
    names = subscripts.replace(" ", "").split("->")[0].split(",")
    values = [normal((5,) * len(each), dtype, seed) for seed, each in enumerate(names)]
    for size in (2, 3):
        arrays = [ds.array(x, block_size=(size,) * x.ndim) for x in values]
        assert_close(np.einsum(subscripts, *arrays), np.einsum(subscripts, *values))


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [("...ij,...jk->...ik", [(5, 3, 4), (4, 2)]), ("...ij,...jk", [(5, 3, 4), (5, 4, 2)]), ("...->...", [(3, 2)]),
     ("i...->...", [(3, 2)]), ("i...,i...->...", [(3, 2), (3, 2)]), ("ij,ij->ij", [(3, 4), (1, 4)]),
     ("ij,jk->ik", [(3, 0), (0, 2)])],
)  # fmt: skip
def test_ellipses_and_axes_of_length_1_broadcast(subscripts, shapes):
    values = [normal(shape) for shape in shapes]
    arrays = [ds.array(x, block_size=2) for x in values]
    assert_close(np.einsum(subscripts, *arrays), np.einsum(subscripts, *values))


def test_other_ways_to_write_it():
    x, y = normal((3, 4)), normal((4, 2), "float32")
    a, b = ds.array(x, block_size=2), ds.array(y, block_size=(3, 1))
    assert_close(np.einsum(a, [0, 1], b, [1, 2], [0, 2]), x @ y)
    assert_close(np.einsum(a, [..., 1], b, [1, 2]), np.einsum(x, [..., 1], y, [1, 2]))
    assert_close(np.einsum("ij,ik->jk", b, b, dtype=float, optimize=True), np.einsum("ij,ik->jk", y, y, dtype=float))
    out = ds.zeros((3, 2))
    assert np.einsum("ij,jk", a, b, out=out) is out
    assert_close(out, x @ y)


def test_what_does_not_fit_is_refused():
    a = ds.array(normal((3, 4)), block_size=2)
    for subscripts, match in (("ij,jk->ik", "lengths 4 and 3"), ("ij->ij", "1 terms"), ("ij,i->ij", "does not name"),
                              ("ij,kl->iix", "twice"), ("i1,jk->ik", "letter")):  # fmt: skip
        with pytest.raises(ValueError, match=match):
            np.einsum(subscripts, a, a)
    with pytest.raises(TypeError, match="casting="):
        np.einsum("ij", a, casting="unsafe")
    with pytest.raises(TypeError, match="safely"):
        np.einsum("ij", a, dtype="float32")
