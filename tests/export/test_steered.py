"""The computations of a page's programs: what a pen draws, and what a classifier reads."""

from dataclasses import replace

import pytest
import torch

from gan import sample
from gan.digits.line import KEPT
from gan.digits.style import Style
from gan.export.steered import Finish, Lean, Read, Steered
from gan.lab import Lab


@pytest.fixture(scope="module")
def lab() -> Lab:
    return Lab()


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("style", [{}, {"thickness": 1.0}, {"slant": -1.0, "height": 2.0}])
def test_masks_give_what_a_pen_draws(lab: Lab, style: dict[str, float], mixed: bool) -> None:
    y, hand, seeds = torch.arange(20) % 10, sample.latents(torch.arange(20) + 40, 64), torch.arange(20)
    pen, asked = replace(lab.pen(style=style, mixed=mixed), reader=None), Style(**style)
    expected, *_ = pen.draw_digits(y, hand, seeds)
    apart = 1.0 if mixed else 0.3
    z = (1 - apart**2) ** 0.5 * hand + apart * sample.latents(seeds, 64)
    kept, held = torch.zeros(20, 4), asked.held.float().expand(20, -1)
    if not mixed:
        kept[:, KEPT] = 1
    steered, shares = Steered(lab.generator, lab.axes), torch.eye(10)[y]
    with sample.evaluating(steered):
        x, wanted, own = steered(z, shares, hand, kept, asked.wanted.expand(20, -1), held)
        torch.testing.assert_close(Finish()(x, wanted, held), expected, rtol=0, atol=1e-4)
    torch.testing.assert_close(own[:, 2:], lab.axes.expected(z, y)[:, 2:])
    same = lab.axes.expected(z, y) if mixed else lab.axes.hand_style(hand)
    torch.testing.assert_close(own[:, :2], same[:, :2])


def test_a_digit_that_is_not_reshaped_stays_bit_for_bit_beside_one_that_is(lab: Lab) -> None:
    x, wanted, held = torch.rand(2, 1, 28, 28) * 2 - 1, torch.tensor([[0.0, 0.0, 12.0, 18.0]] * 2), torch.zeros(2, 4)
    held[0, 0] = held[1, 2] = 1
    finished = Finish()(x, wanted, held)
    assert torch.equal(finished[0], x[0])
    assert not torch.allclose(finished[1], x[1])


def test_chances_are_those_of_the_reader(lab: Lab) -> None:
    [x] = sample.generate(lab.generator, torch.arange(10), torch.arange(10))
    assert lab.reader is not None
    chances, features = Read(lab.reader)(x)
    torch.testing.assert_close(chances.sum(1), torch.ones(10))
    assert chances.argmax(1).tolist() == list(range(10))
    torch.testing.assert_close(features, lab.reader(x)[0])


def test_a_bar_leans_by_its_degrees() -> None:
    x = torch.full((2, 1, 28, 28), -1.0)
    x[:, :, :, 13:15] = 1
    leant = Lean()(x, torch.tensor([0.0, 45.0]))
    torch.testing.assert_close(leant[0, 0, :, 14:42], x[0, 0], rtol=0, atol=1e-5)
    assert leant[1, 0].argmax(1).tolist() == pytest.approx([41 - row for row in range(28)], abs=1)
