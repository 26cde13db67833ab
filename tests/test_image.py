"""Ranges and layouts of pixels."""

import io
import random
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import pixels
from PIL import Image

from gan import image
from gan.digits.invert import load_digit
from gan.error import UserError


def test_every_byte_survives_the_round_trip() -> None:
    every = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(image.to_uint8(image.to_float(every)), every)


def test_the_range_is_minus_one_to_one_and_what_lies_outside_is_clamped() -> None:
    floats = image.to_float(torch.tensor([0, 255], dtype=torch.uint8))
    assert floats.tolist() == [-1.0, 1.0]
    assert image.to_uint8(torch.tensor([-5.0, 0.0, 5.0])).tolist() == [0, 128, 255]


def test_grey_becomes_three_equal_channels_and_colour_stays() -> None:
    grey, colour = torch.randn(2, 1, 4, 4), torch.randn(2, 3, 4, 4)
    assert torch.equal(image.rgb(grey)[:, 2:], grey)
    assert torch.equal(image.rgb(colour), colour)


def test_a_grid_holds_its_images_row_by_row() -> None:
    x = torch.full((6, 1, 8, 8), -1.0)
    x[4] = 1.0  # second row, second column of three
    picture = image.grid(x, columns=3)
    assert picture.shape == (1, 22, 32)
    assert (picture[0, 12:20, 12:20] == 255).all()
    assert picture.sum() == 255 * 64


def test_what_is_saved_is_what_is_read(tmp_path: Path) -> None:
    for channels in (1, 3):
        made = torch.randint(0, 256, (channels, 5, 7), dtype=torch.uint8)
        image.save(made, tmp_path / "x.png")
        read = torch.from_numpy(pixels(tmp_path / "x.png")).view(5, 7, channels)
        assert torch.equal(read.permute(2, 0, 1), made)
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]


STAIRS = np.tile(np.linspace(0, 255, 16).astype(np.uint8), (12, 1))
WRITTEN = {
    "avif": "L", "bmp": "L", "dib": "L", "gif": "L", "ico": "L", "jpg": "L", "jp2": "L", "pcx": "L", "png": "L",
    "pgm": "L", "qoi": "RGB", "sgi": "L", "tga": "L", "tif": "L", "webp": "L", "xbm": "1",
}  # the mode in which each is written  # fmt: skip


def _png(colour: int, values: np.ndarray) -> bytes:
    """A PNG of 16 bits [H, W, C], which Pillow writes in grey alone."""
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)
    height, width = values.shape[:2]

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("suffix", [name for name in WRITTEN if name != "avif" or "AVIF" in image._formats()])
def test_every_common_format_is_read_and_none_is_believed_by_its_suffix(suffix: str, tmp_path: Path) -> None:
    assert f".{suffix}" in image.SUFFIXES
    Image.fromarray(STAIRS).convert(WRITTEN[suffix]).save(tmp_path / f"x.{suffix}")
    (tmp_path / f"x.{suffix}").rename(tmp_path / "x.png")
    read = image.load_picture(tmp_path / "x.png", 1).astype(float)
    assert abs(read - STAIRS).mean() < (4 if WRITTEN[suffix] != "1" else 255)
    assert read.shape[-1] == (256 if suffix == "ico" and read.shape != STAIRS.shape else 16)
    assert image.load_picture(tmp_path / "x.png", 3).shape == (*read.shape, 3)


def test_every_suffix_belongs_to_a_format_that_is_read() -> None:
    known = Image.registered_extensions()
    assert {known[suffix] for suffix in image.SUFFIXES if suffix in known} <= set(image.FORMATS)


@pytest.mark.parametrize("suffix", ["eps", "pdf", "ps", "fits", "im", "psd", "wmf"])
def test_what_runs_programs_or_is_no_picture_is_refused_as_a_png_too(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {
        "fits": b"SIMPLE  =" + b" " * 3000, "psd": b"8BPS\0\1" + bytes(40), "wmf": b"\xd7\xcd\xc6\x9a\0\0" + bytes(80),
        "im": b"Image type: L image\r\n" + bytes(600), "ps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    }  # fmt: skip
    if suffix in contents:
        (tmp_path / "x.png").write_bytes(contents[suffix])
    else:
        Image.new("RGB", (9, 9)).save(tmp_path / "x.png", format=suffix.upper())
    monkeypatch.setattr("subprocess.Popen", None)
    for load in (lambda path: image.load_picture(path, 1), load_digit):
        with pytest.raises(UserError, match="cannot be read as an image"):
            load(tmp_path / "x.png")


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("suffix", ["png", "tif", "jp2"])
def test_a_wider_file_is_scaled_by_the_bits_that_it_holds(bits: int, suffix: str, tmp_path: Path) -> None:
    values = np.round(STAIRS.astype(float) * ((2**bits - 1) / 255)).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / f"x.{suffix}")
    assert abs(image.load_picture(tmp_path / f"x.{suffix}", 1).astype(int) - STAIRS).max() <= 1


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 1), (0, 255), (0, 16), (0, 100), (-1000, 3000), (0, 1e6)])
def test_floats_of_any_range_are_scaled(low: float, high: float, tmp_path: Path) -> None:
    values = low + STAIRS.astype(np.float32) / 255 * (high - low)
    Image.fromarray(values).save(tmp_path / "x.tif")
    read = image.load_picture(tmp_path / "x.tif", 1).astype(int)
    assert read.min() == 0
    assert read.max() >= 255 / 4 - 1
    assert (np.diff(read[0]) > 0).all()


@pytest.mark.parametrize(
    ("values", "span"),
    [
        ((0, 1), (0, 1)), ((0, 200), (0, 255)), ((0, 256), (0, 1023)), ((3, 1023), (0, 1023)), ((0, 4095), (0, 4095)),
        ((0, 9000), (0, 16383)), ((0, 60_000), (0, 65_535)), ((0, 0.1), (0, 0.1)), ((0, 16), (0, 16)),
        ((0, 70_000), (0, 70_000)), ((-1, 1), (-1, 1)), ((0, 0), (0, 1)), ((-5, -5), (-5, -4)),
    ],
)  # fmt: skip
def test_the_span_is_the_next_full_depth_or_the_values_themselves(values: image.Span, span: image.Span) -> None:
    assert image.full_span(*values) == pytest.approx(span)


@pytest.mark.parametrize(("colour", "bands"), [(2, 3), (4, 2), (6, 4)])
def test_colours_of_16_bits_are_read_or_refused_but_never_black(colour: int, bands: int, tmp_path: Path) -> None:
    wide = np.repeat(STAIRS.astype(np.uint16)[..., None] * 257, bands, 2)
    if bands in (2, 4):
        wide[..., -1] = 65_535
    (tmp_path / "x.png").write_bytes(_png(colour, wide))
    assert abs(image.load_picture(tmp_path / "x.png", 1).astype(int) - STAIRS).max() <= 1
    (tmp_path / "y.png").write_bytes(
        _png(colour, np.where(np.arange(bands) == bands - 1 + bands % 2, wide, wide // 64))
    )
    with pytest.raises(UserError, match=r"colours of 16 bits that reach only .* of 65,535 would be nearly black"):
        image.load_picture(tmp_path / "y.png", 1)


def test_one_bit_palettes_and_pages_are_what_they_show(tmp_path: Path) -> None:
    Image.fromarray(STAIRS > 127).save(tmp_path / "x.png")
    assert np.array_equal(image.load_picture(tmp_path / "x.png", 1), np.where(STAIRS > 127, 255, 0))
    Image.fromarray(STAIRS).convert("P").save(tmp_path / "y.png")
    assert abs(image.load_picture(tmp_path / "y.png", 1).astype(int) - STAIRS).max() <= 1
    pages = [Image.fromarray(page) for page in (STAIRS, 255 - STAIRS)]
    pages[0].save(tmp_path / "z.tif", save_all=True, append_images=pages[1:])
    assert np.array_equal(image.load_picture(tmp_path / "z.tif", 1), STAIRS)


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(tmp_path / "x.tif")
    with pytest.raises(UserError, match="it holds values that are no numbers"):
        image.load_picture(tmp_path / "x.tif", 1)


def test_a_giant_picture_is_refused_and_a_giant_photograph_read_smaller(tmp_path: Path) -> None:
    Image.new("1", (8000, 8000)).save(tmp_path / "x.png")
    with pytest.raises(UserError, match="8000x8000 pixels, more than 50,000,000"):
        image.load_picture(tmp_path / "x.png", 1)
    Image.new("L", (8000, 8000), 200).save(tmp_path / "x.jpg")
    read = image.load_picture(tmp_path / "x.jpg", 1)
    assert read.shape == (2000, 2000)
    assert abs(int(read[5, 5]) - 200) <= 1


def test_damage_of_any_kind_is_a_users_error(tmp_path: Path) -> None:
    source, path = random.Random(0), tmp_path / "x"
    for format in set(image._formats()) & {"PNG", "JPEG", "TIFF", "GIF", "BMP", "TGA", "PPM", "AVIF", "WEBP", "ICO"}:
        whole = io.BytesIO()
        Image.fromarray(STAIRS).convert("RGB" if format == "AVIF" else "L").save(whole, format)
        for _ in range(40):
            spoilt = bytearray(whole.getvalue())
            for _ in range(3):
                spoilt[source.randrange(min(len(spoilt), 100))] = source.randrange(256)
            path.write_bytes(spoilt[: source.randrange(1, 2 * len(spoilt))])
            with suppress(UserError):  # anything else is a bug
                image.load_picture(path, 1)
