"""Making arrays by the standard's functions, what they say of types, their parts and single values, and errors."""

import array_api_strict as strict
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from hypothesis.extra.array_api import make_strategies_namespace

import dsarray as ds
from dsarray import xp
from tests.dsarray.strategies import blocked

few = settings(deadline=None, max_examples=40, derandomize=True)

DTYPES = ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64",
          "complex64", "complex128"]  # fmt: skip
KINDS = ("bool", "signed integer", "unsigned integer", "integral", "real floating", "complex floating", "numeric")

SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


def same(ours, theirs, rtol=0.0):
    expected = np.asarray(theirs._array)
    assert isinstance(ours, ds.Array)
    assert (ours.shape, ours.dtype) == (expected.shape, expected.dtype)
    values = ours.collect()
    assert values.dtype == expected.dtype
    np.testing.assert_allclose(values, expected, rtol=rtol)


def both(name, *args, rtol=0.0, **keywords):
    """Compare one call, where a dtype is given by its name."""
    ours, theirs = (
        {k: getattr(module, v) if k == "dtype" and v else v for k, v in keywords.items()} for module in (xp, strict)
    )
    extension, _, last = name.rpartition(".")
    modules = (getattr(xp, extension), getattr(strict, extension)) if extension else (xp, strict)
    same(getattr(modules[0], last)(*args, **ours), getattr(modules[1], last)(*args, **theirs), rtol)


# --- making arrays ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [None, *DTYPES])
@pytest.mark.parametrize("shape", [(), 0, 3, (2, 0), (2, 3)])
def test_constants_agree(shape, dtype):
    both("zeros", shape, dtype=dtype)
    both("ones", shape, dtype=dtype)
    both("full", shape, True, dtype=dtype)
    assert xp.empty(shape, dtype=dtype and getattr(xp, dtype)).dtype == (dtype or "float64")
    x, y = xp.ones(shape), strict.ones(shape)
    kind = [{} if dtype is None else {"dtype": getattr(module, dtype)} for module in (xp, strict)]
    for name in ("zeros_like", "ones_like"):
        same(getattr(xp, name)(x, **kind[0]), getattr(strict, name)(y, **kind[1]))
    same(xp.full_like(x, 1, **kind[0]), strict.full_like(y, 1, **kind[1]))
    assert xp.empty_like(x, **kind[0]).shape == y.shape


@pytest.mark.parametrize("value", [True, 3, -1, 2.5, float("nan"), 1j])
def test_the_type_of_a_constant_is_that_of_its_value(value):
    both("full", (2, 2), value)
    both("asarray", value)
    both("asarray", [[value], [value]])


@few
@given(data=st.data())
def test_ranges_agree(data):
    numbers = st.integers(-20, 20) | st.floats(-20, 20).map(lambda each: round(each, 2))
    start, stop = data.draw(numbers), data.draw(st.none() | numbers)
    step = data.draw(numbers.filter(lambda each: abs(each) > 0.3))
    if stop is None:
        both("arange", start)
    both("arange", start, stop, step, rtol=1e-14)
    dtype = data.draw(st.sampled_from(["int8", "int64", "float32", "float64"]))
    if dtype.startswith("float") or all(isinstance(each, int) for each in (start, stop, step)):
        both("arange", start, stop, step, dtype=dtype, rtol=1e-6 if dtype == "float32" else 1e-14)


@few
@given(data=st.data(), endpoint=st.booleans(), num=st.integers(0, 30))
def test_spaced_numbers_agree(data, endpoint, num):
    numbers = st.integers(-20, 20) | st.floats(-1e6, 1e6)
    dtype = data.draw(st.sampled_from([None, "float32", "float64", "complex64", "complex128"]))
    start, stop = data.draw(numbers), data.draw(numbers)
    if dtype and "c" in dtype:
        start = start * 1j
    both("linspace", start, stop, num, dtype=dtype, endpoint=endpoint)


def test_identity_matrices_and_frequencies_agree():
    both("eye", 3)
    both("eye", 3, 5, k=-1, dtype="int8")
    both("eye", 0, 2)
    for n in (1, 2, 7, 8):
        for dtype in (None, "float32", "float64"):
            both("fft.fftfreq", n, d=0.25, dtype=dtype)
            both("fft.rfftfreq", n, d=3.0, dtype=dtype)
    with ds.config(block_size=3):
        both("fft.fftfreq", 8)
        assert xp.fft.fftfreq(8).n_blocks == 3
    with pytest.raises(TypeError, match="real floating"):
        xp.fft.fftfreq(3, dtype=xp.int8)


def test_an_array_is_returned_as_it_is_unless_something_else_is_asked_for():
    x = xp.asarray([1.0, 2.0])
    assert xp.asarray(x) is x
    assert xp.asarray(x, copy=False, dtype=xp.float64, device="cpu") is x
    assert xp.from_dlpack(x) is x
    apart = [xp.asarray(x, copy=True), xp.from_dlpack(x, copy=True), xp.astype(x, x.dtype)]
    assert xp.astype(x, x.dtype, copy=False) is x
    x[0] = 5.0
    assert x.collect().tolist() == [5, 2]
    assert [each.collect().tolist() for each in apart] == [[1, 2]] * 3
    assert xp.asarray(x, dtype=xp.float32).dtype == xp.float32


def test_what_would_be_copied_is_refused_with_copy_false():
    x = xp.asarray([1.0, 2.0])
    for value in (x, 1, [1, 2], np.ones(3)):
        with pytest.raises(ValueError, match="copy=False"):
            xp.asarray(value, dtype=xp.int64, copy=False)
    with pytest.raises(ValueError, match="copy=False"):
        xp.from_dlpack(np.ones(3), copy=False)
    with pytest.raises(ValueError, match="copy"):
        xp.reshape(xp.ones((2, 3)), (3, 2), copy=False)
    square = xp.ones((2, 3))
    assert xp.reshape(square, (2, 3), copy=False) is square
    assert xp.reshape(square, (2, 3), copy=True) is not square


def test_arrays_of_other_libraries_become_arrays():
    values = np.arange(6).reshape(2, 3)
    for made in (xp.asarray(values), xp.from_dlpack(values), xp.asarray(memoryview(values))):
        np.testing.assert_array_equal(made.collect(), values)
    made = xp.from_dlpack(strict.asarray(values))
    values[0] = 7
    assert made.dtype == xp.int64
    assert xp.asarray(3, dtype=xp.float32).shape == ()
    assert xp.asarray([], dtype=xp.bool).dtype == xp.bool


def test_what_is_no_array_of_numbers_is_refused():
    for value in ("text", ["a"], np.array("2020", "M8[D]"), object(), [xp.ones(2), xp.ones(2)]):
        with pytest.raises(TypeError):
            xp.asarray(value)
    with pytest.raises(OverflowError):
        xp.asarray(2**70)
    with pytest.raises(TypeError, match="Python scalar"):
        xp.full(3, xp.ones(3))
    with pytest.raises(ValueError, match="is not known"):
        xp.zeros(3, device="tpu")


# --- types ------------------------------------------------------------------------------------------------------------


def test_types_are_equal_hashable_and_those_of_arrays():
    for name in DTYPES:
        dtype = getattr(xp, name)
        x = xp.zeros(2, dtype=dtype)
        assert x.dtype == dtype
        assert {dtype: 1}[x.dtype] == 1
        assert sum(dtype == getattr(xp, other) for other in DTYPES) == 1


@pytest.mark.parametrize("first", DTYPES)
def test_promotion_agrees(first):
    for second in DTYPES:
        try:
            expected = strict.result_type(getattr(strict, first), getattr(strict, second))
        except TypeError:
            assert not xp.can_cast(getattr(xp, first), getattr(xp, second))
            continue  # the standard leaves it open
        dtypes = getattr(xp, first), getattr(xp, second)
        assert xp.result_type(*dtypes) == expected._np_dtype
        assert xp.result_type(xp.ones(2, dtype=dtypes[0]), dtypes[1]) == expected._np_dtype
        if expected == getattr(strict, second):
            assert xp.can_cast(*dtypes)
            assert xp.can_cast(xp.ones((), dtype=dtypes[0]), dtypes[1])
    dtype = getattr(xp, first)
    scalar = {"b": True, "i": 3, "u": 3, "f": 0.5, "c": 1j}[dtype.kind]
    assert xp.result_type(dtype, scalar) == dtype
    with pytest.raises(ValueError, match="at least one"):
        xp.result_type(scalar, 1)
    with pytest.raises(TypeError, match="neither"):
        xp.result_type(dtype, np.ones(2))


@pytest.mark.parametrize("name", DTYPES)
def test_limits_and_kinds_agree(name):
    ours, theirs = getattr(xp, name), getattr(strict, name)
    for kind in KINDS:
        assert xp.isdtype(ours, kind) is strict.isdtype(theirs, kind)
    assert xp.isdtype(ours, ("bool", xp.float32)) is (name in {"bool", "float32"})
    if ours.kind in "fc":
        for subject in (ours, xp.ones(2, dtype=ours)):
            found, expected = xp.finfo(subject), strict.finfo(theirs)
            for field in ("bits", "eps", "max", "min", "smallest_normal"):
                assert getattr(found, field) == getattr(expected, field)
                assert type(getattr(found, field)) in {int, float}
            assert found.dtype == expected.dtype._np_dtype
    elif ours.kind in "iu":
        found, expected = xp.iinfo(ours), strict.iinfo(theirs)
        assert [getattr(found, each) for each in ("bits", "max", "min")] == [expected.bits, expected.max, expected.min]
        assert found.dtype == ours


def test_conversions_agree_and_keep_imaginary_parts():
    for source in DTYPES:
        x, y = (
            xp.asarray([0, 1, 1], dtype=getattr(xp, source)),
            strict.asarray([0, 1, 1], dtype=getattr(strict, source)),
        )
        for target in DTYPES:
            if "complex" in source and "complex" not in target:
                with pytest.raises(TypeError, match=r"xp\.real"):
                    xp.astype(x, getattr(xp, target))
            else:
                same(xp.astype(x, getattr(xp, target)), strict.astype(y, getattr(strict, target)))


def test_the_namespace_tells_what_it_can_do():
    info, theirs = xp.__array_namespace_info__(), strict.__array_namespace_info__()
    assert xp.__array_api_version__ == "2025.12"
    assert info.capabilities() == theirs.capabilities()
    assert info.default_device() == "cpu"
    assert info.default_device() in info.devices()
    expected = {kind: dtype._np_dtype for kind, dtype in theirs.default_dtypes().items()}
    assert info.default_dtypes() == info.default_dtypes(device="cpu") == expected
    for kind in (None, "bool", "integral", "numeric", ("real floating", "bool"), ()):
        assert info.dtypes(kind=kind) == {name: each._np_dtype for name, each in theirs.dtypes(kind=kind).items()}
    with pytest.raises(ValueError, match="kind="):
        info.dtypes(kind="integers")


def test_constants_are_pythons():
    assert (xp.e, xp.pi, xp.inf, xp.newaxis) == (np.e, np.pi, np.inf, None)
    assert xp.nan != xp.nan


# --- parts and values -------------------------------------------------------------------------------------------------


@few
@given(data=st.data())
def test_parts_agree_and_can_be_set(data):
    dtype = data.draw(st.sampled_from(DTYPES))
    elements = st.booleans() if dtype == "bool" else st.integers(0, 1)
    values = data.draw(hnp.arrays(dtype, SHAPES, elements=elements))
    key = data.draw(hnp.basic_indices(values.shape, allow_newaxis=True, allow_ellipsis=True))
    array = data.draw(blocked(values))
    part = array[key]
    expected = values[key]
    assert isinstance(part, ds.Array)
    assert (part.shape, part.dtype) == (np.shape(expected), values.dtype)
    np.testing.assert_array_equal(part.collect(), expected)
    key = data.draw(hnp.basic_indices(values.shape, allow_ellipsis=True))
    value = data.draw(hnp.arrays(dtype, np.shape(values[key]), elements=elements))
    changed = values.copy()
    changed[key] = value
    array[key] = data.draw(blocked(value))
    np.testing.assert_array_equal(array.collect(), changed)
    np.testing.assert_array_equal(part.collect(), expected)


@few
@given(data=st.data())
def test_masks_and_positions_agree(data):
    shapes = hnp.array_shapes(min_dims=0, max_dims=3, max_side=4)
    values = data.draw(hnp.arrays("int32", shapes, elements=st.integers(0, 99)))
    array = data.draw(blocked(values))
    mask = data.draw(hnp.arrays("bool", values.shape))
    cut = data.draw(blocked(mask))
    np.testing.assert_array_equal(array[cut].collect(), values[mask])
    if values.ndim:
        keys = [
            data.draw(hnp.arrays("int64", (2, 3), elements=st.integers(-n, n - 1)) | st.integers(-n, n - 1))
            for n in values.shape
        ]
        found = array[tuple(xp.asarray(key) if isinstance(key, np.ndarray) else key for key in keys)]
        np.testing.assert_array_equal(found.collect(), values[tuple(keys)])
    array[cut] = xp.asarray(-1, dtype=xp.int32)
    values[mask] = -1
    np.testing.assert_array_equal(array.collect(), values)


def test_positions_out_of_range_and_wrong_axes_are_index_errors():
    x = xp.ones((2, 3))
    for wrong in (lambda: x[2], lambda: x[0, -4], lambda: x[0, 0, 0], lambda: x[xp.asarray([2])].collect(),
                  lambda: xp.expand_dims(x, axis=3), lambda: xp.expand_dims(x, axis=-4),
                  lambda: xp.take(x, xp.asarray([3]), axis=1).collect()):  # fmt: skip
        with pytest.raises(IndexError):
            wrong()
    for wrong in (lambda: xp.squeeze(x, axis=0), lambda: xp.squeeze(x, axis=None), lambda: xp.take(x, xp.asarray([0])),
                  lambda: xp.nonzero(xp.ones(())), lambda: xp.reshape(x, (4,)), lambda: xp.sum(x, axis=2),
                  lambda: xp.unstack(x, axis=2), lambda: xp.cumulative_sum(x), lambda: xp.vecdot(x, x, axis=0),
                  lambda: xp.linalg.cross(x, x, axis=1), lambda: xp.linalg.outer(x, x), lambda: xp.add(x, xp.ones(2)),
                  lambda: xp.linalg.qr(x, mode="raw"), lambda: xp.linalg.solve(x, x),
                  lambda: xp.linalg.matrix_rank(xp.ones(3)), lambda: xp.broadcast_to(x, (3, 3))):  # fmt: skip
        with pytest.raises(ValueError):
            wrong()


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_array_of_one_element_is_a_scalar_of_python(dtype):
    x = xp.asarray(1, dtype=getattr(xp, dtype))
    assert bool(x) is True
    assert complex(x) == 1
    if "complex" not in dtype:
        assert (int(x), float(x)) == (1, 1.0)
    if "int" in dtype:
        assert [10, 20][x] == 20
    with pytest.raises((TypeError, ValueError)):
        bool(xp.ones(2))


def test_rows_are_iterated_over():
    assert [each.collect().tolist() for each in xp.asarray([[1, 2], [3, 4]])] == [[1, 2], [3, 4]]
    with pytest.raises(TypeError):
        iter(xp.ones(()))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: xp.sin(np.ones(2)), lambda: xp.sin(1.0), lambda: xp.add(1, 2), lambda: xp.add(xp.ones(2), np.ones(2)),
        lambda: xp.add(xp.ones(2), np.float64(1)), lambda: xp.add(xp.ones(2), [1, 2]), lambda: xp.sum([1, 2]),
        lambda: xp.where(True, xp.ones(2), 1), lambda: xp.where(xp.ones(2), 1, 2), lambda: xp.concat([np.ones(2)]),
        lambda: xp.stack(xp.ones((2, 2))), lambda: xp.take(xp.ones(2), [0], axis=0), lambda: xp.fft.fft(np.ones(2)),
        lambda: xp.linalg.inv(np.eye(2)), lambda: xp.repeat(xp.ones(2), [1, 2]), lambda: xp.clip(1, 0, 2),
        lambda: xp.clip(xp.ones(2), np.ones(2)), lambda: xp.searchsorted(xp.ones(2), np.ones(2)),
        lambda: xp.permute_dims(np.ones((2, 2)), (1, 0)), lambda: xp.unique_all([1]), lambda: xp.full(2, "a"),
        lambda: xp.meshgrid([1, 2]), lambda: xp.linalg.eig(np.eye(2)), lambda: xp.zeros_like(np.ones(2)),
    ],
)  # fmt: skip
def test_nothing_is_converted_silently(wrong):
    with pytest.raises(TypeError, match=r"xp\."):
        wrong()


def test_equal_elements_stay_in_order_also_when_descending():
    x = xp.asarray([[1, 3, 3], [3, 1, 1]])
    assert xp.argsort(x, axis=1, descending=True).collect().tolist() == [[1, 2, 0], [0, 1, 2]]
    assert xp.argsort(x, axis=0, descending=True).collect().tolist() == [[1, 0, 0], [0, 1, 1]]
    assert xp.sort(x, axis=0, descending=True).collect().tolist() == [[3, 3, 3], [1, 1, 1]]


def test_clip_keeps_the_type():
    x = xp.asarray([1, 5, 200], dtype=xp.uint8)
    for limits in ((2, 100), (-5, 300), (None, 7), (xp.asarray([2, 2, 2], dtype=xp.int16), None)):
        assert xp.clip(x, *limits).dtype == xp.uint8
    assert xp.clip(x, -5, 300).collect().tolist() == [1, 5, 200]
    assert xp.clip(x, xp.asarray(2, dtype=xp.int16), 100).collect().tolist() == [2, 5, 100]
    kept = xp.clip(x)
    kept[0] = 9
    assert x.collect().tolist() == [1, 5, 200]


def test_an_operation_records_and_nothing_runs(tasks):
    x = xp.ones((4, 4))
    y = xp.matmul(xp.exp(x), xp.permute_dims(x, (1, 0)))
    z = xp.fft.fft(xp.concat([y, xp.sort(y)], axis=1))
    assert xp.linalg.eigvals(xp.sum(z, axis=0, keepdims=True)[:, :1]).shape == (1,)
    assert tasks.n == 0


@pytest.mark.parametrize("dtype", DTYPES)
def test_hypothesis_makes_samples_of_our_arrays(dtype):
    """As the public suite, array-api-tests, does."""
    strategies = make_strategies_namespace(xp, api_version="2024.12")

    @settings(deadline=None, max_examples=5, derandomize=True)
    @given(strategies.arrays(getattr(xp, dtype), strategies.array_shapes(min_dims=0, min_side=0, max_side=3)))
    def check(x):
        assert isinstance(x, ds.Array)
        assert x.dtype == getattr(xp, dtype)
        assert bool(xp.all(xp.logical_or(x == x, x != x)))

    check()
