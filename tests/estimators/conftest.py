"""One fixture, `engine`: the session of a test. It has two threads, unless the test asks for ``on_every_engine``."""

import pytest

import dsflow


@pytest.fixture(autouse=True)
def engine(request):
    """A session, which is stopped afterwards."""
    name = getattr(request, "param", "threads")
    size = {"client": request.getfixturevalue("dask_client")} if name == "dask" else {"workers": 2}
    with dsflow.start(name, **size) as session:
        yield session


@pytest.fixture(scope="session")
def dask_client():
    """The client of a cluster in this process, which lives as long as the test run."""
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def pytest_generate_tests(metafunc):
    """Run tests marked ``on_every_engine``, which is the name of an argument, once on each."""
    if "on_every_engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", ["serial", "threads", "dask"], indirect=True)


@pytest.fixture
def on_every_engine(engine):
    """Ask for a test to run on each engine."""
    return engine
