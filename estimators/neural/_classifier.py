"""Classification by PyTorch modules that are trained where the rows are.

A task computes the gradient of the rows of a batch that a row of blocks has, or steps through a row of blocks by
itself; see `_training` for the two ways. What travels is the values of the module, there and back, in each step or
epoch. A worker holds its rows, the module and, where it steps, what the optimizer keeps. Rows never come to the main
program, which draws batches by row numbers (see `_order`). Rows of a streamed X are read anew in each epoch by
"average"; "gradient" takes rows from all blocks in each step, so that it keeps them.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import Future
from estimators._targets import encode_classes, weigh_rows
from estimators._validation import align_rows, like_input, require_y
from estimators.metrics import AccuracyScore
from estimators.neural._learning import CONSTRAINTS, TorchLearning

__all__ = ["TorchClassifier"]


class TorchClassifier(AccuracyScore, ClassifierMixin, TorchLearning):
    """Classify with a PyTorch module.

    Parameters
    ----------
    module : class, function or torch.nn.Module, optional
        What makes the module: it is called with ``module_params``, and with ``n_features`` and ``n_outputs`` if it has
        parameters of these names or takes all (``**kwargs``). A module that is made already is copied, with its values,
        to start from. By default, a multi-layer perceptron, whose parameters are ``hidden_layer_sizes=(100,)`` and
        ``activation="relu"`` ("identity", "logistic", "tanh"). The module has an output for each
        class, which is a logit or the logarithm of a probability.
    module_params : dict, optional
    criterion : str, class, function or torch.nn.Module, optional
        The loss: the name of a class in ``torch.nn``, or a class like these, or a ``functools.partial`` of one, made
        with ``reduction="none"``; or a function of outputs and targets that gives a loss for each row; or a module that
        does, or has ``reduction="mean"``, of which a copy is taken. By default, "CrossEntropyLoss".
    optimizer : str or class, default="Adam"
        A class in ``torch.optim``, or one like these, whose steps need no closure (LBFGS does).
    optimizer_params : dict, optional
        All but ``lr``, which is ``learning_rate_init``.
    learning_rate_init : float, default=1e-3
    max_iter : int, default=200
        How many epochs at most, each of which is a pass over all rows.
    batch_size : int or "auto", default="auto"
        How many rows a step takes; "auto" is 200, or all of fewer.
    shuffle : bool, default=True
        Whether batches are drawn anew for each epoch; else rows are taken in their order.
    sync : {"gradient", "average"}, default="gradient"
        "gradient": each step is taken by the gradient of a batch of all rows, so that the blocks don't matter, but for
        rounding. "average": each row of blocks takes an epoch of steps by itself, and then the mean of all states is
        taken; there is one exchange an epoch, and what is learned depends on the blocks.
    tol : float, default=1e-4
        By how much the loss must fall within ``n_iter_no_change`` epochs.
    n_iter_no_change : int or None, default=10
        None to never stop before ``max_iter``, and not to be warned there.
    early_stopping : bool, default=False
        Whether the loss that must fall is that of rows that are set aside; the best state is kept.
    validation_fraction : float, default=0.1
        Which part of the rows is set aside, if any.
    warm_start : bool, default=False
        Whether `fit` goes on from what was learned before.
    class_weight : dict or "balanced", optional
        Factors of the weights of samples by class.
    local_rows : int, optional
        Up to so many rows go to one task, for an epoch each ("gradient" only). By default, as many rows as have 2**22
        elements, but at least 1024 and at most 65536. For modules that take long for a row, give 1: each row of blocks
        then has a task of its own in each step.
    dtype : {"float32", "float64"}, optional
        What the module computes with; by default the type of X, if it is one of these, else "float64".
    device : str, default="auto"
        Where tasks compute, as PyTorch names it; "auto" is "cuda" where there is one, else "cpu".
    random_state : int, RandomState or None
        What first values, batches and random layers depend on.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    state_dict_ : dict of ndarray
        The values that the module has learned, by name.
    module_ : torch.nn.Module
        A new one with these values, at each call.
    loss_curve_ : list of float
        The mean loss of the rows in each epoch, as these were learned.
    validation_loss_curve_ : list of float or None
        The mean loss of the rows set aside, after each epoch.
    loss_, best_loss_ : float
        The last loss, and the least one, of rows set aside if there are.
    n_iter_, n_epochs_ : int
    n_features_in_ : int
        For samples with more axes, all their elements.

    Notes
    -----
    X may have more than two axes, as images have; the module gets batches with the same ones. "gradient" gives the same
    for any blocks up to rounding as long as an output depends on one row alone. Dropout draws for each step and row of
    blocks, so that it is reproducible for the same blocks; layers like BatchNorm normalise the rows of a block in a
    batch, and their running means are averaged, by rows, as in PyTorch's DistributedDataParallel.

    `estimators.save` writes a model with the default module. Of any other it writes what was learned, if the parameters
    that are classes, functions or modules are set to None before. A file brings no code, so set them after loading::

        estimators.save(model.set_params(module=None), path)
        model = estimators.load(path).set_params(module=Net)

    Examples
    --------
    >>> import dsarray as ds
    >>> from sklearn.datasets import load_digits
    >>> x, y = load_digits(return_X_y=True)
    >>> model = TorchClassifier(max_iter=20, random_state=0).fit(ds.array(x[:1200] / 16, block_size=400), y[:1200])
    >>> model.score(x[1200:] / 16, y[1200:]) > 0.85
    True
    """

    _parameter_constraints: dict[str, list[Any]] = CONSTRAINTS | {
        "class_weight": [StrOptions({"balanced"}), dict, None]
    }
    _criterion = "CrossEntropyLoss"

    def __init__(
        self,
        module=None,
        *,
        module_params=None,
        criterion=None,
        optimizer="Adam",
        optimizer_params=None,
        learning_rate_init=1e-3,
        max_iter=200,
        batch_size="auto",
        shuffle=True,
        sync="gradient",
        tol=1e-4,
        n_iter_no_change=10,
        early_stopping=False,
        validation_fraction=0.1,
        warm_start=False,
        class_weight=None,
        local_rows=None,
        dtype=None,
        device="auto",
        random_state=None,
    ):
        self.module = module
        self.module_params = module_params
        self.criterion = criterion
        self.optimizer = optimizer
        self.optimizer_params = optimizer_params
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.sync = sync
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.class_weight = class_weight
        self.local_rows = local_rows
        self.dtype = dtype
        self.device = device
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TorchClassifier:
        """Train the module.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_samples, n_features), or of dense samples with more axes
        y : array_like or Array of shape (n_samples,)
            Labels.
        sample_weight : array_like or Array of shape (n_samples,), optional
            Factors of the losses of rows. The loss of a batch is its weighted mean.

        Raises
        ------
        ValueError
            When a loss or a parameter of the module becomes NaN or infinite, with the epoch.

        Warns
        -----
        ConvergenceWarning
            When the loss has still fallen in the last epochs before ``max_iter``, unless ``n_iter_no_change=None``.
        """
        known = self.warm_start and hasattr(self, "state_dict_")
        rows = self._read(X, reset=not known)
        codes, classes = encode_classes(self, y, rows)
        if known and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"TorchClassifier.fit: warm_start=True, but y has the classes {classes}, and {self.classes_} are "
                "known; set warm_start=False."
            )
        self.classes_ = classes
        self._learn(rows, codes, weigh_rows(self, codes, sample_weight, rows), given=(X, y, sample_weight), known=known)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> TorchClassifier:
        """Go on with an epoch over some rows.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array_like of shape (n_classes,)
            All labels; in the first call only.
        """
        known = hasattr(self, "state_dict_")
        if known and classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"TorchClassifier.partial_fit: classes={classes!r} are not those of the first call.")
        if not known and classes is None:
            raise ValueError("TorchClassifier.partial_fit: give all labels as classes= in the first call.")
        rows = self._read(X, reset=not known)
        if not known:
            self.classes_ = np.unique(classes)
        codes = self._find_codes(y, rows)
        weights = weigh_rows(self, codes, sample_weight, rows)
        self._learn(rows, codes, weights, given=(X, y, sample_weight), known=known, is_part=True)
        return self

    def predict(self, X: Any) -> Any:
        """Return the likeliest class of each row, as ndarray or Array of shape (n_samples,) like ``X``."""
        check_is_fitted(self)
        if isinstance(X, ds.Array):
            return self._answer(X, partial(_choose, classes=self.classes_), self.classes_.dtype)
        return self.classes_.take(self._answer(X, _choose, np.intp).collect())  # labels may be objects

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class, as ndarray or Array of shape (n_samples, n_classes) like ``X``."""
        check_is_fitted(self)
        return like_input(X, self._answer(X, partial(softmax, axis=1), n_columns=self._n_outputs))

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithms of `predict_proba`, likewise."""
        check_is_fitted(self)
        return like_input(X, self._answer(X, partial(log_softmax, axis=1), n_columns=self._n_outputs))

    def _find_codes(self, y: Any, X: ds.Array) -> list[Future[Any]]:
        """Return the positions of labels among the classes that are known."""
        require_y(self, y)
        if not isinstance(y, ds.Array):
            y = column_or_1d(y, warn=True)
        labels = align_rows(self, y, X, "y")
        return ds.map_row_blocks(_find_known, labels, self.classes_)

    @property
    def _n_outputs(self) -> int:
        return len(self.classes_)


def _choose(logits: Any, classes: Any = None) -> Any:
    positions = logits.argmax(axis=1)
    return positions if classes is None else classes[positions]


def _find_known(labels: Any, classes: Any) -> Any:
    positions = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
    unknown = classes[positions] != labels
    if unknown.any():
        raise ValueError(
            f"TorchClassifier.partial_fit: y has the label {labels[unknown][0]!r}, which is not in classes; give all "
            "labels as classes= in the first call."
        )
    return positions
