"""Errors that a user can mend. Everything else that is raised is a bug and shows its traceback."""

import re
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

PROJECT = "digit-gan"
CHECKOUT = Path(__file__).parents[1]  # only in a checkout does it have a pyproject.toml


class UserError(ValueError):
    """Unusable input. The message says what is wrong, what is allowed, what to type."""


class MissingExtra(UserError, ImportError):
    """A library of an optional feature is not installed. The message has the command for it."""


def printable(text: object, most: int = 200) -> str:
    """A stranger's text for a message: one line, without control characters, at most so long."""
    line = "".join(c if c.isprintable() else "?" for c in str(text))
    return line if len(line) <= most else f"{line[:most]}..."


def require(*modules: str, extra: str) -> None:
    """Raise MissingExtra unless all ``modules``, which ``extra`` brings, are installed."""
    for name in modules:
        if find_spec(name) is None:
            raise MissingExtra(f"{name} is not installed: {install_command(extra)}")


def install_command(extra: str) -> str:
    """What installs an extra: the checkout with it or, where a wheel is installed, its packages."""
    if (CHECKOUT / "pyproject.toml").is_file():
        return f'pip install -e "{"." if Path.cwd() == CHECKOUT else CHECKOUT}[{extra}]"'
    named = [re.fullmatch(rf"(.+?) *; *extra == .{extra}.", one) for one in metadata.requires(PROJECT) or []]
    return " ".join(["pip install", *(f'"{found[1]}"' for found in named if found)])
