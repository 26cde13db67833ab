"""Presets: how digits look and how they are drawn, by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gan.digits.look import Look, load_preset, read_preset
from gan.digits.style import Style
from gan.validate import boolean, from_mapping, number

CERTAIN = 0.99  # probability of its class above which a digit is certain


@dataclass
class Preset:
    """What ``conf/preset/plain.yaml`` sets. Raises UserError out of range."""

    look: Look = field(default_factory=Look)
    style: Style = field(default_factory=Style)
    certain: bool = False
    clean: bool = False
    truncation: float = 1.0

    def __post_init__(self) -> None:
        self.certain, self.clean = boolean("certain", self.certain), boolean("clean", self.clean)
        self.truncation = validate_truncation(self.truncation)

    @property
    def certainty(self) -> float:
        """The least probability of its class that a digit may get."""
        return CERTAIN if self.certain else 0.0


def choose(
    name: str, style: Style | Mapping[str, Any] | None = None, look: Look | str | None = None, **asked: Any
) -> Preset:
    """The preset ``name`` of conf/preset; what is asked and not None wins, also in the style.

    Raises UserError for another name, and for values out of range.
    """
    found = read_preset(name)
    found["style"] = from_mapping(Style, "style", style).filled(Style(**found.get("style", {})))
    found["look"] = load_preset(name if look is None else look)
    return Preset(**found | {setting: value for setting, value in asked.items() if value is not None})


def validate_truncation(value: object) -> float:
    """Psi in [0.01, 1] (Karras et al. 2019, appendix B): at 0, all digits of a class are equal."""
    return number("truncation", value, 0.01, 1)
