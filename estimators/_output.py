"""What comes of a ds-array is one, whatever `set_output` and scikit-learn's configuration say of other results."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import dsarray as ds

__all__ = ["ArraysStay"]


class ArraysStay:
    """Keeps data frames from being made of ds-arrays; it stands before scikit-learn's classes, which make them."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        for name in ("transform", "fit_transform"):
            method = getattr(cls, name)
            if not hasattr(method, "makes_no_frames"):
                setattr(cls, name, _without_frames(method))


def _without_frames(method: Callable[..., Any]) -> Callable[..., Any]:
    plain = getattr(method, "__wrapped__", method)  # as it was before scikit-learn's decorator

    @functools.wraps(method)
    def called(self: Any, X: Any, *args: Any, **keywords: Any) -> Any:
        return (plain if isinstance(X, ds.Array) else method)(self, X, *args, **keywords)

    vars(called)["makes_no_frames"] = True
    return called
