"""Linear algebra of blocked matrices: ``ds.linalg.qr`` and so on, which `numpy.linalg.qr` calls for an Array."""

from dsarray.linalg.chains import matrix_power, multi_dot, tensorinv, tensorsolve
from dsarray.linalg.cholesky import cholesky
from dsarray.linalg.eigh import eig, eigh, eigvals, eigvalsh
from dsarray.linalg.einsum import einsum
from dsarray.linalg.kron import cross, kron
from dsarray.linalg.lanczos import lanczos_svd
from dsarray.linalg.lstsq import cond, lstsq, matrix_rank, pinv
from dsarray.linalg.norm import matrix_norm, norm, vector_norm
from dsarray.linalg.products import inner, matvec, outer, tensordot, vdot, vecdot, vecmat
from dsarray.linalg.qr import qr
from dsarray.linalg.randomized import TruncatedSVD, randomized_svd
from dsarray.linalg.solve import det, inv, slogdet, solve
from dsarray.linalg.svd import svd, svdvals
from dsarray.linalg.tsqr import tsqr

__all__ = [
    "TruncatedSVD",
    "cholesky",
    "cond",
    "cross",
    "det",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "einsum",
    "inner",
    "inv",
    "kron",
    "lanczos_svd",
    "lstsq",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matvec",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "randomized_svd",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "tsqr",
    "vdot",
    "vecdot",
    "vecmat",
    "vector_norm",
]
