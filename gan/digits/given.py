"""What a person gives, checked: a number is one whichever library it comes from, and True is none."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from numbers import Integral, Real
from typing import Any, TypeVar

T = TypeVar("T")


def whole(name: str, value: object, low: int, high: int) -> int:
    """``value`` as Python's int. Raises ValueError where it is no whole number from ``low`` to ``high``."""
    found = _python(value)
    if isinstance(found, bool) or not isinstance(found, Integral) or not low <= int(found) <= high:
        raise ValueError(f"{name} must be a whole number from {low:,} to {high:,}, got {value!r}")
    return int(found)


def real(name: str, value: object, low: float, high: float) -> float:
    """``value`` as Python's float. Raises ValueError where it is no number from ``low`` to ``high``."""
    found = _python(value)
    if isinstance(found, bool) or not isinstance(found, Real) or not low <= float(found) <= high:
        raise ValueError(f"{name} must be a number from {low:g} to {high:g}, got {value!r}")
    return float(found)


def flag(name: str, value: object) -> bool:
    """``value`` as Python's bool. Raises ValueError where it is neither True nor False: "no" would be true."""
    found = _python(value)
    if not isinstance(found, bool):
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return found


def several(name: str, values: Any, example: str) -> list[Any]:
    """``values`` as a list. Raises ValueError, with the ``example``, for a string or what has no items."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable) or getattr(values, "ndim", 1) == 0:
        raise ValueError(f"{name} must be a list, as {example}, got {values!r}")
    return list(values)


def made(kind: type[T], name: str, asked: T | Mapping[str, Any] | None) -> T:
    """``asked`` itself, or the dataclass ``kind`` of its words. Raises ValueError for words that ``kind`` does not have."""
    if isinstance(asked, kind):
        return asked
    words = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    if asked is not None and not (isinstance(asked, Mapping) and set(asked) <= set(words)):
        raise ValueError(f"{name} must be a dict of {', '.join(words)}, got {asked!r}")
    return kind(**(asked or {}))


def _python(value: Any) -> object:
    """A number of NumPy or torch as Python's."""
    return value.item() if getattr(value, "ndim", None) == 0 else value
