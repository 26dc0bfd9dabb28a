"""What machines of all kinds keep."""

import numpy as np
import pytest
import scipy.sparse
from sklearn.datasets import load_iris
from sklearn.svm import SVC, SVR

import dsarray as ds
import estimators
from estimators.svm import CascadeSVM, CascadeSVR
from estimators.svm._pairs import PairsProblem


@pytest.mark.parametrize("block_size", [-1, 40])
@pytest.mark.parametrize(("kind", "counterpart"), [(CascadeSVM, SVC), (CascadeSVR, SVR)])
def test_coefficients_of_sparse_samples_are_sparse_as_in_scikit_learn(kind, counterpart, block_size, tmp_path):
    x, y = load_iris(return_X_y=True)
    x = scipy.sparse.csr_matrix(x)
    machine = kind(kernel="linear", max_iter=20).fit(ds.array(x, block_size=block_size), y)
    reference = counterpart(kernel="linear").fit(x, y)
    assert type(machine.dual_coef_) is type(reference.dual_coef_)
    assert machine.dual_coef_.shape == (len(reference.dual_coef_.toarray()), len(machine.support_))
    if kind is CascadeSVR:
        np.testing.assert_allclose(machine.coef_.toarray(), reference.coef_.toarray(), atol=1e-3)
    estimators.save(machine, tmp_path / "machine")
    again = estimators.load(tmp_path / "machine")
    np.testing.assert_array_equal(again.dual_coef_.toarray(), machine.dual_coef_.toarray())
    np.testing.assert_array_equal(again.predict(x), machine.predict(x))


def test_passes_that_find_nothing_solve_nothing(monkeypatch):
    sizes = []
    solve = PairsProblem.train
    monkeypatch.setattr(PairsProblem, "train", lambda self, samples: sizes.append(len(samples)) or solve(self, samples))
    x, y = load_iris(return_X_y=True)
    CascadeSVM(max_iter=12, check_convergence=False).fit(ds.array(x, block_size=75), y)
    assert len(sizes) < 3 + 5, "two blocks, what they keep, and the passes that follow"
