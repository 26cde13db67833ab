"""Class names, and the digits that they mean. Label i of a data set is the class ``names[i]``."""

import re
import unicodedata
from collections.abc import Sequence

from gan.error import UserError

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LONGEST = 64  # characters of a name
MOST = 10_000  # names of a data set
FORBIDDEN = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f]')  # in the names of files on one system or another


def numbered(classes: int) -> tuple[str, ...]:
    """The names of classes that are only numbered: "0", "1", ..."""
    return tuple(map(str, range(classes)))


def validate_names(names: object, classes: int) -> tuple[str, ...]:
    """``names``, one for each of the ``classes``; None: their numbers.

    A name becomes the name of a folder, so it has 1 to 64 visible characters, none of which
    separates paths. Raises UserError for other names, for equal ones, and for too few or too many.
    """
    if names is None:
        return numbered(classes)
    if not isinstance(names, list | tuple) or len(names) != classes or classes > MOST:
        got = f"{len(names)}" if isinstance(names, list | tuple) else repr(names)[:80]
        raise UserError(f"data.names must be a list of {classes} names, one for each class, got {got}")
    found = tuple(str(name) if isinstance(name, int) and not isinstance(name, bool) else name for name in names)
    for name in found:
        if not isinstance(name, str) or not _is_name(name):
            rule = f'1 to {LONGEST} visible characters, and none of / \\ : * ? " < > |'
            raise UserError(f"data.names: a name has {rule}; got {str(name)[:80]!r}")
    if len(set(found)) < len(found):
        twice = next(name for name in found if found.count(name) > 1)
        raise UserError(f"data.names: {twice!r} is the name of two classes: each needs its own")
    return found


def _is_name(name: str) -> bool:
    is_visible = name == name.strip() and name.isprintable() and not FORBIDDEN.search(name)
    return is_visible and 0 < len(name) <= LONGEST and not name.startswith(".")


def digit(name: str) -> int | None:
    """The digit that a name means: 0 to 9 in any script, or an English word; None: no digit."""
    plain = name.strip().casefold()
    if plain in WORDS:
        return WORDS.index(plain)
    return unicodedata.digit(plain, None) if len(plain) == 1 and plain.isdecimal() else None


def digits(names: Sequence[str]) -> dict[int, int]:
    """The label of each digit that exactly one of the ``names`` means, by digit."""
    meant = [digit(name) for name in names]
    return {value: label for label, value in enumerate(meant) if value is not None and meant.count(value) == 1}


def find(names: Sequence[str], asked: object) -> int:
    """The label of the class that ``asked``, a name or a digit, names; case does not matter.

    "7" and 7 also mean a class called seven, and "seven" one called 7. Raises UserError if there is
    no such class.
    """
    name = str(asked).strip()
    if name in names:
        return names.index(name)
    alike = [label for label, known in enumerate(names) if known.casefold() == name.casefold()]
    value = digit(name)
    label = alike[0] if len(alike) == 1 else None if value is None else digits(names).get(value)
    if label is None:
        raise UserError(f"label={asked}: there is no such class; the classes are {shown(names)}")
    return label


def shown(names: Sequence[str], most: int = 12) -> str:
    """Names for a message, between commas; of many, the first ones and the last."""
    some = names if len(names) <= most else [*names[: most - 2], "...", names[-1]]
    return ", ".join(some) if names else "none"


def in_order(names: Sequence[str]) -> list[str]:
    """Names in the order of their labels: digits by value, numbers by value, the rest by name."""
    values = [digit(name) for name in names]
    if None not in values:
        return sorted(names, key=lambda name: (digit(name), name))
    if all(name.isdecimal() for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names)
