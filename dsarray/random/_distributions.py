"""The distributions of a generator, with the names and parameters of `numpy.random.Generator`.

Each call only records what to draw; tiles are drawn inside of the tasks that use them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dsarray._array import Array
from dsarray._creation import check_is_dtype

__all__ = ["Distributions"]

_FLOAT = np.dtype(np.float64)
_INT = np.dtype(np.int64)


def _known(dtype: Any, where: str) -> np.dtype[Any]:
    check_is_dtype(dtype, where)
    known: np.dtype[Any] = np.dtype(dtype)
    return known


class Distributions:
    """Methods that draw arrays.

    Parameters of distributions are scalars, or arrays that broadcast: to ``size``, where it is given. ``block_size=``
    cuts the result, without influence on its values; without ``size`` scalars give an Array without axes.
    """

    def _drawn(
        self,
        method: str,
        parameters: tuple[Any, ...],
        size: Any,
        block_size: Any,
        dtype: npt.DTypeLike = _FLOAT,
        event: tuple[int, ...] = (),
        options: dict[str, Any] | None = None,
    ) -> Array:
        raise NotImplementedError

    def random(self, size: Any = None, dtype: npt.DTypeLike = _FLOAT, *, block_size: Any = None) -> Array:
        """Draw uniform numbers in [0, 1)."""
        return self._drawn("random", (), size, block_size, dtype, options={"dtype": _known(dtype, "random")})

    def integers(
        self,
        low: Any,
        high: Any = None,
        size: Any = None,
        dtype: npt.DTypeLike = _INT,
        endpoint: bool = False,
        *,
        block_size: Any = None,
    ) -> Array:
        """Draw integers from ``low`` up to ``high``, which is left out unless ``endpoint``; from 0 if it is alone."""
        low, high = (0, low) if high is None else (low, high)
        known = _known(dtype, "integers")
        options = {"dtype": known, "endpoint": endpoint}
        return self._drawn("integers", (low, high), size, block_size, known, options=options)

    def standard_normal(self, size: Any = None, dtype: npt.DTypeLike = _FLOAT, *, block_size: Any = None) -> Array:
        """Draw from a normal distribution of mean 0 and deviation 1."""
        options = {"dtype": _known(dtype, "standard_normal")}
        return self._drawn("standard_normal", (), size, block_size, dtype, options=options)

    def standard_exponential(
        self, size: Any = None, dtype: npt.DTypeLike = _FLOAT, method: str = "zig", *, block_size: Any = None
    ) -> Array:
        """Draw from an exponential distribution of scale 1."""
        options = {"dtype": _known(dtype, "standard_exponential"), "method": method}
        return self._drawn("standard_exponential", (), size, block_size, dtype, options=options)

    def standard_gamma(
        self, shape: Any, size: Any = None, dtype: npt.DTypeLike = _FLOAT, *, block_size: Any = None
    ) -> Array:
        """Draw from a gamma distribution of scale 1."""
        options = {"dtype": _known(dtype, "standard_gamma")}
        return self._drawn("standard_gamma", (shape,), size, block_size, dtype, options=options)

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a uniform distribution over [low, high)."""
        return self._drawn("uniform", (low, high), size, block_size)

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a normal distribution."""
        return self._drawn("normal", (loc, scale), size, block_size)

    def exponential(self, scale: Any = 1.0, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from an exponential distribution."""
        return self._drawn("exponential", (scale,), size, block_size)

    def gamma(self, shape: Any, scale: Any = 1.0, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a gamma distribution."""
        return self._drawn("gamma", (shape, scale), size, block_size)

    def beta(self, a: Any, b: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a beta distribution."""
        return self._drawn("beta", (a, b), size, block_size)

    def binomial(self, n: Any, p: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a binomial distribution."""
        return self._drawn("binomial", (n, p), size, block_size, _INT)

    def chisquare(self, df: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a chi-square distribution."""
        return self._drawn("chisquare", (df,), size, block_size)

    def f(self, dfnum: Any, dfden: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from an F distribution."""
        return self._drawn("f", (dfnum, dfden), size, block_size)

    def geometric(self, p: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a geometric distribution."""
        return self._drawn("geometric", (p,), size, block_size, _INT)

    def gumbel(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a Gumbel distribution."""
        return self._drawn("gumbel", (loc, scale), size, block_size)

    def hypergeometric(self, ngood: Any, nbad: Any, nsample: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a hypergeometric distribution."""
        return self._drawn("hypergeometric", (ngood, nbad, nsample), size, block_size, _INT)

    def laplace(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a Laplace distribution."""
        return self._drawn("laplace", (loc, scale), size, block_size)

    def logistic(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a logistic distribution."""
        return self._drawn("logistic", (loc, scale), size, block_size)

    def lognormal(self, mean: Any = 0.0, sigma: Any = 1.0, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a log-normal distribution."""
        return self._drawn("lognormal", (mean, sigma), size, block_size)

    def logseries(self, p: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a logarithmic series distribution."""
        return self._drawn("logseries", (p,), size, block_size, _INT)

    def negative_binomial(self, n: Any, p: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a negative binomial distribution."""
        return self._drawn("negative_binomial", (n, p), size, block_size, _INT)

    def noncentral_chisquare(self, df: Any, nonc: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a noncentral chi-square distribution."""
        return self._drawn("noncentral_chisquare", (df, nonc), size, block_size)

    def noncentral_f(self, dfnum: Any, dfden: Any, nonc: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a noncentral F distribution."""
        return self._drawn("noncentral_f", (dfnum, dfden, nonc), size, block_size)

    def pareto(self, a: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a Pareto II distribution."""
        return self._drawn("pareto", (a,), size, block_size)

    def poisson(self, lam: Any = 1.0, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a Poisson distribution."""
        return self._drawn("poisson", (lam,), size, block_size, _INT)

    def power(self, a: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a power distribution."""
        return self._drawn("power", (a,), size, block_size)

    def rayleigh(self, scale: Any = 1.0, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a Rayleigh distribution."""
        return self._drawn("rayleigh", (scale,), size, block_size)

    def standard_cauchy(self, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a Cauchy distribution."""
        return self._drawn("standard_cauchy", (), size, block_size)

    def standard_t(self, df: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from Student's t distribution."""
        return self._drawn("standard_t", (df,), size, block_size)

    def triangular(self, left: Any, mode: Any, right: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a triangular distribution."""
        return self._drawn("triangular", (left, mode, right), size, block_size)

    def vonmises(self, mu: Any, kappa: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a von Mises distribution."""
        return self._drawn("vonmises", (mu, kappa), size, block_size)

    def wald(self, mean: Any, scale: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a Wald distribution."""
        return self._drawn("wald", (mean, scale), size, block_size)

    def weibull(self, a: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a Weibull distribution."""
        return self._drawn("weibull", (a,), size, block_size)

    def zipf(self, a: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a Zipf distribution."""
        return self._drawn("zipf", (a,), size, block_size, _INT)

    # --- several numbers a draw --------------------------------------------------------------------------------------

    def multinomial(self, n: int, pvals: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw counts of ``n`` trials with probabilities ``pvals``, which make the last axis."""
        known = _vector(pvals, "multinomial: pvals")
        return self._drawn("multinomial", (), size, block_size, _INT, known.shape, {"n": int(n), "pvals": known})

    def dirichlet(self, alpha: Any, size: Any = None, *, block_size: Any = None) -> Array:
        """Draw from a Dirichlet distribution; the components make the last axis."""
        known = _vector(alpha, "dirichlet: alpha")
        return self._drawn("dirichlet", (), size, block_size, _FLOAT, known.shape, {"alpha": known})

    def multivariate_normal(
        self,
        mean: Any,
        cov: Any,
        size: Any = None,
        check_valid: str = "warn",
        tol: float = 1e-8,
        *,
        method: str = "svd",
        block_size: Any = None,
    ) -> Array:
        """Draw from a normal distribution of several components, which make the last axis."""
        center = _vector(mean, "multivariate_normal: mean")
        options = {"mean": center, "cov": np.asarray(cov), "check_valid": check_valid, "tol": tol, "method": method}
        return self._drawn("multivariate_normal", (), size, block_size, _FLOAT, center.shape, options)

    def multivariate_hypergeometric(
        self, colors: Any, nsample: int, size: Any = None, method: str = "marginals", *, block_size: Any = None
    ) -> Array:
        """Draw counts of colors among ``nsample`` items that are not put back; they make the last axis."""
        known = _vector(colors, "multivariate_hypergeometric: colors")
        options = {"colors": known, "nsample": int(nsample), "method": method}
        return self._drawn("multivariate_hypergeometric", (), size, block_size, _INT, known.shape, options)


def _vector(value: Any, what: str) -> npt.NDArray[Any]:
    found = np.asarray(value)
    if found.ndim != 1:
        raise TypeError(f"{what} has {found.ndim} dimensions, which is not supported; give a vector.")
    return found
