"""An exported generator: FILE.safetensors, and FILE.json that describes it."""

from pathlib import Path
from typing import Any

from gan import foreign
from gan.error import UserError, printable
from gan.file import sha256
from gan.foreign import Refused


def load_exported(path: Path) -> dict[str, Any]:
    """The JSON beside FILE.safetensors. Raises UserError for a missing or mistyped field."""
    beside = path.with_suffix(".json")
    for part in (path, beside):
        if not part.is_file():
            remedy = "a generator is FILE.safetensors with FILE.json beside it"
            raise FileNotFoundError(f"ckpt: {part} does not exist; {remedy}")
    try:
        found = foreign.load_object(beside)
        kinds = {"generator": dict, "command": str, "data": str}
        if not all(isinstance(found.get(name), kind) for name, kind in kinds.items()):
            raise Refused("generator, command or data is missing")
        if found.get("sha256", weights := sha256(path)) != weights:
            raise Refused("it belongs to other weights: its sha256 differs; export both again")
        validate_card(found.get("test"))
    except Refused as error:
        raise UserError(f"ckpt: {beside} is damaged, or not from python -m gan.export ({error})") from error
    return found | {name: printable(found[name], 2000) for name in ("command", "data")}


def validate_card(card: object) -> None:
    """Raise Refused unless a test card is None or has figures that are numbers."""
    figures = card.get("figures", {}) if isinstance(card, dict) else None
    is_card = isinstance(figures, dict) and all(isinstance(value, int | float) for value in figures.values())
    if card is not None and not is_card:
        raise Refused("its test figures are no numbers")
