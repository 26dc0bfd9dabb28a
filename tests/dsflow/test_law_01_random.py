"""Law 1 for random programs. A failure shows the program; the seed's program is also shown by
``python -m tests.dsflow.programs SEED``.
"""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dsflow.conftest import ENGINES
from tests.dsflow.programs import assert_same, write_program

N_PROGRAMS = {"serial": 20, "threads": 20, "dask": 5}
N_SHRINKABLE = {"serial": 12, "threads": 12, "dask": 3}
N_MORE = {"serial": 1000, "threads": 1000, "dask": 60, "dask-inproc": 60}
N_PARTS = 4


def test_random_programs_give_what_they_give_with_plain_functions(engine):
    for seed in range(N_PROGRAMS[engine.engine.name]):
        assert_same(write_program(random.Random(seed), n_statements=25))


def test_programs_that_hypothesis_can_shrink_give_what_they_give_with_plain_functions(engine):
    @settings(
        max_examples=N_SHRINKABLE[engine.engine.name],
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(rng=st.randoms(use_true_random=False), n_statements=st.integers(1, 30))
    def shrinkable(rng, n_statements):
        assert_same(write_program(rng, n_statements))

    shrinkable()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(N_PARTS))
@pytest.mark.parametrize("engine", ENGINES, indirect=True)
def test_many_random_programs_give_what_they_give_with_plain_functions(engine, part, request):
    n_programs = N_MORE[request.node.callspec.params["engine"]]
    for seed in range(1000 + part, 1000 + n_programs, N_PARTS):
        assert_same(write_program(random.Random(seed), n_statements=25 + seed % 40, timed=seed % 10 == 0))
