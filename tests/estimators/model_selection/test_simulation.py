"""A search over the parameters of a function."""

import numpy as np
import pytest
from scipy.stats import uniform

from dsflow import task
from dsflow.testing import count_tasks
from estimators.cluster import KMeans
from estimators.model_selection import SimulationSearch


@task
def fall(height, speed=0.0):
    return (height - 3) ** 2 + speed


def noisy(height, seed):
    return height + np.random.default_rng(seed).normal()


GRID = {"height": [1, 2, 3, 4], "speed": [0, 10]}


@pytest.mark.parametrize(("sort", "best"), [("min", {"height": 3, "speed": 0}), ("max", {"height": 1, "speed": 10})])
@pytest.mark.parametrize("simulate", [fall, fall.__wrapped__], ids=["task", "function"])
def test_the_best_parameters_are_found(sort, best, simulate):
    with count_tasks() as tasks:
        search = SimulationSearch(simulate, GRID, n_simulations=2, sort=sort).fit()
    assert tasks.count == 16
    assert search.best_params_ == best
    assert search.best_score_ == fall.__wrapped__(**best)
    assert search.results_["rank_score"][search.best_index_] == 1
    assert search.results_["params"][search.best_index_] == best
    assert list(search.results_) == [
        *("param_height", "param_speed", "params", "simulation0_score", "simulation1_score"),
        *("mean_score", "std_score", "rank_score"),
    ]
    assert search.raw_results_[0] == [4, 4]


def test_it_works_the_same_on_every_engine(on_every_engine):
    assert SimulationSearch(fall, GRID, sort="min").fit().best_params_ == {"height": 3, "speed": 0}


def test_simulations_differ_by_seed_and_are_the_same_again():
    how = {"n_simulations": 5, "seed_name": "seed", "random_state": 0}
    first = SimulationSearch(noisy, {"height": [0, 1]}, **how).fit()
    again = SimulationSearch(noisy, {"height": [0, 1]}, **how).fit()
    assert first.raw_results_ == again.raw_results_
    assert len(set(first.raw_results_[0])) == 5
    np.testing.assert_allclose(np.subtract(*first.raw_results_), -1)
    assert (first.results_["std_score"] > 0).all()


def test_candidates_may_be_drawn_and_may_lack_parameters():
    drawn = SimulationSearch(fall, param_distributions={"height": uniform(0, 5)}, n_iter=6, random_state=0).fit()
    assert len(drawn.raw_results_) == 6
    mixed = SimulationSearch(fall, [{"height": [1]}, {"height": [2], "speed": [5]}]).fit()
    assert mixed.results_["param_speed"].mask.tolist() == [True, False]


def test_results_of_any_kind_are_kept_and_scored():
    search = SimulationSearch(lambda n: list(range(n)), {"n": [1, 4, 2]}, score=len).fit()
    assert search.raw_results_[1] == [[0, 1, 2, 3]]
    assert search.best_params_ == {"n": 4}


def test_failed_scores_come_last():
    search = SimulationSearch(lambda n: np.nan if n > 1 else n, {"n": [2, 1]}).fit()
    assert search.best_params_ == {"n": 1}
    assert search.results_["rank_score"].tolist() == [2, 1]


def test_what_makes_no_sense_is_refused(engine):
    for how, words in (
        ({}, "param_grid or param_distributions"),
        ({"param_grid": GRID, "sort": "best"}, "sort='best'"),
        ({"param_grid": GRID, "n_simulations": 0}, "n_simulations=0"),
    ):
        with pytest.raises(ValueError, match=words):
            SimulationSearch(fall, **how).fit()
    with pytest.raises(TypeError, match="give `score`"):
        SimulationSearch(lambda n: [n, n], {"n": [1]}).fit()
    with pytest.raises(TypeError, match="unexpected keyword"):
        SimulationSearch(noisy, {"nonsense": [1]}).fit()
    engine._failures.clear()


def test_what_cannot_be_called_is_refused_before_any_call():
    with count_tasks() as tasks:
        with pytest.raises(TypeError, match=r"simulate=KMeans\(n_clusters=2\) is no function.* use GridSearchCV"):
            SimulationSearch(KMeans(2), {"n_clusters": [1, 2]}).fit()
        with pytest.raises(TypeError, match="score=3 is no function"):
            SimulationSearch(fall, GRID, score=3).fit()
    assert tasks.count == 0


def test_a_task_that_makes_a_tuple_of_its_number_is_told_how_not_to():
    single = task(returns=1)(lambda height: height)
    with pytest.raises(TypeError, match=r"returned a tuple.* Leave returns=1 away"):
        SimulationSearch(single, {"height": [1, 2]}).fit()
    assert SimulationSearch(single, {"height": [1, 2]}, score=lambda found: found[0]).fit().best_score_ == 2
