"""One picture with what is to be known of it: PNG with text chunks, lossless WebP with XMP."""

import re
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from PIL import ExifTags, Image, PngImagePlugin
from torch import Tensor

from gan.file import whole
from gan.image import pillow

# What XMP has a word for; the rest goes into one of our own.
_XMP = {"Title": "dc:title", "Description": "dc:description", "Licence": "dc:rights"}
LONGEST = 16_383  # pixels of a side of a WebP


def png(picture: Tensor, path: Path, text: Mapping[str, str] | None = None) -> None:
    """Write bytes [C, H, W] with ``text``, each keyword a chunk of its own.

    ``Title``, ``Description`` (the alternative text), ``Software`` and ``Comment`` are the PNG specification's keywords; any
    other of Latin letters will do. Values may be of any script.
    """
    chunks = PngImagePlugin.PngInfo()
    for keyword, value in (text or {}).items():
        (chunks.add_text if value.isascii() else chunks.add_itxt)(keyword, value)
    with whole(path) as partial:
        pillow(picture).save(partial, format="PNG", pnginfo=chunks)


def webp(picture: Tensor, path: Path, text: Mapping[str, str] | None = None) -> None:
    """Write bytes [C, H, W] without loss. ``text`` is that of :func:`png`: as XMP, and the description as EXIF too.

    Raises ValueError where a side is too long for the format.
    """
    if max(picture.shape[1:]) > LONGEST:
        height, width = picture.shape[1:]
        raise ValueError(f"a .webp has {LONGEST:,} pixels a side at most, this one {width:,}x{height:,}: choose .png")
    exif = Image.Exif()
    if text and "Description" in text:
        exif[ExifTags.Base.ImageDescription] = text["Description"].encode("ascii", "replace").decode()  # EXIF knows no more
    with whole(path) as partial:
        pillow(picture).save(partial, format="WEBP", lossless=True, exact=True, exif=exif, xmp=xmp(text or {}).encode())


def xmp(text: Mapping[str, str]) -> str:
    """An XMP packet (ISO 16684-1) of keywords and their texts; the description is IPTC's alternative text too."""
    named = [(_XMP.get(keyword, f"gan:{re.sub(r'[^A-Za-z0-9]', '_', keyword)}"), value) for keyword, value in text.items()]
    if "Description" in text:
        named.append(("Iptc4xmpCore:AltTextAccessibility", text["Description"]))
    words = (
        f'<{name}><rdf:Alt><rdf:li xml:lang="x-default">{escape(value)}</rdf:li></rdf:Alt></{name}>' for name, value in named
    )
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/" xmlns:gan="urn:digit-gan:">'
        f"{''.join(words)}</rdf:Description></rdf:RDF></x:xmpmeta>"
    )
