"""Clean digits: specks go, and who has wrong holes or gaps is redrawn."""

import numpy as np
import pytest
import torch
from torch import Tensor

from gan import sample
from gan.digits import clean
from gan.digits.line import Line
from gan.error import UserError
from gan.lab import Lab
from gan.names import WORDS

RING = ["#####", "#...#", "#...#", "#...#", "#####"]
OPEN = ["##.##", "#...#", "#...#", "#...#", "#####"]
CORNER = [".####", "#...#", "#...#", "#...#", "#####"]  # ink that touches by a corner is closed
LOOPS = ["#######", "#..#..#", "#..#..#", "#######"]
PINCHED = ["####", "#..#", "####"]
SOLID = ["####", "####"]
SPECK = ["#####..", "#####..", "#####.#", "#####..", "#####.."]
BROKEN = ["####...", "####.##", "####.##"]
PALE = ["##1##", "#...#", "#...#", "#...#", "#####"]  # a digit is a tenth of full ink
FAINT = ["#####", "#8.8#", "#...#", "#8.8#", "#####"]


def _image(rows: list[str]) -> Tensor:
    """An image [1, 28, 28] of rows in which # is full ink and 0 to 9 are tenths of it."""
    x = torch.full((1, 28, 28), -1.0)
    for i, row in enumerate(rows):
        ink = [1.0 if one == "#" else int(one) / 10 if one.isdigit() else 0.0 for one in row]
        x[0, 6 + i, 6 : 6 + len(row)] = 2 * torch.tensor(ink) - 1
    return x


def _images(*drawn: list[str]) -> Tensor:
    return torch.stack([_image(rows) for rows in drawn])


def _holes(line: Line) -> list[int]:
    boxes = [line.image[:, box.y : box.y + box.height, box.x : box.x + box.width] for box in line.boxes]
    return [int(clean.count_holes(one.numpy() > 0)[0]) for one in boxes]


def test_holes_are_paper_that_ink_encloses() -> None:
    x = _images(RING, OPEN, CORNER, LOOPS, PINCHED, SOLID, SPECK)
    inked = x[:, 0].numpy() > 0
    assert clean.count_holes(inked).tolist() == [1, 0, 1, 2, 1, 0, 0]
    assert clean.count_holes(inked, 3).tolist() == [1, 0, 1, 2, 0, 0, 0]
    assert clean.count_holes(np.ones((2, 5, 5), bool)).tolist() == [0, 0]
    assert clean.count_holes(np.zeros((2, 5, 5), bool)).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("rows", "clean_as"),
    [
        (RING, {0, 4, 6, 9}),
        (OPEN, {1, 2, 3, 4, 5, 7}),
        (SOLID, {1, 2, 3, 4, 5, 7}),
        (LOOPS, {8}),
        (PINCHED, {4}),  # a hole of two pixels is neither there nor away
        ([row.replace("#", "5") for row in RING], {0, 4, 6, 9}),  # faint as a whole
        (["##5##", *OPEN[1:]], {4}),  # closed by pale ink alone
        (FAINT, {0, 4, 6, 9}),
        (BROKEN, set()),
        ([], set()),
    ],
)
def test_a_digit_is_clean_with_its_holes_in_one_piece(rows: list[str], clean_as: set[int]) -> None:
    x = _image(rows).expand(10, -1, -1, -1)
    assert set(clean.is_clean(x, range(10)).nonzero().flatten().tolist()) == clean_as


def test_specks_and_faint_ink_become_paper_and_strokes_stay() -> None:
    x = _images(SPECK, RING, BROKEN, PALE, [])
    x[1, 0, 20, 20] = -0.7  # fainter than ink
    x[1, 0, 5, 6] = -0.7  # the same, at a stroke
    tidy = clean.remove_specks(x)
    assert torch.equal(tidy[0], _image(["#####"] * 5))
    assert (tidy[1, 0, 20, 20], tidy[1, 0, 5, 6]) == (-1, x[1, 0, 5, 6])
    assert torch.equal(tidy[2:], x[2:])  # a large piece is no speck
    assert torch.equal(clean.remove_specks(tidy), tidy)
    assert torch.equal(clean.remove_specks(x[:1]), tidy[:1])


def test_only_the_digits_0_to_9_have_known_holes() -> None:
    assert clean.known_digits([7, 1], tuple("0123456789")) == {7: 7, 1: 1}
    assert clean.known_digits([0, 2], ("seven", "A", "8")) == {0: 7, 2: 8}
    assert clean.known_digits([3], WORDS) == {3: 3}
    others = ((("7", "A"), [0, 1], "A"), (("৭",), [0], "৭"), ((), [-1], "digits without a class"))
    for names, labels, told in others:
        expected = rf"^clean knows the holes of the digits 0 to 9, not those of {told}: choose clean=false$"
        with pytest.raises(UserError, match=expected):
            clean.known_digits(labels, names)


def test_who_is_clean_stays_and_the_others_are_redrawn(lab: Lab) -> None:
    plain, tidy = (lab.sample(60, label=8, clean=asked) for asked in (False, True))
    assert (tidy.unread, tidy.read is not None) == (0, True)
    assert clean.is_clean(tidy.images, [8] * 60).all()
    was_clean = clean.is_clean(clean.remove_specks(plain.images), [8] * 60)
    assert 10 < was_clean.sum() < 50
    kept = clean.remove_specks(plain.images[was_clean])
    assert (tidy.images[was_clean] - kept).abs().max() < 0.02  # batches of other sizes round otherwise


def test_digits_that_stay_unclean_are_counted(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan.digits.line.ATTEMPTS", 1)
    digits = lab.sample(60, label=8, clean=True)
    assert digits.read is not None
    assert torch.equal(digits.read, clean.is_clean(digits.images, [8] * 60))
    assert digits.unread == (~digits.read).sum() > 0
    line = lab.line("8" * 20, clean=True)
    assert 0 < line.unread < 20


def test_a_line_in_the_accessible_preset_has_open_loops(lab: Lab) -> None:
    line = lab.line("0689" * 5, preset="accessible")
    assert line.unread == 0
    assert _holes(line) == [1, 1, 2, 1] * 5
    assert line.look.contrast == 21


def test_truncation_scales_latents_and_without_it_nothing_changes(lab: Lab) -> None:
    seeds = torch.arange(20)
    y, z = sample.labels(seeds, 10), sample.latents(seeds, lab.generator.latent)
    for truncation in (1.0, 0.5):
        (expected,) = sample.images(lab.generator, truncation * z, y)
        assert torch.equal(lab.sample(20, truncation=truncation).images, expected)
    plain = lab.line("2026-11-22", seed=2)
    assert torch.equal(lab.line("2026-11-22", seed=2, truncation=1.0, clean=False, preset="plain").image, plain.image)
    styled = {"slant": 1.0}
    assert torch.equal(lab.sample(20, style=styled, truncation=1).images, lab.sample(20, style=styled).images)


def test_truncated_digits_and_hands_are_more_alike_and_an_own_hand_stays(lab: Lab) -> None:
    wide, narrow = (lab.sample(60, label=3, truncation=psi).images.std(0).mean() for psi in (1.0, 0.4))
    assert narrow < 0.8 * wide
    own = 2 * sample.latents(torch.tensor([5]), lab.generator.latent)[0]
    lines = [lab.line("3333", own=own, variation=0, truncation=psi).image for psi in (1.0, 0.4)]
    assert torch.equal(*lines)
