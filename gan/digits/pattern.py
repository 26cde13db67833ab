"""Texts to write: given ones, validated, and random ones that follow a pattern."""

import random
import re
import re._parser as expressions  # type: ignore[import-not-found]
import unicodedata
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from gan.digits.mark import STROKES
from gan.error import UserError, require
from gan.names import digits, shown

CHARACTERS = "0123456789" + "".join(STROKES) + " "
LONGEST = 1_000  # characters of a line
REPEATS = 100  # what * and + mean to rstr
NAMED = {
    "phone": r"\+[1-9]\d \(\d{3}\) \d{3}-\d{4}",
    "time": r"([01]\d|2[0-3]):[0-5]\d",
    "amount": r"[1-9]\d{0,2},\d{3}\.\d\d",
    "amount $": r"\$[1-9]\d{0,2},\d{3}\.\d\d",
    "amount €": r"[1-9]\d{0,2}\.\d{3},\d\d €",
}


def validate_text(text: str) -> str:
    """``text`` itself. Raises UserError unless it has 1 to 1,000 characters that can be drawn."""
    if not isinstance(text, str):
        raise UserError(f"text must be a string in quotes, as '2026-11-22', got {text!r}")
    if not text.strip():
        raise UserError("text is empty: give digits, for example text=2026-11-22")
    if len(text) > LONGEST:
        raise UserError(f"text has {len(text):,} characters; a line has {LONGEST:,} at most: make several")
    if unknown := sorted(set(text) - set(CHARACTERS)):
        said = " ".join(one if one.isprintable() else unicodedata.name(one, repr(one)) for one in unknown[:10])
        written = "write digits as 0 to 9, which the generator draws in its own script" if _is_digit(unknown[0]) else ""
        rule = f"a line has digits, {' '.join(STROKES)} and spaces only"
        raise UserError(f"text: cannot draw {said}: {written or rule}")
    return text


def _is_digit(character: str) -> bool:
    return unicodedata.digit(character, None) is not None


def require_digits(texts: Sequence[str], names: Sequence[str]) -> None:
    """Raise UserError unless each digit of the ``texts`` is one of a generator's classes."""
    known = digits(names)
    if missing := sorted({one for one in "".join(texts) if one.isdigit() and int(one) not in known}):
        if not names:
            raise UserError("text: this generator is unconditional, it has no classes: choose another ckpt")
        lacks = f"this generator has no class for {' '.join(missing)}; its classes are {shown(names)}"
        remedy = "choose another ckpt, or train with data.names=[...] that say which digits they are"
        raise UserError(f"text: {lacks}: {remedy}")


def random_texts(pattern: str, count: int, seed: int) -> list[str]:
    """``count`` random texts of a regular expression, a key of :data:`NAMED`, or ``date %d.%m.%y``.

    Raises UserError for an invalid pattern or one of undrawable texts, MissingExtra without rstr.
    """
    if not isinstance(pattern, str):
        raise UserError(f"pattern must be a string in quotes, as 'phone', got {pattern!r}")
    source = random.Random(seed)
    name, _, form = pattern.partition(" ")
    if name == "date":
        days = (date(1900, 1, 1) + timedelta(source.randrange(365 * 200)) for _ in range(count))
        return [validate_text(day.strftime(form or "%Y-%m-%d")) for day in days]

    expression = NAMED.get(pattern, pattern)
    _validate_length(expression)
    require("rstr", extra="lines")
    from rstr import Rstr

    xeger = Rstr(source).xeger
    try:
        return [validate_text(xeger(expression)) for _ in range(count)]
    except (KeyError, IndexError) as error:
        raise UserError(f"pattern: {pattern} refers to a group that may be missing, or allows no character") from error
    except UserError as error:
        raise UserError(f"pattern: {pattern} gives texts that cannot be drawn ({error})") from error


def split_texts(texts: Sequence[str], share: float) -> tuple[list[str], list[str]]:
    """The texts of a training set, and about ``share`` of all for a test set.

    No text is in both, unless a character would then be in the test set alone. Raises UserError if
    one of them would be empty.
    """
    wanted = round(share * len(texts))
    if not 0 < wanted < len(texts):
        raise UserError(f"split={share:g} of {len(texts):,} lines leaves train or test empty: make more lines")
    test: set[str] = set()
    left = wanted
    for text, count in Counter(reversed(texts)).items():
        if count <= left:
            test.add(text)
            left -= count
    parts = [one for one in texts if one not in test], [one for one in texts if one in test]
    if not test or not set("".join(parts[1])) <= set("".join(parts[0])):
        return list(texts[:-wanted]), list(texts[-wanted:])
    return parts


def _validate_length(pattern: str) -> None:
    """Refuse an invalid regular expression, and one whose texts may be too long."""
    try:
        states = list(expressions.parse(pattern))
        if states and str(states[0][1]) in ("AT_BEGINNING", "AT_BEGINNING_STRING"):  # a text begins there anyway
            del states[0]
        if states and str(states[-1][1]) in ("AT_END", "AT_END_STRING"):
            del states[-1]
        longest = _longest(states, {})
    except (re.error, OverflowError, RecursionError) as error:
        raise UserError(f"pattern: {pattern} is no regular expression ({error}); for example \\d{{5}}") from error
    except ValueError as error:  # UserError too
        raise UserError(f"pattern: {pattern} {error}") from None
    if longest > LONGEST:
        limit = f"a line has {LONGEST:,} at most: repeat less, as \\d{{1,5}}"
        raise UserError(f"pattern: {pattern} may give {longest:,} characters; {limit}")


def _longest(states: Any, groups: dict[int | None, int]) -> int:
    """The most characters, 1 at least, of parsed ``states``; ``groups`` gets those of each group.

    Refuses states that rstr ignores or cannot draw.
    """
    total = 0
    for code, value in states:
        match str(code), value:
            case "IN", kinds if any(str(kind) == "RANGE" and ends[1] > 127 for kind, ends in kinds):
                raise UserError("allows characters that cannot be drawn")
            case (("LITERAL" | "NOT_LITERAL" | "ANY" | "IN"), _):
                total += 1
            case "SUBPATTERN", (group, *_, inside):
                groups[group] = _longest(inside, groups)
                total += groups[group]
            case "GROUPREF", group:
                total += groups[group]
            case "BRANCH", (_, branches):
                total += max(_longest(branch, groups) for branch in branches)
            case (("MAX_REPEAT" | "MIN_REPEAT"), (least, most, repeated)):
                if least > REPEATS:
                    raise UserError(f"repeats something {least:,} times or more: {REPEATS} is the most")
                total += min(int(most), REPEATS) * _longest(repeated, groups)
            case _:
                raise UserError("has an anchor inside, a lookaround, a condition or an atomic group: leave it out")
    return max(1, total)
