"""Classification by PyTorch modules, beside PyTorch and scikit-learn's MLPClassifier."""

import functools
import itertools
import pickle

import numpy as np
import pytest
import scipy.sparse
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier

import dsarray as ds
import estimators
from estimators.neural import TorchClassifier

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

BLOCKS = [(200,), (50, 50, 50, 50), (7,) * 28 + (4,), (0, 199, 0, 1)]


class Convolutions(torch.nn.Module):
    """For images of digits."""

    def __init__(self, n_outputs, n_channels=8, dropout=0.0):
        super().__init__()
        self.convolution = torch.nn.Conv2d(1, n_channels, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(n_channels)
        self.dropout = torch.nn.Dropout(dropout)
        self.linear = torch.nn.Linear(n_channels * 16, n_outputs)

    def forward(self, images):
        hidden = torch.nn.functional.max_pool2d(torch.relu(self.norm(self.convolution(images))), 2)
        return self.linear(self.dropout(hidden.flatten(1)))


class Dropping(torch.nn.Sequential):
    def __init__(self, n_features, n_outputs):
        super().__init__(torch.nn.Linear(n_features, 20), torch.nn.Dropout(), torch.nn.Linear(20, n_outputs))


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


@pytest.fixture(scope="module")
def few(digits):
    X, y = digits
    return X[:200], y[:200]


def model(**params):
    return TorchClassifier(**{"max_iter": 3, "batch_size": 64, "local_rows": 1, "random_state": 0} | params)


def cut(X, lengths):
    ends = np.cumsum((0, *lengths))
    return ds.from_blocks([[X[a:b]] for a, b in itertools.pairwise(ends)], (lengths, X.shape[1:]), X.dtype)


# --- the same as a reference ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block_size", [200, 60])
def test_steps_are_those_of_a_plain_loop(few, block_size):
    X, y = few
    ours = model(module=torch.nn.Linear, module_params={"in_features": 64, "out_features": 10}, shuffle=False)
    start = ours.fit(X[:1].repeat(10, 0), np.arange(10), sample_weight=np.full(10, 1e-300)).module_
    ours.set_params(module=start, module_params=None).fit(ds.array(X, block_size=block_size), y)
    optimizer = torch.optim.Adam(start.train().parameters(), lr=1e-3)
    for _ in range(3):
        for first in range(0, 200, 64):
            optimizer.zero_grad()
            outputs = start(torch.tensor(X[first : first + 64]))
            torch.nn.functional.cross_entropy(outputs, torch.tensor(y[first : first + 64])).backward()
            optimizer.step()
    np.testing.assert_allclose(ours.state_dict_["weight"], start.weight.detach().numpy(), rtol=1e-6, atol=1e-9)


@pytest.mark.slow
def test_digits_are_told_apart_as_well_as_by_scikit_learn(digits):
    X, y = digits
    theirs = MLPClassifier(max_iter=150, random_state=0).fit(X[:1200], y[:1200]).score(X[1200:], y[1200:])
    ours = TorchClassifier(max_iter=150, random_state=0).fit(ds.array(X[:1200], block_size=300), y[:1200])
    assert ours.score(X[1200:], y[1200:]) > theirs - 0.02


@pytest.mark.slow
@pytest.mark.parametrize("sync", ["gradient", "average"])
def test_images_are_told_apart_by_convolutions(digits, sync):
    X, y = digits
    images = X.reshape(-1, 1, 8, 8).astype(np.float32)
    ours = TorchClassifier(
        Convolutions, sync=sync, max_iter=15, batch_size=50, learning_rate_init=0.01, local_rows=1, random_state=0
    )
    ours.fit(ds.array(images[:1200], block_size=(300, -1, -1, -1)), y[:1200])
    assert ours.score(images[1200:], y[1200:]) > 0.92
    assert ours.module_(torch.tensor(images[:5])).shape == (5, 10)
    assert ours.state_dict_["norm.num_batches_tracked"] > 0


# --- blocks and engines -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("local_rows", [1, None])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_blocking_does_not_change_the_result(few, local_rows, early_stopping):
    X, y = few
    found = [model(local_rows=local_rows, early_stopping=early_stopping).fit(cut(X, lengths), y) for lengths in BLOCKS]
    for each in found[1:]:
        np.testing.assert_allclose(each.loss_curve_, found[0].loss_curve_, rtol=1e-9)
        np.testing.assert_allclose(each.best_loss_, found[0].best_loss_, rtol=1e-9)
        for name, values in each.state_dict_.items():
            np.testing.assert_allclose(values, found[0].state_dict_[name], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("sync", ["gradient", "average"])
def test_the_engine_does_not_change_the_result(few, sync, on_every_engine):
    X, y = few
    ours = model(module=Dropping, sync=sync, max_iter=2).fit(ds.array(X, block_size=(70, -1)), y)
    assert ours.loss_ == pytest.approx({"gradient": 2.263884, "average": 2.309133}[sync], abs=1e-4)


def test_averages_of_one_block_are_the_steps_of_that_block(few):
    X, y = few
    found = [model(sync=sync, shuffle=False).fit(X, y) for sync in ("gradient", "average")]
    assert found[0].loss_curve_ == pytest.approx(found[1].loss_curve_, rel=1e-9)


def test_averages_learn(digits):
    X, y = digits
    ours = model(sync="average", max_iter=30, learning_rate_init=0.01).fit(ds.array(X[:1200], block_size=300), y[:1200])
    assert ours.score(X[1200:], y[1200:]) > 0.88


def test_rows_that_are_stored_are_read_anew(few, tmp_path):
    zarr = pytest.importorskip("zarr")
    X, y = few
    zarr.save(str(tmp_path / "x.zarr"), X)
    stored = ds.from_zarr(str(tmp_path / "x.zarr"))
    for sync in ("gradient", "average"):
        found = model(sync=sync, max_iter=2).fit(stored, y).loss_curve_
        assert found == pytest.approx(model(sync=sync, max_iter=2).fit(X, y).loss_curve_, rel=1e-9)


# --- random numbers ---------------------------------------------------------------------------------------------------


def test_the_random_state_decides_all(few):
    X, y = few
    one, same, other = (model(module=Dropping, random_state=seed).fit(X, y).loss_curve_ for seed in (0, 0, 1))
    assert one == same
    assert one != other


def test_shuffling_draws_other_batches(few):
    X, y = few
    assert model().fit(X, y).loss_curve_ != pytest.approx(model(shuffle=False).fit(X, y).loss_curve_, rel=1e-6)


# --- kinds of input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block_size", [200, 60])
def test_sparse_rows_give_the_same(few, block_size):
    X, y = few
    dense, sparse = (
        model().fit(ds.array(each, block_size=(block_size, -1)), y) for each in (X, scipy.sparse.csr_array(X))
    )
    assert sparse.loss_curve_ == pytest.approx(dense.loss_curve_, rel=1e-9)
    np.testing.assert_allclose(sparse.predict_proba(scipy.sparse.csr_array(X)), dense.predict_proba(X), rtol=1e-6)


def test_the_module_computes_with_the_type_of_X_or_as_told(few):
    X, y = few
    assert model().fit(X, y).state_dict_["0.weight"].dtype == np.float64
    assert model().fit(X.astype(np.float32), y).predict_proba(X.astype(np.float32)).dtype == np.float32
    assert model(dtype="float32").fit(X, y).state_dict_["0.weight"].dtype == np.float32


def test_samples_may_have_more_axes(few):
    X, y = few
    images = X.reshape(-1, 1, 8, 8)
    ours = model(module=Convolutions, module_params={"n_channels": 2}).fit(
        ds.array(images, block_size=(64, 1, 4, 8)), y
    )
    assert ours.n_features_in_ == 64
    found = ours.predict(ds.array(images, block_size=50))
    assert isinstance(found, ds.Array)
    assert np.array_equal(found.collect(), ours.predict(X))
    with pytest.raises(ValueError, match=r"samples of shape \(8, 8\), but \(1, 8, 8\)"):
        ours.predict(X.reshape(-1, 8, 8))


@pytest.mark.parametrize("kind", [torch.from_numpy, np.ndarray.tolist], ids=["tensor", "lists"])
def test_images_may_be_a_tensor_or_lists(few, kind):
    X, y = few
    images = X.reshape(-1, 1, 8, 8)
    how = {"module": Convolutions, "max_iter": 1}
    ours, expected = model(**how).fit(kind(images), torch.from_numpy(y)), model(**how).fit(images, y)
    assert ours.loss_curve_ == expected.loss_curve_
    np.testing.assert_array_equal(ours.predict_proba(kind(images)), expected.predict_proba(images))
    assert isinstance(ours.predict(kind(images)), np.ndarray)


def test_the_default_module_takes_features_in_a_row(few):
    X, y = few
    ours = model().fit(X.reshape(-1, 8, 8), y)
    assert ours.loss_curve_ == model().fit(X, y).loss_curve_
    assert np.array_equal(ours.predict(X.reshape(-1, 8, 8)), ours.predict(X))


def test_labels_may_be_texts_and_an_array(few):
    X, y = few
    names = np.array([f"digit {each}" for each in y])
    ours = model().fit(ds.array(X, block_size=70), ds.array(names, block_size=30))
    assert ours.loss_curve_ == pytest.approx(model().fit(X, y).loss_curve_, rel=1e-9)
    assert ours.predict(ds.array(X, block_size=70)).collect()[0].startswith("digit")


def test_weights_of_zero_leave_rows_out(few):
    X, y = few
    weights = np.where(np.arange(200) < 150, 1.0, 0.0)
    params = {"batch_size": 200, "shuffle": False}
    left_out = model(**params).fit(ds.array(X, block_size=60), y, sample_weight=weights)
    assert left_out.loss_curve_ == pytest.approx(model(**params).fit(X[:150], y[:150]).loss_curve_, rel=1e-9)


def test_a_class_may_have_no_weight_or_no_row_in_a_part(few):
    X, y = few
    ours = model(max_iter=20, learning_rate_init=0.01).fit(X, y, sample_weight=(y != 2) * 1.0)
    assert ours.classes_.tolist() == list(range(10))
    assert 2 not in ours.predict(X)
    parts = [model(**given) for given in ({}, {"class_weight": {0: 1.0}})]
    for each, weights in zip(parts, (np.ones(2), None), strict=True):
        each.partial_fit(X[:2], y[:2], classes=np.arange(10), sample_weight=weights)
    assert parts[0].loss_curve_ == parts[1].loss_curve_


# --- when to stop and to go on ----------------------------------------------------------------------------------------


def test_training_stops_when_the_loss_falls_no_more(few):
    X, y = few
    assert model(tol=10.0, n_iter_no_change=2, max_iter=50).fit(X, y).n_iter_ == 3
    assert model(tol=10.0, n_iter_no_change=None, max_iter=5).fit(X, y).n_iter_ == 5


def test_the_best_state_is_kept_when_rows_are_set_aside(few):
    X, y = few
    y = np.random.default_rng(0).integers(0, 10, 200)  # which nobody can tell from X
    ours = model(early_stopping=True, validation_fraction=0.3, learning_rate_init=0.01, max_iter=12).fit(X, y)
    assert len(ours.validation_loss_curve_) == ours.n_iter_
    best = int(np.argmin(ours.validation_loss_curve_))
    assert ours.best_loss_ == ours.validation_loss_curve_[best]
    assert best < ours.n_iter_ - 1
    again = ours.set_params(max_iter=best + 1).fit(X, y)
    assert again.validation_loss_curve_[-1] == pytest.approx(ours.best_loss_)


def test_a_warm_start_goes_on(few):
    X, y = few
    ours = model(warm_start=True, max_iter=5).fit(X, y)
    before = ours.loss_
    assert ours.fit(X, y).loss_curve_[0] < before
    with pytest.raises(ValueError, match="warm_start=True, but y has the classes"):
        ours.fit(X[:100], y[:100] % 3)


@pytest.mark.parametrize("block_size", [200, 60])
def test_epochs_may_come_one_by_one(few, block_size):
    X, y = few
    ours, rows = model(), ds.array(X, block_size=(block_size, -1))
    for _ in range(3):
        ours.partial_fit(rows, y, classes=np.arange(10))
    whole = model().fit(rows, y)
    assert ours.n_iter_ == 3
    assert ours.loss_curve_ == pytest.approx(whole.loss_curve_, rel=1e-9)
    ours.partial_fit(X[:20], np.zeros(20, int))
    with pytest.raises(ValueError, match=r"y has the label np.int64\(11\), which is not in classes"):
        ours.partial_fit(X[:20], np.full(20, 11))


def test_the_first_part_needs_all_labels(few):
    X, y = few
    with pytest.raises(ValueError, match="classes= in the first call"):
        model().partial_fit(X, y)
    with pytest.raises(ValueError, match="are not those of the first call"):
        model().partial_fit(X, y, classes=np.arange(10)).partial_fit(X, y, classes=np.arange(3))


# --- files, laziness, errors ------------------------------------------------------------------------------------------


def test_a_module_of_ones_own_is_given_again_after_loading(few, tmp_path):
    X, y = few
    images = X.reshape(-1, 1, 8, 8)
    ours = model(module=Convolutions, module_params={"n_channels": 2}).fit(images, y)
    expected = ours.predict_proba(images)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ours)).predict_proba(images), expected)
    with pytest.raises(TypeError, match=r"TorchClassifier.module"):
        estimators.save(ours, tmp_path / "model")
    estimators.save(ours.set_params(module=None), tmp_path / "model")
    loaded = estimators.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.set_params(module=Convolutions).predict_proba(images), expected)
    with pytest.raises(ValueError, match="set the parameters module and module_params"):
        loaded.set_params(module=None, module_params=None).predict(images)


def test_what_was_learned_of_the_optimizer_is_in_the_file(few, tmp_path):
    X, y = few
    ours = model().partial_fit(X, y, classes=np.arange(10))
    estimators.save(ours, tmp_path / "model")
    loaded = estimators.load(tmp_path / "model").partial_fit(X, y)
    assert loaded.loss_curve_ == ours.partial_fit(X, y).loss_curve_


def test_predictions_stay_on_the_workers(few):
    X, y = few
    ours, rows = model().fit(X, y), ds.array(X, block_size=50)
    labels, probabilities = ours.predict(rows), ours.predict_log_proba(rows)
    assert labels.chunks == ((50,) * 4,)
    np.testing.assert_allclose(np.exp(probabilities.collect()).sum(axis=1), 1)


def test_the_threads_of_pytorch_are_as_before(few):
    X, y = few
    before = torch.get_num_threads()
    model().fit(ds.array(X, block_size=50), y)
    assert torch.get_num_threads() == before


def test_errors_of_the_module_are_the_users(few):
    X, y = few
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes cannot be multiplied") as caught:
        model(module=torch.nn.Linear, module_params={"in_features": 3, "out_features": 10}).fit(X, y)
    assert "X has 64 columns, and the module refused two such rows" in caught.value.__notes__[0]
    with pytest.raises(ValueError, match=r"outputs of shape \(2, 4\) for 2 rows; \(2, 10\)"):
        model(module=torch.nn.Linear, module_params={"in_features": 64, "out_features": 4}).fit(X, y)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"sync": "sometimes"}, "'sync' parameter"),
        ({"batch_size": 0}, "'batch_size' parameter"),
        ({"dtype": "int8"}, "'dtype' parameter"),
        ({"module": 3}, "'module' parameter"),
        ({"early_stopping": True, "validation_fraction": 0.999}, "leaves none of 200 rows"),
        ({"optimizer_params": {"lr": 0.5}}, r"optimizer_params has lr=0.5, but .* learning_rate_init=0.001; set that"),
    ],
)
def test_parameters_that_make_no_sense_are_named(few, params, message):
    with pytest.raises(ValueError, match=message):
        model(**params).fit(*few)


def test_integers_come_as_floats_to_be_looked_up_as_long(few):
    X, y = few
    codes = (16 * X).astype(int)

    class Looked(torch.nn.Module):
        def __init__(self, n_features, n_outputs, convert):
            super().__init__()
            self.table, self.convert = torch.nn.Embedding(17, 2), convert
            self.linear = torch.nn.Linear(2 * n_features, n_outputs)

        def forward(self, rows):
            return self.linear(self.table(rows.long() if self.convert else rows).flatten(1))

    ours = model(module=Looked, module_params={"convert": True}, learning_rate_init=0.05, max_iter=20).fit(codes, y)
    assert ours.score(codes, y) > 0.9
    with pytest.raises(RuntimeError, match="indices") as caught:
        model(module=Looked, module_params={"convert": False}).fit(codes, y)
    assert "Integers come as floats too" in caught.value.__notes__[0]


def test_a_criterion_may_be_a_partial_or_made_already(few):
    X, y = few
    smooth = functools.partial(torch.nn.CrossEntropyLoss, label_smoothing=0.1)
    found = [model(criterion=each).fit(X, y).loss_curve_ for each in (smooth, smooth(), smooth(reduction="none"))]
    assert found[0] == found[1] == found[2] != model().fit(X, y).loss_curve_


def test_rows_with_nan_are_refused(few):
    X, y = few
    X = np.where(np.arange(200)[:, None] == 150, np.nan, X)
    with pytest.raises(ValueError, match="contains NaN"):
        model().fit(ds.array(X, block_size=50), y)
