"""Looks: colours, gradients, contrast as WCAG has it, sizes, presets."""

import re
from dataclasses import replace
from typing import Any

import pytest

from gan.cli.compose import compose, plain
from gan.digits import look
from gan.digits.look import Colour, Look, load_preset, parse_colour, parse_gradient, parse_size, to_layer
from gan.file import CONF

PRESETS = sorted(path.stem for path in CONF.glob("preset/*.yaml"))
WHITE, BLACK, CLEAR = (255, 255, 255, 255), (0, 0, 0, 255), (0, 0, 0, 0)


def contrast(ink: Colour, paper: Colour) -> float:
    """The contrast of one colour on another."""
    return look.contrast(to_layer(ink)[None], to_layer(paper)[None])


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("#0a141e", (10, 20, 30, 255)),
        ("#f80", (255, 136, 0, 255)),
        ("#0a141e80", (10, 20, 30, 128)),
        ("navy", (0, 0, 128, 255)),
        ("RebeccaPurple", (102, 51, 153, 255)),
        ("transparent", CLEAR),
    ],
)
def test_a_colour_is_its_bytes(word: str, expected: tuple[int, ...]) -> None:
    assert parse_colour(word) == expected


@pytest.mark.parametrize(
    "word", ["blurple", "#12", "", "#zzzzzz", "red\nblue", 5, None, "navy-", "-navy", "red-green-blue"]
)
def test_a_bad_colour_is_one_line_that_says_what_is_allowed(word: str) -> None:
    with pytest.raises(ValueError, match=r"^look.ink: .* is no colour: allowed are #rrggbb.*navy-#f80$") as caught:
        Look(ink=word)
    assert "\n" not in str(caught.value)


def test_two_colours_are_a_gradient_and_one_is_both_ends() -> None:
    assert parse_gradient("#f00-blue") == ((255, 0, 0, 255), (0, 0, 255, 255))
    assert parse_gradient("white") == (WHITE, WHITE)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast(BLACK, WHITE) == pytest.approx(21)
    assert contrast(parse_colour("#777"), WHITE) == pytest.approx(4.478, abs=1e-3)
    assert contrast(WHITE, parse_colour("#777")) == pytest.approx(4.478, abs=1e-3)
    assert contrast(parse_colour("#767676"), WHITE) == pytest.approx(4.542, abs=1e-3)
    assert contrast(parse_colour("teal"), parse_colour("teal")) == 1


def test_what_is_translucent_has_the_contrast_of_its_worse_ground() -> None:
    assert contrast(BLACK, CLEAR) == 1
    assert contrast(WHITE, CLEAR) == 1
    grey = parse_colour("#777")
    assert contrast(grey, CLEAR) == pytest.approx(min(contrast(grey, WHITE), contrast(grey, BLACK)))
    assert contrast(parse_colour("#00000080"), WHITE) == pytest.approx(contrast(parse_colour("#7f7f7f"), WHITE))
    assert contrast((0, 0, 0, 0), WHITE) == 1


def test_a_look_has_the_contrast_of_the_worst_along_its_gradients() -> None:
    assert Look(ink="black-#777", paper="white").contrast == pytest.approx(4.478, abs=1e-3)
    assert Look(ink="black-white", paper="#777").contrast < 1.2  # somewhere between the ends it is the paper's grey
    plain = Look(ink="navy", paper="white", line="#888")
    assert replace(plain, texture="squared").contrast == pytest.approx(
        contrast(parse_colour("navy"), parse_colour("#888"))
    )
    assert plain.contrast == pytest.approx(contrast(parse_colour("navy"), WHITE))


@pytest.mark.parametrize(
    ("ink", "paper", "expected"),
    [
        (
            "#aaa",
            "white",
            "ink #aaa on paper white has a contrast of 2.32, less than look.minimum_contrast=7: choose a darker ink or",
        ),
        ("#333", "black", "choose a lighter ink or darker paper"),
        ("black", "transparent", "choose an opaque paper, since"),
    ],
)
def test_too_little_contrast_is_one_line_with_the_remedy(ink: str, paper: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        Look(ink=ink, paper=paper, minimum_contrast=7)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"texture": "wool"}, "look.texture must be one of none, grain, ruled, squared, chalk, got 'wool'"),
        ({"direction": "up"}, "look.direction must be one of down, right, got 'up'"),
        ({"height": -1}, "look.height must be a whole number from 0 to 4,096, got -1"),
        ({"height": True}, "look.height must be a whole number from 0 to 4,096, got True"),
        ({"height": 1.5}, "look.height must be a whole number"),
        ({"minimum_contrast": 22}, "look.minimum_contrast must be a number from 1 to 21, got 22"),
        ({"minimum_contrast": "much"}, "look.minimum_contrast must be a number from 1 to 21, got 'much'"),
    ],
)
def test_an_impossible_look_is_one_line(words: dict[str, object], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        Look(**words)  # type: ignore[arg-type]


def test_a_size_is_a_name_or_two_numbers() -> None:
    assert [parse_size(name) for name in ("card", "portrait")] == [(1200, 675), (1080, 1350)]
    assert parse_size("640x480") == parse_size((640, 480)) == parse_size([640, 480]) == (640, 480)
    odd: list[Any] = ["huge", "640", "640x", "1x1", "99999x20", "-4x40", "640x480\n", (-5, 50), (0, 0), (10**6, 10**6)]
    for word in [*odd, (50.5, 50), (640,), (50, 50, 50), 640, None]:
        with pytest.raises(
            ValueError, match=f"^{re.escape(repr(word))} is no size: allowed are square, portrait, story, card, or as"
        ):
            parse_size(word)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_composes_and_can_be_read(name: str) -> None:
    cfg = plain(compose("generate", [f"preset={name}"]))
    assert load_preset(name) == Look(**cfg["look"])
    assert load_preset(name).contrast >= 4.5  # WCAG's AA


def test_the_accessible_preset_is_certain_clean_thick_and_of_high_contrast() -> None:
    cfg, accessible = plain(compose("generate", ["preset=accessible"])), load_preset("accessible")
    assert accessible.contrast >= accessible.minimum_contrast >= 7
    assert (cfg["certain"], cfg["clean"]) == (True, True)
    assert cfg["style"]["thickness"] > 0


def test_a_preset_that_is_changed_changes_no_other() -> None:
    plain_look = Look()
    load_preset(plain_look).ink = "red"
    assert plain_look == load_preset("plain") == Look()


@pytest.mark.parametrize("word", ["sunet", "", 5, None, {"ink": "red"}])
def test_another_look_is_one_line_that_says_which_there_are(word: Any) -> None:
    with pytest.raises(ValueError, match=r"^look must be a Look or one of accessible, .*, sunset, got [^\n]*$"):
        load_preset(word)


def test_the_presets_are_those_that_people_ask_for() -> None:
    assert {"plain", "paper", "accessible", "chalkboard", "blueprint", "notebook", "sunset", "sticker"} <= set(PRESETS)
    assert Look(**plain(compose("generate", []))["look"]) == Look()
