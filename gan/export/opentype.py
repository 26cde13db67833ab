"""A font as an OpenType file with cubic outlines (CFF), with the same bytes on any day.

In a run of digits, ``calt`` gives each digit the shape after that of the digit before it, so equal
neighbours differ. ``tnum`` gives all digits one width; ``ss01``, ``ss02``, ... one shape each.
"""

import io
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np

from gan import __version__
from gan.digits.mark import SPACE
from gan.digits.outline import Outline, extent
from gan.error import UserError
from gan.export.font import HEIGHT, Shapes
from gan.names import WORDS

EM = 1_000
ASCENDER, DESCENDER, GAP = 800, -200, 200
NAMES = {
    **dict(zip("0123456789", WORDS, strict=True)),
    "-": "hyphen", ".": "period", ",": "comma", ":": "colon", "/": "slash", "+": "plus", "(": "parenleft",
    ")": "parenright", "%": "percent", "=": "equal", "€": "Euro", "$": "dollar", "#": "numbersign",
}  # fmt: skip
BLANKS = {"space": " \u00a0", "thinspace": "\u2009\u202f", "figurespace": "\u2007"}
ALIKE = {"hyphen": "\u2010\u2011\u2012\u2013\u2212", "slash": "\u2044"}  # dashes and minus; a fraction's slash
MADE = int((datetime(2000, 1, 1) - datetime(1904, 1, 1)).total_seconds())  # any day, but always the same
LONGEST = 31  # characters of a family's name that every program takes
Kerning = Mapping[tuple[str, str], int]


@dataclass(frozen=True, eq=False)
class Glyph:
    """Outlines, how far right of the origin their ink starts, and the way to the next glyph."""

    outlines: list[Outline]
    left: int
    advance: int


def validate_family(name: object) -> str:
    """``name`` itself. Raises UserError unless it has 1 to 31 visible characters."""
    if not isinstance(name, str) or name != name.strip() or not name.isprintable() or not 0 < len(name) <= LONGEST:
        raise UserError(f"font.name must have 1 to {LONGEST} visible characters, got {str(name)[:80]!r}")
    return name


def pack(shapes: Shapes, kerning: Kerning, spacing: float, family: str, about: Mapping[str, str]) -> bytes:
    """The bytes of a font; ``spacing`` is between boxes of neighbours, ``about`` the metadata.

    Raises UserError for a spacing that leaves a character no width.
    """
    from fontTools.fontBuilder import FontBuilder

    glyphs, names = _glyphs(shapes, spacing), _names(family, about)
    builder = FontBuilder(EM, isTTF=False)
    builder.updateHead(created=MADE, modified=MADE, fontRevision=1.0)
    builder.font.recalcTimestamp = False
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap({ord(one): name for name, some in _characters(shapes).items() for one in some})
    strings = {name: _charstring(glyph) for name, glyph in glyphs.items()}
    builder.setupCFF(names["psName"], {"version": "1.0", "FullName": names["psName"]}, strings, {})
    builder.setupHorizontalMetrics({name: (glyph.advance, glyph.left) for name, glyph in glyphs.items()})
    builder.setupHorizontalHeader(ascent=ASCENDER, descent=DESCENDER, lineGap=GAP)
    builder.setupNameTable(names, mac=False)
    builder.setupOS2(**_measures(shapes))
    builder.setupPost(keepGlyphNames=False, underlinePosition=-100, underlineThickness=50)
    builder.addOpenTypeFeatures(features(shapes, kerning))
    contents = io.BytesIO()
    builder.save(contents)
    return contents.getvalue()


def _characters(shapes: Shapes) -> dict[str, str]:
    """The characters of each glyph that has one."""
    found = {NAMES[character]: character for character in shapes} | BLANKS
    return {name: characters + ALIKE.get(name, "") for name, characters in found.items()}


def _glyphs(shapes: Shapes, spacing: float) -> dict[str, Glyph]:
    """All glyphs by name, in the order of the file."""
    widest = max(shape.width for character, some in shapes.items() if character.isdigit() for shape in some)
    cell = round(widest + max(spacing, 0) / 2)  # of tabular digits: the widest are half as far apart as others
    blank = round(SPACE * HEIGHT)
    found = {".notdef": Glyph(_frame(), 50, 500)}
    found |= {name: Glyph([], 0, wide) for name, wide in zip(BLANKS, (blank, blank // 2, cell), strict=True)}
    for character, some in shapes.items():
        for i, shape in enumerate(some):
            name, advance = _name(character, i), round(shape.width + spacing)
            if advance < 1:
                raise UserError(f"layout.spacing leaves {character!r} no width: choose a larger one")
            found[name] = Glyph(shape.outlines, round(spacing / 2), advance)
            if character.isdigit():
                found[f"{name}.tnum"] = Glyph(shape.outlines, round((cell - shape.width) / 2), cell)
    return found


def _name(character: str, i: int) -> str:
    """The name of a character's shape i: two, two.1, two.2, ..."""
    return f"{NAMES[character]}.{i}" if i else NAMES[character]


def _frame() -> list[Outline]:
    """What is drawn for a character that the font lacks: an upright frame."""
    found = []
    for inset, turn in ((0, 1), (50, -1)):
        right, top = 400 - inset, HEIGHT - inset
        corners = np.array([[inset, inset], [right, inset], [right, top], [inset, top], [inset, inset]])[::turn]
        steps = np.diff(corners, axis=0)[:, None] * np.array([0, 1, 2, 3])[:, None] / 3
        found.append(Outline(corners[:-1, None] + steps))
    return found


def _charstring(glyph: Glyph) -> Any:
    """The outlines as CFF has them, in whole units."""
    from fontTools.pens.t2CharStringPen import T2CharStringPen

    pen = T2CharStringPen(glyph.advance, None)
    for outline in glyph.outlines:
        curves = outline.curves + np.array([glyph.left, 0])
        pen.moveTo(curves[0, 0])
        for curve in curves:
            pen.curveTo(*curve[1:])
        pen.closePath()
    return pen.getCharString()


def _measures(shapes: Shapes) -> dict[str, Any]:
    """Measures of the whole font, for lines of text; nothing is cut off at their edges."""
    from fontTools.ttLib.tables.O_S_2f_2 import Panose

    lowest, highest = zip(*(extent(shape.outlines)[:2] for some in shapes.values() for shape in some), strict=True)
    return {
        "version": 4, "sTypoAscender": ASCENDER, "sTypoDescender": DESCENDER, "sTypoLineGap": GAP,
        "usWinAscent": max(ASCENDER, math.ceil(max(highest))), "usWinDescent": max(-DESCENDER, math.ceil(-min(lowest))),
        "sCapHeight": HEIGHT, "sxHeight": 500, "usWeightClass": 400, "panose": Panose(bFamilyType=3),  # by hand
        "fsType": 0,  # may be embedded
        "fsSelection": 0x40 | 0x80,  # regular; the measures above hold on all systems
        "ulCodePageRange1": 1, "achVendID": "NONE",
    }  # fmt: skip


def _names(family: str, about: Mapping[str, str]) -> dict[str, str]:
    """What programs show of the font; ``about`` becomes its description and its licence."""
    script = f"{re.sub('[^A-Za-z0-9]', '', family) or 'Hand'}-Regular"
    told = dict(about)
    licence = told.pop("Licence")
    return {
        "copyright": licence,
        "familyName": family,
        "styleName": "Regular",
        "uniqueFontIdentifier": f"{script}; {told['Generator']}; seed {told['Seed']}",
        "fullName": family,
        "version": f"Version 1.000; digit-gan {__version__}",
        "psName": script,
        "manufacturer": "digit-gan",
        "description": "; ".join(f"{key}: {value}" for key, value in told.items()),
        "licenseDescription": licence,
        "sampleText": "0123456789",
    }


def features(shapes: Shapes, kerning: Kerning) -> str:
    """Substitutions and kerning, in the language of Adobe's feature files.

    A shape that is asked for stays; the others take turns, also across one separator.
    """
    digits = [character for character in shapes if character.isdigit()]
    names = {character: [_name(character, i) for i in range(len(some))] for character, some in shapes.items()}
    turns = [_list(names[digit][i] for digit in digits) for i in range(len(names[digits[0]]))]
    between = _list([*(NAMES[character] for character in shapes if character not in digits), *BLANKS])
    lines = ["languagesystem DFLT dflt;", "languagesystem latn dflt;"]
    if len(turns) > 1:
        chosen = [f"sub {names[digit][0]} from {_list(names[digit][1:])};" for digit in digits]
        lines += _feature("salt", chosen)
        for i, turn in enumerate(turns[1:], start=1):
            lines += _feature(f"ss{i:02}", [f"sub {turns[0]} by {turn};"])
        near = [f"sub {before} {turns[0]}' by {after};" for before, after in pairwise(turns)]
        far = [f"sub {before} {between} {turns[0]}' by {after};" for before, after in pairwise(turns)]
        lines += _feature("calt", near + far)
    every = [name for digit in digits for name in names[digit]]
    lines += _feature("tnum", [f"sub {_list(every)} by {_list(f'{name}.tnum' for name in every)};"])
    pairs = [f"pos {_list(names[first])} {_list(names[second])} {by};" for (first, second), by in kerning.items()]
    return "\n".join([*lines, *_feature("kern", pairs)])


def _feature(tag: str, rules: list[str]) -> list[str]:
    return [f"feature {tag} {{", *rules, f"}} {tag};"] if rules else []


def _list(names: Iterable[str]) -> str:
    return f"[{' '.join(names)}]"
