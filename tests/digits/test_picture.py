"""Digits, lines and films as pictures: how they display, their metadata, how they are saved."""

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gan
from gan.cli.errors import explain, is_user_error
from gan.digits.film import Film
from gan.digits.layout import INK, Layout
from gan.digits.look import Look, load_preset, parse_size
from gan.digits.picture import Digits, Picture
from gan.lab import Lab


def _shown(it: object) -> Image.Image:
    return Image.open(io.BytesIO(it._repr_png_()))  # type: ignore[attr-defined]


def test_digits_show_themselves_and_are_what_the_generator_draws(lab: Lab) -> None:
    digits = lab.sample(20)
    assert digits.labels.tolist() == [*range(10)] * 2
    assert digits.images.shape == (20, 1, 28, 28)
    assert _shown(digits).size == (4 * (10 * 30 + 2), 4 * (2 * 30 + 2))
    assert _shown(digits[3]).size == (112, 112)
    assert (
        lab.sample(5, seed=15).images - digits.images[15:]
    ).abs().max() < 1e-4  # batches of other sizes round otherwise
    assert len(list(digits)) == len(digits) == 20


def test_a_notebook_shows_outlines_as_the_file_has_unless_the_look_asks_for_pixels(lab: Lab) -> None:
    digits = lab.sample(20)
    for shown, is_pixels in ((digits, False), (replace(digits, look=Look(height=0)), True), (lab.sample(300), True)):
        picture = np.array(_shown(shown))
        blocks = np.repeat(np.repeat(picture[::4, ::4], 4, 0), 4, 1)
        assert np.array_equal(picture, blocks) == is_pixels
    tall = lab.sample(120).grid(1)
    assert _shown(tall).size == (4 * 32, 4 * (120 * 30 + 2))  # too high for outlines


def test_a_slice_of_digits_are_digits(lab: Lab) -> None:
    digits = lab.sample(20, style={"slant": 1})
    assert digits[2:5].seeds.tolist() == [2, 3, 4]
    assert digits[::-1].labels.tolist() == [*range(9, -1, -1)] * 2
    assert digits[-1].text == digits[15:][4].text
    assert _shown(digits[:10]).size == (4 * (10 * 30 + 2), 4 * 32)
    assert digits[20:]._repr_png_() is None
    for some in ([7, 17], digits.labels == 7, np.array([7, 17])):
        assert digits[some].seeds.tolist() == [7, 17]  # type: ignore[index]
    assert len(digits[[]]) == 0
    with pytest.raises(IndexError, match="index 20 is out of bounds"):
        digits[20]
    read = replace(digits, read=torch.arange(20) != 7)
    assert (read.unread, read[:7].unread, read[5:9].unread, digits.unread) == (1, 0, 1, 0)


def test_a_notebook_shows_the_first_thousand_of_more(lab: Lab) -> None:
    assert _shown(lab.sample(1_003)).size == (4 * (40 * 30 + 2), 4 * (25 * 30 + 2))


def test_results_say_what_they_are_in_a_few_words_and_are_equal_to_themselves_alone(lab: Lab, short_run: Path) -> None:
    line, digits = lab.line("2026-11-22", seed=2), lab.sample(20)
    height, width = line.image.shape[1:]
    for it, expected in (
        (lab, "Lab(shipped)"),
        (gan.load(short_run / "best.ckpt"), f"Lab({short_run}/best.ckpt)"),
        (line, f"Line('2026-11-22', seed=2, {width}x{height})"),
        (line.picture(), f"Picture('Handwritten 2026-11-22', {width}x{height})"),
        (digits, "Digits(20, seeds 0 to 19)"),
        (replace(digits, read=digits.labels > 0), "Digits(20, seeds 0 to 19, 2 unread)"),
        (digits[3], "Picture('The handwritten digit 3', 28x28)"),
        (lab.morph([3, 8], frames=4), "Film(5 frames, 28x28, 25 a second)"),
    ):
        assert repr(it) == expected
        assert it in {it}
    assert digits != lab.sample(20)
    assert line != lab.line("2026-11-22", seed=2)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".svg"])
def test_a_line_is_saved_with_its_alternative_text_and_origin(lab: Lab, suffix: str, tmp_path: Path) -> None:
    line = lab.line("2026-11-22", layout=Layout(height=40))
    line.picture(Look(ink="navy", paper="white")).save(tmp_path / f"x{suffix}")
    contents = (tmp_path / f"x{suffix}").read_bytes()
    origin = (lab.provenance["sha256"], lab.provenance["command"], lab.text["Licence"])
    for said in ("Handwritten 2026-11-22, navy on white", *origin):
        assert said.encode() in contents


def test_a_line_is_saved_as_a_pdf_and_shown_enlarged_but_no_jpeg(lab: Lab, tmp_path: Path) -> None:
    line = lab.line("2026-11-22", layout=Layout(height=40))
    line.save(tmp_path / "x.pdf")
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")
    assert _shown(line).height == 4 * line.image.shape[1]
    with pytest.raises(ValueError, match=r"must end in one of \.png, \.webp, \.svg, \.pdf"):
        line.picture().save(tmp_path / "x.jpg")


def test_what_is_there_is_kept_unless_it_may_be_overwritten(lab: Lab, tmp_path: Path) -> None:
    line, digits, film = lab.line("11"), lab.sample(3), lab.morph([3, 8], frames=2)
    for it, name in ((line, "x.svg"), (line.picture(), "x.png"), (digits, "y.pdf"), (film, "x.gif"), (film, "x.webp")):
        path = tmp_path / name
        path.write_text("mine")
        with pytest.raises(FileExistsError, match=rf"{name} exists: choose another name, or overwrite=True$") as caught:
            it.save(path)
        assert is_user_error(caught.value)
        assert explain(caught.value, "generate") == str(caught.value)
        assert path.read_text() == "mine"
        it.save(path, overwrite=True)
        assert path.read_bytes() != b"mine"
    with pytest.raises(ValueError, match=r"must end in one of \.gif, \.webp, \.mp4, \.png, \.svg, \.pdf, got "):
        film.save(tmp_path / "x.mov")


def test_a_preset_is_a_look_by_its_name(lab: Lab) -> None:
    sunset = load_preset("sunset")
    assert lab.sample(2, look="sunset").look == lab.morph([3, 8], frames=2, look="sunset").look == sunset
    line = lab.line("1")
    assert torch.equal(line.picture("sunset").painted, line.picture(sunset).painted)
    for size in ("card", (1200, 675), np.array([1200, 675])):
        assert line.picture(size=size).painted.shape == (1, 675, 1200)  # type: ignore[arg-type]


def test_a_film_shows_itself_and_is_saved(lab: Lab, tmp_path: Path) -> None:
    film = lab.morph([3, 8], frames=4)
    shown = base64.b64decode(film._repr_html_().split("base64,")[1].rstrip('">'))
    with Image.open(io.BytesIO(shown)) as picture:
        assert (picture.n_frames, picture.size) == (5, (112, 112))  # type: ignore[attr-defined]
    assert replace(film, fps=100)._repr_html_()  # more than a GIF has
    film.save(tmp_path / "strip.png")
    with Image.open(tmp_path / "strip.png") as picture:
        assert picture.size == (1000, 200)


def test_a_picture_in_colour_is_shown_as_it_is_and_refuses_other_colours() -> None:
    x = torch.rand(3, 8, 8) * 2 - 1
    assert Picture(x).painted.shape == (3, 8, 8)
    for ask in (
        lambda: Picture(x, Look(ink="red")),
        lambda: Picture(x, size="card"),
        lambda: Digits(x[None], torch.tensor([-1]), torch.tensor([0]), Look(ink="red")),
        lambda: Film(x[None], Look(ink="red")),
    ):
        with pytest.raises(ValueError, match="draws in colour: preset, look and size are for"):
            ask()
    with pytest.raises(ValueError, match="only what is grey has outlines"):
        Picture(x).svg()
    digits = Digits(x.expand(2, 3, 8, 8), torch.tensor([-1, -1]), torch.tensor([0, 1]))
    assert digits.painted.shape == (2, 3, 8, 8)
    assert (digits[0].text["Description"], digits.grid().text["Description"]) == (
        "A handwritten digit", "2 handwritten digits in rows of 10",
    )  # fmt: skip
    assert digits.grid().large.painted.shape == (3, 546, 1001)
    assert Film(x[None]).painted.shape == (1, 3, 8, 8)


def test_every_digit_of_a_grid_is_as_high_as_the_look_asks(tmp_path: Path) -> None:
    digits = gan.load().sample(20, look=Look("black", "white", height=280))
    assert digits[0].painted.shape == (3, 280, 280)
    assert digits.grid().painted.shape == (3, 2 * 300 + 20, 10 * 300 + 20)  # two pixels apart, ten times as large
    large = gan.load().sample(20, look=Look(height=4096)).grid(2)
    assert large.look.height == 4096


def test_a_picture_in_a_file_is_large_and_what_is_asked_for_stays(lab: Lab) -> None:
    digits = lab.sample(1_003)
    assert digits[:80].grid().large.painted.shape[1:] == (802, 1001)
    for n, height in ((1, 1000), (400, 1204), (1_000, 1504)):
        assert digits[:n].grid().large.look.height == height
    assert digits[:20].grid(1).large.look.height == 1204
    line = lab.line("2026-11-22")
    assert line.picture().large.painted.shape[2] in range(1000, 1006)
    assert line.picture(Look(height=0)).large.painted.shape == line.image.shape
    assert line.picture(size="card").large.painted.shape[1:] == (675, 1200)
    assert lab.line("1" * 400).picture().large.look.height is None  # twice as large, it would be too long
    assert digits[:3].painted.shape[2:] == (28, 28)  # of a data set
    assert digits[0].painted.shape[1:] == (28, 28)
    for height in (0, 28):
        raw = replace(digits[:20], look=Look(height=height))
        assert raw.painted.shape[2:] == (28, 28)
        assert raw.grid(2).large.painted.shape[1:] == (302, 62)


@pytest.mark.sampled
@pytest.mark.parametrize("size", ["square", "portrait", "story", "card", "640x200"])
@pytest.mark.parametrize("text", ["2026", "7", "2026-11-22 10:30", "50%"])
def test_ink_fills_its_paper_up_to_the_margin(lab: Lab, text: str, size: str) -> None:
    for margin, share in ((0.3, 0.075), (0.0, 0.0), (1.0, 0.25)):
        inked = lab.line(text, layout={"margin": margin}).picture(size=size).painted[0] >= INK
        free = []
        for axis in (0, 1):
            places = inked.any(axis).nonzero().flatten()
            free += [places[0].item(), inked.shape[1 - axis] - 1 - places[-1].item()]
        short = min(inked.shape)
        assert min(free) == pytest.approx(share * short, abs=0.01 * short)
        assert abs(free[0] - free[1]) <= 0.01 * short
        assert abs(free[2] - free[3]) <= 0.01 * short


def test_a_grid_has_the_columns_that_fill_its_paper(lab: Lab) -> None:
    digits = lab.sample(100)
    for n, size, columns in (
        (20, "card", 5), (20, "story", 4), (80, "card", 10), (7, "portrait", 3), (100, "square", 10), (7, "640x90", 7),
    ):  # fmt: skip
        picture = digits[:n].grid(size=size)
        assert picture.text["Title"] == f"{n} handwritten digits in rows of {columns}"
        assert picture.painted.shape[1:] == parse_size(size)[::-1]


def test_chalk_crumbles_by_the_height_of_the_digits_not_of_the_grid(lab: Lab) -> None:
    digits = lab.sample(30, look="chalkboard")
    light = (digits.grid().large.painted.float().mean(0) > 150).float().mean().item()
    plain = (lab.sample(30).grid().large.painted[0] > 128).float().mean().item()
    assert light == pytest.approx(plain, rel=0.1)
