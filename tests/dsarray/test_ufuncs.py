import pickle

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from tests.dsarray.strategies import DTYPES, assert_alike, assert_same, blocked, ndarrays, pairs

modest = settings(deadline=None, max_examples=50, derandomize=True)

REDUCED = [
    np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logical_and, np.logical_or, np.logical_xor,
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.gcd, np.lcm, np.hypot, np.logaddexp, np.logaddexp2, np.subtract,
    np.divide, np.power, np.arctan2, np.floor_divide, np.remainder, np.copysign, np.equal, np.less, np.left_shift,
]  # fmt: skip
ALL = sorted(
    {f for f in vars(np).values() if isinstance(f, np.ufunc) and f.signature is None}, key=lambda f: f.__name__
)
SPECIAL = sorted(
    {f for f in vars(scipy.special).values() if isinstance(f, np.ufunc) and f.signature is None},
    key=lambda f: f.__name__,
)

x = np.random.default_rng(0).normal(size=(12, 5))
a = ds.array(x, block_size=(5, 2))


@modest
@given(ufunc=st.sampled_from(REDUCED), pair=pairs(DTYPES), data=st.data(), keepdims=st.booleans())
def test_reduce_agrees_with_numpy(ufunc, pair, data, keepdims):
    values, array = pair
    n = values.ndim
    axis = data.draw(
        st.none() | st.integers(-n, n - 1) | st.lists(st.integers(0, n - 1), max_size=2, unique=True).map(tuple)
    ) if n else None  # fmt: skip
    keywords = {"axis": axis, "keepdims": keepdims}
    if data.draw(st.booleans()):
        keywords["initial"] = data.draw(st.sampled_from([0, 1, 2]))
        if n and ufunc in REDUCED[:13] and data.draw(st.booleans()):
            keywords["where"] = np.arange(values.shape[-1]) % 2 == 1
    if data.draw(st.booleans()) and values.dtype.kind in "iu":
        keywords["dtype"] = "int16"
    assert_alike(lambda: ufunc.reduce(array, **keywords), lambda: ufunc.reduce(values, **keywords), rtol=1e-4)


def test_reduce_is_along_the_first_axis_unless_said_otherwise():
    assert_same(np.add.reduce(a), np.add.reduce(x), rtol=1e-12)
    out = ds.zeros(5)
    assert np.maximum.reduce(a, out=out) is out
    assert_same(out, np.maximum.reduce(x))
    assert_same(np.logical_xor.reduce(a > 0, axis=(0, 1)), np.logical_xor.reduce(x > 0, axis=(0, 1)))


@pytest.mark.parametrize("ufunc", [np.subtract, np.divide, np.power, np.add, np.minimum, np.bitwise_xor])
def test_an_initial_value_counts_once(ufunc):
    values = np.array([3, 1, 2, 5, 1])
    for size in (1, 2, 5):
        assert_same(
            ufunc.reduce(ds.array(values, block_size=size), initial=2), ufunc.reduce(values, initial=2), rtol=1e-12
        )


@modest
@given(ufunc=st.sampled_from([np.add, np.subtract, np.less, np.hypot, np.divmod]), data=st.data())
def test_outer_agrees_with_numpy(ufunc, data):
    shapes = hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=4)
    left, right = data.draw(ndarrays(["int8", "float64"], shapes)), data.draw(ndarrays(["int32", "float32"], shapes))
    ours = data.draw(st.sampled_from(["both", "left", "right"]))
    p = data.draw(blocked(left)) if ours != "right" else left
    q = data.draw(blocked(right)) if ours != "left" else right
    for part in (0, 1) if ufunc is np.divmod else (...,):
        assert_alike(lambda: ufunc.outer(p, q)[part], lambda: np.asarray(ufunc.outer(left, right)[part]), rtol=1e-6)
    if ufunc is np.add:
        assert_alike(lambda: ufunc.outer(data.draw(blocked(left)), 2), lambda: np.asarray(ufunc.outer(left, 2)))


def test_reduceat_joins_the_blocks_of_an_axis():
    for axis in (0, 1, -1):
        for indices in ([0, 3], [4, 1, 1], []):
            assert_same(np.add.reduceat(a, indices, axis=axis), np.add.reduceat(x, indices, axis=axis), rtol=1e-12)
    with pytest.raises(IndexError):
        np.add.reduceat(a, [12])


@pytest.mark.parametrize("ufunc", ALL, ids=lambda f: f.__name__)
def test_every_elementwise_function_of_numpy_agrees(ufunc):
    for dtype in ("bool", "int16", "float64", "complex128", "m8[s]", "M8[s]", "U3"):
        values = np.array([[1, 2, 1], [3, 1, 2]]).astype(dtype)
        array = ds.array(values, block_size=(1, 2))
        for n in range(ufunc.nout):
            assert_alike(
                lambda: _nth(ufunc(*[array] * ufunc.nin), n), lambda: _nth(ufunc(*[values] * ufunc.nin), n), rtol=1e-9
            )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("ufunc", SPECIAL, ids=lambda f: f.__name__)
def test_every_elementwise_function_of_scipy_agrees(ufunc):
    values = np.array([[0.25, 0.5, 0.75], [0.3, 0.9, 0.1]])
    array = ds.array(values, block_size=(1, 2))
    assert pickle.loads(pickle.dumps(ufunc)) is ufunc
    for n in range(ufunc.nout):
        assert_alike(
            lambda: _nth(ufunc(*[array] * ufunc.nin), n), lambda: _nth(ufunc(*[values] * ufunc.nin), n), rtol=1e-9
        )


def _nth(results, n):
    return results[n] if isinstance(results, tuple) else results


def test_keywords_of_a_call_are_as_in_numpy():
    assert_same(np.add(a, 1, dtype="float32"), np.add(x, 1, dtype="float32"))
    assert_same(np.add(a, 1, signature="dd->d", order="C", subok=False), x + 1)
    ints, array = np.arange(5), ds.array(np.arange(5), block_size=2)
    assert_same(np.sqrt(array, casting="unsafe", dtype="float32"), np.sqrt(ints, dtype="float32"))
    with pytest.raises(TypeError):
        np.add(a, 1, dtype="int8", casting="safe")
    out = ds.zeros(5, dtype=int)
    assert np.multiply(array, 1.5, out=out, casting="unsafe") is out
    assert_same(out, np.multiply(ints, 1.5, out=np.zeros(5, int), casting="unsafe"))


@modest
@given(data=st.data(), ufunc=st.sampled_from([np.add, np.divide, np.less]))
def test_where_changes_only_the_elements_that_it_selects(data, ufunc):
    values = data.draw(ndarrays(["int32", "float64"], hnp.array_shapes(max_dims=2, min_side=0, max_side=5)))
    mask = data.draw(hnp.arrays(bool, values.shape[data.draw(st.integers(0, values.ndim)) :]))
    expected = np.full(values.shape, 7.0)
    out = data.draw(blocked(expected))
    ours = data.draw(st.sampled_from([mask, data.draw(blocked(mask))]))
    with np.errstate(all="ignore"):
        ufunc(values, 2, out=expected, where=mask)
        assert ufunc(data.draw(blocked(values)), 2, out=out, where=ours) is out
    assert_same(out, expected)


def test_where_needs_out_and_fits_it():
    with pytest.raises(TypeError, match="give out="):
        np.add(a, 1, where=x > 0)
    with pytest.raises(ValueError, match="does not fit"):
        np.add(a, 1, where=x > 0, out=ds.zeros(5))
    quotient, rest = ds.zeros((12, 5)), ds.ones((12, 5))
    np.divmod(a, 2, out=(quotient, rest), where=x > 0)
    assert_same(quotient, np.where(x > 0, x // 2, 0))
    assert_same(rest, np.where(x > 0, x % 2, 1))


def test_a_division_by_zero_that_is_masked_is_not_done():
    out = ds.zeros(3)
    np.divide(1, ds.array([1, 0, 2]), out=out, where=[True, False, True])
    with np.errstate(all="raise"):
        assert_same(out, np.array([1, 0, 0.5]))


def test_functions_of_vectors_are_those_that_are_registered(monkeypatch):
    from dsarray._registry import FUNCTIONS

    monkeypatch.delitem(FUNCTIONS, np.vecmat)
    with pytest.raises(TypeError, match=r"np\.vecmat is not supported"):
        np.vecmat(a, a)
    monkeypatch.setitem(FUNCTIONS, np.vecmat, lambda left, right, axis=0: left + right + axis)
    assert_same(np.vecmat(a, 2, axis=1), x + 2 + 1)
    with pytest.raises(TypeError, match="dtype= is not supported"):
        np.matmul(a, a.T, dtype="float32")


def test_outputs_that_do_not_fit_each_other_are_refused_and_none_is_changed():
    small, large, whole = ds.zeros(3), ds.zeros((2, 3)), ds.zeros(3, int)
    for out in ((large, small), (small, large)):
        with pytest.raises(ValueError, match=r"shape \(2, 3\) does not fit into out= of shape \(3,\)"):
            np.modf(ds.array([1.5, 2.5, 3.5]), out=out)
    with pytest.raises(TypeError, match="cannot put float64"):
        np.modf(ds.array([1.5, 2.5, 3.5]), out=(small, whole))
    with pytest.raises(TypeError, match="None beside a larger"):
        np.modf(ds.array([1.5, 2.5, 3.5]), out=(large, None))
    for array in (small, large, whole):
        assert not array.any()


@pytest.mark.parametrize("given", [(True, False), (False, True), (True, True)])
def test_some_outputs_may_be_left_to_us(given):
    values = np.array([1.5, -2.25, 3.0])
    out = tuple(ds.zeros(3) if each else None for each in given)
    results = np.modf(ds.array(values, block_size=2), out=out)
    for result, target, expected in zip(results, out, np.modf(values), strict=True):
        assert_same(result, expected)
        assert target is None or target is result
    with pytest.raises(TypeError, match="where= without out="):
        np.modf(ds.array(values), out=(ds.zeros(3), None), where=values > 0)
