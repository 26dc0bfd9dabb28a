import inspect

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

import dsarray as ds
from dsarray._random import tile_shape
from tests.dsarray.strategies import assert_same, modest

few = settings(modest, max_examples=30)
SHAPES = [(), (0,), (7,), (70_000,), (300, 500), (3, 30, 26)]

KNOWN = {
    "random": (scipy.stats.uniform(), {}),
    "uniform": (scipy.stats.uniform(2, 3), {"low": 2, "high": 5}),
    "standard_normal": (scipy.stats.norm(), {}),
    "normal": (scipy.stats.norm(1, 2), {"loc": 1, "scale": 2}),
    "standard_exponential": (scipy.stats.expon(), {}),
    "exponential": (scipy.stats.expon(scale=3), {"scale": 3}),
    "standard_gamma": (scipy.stats.gamma(2.5), {"shape": 2.5}),
    "gamma": (scipy.stats.gamma(2.5, scale=2), {"shape": 2.5, "scale": 2}),
    "beta": (scipy.stats.beta(2, 3), {"a": 2, "b": 3}),
    "chisquare": (scipy.stats.chi2(4), {"df": 4}),
    "f": (scipy.stats.f(5, 20), {"dfnum": 5, "dfden": 20}),
    "gumbel": (scipy.stats.gumbel_r(1, 2), {"loc": 1, "scale": 2}),
    "laplace": (scipy.stats.laplace(1, 2), {"loc": 1, "scale": 2}),
    "logistic": (scipy.stats.logistic(1, 2), {"loc": 1, "scale": 2}),
    "lognormal": (scipy.stats.lognorm(0.5), {"mean": 0, "sigma": 0.5}),
    "noncentral_chisquare": (scipy.stats.ncx2(3, 2), {"df": 3, "nonc": 2}),
    "noncentral_f": (scipy.stats.ncf(5, 20, 2), {"dfnum": 5, "dfden": 20, "nonc": 2}),
    "pareto": (scipy.stats.lomax(3), {"a": 3}),
    "power": (scipy.stats.powerlaw(3), {"a": 3}),
    "rayleigh": (scipy.stats.rayleigh(scale=2), {"scale": 2}),
    "standard_cauchy": (scipy.stats.cauchy(), {}),
    "standard_t": (scipy.stats.t(5), {"df": 5}),
    "triangular": (scipy.stats.triang(0.5, 1, 2), {"left": 1, "mode": 2, "right": 3}),
    "vonmises": (scipy.stats.vonmises(2), {"mu": 0, "kappa": 2}),
    "wald": (scipy.stats.invgauss(0.5, scale=2), {"mean": 1, "scale": 2}),
    "weibull": (scipy.stats.weibull_min(2), {"a": 2}),
    "integers": (scipy.stats.randint(-2, 9), {"low": -2, "high": 9}),
    "binomial": (scipy.stats.binom(10, 0.3), {"n": 10, "p": 0.3}),
    "geometric": (scipy.stats.geom(0.3), {"p": 0.3}),
    "hypergeometric": (scipy.stats.hypergeom(20, 8, 6), {"ngood": 8, "nbad": 12, "nsample": 6}),
    "logseries": (scipy.stats.logser(0.6), {"p": 0.6}),
    "negative_binomial": (scipy.stats.nbinom(5, 0.4), {"n": 5, "p": 0.4}),
    "poisson": (scipy.stats.poisson(3), {"lam": 3}),
    "zipf": (scipy.stats.zipf(4), {"a": 4}),
}


@pytest.mark.parametrize("method", KNOWN)
def test_distributions_are_those_of_scipy_and_do_not_depend_on_blocks(method):
    law, options = KNOWN[method]
    numpys = getattr(np.random.default_rng(0), method)(**options, size=3)

    def draw(block_size):
        return getattr(ds.random.default_rng(0), method)(**options, size=(400, 50), block_size=block_size)

    values = draw(400).collect()
    assert values.dtype == numpys.dtype
    np.testing.assert_array_equal(draw((37, 11)), values)
    sample = values.ravel()[:5000]
    if values.dtype.kind == "f":
        assert scipy.stats.kstest(sample, law.cdf).pvalue > 1e-4
    else:
        seen = np.arange(sample.min(), np.quantile(sample, 0.99))
        gaps = [abs((sample <= k).mean() - law.cdf(k)) for k in seen]
        assert max(gaps) < 0.04


def test_every_method_of_numpys_generators_is_there():
    theirs = {name for name, _ in inspect.getmembers(np.random.Generator) if name[0] != "_"}
    missing = theirs - set(dir(ds.random.Generator))
    assert missing == {"bit_generator", "bytes"}


@pytest.mark.parametrize("shape", SHAPES)
def test_blocking_does_not_change_the_numbers(shape):
    whole = ds.random.default_rng(3).normal(size=shape, block_size=(-1,) * len(shape)).collect()
    blocks = ds.random.default_rng(3).normal(size=shape, block_size=(100,) * len(shape)).collect()
    np.testing.assert_array_equal(whole, blocks)
    assert whole.shape == shape


def test_calls_differ_and_a_seed_repeats_them():
    def draws():
        rng = ds.random.default_rng(5)
        return [rng.random(4).collect(), rng.random(4).collect(), rng.integers(0, 9, 4).collect()]

    first, second, _ = draws()
    assert not np.array_equal(first, second)
    for once, again in zip(draws(), draws(), strict=True):
        np.testing.assert_array_equal(once, again)
    assert not np.array_equal(ds.random.default_rng().random(4), ds.random.default_rng().random(4))


def test_the_order_of_computing_does_not_matter():
    rng = ds.random.default_rng(5)
    first, second = rng.random(4), rng.random(4)
    expected = second.collect()
    again = ds.random.default_rng(5)
    np.testing.assert_array_equal(again.random(4), first)
    np.testing.assert_array_equal(again.random(4), expected)


def test_the_numbers_are_pinned():
    """They must not change from one version to the next."""
    sequence = np.random.SeedSequence(0, spawn_key=(0, 0, 0))
    expected = np.random.Generator(np.random.PCG64(sequence)).normal(1, 2, 3)
    np.testing.assert_array_equal(ds.random.default_rng(0).normal(1, 2, 3), expected)


@pytest.mark.parametrize("seed", [7, [1, 2], np.random.SeedSequence(3), np.random.default_rng(1), np.random.PCG64(1)])
def test_seeds_are_those_of_numpy(seed):
    assert ds.random.default_rng(seed).random(3).shape == (3,)


def test_a_generator_stays_itself_and_has_children():
    rng = ds.random.default_rng(1)
    assert ds.random.default_rng(rng) is rng
    a, b = rng.spawn(2)
    (c,) = rng.spawn(1)
    drawn = [each.random(3).tolist() for each in (rng, a, b, c)]
    assert len({tuple(each) for each in drawn}) == 4
    assert ds.random.default_rng(1).spawn(2)[1].random(3).tolist() == drawn[2]
    with pytest.raises(ValueError, match="negative"):
        rng.spawn(-1)
    assert repr(rng) == "<Generator: 1 calls made>"


def test_a_child_never_draws_what_its_parent_draws():
    rng = ds.random.default_rng(1)
    (child,) = rng.spawn(1)
    assert float(rng.random((1, 5))[0, 0]) != float(child.random())


def test_a_tile_of_draws_of_many_numbers_is_small():
    assert np.prod(tile_shape((10**6, 30), 1000)) * 1000 <= 1 << 16


@few
@given(size=st.sampled_from([(1000, 3), (70_000, 3)]), block=st.integers(1, 1000), lanes=st.sampled_from([1, 2, 3]))
def test_parameters_may_be_arrays_in_any_blocks(size, block, lanes):
    block = block * size[0] // 1000
    means, scale = np.arange(3.0) * 100, np.linspace(1, 2, size[0])[:, None]

    def draw(loc, scale, block_size):
        return ds.random.default_rng(2).normal(loc, scale, size, block_size=block_size)

    expected = draw(means, scale, -1).collect()
    assert np.allclose(expected.mean(axis=0), means, atol=0.3)
    blocks = draw(ds.array(means, block_size=lanes), ds.array(scale, block_size=block), (block, lanes))
    np.testing.assert_array_equal(blocks, expected)
    assert blocks.chunks == ds.zeros(size, block_size=(block, lanes)).chunks


def test_without_a_size_it_is_that_of_the_parameters():
    rng = ds.random.default_rng(2)
    assert rng.poisson(ds.array([1.0, 1000.0])).shape == (2,)
    assert rng.integers([1, 2, 3], [[10], [20]]).shape == (2, 3)
    assert rng.normal().shape == ()
    assert rng.normal(ds.array(3.0), size=4).shape == (4,)
    with pytest.raises(ValueError, match=r"do not broadcast|mismatch"):
        rng.normal([1, 2, 3], size=(2,))
    with pytest.raises(ValueError, match="do not broadcast"):
        rng.normal([1, 2, 3], size=())


@pytest.mark.parametrize(
    ("method", "args", "dtype"),
    [
        ("random", (), "f4"), ("standard_normal", (), "f4"), ("standard_gamma", (2.0,), "f4"),
        ("standard_exponential", (), "f4"), ("integers", (2,), bool), ("integers", (100,), "u1"),
    ],
)  # fmt: skip
def test_elements_have_the_type_asked_for(method, args, dtype):
    drawn = getattr(ds.random.default_rng(0), method)(*args, size=5, dtype=dtype)
    assert drawn.dtype == drawn.collect().dtype == np.dtype(dtype)


def test_numpys_errors_come_at_the_call():
    rng = ds.random.default_rng(0)
    with pytest.raises(ValueError, match="scale"):
        rng.normal(0, -1, size=3)
    with pytest.raises(ValueError, match="low >= high"):
        rng.integers(5, 3, size=3)
    with pytest.raises(TypeError, match="dtype"):
        rng.random(3, dtype=int)
    with pytest.raises(ValueError, match=r"p < 0|p is"):
        rng.binomial(3, [0.5, 2], size=2)
    with pytest.raises(ValueError, match="negative"):
        rng.random(-3)
    with pytest.raises(ValueError, match="scale"):
        rng.normal(0, ds.array([1.0, -1.0])).collect()


@pytest.mark.parametrize(
    ("method", "args", "mean"),
    [
        ("multinomial", (10, [0.2, 0.3, 0.5]), [2, 3, 5]),
        ("dirichlet", ([1.0, 2.0, 1.0],), [0.25, 0.5, 0.25]),
        ("multivariate_normal", ([1, 2, 3], np.diag([1, 2, 1])), [1, 2, 3]),
        ("multivariate_hypergeometric", ([10, 20, 10], 8), [2, 4, 2]),
    ],
)
def test_draws_of_several_numbers_make_the_last_axis(method, args, mean):
    def draw(block_size, size=(2000, 2)):
        return getattr(ds.random.default_rng(0), method)(*args, size=size, block_size=block_size)

    values = draw(-1).collect()
    assert values.shape == (2000, 2, 3)
    assert np.allclose(values.mean(axis=(0, 1)), mean, atol=0.15)
    assert_same(draw((300, 1, 2)), values)
    assert draw(None, None).shape == (3,)
    with pytest.raises(TypeError, match="give a vector"):
        getattr(ds.random.default_rng(0), method)(*[[[1.0]] if isinstance(each, list) else each for each in args])


# --- orders ----------------------------------------------------------------------------------------------------------


def test_a_permutation_does_not_depend_on_blocks_and_is_one():
    x = np.arange(60).reshape(20, 3)
    found = ds.random.default_rng(4).permutation(ds.array(x, block_size=(3, 2)))
    np.testing.assert_array_equal(ds.random.default_rng(4).permutation(ds.array(x, block_size=7)), found)
    np.testing.assert_array_equal(ds.random.default_rng(4).permutation(x), found)
    np.testing.assert_array_equal(np.sort(found.collect(), axis=0), x)
    order = ds.random.default_rng(4).permutation(20, block_size=6)
    np.testing.assert_array_equal(x[order.collect()], found)
    columns = ds.random.default_rng(4).permutation(ds.array(x), axis=1).collect()
    np.testing.assert_array_equal(np.sort(columns, axis=1), x)


def test_all_orders_are_as_likely():
    rng = ds.random.default_rng(0)
    seen = [tuple(rng.permutation(3).tolist()) for _ in range(600)]
    counts = [seen.count(each) for each in set(seen)]
    assert len(counts) == 6
    assert scipy.stats.chisquare(counts).pvalue > 1e-3


def test_shuffling_is_seen_by_all_who_hold_the_array():
    array = ds.arange(50, block_size=7)
    same = array
    ds.random.default_rng(1).shuffle(array)
    assert not np.array_equal(same, np.arange(50))
    np.testing.assert_array_equal(np.sort(same.collect()), np.arange(50))
    with pytest.raises(TypeError, match="permutation"):
        ds.random.default_rng(1).shuffle([1, 2, 3])


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_slices_are_permuted_each_in_an_order_of_its_own(axis):
    x = np.arange(900 * 4).reshape(900, 4) if axis == 1 else np.arange(900 * 4).reshape(4, 900)[:, ::-1]
    whole = ds.random.default_rng(4).permuted(ds.array(x), axis).collect()
    cut = ds.random.default_rng(4).permuted(ds.array(x, block_size=(3, 7)), axis)
    assert_same(cut, whole)
    np.testing.assert_array_equal(np.sort(whole, axis), np.sort(x, axis))
    assert not np.array_equal(whole, x)
    if axis == 1:
        assert len({tuple(np.argsort(row)) for row in whole}) == 24


def test_permuting_many_slices_does_not_depend_on_blocks():
    x = np.tile(np.arange(4), (40_000, 1))
    whole = ds.random.default_rng(4).permuted(ds.array(x, block_size=-1), 1).collect()
    cut = ds.random.default_rng(4).permuted(ds.array(x, block_size=5000), 1).collect()
    np.testing.assert_array_equal(cut, whole)
    assert not np.array_equal(whole[:7000], whole[16384 : 16384 + 7000])


# --- choices ---------------------------------------------------------------------------------------------------------


def test_choices_are_drawn_with_their_probabilities():
    rng = ds.random.default_rng(0)
    even = rng.choice(4, 8000).collect()
    assert scipy.stats.chisquare(np.bincount(even)).pvalue > 1e-3
    p = np.array([0.1, 0, 0.6, 0.3])
    counts = np.bincount(rng.choice(4, (80, 100), p=p, block_size=7).collect().ravel())
    assert counts[1] == 0
    assert scipy.stats.chisquare(counts[p > 0], 8000 * p[p > 0]).pvalue > 1e-3


def test_choices_do_not_depend_on_blocks():
    p = np.full(50, 0.02)
    for options in ({}, {"p": p}, {"replace": False}, {"replace": False, "p": p}):
        drawn = [ds.random.default_rng(1).choice(50, 40, block_size=n, **options).collect() for n in (3, 40)]
        np.testing.assert_array_equal(*drawn)
        assert drawn[0].dtype == np.int64
        if not options.get("replace", True):
            assert len(np.unique(drawn[0])) == 40


@pytest.mark.parametrize("replace", [True, False])
@pytest.mark.parametrize("size", [None, 4, (2, 3), 0])
@pytest.mark.parametrize("axis", [0, 1])
def test_rows_are_chosen_along_an_axis(replace, size, axis):
    x = np.arange(70).reshape(10, 7)
    found = ds.random.default_rng(1).choice(ds.array(x, block_size=(3, 2)), size, replace, axis=axis)
    expected = np.random.default_rng(1).choice(x, size, replace, axis=axis)
    assert found.shape == expected.shape
    picked = ds.random.default_rng(1).choice(x.shape[axis], size, replace).collect()
    assert_same(found, np.take(x, picked, axis))


def test_choices_that_make_no_sense_are_refused():
    rng = ds.random.default_rng(0)
    with pytest.raises(ValueError, match="larger sample"):
        rng.choice(3, 4, replace=False)
    with pytest.raises(ValueError, match="no distribution"):
        rng.choice(2, 4, p=[0.5, 0.6])
    with pytest.raises(ValueError, match="one probability"):
        rng.choice(3, 4, p=[0.5, 0.5])
    with pytest.raises(ValueError, match="empty"):
        rng.choice(0, 4)
    with pytest.raises(ValueError, match="negative"):
        rng.choice(-1, 4)
    with pytest.raises(TypeError, match="neither an int"):
        rng.permutation(2.5)
    with pytest.raises(ValueError, match="take parts"):
        rng.permutation(1 << 30)
    with pytest.raises(ValueError, match="draw fewer"):
        rng.choice(1 << 30, 1 << 28, replace=False)


@pytest.mark.parametrize("block_size", [(2, 2), np.int64(2)], ids=repr)
def test_a_size_of_blocks_in_the_place_of_the_dtype_is_refused(block_size):
    rng = ds.random.default_rng(0)
    for draw in (rng.random, rng.standard_normal, rng.standard_exponential):
        with pytest.raises(TypeError, match="block_size="):
            draw((4, 4), block_size)
    with pytest.raises(TypeError, match="block_size="):
        rng.integers(0, 5, (4, 4), block_size)
    with pytest.raises(TypeError, match="block_size="):
        rng.standard_gamma(1, (4, 4), block_size)
