"""What a long line, a large grid and a large picture cost: in proportion, or they are refused."""

import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch

from gan.digits import outline
from gan.digits.film import Film
from gan.digits.layout import Layout, compose
from gan.digits.look import LARGEST, MOST, Look, validate_set
from gan.digits.outline import contour
from gan.digits.paint import paint
from gan.digits.picture import Digits
from gan.error import UserError

ORIGINAL = np.bincount
Drawing = Callable[[int], object]


def _peak(drawing: Drawing, size: int) -> int:
    """The most bytes that NumPy and Python hold at once."""
    tracemalloc.start()
    drawing(size)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def _rings(count: int, pitch: int = 20) -> torch.Tensor:
    """A line of rings, [28, W]."""
    down, right = np.mgrid[:28, :pitch]
    ring = np.abs(np.hypot(down - 13.5, right - 8.5) - 6) < 1.3
    return torch.from_numpy(np.tile(ring, count) * 2.0 - 1).float()


def _contours(count: int) -> Iterator[np.ndarray]:
    """Without the curves, which take most of the time, but no more memory than the digit has."""
    return contour._contours((_rings(count).double().numpy() + 1) / 2)


def _draw(line: torch.Tensor) -> torch.Tensor:
    return outline.rasterise(outline.trace(line), *line.shape, 2)


def test_twice_the_digits_need_twice_the_memory_at_most() -> None:
    peaks = [_peak(lambda n: list(_contours(n)), n) for n in (150, 300, 600)]
    assert all(second < 2.2 * first for first, second in pairwise(peaks))


def test_a_long_line_is_drawn_in_steps_that_its_length_does_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operations are counted in values handled, since a clock would measure the machine."""
    counts = []
    for count in (50, 100, 200):
        handled = 0

        def bincount(values: np.ndarray, weights: np.ndarray | None = None, minlength: int = 0) -> np.ndarray:
            nonlocal handled
            result = ORIGINAL(values, weights, minlength)
            handled += values.size + result.size
            return result

        monkeypatch.setattr(np, "bincount", bincount)
        _draw(_rings(count))
        monkeypatch.setattr(np, "bincount", ORIGINAL)
        counts.append(handled)
    assert all(second < 2.2 * first for first, second in pairwise(counts))


@pytest.mark.parametrize("turn", [False, True])
def test_strips_have_the_outlines_of_the_whole(turn: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    source = torch.Generator().manual_seed(0)
    line = _rings(60).maximum(torch.rand(28, 1200, generator=source) * 0.3 - 1)
    line[10:20, 300:420] = 1  # over several digits
    line = line.T if turn else line
    whole = outline.trace(line)
    monkeypatch.setattr(contour, "STRIP", 100)
    strips = outline.trace(line)
    assert len(strips) == len(whole) > 100
    where = [sorted(tuple(one.curves.mean((0, 1))) for one in outlines) for outlines in (whole, strips)]
    assert np.abs(np.subtract(*where)).max() < 1e-5
    both = [outline.rasterise(outlines, *line.shape, 3) for outlines in (whole, strips)]
    assert (both[0] - both[1]).abs().max() < 1e-4


@pytest.mark.parametrize("texture", ["none", "grain", "ruled", "squared", "chalk"])
@pytest.mark.parametrize("direction", ["down", "right"])
def test_bands_have_the_pixels_of_the_whole(texture: str, direction: str, monkeypatch: pytest.MonkeyPatch) -> None:
    look = Look(ink="#f80-#08f8", paper="#fff-#eec8", texture=texture, direction=direction)
    grey = _rings(5)[None]
    whole = paint(grey, look, 3)
    monkeypatch.setattr("gan.digits.texture.BAND", 300)
    assert (paint(grey, look, 3).int() - whole.int()).abs().max() <= 1  # convolutions of other sizes round otherwise


def test_a_picture_of_too_many_pixels_is_refused_with_the_largest_that_is_not() -> None:
    line = _rings(100)[None]
    with pytest.raises(UserError, match=r"^65,571x918 pixels are more than .*: choose look.height=484 or less, or an"):
        paint(line, Look(height=918))
    assert 484 * round(2000 * 484 / 28) <= MOST < 485 * round(2000 * 485 / 28)


@pytest.mark.parametrize("words", [{"height": 1024}, {"height": 100, "spacing": 10}, {"height": 1024, "margin": 10}])
def test_a_line_of_too_many_pixels_is_refused_before_its_digits_are_drawn(words: dict[str, float]) -> None:
    layout, drawn = Layout(**words), 0  # type: ignore[arg-type]

    def cells() -> object:
        nonlocal drawn
        while True:
            drawn += 1
            yield np.full((layout.height, layout.height), 255, np.uint8)

    with pytest.raises(UserError, match=r"of a picture: choose a lower layout\.height, spacing"):
        compose("8" * 1000, cells(), layout, torch.Generator())  # type: ignore[arg-type]
    assert drawn < 200


def test_what_shows_too_many_digits_or_frames_is_refused() -> None:
    many = torch.zeros(1, 1, 28, 28).expand(30_000, -1, -1, -1)
    none = torch.zeros(30_000, dtype=torch.long)
    with pytest.raises(UserError, match=r"show fewer, as digits\[:5000\]"):
        Digits(many, none, none).grid()
    with pytest.raises(UserError, match=r"take fewer frames, or a \.gif, \.webp or \.mp4"):
        Film(many).strip()
    with pytest.raises(
        UserError, match=r"^30,000 digits of 400x400 pixels .* of a set: choose look.height=161 or less"
    ):
        Digits(many, none, none, Look(height=400)).painted  # noqa: B018


def test_the_largest_set_and_picture_are_not_refused() -> None:
    validate_set(10**6, Look(height=28))
    validate_set(1, Look(height=LARGEST))
