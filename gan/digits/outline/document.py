"""Outlines as SVG and PDF."""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape

import numpy as np
import torch

from gan.digits.look import Look, blend, gradient
from gan.digits.outline.contour import Outline

INK_ALONE = Look(ink="black", paper="transparent")
LARGEST_PAGE = 14_400  # points; PDF's own limit


def svg(
    outlines: Sequence[Outline],
    width: float,
    height: float,
    look: Look = INK_ALONE,
    text: Mapping[str, str] | None = None,
    scale: float = 10,
) -> str:
    """A standalone SVG 1.1 of a picture of ``width`` x ``height`` pixels, each ``scale`` user units wide where it is shown.

    Of the ``look``, its ink, paper and direction. ``text``: Title, Description (alternative text), and whatever else there
    is to say, which is kept as JSON.
    """
    data, said = "".join(map(_path, outlines)), {key: _printable(value) for key, value in (text or {}).items()}
    heads = {tag: said.pop(key) for tag, key in (("title", "Title"), ("desc", "Description")) if said.get(key)}
    name = f"{zlib.crc32(repr((data, look, heads)).encode()):08x}"  # several may stand in one page
    by = f' aria-labelledby="{" ".join(f"{tag}-{name}" for tag in heads)}"' if heads else ""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="{_number(width * scale)}"'
        f' height="{_number(height * scale)}" viewBox="0 0 {_number(width)} {_number(height)}" role="img"{by}>',
        *(f'<{tag} id="{tag}-{name}">{escape(told, quote=False)}</{tag}>' for tag, told in heads.items()),
    ]
    if said:
        lines.append(f"<metadata>{escape(json.dumps(said, ensure_ascii=False), quote=False)}</metadata>")
    if look.paper != "transparent":
        corners = np.array([[0.0, 0.0], [width, height]])
        defined, fill = _fill(f"paper-{name}", look.paper, look.direction, corners)
        lines.append(f'{defined}<rect width="{_number(width)}" height="{_number(height)}" {fill}/>')
    if data:
        defined, fill = _fill(f"ink-{name}", look.ink, look.direction, np.concatenate([one.curves for one in outlines]))
        lines.append(f'{defined}<path {fill} d="{data}"/>')
    return "\n".join([*lines, "</svg>"])


def _fill(name: str, word: str, direction: str, points: np.ndarray) -> tuple[str, str]:
    """Of a colour or of two as navy-#f80, what defines it and what fills with it, over where ``points`` [.., 2] lie."""
    first, last = gradient(word)
    if first == last:
        opaque = f' fill-opacity="{_number(first[3] / 255)}"' if first[3] < 255 else ""
        return "", f'fill="#{bytes(first[:3]).hex()}"{opaque}'
    axis, across = ("y", "x") if direction == "down" else ("x", "y")
    along = points[..., 1 if axis == "y" else 0]
    # In the picture's own units, since fpdf2 misplaces those of the bounding box.
    ends = f'{axis}1="{_number(along.min())}" {axis}2="{_number(along.max())}" {across}1="0" {across}2="0"'
    # Between opacities in small steps: there SVG mixes colours as if they were opaque, and neither CSS nor pixels do.
    places, stops = np.linspace(0, 1, 2 if first[3] == last[3] else 17), ""
    shades = blend(word, torch.from_numpy(places[:, None]).clamp(1e-3, 1 - 1e-3)).tolist()
    for place, (*colour, share) in zip(places, shades, strict=True):
        straight = bytes(round(255 * part / max(share, 1e-3)) for part in colour).hex()
        opaque = f' stop-opacity="{_number(share)}"' if round(share, 2) < 1 else ""
        stops += f'<stop offset="{_number(place)}" stop-color="#{straight}"{opaque}/>'
    defined = f'<linearGradient id="{name}" gradientUnits="userSpaceOnUse" {ends}>{stops}</linearGradient>'
    return f"<defs>{defined}</defs>\n", f'fill="url(#{name})"'


def _path(outline: Outline) -> str:
    """A closed path in relative commands, to a hundredth of a pixel; what rounding moves one curve does not move the next."""
    points = outline.curves.round(2)
    start = " ".join(map(_number, points[0, 0]))
    steps = " ".join(map(_number, (points[:, 1:] - points[:, :1]).flat))
    return re.sub(" (?=-)", "", f"M{start}c{steps}z")


def _number(value: float) -> str:
    """At most two decimals, and nothing that can be left out."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return re.sub(r"^(-?)0(?=\.)", r"\1", text if text != "-0" else "0")


def _printable(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


def pdf(
    outlines: Sequence[Outline],
    width: float,
    height: float,
    look: Look = INK_ALONE,
    text: Mapping[str, str] | None = None,
    scale: float = 10,
) -> bytes:
    """A PDF of one page with the picture of :func:`svg`, each pixel ``scale`` points wide, or as wide as a page may be.

    The same arguments give the same bytes, whatever the date. Raises ImportError without fpdf2.
    """
    try:
        from fpdf import FPDF
        from fpdf.svg import SVGObject
    except ImportError as error:
        raise ImportError("FILE.pdf needs fpdf2: pip install fpdf2") from error
    scale = min(scale, LARGEST_PAGE / max(width, height))
    page = FPDF(unit="pt", format=(width * scale, height * scale))
    page.set_creation_date(datetime(2000, 1, 1, tzinfo=UTC))
    page.set_margin(0)
    page.set_auto_page_break(False)
    said = {key: _printable(value) for key, value in (text or {}).items()}
    page.set_title(said.pop("Title", ""))
    page.set_subject(said.pop("Description", ""))
    page.set_keywords("; ".join(f"{key}: {value}" for key, value in said.items()))
    page.add_page()
    drawn = [Outline(one.curves * scale) for one in outlines]  # in points, since fpdf2 forgets to scale where a gradient fades
    SVGObject(svg(drawn, width * scale, height * scale, look, scale=1)).draw_to_page(page)
    return bytes(page.output())
