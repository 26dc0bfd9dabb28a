import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import dsarray as ds
from tests.dsarray.strategies import DTYPES, REAL, SHAPES, assert_alike, assert_same, blocked, ndarrays, pairs

modest = settings(deadline=None, max_examples=50, derandomize=True)
MATRICES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5)

x = np.random.default_rng(0).normal(size=(30, 8))
a = ds.array(x, block_size=(7, 3))


def axes_of(values):
    n = values.ndim
    return st.none() | st.lists(st.integers(-n, n - 1), max_size=3, unique=True).map(tuple) if n else st.none()


def masks(data, values):
    """A mask that broadcasts to the values, and the same as an Array, an ndarray or a scalar."""
    kind = data.draw(st.sampled_from(["none", "scalar", "ndarray", "array"]))
    if kind == "none":
        return True, True
    if kind == "scalar":
        return (data.draw(st.booleans()),) * 2
    shape = [n if data.draw(st.booleans()) else 1 for n in values.shape]
    mask = data.draw(hnp.arrays(bool, tuple(shape[data.draw(st.integers(0, len(shape))) :])))
    return mask, data.draw(blocked(mask)) if kind == "array" else mask


@modest
@given(
    name=st.sampled_from(["sum", "prod", "min", "max", "any", "all", "mean", "var", "std"]),
    pair=pairs(DTYPES),
    data=st.data(),
)
def test_masks_and_initial_values_agree_with_numpy(name, pair, data):
    values, array = pair
    if name == "prod" and values.dtype.kind == "c" and not np.isfinite(values).all():
        return  # inf + 0j times 1 + 0j has NaN in it, so that grouping matters
    mask, ours = masks(data, values)
    keywords = {"axis": data.draw(axes_of(values)), "keepdims": data.draw(st.booleans())}
    if name in ("sum", "prod", "min", "max") and data.draw(st.booleans()):
        keywords["initial"] = data.draw(st.sampled_from([0, 1, 2.5, None]))
    if name in ("var", "std"):
        keywords[data.draw(st.sampled_from(["ddof", "correction"]))] = data.draw(st.sampled_from([0, 1, -1, 0.5]))
    function = getattr(np, name)
    assert_alike(
        lambda: function(array, where=ours, **keywords), lambda: function(values, where=mask, **keywords), rtol=1e-5
    )


@modest
@given(name=st.sampled_from(["var", "std"]), pair=pairs(REAL), data=st.data())
def test_variances_about_a_given_mean_agree_with_numpy(name, pair, data):
    values, array = pair
    axis = data.draw(axes_of(values))
    shape = [1 if axis is None or i in axis or i - values.ndim in axis else n for i, n in enumerate(values.shape)]
    mean = np.arange(np.prod(shape, dtype=int)).reshape(shape) * 0.5
    given_mean = data.draw(st.sampled_from([mean, 0.5]))
    ours = data.draw(blocked(mean)) if given_mean is mean else 0.5
    assert_alike(
        lambda: getattr(np, name)(array, axis=axis, mean=ours),
        lambda: getattr(np, name)(values, axis=axis, mean=given_mean),
        rtol=1e-5,
    )


@modest
@given(
    name=st.sampled_from(["sum", "prod", "min", "max", "any", "all", "argmin", "argmax", "mean"]),
    pair=pairs(["int8", "int64", "float32", "float64"]),
    dtype=st.sampled_from(["int8", "int64", "float32", "float64", "bool"]),
    data=st.data(),
)
def test_results_go_into_out_as_in_numpy(name, pair, dtype, data):
    values, array = pair
    values, array = np.nan_to_num(values, posinf=7) * 1, np.nan_to_num(array, posinf=7) * 1
    axis = data.draw(st.none() | st.integers(-values.ndim, values.ndim - 1)) if values.ndim else None
    if name == "mean" and np.dtype(dtype).kind not in "f":
        return
    try:
        shape = getattr(np, name)(np.ones(values.shape), axis=axis).shape
    except ValueError:
        return
    out = np.zeros(shape, dtype)
    target = ds.zeros(shape, dtype=dtype)

    def ours():
        assert getattr(np, name)(array, axis=axis, out=target) is target
        return target

    if dtype == "int8" and values.dtype.kind == "f" and abs(values).sum() > 100:
        return  # what does not fit is undefined in C
    assert_alike(ours, lambda: getattr(np, name)(values, axis=axis, out=out), rtol=1e-5)


@modest
@given(pair=pairs(REAL), data=st.data(), keepdims=st.booleans())
def test_ranges_and_counts_agree_with_numpy(pair, data, keepdims):
    values, array = pair
    axis = data.draw(axes_of(values))
    assert_alike(lambda: np.ptp(array, axis, keepdims=keepdims), lambda: np.ptp(values, axis, keepdims=keepdims))
    assert_alike(
        lambda: np.count_nonzero(array, axis, keepdims=keepdims),
        lambda: np.count_nonzero(values, axis, keepdims=keepdims),
    )


@modest
@given(pair=pairs(DTYPES, MATRICES), data=st.data(), keepdims=st.booleans(), returned=st.booleans())
def test_averages_agree_with_numpy(pair, data, keepdims, returned):
    values, array = pair
    axis = data.draw(axes_of(values))
    shape = data.draw(st.sampled_from([values.shape, tuple(values.shape[i] for i in axis or range(values.ndim))]))
    weights = data.draw(
        st.none() | hnp.arrays("float64", st.just(shape), elements=st.sampled_from([0.0, 1.0, 2.5]))
        | hnp.arrays("int32", st.just(shape), elements=st.integers(0, 3))
    )  # fmt: skip
    ours = weights if weights is None or data.draw(st.booleans()) else data.draw(blocked(weights))
    keywords = {"axis": axis, "keepdims": keepdims, "returned": returned}
    for part in (0, 1) if returned else (...,):
        if part == 1 and not values.size:
            continue
        assert_zero_alike(
            lambda: np.average(array, weights=ours, **keywords)[part],
            lambda: np.average(values, weights=weights, **keywords)[part],
        )


def assert_zero_alike(ours, numpys):
    try:
        assert_alike(ours, numpys, rtol=1e-6)
    except ZeroDivisionError:
        with pytest.raises(ZeroDivisionError):
            numpys()
    except AssertionError as error:
        if "ZeroDivisionError" not in str(error):
            raise
        with pytest.raises(ZeroDivisionError):
            ours().collect()


@pytest.mark.parametrize("rowvar", [True, False])
@pytest.mark.parametrize("kind", ["plain", "y", "bias", "fweights", "aweights", "both", "complex", "vector"])
def test_covariances_agree_with_numpy(kind, rowvar):
    n = 8 if rowvar else 30
    weights = np.arange(n) % 4 + 1
    values, keywords = {
        "plain": (x, {}), "y": (x, {"y": x * 2 + 1}), "bias": (x, {"bias": True}),
        "fweights": (x, {"fweights": weights}), "aweights": (x, {"aweights": weights / 2}),
        "both": (x, {"fweights": weights, "aweights": weights / 2, "ddof": 0}), "complex": (x + 1j * x**2, {"ddof": 2}),
        "vector": (x[0], {}),
    }[kind]  # fmt: skip
    array = ds.array(values, block_size=(7, 3)[: values.ndim])
    expected = np.cov(values, rowvar=rowvar, **keywords) if kind != "vector" else np.cov(values)
    actual = np.cov(array, rowvar=rowvar, **keywords) if kind != "vector" else np.cov(array)
    assert_same(actual, expected, rtol=1e-12)
    if kind in ("plain", "y", "complex", "vector"):
        keywords.pop("ddof", None)
        assert_same(
            np.corrcoef(array, rowvar=rowvar, **keywords), np.corrcoef(values, rowvar=rowvar, **keywords), rtol=1e-12
        )


def test_weights_of_covariances_are_checked_as_in_numpy():
    for keywords, error in (
        ({"fweights": np.ones(3)}, RuntimeError), ({"fweights": np.ones((8, 8))}, RuntimeError),
        ({"fweights": np.full(8, 0.5)}, TypeError), ({"aweights": np.full(8, -1)}, ValueError),
        ({"ddof": 0.5}, ValueError),
    ):  # fmt: skip
        with pytest.raises(error):
            np.cov(x, **keywords)
        with pytest.raises(error):
            np.cov(a, **keywords)
    with pytest.raises(ValueError, match="more than 2"):
        np.cov(ds.ones((2, 2, 2)))


def test_functions_are_applied_over_axes():
    assert_same(np.apply_over_axes(np.sum, a, [0, -1]), np.apply_over_axes(np.sum, x, [0, -1]), rtol=1e-12)
    with pytest.raises(ValueError, match="shape"):
        np.apply_over_axes(lambda values, axis: values[0, 0], a, 0)


def test_methods_take_numpys_parameters():
    mask = x[0] > 0
    assert_same(
        a.sum(axis=0, keepdims=True, where=mask, initial=2), x.sum(axis=0, keepdims=True, where=mask, initial=2), 1e-12
    )
    assert_same(a.max(0, initial=9, where=mask), x.max(0, initial=9, where=mask))
    assert_same(a.var(axis=1, correction=1), np.var(x, axis=1, correction=1), rtol=1e-12)
    assert_same(a.mean(where=ds.array(mask)), x.mean(where=mask), rtol=1e-12)
    assert_same(a.any(axis=1, where=mask, keepdims=True), x.any(axis=1, where=mask, keepdims=True))
    assert_same(a.argmin(0, keepdims=True), x.argmin(0, keepdims=True))
    out = ds.zeros(8)
    assert a.sum(0, out=out) is out
    assert_same(out, x.sum(0), rtol=1e-12)


def test_reductions_over_no_axis_keep_the_shape():
    assert_same(np.sum(a, axis=()), x)
    assert_same(np.sum(a, axis=(), initial=1), x + 1)


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match=r"where= of shape \(2, 8\) does not broadcast"):
        np.sum(a, where=np.ones((2, 8), dtype=bool))
    with pytest.raises(ValueError, match="dimensions"):
        np.sum(a, where=np.ones((2, 30, 8), dtype=bool))
    with pytest.raises(TypeError):
        np.sum(a, where=np.ones(8, dtype=int))
    with pytest.raises(ValueError, match="identity"):
        np.min(a, where=x > 0)
    with pytest.raises(ValueError, match="ddof and correction"):
        np.var(a, ddof=1, correction=1)
    with pytest.raises(TypeError, match="give an Array"):
        np.sum(a, out=np.zeros(()))
    with pytest.raises(ValueError, match="shape"):
        np.sum(a, axis=0, out=ds.zeros((1, 8)))
    with pytest.raises(TypeError, match="floating point"):
        np.mean(a, out=ds.zeros((), dtype=int))
    with pytest.raises(TypeError, match="axis"):
        np.average(a, weights=np.ones(8))
    with pytest.raises(ZeroDivisionError):
        np.average(a, weights=np.zeros((30, 8))).collect()


def test_nothing_runs_until_a_value_is_asked_for(tasks):
    np.average(a, weights=x**2, axis=0), np.cov(a), np.var(a, where=a > 0, mean=0.0), np.ptp(a, 0)
    assert tasks.n == 0


def test_a_masked_reduction_is_fused_with_its_mask(tasks):
    array = ds.ones((6, 4), block_size=2)
    total = np.sum(array * 2, where=array > 0)
    assert float(total) == 48
    assert tasks.n == 3 + 1


@modest
@given(values=ndarrays(REAL, SHAPES), data=st.data())
def test_blocking_does_not_change_exact_results(values, data):
    arrays = [data.draw(blocked(values)) for _ in range(2)]
    mask = np.ones(values.shape, dtype=bool)
    for function in (np.any, np.count_nonzero):
        results = [function(array).collect() for array in arrays]
        assert np.array_equal(*results)
    results = [np.max(array, initial=-50, where=mask).collect() for array in arrays if array.dtype.kind == "f"]
    assert not results or np.array_equal(*results, equal_nan=True)


def test_out_says_in_which_type_is_summed():
    values = np.array([0.5, 0.75, 2.5])
    out = ds.zeros((), dtype=int)
    np.sum(ds.array(values, block_size=2), out=out)
    assert int(out) == int(np.sum(values, out=np.zeros((), int))) == 3
    for dtype in ("int8", "int16", "bool"):
        small, given = np.array([100, 100, 1], "int8"), np.zeros((), dtype)
        out = ds.zeros((), dtype=dtype)
        np.sum(ds.array(small, block_size=2), out=out)
        assert_same(out, np.sum(small, out=given))


def test_weights_are_put_on_the_axes_that_they_belong_to():
    values = np.arange(24.0).reshape(2, 3, 4)
    weights = np.arange(1.0, 9).reshape(4, 2)
    array = ds.array(values, block_size=(1, 2, 3))
    for ours in (weights, ds.array(weights, block_size=3)):
        assert_same(
            np.average(array, axis=(2, 0), weights=ours), np.average(values, axis=(2, 0), weights=weights), 1e-12
        )


@pytest.mark.parametrize("name", ["cov", "corrcoef"])
def test_of_no_variables_there_is_a_matrix_of_no_rows(name):
    values = np.empty((0, 5), complex)
    assert_same(getattr(np, name)(ds.array(values)), getattr(np, name)(values))
