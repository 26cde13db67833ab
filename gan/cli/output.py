"""Where results go: nothing is overwritten unasked, and what cannot be written is found at once."""

import json
import os
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gan.error import UserError


def output_path(out: str, kinds: Sequence[str]) -> Path:
    """The path in ``out``. Raises UserError unless it ends in one of ``kinds``; "" is a folder.

    A new folder's name ends in a slash, so that no folder is filled by mistake.
    """
    path = _path("out", out)
    if path.suffix and out.endswith("/"):
        raise UserError(f"out: a folder's name must have no dot, got {out}: choose {path.name.replace('.', '_')}/")
    if path.name in ("", "..", *kinds):
        raise UserError(f"out: {out} has no name: choose another, as digits{kinds[0] or '/'}")
    if path.suffix not in kinds or not (path.suffix or out.endswith("/") or path.exists()):
        *others, last = (kind or "/" for kind in kinds)
        folder = f": for a folder, write out={out}/" if "" in kinds and not path.suffix else ""
        raise UserError(f"out must end in {', '.join(others)}{' or ' if others else ''}{last}, got {out}{folder}")
    return path


def _path(name: str, value: str) -> Path:
    """The path in the setting ``name``. Raises UserError for one of another system."""
    if os.sep == "/" and ("\\" in value or re.match(r"[A-Za-z]:/", value)):
        raise UserError(f"{name}: {value} is a path of Windows, and here it would be a name: separate folders by /")
    return Path(value).expanduser()


def validate_files(*paths: Path, overwrite: bool, name: str = "out") -> None:
    """Raise UserError, before any work, unless all files ``paths`` can and may be written.

    ``name`` is the setting that asks for them.
    """
    for path in paths:
        if path.is_dir():
            raise UserError(f"{name}: {path} is a folder: choose another name")
        if (path.exists() or path.is_symlink()) and not overwrite:
            raise UserError(f"{name}: {path} exists: choose another name, or overwrite=true")
        require_writable(path, name)


def validate_card(
    path: Path, *beside: Path, is_same: Callable[[dict[str, Any]], bool], overwrite: bool, name: str = "out"
) -> None:
    """As :func:`validate_files`; a card ``path`` that ``is_same`` may be replaced unasked.

    A card is JSON of figures; the same one is that of the same checkpoint or study.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    except ValueError:  # no UTF-8, no JSON
        found = None
    may_replace = isinstance(found, dict) and is_same(found)
    validate_files(path, *beside, overwrite=overwrite or may_replace, name=name)


def validate_folder(folder: Path, kind: str, foreign: Collection[str], overwrite: bool) -> None:
    """Raise UserError unless ``folder`` is new, empty, or holds a ``kind`` to be overwritten.

    ``foreign``: the files in it that are not part of a ``kind``.
    """
    if folder.is_file():
        raise UserError(f"out: {folder} is a file: choose another folder")
    if foreign:
        raise UserError(f"out: {folder} holds {min(foreign)}, which is not part of a {kind}: choose another folder")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise UserError(f"out: {folder} holds a {kind}: choose another folder, or overwrite=true")
    require_writable(folder)


def require_writable(path: Path, name: str = "out") -> None:
    """Raise UserError unless a file or folder ``path`` can be made, in new folders if need be."""
    place = path.absolute()
    above = next(folder for folder in place.parents if folder.exists())
    if not above.is_dir():
        raise UserError(f"{name}: {above} is a file, so {path} cannot lie in it: choose another folder")
    try:
        longest = max(place.relative_to(above).parts, key=lambda part: len(os.fsencode(part)))
        with TemporaryDirectory(dir=above, prefix=f".{longest}."):
            pass
    except OSError as error:
        raise UserError(f"{name}: {path} cannot be written ({error.strerror}): choose another place") from error


def json_path(name: str, value: str) -> Path:
    """The path in the setting ``name``. Raises UserError unless it is that of a .json file."""
    path = _path(name, value)
    if path.suffix != ".json":
        raise UserError(f"{name} must end in .json, got {value}")
    if path.is_dir():
        raise UserError(f"{name}: {path} is a folder: choose another name")
    return path
