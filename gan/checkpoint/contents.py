"""The contents of a checkpoint, and which parts it must have."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from gan import foreign
from gan.error import UserError
from gan.foreign import Refused

AVERAGED = "ema.generator."  # before the names of the averaged generator's tensors


def load_contents(path: str | Path) -> dict[str, Any]:
    """The contents of a checkpoint as plain data, tensors on the CPU.

    Raises FileNotFoundError for a missing file, UserError for a file that is damaged, holds more
    than data, or is not a checkpoint of this project.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f"ckpt: {path} is a folder: give {path / 'best.ckpt'}")
    if not path.exists():
        raise FileNotFoundError(f"ckpt: {path} does not exist; a run keeps best.ckpt and last.ckpt in its folder")
    if not path.is_file():
        raise UserError(f"ckpt: {path} is no file: give RUN/best.ckpt")
    try:
        contents = foreign.load_archive(path)
        _validate_parts(contents)
    except Refused as error:
        raise UserError(f"ckpt: {path} is not loaded: {error}; use best.ckpt or an earlier copy") from error
    return contents


def _validate_parts(contents: dict[str, Any]) -> None:
    """Raise Refused unless the parts that every checkpoint has are there, with their types."""
    parts: dict[str, type] = {
        "epoch": int, "state_dict": dict, "hyper_parameters": dict, "hyper_parameters.overrides": list,
        "hyper_parameters.config": dict, "hyper_parameters.config.data": dict,
        "hyper_parameters.config.data.name": str, "hyper_parameters.config.model": dict,
        "hyper_parameters.config.model.generator": dict,
    }  # fmt: skip
    if isinstance(contents.get("hyper_parameters"), dict):
        contents["hyper_parameters"].setdefault("overrides", [])  # early checkpoints lack them
    for name, kind in parts.items():
        found: Any = contents
        for key in name.split("."):
            found = found.get(key)
        if not isinstance(found, kind) or (kind is dict and not found):
            raise Refused(f"it is not a checkpoint of this project: its {name} is missing or damaged")
    words, state = contents["hyper_parameters"]["overrides"], contents["state_dict"]
    if not all(isinstance(word, str) for word in words):
        raise Refused("its hyper_parameters.overrides are damaged")
    if not all(isinstance(name, str) and isinstance(value, Tensor | int) for name, value in state.items()):
        raise Refused("its state_dict is damaged")


def part(state: Mapping[str, Any], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with ``prefix``, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in state.items()
        if name.startswith(prefix) and isinstance(value, Tensor)
    }
