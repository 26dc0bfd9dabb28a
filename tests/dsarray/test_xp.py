"""The namespace gives what array_api_strict gives: values, shapes and types, however arrays are cut."""

import array_api_strict as strict
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dsarray import xp
from tests.dsarray.strategies import blocked
from tests.dsarray.xp_cases import (
    ALL,
    BOOL,
    COMPLEX,
    FLOATING,
    FLOATS,
    INTEGERS,
    KINDS,
    LONG,
    NUMERIC,
    REAL,
    SHAPES,
    SIGNED,
    UNSIGNED,
    arrays,
    axes_of,
    axis_of,
    check,
    compared,
    converted,
    few,
    scalars,
)

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


# --- elements ---------------------------------------------------------------------------------------------------------

OF_ONE = {
    **dict.fromkeys(["abs", "negative", "positive", "sign", "square", "round"], NUMERIC),
    **dict.fromkeys(["ceil", "floor", "trunc"], REAL),
    **dict.fromkeys(["isfinite", "isinf", "isnan", "conj"], NUMERIC),
    **dict.fromkeys(["bitwise_invert"], BOOL + INTEGERS),
    **dict.fromkeys(["logical_not"], BOOL),
    **dict.fromkeys(["signbit"], FLOATS),
    **dict.fromkeys(["real", "imag"], COMPLEX),
    **dict.fromkeys(
        ["acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "exp", "expm1", "log", "log1p", "log2",
         "log10", "reciprocal", "sin", "sinh", "sqrt", "tan", "tanh"],
        FLOATING,
    ),
}  # fmt: skip

OF_TWO = {
    name: dtypes
    for dtypes, names in {
        (UNSIGNED, SIGNED, FLOATS, FLOATING): ("add", "multiply", "subtract", "pow"),
        (FLOATS, FLOATING): ("divide",),
        KINDS: ("equal", "not_equal"),
        (UNSIGNED, SIGNED, FLOATS): (
            *("greater", "greater_equal", "less", "less_equal"),
            *("maximum", "minimum", "floor_divide", "remainder"),
        ),
        (BOOL, UNSIGNED, SIGNED): ("bitwise_and", "bitwise_or", "bitwise_xor"),
        (UNSIGNED, SIGNED): ("bitwise_left_shift", "bitwise_right_shift"),
        (BOOL,): ("logical_and", "logical_or", "logical_xor"),
        (FLOATS,): ("atan2", "copysign", "hypot", "logaddexp", "nextafter"),
    }.items()
    for name in names
}


@pytest.mark.parametrize("name", OF_ONE)
@few
@given(data=st.data())
def test_functions_of_one_array_agree(name, data):
    x = data.draw(arrays(OF_ONE[name]))
    if name == "sign" and x.dtype.kind == "c":
        x = np.where(np.isinf(x), 2, x).astype(x.dtype)  # of which array_api_strict makes NaN, and NumPy does not
    check(data, name, [x], rtol=1e-12)


@pytest.mark.parametrize("name", OF_TWO)
@few
@given(data=st.data())
def test_functions_of_two_arrays_agree(name, data):
    dtypes = data.draw(st.sampled_from(OF_TWO[name]))
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3)).input_shapes
    pair = [data.draw(arrays(dtypes, st.just(shape))) for shape in shapes]
    if data.draw(st.booleans()):
        scalar = data.draw(scalars(pair[0].dtype))
        pair = data.draw(st.sampled_from([[pair[0], scalar], [scalar, pair[0]]]))
    check(data, name, pair, rtol=1e-12)


OPERATORS = {
    "__add__": "add", "__sub__": "subtract", "__mul__": "multiply", "__pow__": "pow", "__truediv__": "divide",
    "__floordiv__": "floor_divide", "__mod__": "remainder", "__and__": "bitwise_and", "__or__": "bitwise_or",
    "__xor__": "bitwise_xor", "__lshift__": "bitwise_left_shift", "__rshift__": "bitwise_right_shift",
    "__eq__": "equal", "__ne__": "not_equal", "__lt__": "less", "__le__": "less_equal", "__gt__": "greater",
    "__ge__": "greater_equal",
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATORS)
@few
@given(data=st.data())
def test_operators_agree_also_reflected_and_in_place(name, data):
    dtypes = data.draw(st.sampled_from(OF_TWO[OPERATORS[name]]))
    shape = data.draw(SHAPES)
    left = data.draw(arrays(dtypes, st.just(shape)))
    right = data.draw(arrays([left.dtype], st.just(shape)) | scalars(left.dtype))
    reflected, in_place = (f"__{kind}{name[2:]}" for kind in "ri")
    names = [name, *(each for each in (reflected, in_place) if hasattr(type(strict.ones(1)), each))]
    for each in names:
        ours, theirs = data.draw(blocked(left)), strict.asarray(left)
        with np.errstate(all="ignore"):
            try:
                expected = getattr(theirs, each)(converted(right, strict.asarray))
            except (TypeError, ValueError, OverflowError):
                continue
            actual = getattr(ours, each)(converted(right, lambda values: data.draw(blocked(values))))
            if expected is NotImplemented:
                continue
            compared(actual, expected, 1e-12)
            if each == in_place:
                compared(ours, theirs, 1e-12)


@few
@given(data=st.data())
def test_clip_agrees(data):
    x = data.draw(arrays(REAL))
    low, high = (
        data.draw(st.none() | arrays([x.dtype], st.sampled_from([(), x.shape]), special=False) | scalars(x.dtype))
        for _ in range(2)
    )
    check(data, "clip", [x, low, high])
    check(data, "clip", [x], {"max": high})


@few
@given(data=st.data())
def test_where_agrees(data):
    shapes = data.draw(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, max_side=3)).input_shapes
    dtypes = data.draw(st.sampled_from(KINDS))
    mask, x, y = (data.draw(arrays(d, st.just(s))) for d, s in zip((BOOL, dtypes, dtypes), shapes, strict=True))
    check(data, "where", [mask, x, y])
    check(data, "where", [mask, x, data.draw(scalars(x.dtype))])


# --- reductions, searching, order -------------------------------------------------------------------------------------


REDUCTIONS = {
    **dict.fromkeys(["all", "any", "count_nonzero"], ALL),
    **dict.fromkeys(["sum", "prod"], NUMERIC),
    **dict.fromkeys(["max", "min"], REAL),
    **dict.fromkeys(["mean"], FLOATING),
    **dict.fromkeys(["std", "var"], FLOATS),
}


@pytest.mark.parametrize("name", REDUCTIONS)
@few
@given(data=st.data(), keepdims=st.booleans())
def test_reductions_agree(name, data, keepdims):
    x = data.draw(arrays(REDUCTIONS[name]))
    keywords = {"axis": data.draw(axes_of(x)), "keepdims": keepdims}
    if name in ("sum", "prod") and data.draw(st.booleans()):
        with np.errstate(all="ignore"):
            ours = getattr(xp, name)(data.draw(blocked(x)), **keywords, dtype=xp.complex128)
            compared(ours, getattr(strict, name)(strict.asarray(x), **keywords, dtype=strict.complex128), 1e-9)
    if name in ("std", "var"):
        keywords["correction"] = data.draw(st.sampled_from([0.0, 1, 0.5]))
    check(data, name, [x], keywords, rtol=1e-9)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@few
@given(data=st.data(), keepdims=st.booleans())
def test_positions_agree(name, data, keepdims):
    x = data.draw(arrays(REAL))
    check(data, name, [x], {"axis": data.draw(st.none() | axis_of(x) if x.ndim else st.none()), "keepdims": keepdims})


@pytest.mark.parametrize("name", ["sort", "argsort"])
@few
@given(data=st.data(), descending=st.booleans(), stable=st.booleans())
def test_orders_agree(name, data, descending, stable):
    x = data.draw(arrays(REAL, LONG))
    keywords = {"axis": data.draw(axis_of(x)), "descending": descending}
    check(data, name, [x], {**keywords, "stable": stable} if name == "sort" else keywords)


@pytest.mark.parametrize("name", ["unique_all", "unique_counts", "unique_inverse", "unique_values"])
@few
@given(data=st.data())
def test_distinct_values_agree(name, data):
    check(data, name, [data.draw(arrays(ALL))])


@few
@given(data=st.data(), invert=st.booleans())
def test_membership_agrees(data, invert):
    dtypes = data.draw(st.sampled_from([BOOL, UNSIGNED, SIGNED]))
    x, y = data.draw(arrays(dtypes)), data.draw(arrays(dtypes))
    check(data, "isin", [x, y])
    check(data, "isin", [x, data.draw(scalars(x.dtype))])
    check(data, "isin", [data.draw(scalars(x.dtype)), x])
    ours = xp.isin(data.draw(blocked(x)), data.draw(blocked(y)), invert=invert)  # array_api_strict ignores invert
    np.testing.assert_array_equal(ours.collect(), np.isin(x, y, invert=invert))


@few
@given(data=st.data(), side=st.sampled_from(["left", "right"]))
def test_places_in_order_agree(data, side):
    x = data.draw(arrays(REAL, LONG.map(lambda shape: shape[:1]), special=False))
    values = data.draw(arrays([x.dtype], SHAPES, special=False))
    check(data, "searchsorted", [np.sort(x), values], {"side": side})
    check(data, "searchsorted", [np.sort(x), data.draw(st.sampled_from([0, 2]))], {"side": side})
    check(data, "searchsorted", [x, values], {"side": side, "sorter": np.argsort(x)})


@few
@given(data=st.data())
def test_nonzero_agrees(data):
    check(data, "nonzero", [data.draw(arrays(ALL))])


@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
@few
@given(data=st.data(), include_initial=st.booleans())
def test_running_sums_agree(name, data, include_initial):
    x = data.draw(arrays(NUMERIC, special=False).filter(lambda x: x.ndim))
    axis = data.draw(axis_of(x) if x.ndim > 1 else st.sampled_from([None, 0, -1]))
    check(data, name, [x], {"axis": axis, "include_initial": include_initial}, rtol=1e-9)


@few
@given(data=st.data(), n=st.integers(0, 3))
def test_differences_agree(data, n):
    x = data.draw(arrays(NUMERIC, LONG))
    axis = data.draw(axis_of(x))
    edge = np.take(x, [0], axis)
    check(data, "diff", [x], {"axis": axis, "n": n})
    check(data, "diff", [x], {"axis": axis, "n": n, "prepend": edge, "append": edge})


# --- shapes and parts -------------------------------------------------------------------------------------------------


@few
@given(data=st.data())
def test_changes_of_shape_agree(data):
    x = data.draw(arrays(ALL))
    n = x.ndim
    order = tuple(data.draw(st.permutations(range(n))))
    check(data, "permute_dims", [x, order])
    check(data, "moveaxis", [x, order[: n // 2], tuple(range(n // 2))])
    check(data, "matrix_transpose", [x])
    check(data, "expand_dims", [x], {"axis": data.draw(st.integers(-n - 1, n))})
    check(data, "reshape", [x, (-1,)])
    check(data, "reshape", [x, (*x.shape[::-1], 1)])
    check(data, "squeeze", [x, tuple(i for i, length in enumerate(x.shape) if length == 1)])
    check(data, "broadcast_to", [x, (2, *x.shape)])
    check(data, "broadcast_arrays", [x, x[..., None]])
    check(data, "flip", [x], {"axis": data.draw(axes_of(x))})
    axes = data.draw(axes_of(x))
    check(data, "roll", [x, (2,) * len(axes) if isinstance(axes, tuple) else -3], {"axis": axes})
    check(data, "tile", [x, data.draw(st.lists(st.integers(0, 2), max_size=4).map(tuple))])
    check(data, "tril", [x], {"k": 1})
    check(data, "triu", [x], {"k": -1})
    if n:
        check(data, "unstack", [x], {"axis": data.draw(axis_of(x))})


@few
@given(data=st.data())
def test_joining_agrees(data):
    dtypes = data.draw(st.sampled_from(KINDS))
    x = data.draw(arrays(dtypes, LONG))
    y = data.draw(arrays(dtypes, st.just(x.shape)))
    axis = data.draw(axis_of(x))
    check(data, "concat", [[x, y, x]], {"axis": axis})
    check(data, "concat", [[x, y]], {"axis": None})
    check(data, "stack", [[x, y]], {"axis": data.draw(st.integers(-x.ndim - 1, x.ndim))})
    vectors = [x.ravel(), y.ravel()[:2]]
    check(data, "meshgrid", vectors, {"indexing": data.draw(st.sampled_from(["xy", "ij"]))})


@few
@given(data=st.data())
def test_taking_and_repeating_agree(data):
    x = data.draw(arrays(ALL, LONG))
    axis = data.draw(axis_of(x))
    length = x.shape[axis]
    positions = data.draw(hnp.arrays(data.draw(st.sampled_from(SIGNED)), 3, elements=st.integers(-length, length - 1)))
    check(data, "take", [x, positions], {"axis": axis})
    shape = list(x.shape)
    shape[axis] = 2
    along = data.draw(hnp.arrays("int64", tuple(shape), elements=st.integers(-length, length - 1)))
    check(data, "take_along_axis", [x, along], {"axis": axis})
    numbers = data.draw(hnp.arrays(data.draw(st.sampled_from(INTEGERS)), length, elements=st.integers(0, 2)))
    check(data, "repeat", [x, numbers], {"axis": axis})
    check(data, "repeat", [x, 2], {"axis": None})
