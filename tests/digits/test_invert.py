"""From pictures of digits to latents and styles, and what lies between latents."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan import checkpoint, sample
from gan.digits import invert, morph, style
from gan.image import to_uint8
from gan.metric import feature


def _picture(path: Path, seed: int, label: int, *, dark: bool = True) -> torch.Tensor:
    """A generated digit, large and off the middle, saved as a scan might be."""
    x = next(iter(sample.generate(checkpoint.generator(None), torch.tensor([seed]), torch.tensor([label]))))[0]
    large = np.asarray(Image.fromarray(to_uint8(x[0]).numpy()).resize((210, 210), Image.Resampling.BICUBIC))
    pixels = np.pad(large, ((10, 90), (120, 30)))
    Image.fromarray(255 - pixels if dark else pixels).save(path)
    return x


@pytest.mark.parametrize("dark", [True, False])
def test_a_picture_is_prepared_as_mnist_is(tmp_path: Path, dark: bool) -> None:
    x = _picture(tmp_path / "scan.png", 5, 3, dark=dark)
    read = invert.load_digit(tmp_path / "scan.png")
    assert read.shape == (1, 28, 28)
    rows = (read[0] > -0.5).any(1).nonzero()
    assert (rows[-1] - rows[0]).item() == pytest.approx(19, abs=1)
    ink = read[0] + 1
    middle = [(ink.sum(1 - axis) * torch.arange(28)).sum() / ink.sum() for axis in (0, 1)]
    assert [value.item() for value in middle] == pytest.approx([13.5, 13.5], abs=0.6)
    assert (read - x).abs().mean() < 0.12


def test_a_digit_is_drawn_again_and_its_style_with_it(tmp_path: Path) -> None:
    generator, reader = checkpoint.generator(None), feature.load("mnist")
    axes = style.load_axes(generator, tmp_path)
    x = _picture(tmp_path / "scan.png", 11, 5)
    found = invert.invert(generator, axes, invert.load_digit(tmp_path / "scan.png"), None, reader)
    assert found.label == 5
    assert found.error < 0.04
    asked, (slant, width) = axes.standard(x[None], torch.tensor([5]))[0], (found.style.slant, found.style.width)
    assert slant == pytest.approx(asked[1].item(), abs=0.4)
    assert width == pytest.approx(asked[2].item(), abs=0.6)
    again = invert.invert(generator, axes, invert.load_digit(tmp_path / "scan.png"), 5)
    assert torch.equal(again.z, found.z)


def test_an_inversion_shows_the_picture_beside_the_drawing_and_leaves_the_generator_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invert, "STEPS", 30)
    generator = checkpoint.generator(None)
    _picture(tmp_path / "scan.png", 11, 5)
    generator.train()
    before = [value.clone() for value in generator.buffers()]
    found = invert.invert(
        generator, style.load_axes(checkpoint.generator(None), tmp_path), invert.load_digit(tmp_path / "scan.png"), 5
    )
    assert generator.training
    assert all(torch.equal(a, b) for a, b in zip(before, generator.buffers(), strict=True))
    with Image.open(io.BytesIO(found._repr_png_())) as shown:
        assert shown.size == (4 * 56, 4 * 28)
    assert (found.images[0] - found.images[1]).abs().mean().item() / 2 == pytest.approx(found.error)
    assert re.fullmatch(r"Inversion\(label 5, thickness [+-].*, error 0\.0\d\d\)", repr(found))
    assert found != invert.Inversion(*vars(found).values())


@pytest.mark.parametrize("spoil", ["missing", "blank", "text", "folder"])
def test_what_is_no_picture_of_a_digit_is_one_line(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "scan.png"
    if spoil == "blank":
        Image.new("L", (40, 40), 200).save(path)
    elif spoil == "text":
        path.write_text("not a picture")
    elif spoil == "folder":
        path.mkdir()
    with pytest.raises(
        (ValueError, FileNotFoundError), match=r"^like: .*scan\.png [^\n]*: give a picture of one digit[^\n]*$"
    ):
        invert.load_digit(path)


def test_a_morph_begins_and_ends_with_its_digits_and_moves_little_at_a_time() -> None:
    generator = checkpoint.generator(None)
    y, z = torch.tensor([3, 8, 1]), sample.latents(torch.tensor([1, 2, 3]), 64)
    x = morph.between(generator, y, z, 20)
    own = torch.cat(list(sample.images(generator, z, y)))
    assert len(x) == 41
    assert (x[[0, 20, 40]] - own).abs().max() < 1e-3
    steps = (x[1:] - x[:-1]).abs().mean((1, 2, 3))
    assert steps.max() < 0.25 * (own[0] - own[1]).abs().mean() + 0.05
    assert len(morph.between(generator, y, z, 20, loop=True)) == 60


def test_an_arc_keeps_its_distance_from_the_origin() -> None:
    a, b = sample.latents(torch.tensor([1, 2]), 64)
    arc = sample.slerp(a, b, torch.linspace(0, 1, 5))
    assert torch.allclose(arc[[0, -1]], torch.stack([a, b]), atol=1e-5)
    assert arc.norm(dim=1).min() > 0.98 * min(a.norm(), b.norm())
