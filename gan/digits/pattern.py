"""Texts to write: checked ones, and random ones that follow a pattern."""

import random
import re
import re._parser as expressions  # type: ignore[import-not-found]
import unicodedata
from datetime import date, timedelta
from typing import Any

from gan.digits.mark import STROKES

CHARACTERS = "0123456789" + "".join(STROKES) + " "
LONGEST = 1_000  # characters of a line
REPEATS = 100  # of one thing, as rstr draws them
DAYS = 365 * 200  # from FIRST_DAY
FIRST_DAY = date(1900, 1, 1)
# Patterns with a name. A date is any of two centuries; a phone number is written as in many countries.
NAMED = {"phone": r"\+[1-9]\d \(\d{3}\) \d{3}-\d{4}", "time": r"([01]\d|2[0-3]):[0-5]\d", "amount": r"[1-9]\d{0,2},\d{3}\.\d\d"}


def check(text: str) -> str:
    """``text`` itself. Raises ValueError where it cannot be written."""
    if not isinstance(text, str):
        raise ValueError(f"text must be a string in quotes, as '2026-11-22', got {text!r}")
    if not text.strip():
        raise ValueError("text is empty: give digits, for example text=2026-11-22")
    if len(text) > LONGEST:
        raise ValueError(f"text has {len(text):,} characters; a line has {LONGEST:,} at most: make several")
    if unknown := sorted(set(text) - set(CHARACTERS)):
        shown = " ".join(one if one.isprintable() else unicodedata.name(one, repr(one)) for one in unknown[:10])
        raise ValueError(
            f"text: no class and no separator for {shown}: there are the digits, {' '.join(STROKES)} and the space"
        )
    return text


def texts(pattern: str, count: int, seed: int) -> list[str]:
    """``count`` random texts: of a regular expression such as ``\\d{5}``, of one of :data:`NAMED`, or dates.

    ``date`` stands for 1987-03-31; ``date %d.%m.%y`` is written as strftime does. Raises ValueError for a pattern that is none,
    or that asks for what cannot be written, ImportError without rstr.
    """
    if not isinstance(pattern, str):
        raise ValueError(f"pattern must be a string in quotes, as 'phone', got {pattern!r}")
    source = random.Random(seed)
    name, _, form = pattern.partition(" ")
    if name == "date":
        days = (FIRST_DAY + timedelta(source.randrange(DAYS)) for _ in range(count))
        return [check(day.strftime(form or "%Y-%m-%d")) for day in days]
    expression = NAMED.get(pattern, pattern)
    try:
        longest = _longest(_unanchored(list(expressions.parse(expression))), {})
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"pattern: {pattern} is no regular expression ({error}); for example \\d{{5}}") from error
    except ValueError as error:
        raise ValueError(f"pattern: {pattern} {error}") from None
    if longest > LONGEST:
        raise ValueError(
            f"pattern: {pattern} may give {longest:,} characters; a line has {LONGEST:,} at most: repeat less, as \\d{{1,5}}"
        )
    try:
        from rstr import Rstr
    except ImportError as error:
        raise ImportError("a pattern needs rstr: pip install rstr") from error
    draw = Rstr(source)
    try:
        return [check(draw.xeger(expression)) for _ in range(count)]
    except (KeyError, IndexError) as error:
        raise ValueError(f"pattern: {pattern} refers to a group that may be missing, or allows no character") from error
    except ValueError as error:
        raise ValueError(f"pattern: {pattern} gives what cannot be written ({error})") from error


def _unanchored(states: list[Any]) -> list[Any]:
    """Parsed ``states`` without what marks their ends, where they are whole texts anyway."""
    first = states[:1] if states and str(states[0][1]) in ("AT_BEGINNING", "AT_BEGINNING_STRING") else []
    last = states[-1:] if states and str(states[-1][1]) in ("AT_END", "AT_END_STRING") else []
    return states[len(first) : len(states) - len(last)]


def _longest(states: Any, groups: dict[int | None, int]) -> int:
    """The most characters that rstr draws for parsed ``states``, and 1 for none; ``groups`` are filled with those of each.

    Raises ValueError for what it draws without regard to the rest, or not at all.
    """
    total = 0
    for code, value in states:
        name = str(code)
        if name in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            if name == "IN" and any(str(kind) == "RANGE" and ends[1] > 127 for kind, ends in value):
                raise ValueError("allows characters that cannot be written")
            total += 1
        elif name == "SUBPATTERN":
            groups[value[0]] = _longest(value[-1], groups)
            total += groups[value[0]]
        elif name == "GROUPREF":
            total += groups[value]
        elif name == "BRANCH":
            total += max(_longest(branch, groups) for branch in value[1])
        elif name in ("MAX_REPEAT", "MIN_REPEAT"):
            least, most, repeated = value
            if least > REPEATS:
                raise ValueError(
                    f"repeats something {least:,} times or more: {REPEATS} is the most, and * and + mean that many"
                )
            total += min(int(most), REPEATS) * _longest(repeated, groups)
        else:
            raise ValueError("has an anchor inside, a lookaround, a condition or what gives nothing back: say it without these")
    return max(1, total)
