"""Texts to write: checked ones, and random ones that follow a pattern."""

import random
import re
from datetime import date, timedelta

from gan.digits.mark import STROKES

CHARACTERS = "0123456789" + "".join(STROKES) + " "
LONGEST = 1_000  # characters of a line
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
        shown = " ".join(unknown[:10])
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
        if any(int(most) > LONGEST for most in re.findall(r"\{(?:\d*,)?(\d+)\}", expression)):
            raise ValueError(f"pattern: {pattern} asks for more than {LONGEST:,} characters, the most of a line")
        re.compile(expression)
    except re.error as error:
        raise ValueError(f"pattern: {pattern} is no regular expression ({error}); for example \\d{{5}}") from error
    try:
        from rstr import Rstr
    except ImportError as error:
        raise ImportError("a pattern needs rstr: pip install rstr") from error
    draw = Rstr(source)
    try:
        found = [check(draw.xeger(expression)) for _ in range(count)]
    except (ValueError, KeyError, IndexError, RecursionError) as error:
        raise ValueError(f"pattern: {pattern} gives what cannot be written ({error})") from error
    if odd := next((text for text in found if not re.fullmatch(expression, text)), None):
        raise ValueError(
            f"pattern: {pattern} asks for the impossible, or for more than can be drawn ({odd} does not follow it)"
        )
    return found
