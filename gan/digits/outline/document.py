"""Outlines as SVG and PDF."""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape

import numpy as np
import torch

from gan.digits.look import Look, blend, parse_gradient
from gan.digits.outline.contour import Floats, Outline
from gan.error import require

INK_ALONE = Look(ink="black", paper="transparent")
LARGEST_PAGE = 14_400  # points; PDF's own limit
Text = Mapping[str, str]


def to_svg(
    outlines: Sequence[Outline], width: float, height: float, look: Look = INK_ALONE, text: Text | None = None,
    scale: float = 10,
) -> str:  # fmt: skip
    """A standalone SVG 1.1 of a picture of ``width`` x ``height`` pixels, each ``scale`` units.

    ``look`` gives ink, paper and direction. ``text`` beyond Title and Description becomes JSON.
    """
    data, about = "".join(map(_path, outlines)), _printable(text)
    heads = {tag: about.pop(key) for tag, key in (("title", "Title"), ("desc", "Description")) if about.get(key)}
    name = f"{zlib.crc32(repr((data, look, heads)).encode()):08x}"  # unique in a page with several pictures
    labelled = f' aria-labelledby="{" ".join(f"{tag}-{name}" for tag in heads)}"' if heads else ""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="{_number(width * scale)}"'
        f' height="{_number(height * scale)}" viewBox="0 0 {_number(width)} {_number(height)}" role="img"{labelled}>',
        *(f'<{tag} id="{tag}-{name}">{escape(told, quote=False)}</{tag}>' for tag, told in heads.items()),
    ]
    if about:
        lines.append(f"<metadata>{escape(json.dumps(about, ensure_ascii=False), quote=False)}</metadata>")
    if look.paper != "transparent":
        corners = np.array([[0.0, 0.0], [width, height]])
        defined, fill = _fill(f"paper-{name}", look.paper, look.direction, corners)
        lines.append(f'{defined}<rect width="{_number(width)}" height="{_number(height)}" {fill}/>')
    if data:
        defined, fill = _fill(f"ink-{name}", look.ink, look.direction, np.concatenate([one.curves for one in outlines]))
        lines.append(f'{defined}<path {fill} d="{data}"/>')
    return "\n".join([*lines, "</svg>"])


def _fill(name: str, ink: str, direction: str, points: Floats) -> tuple[str, str]:
    """Definition and attribute that fill a shape of ``points`` [.., 2] with a colour or two."""
    first, last = parse_gradient(ink)
    if first == last:
        opaque = f' fill-opacity="{_number(first[3] / 255)}"' if first[3] < 255 else ""
        return "", f'fill="#{bytes(first[:3]).hex()}"{opaque}'
    axis, across = "yx" if direction == "down" else "xy"
    along = points[..., "xy".index(axis)]
    # In units of the picture, since fpdf2 misplaces those of the bounding box.
    ends = f'{axis}1="{_number(along.min())}" {axis}2="{_number(along.max())}" {across}1="0" {across}2="0"'
    # In small steps, since SVG, unlike pixels, mixes colours as if they were opaque.
    places, stops = np.linspace(0, 1, 2 if first[3] == last[3] else 17), ""
    shades = blend(ink, torch.from_numpy(places[:, None]).clamp(1e-3, 1 - 1e-3)).tolist()
    for place, (*colour, share) in zip(places, shades, strict=True):
        straight = bytes(round(255 * part / max(share, 1e-3)) for part in colour).hex()
        opaque = f' stop-opacity="{_number(share)}"' if round(share, 2) < 1 else ""
        stops += f'<stop offset="{_number(place)}" stop-color="#{straight}"{opaque}/>'
    defined = f'<linearGradient id="{name}" gradientUnits="userSpaceOnUse" {ends}>{stops}</linearGradient>'
    return f"<defs>{defined}</defs>\n", f'fill="url(#{name})"'


def _path(outline: Outline) -> str:
    """A closed path in relative commands, to a hundredth of a pixel; rounding does not add up."""
    points = outline.curves.round(2)
    start = " ".join(map(_number, points[0, 0]))
    steps = " ".join(map(_number, (points[:, 1:] - points[:, :1]).flat))
    return re.sub(" (?=-)", "", f"M{start}c{steps}z")


def _number(value: float) -> str:
    """At most two decimals, as short as SVG allows."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return re.sub(r"^(-?)0(?=\.)", r"\1", text if text != "-0" else "0")


def _printable(text: Text | None) -> dict[str, str]:
    """``text`` without the characters that XML 1.0 cannot hold."""
    other = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
    return {key: re.sub(other, "", value) for key, value in (text or {}).items()}


def to_pdf(
    outlines: Sequence[Outline], width: float, height: float, look: Look = INK_ALONE, text: Text | None = None,
    scale: float = 10,
) -> bytes:  # fmt: skip
    """The picture of :func:`to_svg` as a PDF of one page, with the same bytes on any day.

    A pixel is ``scale`` points, or as many as the page can hold. Raises MissingExtra without fpdf2.
    """
    require("fpdf", extra="pdf")
    from fpdf import FPDF
    from fpdf.svg import SVGObject

    scale = min(scale, LARGEST_PAGE / max(width, height))
    page = FPDF(unit="pt", format=(width * scale, height * scale))
    page.set_creation_date(datetime(2000, 1, 1, tzinfo=UTC))
    page.set_margin(0)
    page.set_auto_page_break(False)
    about = _printable(text)
    page.set_title(about.pop("Title", ""))
    page.set_subject(about.pop("Description", ""))
    page.set_keywords("; ".join(f"{key}: {value}" for key, value in about.items()))
    page.add_page()
    drawn = [Outline(one.curves * scale) for one in outlines]  # in points: fpdf2 does not scale gradients that fade
    SVGObject(to_svg(drawn, width * scale, height * scale, look, scale=1)).draw_to_page(page)
    return bytes(page.output())
