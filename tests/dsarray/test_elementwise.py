import operator
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from tests.dsarray.strategies import REAL, assert_alike, assert_same, blocked, modest, ndarrays, pairs

BINARY = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.eq,
    operator.ne, operator.lt, operator.le, operator.gt, operator.ge, operator.and_, operator.or_, operator.xor,
    np.maximum, np.hypot, np.logical_and, np.arctan2,
]  # fmt: skip
UNARY = [operator.neg, operator.pos, operator.invert, abs, np.sqrt, np.exp, np.isnan, np.sign, np.conjugate, np.square]
SCALARS = st.sampled_from([2, -1, 0, 1.5, True, 3j, np.float32(2), np.int8(3), np.uint8(200), 300])

x = np.arange(12.0).reshape(4, 3)
a = ds.array(x, block_size=(3, 2))


@modest
@given(operation=st.sampled_from(UNARY), pair=pairs())
def test_unary_operations_agree_with_numpy(operation, pair):
    values, array = pair
    assert_alike(lambda: operation(array), lambda: operation(values), rtol=1e-6)


@modest
@given(operation=st.sampled_from(BINARY), data=st.data())
def test_binary_operations_broadcast_and_promote_as_numpy(operation, data):
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=5)).input_shapes
    left, right = (data.draw(ndarrays(shapes=st.just(shape))) for shape in shapes)
    ours = [data.draw(blocked(left)), data.draw(blocked(right))]
    plain = data.draw(st.sampled_from([None, 0, 1]))
    if plain is not None:
        ours[plain] = (left, right)[plain]
    if isinstance(ours[0], np.ndarray) and isinstance(ours[1], np.ndarray):
        return
    assert_alike(lambda: operation(*ours), lambda: operation(left, right), rtol=1e-6)


@modest
@given(operation=st.sampled_from(BINARY), pair=pairs(), scalar=SCALARS, reflected=st.booleans())
def test_scalars_are_weak_or_strong_as_in_numpy(operation, pair, scalar, reflected):
    values, array = pair
    if values.ndim == 0:
        values = np.asarray(values)
    if reflected:
        assert_alike_or_overflow(lambda: operation(scalar, array), lambda: operation(scalar, values))
    else:
        assert_alike_or_overflow(lambda: operation(array, scalar), lambda: operation(values, scalar))


def assert_alike_or_overflow(ours, numpys):
    try:
        assert_alike(ours, numpys, rtol=1e-6)
    except OverflowError:
        with pytest.raises(OverflowError):
            numpys()


@modest
@given(pair=pairs(REAL), dtype=st.sampled_from(["int64", "float32", "bool", "complex64", "U4"]))
def test_astype_agrees_with_numpy(pair, dtype):
    values, array = pair
    if values.dtype.kind == "f":
        values, array = np.asarray(np.nan_to_num(values, posinf=5)), np.nan_to_num(array, posinf=5)
    assert_same(array.astype(dtype), values.astype(dtype))


@pytest.mark.parametrize("mode", ["clip", "min", "max", "round", "power", "where", "divmod", "real", "isclose"])
def test_further_functions_agree_with_numpy(mode):
    expected, actual = {
        "clip": lambda: (np.clip(x, 2, x[0] + 5), a.clip(2, x[0] + 5)),
        "min": lambda: (np.clip(x, 2, None), np.clip(a, 2, None)),
        "max": lambda: (np.clip(x, None, 4), a.clip(max=4)),
        "round": lambda: (np.round(x / 7, 2), (a / 7).round(2)),
        "power": lambda: (2**x, 2**a),
        "where": lambda: (np.where(x > 4, x, -1), np.where(a > 4, a, -1)),
        "divmod": lambda: (divmod(x, 4)[1], divmod(a, 4)[1]),
        "real": lambda: ((x * 1j).imag, (a * 1j).imag),
        "isclose": lambda: (np.isclose(x, 3), np.isclose(a, 3)),
    }[mode]()
    assert_same(actual, expected)


def test_nothing_runs_until_a_value_is_asked_for(tasks):
    y = np.exp(a.T[::2] * 2 - x[:, 1]) + 1
    assert repr(y)
    assert tasks.n == 0
    y.collect()
    assert tasks.n == y.n_blocks


def test_a_chain_is_one_task_a_block_and_is_remembered(tasks):
    y = ((ds.zeros((6, 4), block_size=2) + 1) * 2) ** 2
    y.collect()
    assert tasks.n == 3
    y.collect()
    assert tasks.n == 3


def test_what_is_broadcast_is_computed_once(tasks):
    column = ds.ones((4, 1), block_size=2) + 1
    assert_same(ds.zeros((4, 6), block_size=2).rechunk((2, 2)) + column, np.full((4, 6), 2.0))
    assert tasks.n == 2 + 2 + 6


def test_a_part_that_occurs_twice_is_computed_once():
    y = ds.ones(4)
    for _ in range(200):
        y = y + y * 0
    assert_same(y, np.ones(4))


def test_in_place_operations_are_seen_by_every_name():
    b = ds.array(x, block_size=2)
    name, part = b, b[1:]
    b += 1
    b *= x[0]
    assert name is b
    assert_same(name, (x + 1) * x[0])
    assert_same(part, x[1:])


def test_in_place_operations_follow_numpys_casting_rules():
    b = ds.array([1, 2, 3])
    with pytest.raises(TypeError, match="astype"):
        b += 0.5
    with pytest.raises(ValueError, match="does not fit"):
        b += np.ones((2, 3), dtype=int)
    b = ds.array(np.ones(3, dtype=np.float32))
    b += np.ones(3)
    assert_same(b, np.full(3, 2, dtype=np.float32))


def test_out_of_a_ufunc_may_be_an_array_that_broadcasts():
    out = ds.zeros((2, 3))
    assert np.add(ds.ones(3), 1, out=out) is out
    assert_same(out, np.full((2, 3), 2.0))


def test_other_operands_and_functions_are_refused():
    with pytest.raises(TypeError, match="object"):
        a + object()
    with pytest.raises(TypeError, match="dtype object"):
        a + np.array([None])
    with pytest.raises(TypeError, match=r"np\.add\.at"):
        np.add.at(x, 0, a)
    with pytest.raises(TypeError, match="where"):
        np.add(a, 1, where=x > 2)
    with pytest.raises(ValueError, match="broadcast"):
        a + np.ones(5)
    with pytest.raises(OverflowError):
        ds.array([1], dtype="uint8") + 300
    with pytest.raises(TypeError, match="out="):
        np.add(a, 1, out=np.zeros((4, 3)))


def test_lists_and_pandas_are_operands():
    import pandas as pd

    row = [1, 2, 3]
    assert_same(a + row, x + row)
    assert_same(a * pd.Index([1.0, 2.0, 3.0]), x * [1, 2, 3])


def test_sparse_results_in_out_become_what_out_is():
    import scipy.sparse

    sparse, dense = ds.array(scipy.sparse.eye_array(3, format="csr"), block_size=2), ds.ones((3, 3), block_size=2) * 2
    with pytest.raises(TypeError, match="to_dense"):
        np.exp(dense, out=sparse)
    dense *= sparse
    assert not dense.sparse
    assert_same(dense, np.eye(3) * 2)


def test_texts_of_no_axes_keep_the_width_that_numpy_gives_arrays():
    assert_same(np.add("a", ds.array(np.array("b", dtype="U3"))), np.array("ab", dtype="U4"))


def test_masked_arrays_and_matrices_are_not_taken_for_ndarrays():
    with pytest.warns(PendingDeprecationWarning):
        matrix = np.matrix(x)
    for other in (np.ma.array(x, mask=x > 3), matrix):
        with pytest.raises(TypeError, match="convert it to an ndarray"):
            a * other


def test_a_time_without_a_unit_cannot_be_converted_to():
    texts = ds.array(["2020-01-01", "2020-01-02T03"], block_size=1)
    with pytest.raises(TypeError, match="no unit"):
        texts.astype("M8")
    assert_same(texts.astype("M8[h]"), np.array(["2020-01-01", "2020-01-02T03"], dtype="M8[h]"))


def test_none_in_out_does_not_take_the_shape_of_the_other_output():
    with pytest.raises(TypeError, match="None beside"):
        np.divmod(a, 2, out=(ds.zeros((2, 4, 3)), None))
    quotient = ds.zeros((4, 3))
    remainder = np.divmod(a, 2, out=(quotient, None))[1]
    assert_same(quotient, x // 2)
    assert_same(remainder, x % 2)


@pytest.mark.parametrize("call", [
    lambda x, out: np.sum(x, axis=0, out=out), lambda x, out: np.median(x, axis=0, out=out),
    lambda x, out: np.cumsum(x[0], out=out), lambda x, out: np.take(x[0], [0, 1, 2], out=out),
    lambda x, out: np.ptp(x, axis=0, out=out), lambda x, out: np.round(x[0], out=out),
    lambda x, out: np.quantile(x, 0.5, axis=0, out=out), lambda x, out: np.clip(x[0], 0, 1, out=out),
    lambda x, out: np.add(x[0], 1, out=out), lambda x, out: np.concatenate([x, x], out=out),
])  # fmt: skip
def test_only_ufuncs_and_their_like_broadcast_into_out(call):
    x = np.arange(6.0).reshape(2, 3)
    assert_alike(lambda: call(ds.array(x, block_size=2), ds.zeros((4, 3))), lambda: call(x, np.zeros((4, 3))))


def test_operands_cut_along_different_axes_make_no_crowd_of_small_blocks():
    x = np.arange(400.0).reshape(20, 20)
    a = ds.array(x, block_size=1)
    total = a + a.T
    assert total.chunks == a.chunks
    np.testing.assert_array_equal(total.collect(), x + x.T)
    assert (a + ds.array(x, block_size=(-1, 7))).chunks == a.chunks


def test_large_tiles_of_operands_cut_along_different_axes_stay_blocks(monkeypatch):
    x = np.arange(400.0).reshape(20, 20)
    a = ds.array(x, block_size=(5, 20))
    monkeypatch.setattr("dsarray._elementwise.TILE_BYTES", 200)  # a tile
    assert (a + a.T).grid == (4, 4)
    monkeypatch.setattr("dsarray._elementwise.TILE_BYTES", 201)
    assert (a + a.T).grid == (4, 2)


def test_blocks_are_not_joined_at_the_cost_of_a_budget(monkeypatch):
    a = ds.array(np.ones((20, 20)), block_size=1)
    monkeypatch.setattr("dsarray._elementwise.READ_BYTES", 320)  # of two blocks
    assert (a + a.T).chunks == ((1,) * 20, (2,) * 10)
    monkeypatch.setattr("dsarray._elementwise.active_session", lambda: SimpleNamespace(memory_bytes=1 << 30))
    assert (a + a.T).grid == (20, 20)


def test_errors_name_no_internals():
    sparse = ds.array(scipy.sparse.csr_array(np.eye(3)))
    for refused, name in (
        (lambda: np.clip(sparse, 0, 1), "clip"),
        (lambda: np.linalg.norm(sparse), "squared"),
        (lambda: np.divmod(sparse, 2), "divmod"),
    ):
        with pytest.raises(TypeError, match=f"^{name}: not supported for sparse arrays"):
            refused()
