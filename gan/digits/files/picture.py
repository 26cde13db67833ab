"""Pictures as PNG and lossless WebP, films as GIF, lossless WebP and MP4, with metadata."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin
from torch import Tensor
from torch.nn.functional import pad

from gan.error import UserError, require
from gan.file import atomic_write
from gan.image import pillow

XMP = {"Title": "dc:title", "Description": "dc:description", "Licence": "dc:rights"}  # other keywords are ours
FPS = (1, 240)  # frames a second
GIF_FPS = 50  # at most: a GIF counts hundredths of a second, and browsers slow down those below two
WEBP_FPS = 90  # at most: a WebP counts milliseconds, and browsers slow down those below eleven
COLOURS = 255  # of a GIF, and one more for transparency
LONGEST = 16_383  # pixels of a side of a WebP


def write_png(picture: Tensor, path: Path, text: Mapping[str, str] | None = None) -> None:
    """Write bytes [C, H, W]; each keyword of ``text``, in Latin letters, becomes a chunk.

    The PNG specification knows Title, Description (the alternative text), Software and Comment.
    """
    chunks = PngImagePlugin.PngInfo()
    for keyword, value in (text or {}).items():
        (chunks.add_text if value.isascii() else chunks.add_itxt)(keyword, value)
    with atomic_write(path) as partial:
        pillow(picture).save(partial, format="PNG", pnginfo=chunks)


def write_webp(picture: Tensor, path: Path, text: Mapping[str, str] | None = None) -> None:
    """Write bytes [C, H, W] without loss, ``text`` as XMP. Raises UserError for too long a side."""
    _validate_webp(picture)
    with atomic_write(path) as partial:
        pillow(picture).save(partial, format="WEBP", lossless=True, exact=True, **_webp_text(text or {}))


def write_webp_film(frames: Tensor, path: Path, fps: float, text: Mapping[str, str] | None = None) -> None:
    """Write bytes [T, C, H, W] as an endless loop without loss, ``text`` as XMP.

    Raises UserError for ``fps`` outside [1, 90] and for too long a side.
    """
    _validate_webp(frames)
    durations = _durations(".webp", len(frames), fps, WEBP_FPS, 1000)
    first, *rest = map(pillow, frames)
    options: dict[str, object] = {"append_images": rest, "duration": durations, **_webp_text(text or {})}
    with atomic_write(path) as partial:
        first.save(partial, format="WEBP", save_all=True, loop=0, lossless=True, method=4, **options)


def _validate_webp(pixels: Tensor) -> None:
    """Raise UserError if bytes [.., H, W] have too long a side."""
    height, width = pixels.shape[-2:]
    if max(height, width) > LONGEST:
        raise UserError(f"a .webp has {LONGEST:,} pixels a side at most, this one {width:,}x{height:,}: choose .png")


def _webp_text(text: Mapping[str, str]) -> dict[str, object]:
    """What Pillow writes as EXIF and XMP."""
    exif = Image.Exif()
    if "Description" in text:
        exif[ExifTags.Base.ImageDescription] = text["Description"].encode("ascii", "replace").decode()  # ASCII only
    return {"exif": exif, "xmp": _format_xmp(text).encode()}


def _format_xmp(text: Mapping[str, str]) -> str:
    """An XMP packet (ISO 16684-1); the description is IPTC's alternative text too."""
    named = [(XMP.get(key) or f"gan:{re.sub(r'[^A-Za-z0-9]', '_', key)}", value) for key, value in text.items()]
    if "Description" in text:
        named.append(("Iptc4xmpCore:AltTextAccessibility", text["Description"]))
    parts = (f'<{n}><rdf:Alt><rdf:li xml:lang="x-default">{escape(v)}</rdf:li></rdf:Alt></{n}>' for n, v in named)
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:Iptc4xmpCore="http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/" xmlns:gan="urn:digit-gan:">'
        f"{''.join(parts)}</rdf:Description></rdf:RDF></x:xmpmeta>"
    )


def write_gif(frames: Tensor, path: Path, fps: float, text: Mapping[str, str] | None = None) -> None:
    """Write bytes [T, C, H, W] as an endless loop, ``text`` as comment; ``fps`` is in [1, 50].

    Frames share 255 colours; pixels less than half opaque become transparent. Raises UserError.
    """
    durations = _durations(".gif", len(frames), fps, GIF_FPS, 100)
    first, *rest = _share_palette(frames)
    options: dict[str, object] = {"append_images": rest, "duration": durations}
    if text:
        options["comment"] = _as_lines(text).encode()
    if frames.shape[1] == 4:
        options |= {"transparency": COLOURS, "disposal": 2}
    with atomic_write(path) as partial:
        first.save(partial, format="GIF", save_all=True, loop=0, optimize=False, **options)


def _durations(kind: str, count: int, fps: float, most: int, clock: int) -> list[int]:
    """Milliseconds of each frame, in ``clock`` ticks a second. Raises UserError for ``fps``."""
    if not 1 <= fps <= most:
        raise UserError(f"fps of a {kind} must be in [1, {most}], got {fps:g}: choose fewer, or .mp4")
    ends = np.round(np.arange(count + 1) * clock / fps).astype(int) * (1000 // clock)  # rounding does not add up
    return np.diff(ends).tolist()  # type: ignore[no-any-return]


def _share_palette(frames: Tensor) -> list[Image.Image]:
    """Frames with one palette, so that colours do not flicker."""
    if frames.shape[1] == 1:
        return [pillow(frame) for frame in frames]
    colours = frames[:, :3]
    seen = colours[:: max(1, len(frames) // 16)].movedim(1, -1).flatten(0, 1)  # a column of some 16 frames
    palette = Image.fromarray(seen.contiguous().numpy()).quantize(COLOURS, Image.Quantize.MEDIANCUT)
    pictures = [pillow(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in colours]
    if frames.shape[1] == 4:
        for picture, opacity in zip(pictures, frames[:, 3:], strict=True):
            picture.paste(COLOURS, mask=Image.fromarray(((opacity[0] < 128) * 255).byte().numpy()))
    return pictures


def write_mp4(frames: Tensor, path: Path, fps: float, text: Mapping[str, str] | None = None) -> None:
    """Write bytes [T, C, H, W] as H.264 for browsers, ``text`` as title and comment.

    Odd sides get one more pixel; transparent pixels become white. Raises MissingExtra without
    imageio-ffmpeg, UserError for ``fps`` outside [1, 240], OSError if ffmpeg cannot write the file.
    """
    require("imageio_ffmpeg", extra="video")
    from imageio_ffmpeg import get_ffmpeg_exe

    if not FPS[0] <= fps <= FPS[1]:
        raise UserError(f"fps of an .mp4 must be in [1, 240], got {fps:g}")
    height, width = frames.shape[2:]
    opaque = frames[:, :3].expand(-1, 3, -1, -1)
    if frames.shape[1] == 4:
        opacity = frames[:, 3:].float() / 255
        opaque = (opaque * opacity + 255 * (1 - opacity)).round().to(frames.dtype)
    opaque = pad(opaque, (0, width % 2, 0, height % 2), mode="replicate")
    try:
        ffmpeg = get_ffmpeg_exe()
    except RuntimeError as error:
        raise UserError(f"{path.name}: imageio-ffmpeg has no ffmpeg for this machine: choose .gif") from error
    command = [
        ffmpeg, "-y", "-v", "error",
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{opaque.shape[3]}x{opaque.shape[2]}", "-r", f"{fps:g}",
        "-i", "-",
        # ffmpeg writes BT.601 without a tag, but players take large films for BT.709. Frames need
        # the tags too: newer ffmpeg ignores the film's primaries where frames have none.
        "-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,"
        "setparams=color_primaries=bt709:color_trc=bt709",
        "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv",
        "-c:v", "libx264", "-crf", "16", "-movflags", "+faststart",
        *(["-metadata", f"title={text.get('Title', '')}", "-metadata", f"comment={_as_lines(text)}"] if text else []),
    ]  # fmt: skip
    with atomic_write(path) as partial:
        pixels = opaque.movedim(1, -1).contiguous().numpy().tobytes()
        done = subprocess.run([*command, "-f", "mp4", str(partial)], input=pixels, capture_output=True)
        if done.returncode:
            why = " ".join(done.stderr.decode(errors="replace").split())
            raise OSError(f"{path}: ffmpeg could not write it ({why}): choose another folder or make room there")


def _as_lines(text: Mapping[str, str]) -> str:
    return "\n".join(f"{keyword}: {value}" for keyword, value in text.items())
