"""Where results go: nothing is overwritten unless that is asked for."""

from collections.abc import Collection, Sequence
from pathlib import Path

from gan.error import UserError


def output_path(out: str, kinds: Sequence[str]) -> Path:
    """The path in ``out``. Raises UserError unless it ends in one of ``kinds``; "" is a folder."""
    path = Path(out).expanduser()
    if path.suffix and out.endswith("/"):
        raise UserError(f"out: a folder's name must have no dot, got {out}: choose {path.name.replace('.', '_')}/")
    if path.name in ("", "..", *kinds):
        raise UserError(f"out: {out} has no name: choose another, as digits{kinds[0] or '/'}")
    if path.suffix not in kinds:
        *others, last = (kind or "/" for kind in kinds)
        raise UserError(f"out must end in {', '.join(others)}{' or ' if others else ''}{last}, got {out}")
    return path


def refuse_overwriting(path: Path, overwrite: bool) -> None:
    """Raise UserError if ``path`` is a folder, or a file that may not be overwritten."""
    if path.is_dir():
        raise UserError(f"out: {path} is a folder: choose another name")
    if path.exists() and not overwrite:
        raise UserError(f"out: {path} exists: choose another name, or overwrite=true")


def refuse_overwriting_folder(folder: Path, kind: str, foreign: Collection[str], overwrite: bool) -> None:
    """Raise UserError unless ``folder`` is new, empty, or holds a ``kind`` to be overwritten.

    ``foreign``: the files in it that are not part of a ``kind``.
    """
    if folder.is_file():
        raise UserError(f"out: {folder} is a file: choose another folder")
    if foreign:
        raise UserError(f"out: {folder} holds {min(foreign)}, which is not part of a {kind}: choose another folder")
    if folder.is_dir() and any(folder.iterdir()) and not overwrite:
        raise UserError(f"out: {folder} holds a {kind}: choose another folder, or overwrite=true")


def json_path(name: str, value: str) -> Path:
    """The path in the setting ``name``. Raises UserError unless it is that of a .json file."""
    path = Path(value).expanduser()
    if path.suffix != ".json":
        raise UserError(f"{name} must end in .json, got {value}")
    if path.is_dir():
        raise UserError(f"{name}: {path} is a folder: choose another name")
    return path
