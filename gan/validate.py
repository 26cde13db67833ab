"""Checks of values, with their ranges. Numbers may be Python's, NumPy's or torch's, not booleans.

Whoever takes a number from a person or a file checks it, where the number means something.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from numbers import Integral
from typing import Any, TypeVar

from gan.error import UserError

T = TypeVar("T")


def integer(name: str, value: object, low: int, high: int) -> int:
    """``value`` as Python's int. Raises UserError unless it is a whole number in [low, high]."""
    found = _to_python(value)
    if isinstance(found, bool) or not isinstance(found, Integral) or not low <= int(found) <= high:
        raise UserError(f"{name} must be a whole number from {low:,} to {high:,}, got {value!r}")
    return int(found)


def number(name: str, value: object, low: float, high: float) -> float:
    """``value`` as Python's float. Raises UserError unless it is a number in [low, high]."""
    found = _to_python(value)
    if isinstance(found, bool) or not isinstance(found, int | float) or not low <= found <= high:
        raise UserError(f"{name} must be a number from {low:g} to {high:g}, got {value!r}")
    return float(found)


def seconds(name: str, value: object) -> float:
    """A length of time as seconds. Raises UserError unless it is as 90m, 1h30m or DD:HH:MM:SS."""
    clock = re.fullmatch(r"(\d{1,4}):(\d\d):(\d\d):(\d\d)", str(value))
    units = re.fullmatch(r"(?:(\d{1,4})d)?(?:(\d{1,6})h)?(?:(\d{1,8})m)?(?:(\d{1,9})s)?", str(value))
    found = clock or units
    days, hours, minutes, rest = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
    if not days + hours + minutes + rest:
        raise UserError(f"{name} must be a length of time, as 90m, 1h30m or 2d (or DD:HH:MM:SS), got {value!r}")
    return ((days * 24 + hours) * 60 + minutes) * 60.0 + rest


def boolean(name: str, value: object) -> bool:
    """``value`` as Python's bool. Raises UserError unless it is True or False ("no" is truthy)."""
    found = _to_python(value)
    if not isinstance(found, bool):
        raise UserError(f"{name} must be True or False, got {value!r}")
    return found


def as_list(name: str, values: Any, example: str) -> list[Any]:
    """``values`` as a list. Raises UserError, with an ``example``, for strings and numbers."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable) or getattr(values, "ndim", 1) == 0:
        raise UserError(f"{name} must be a list, as {example}, got {values!r}")
    return list(values)


def from_mapping(kind: type[T], name: str, asked: T | Mapping[str, Any] | None) -> T:
    """``asked``, or a dataclass ``kind`` of its fields. Raises UserError for unknown ones."""
    if asked is None or isinstance(asked, kind):
        return asked or kind()
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    if not (isinstance(asked, Mapping) and set(asked) <= set(known)):
        raise UserError(f"{name} must be a dict of {', '.join(known)}, got {asked!r}")
    return kind(**asked)


def _to_python(value: Any) -> object:
    """A scalar of NumPy or torch as Python's; anything else unchanged."""
    return value.item() if getattr(value, "ndim", None) == 0 else value
