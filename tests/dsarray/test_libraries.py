"""One kernel for all array libraries: what NumPy gives, by the library of the blocks."""

import logging
import pickle

import array_api_strict
import numpy as np
import pytest

import dsarray as ds
import dsflow
from dsarray import _namespace
from dsarray._namespace import adopt, namespace
from tests.dsarray.library_cases import CORE, MIXED, OTHERS, N, X, Y

BLOCKINGS = [-1, (3, 2), ((0, 4, 3), (2, 3))]

EXACT = "biuU"

KINDS = ["bool", "uint8", "int32", "float32", "float64"]


def arrays_of(library, blocking):
    return [library.array(values, blocking) for values in (X, Y, N)]


def assert_same(actual, expected):
    expected = np.asarray(expected)
    collected = actual.collect()
    assert (collected.shape, collected.dtype, actual.dtype) == (expected.shape, expected.dtype, expected.dtype)
    assert type(collected) is np.ndarray
    if expected.dtype.kind in EXACT:
        np.testing.assert_array_equal(collected, expected)
    else:
        tolerance = 1e-6 if expected.dtype in (np.float16, np.float32) else 1e-9
        np.testing.assert_allclose(collected, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("blocking", BLOCKINGS, ids=["one block", "blocks", "an empty block"])
@pytest.mark.parametrize("name", CORE)
def test_a_library_does_what_numpy_does_by_itself(library, name, blocking):
    library.fallbacks()
    result = CORE[name](*arrays_of(library, blocking))
    assert_same(result, CORE[name](X, Y, N))
    assert library.fallbacks() == {} or library.name == "cupy"
    assert library.owns(result)


@pytest.mark.parametrize("name", OTHERS)
def test_what_a_library_does_not_do_is_done_by_numpy_and_put_back(library, name):
    for blocking in BLOCKINGS[2:]:
        result = OTHERS[name](*arrays_of(library, blocking))
        assert_same(result, OTHERS[name](X, Y, N))
        assert library.owns(result) or name == "det"  # which LAPACK computes of pivots, in main memory


@pytest.mark.parametrize("name", MIXED)
def test_blocks_of_numpy_and_of_a_library_may_lie_side_by_side(library, name):
    for blocking in BLOCKINGS[:2]:
        library.fallbacks()
        result = MIXED[name](*arrays_of(library, blocking))
        assert_same(result, MIXED[name](X, Y, N))
        assert library.kind in library.kinds(result)
        assert_same(result + 1, MIXED[name](X, Y, N) + 1)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int32", "float32", "complex128"])
def test_types_of_results_are_those_of_numpy(library, dtype):
    values = np.array([0, 1, 1, 0, 1], dtype)
    array = library.array(values, 2)
    functions = [
        np.sum, np.prod, np.any, np.cumsum, np.mean, np.var, lambda a: a + 1, lambda a: a * 1.5, lambda a: a * a,
        lambda a: a == 1, lambda a: np.maximum(a, a[::-1]), np.sort, np.unique, np.argmax, np.isnan, np.abs,
        lambda a: np.where(a == 1, a, 0), lambda a: a @ a, lambda a: a.astype(complex), np.logical_not, np.square,
        lambda a: a.astype(bool), np.conjugate, np.real, np.imag,
    ]  # fmt: skip
    for function in functions:
        try:
            expected = function(values)
        except TypeError:
            continue
        assert_same(function(array), expected)


def test_clip_has_the_type_that_numpy_gives(library):
    values = np.array([False, True, True])
    for low, high in ((0, np.float32(1)), (0, 1), (-1.5, None), (np.int8(0), 2)):
        assert_same(np.clip(library.array(values, 2), low, high), np.clip(values, low, high))


def test_a_division_that_is_masked_does_not_warn(library):
    values, out = np.array([1.0, 0.0, 2.0]), np.zeros(3)
    result = library.array(out, 2)
    with np.errstate(all="raise"):
        np.divide(1, library.array(values, 2), out=result, where=values != 0)
        assert_same(result, np.divide(1, values, out=out, where=values != 0))


def test_parameters_of_random_numbers_may_be_of_any_library(library):
    drawn = [
        ds.random.default_rng(0).normal(mean, 1.0, (7, 5)) for mean in (library.array(X, 3), ds.array(X, block_size=3))
    ]
    assert_same(drawn[0], drawn[1].collect())


# --- elements that are set --------------------------------------------------------------------------------------------

ASSIGNMENTS = {
    "slice": (np.s_[1:4], 0.0),
    "slice of values": (np.s_[:, 1], np.arange(7.0)),
    "backwards": (np.s_[::-2], np.arange(5.0)),
    "one element": (np.s_[2, 3], 9.0),
    "positions": ([5, 0, 5], np.arange(15.0).reshape(3, 5)),
    "positions along both axes": (([0, 6], [1, 2]), 4.0),
    "positions along the last axis": (np.s_[1:3, [0, 4]], -1.0),
    "mask": (X > 0, 0.0),
    "mask of rows": (X[:, 0] > 0, np.arange(5.0)),
}


@pytest.mark.parametrize("name", ASSIGNMENTS)
def test_elements_are_set_and_the_blocks_stay_where_they_are(library, name):
    key, value = ASSIGNMENTS[name]
    for blocking in BLOCKINGS:
        array, expected = library.array(X, blocking), X.copy()
        before = array + 0
        library.fallbacks()
        array[key], expected[key] = value, value
        assert_same(array, expected)
        assert library.owns(array)
        assert library.fallbacks() == {} or library.name == "cupy"
        assert_same(before, X)


def test_in_place_operations_keep_the_library(library):
    array = library.array(X, (3, 2))
    array += 1
    array *= library.array(Y, 3)
    array[array > 1] = 0
    expected = (X + 1) * Y
    expected[expected > 1] = 0
    assert_same(array, expected)
    assert library.owns(array)


def test_functions_of_a_mask_and_out_keep_the_library(library):
    out = library.array(Y, 3)
    np.add(library.array(X, 3), 1, out=out, where=library.array(N, 3) > 0)
    expected = Y.copy()
    np.add(X, 1, out=expected, where=N > 0)
    assert_same(out, expected)
    assert library.owns(out)


# --- operands of two libraries ----------------------------------------------------------------------------------------


def test_an_ndarray_is_moved_to_the_library_of_the_other_operand(library):
    array = library.array(X, 3)
    results = [array + Y, Y - array, array @ Y.T, array * np.float32(2), np.where(array > 0, Y, 0.0),
               np.maximum(ds.array(Y, block_size=2), array)]  # fmt: skip
    expected = [X + Y, Y - X, X @ Y.T, X * np.float32(2), np.where(X > 0, Y, 0.0), np.maximum(Y, X)]
    library.fallbacks()
    for actual, each in zip(results, expected, strict=True):
        assert_same(actual, each)
        assert library.owns(actual)
    assert library.fallbacks() == {}


def test_types_that_a_library_does_not_have_stay_in_main_memory():
    array = ds.array(X, block_size=3).map_blocks(array_api_strict.asarray, dtype=X.dtype, block_shape="same")
    small = array.astype(np.float16)
    assert_same(small, X.astype(np.float16))
    assert_same(small + array, X.astype(np.float16) + X)
    assert_same((array * 10).astype(int).astype("U4"), (X * 10).astype(int).astype("U4"))


# --- how blocks travel ------------------------------------------------------------------------------------------------


def test_blocks_that_exist_make_an_array(library):
    block = wait(library.array(X).blocks[0, 0])
    array = ds.from_blocks([[block], [block]], ((7, 7), (5,)), float)
    assert_same(array.sum(axis=0), np.concatenate([X, X]).sum(axis=0))
    assert_same(array[6:8] * 2, np.stack([X[6], X[0]]) * 2)
    assert library.owns(array)
    with pytest.raises(TypeError, match="int64"):
        ds.from_blocks([[block]], ((7,), (5,)), np.int64)
    with pytest.raises(ValueError, match="shape"):
        ds.from_blocks([[block]], ((7,), (6,)), float)


def wait(future):
    return dsflow.wait_on(future)


def test_a_function_of_the_user_gets_the_blocks_of_the_library_and_may_leave_it(library):
    array = library.array(X, 3) + 1
    same = array.map_blocks(same_of_kind, library.kind)
    assert library.owns(same)
    assert_same(same, X + 1)
    here = array.map_blocks(ds.to_host, dtype=float, block_shape="same")
    assert_same(here, X + 1)
    assert set(library.kinds(here)) == {np.ndarray}
    assert set(library.kinds(array.to_device("cpu"))) <= {np.ndarray, library.kind}


def same_of_kind(block, kind):
    assert type(block) is kind
    return block


def scaled_sum(rows, factor):
    xp = ds.namespace(rows)
    return xp.sum(xp.exp(rows) * factor, axis=0)


def test_kernels_of_estimators_are_written_once(library):
    array = library.array(X, (3, 2))
    library.fallbacks()
    parts = ds.map_row_blocks(scaled_sum, array, 2)
    total = ds.to_host(wait(ds.tree_reduce(np.add, parts)))
    np.testing.assert_allclose(total, (np.exp(X) * 2).sum(axis=0))
    deferred = ds.defer_row_blocks(scaled_sum, array, 2)
    np.testing.assert_allclose(ds.to_host(wait(make(deferred[0]))), (np.exp(X[:3]) * 2).sum(axis=0))
    assert library.fallbacks() == {}


@pytest.mark.parametrize("engine", ["serial", "threads"])
def test_blocks_travel_between_tasks_on_every_engine(library, engine, session):
    dsflow.stop()
    try:
        with dsflow.start(engine):
            array = library.array(X, (3, 2))
            np.testing.assert_allclose(((array.T @ array) / 3).collect(), X.T @ X / 3)
            np.testing.assert_allclose(wait(pass_on(array)).collect(), X + 1)
    finally:
        dsflow.start("serial")


@dsflow.task
def make(deferred):
    return deferred.make()


@dsflow.task
def pass_on(array):
    return array + 1


def test_arrays_and_blocks_are_pickled(library):
    block = wait((library.array(X) + 1).blocks[0, 0])
    again = pickle.loads(pickle.dumps(block))
    np.testing.assert_array_equal(ds.to_host(again), X + 1)
    assert type(again) is type(block)


# --- the door ---------------------------------------------------------------------------------------------------------


def test_a_block_knows_its_namespace():
    block = array_api_strict.asarray(X)
    assert ds.namespace(block) is array_api_strict
    seen = adopt(block)
    xp = namespace(seen)
    assert xp is namespace(adopt(array_api_strict.zeros(2)))
    made = [xp.zeros((2, 3)), xp.empty(2, dtype=np.int32), xp.asarray([1, 2]), xp.arange(3), xp.eye(2), xp.full(3, 2),
            xp.array(seen), xp.asarray([seen, seen]), xp.linspace(0, 1, 3), xp.linalg.inv(xp.eye(2))]  # fmt: skip
    assert {type(each.native) for each in made} == {type(block)}
    assert [each.dtype for each in made[:3]] == [float, np.int32, int]
    assert xp.pi == np.pi
    assert type(xp.zeros(2, np.float16)) is np.ndarray


def test_a_kernel_that_takes_a_block_for_an_ndarray_is_counted(caplog):
    array = ds.array(X, block_size=3).map_blocks(array_api_strict.asarray, dtype=X.dtype, block_shape="same")
    _namespace.fallbacks.clear()
    with caplog.at_level(logging.DEBUG, "dsarray"):
        assert_same(np.cbrt(array), np.cbrt(X))
    assert dict(_namespace.fallbacks) == {"array_api_strict: cbrt": 3}
    assert [record.getMessage() for record in caplog.records] == [
        "cbrt: not done by array_api_strict; computed by NumPy, in main memory, and put back."
    ]
    _namespace.fallbacks.clear()
    assert np.asarray(adopt(array_api_strict.ones(2))).tolist() == [1, 1]
    assert dict(_namespace.fallbacks) == {"array_api_strict: np.asarray": 1}


def test_errors_are_those_of_numpy(library):
    array = library.array(X, 3)
    with pytest.raises(IndexError):
        array[9]
    with pytest.raises(ValueError, match="broadcast"):
        (array + np.ones(3)).collect()
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.cholesky(-(array.T @ array)).collect()


KEYS = [
    np.s_[2], np.s_[-1, 3], np.s_[1:9], np.s_[::-1, ::-2], np.s_[..., None, 1], np.s_[5:2], np.s_[[0, 3, -1]],
    np.s_[:, [1, 1]], np.s_[[0, 2], [1, 3]], np.s_[[[0], [2]], [1, 3]], np.s_[None, [0, 2], 1:3], np.s_[[]],
    np.s_[X[:, 0] > 0], np.s_[X > 0], np.s_[:, X[0] > 0], np.s_[X[:, 0] > 0, 1], np.s_[1, [0, 2]],
]  # fmt: skip
CUBE_KEYS = [np.s_[0, :, [1, 2]], np.s_[:, [0, 1], [1, 2]], np.s_[[0, 1], :, [1, 2]], np.s_[:, np.eye(3, 4) > 0]]


@pytest.mark.parametrize(("values", "keys"), [(X, KEYS), (np.arange(24.0).reshape(2, 3, 4), CUBE_KEYS)])
def test_a_wrapped_block_is_indexed_as_an_ndarray(values, keys):
    for key in keys:
        for inner in (key, wrap_positions(key)):
            seen = adopt(array_api_strict.asarray(values, copy=True))
            np.testing.assert_array_equal(ds.to_host(seen[inner]), values[key])
            seen[inner] = 5
            expected = values.copy()
            expected[key] = 5
            np.testing.assert_array_equal(ds.to_host(seen), expected)


def wrap_positions(key):
    """The same key with arrays that the library has."""
    parts = key if isinstance(key, tuple) else (key,)
    found = [
        adopt(array_api_strict.asarray(np.asarray(part, bool if np.asarray(part).dtype == bool else int)))
        if isinstance(part, (list, np.ndarray)) else part
        for part in parts
    ]  # fmt: skip
    return tuple(found)


def test_methods_of_wrapped_blocks_are_those_of_ndarrays():
    seen = adopt(array_api_strict.asarray(X))
    calls = [
        lambda a: a.sum(axis=0), lambda a: a.T, lambda a: a.mT, lambda a: a.reshape(5, 7), lambda a: a.reshape((-1,)),
        lambda a: a.transpose(1, 0), lambda a: a.transpose((1, 0)), lambda a: a.flatten(), lambda a: a.conj(),
        lambda a: a.astype(int), lambda a: a.take([1, 2], axis=1), lambda a: a.nonzero()[0], lambda a: a.round(),
        lambda a: a.cumsum(0), lambda a: a.argsort(axis=0), lambda a: a.diagonal(), lambda a: a.dot(Y.T),
        lambda a: a.repeat(2), lambda a: a.swapaxes(0, 1), lambda a: a.clip(0, 1), lambda a: a.std(), lambda a: a.real,
        lambda a: a.imag, lambda a: a.copy(), lambda a: a.max(axis=1, keepdims=True), lambda a: 2.0**a, lambda a: -a,
    ]  # fmt: skip
    for call in calls:
        found, expected = call(seen), np.asarray(call(X))
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_allclose(ds.to_host(found), expected)
    assert (len(seen), seen.ndim, seen.size, seen.nbytes, seen.itemsize) == (7, 2, 35, 280, 8)
    assert seen.tolist() == X.tolist()
    one = seen[0, 0]
    assert (float(one), complex(one), one.item(), int(one), bool(one)) == (
        X[0, 0],
        X[0, 0],
        X[0, 0],
        int(X[0, 0]),
        True,
    )
    assert [1, 2, 3][adopt(array_api_strict.asarray(1))] == 2
    assert X[0, 0] in seen
    with pytest.raises(AttributeError, match="array_api_strict"):
        _ = seen.flags


@pytest.mark.parametrize("right", KINDS)
@pytest.mark.parametrize("left", KINDS)
def test_types_of_two_operands_are_those_of_numpy(left, right):
    a, b = np.array([1, 0, 3], left), np.array([2, 1, 1], right)
    strict = [adopt(array_api_strict.asarray(each)) for each in (a, b)]
    for ufunc in (np.add, np.multiply, np.true_divide, np.less, np.maximum, np.logical_or, np.power, np.floor_divide):
        try:
            expected = ufunc(a, b)
        except TypeError:
            continue
        for found in (ufunc(*strict), ufunc(a, strict[1]), ufunc(strict[0], b)):
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(ds.to_host(found), expected)
