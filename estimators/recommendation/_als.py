"""Alternating least squares: factors of users and items whose products are the ratings.

Ratings as such: Y. Zhou, D. Wilkinson, R. Schreiber and R. Pan, "Large-scale parallel collaborative filtering for the
Netflix prize" (2008), where the regularisation of a row is weighted by the number of its ratings. Ratings as confidence
that a user likes an item: Y. Hu, Y. Koren and C. Volinsky, "Collaborative filtering for implicit feedback datasets"
(2008).

The ratings are kept twice on the workers, by users and by items, in CSR blocks. An iteration takes one task for each
block of users, which gets the factors of all items and gives those of its users; one task that joins these; and the
same for items. What travels is the factors of the other side: n_items * n_factors numbers to each task, then
n_users * n_factors. Three numbers of each block of items reach the main program in an iteration, the number and sum of
the ratings of each item at first, and the factors at the end. A task holds its block, the factors of the other side and
some 10 MiB.
"""

from __future__ import annotations

import logging
import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

import dsarray as ds
from dsflow import Future, share, task, wait_on
from estimators._rounds import ObservedFit
from estimators._validation import check_X, map_rows
from estimators.recommendation._ranking import rank_columns
from estimators.recommendation._row_solves import Problem, solve_rows

__all__ = ["ALS"]

logger = logging.getLogger(__name__)

_FIRST_SPREAD = 0.1
"""How far the first factors are from the means of items, in terms of the ratings."""


class ALS(ObservedFit, BaseEstimator):
    """Factorise ratings by alternating least squares.

    Parameters
    ----------
    n_factors : int, default=100
    reg : float, default=0.065
        Weight of the squares of the factors; of a row with n ratings it is n times this, unless ``implicit``.
    implicit : bool, default=False
        True if ratings do not say how much a user likes an item, but how sure it is that he does.
    alpha : float, default=40.0
        With ``implicit``: a rating r counts 1 + alpha * |r| times as much as none; it is for the item if above 0.
    max_iter : int, default=100
    tol : float, default=1e-4
        Stop once ``loss_`` changes by less in an iteration.
    random_state : int, RandomState or None
        An int makes the result the same each time, up to rounding for other blocks.
    verbose : bool, default=False
        True to log each iteration at level INFO.

    Attributes
    ----------
    users_ : ndarray of shape (n_users, n_factors)
        0 for users without ratings.
    items_ : ndarray of shape (n_items, n_factors)
    loss_ : float
        Root of the mean squared error of the ratings; with ``implicit``, of all pairs of a user and an item, rated or
        not, weighted by confidence.
    n_iter_ : int
    n_features_in_ : int
        The number of items.

    Notes
    -----
    In sparse ratings what is stored is a rating, zeros too; in dense ones all but zeros.

    Examples
    --------
    >>> import dsarray as ds
    >>> from estimators.recommendation import ALS
    >>> ratings = ds.array([[5.0, 4, 0, 1], [4, 0, 1, 1], [1, 1, 0, 5], [0, 1, 5, 4]], block_size=2)
    >>> model = ALS(n_factors=2, tol=0.01, random_state=0).fit(ratings)
    >>> items, scores = model.recommend([1], 1, exclude=ratings)
    >>> items
    array([[1]])
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012 - where scikit-learn looks for it
        "n_factors": [Interval(Integral, 1, None, closed="left")],
        "reg": [Interval(Real, 0, None, closed="neither")],
        "implicit": ["boolean"],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_factors=100,
        *,
        reg=0.065,
        implicit=False,
        alpha=40.0,
        max_iter=100,
        tol=1e-4,
        random_state=None,
        verbose=False,
    ):
        self.n_factors = n_factors
        self.reg = reg
        self.implicit = implicit
        self.alpha = alpha
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None) -> ALS:
        """Find factors.

        Parameters
        ----------
        X : sparse matrix, array_like or Array of shape (n_users, n_items)
            The ratings.
        y : ignored

        Warns
        -----
        ConvergenceWarning
            When ``max_iter`` iterations are not enough.
        """
        ratings = self._check_ratings(X, reset=True)
        by_user = ratings.row_blocks()
        totals = wait_on(ds.tree_reduce(np.add, [sum_items(block) for block in by_user]))
        by_item = ratings.T.rechunk((_even_lengths(totals[0], len(by_user)), -1)).row_blocks()
        problem = Problem(float(self.reg), float(self.alpha) if self.implicit else None)
        items: Any = share(self._first_items(totals, ratings.dtype))
        self.loss_, self.n_iter_, is_done = np.inf, 0, False
        rounds = self._begin_fit(X, y, n_rounds=self.max_iter)
        while not is_done and self.n_iter_ < self.max_iter:
            users, _, user_gram = _solve_side(by_user, items, problem)
            items, sums, item_gram = _solve_side(by_item, users, problem)
            loss = _take_loss(sums, (user_gram, item_gram), ratings.shape, problem)
            is_done = bool(abs(self.loss_ - loss) <= self.tol)
            self.loss_, self.n_iter_ = loss, self.n_iter_ + 1
            logger.log(logging.INFO if self.verbose else logging.DEBUG, "ALS: iteration %d, %g", self.n_iter_, loss)
            found = {"users_": users, "items_": items}
            is_done |= rounds.end_round(lambda found=found: wait_on(found))
        rounds.end()
        if not is_done and self.tol > 0:
            warnings.warn(
                f"ALS.fit: not converged after max_iter={self.max_iter} iterations; allow more, or a larger tol.",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.users_, self.items_ = wait_on([users, items])
        return self

    def predict(self, users: Any, items: Any) -> Any:
        """Return what users would give items, pair by pair.

        Parameters
        ----------
        users, items : array_like of int, of shapes that broadcast
            Their positions among the rows and the columns of the ratings.

        Returns
        -------
        ndarray
        """
        check_is_fitted(self)
        return np.einsum(
            "...i,...i->...",
            self.users_[_check_places(users, len(self.users_), "users")],
            self.items_[_check_places(items, len(self.items_), "items")],
        )

    def recommend(self, users: Any, n_items: int = 10, *, exclude: Any = None) -> tuple[Any, Any]:
        """Return the items that users would like best.

        Parameters
        ----------
        users : array_like of int of shape (n,)
        n_items : int, default=10
        exclude : sparse matrix or Array of shape (n_users, n_items), optional
            The items of each user that it stores, such as the ratings of `fit`, are left out.

        Returns
        -------
        items : ndarray of shape (n, n_items)
            The best first; -1 where there are no more.
        scores : ndarray of shape (n, n_items)
            What the user would give; -inf where there are no more.
        """
        check_is_fitted(self)
        places = np.atleast_1d(_check_places(users, len(self.users_), "users"))
        left_out = None
        if exclude is not None:
            chosen = exclude[places] if isinstance(exclude, ds.Array) else scipy.sparse.csr_array(exclude)[places]
            left_out = scipy.sparse.csr_array(chosen.collect() if isinstance(chosen, ds.Array) else chosen)
        return rank_columns(self.users_[places], self.items_, _check_count(n_items), left_out)

    def similar_items(self, items: Any, n_items: int = 10) -> tuple[Any, Any]:
        """Return the items whose factors have the smallest angles with those of others.

        Parameters
        ----------
        items : array_like of int of shape (n,)
        n_items : int, default=10

        Returns
        -------
        items : ndarray of shape (n, n_items)
            The most similar first, without the item itself; -1 where there are no more.
        similarities : ndarray of shape (n, n_items)
            Cosines of the angles.
        """
        check_is_fitted(self)
        places = np.atleast_1d(_check_places(items, len(self.items_), "items"))
        lengths = np.linalg.norm(self.items_, axis=1, keepdims=True)
        directions = self.items_ / np.where(lengths > 0, lengths, 1)
        own = (np.ones(len(places)), (np.arange(len(places)), places))
        left_out = scipy.sparse.csr_array(own, shape=(len(places), len(self.items_)))
        return rank_columns(directions[places], directions, _check_count(n_items), left_out)

    def score(self, X: Any, y: Any = None) -> float:
        """Return minus the root of the mean squared error of ratings.

        Parameters
        ----------
        X : sparse matrix, array_like or Array of shape (n_users, n_items)
            Of the same users and items as those of `fit`.
        y : ignored
        """
        check_is_fitted(self)
        ratings = self._check_ratings(X, reset=False)
        starts = np.cumsum((0, *ratings.chunks[0]))[:-1].tolist()
        factors = share(self.users_), share(self.items_)
        blocks = zip(ratings.row_blocks(), starts, strict=True)
        squares, n_ratings = np.sum(wait_on([measure_errors(*block, *factors) for block in blocks]), axis=0)
        return -float(np.sqrt(squares / n_ratings))

    def _check_ratings(self, X: Any, *, reset: bool) -> ds.Array:
        rows = check_X(self, X, reset=reset)
        if not reset and rows.shape[0] != len(self.users_):
            raise ValueError(
                f"ALS: the ratings have {rows.shape[0]} users, those of fit {len(self.users_)}; give a row for each."
            )
        blocks = map_rows(self, _to_csr, rows)
        return ds.from_blocks([[block] for block in blocks], (rows.chunks[0], rows.shape[1:]), rows.dtype, sparse=True)

    def _first_items(self, totals: Any, dtype: Any) -> Any:
        """Return the mean rating of each item, with small random numbers behind it."""
        counts, sums, squares = totals
        rng = check_random_state(self.random_state)
        spread = _FIRST_SPREAD * np.sqrt(squares.sum() / max(counts.sum(), 1))
        items = rng.standard_normal((len(counts), self.n_factors)) * (spread if spread > 0 else 1.0)
        if not self.implicit:
            items[:, 0] = sums / np.maximum(counts, 1)
        return items.astype(dtype)


def _solve_side(blocks: list[Any], others: Future[Any], problem: Problem) -> tuple[Future[Any], list[Any], Any]:
    """Return the factors of one side, given those of the other one; losses by block; and the product of the others."""
    gram = multiply_own(others)
    solved = [solve_block(block, others, gram, problem) for block in blocks]
    return join_factors([rows for rows, _ in solved]), [sums for _, sums in solved], gram


def _take_loss(sums: list[Any], grams: Any, shape: tuple[int, ...], problem: Problem) -> float:
    """Return the root of the mean loss; without ratings, 0."""
    found = wait_on(sums)
    loss, weight, n_rated, own = (sum(values) for values in zip(*found, strict=True))
    if problem.alpha is not None:
        loss += float((wait_on(grams[1]) * own).sum())  # every pair as if it were not rated
        weight += shape[0] * shape[1] - n_rated
    return float(np.sqrt(max(loss, 0.0) / max(weight, 1)))


def _even_lengths(counts: Any, n_blocks: int) -> tuple[int, ...]:
    """Cut items into blocks with about as many ratings."""
    done = np.cumsum(counts + 1)
    ends = np.searchsorted(done, done[-1] * np.arange(1, n_blocks) / n_blocks)
    return tuple(np.diff(np.concatenate([[0], ends, [len(counts)]])).tolist())


def _check_places(places: Any, n_places: int, name: str) -> Any:
    checked = np.asarray(places)
    if checked.dtype.kind not in "iu" and checked.size:
        raise TypeError(f"ALS: {name} have type {checked.dtype}; give integers, the positions in the ratings.")
    if checked.size and (checked.min() < 0 or checked.max() >= n_places):
        raise IndexError(
            f"ALS: {name} from {checked.min()} to {checked.max()}; there are those from 0 to {n_places - 1}."
        )
    return checked.astype(np.intp)


def _check_count(n_items: int) -> int:
    if not isinstance(n_items, Integral) or n_items < 1:
        raise ValueError(f"ALS: n_items={n_items!r} makes no sense; give an int of at least 1.")
    return int(n_items)


def _to_csr(rows: Any) -> Any:
    return rows if scipy.sparse.issparse(rows) else scipy.sparse.csr_array(ds.to_host(rows))


# --- tasks ------------------------------------------------------------------------------------------------------------


@task
def sum_items(ratings: Any) -> Any:
    """Return the number of ratings of each item, their sum and the sum of their squares, of shape (3, n_items)."""
    n_items = ratings.shape[1]
    weights = (None, ratings.data, ratings.data**2)
    return np.stack([np.bincount(ratings.indices, each, n_items) for each in weights]).astype(float)


@task
def multiply_own(factors: Any) -> Any:
    """Return products of factors, added up over rows."""
    return factors.T @ factors


@task(returns=2)
def solve_block(ratings: Any, others: Any, gram: Any, problem: Problem) -> tuple[Any, Any]:
    """Return the factors of some rows; and their loss, the weight and number of ratings, and products of factors."""
    rows, loss, weight = solve_rows(ratings, others, gram, problem)
    return rows, (loss, weight, ratings.nnz, (rows.T @ rows).astype(float))


@task
def join_factors(blocks: list[Any]) -> Any:
    """Return the factors of all rows."""
    return np.concatenate(blocks)


@task
def measure_errors(ratings: Any, start: int, users: Any, items: Any) -> Any:
    """Return the sum of squared errors of ratings, and their number."""
    rows = np.repeat(np.arange(ratings.shape[0]), np.diff(ratings.indptr)) + start
    squares = 0.0
    for begin in range(0, len(rows), 1 << 14):
        part = slice(begin, begin + (1 << 14))
        scores = np.einsum("ij,ij->i", users[rows[part]], items[ratings.indices[part]])
        squares += float(((ratings.data[part] - scores) ** 2).sum(dtype=float))
    return np.array([squares, len(rows)])
