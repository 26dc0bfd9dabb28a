"""Models of five times the memory of the session: its budget holds, as the system measures it in another process."""

import pytest

from tests.peak_memory import BUDGET_MIB, N_ROWS, measure_peak

READ = """x = ds.from_zarr("in.zarr")
    y = x[:, 0] * 3 + x[:, 1]
    """

WORK = {
    "KMeans": "assert estimators.KMeans(5, max_iter=3, tol=0, random_state=0).fit(x).n_iter_ == 3",
    "MiniBatchKMeans": "assert estimators.MiniBatchKMeans(5, random_state=0).fit(x).n_steps_ > 1",
    "PCA": "assert estimators.PCA(3).fit_transform(x).std(axis=0).collect().shape == (3,)",
    "TruncatedSVD": "assert estimators.TruncatedSVD(3, random_state=0).fit(x).components_.shape == (3, 50)",
    "IncrementalPCA": "assert estimators.IncrementalPCA(3, batch_size=50_000).fit(x).n_samples_seen_ == len(x)",
    "GaussianMixture": (
        "m = estimators.GaussianMixture(2, covariance_type='diag', init_params='random', max_iter=2, tol=10).fit(x)\n"
        "    assert m.converged_"
    ),
    "StandardScaler": (
        "ds.to_zarr(estimators.StandardScaler().fit_transform(x), 'out.zarr', compressors=None)\n"
        "    assert abs(float((ds.from_zarr('out.zarr') ** 2).mean()) - 1) < 1e-6"
    ),
    "LinearRegression": "assert estimators.LinearRegression().fit(x, y).score(x, y) > 0.999",
    "Lasso": "assert estimators.Lasso(0.01).fit(x, y).n_features_in_ == 50",
    "LogisticRegression": (
        "m = estimators.LogisticRegression(solver='newton-cholesky', tol=0.01).fit(x, y > 2)\n"
        "    assert m.score(x, y > 2) > 0.9"
    ),
    "RandomForestClassifier": (
        "m = estimators.RandomForestClassifier(2, max_depth=3, random_state=0).fit(x, y > 2)\n"
        "    assert m.score(x, y > 2) > 0.8"
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the array lies, in chunks that are made for the budget."""
    folder = tmp_path_factory.mktemp("peak")
    made = f"ds.random_array(({N_ROWS}, 50), random_state=0)"
    measure_peak(f'ds.to_zarr({made}, "in.zarr", compressors=None)', folder)
    return folder


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", WORK)
def test_a_fit_of_five_times_the_budget_fits_it(name, folder):
    mib, _ = measure_peak(READ + WORK[name], folder, imports="import estimators")
    assert mib <= 1.1 * BUDGET_MIB
