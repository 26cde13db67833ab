"""Images as people store them: bytes, numbers or floats, channels first or last, or as rows."""

import math

import numpy as np

from gan.data.idx import MOST_BYTES
from gan.error import UserError

ROWS = 4096  # images that are converted at once
SEEN = 1000  # images that tell whether bytes are 0 and 1 only


def as_images(raw: np.ndarray, origin: str) -> np.ndarray:
    """Bytes [N, H, W] or [N, C, H, W] of numbers in any usual layout and scale.

    Channels come first or last; a row of H*H numbers is a square. Values are 0 to 255, or 0 to 1,
    which are multiplied by 255. Bytes stay a view, mapped or not. Raises UserError for the rest,
    naming ``origin``.
    """
    images = _arrange(raw, origin)
    if images.dtype == np.uint8 and images[:SEEN].max() > 1:
        return images
    if images.dtype.kind not in "buif":
        raise UserError(f"data: {origin} must be numbers, is {images.dtype}: save them as uint8, 0 to 255")
    if images.nbytes > MOST_BYTES:
        kind = f"{images.dtype} of {images.nbytes:,} bytes"
        raise UserError(f"data: {origin} is {kind}: save it as uint8, 0 to 255, which can be mapped")
    chunks = [images[start : start + ROWS] for start in range(0, len(images), ROWS)]
    low, high = float(min(chunk.min() for chunk in chunks)), float(max(chunk.max() for chunk in chunks))
    if not (0 <= low < high <= 255):  # NaN, too
        raise UserError(f"data: {origin} has values from {low:g} to {high:g}: {_remedy(low, high)}")
    factor = 255 if high <= 1 else 1
    result = np.empty(images.shape, np.uint8)
    for chunk, out in zip(chunks, np.split(result, range(ROWS, len(result), ROWS)), strict=True):
        np.rint(chunk.astype(np.float32) * factor, out=out, casting="unsafe")
    return result


def _remedy(low: float, high: float) -> str:
    if not math.isfinite(low + high):
        return "NaN and infinity are no pixels; save uint8, 0 to 255"
    if low == high:
        return "all pixels are equal"
    return f"save {'(x + 1) * 127.5' if low >= -1 and high <= 1 else 'them'} as uint8, 0 (black) to 255 (white)"


def _arrange(raw: np.ndarray, origin: str) -> np.ndarray:
    """A view [N, H, W] or [N, C, H, W]."""
    shape = raw.shape
    side = math.isqrt(shape[1]) if len(shape) == 2 else 0
    if not len(raw):
        raise UserError(f"data: {origin} is empty: it must have images")
    if side > 1 and side * side == shape[1]:
        return raw.reshape(-1, side, side)
    if len(shape) == 3 or (len(shape) == 4 and shape[1] in (1, 3)):
        return raw
    if len(shape) == 4 and shape[3] in (1, 3):
        return raw.transpose(0, 3, 1, 2)
    rule = "[N, H, W], [N, C, H, W] or [N, H, W, C] of 1 or 3 channels, or rows of H*H pixels"
    opaque = "; save them without opacity" if len(shape) == 4 and 4 in (shape[1], shape[3]) else ""
    raise UserError(f"data: {origin} must be {rule}, is {raw.dtype} {list(shape)}{opaque}")
