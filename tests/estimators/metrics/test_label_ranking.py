"""Rankings of labels on ds-arrays give what scikit-learn's metrics give on ndarrays."""

import numpy as np
import pytest
import sklearn.metrics

import dsarray as ds
from estimators import metrics

rng = np.random.default_rng(0)
TRUE = (rng.random((40, 5)) < 0.4).astype(int)
SCORES = rng.random((40, 5)).round(1)
WORTH = rng.integers(0, 4, (40, 5))
WEIGHTS = rng.integers(0, 3, 40) * 0.5

OF_INDICATORS = ["label_ranking_average_precision_score", "coverage_error", "label_ranking_loss"]
CASES = [
    *[(name, TRUE, {}) for name in OF_INDICATORS],
    *[
        (name, true, how)
        for name in ("ndcg_score", "dcg_score")
        for true in (TRUE, WORTH, WORTH + 0.5)
        for how in ({}, {"k": 2}, {"ignore_ties": True})
    ],
    ("dcg_score", WORTH, {"log_base": 3}),
]


@pytest.mark.parametrize(("name", "true", "how"), CASES)
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_ds_arrays_give_what_scikit_learn_gives(name, true, how, weights):
    ours, theirs = getattr(metrics, name), getattr(sklearn.metrics, name)
    expected = theirs(true, SCORES, sample_weight=weights, **how)
    assert ours(true, SCORES, sample_weight=weights, **how) == expected
    for size, other in (((40, 5), (40, 5)), ((7, 2), (11, 5)), ((1, 5), (3, 1))):
        found = ours(ds.array(true, block_size=size), ds.array(SCORES, block_size=other), sample_weight=weights, **how)
        assert found == pytest.approx(expected, rel=1e-12)


def test_empty_blocks_are_ordinary():
    cut = ds.array(TRUE, block_size=((0, 1, 0, 39), -1))
    for name in OF_INDICATORS:
        assert getattr(metrics, name)(cut, SCORES) == pytest.approx(getattr(sklearn.metrics, name)(TRUE, SCORES))


def test_it_works_the_same_on_every_engine(on_every_engine):
    expected = sklearn.metrics.ndcg_score(WORTH, SCORES)
    assert metrics.ndcg_score(ds.array(WORTH, block_size=(9, 5)), SCORES) == pytest.approx(expected)


@pytest.mark.parametrize("name", OF_INDICATORS)
def test_what_are_no_indicators_is_refused(name, engine):
    with pytest.raises(ValueError, match="is not supported"):
        getattr(metrics, name)(ds.array(WORTH, block_size=(9, 5)), SCORES)
    with pytest.raises(ValueError, match="different shape"):
        getattr(metrics, name)(ds.array(TRUE, block_size=(9, 5)), SCORES[:, 1:])
    engine._failures.clear()  # those of the other tasks


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_weights_of_zero_are_treated_as_by_scikit_learn():
    cut = ds.array(TRUE, block_size=(9, 5))
    for name in OF_INDICATORS[1:]:
        with pytest.raises(ZeroDivisionError):
            getattr(metrics, name)(cut, SCORES, sample_weight=np.zeros(40))
    assert np.isnan(getattr(metrics, OF_INDICATORS[0])(cut, SCORES, sample_weight=np.zeros(40)))


def test_worth_is_not_negative(engine):
    with pytest.raises(ValueError, match="negative"):
        metrics.ndcg_score(ds.array(WORTH - 1, block_size=(9, 5)), SCORES)
    engine._failures.clear()  # those of the other tasks
