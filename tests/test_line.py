"""Lines of digits: what stands in them, where, and in whose hand."""

import math
import re
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import torch

from gan import checkpoint
from gan.digits import attribute, layout, mark, pattern, style
from gan.digits.layout import INK, Layout
from gan.digits.line import Line, Pen
from gan.image import to_uint8
from gan.metric import feature


@pytest.fixture(scope="module")
def pen() -> Pen:
    generator = checkpoint.generator(None)
    return Pen(generator, style.axes(generator, Path("nowhere")), feature.load("mnist"))


def _bytes(drawn: Line) -> np.ndarray:
    return to_uint8(drawn.image[0]).numpy()


def test_every_box_is_tight_around_the_ink_and_no_ink_is_outside(pen: Pen) -> None:
    for drawn in pen.write(["2026-11-22", "+49 (030) 123", "1/2:3,4.5", "0"], 7):
        pixels, outside = _bytes(drawn), _bytes(drawn).copy()
        assert "".join(box.character for box in drawn.boxes) == drawn.text.replace(" ", "")
        for box in drawn.boxes:
            inside = pixels[box.y : box.y + box.height, box.x : box.x + box.width] >= INK
            assert inside[0].any()
            assert inside[-1].any()
            assert inside[:, 0].any()
            assert inside[:, -1].any()
            outside[box.y : box.y + box.height, box.x : box.x + box.width] = 0
        assert outside.max() == 0


def test_characters_stand_in_order_with_the_asked_space_between(pen: Pen) -> None:
    (drawn,) = pen.write(["123 45"], 1, Layout(height=56, spacing=0.5, jitter=0))
    gaps = [b.x - a.x - a.width for a, b in zip(drawn.boxes, drawn.boxes[1:], strict=False)]
    unit = 56 * 20 / 28
    assert gaps == pytest.approx([unit / 2, unit / 2, unit * (0.5 + mark.SPACE), unit / 2], abs=1)
    assert len({box.y + box.height for box in drawn.boxes}) == 1  # the baseline


def test_jitter_margin_and_slant_do_what_they_say(pen: Pen) -> None:
    text = ["11111111"]
    (still,), (shaken,) = (list(pen.write(text, 2, Layout(jitter=jitter))) for jitter in (0.0, 0.2))
    assert np.std([box.y + box.height for box in still.boxes]) == 0
    assert np.std([box.y + box.height for box in shaken.boxes]) > 1
    (wide,) = pen.write(text, 2, Layout(margin=2, jitter=0))
    assert wide.boxes[0].x == 2 * 20
    (leant,) = pen.write(text, 2, Layout(slant=30, jitter=0))
    upright, leaning = (attribute.measure(_alone(drawn))[:, 1].mean().item() for drawn in (still, leant))
    assert math.tan(math.radians(leaning)) - math.tan(math.radians(upright)) == pytest.approx(
        math.tan(math.radians(30)), abs=0.05
    )


def _alone(drawn: Line) -> torch.Tensor:
    """Each character in 40x40, [N, 1, 40, 40]."""
    cells = torch.full((len(drawn.boxes), 1, 40, 40), -1.0)
    for cell, box in zip(cells, drawn.boxes, strict=True):
        cell[0, 2 : 2 + box.height, 2 : 2 + box.width] = drawn.image[0, box.y : box.y + box.height, box.x : box.x + box.width]
    return cells


def test_a_line_is_in_one_hand_and_a_mixed_one_is_not(pen: Pen) -> None:
    texts = pattern.texts(r"\d{8}", 60, 0)

    def ratio(pen: Pen) -> torch.Tensor:
        measured = torch.stack([attribute.measure(_alone(drawn))[:, :2] for drawn in pen.write(texts)])
        return measured.var(1).mean(0) / measured.mean(1).var(0)

    assert (ratio(pen) < 1 / 3).all()
    assert (ratio(Pen(pen.generator, pen.axes, pen.reader, mixed=True)) > 1).all()


def test_a_repeated_digit_is_written_anew(pen: Pen) -> None:
    (drawn,) = pen.write(["77"], 4)
    first, second = _alone(drawn)
    assert (first - second).abs().max() > 0.5


def test_line_i_depends_on_its_seed_and_text_alone(pen: Pen) -> None:
    texts = ["123", "45-6", "789", "0"]
    many = list(pen.write(texts, 10))
    (alone,) = pen.write(["789"], 12)
    assert (many[2].seed, many[2].boxes) == (12, alone.boxes)
    assert (many[2].image - alone.image).abs().max() < 0.02  # convolutions of other batches round otherwise


def test_a_digit_that_is_not_read_is_drawn_again_and_counted(pen: Pen) -> None:
    texts = pattern.texts(r"\d{8}", 100, 1)
    lines = list(pen.write(texts))
    assert 0 < sum(drawn.redrawn for drawn in lines) < 40
    strict = Pen(pen.generator, pen.axes, pen.reader, certainty=0.999)
    assert sum(drawn.redrawn for drawn in strict.write(texts)) > sum(drawn.redrawn for drawn in lines)
    never = Pen(pen.generator, pen.axes, lambda x: (x, torch.eye(10)[[4] * len(x)]))  # type: ignore[arg-type]
    (drawn,) = never.write(["12-34"])
    assert (drawn.redrawn, drawn.unread) == (3, 3)


def test_an_asked_style_is_in_every_digit(pen: Pen) -> None:
    thin, thick = (
        torch.cat([attribute.measure(_alone(drawn))[:, 0] for drawn in Pen(
            pen.generator, pen.axes, pen.reader, style.Style(thickness=value)).write(["0123456789"] * 4)]).mean()
        for value in (-1.5, 2.0)
    )  # fmt: skip
    assert thick > thin + 1.5


@pytest.mark.parametrize("slant", [-60.0, 0.0, 60.0])
def test_a_separator_is_itself_in_any_hand(slant: float) -> None:
    picture, boxes = layout.compose("/()", np.zeros((0, 80, 80)), Layout(height=80), torch.Generator(), 5.0, slant)
    bulges = []
    for box in boxes:
        ink = picture[0, box.y : box.y + box.height, box.x : box.x + box.width] + 1
        top, middle, bottom = (
            (rows.sum(0) @ torch.arange(box.width).float() / rows.sum()).item()
            for rows in (ink[:6], ink[box.height // 2 - 3 : box.height // 2 + 3], ink[-6:])
        )
        bulges.append(middle - (top + bottom) / 2)
        if box.character == "/":
            assert top > bottom + 5
    assert bulges[1] < -3
    assert bulges[2] > 3


def test_separators_are_as_thick_as_asked_and_lean() -> None:
    slash = mark.draw("/", 40.0, 5.0, 0.0, torch.Generator().manual_seed(0))
    assert attribute.thickness(attribute.ink(slash[None, None])).item() == pytest.approx(5, abs=0.5)
    upright, leaning = (
        attribute.measure(mark.draw("+", 40.0, 3.0, shear, torch.Generator().manual_seed(0))[None, None])[0, 1].item()
        for shear in (0.0, 0.5)
    )
    assert leaning > upright + 10


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12a", "no class and no separator for a: there are"),
        ("", "text is empty"),
        ("  ", "text is empty"),
        ("1" * 1_000_000, "text has 1,000,000 characters; a line has 1,000 at most"),
        ("\u0661", "no class and no separator for \u0661"),
    ],
)
def test_what_cannot_be_written_is_one_line(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected) as caught:
        pattern.check(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "form"),
    [
        (r"\d{5}", r"\d{5}"),
        ("date", r"\d{4}-\d\d-\d\d"),
        ("phone", r"\+\d\d \(\d{3}\) \d{3}-\d{4}"),
        ("time", r"\d\d:\d\d"),
        ("amount", r"\d{1,3},\d{3}\.\d\d"),
        (r"[1-9]\d?/\d{2}", r"[1-9]\d?/\d\d"),
    ],
)
def test_texts_follow_their_pattern_and_their_seed(asked: str, form: str) -> None:
    found = pattern.texts(asked, 50, 3)
    assert all(re.fullmatch(form, text) for text in found)
    assert len(set(found)) > 20
    assert found == pattern.texts(asked, 50, 3) != pattern.texts(asked, 50, 4)


def test_dates_are_dates_in_the_form_that_is_asked() -> None:
    for text in pattern.texts("date %d.%m.%Y", 50, 0):
        assert 1900 <= datetime.strptime(text, "%d.%m.%Y").year <= 2100


@pytest.mark.parametrize(
    "asked",
    [
        r"\d{5", "[a-z]{3}", r"\d{1000000}", "date %B", "(?<=1)2(3", "", r"(\d)(?!.*)\1", r"(1|11)+2(?<!2)", r"((((\d*)*)*)*)*",
        r"\d{200}", r"\d++", "1(?=2)2", r"(1)?(?(1)2|3)", r"(1)|(2)\1",
    ],
)  # fmt: skip
def test_an_impossible_pattern_is_one_line(asked: str) -> None:
    with pytest.raises(ValueError, match=r"^(pattern|text)[^\n]*$"):
        pattern.texts(asked, 200, 0)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"height": 0}, "layout.height must be a whole number from 8 to 1,024, got 0"),
        ({"height": 28.5}, "layout.height must be a whole number"),
        ({"spacing": -3}, "layout.spacing must be a number from -0.5 to 10, got -3"),
        ({"slant": "x"}, "layout.slant must be a number"),
    ],
)
def test_an_impossible_layout_is_one_line(words: dict[str, object], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        Layout(**words)  # type: ignore[arg-type]


def test_a_speck_is_no_part_of_a_digit() -> None:
    cell = np.zeros((28, 28), np.uint8)
    cell[5:25, 10:14] = 255
    cell[2, 25] = 200
    cut, top = layout.crop(cell)
    assert (cut.shape, top) == ((20, 4), 5)


def test_of_a_digit_in_crumbs_the_largest_are_kept() -> None:
    cell = np.zeros((28, 28), np.uint8)
    cell[::4, ::4] = 255  # 49 pieces, each less than a speck's share
    assert layout.crop(cell)[0].shape == (25, 25)
