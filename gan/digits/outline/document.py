"""Outlines as SVG and PDF."""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape

import numpy as np
from PIL import ImageColor

from gan.digits.outline.contour import Outline

LARGEST_PAGE = 14_400  # points; PDF's own limit


def svg(
    outlines: Sequence[Outline],
    width: float,
    height: float,
    *,
    ink: str | Sequence[str] = "#000000",
    paper: str | None = None,
    title: str = "",
    description: str = "",
    metadata: Mapping[str, str] | None = None,
    scale: float = 10,
) -> str:
    """A standalone SVG 1.1 of a picture of ``width`` x ``height`` pixels, each ``scale`` user units wide where it is shown.

    ``ink`` is a colour of CSS (``#1a2b3c``, ``navy``) or two, from left to right; without ``paper`` there is no ground.
    ``metadata`` is kept as JSON. Raises ValueError for what is no colour.
    """
    data = "".join(map(_path, outlines))
    title, description = _printable(title), _printable(description)
    name = f"{zlib.crc32(repr((data, ink, title, description)).encode()):08x}"  # several may stand in one page
    heads = {tag: text for tag, text in (("title", title), ("desc", description)) if text}
    fill, *more = _colours("ink", [ink] if isinstance(ink, str) else ink)
    by = f' aria-labelledby="{" ".join(f"{tag}-{name}" for tag in heads)}"' if heads else ""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="{_number(width * scale)}"'
        f' height="{_number(height * scale)}" viewBox="0 0 {_number(width)} {_number(height)}" role="img"{by}>',
        *(f'<{tag} id="{tag}-{name}">{escape(text, quote=False)}</{tag}>' for tag, text in heads.items()),
    ]
    if metadata:
        lines.append(f"<metadata>{escape(_printable(json.dumps(dict(metadata), ensure_ascii=False)), quote=False)}</metadata>")
    if more and outlines:  # in the picture's own units, since fpdf2 misplaces those of the bounding box
        across = np.concatenate([outline.curves[..., 0].ravel() for outline in outlines])
        ends = f'gradientUnits="userSpaceOnUse" x1="{_number(across.min())}" x2="{_number(across.max())}" y1="0" y2="0"'
        stops = f'<stop offset="0" stop-color="{fill}"/><stop offset="1" stop-color="{more[0]}"/>'
        lines.append(f'<defs><linearGradient id="ink-{name}" {ends}>{stops}</linearGradient></defs>')
        fill = f"url(#ink-{name})"
    if paper is not None:
        lines.append(f'<rect width="{_number(width)}" height="{_number(height)}" fill="{_colours("paper", [paper])[0]}"/>')
    if data:
        lines.append(f'<path fill="{fill}" d="{data}"/>')
    return "\n".join([*lines, "</svg>"])


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


def _colours(name: str, colours: Sequence[str]) -> list[str]:
    """As ``#rrggbb``. Raises ValueError where one of them is no colour, or where there are neither one nor two."""
    try:
        red_green_blue = [ImageColor.getrgb(colour) for colour in colours]
        if len(red_green_blue) in (1, 2) and all(len(parts) == 3 for parts in red_green_blue):
            return ["#{:02x}{:02x}{:02x}".format(*parts) for parts in red_green_blue]
    except (ValueError, AttributeError, TypeError):
        pass
    raise ValueError(
        f"{name} must be a colour such as #1a2b3c or navy (ink: or two of them), got {', '.join(map(str, colours))}"
    )


def pdf(
    outlines: Sequence[Outline],
    width: float,
    height: float,
    *,
    ink: str | Sequence[str] = "#000000",
    paper: str | None = None,
    title: str = "",
    description: str = "",
    metadata: Mapping[str, str] | None = None,
    scale: float = 10,
) -> bytes:
    """A PDF of one page with the picture of :func:`svg`, each pixel ``scale`` points wide, or as wide as a page may be.

    The same arguments give the same bytes, whatever the date. Raises what :func:`svg` raises, and ImportError without fpdf2.
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
    page.set_title(_printable(title))
    page.set_subject(_printable(description))
    page.set_keywords(_printable("; ".join(f"{key}: {value}" for key, value in (metadata or {}).items())))
    page.add_page()
    SVGObject(svg(outlines, width, height, ink=ink, paper=paper, scale=scale)).draw_to_page(page)
    return bytes(page.output())
