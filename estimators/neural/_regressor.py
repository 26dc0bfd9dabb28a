"""Regression by PyTorch modules that are trained where the rows are; see `TorchClassifier` for how that is done."""

from __future__ import annotations

from typing import Any

from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from estimators._responses import check_responses
from estimators._validation import check_weights, like_input
from estimators.metrics import DeterminationScore
from estimators.neural._learning import CONSTRAINTS, TorchLearning

__all__ = ["TorchRegressor"]


class TorchRegressor(DeterminationScore, RegressorMixin, TorchLearning):
    """Predict numbers with a PyTorch module.

    Parameters
    ----------
    module : class, function or torch.nn.Module, optional
        What makes the module: it is called with ``module_params``, and with ``n_features`` and ``n_outputs`` if it has
        parameters of these names or takes all (``**kwargs``). A module that is made already is copied, with its values,
        to start from. By default, a multi-layer perceptron, whose parameters are ``hidden_layer_sizes=(100,)`` and
        ``activation="relu"`` ("identity", "logistic", "tanh"). The module has an output for each
        target; of outputs and targets, criteria get arrays of shape (n_rows, n_targets).
    module_params : dict, optional
    criterion : str, class, function or torch.nn.Module, optional
        The loss: the name of a class in ``torch.nn``, or a class like these, or a ``functools.partial`` of one, made
        with ``reduction="none"``; or a function of outputs and targets that gives a loss for each row; or a module that
        does, or has ``reduction="mean"``, of which a copy is taken. By default, "MSELoss".
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
    >>> import numpy as np
    >>> import dsarray as ds
    >>> x = np.random.default_rng(0).normal(size=(1000, 3))
    >>> model = TorchRegressor(learning_rate_init=0.01, random_state=0)
    >>> model.fit(ds.array(x, block_size=250), abs(x[:, 0])).score(x, abs(x[:, 0])) > 0.9
    True
    """

    _parameter_constraints: dict[str, list[Any]] = CONSTRAINTS
    _criterion = "MSELoss"

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
        self.local_rows = local_rows
        self.dtype = dtype
        self.device = device
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> TorchRegressor:
        """Train the module.

        Parameters
        ----------
        X : array_like, sparse matrix or Array of shape (n_samples, n_features), or of dense samples with more axes
        y : array_like or Array of shape (n_samples,) or (n_samples, n_targets)
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
        self._learn(*self._read_all(X, y, sample_weight, known), given=(X, y, sample_weight), known=known)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> TorchRegressor:
        """Go on with an epoch over some rows; parameters as in `fit`."""
        known = hasattr(self, "state_dict_")
        self._learn(*self._read_all(X, y, sample_weight, known), given=(X, y, sample_weight), known=known, is_part=True)
        return self

    def predict(self, X: Any) -> Any:
        """Return what the module gives for each row, as ndarray or Array like ``X``, in the shape of y."""
        check_is_fitted(self)
        found = self._answer(X, n_columns=self._n_outputs)
        return like_input(X, found[:, 0] if self._is_vector else found)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def _read_all(self, X: Any, y: Any, sample_weight: Any, known: bool) -> tuple[ds.Array, Any, Any]:
        """Return the rows, and for each row of blocks targets and weights."""
        rows = self._read(X, reset=not known)
        targets, is_vector = check_responses(self, y, rows)
        if known and (targets.shape[1], is_vector) != (self._n_outputs, self._is_vector):
            raise ValueError(
                f"TorchRegressor: y has {targets.shape[1]} columns, but {self._n_outputs} are known; give as many."
            )
        self._n_outputs, self._is_vector = targets.shape[1], is_vector
        weights = check_weights(self, sample_weight, rows)
        return rows, targets.row_blocks(), [None] * rows.grid[0] if weights is None else weights.row_blocks()
