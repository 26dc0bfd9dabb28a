"""One fixture, `engine`: a session on each engine in turn. The Dask clusters live as long as the test run."""

import importlib.util

import pytest

import dsflow

ENGINES = ["serial", "threads", "dask", "dask-inproc"]
"""``dask-inproc`` is Dask with its workers in this process: quick to start, and seen by coverage."""


def _is_built(name):
    module = "dsflow.engines.threads" if name == "threads" else "dsflow.engines.dask._engine"
    return name == "serial" or importlib.util.find_spec(module) is not None


@pytest.fixture(params=ENGINES)
def engine(request):
    """A session with two slots. Afterwards it is stopped, which raises what no wait has raised; nothing is pending."""
    if not _is_built(request.param):
        pytest.skip(f"{request.param}: not built yet")
    if request.param.startswith("dask"):
        cluster = "dask_client" if request.param == "dask" else "inproc_client"
        session = dsflow.start("dask", client=request.getfixturevalue(cluster))
    else:
        session = dsflow.start(request.param, workers=2)
    yield session
    dsflow.stop()
    assert dsflow.active_session() is None
    assert not session.graph.pending


@pytest.fixture
def no_session():
    """The test starts sessions itself; none is left afterwards, even if it fails."""
    assert dsflow.active_session() is None
    yield
    leftover = dsflow.active_session()
    if leftover is not None:
        leftover.close(abandon=True)
        dsflow.stop()
    assert leftover is None


def _cluster_and_client(**kwargs):
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", **kwargs) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def dask_client():
    yield from _cluster_and_client(processes=True)


@pytest.fixture(scope="session")
def inproc_client():
    yield from _cluster_and_client(processes=False)


def only(*names):
    """Run a test on some of the engines."""
    return pytest.mark.parametrize("engine", names, indirect=True)


UNTRACED = set(
    """
    test_constraints test_dask_leaving test_dask_stopping test_interrupt test_interrupt_stuck test_joblib test_killing
    test_law_08_leaks test_law_09_ctrl_c test_law_09_processes test_law_09_stopping test_law_09_stuck
    test_benchmarks test_contract test_examples test_house test_readme
    """.split()
)
"""Files of tests that run without coverage. Most of them stop tasks which run in this process: as long as an exception
waits to be raised in one thread, CPython 3.11 lets no traced function begin in any other. Of the last ones coverage
would learn nothing."""


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.stem in UNTRACED:
            item.add_marker("untraced")
