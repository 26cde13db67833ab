"""The lab in Python: what it gives, what it shows, what it refuses."""

import base64
import io
import json
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from conftest import ROOT, SHORT, call
from nbclient import NotebookClient
from PIL import Image

import gan
from gan.digits import attribute, style
from gan.digits.layout import Layout
from gan.digits.look import Look
from gan.digits.picture import Digits, Film, Picture
from gan.lab import CERTAIN, Lab


@pytest.fixture(scope="module")
def lab() -> Lab:
    return gan.load()


def _shown(it: object) -> Image.Image:
    return Image.open(io.BytesIO(it._repr_png_()))  # type: ignore[attr-defined]


def test_digits_show_themselves_and_are_what_the_generator_draws(lab: Lab) -> None:
    digits = lab.sample(20)
    assert digits.labels.tolist() == [*range(10)] * 2
    assert digits.images.shape == (20, 1, 28, 28)
    assert _shown(digits).size == (4 * (10 * 30 + 2), 4 * (2 * 30 + 2))
    assert _shown(digits[3]).size == (112, 112)
    assert (lab.sample(5, seed=15).images - digits.images[15:]).abs().max() < 1e-4  # batches of other sizes round otherwise
    assert len(list(digits)) == len(digits) == 20


def test_a_style_is_measured_in_what_is_drawn(lab: Lab) -> None:
    plain, thick = (lab.sample(40, style=asked) for asked in (None, {"thickness": 2}))
    assert attribute.measure(thick.images)[:, 0].mean() > attribute.measure(plain.images)[:, 0].mean() + 1
    with pytest.raises(ValueError, match="style has thickness, slant, width and height, got boldness"):
        lab.sample(1, style={"boldness": 2})


def test_certain_digits_are_certain(lab: Lab) -> None:
    assert lab.reader is not None
    digits = lab.sample(300, certain=True)
    chance = lab.reader(digits.images)[1].softmax(1)[torch.arange(300), digits.labels]
    before = lab.reader(lab.sample(300).images)[1].softmax(1)[torch.arange(300), digits.labels]
    assert (chance < CERTAIN).sum() < (before < CERTAIN).sum() / 2
    kept = before >= CERTAIN
    assert (digits.images - lab.sample(300).images)[kept].abs().max() < 0.02  # who was certain stays


@pytest.mark.parametrize("suffix", [".png", ".webp", ".svg", ".pdf"])
def test_a_line_is_saved_in_every_format_with_its_alternative_text(lab: Lab, suffix: str, tmp_path: Path) -> None:
    line = lab.line("2026-11-22", layout=Layout(height=40))
    line.picture(Look(ink="navy", paper="white"), lab.text).save(tmp_path / f"x{suffix}")
    contents = (tmp_path / f"x{suffix}").read_bytes()
    assert b"Handwritten 2026-11-22, navy on white" in contents or suffix == ".pdf"
    assert suffix != ".pdf" or contents.startswith(b"%PDF")
    assert _shown(line).height == 4 * line.image.shape[1]
    with pytest.raises(ValueError, match=r"must end in one of \.png, \.webp, \.svg, \.pdf"):
        line.picture().save(tmp_path / "x.jpg")


def test_a_film_shows_itself_and_is_saved(lab: Lab, tmp_path: Path) -> None:
    film = lab.morph([3, 8], frames=4)
    shown = base64.b64decode(film._repr_html_().split("base64,")[1].rstrip('">'))
    with Image.open(io.BytesIO(shown)) as picture:
        assert (picture.n_frames, picture.size) == (5, (112, 112))  # type: ignore[attr-defined]
    film.save(tmp_path / "strip.png")
    with Image.open(tmp_path / "strip.png") as picture:
        assert picture.size == (5 * 28, 28)


def test_the_hand_of_a_picture_is_drawn(lab: Lab, tmp_path: Path) -> None:
    lab.sample(1, label=2, seed=8, style={"slant": 2, "thickness": 1.5})[0].save(tmp_path / "mine.png")
    mine = lab.like(tmp_path / "mine.png")
    assert mine.label == 2
    written = next(lab.lines(["0123456789"] * 3, like=mine))
    other = next(lab.lines(["0123456789"] * 3, style={"slant": -1}))
    slants = [
        np.mean([attribute.measure(torch.nn.functional.pad(
            one.image[None, :, box.y : box.y + box.height, box.x : box.x + box.width], (2, 2, 2, 2), value=-1.0))[0, 1].item()
            for box in one.boxes])
        for one in (written, other)
    ]  # fmt: skip
    assert slants[0] > slants[1] + 20


def test_a_picture_in_colour_is_shown_as_it_is_and_refuses_other_colours() -> None:
    x = torch.rand(3, 8, 8) * 2 - 1
    assert Picture(x).painted.shape == (3, 8, 8)
    with pytest.raises(ValueError, match="draws in colour: preset, look and size are for"):
        Picture(x, Look(ink="red"))
    with pytest.raises(ValueError, match="only what is grey has outlines"):
        Picture(x).svg()
    assert Digits(x[None], torch.tensor([-1]), torch.tensor([0])).painted.shape == (1, 3, 8, 8)
    assert Film(x[None]).painted.shape == (1, 3, 8, 8)


def test_what_it_cannot_do_is_one_line(lab: Lab, tmp_path: Path) -> None:
    for ask, expected in (
        (lambda: lab.sample(0), "n must be a whole number from 1 to 1,000,000, got 0"),
        (lambda: lab.sample(5, label=10), r"label=10 is not among the labels of this generator \(0 to 9\)"),
        (lambda: lab.line("x"), "no class and no separator for x"),
        (lambda: lab.line("1", variation=2), "variation must be a number from 0 to 1, got 2"),
        (lambda: lab.morph([3]), "goes through two digits or more"),
        (lambda: lab.morph([3, 11]), "label=11 is not among"),
        (lambda: lab.like(tmp_path / "no.png"), "does not exist"),
        (lambda: gan.load(tmp_path / "no.ckpt"), "does not exist"),
    ):
        with pytest.raises((ValueError, FileNotFoundError), match=expected) as caught:
            ask()
        assert "\n" not in str(caught.value)


def test_a_generator_without_labels_has_styles_but_no_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from train import train

    monkeypatch.setattr(style.find, "__defaults__", (200,))
    call(train, *SHORT, "network.classes=0", f"run_dir={tmp_path}")
    lab = gan.load(tmp_path / "best.ckpt")
    assert lab.sample(3, style={"slant": 1}).labels.tolist() == [-1] * 3
    assert len(lab.morph([], [1, 2], frames=3).frames) == 4
    with pytest.raises(ValueError, match="lines need a generator with the ten digits as labels"):
        lab.line("1")


def test_its_figures_are_those_of_its_card(lab: Lab, short_run: Path) -> None:
    assert lab.evaluate()["test/fid_digits"] == lab.card["test"]["figures"]["test/fid_digits"]
    found = gan.load(short_run / "best.ckpt").evaluate(cas__images=0)
    assert {"val_bundled_digits/fid_digits", "val_bundled_digits/coverage_k5"} <= set(found)


def test_the_tour_runs_from_its_first_cell_to_its_last() -> None:
    notebook = nbformat.read(ROOT / "gan" / "tour.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT)}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 5
    assert any("image/gif" in str(output.get("data", {}).get("text/html", "")) for output in outputs)
    assert not any(output.output_type == "error" for output in outputs)
    assert "/home/" not in json.dumps(notebook)
