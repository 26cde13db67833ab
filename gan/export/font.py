"""A hand as a font: its digits in several shapes, its separators, and how they stand in a line.

Lengths are in thousandths of an em, right and up from the left end of the baseline.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from gan.digits.invert import Inversion
from gan.digits.layout import DIGIT, Layout
from gan.digits.line import Line
from gan.digits.mark import STROKES
from gan.digits.outline import Outline, extent, points, trace
from gan.digits.outline.contour import Floats
from gan.error import UserError
from gan.lab import Lab
from gan.names import digits

HEIGHT = 700  # of MNIST's digits
SHARP = 112  # pixels of the layout in which separators are traced
STEP, LOWEST, HIGHEST = 50, -400, 1_200  # of the rows in which neighbours are compared
LEAST = 6  # smaller kerning is left out


@dataclass(frozen=True, eq=False)
class Shape:
    """The outlines of a character; its ink starts at 0 and is ``width`` wide."""

    outlines: list[Outline]
    width: float


Shapes = Mapping[str, Sequence[Shape]]  # of each character


def draw(lab: Lab, count: int, seed: int, layout: Layout, like: Inversion | None, **pen: Any) -> tuple[Shapes, Line]:
    """``count`` shapes of each digit and one of each separator, and the line that has the digits.

    Arguments and errors are those of :meth:`gan.lab.Lab.lines`. Raises UserError for a generator
    that lacks a digit.
    """
    if missing := set(range(10)) - digits(lab.names).keys():
        lacks = f"this generator has no class for {', '.join(map(str, sorted(missing)))}"
        raise UserError(f"out: a font has the digits 0 to 9, and {lacks}: choose another ckpt")
    drawn = Layout(height=lab.generator.shape[-1], jitter=0.0, slant=layout.slant)
    line = lab.line("".join(str(digit) * count for digit in range(10)), seed, drawn, like, clean=True, **pen)
    marks = lab.line(f"0{''.join(STROKES)}", seed, replace(drawn, height=SHARP), like, **pen)
    source = torch.Generator().manual_seed(seed)
    away = iter((layout.jitter * HEIGHT * torch.randn(10 * count, generator=source)).tolist())
    found: dict[str, list[Shape]] = {}
    for character, outlines in _cut(line, drawn.height):
        found.setdefault(character, []).append(_shape(outlines, next(away) - extent(outlines)[0]))
    return found | {mark: [_shape(outlines)] for mark, outlines in _cut(marks, SHARP) if mark in STROKES}, line


def _cut(line: Line, height: int) -> Iterator[tuple[str, list[Outline]]]:
    """Each character of a line of this height, without jitter, that starts with a digit."""
    baseline, scale = line.boxes[0].y + line.boxes[0].height, HEIGHT / (DIGIT * height)
    for box in line.boxes:
        traced = trace(line.image[0, box.y : box.y + box.height, box.x : box.x + box.width])
        if not traced:
            raise UserError(f"out: this generator draws no ink for {box.character}: choose another ckpt")
        up = np.array([0, baseline - box.y])
        # Reversed, since a flipped outline runs the other way round.
        yield box.character, [Outline((up + one.curves * [1, -1])[::-1, ::-1] * scale) for one in traced]


def _shape(outlines: list[Outline], up: float = 0.0) -> Shape:
    """The outlines, moved so that their ink starts at 0."""
    _, _, left, right = extent(outlines)
    return Shape([Outline(one.curves + np.array([-left, up])) for one in outlines], right - left)


def kern(shapes: Shapes, spacing: float) -> dict[tuple[str, str], int]:
    """What is added between neighbours whose boxes are ``spacing`` apart and their ink farther.

    The ink of two rows or less from each other is compared, of those shapes that come nearest. At
    most half of the spacing is taken away: a point stays a point, and no box reaches into another.
    """
    sides = {character: _sides(some) for character, some in shapes.items()}
    found = {}
    for first, (_, right) in sides.items():
        for second, (left, _) in sides.items():
            room = min(float((left + right).min()), max(spacing, 0.0)) / 2
            if round(room) >= LEAST:
                found[first, second] = -round(room)
    return found


def _sides(shapes: Sequence[Shape]) -> tuple[Floats, Floats]:
    """Paper left and right of the ink in each row [R], the least of ``shapes``."""
    rows = (HIGHEST - LOWEST) // STEP
    left, right = np.full(rows, np.inf), np.full(rows, np.inf)
    for shape in shapes:
        x, y = points(shape.outlines).T
        row = ((y - LOWEST) // STEP).astype(int).clip(1, rows - 2)
        for near in (row - 1, row, row + 1):
            np.minimum.at(left, near, x)
            np.minimum.at(right, near, shape.width - x)
    return left, right
