"""Presets: what they set, and what wins over them."""

import pytest

from gan.cli.compose import compose, plain
from gan.digits.look import PRESETS, Look, load_preset
from gan.digits.preset import Preset, choose
from gan.digits.style import Style
from gan.error import UserError


@pytest.mark.parametrize("name", sorted(path.stem for path in PRESETS.glob("*.yaml")))
def test_python_and_the_command_line_set_the_same(name: str) -> None:
    cfg = plain(compose("generate", [f"preset={name}", "out=x"]))
    known = {setting: cfg[setting] for setting in ("certain", "clean", "truncation")}
    assert choose(name) == Preset(Look(**cfg["look"]), Style(**cfg["style"]), **known)


def test_what_is_asked_wins_also_within_the_style() -> None:
    chosen = choose("accessible", {"slant": 1}, "sunset", clean=False, truncation=None)
    assert chosen.style == Style(thickness=choose("accessible").style.thickness, slant=1)
    assert (chosen.look, chosen.clean, chosen.certain) == (load_preset("sunset"), False, True)
    assert 0 < chosen.truncation < 1


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"name": "sunet"}, "preset must be one of accessible, .*, sunset, got 'sunet'"),
        ({"name": "plain", "look": "sunet"}, "look must be a Look or one of accessible, .*, got 'sunet'"),
        ({"name": "plain", "clean": 1}, "clean must be True or False, got 1"),
        ({"name": "plain", "truncation": 0}, "truncation must be a number from 0.01 to 1, got 0"),
        ({"name": "plain", "truncation": True}, "truncation must be a number from 0.01 to 1, got True"),
    ],
)
def test_another_value_is_one_clear_line(asked: dict[str, object], expected: str) -> None:
    with pytest.raises(UserError, match=f"^{expected}$"):
        choose(**asked)  # type: ignore[arg-type]
