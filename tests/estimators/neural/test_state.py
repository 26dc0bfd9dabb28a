"""Means of states, whatever they hold."""

import numpy as np
import pytest

from estimators.neural._state import Slopes, State, Trained, add_slopes, mean_of_trained


def trained(value, n_rows):
    kept = {
        "step": np.asarray(np.float32(value)),
        "rate": float(value),
        "count": int(value),
        "flag": True,
        "none": None,
    }
    state = State(np.full(3, value, np.float32), [np.array([value], np.int64)], [kept])
    return Trained(state, loss=10 * value, weight=2.0, n_rows=n_rows)


def test_states_are_averaged_by_rows():
    found = mean_of_trained(trained(2, 10), trained(6, 30))
    assert found.state.values.tolist() == [5, 5, 5]
    assert found.state.values.dtype == np.float32
    assert found.state.buffers[0].tolist() == [5]
    assert found.state.buffers[0].dtype == np.int64
    kept = found.state.moments[0]
    assert (float(kept["step"]), kept["rate"], kept["count"], kept["flag"], kept["none"]) == (5, 5.0, 5, True, None)
    assert isinstance(kept["step"], np.ndarray)
    assert (found.loss, found.weight, found.n_rows) == (80, 4, 40)


def test_a_block_without_rows_has_no_say():
    one = trained(2, 10)
    assert mean_of_trained(one, None) is one
    assert mean_of_trained(None, one) is one
    assert mean_of_trained(None, None) is None


def test_the_grouping_of_a_mean_does_not_matter():
    one, two, three = trained(1, 5), trained(4, 1), trained(9, 14)
    found = mean_of_trained(mean_of_trained(one, two), three).state.values
    assert mean_of_trained(one, mean_of_trained(two, three)).state.values == pytest.approx(found, rel=1e-6)
    assert found == pytest.approx((1 * 5 + 4 + 9 * 14) / 20, rel=1e-6)


def test_slopes_are_added_and_buffers_averaged():
    one = Slopes(np.array([1.0, 2.0]), [np.array([0.0])], 3.0, 4.0, 1)
    other = Slopes(np.array([10.0, 20.0]), [np.array([4.0])], 30.0, 40.0, 3)
    found = add_slopes(one, other)
    assert found.values.tolist() == [11, 22]
    assert found.buffers[0].tolist() == [3]
    assert (found.loss, found.weight, found.n_rows) == (33, 44, 4)
