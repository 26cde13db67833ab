"""A hand as a font: what programs that shape text make of it, how it stands, what is refused."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import ots
import pytest
import uharfbuzz as hb
from conftest import call, complaint, renamed
from fontTools.pens.areaPen import AreaPen
from fontTools.pens.boundsPen import BoundsPen
from fontTools.ttLib import TTFont

from gan import checkpoint, generate
from gan.digits.layout import Layout
from gan.digits.pattern import CHARACTERS
from gan.export import font, opentype
from gan.export.__main__ import main
from gan.lab import Lab

SHAPES = 3
SPACING = 0.2 * font.HEIGHT


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("font") / "hand.otf"
    call(main, f"out={made}", "seed=2", f"font.shapes={SHAPES}")
    return made


@pytest.fixture(scope="module")
def opened(path: Path) -> TTFont:
    return TTFont(path)


@pytest.fixture(scope="module")
def shaper(path: Path) -> hb.Font:
    return hb.Font(hb.Face(path.read_bytes()))


def _shape(shaper: hb.Font, text: str, **features: bool | int) -> tuple[list[str], list[int]]:
    """The glyphs of a text and their advances, as programs that use HarfBuzz set it."""
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    hb.shape(shaper, buffer, features)
    names = [shaper.glyph_to_string(one.codepoint) for one in buffer.glyph_infos]
    return names, [one.x_advance for one in buffer.glyph_positions]


def _bounds(opened: TTFont, name: str) -> tuple[float, float, float, float]:
    """Left, bottom, right and top of a glyph's ink."""
    pen = BoundsPen(None)
    opened.getGlyphSet()[name].draw(pen)
    assert pen.bounds is not None
    return pen.bounds


def test_equal_neighbours_differ_in_runs_of_any_length(shaper: hb.Font) -> None:
    assert _shape(shaper, "22222")[0] == ["two", "two.1", "two.2", "two", "two.1"]
    for text in ("22", "222", "1111111", "0" * 100):
        glyphs, _ = _shape(shaper, text)
        assert all(first != second for first, second in pairwise(glyphs))
        assert len(set(glyphs)) == min(len(text), SHAPES)


def test_equal_digits_differ_across_a_separator_too(shaper: hb.Font) -> None:
    for text in ("2.2", "11:11", "1 1", "22\u202f22"):
        digits = [glyph for glyph in _shape(shaper, text)[0] if glyph.startswith(("two", "one"))]
        assert all(first != second for first, second in pairwise(digits))


def test_a_shape_that_is_chosen_stays(shaper: hb.Font) -> None:
    assert _shape(shaper, "222", ss02=True)[0] == ["two.2"] * 3
    assert _shape(shaper, "222", salt=1)[0] == ["two.1"] * 3
    assert _shape(shaper, "222", calt=False)[0] == ["two"] * 3


def test_tabular_digits_are_equally_wide_and_still_differ(shaper: hb.Font) -> None:
    names, advances = _shape(shaper, "".join(f"{digit}" * SHAPES for digit in range(10)), tnum=True)
    assert len(set(names)) == 10 * SHAPES
    assert len(set(advances)) == 1
    columns = [sum(_shape(shaper, text, tnum=True)[1]) for text in ("1,234.50", "7,711.11", "\u20074,444.44"[1:])]
    assert len(set(columns)) == 1
    assert _shape(shaper, "\u2007")[1] == advances[:1]  # a figure space stands for a digit
    assert len(set(_shape(shaper, "0123456789")[1])) > 5  # without the feature, each has its own width


def test_without_kerning_neighbours_stand_as_in_a_line(shaper: hb.Font, opened: TTFont) -> None:
    names, advances = _shape(shaper, "174.7/2", kern=False)
    for name, advance in zip(names, advances, strict=True):
        left, _, right, _ = _bounds(opened, name)
        assert advance - (right - left) == pytest.approx(SPACING, abs=2)
        assert left == pytest.approx(SPACING / 2, abs=1)
    assert _shape(shaper, " ")[1] == [350]


def test_kerning_closes_gaps_by_half_of_the_spacing_at_most(shaper: hb.Font) -> None:
    def kerning(text: str) -> int:
        return sum(_shape(shaper, text)[1]) - sum(_shape(shaper, text, kern=False)[1])

    found = [kerning(first + second) for first in CHARACTERS for second in CHARACTERS]
    assert min(found) == -SPACING / 2
    assert max(found) == 0
    assert kerning("7.") < -20
    assert kerning("00") > -20
    assert _shape(shaper, "7.7", tnum=True)[1] == _shape(shaper, "7.7", tnum=True, kern=False)[1]


def test_it_has_every_character_of_a_line_and_its_variants(opened: TTFont) -> None:
    assert {*map(ord, CHARACTERS), 0xA0, 0x2007, 0x2009, 0x202F, 0x2010, 0x2013, 0x2212} <= set(opened.getBestCmap())
    assert set(opened.getGlyphSet()) == set(opened.getGlyphOrder())


def test_digits_stand_on_the_baseline_and_nothing_is_cut_off(opened: TTFont) -> None:
    jitter = 0.02 * font.HEIGHT
    boxes = {name: _bounds(opened, name) for name in opened.getGlyphOrder()[1:] if not name.endswith("space")}
    digits = [box for name, box in boxes.items() if name.partition(".")[0] in opentype.WORDS]
    bottoms = [bottom for _, bottom, _, _ in digits]
    assert max(map(abs, bottoms)) < 4 * jitter
    assert np.std(bottoms) == pytest.approx(jitter, rel=0.4)
    assert np.median([top - bottom for _, bottom, _, top in digits]) == pytest.approx(font.HEIGHT, rel=0.06)
    os2 = opened["OS/2"]
    assert -os2.usWinDescent <= min(box[1] for box in boxes.values())
    assert max(box[3] for box in boxes.values()) <= os2.usWinAscent


def test_ink_runs_anticlockwise_as_in_postscript(opened: TTFont) -> None:
    glyphs = opened.getGlyphSet()
    for name in ("zero", "eight.1", "one.tnum", "percent", ".notdef"):
        pen = AreaPen(None)
        glyphs[name].draw(pen)
        assert pen.value > 0


def test_other_programs_take_it(path: Path) -> None:
    done = ots.sanitize(path, capture_output=True)
    assert done.returncode == 0, done.stderr


def test_it_says_what_it_is_and_what_made_it(opened: TTFont) -> None:
    names = {record.nameID: record.toUnicode() for record in opened["name"].names}
    card = json.loads(checkpoint.SHIPPED.with_suffix(".json").read_text())
    assert (names[1], names[2], names[6]) == ("Digit Hand 2", "Regular", "DigitHand2-Regular")
    assert names[13] == checkpoint.LICENCE
    assert all(part in names[10] for part in ("Seed: 2", card["command"], card["sha256"]))
    assert opened["OS/2"].fsType == 0


def test_the_same_command_writes_the_same_bytes(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = tmp_path / "again.otf"
    call(main, f"out={again}", "seed=2", f"font.shapes={SHAPES}")
    assert again.read_bytes() == path.read_bytes()
    said = f"{again}: Digit Hand 2, with 3 shapes of each digit, "
    assert capsys.readouterr().out.startswith(said)


def test_every_shape_is_in_one_piece_with_the_holes_of_its_digit() -> None:
    shapes, _ = font.draw(Lab(), SHAPES, 2, Layout(), None, certainty=0.99)
    outlines = {digit: {len(shape.outlines) for shape in shapes[digit]} for digit in "0135678"}
    assert outlines == {"0": {2}, "1": {1}, "3": {1}, "5": {1}, "6": {2}, "7": {1}, "8": {3}}


def test_one_shape_needs_no_substitution() -> None:
    shapes = {character: [font.Shape([], 100.0)] for character in "17."}
    text = opentype.features(shapes, {("7", "."): -50})
    assert "calt" not in text
    assert "pos [seven] [period] -50;" in text


def test_what_makes_no_font_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = f"out={tmp_path / 'hand.otf'}"
    (tmp_path / "no.png").write_bytes(b"no picture")
    few = renamed(tmp_path, {"one": 1, "seven": 7})
    for words, expected in (
        (["font.name=''"], "font.name must have 1 to 31 visible characters"),
        (["layout.spacing=-0.5"], "layout.spacing leaves '.' no width: choose a larger one"),
        (["layout.height=20"], "layout.height"),
        (["like=gone.png"], "like: gone.png does not exist"),
        ([f"like={tmp_path / 'no.png'}"], "cannot be read as an image"),
        (["label=3"], "label is for the digit in the picture of like="),
        ([f"ckpt={few}"], "out: a font has the digits 0 to 9, and this generator has no class for 0, 2, 3"),
    ):
        assert expected in complaint(main, out, *words)
    assert "out must end in .safetensors, .onnx, .pt2, .otf or /" in complaint(main, f"out={tmp_path / 'hand.ttf'}")
    monkeypatch.setattr(font, "trace", lambda image: [])
    assert "this generator draws no ink for 0" in complaint(main, out)
    monkeypatch.setattr("gan.error.find_spec", lambda name: None)
    assert complaint(main, out) == 'error: fontTools is not installed: pip install -e ".[font]"'
    (tmp_path / "hand.otf").write_bytes(b"mine")
    monkeypatch.undo()
    assert "exists: choose another name, or overwrite=true" in complaint(main, out)
    assert (tmp_path / "hand.otf").read_bytes() == b"mine"


CHANGED = {
    "seed": 3, "variation": 0.9, "truncation": 0.5,
    "style.thickness": 1, "style.slant": 1, "style.width": 1, "style.height": -1,
    "layout.spacing": 0.3, "layout.jitter": 0, "layout.slant": 9, "font.name": "Mine", "font.shapes": 3,
}  # fmt: skip


@pytest.mark.slow
def test_every_setting_changes_the_font(tmp_path: Path) -> None:
    def write(*words: str) -> bytes:
        base = ["font.shapes=2"] if "font.shapes=3" not in words else []
        call(main, f"out={tmp_path / 'hand.otf'}", "overwrite=true", *base, *words)
        return (tmp_path / "hand.otf").read_bytes()

    call(generate.main, "n=1", "label=4", f"out={tmp_path / 'four.png'}")
    found = [write(f"{name}={value}") for name, value in CHANGED.items()]
    found += [write(), write(f"like={tmp_path / 'four.png'}", "label=4")]
    assert len(set(found)) == len(found)
    write("reader=none")
