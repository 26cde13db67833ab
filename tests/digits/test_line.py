"""Lines of digits: what stands in them, where, and in whose hand."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from gan import checkpoint
from gan.digits import attribute, mark, pattern, style
from gan.digits.layout import INK, Layout
from gan.digits.line import Line, Pen
from gan.image import to_uint8
from gan.metric import feature


@pytest.fixture(scope="module")
def pen() -> Pen:
    generator = checkpoint.generator(None)
    return Pen(generator, style.load_axes(generator, Path("nowhere")), feature.load("mnist"))


def _bytes(drawn: Line) -> np.ndarray:
    return to_uint8(drawn.image[0]).numpy()


def test_every_box_is_tight_around_the_ink_and_no_ink_is_outside(pen: Pen) -> None:
    for drawn in pen.write(["2026-11-22", "+49 (030) 123", "1/2:3,4.5", "$9.99 = 50%", "#7 € 8", "0"], 7):
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
        cell[0, 2 : 2 + box.height, 2 : 2 + box.width] = drawn.image[
            0, box.y : box.y + box.height, box.x : box.x + box.width
        ]
    return cells


def test_a_line_is_in_one_hand_and_a_mixed_one_is_not(pen: Pen) -> None:
    texts = pattern.random_texts(r"\d{8}", 60, 0)

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
    texts = pattern.random_texts(r"\d{8}", 100, 1)
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
