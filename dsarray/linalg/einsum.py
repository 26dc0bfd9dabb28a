"""Einstein's sums: two arrays at a time, in the order that `numpy.einsum_path` finds, or one array by itself.

See `_contraction` for what moves.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dsarray import _elementwise, _sparse
from dsarray._registry import implements
from dsarray.linalg._contraction import contract

if TYPE_CHECKING:
    from dsarray._array import Array

__all__ = ["einsum"]


@implements(np.einsum)
def einsum(*operands: Any, out: Any = None, optimize: Any = "greedy", dtype: Any = None, **keywords: Any) -> Array:
    """Return a sum of products, as `numpy.einsum`, in either way of writing it.

    Parameters
    ----------
    *operands
        ``"ij,jk->ik", a, b`` or ``a, [0, 1], b, [1, 2], [0, 2]``.
    out : Array, optional
        Where to put the result.
    optimize : bool, str or list
        How the order of more than two arrays is found, see `numpy.einsum_path`; two at a time they always are.
    dtype : dtype, optional
        The type to compute in.
    **keywords
        ``order`` and ``casting`` other than the default are not supported.

    Raises
    ------
    ValueError
        When the subscripts do not fit the arrays.
    """
    for name, default in (("order", "KCA"), ("casting", ("safe",))):
        if keywords.pop(name, default[0]) not in default:
            raise TypeError(f"np.einsum: {name}= is not supported for an Array.")
    if keywords:
        raise TypeError(f"np.einsum: got an unexpected keyword argument {next(iter(keywords))!r}.")
    subscripts, values = _written(operands)
    arrays = [_elementwise.as_array(value) for value in values]
    if any(a.sparse for a in arrays):
        raise _sparse.refuse("einsum")
    names, result = _parse(subscripts, arrays)
    computed = np.result_type(*[a.dtype for a in arrays]) if dtype is None else np.dtype(dtype)
    if not all(np.can_cast(a.dtype, computed, "safe") for a in arrays):
        raise TypeError(f"np.einsum: cannot compute in {computed} safely; use astype() first.")
    total = _in_order(arrays, names, result, computed, optimize)
    if out is None:
        return total
    stored: Array = np.add(total, 0, out=out)
    return stored


def _in_order(arrays: list[Array], names: list[str], result: str, dtype: Any, optimize: Any) -> Array:
    if len(arrays) > 2:
        shapes = [np.broadcast_to(np.zeros((), dtype), a.shape) for a in arrays]
        path = np.einsum_path(f"{','.join(names)}->{result}", *shapes, optimize=optimize or "greedy")[0][1:]
    else:
        path = [tuple(range(len(arrays)))]
    arrays, names = list(arrays), list(names)
    for number, chosen in enumerate(path):
        some = [(arrays[i], names[i]) for i in chosen]
        for i in sorted(chosen, reverse=True):
            del arrays[i], names[i]
        is_last = number == len(path) - 1
        needed = set(result).union(*names)
        kept = result if is_last else "".join(dict.fromkeys(n for _, each in some for n in each if n in needed))
        arrays.append(contract([a for a, _ in some], [each for _, each in some], kept, dtype))
        names.append(kept)
    return arrays[0]


# --- what the user wrote ---------------------------------------------------------------------------------------------


def _written(operands: Sequence[Any]) -> tuple[str, list[Any]]:
    """The subscripts as a text, and the arrays."""
    if not operands:
        raise ValueError("einsum: must specify the einstein sum subscripts string and at least one operand.")
    if isinstance(operands[0], str):
        return operands[0], list(operands[1:])
    values, lists = list(operands[: len(operands) // 2 * 2 : 2]), list(operands[1::2])
    text = ",".join(map(_as_text, lists))
    return (f"{text}->{_as_text(operands[-1])}" if len(operands) % 2 else text), values


def _as_text(subscripts: Any) -> str:
    return "".join("..." if each is Ellipsis else string.ascii_letters[each] for each in subscripts)


def _parse(subscripts: str, arrays: Sequence[Array]) -> tuple[list[str], str]:
    """Return the names of the axes of each array and of the result; those of an ellipsis get letters."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(arrays):
        raise ValueError(f"einsum: {len(terms)} terms in {subscripts!r} for {len(arrays)} arrays; give one for each.")
    spare = [each for each in string.ascii_letters if each not in subscripts]
    most = max((a.ndim - len(term) + 3 for term, a in zip(terms, arrays, strict=True) if "..." in term), default=0)
    names = [_axis_names(term, a, spare[:most], subscripts) for term, a in zip(terms, arrays, strict=True)]
    once = sorted(each for each in set(left) & set(string.ascii_letters) if left.count(each) == 1)
    result = right.replace("...", "".join(spare[:most])) if arrow else "".join([*spare[:most], *once])
    if len(set(result)) != len(result) or not set(result) <= set("".join(names)):
        raise ValueError(f"einsum: the result of {subscripts!r} has a name twice or one that no array has.")
    return names, result


def _axis_names(term: str, a: Array, spare: Sequence[str], subscripts: str) -> str:
    n_more = a.ndim - len(term.replace("...", ""))
    if n_more < 0 or (n_more and "..." not in term) or len(term) - len(term.replace("...", "")) > 3:
        raise ValueError(f"einsum: {term!r} in {subscripts!r} does not name the {a.ndim} axes of its array.")
    names = term.replace("...", "".join(spare[len(spare) - n_more :]))
    if not set(names) <= set(string.ascii_letters):
        raise ValueError(f"einsum: {term!r} in {subscripts!r} has a character that is no letter; use letters.")
    return names
