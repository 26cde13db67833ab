"""Closed forms of outlines, and that the files made of them hold what the picture does."""

import io
import json
import re
import shutil
import subprocess
import sys
import zlib
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from gan import checkpoint, sample
from gan.digits import outline
from gan.digits.look import Look
from gan.digits.outline import Outline
from gan.digits.paint import paint
from gan.metric import feature

SVG = "{http://www.w3.org/2000/svg}"
SIDE = 28
PROGRAMS = [
    pytest.param(name, marks=pytest.mark.skipif(not shutil.which(name), reason=f"{name} is not installed"))
    for name in ("rsvg-convert", "pdftoppm")
]


def disc(x: float, y: float, radius: float, side: int = SIDE) -> Tensor:
    """A picture of a disc, each pixel as bright as the share of it that is covered."""
    fine = (torch.arange(side * 16) + 0.5) / 16
    inside = ((fine[None] - x) ** 2 + (fine[:, None] - y) ** 2 < radius**2).float()
    return inside.view(side, 16, side, 16).mean((1, 3)) * 2 - 1


def bar(left: int, top: int, right: int, bottom: int) -> Tensor:
    """A picture of a rectangle of full ink."""
    picture = torch.full((SIDE, SIDE), -1.0)
    picture[top:bottom, left:right] = 1
    return picture


def error(a: Tensor, b: Tensor) -> float:
    """The mean absolute difference of two pictures in [-1, 1], in [0, 1]."""
    return float((a - b).abs().mean() / 2)


def along(path: Outline) -> np.ndarray:
    """Points [N, 2] along a path."""
    t = np.linspace(0, 1, 9)[:, None]
    weights = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
    points: np.ndarray = weights @ path.curves
    return points.reshape(-1, 2)


def area(path: Outline) -> float:
    """Square pixels: the exact integral of x dy along cubic Bezier curves; negative for a hole."""
    form = np.array([[-10, 6, 3, 1], [-6, 0, 3, 3], [-3, -3, 0, 6], [-1, -3, -6, 10]])
    x, y = np.moveaxis(path.curves, -1, 0)
    return float(np.einsum("si,ij,sj->", x, form, y)) / 20


@pytest.fixture(scope="module")
def digits() -> Tensor:
    """Images [100, 28, 28] of the generator that ships with the project."""
    generator = checkpoint.generator(None)
    seeds = torch.arange(100)
    return torch.cat(list(sample.generate(generator, seeds, sample.labels(seeds, generator.classes))))[:, 0]


@pytest.mark.parametrize("radius", [3.0, 6.5, 10.0])
def test_the_outline_of_a_disc_is_a_circle_around_as_much(radius: float) -> None:
    (path,) = outline.trace(disc(14.3, 12.6, radius))
    assert area(path) == pytest.approx(np.pi * radius**2, rel=0.02)
    distances = np.hypot(*(along(path) - [14.3, 12.6]).T)
    assert distances.min() > radius - 0.2
    assert distances.max() < radius + 0.2


def test_a_ring_has_a_hole_which_runs_the_other_way_round() -> None:
    ring = torch.minimum(disc(14, 14, 9), -disc(14, 14, 5))
    inner, outer = sorted(outline.trace(ring), key=area)
    assert area(inner) == pytest.approx(-np.pi * 25, rel=0.03)
    assert area(outer) == pytest.approx(np.pi * 81, rel=0.02)


def test_a_straight_bar_has_straight_edges_where_it_was() -> None:
    (path,) = outline.trace(bar(11, 3, 15, 25))
    points = along(path)
    middle = points[(points[:, 1] > 6) & (points[:, 1] < 22)]
    left, right = middle[middle[:, 0] < 13, 0], middle[middle[:, 0] > 13, 0]
    assert left == pytest.approx(11, abs=0.15)
    assert right == pytest.approx(15, abs=0.15)
    assert np.ptp(left) < 0.15
    assert np.ptp(right) < 0.15


def test_a_slanted_stroke_shows_no_stairs() -> None:
    y, x = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    beside = (x - 0.4 * y - 8).abs() / (1 + 0.4**2) ** 0.5
    stroke = (2 - beside).clamp(0, 1)
    stroke[(y < 4) | (y > 24)] = 0
    (path,) = outline.trace(stroke * 2 - 1)
    points = along(path)
    middle = points[(points[:, 1] > 8) & (points[:, 1] < 20)]
    distance = np.abs((middle[:, 0] - 0.5) - 0.4 * (middle[:, 1] - 0.5) - 8) / (1 + 0.4**2) ** 0.5
    assert np.ptp(distance) < 0.1


def test_curves_meet_and_go_on_in_the_same_direction(digits: Tensor) -> None:
    for path in outline.trace(digits[8]):
        ends, starts = path.curves, np.roll(path.curves, -1, axis=0)
        assert np.array_equal(ends[:, 3], starts[:, 0])
        arriving, leaving = ends[:, 3] - ends[:, 2], starts[:, 1] - starts[:, 0]
        cosine = (arriving * leaving).sum(1) / np.linalg.norm(arriving, axis=1) / np.linalg.norm(leaving, axis=1)
        assert cosine.min() > 0.999


def test_a_speck_is_dropped_unless_it_is_all_there_is() -> None:
    speck = bar(24, 3, 25, 4)
    assert len(outline.trace(speck)) == 1
    assert len(outline.trace(torch.maximum(bar(8, 4, 12, 24), speck))) == 1


def test_a_faint_picture_has_the_outlines_of_a_strong_one() -> None:
    strong = disc(14, 14, 6)
    assert area(outline.trace((strong + 1) * 0.2 - 1)[0]) == pytest.approx(area(outline.trace(strong)[0]), rel=0.02)


def test_a_stroke_that_fades_stays_whole() -> None:
    shares = torch.linspace(1, 0.35, 22)[:, None]
    stroke = bar(13, 3, 15, 25)
    stroke[3:25] = (stroke[3:25] + 1) * shares - 1
    (path,) = outline.trace(stroke)
    assert along(path)[:, 1].min() < 4
    assert along(path)[:, 1].max() > 24


def test_a_faint_link_holds_two_strokes_together_and_paper_keeps_them_apart() -> None:
    stroke = bar(13, 3, 15, 25)
    stroke[14] = torch.where(stroke[14] > 0, -0.3, -1.0)
    assert len(outline.trace(stroke)) == 1
    stroke[13:15] = -1
    assert len(outline.trace(stroke)) == 2


def test_ink_at_the_border_is_closed_there() -> None:
    (path,) = outline.trace(torch.ones(SIDE, SIDE))
    assert area(path) == pytest.approx(SIDE**2, rel=0.02)


def test_any_picture_can_be_traced() -> None:
    generator = torch.Generator().manual_seed(0)
    for side in (5, 28, 40):
        for picture in torch.rand(4, side, side + 3, generator=generator) * 2 - 1:
            for one in (picture, picture.sign()):
                assert torch.isfinite(outline.rasterise(outline.trace(one), side, side + 3)).all()


def test_a_line_of_digits_has_the_outlines_of_each(digits: Tensor) -> None:
    alone = [area(path) for digit in digits[:4] for path in outline.trace(digit)]
    line = [area(path) for path in outline.trace(torch.cat(list(digits[:4]), 1))]
    assert sorted(line) == pytest.approx(sorted(alone), rel=0.03, abs=0.1)


def test_a_picture_drawn_at_its_own_size_is_that_picture(digits: Tensor) -> None:
    drawn = torch.stack([outline.rasterise(outline.trace(digit), SIDE, SIDE) for digit in digits])
    assert max(error(a, b) for a, b in zip(drawn, digits, strict=True)) < 0.06
    classifier = feature.load("mnist")
    agree = classifier(drawn[:, None])[1].argmax(1) == classifier(digits[:, None])[1].argmax(1)
    assert agree.float().mean() >= 0.99


@pytest.mark.parametrize("scale", [1, 2.5, 1080 / 28])
def test_what_is_drawn_covers_the_area_of_its_outlines(scale: float) -> None:
    paths = outline.trace(torch.minimum(disc(14, 14, 9), -disc(14, 14, 5)))
    drawn = outline.rasterise(paths, SIDE, SIDE, scale)
    assert drawn.shape == (round(SIDE * scale),) * 2
    covered = float((drawn.double() + 1).sum()) / 2 / scale**2
    assert covered == pytest.approx(sum(area(path) for path in paths), rel=0.001)
    assert drawn.min() == -1
    assert drawn.max() == 1


def test_a_large_drawing_averaged_is_the_small_one(digits: Tensor) -> None:
    paths = outline.trace(digits[3])
    large = outline.rasterise(paths, SIDE, SIDE, 8).view(SIDE, 8, SIDE, 8).mean((1, 3))
    assert error(large, outline.rasterise(paths, SIDE, SIDE)) < 0.001


@pytest.mark.skipif(not shutil.which("rsvg-convert"), reason="librsvg is not installed")
def test_librsvg_draws_the_picture(digits: Tensor) -> None:
    for digit in digits[:20]:
        text = outline.to_svg(outline.trace(digit), SIDE, SIDE, Look())
        command = ["rsvg-convert", "-w", "28", "-h", "28"]
        png = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
        with Image.open(io.BytesIO(png)) as picture:
            drawn = torch.from_numpy(np.array(picture.convert("L"))) / 127.5 - 1
        assert error(drawn, digit) < 0.06


def test_an_svg_of_a_digit_is_small(digits: Tensor) -> None:
    about = {"seed": "7", "label": "3", "recipe": "experiment=best", "licence": "CC0-1.0"}
    sizes = [
        len(outline.to_svg(outline.trace(digit), SIDE, SIDE, text={"Title": "A digit", **about})) for digit in digits
    ]
    assert max(sizes) < 4000


def test_an_svg_says_what_it_is_whatever_the_words() -> None:
    nasty = "A <digit> & \"more\" '7' ]]>\x00\ud800 é"
    about = {"se<ed>": nasty, "label": "7"}
    text = outline.to_svg(
        outline.trace(disc(14, 14, 6)), SIDE, SIDE, text={"Title": nasty, "Description": nasty, **about}
    )
    root = ElementTree.fromstring(text.encode())
    said = "A <digit> & \"more\" '7' ]]> é"
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert title.text == description.text == said
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert root.get("viewBox") == "0 0 28 28"
    assert json.loads(root.findtext(f"{SVG}metadata") or "")["label"] == "7"


def test_an_svg_is_one_path_in_the_colours_asked_for() -> None:
    paths = outline.trace(torch.cat([disc(14, 14, 6), disc(14, 14, 9)], 1))
    root = ElementTree.fromstring(outline.to_svg(paths, 2 * SIDE, SIDE, Look(ink="navy", paper="#ffe")))
    (path,), (rect,) = root.findall(f"{SVG}path"), root.findall(f"{SVG}rect")
    assert path.get("fill") == "#000080"
    assert (rect.get("fill"), rect.get("width"), rect.get("height")) == ("#ffffee", "56", "28")
    assert (path.get("d") or "").count("M") == 2
    assert (root.get("width"), root.get("height")) == ("560", "280")
    assert ElementTree.fromstring(outline.to_svg(paths, 56, 28)).find(f"{SVG}rect") is None


def test_two_colours_of_ink_are_a_gradient_across_it() -> None:
    root = ElementTree.fromstring(
        outline.to_svg(outline.trace(disc(14, 14, 6)), SIDE, SIDE, Look(ink="#f00-#00f", direction="right"))
    )
    gradient = next(root.iter(f"{SVG}linearGradient"))
    assert [stop.get("stop-color") for stop in gradient] == ["#ff0000", "#0000ff"]
    assert [float(gradient.get(end) or "") for end in ("x1", "x2")] == pytest.approx([8, 20], abs=1)
    path = root.find(f"{SVG}path")
    assert path is not None
    assert path.get("fill") == f"url(#{gradient.get('id')})"


def test_gradients_of_ink_and_paper_run_in_the_looks_direction_and_keep_their_opacity() -> None:
    look = Look(ink="#f008-#00f", paper="white-#eee", direction="down")
    root = ElementTree.fromstring(outline.to_svg(outline.trace(disc(14, 14, 6)), SIDE, SIDE, look))
    paper, ink = root.iter(f"{SVG}linearGradient")
    assert (paper.get("y1"), paper.get("y2")) == ("0", "28")
    assert [float(ink.get(end) or "") for end in ("y1", "y2", "x1", "x2")] == pytest.approx([8, 20, 0, 0], abs=1)
    assert [stop.get("stop-opacity") for stop in ink][:: len(ink) - 1] == [".53", None]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("ink", ["#c00-#00c4", "transparent-#00c", "#c008"])
def test_ink_that_fades_does_so_alike_in_outlines_and_in_pixels(program: str, ink: str, digits: Tensor) -> None:
    look, pdf = Look(ink=ink, paper="#ffeecc-#fff", height=280), program == "pdftoppm"
    paths = outline.trace(digits[3])
    file = outline.to_pdf(paths, SIDE, SIDE, look) if pdf else outline.to_svg(paths, SIDE, SIDE, look).encode()
    command = [program, *(["-r", "72", "-png", "-"] if pdf else [])]
    png = subprocess.run(command, input=file, stdout=subprocess.PIPE, check=True).stdout
    with Image.open(io.BytesIO(png)) as picture:
        drawn = torch.from_numpy(np.array(picture.convert("RGB"))).movedim(-1, 0)
    assert float((drawn.float() - paint(digits[3][None], look).float()).abs().mean()) < 1


def test_a_blank_picture_gives_an_empty_file() -> None:
    assert outline.trace(torch.full((SIDE, SIDE), -1.0)) == []
    for ink in ("#000", "#f00-#00f"):
        root = ElementTree.fromstring(outline.to_svg([], SIDE, SIDE, Look(ink=ink)))
        assert root.find(f"{SVG}path") is None
    assert outline.to_pdf([], SIDE, SIDE).startswith(b"%PDF")
    assert torch.equal(outline.rasterise([], 3, 4), torch.full((3, 4), -1.0))


@pytest.mark.parametrize("ink", ["#000", "#f00-#00f"])
def test_a_pdf_holds_curves_and_no_picture(ink: str) -> None:
    paths = outline.trace(disc(14, 14, 6))
    file = outline.to_pdf(
        paths, SIDE, SIDE, Look(ink=ink, paper="transparent"), {"Title": "A 0 \ud800\x00", "seed": "7"}
    )
    assert file.startswith(b"%PDF")
    assert not re.search(rb"/Subtype\s*/Image", file)
    streams = b"".join(zlib.decompress(part) for part in re.findall(rb"stream\n(x.*?)\nendstream", file, re.DOTALL))
    assert len(re.findall(rb" c\b", streams)) == len(paths[0].curves)
    assert b"seed: 7" in file or "seed: 7".encode("utf-16-be") in file


def test_the_same_digit_gives_the_same_bytes(digits: Tensor) -> None:
    once, again = (
        [
            write(outline.trace(digits[5]), SIDE, SIDE, Look(ink="#f00-#00f"), {"Title": "A 5"})
            for write in (outline.to_svg, outline.to_pdf)
        ]
        for _ in range(2)
    )
    assert once == again


def test_a_page_is_no_larger_than_a_pdf_may_have() -> None:
    file = outline.to_pdf([], 28_000, SIDE)
    width, height = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", file)[0]
    assert float(width) == pytest.approx(14_400)
    assert float(height) == pytest.approx(14.4)


def test_without_fpdf2_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fpdf", None)
    with pytest.raises(ImportError, match=r'^fpdf is not installed: pip install -e "\.\[pdf\]"$'):
        outline.to_pdf([], SIDE, SIDE)
