"""What is said of a data set: missing classes, copies, dark ink on light paper."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
import torch
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from gan.data.labels import missing, settings
from gan.data.mapped import Mapped, Part
from gan.error import UserError
from gan.image import border
from gan.names import shown

log = logging.getLogger(__name__)
MOST_BYTES = 2**29  # of images that are compared, in a second
SEEN = 1000  # images whose borders are looked at
HARM = "scores look better than they are; remove one of each"  # of copies


@cache
@rank_zero_only
def log_once(level: int, line: str, place: Path | None = None) -> None:
    """Log a line on a ``place``, but not again in this process nor in those that share its work."""
    log.log(level, line)


def require_classes(train: Tensor, test: Tensor, names: Sequence[str]) -> None:
    """Raise UserError if a class has no training image."""
    if not (absent := missing(train, names)):
        return
    line = f"data: there are no training images of {shown(absent)}"
    if set(absent) & {names[label] for label in test.unique().tolist()}:
        raise UserError(f"{line}, but test images: put each class into both, or use data=arrays, which divides each")
    raise UserError(f"{line}: type {settings([names[label] for label in train.unique().tolist()])}, or add some")


def warnings(train: np.ndarray | Part, test: np.ndarray | Part) -> Iterator[str]:
    """Lines about copies and about images that are dark on light; bytes [N, (C,) H, W]."""
    if is_dark_on_light(train):
        yield "most images have a light border: ink must be light on dark, so save 255 - images"
    if _bytes(train) + _bytes(test) > MOST_BYTES:
        yield f"copies of training images among the test images are not looked for in over {MOST_BYTES:,} bytes"
    elif found := [*find_copies(map(digest, _all(train)), map(digest, _all(test)))]:
        few = ", ".join(map(str, found[:5])) + (", ..." if len(found) > 5 else "")
        many = f"{len(found):,} of the test images are copies of training images (number {few})"
        yield f"{many}: {HARM}"


def find_copies(train: Iterable[bytes], test: Iterable[bytes]) -> dict[int, int]:
    """Of each test image whose pixels are those of a training image, the places of both."""
    places = {content: place for place, content in enumerate(train)}
    return {i: places[content] for i, content in enumerate(test) if content in places}


def digest(image: np.ndarray) -> bytes:
    """A hash of the pixels of an image."""
    return blake2b(image.tobytes(), digest_size=16).digest()


def is_dark_on_light(images: np.ndarray | Part) -> bool:
    """Whether most images have a light border, as far as a sample tells; colour never has."""
    array, rows = images if isinstance(images, Part) else (images, torch.arange(len(images)))
    sample = rows[:: -(-len(rows) // SEEN)]
    some = Mapped(array, torch.zeros(len(array)), None).take(sample).images.numpy()  # leaves no pages in memory
    return some.shape[1] == 1 and sum(bool(border(image[0]) > 127.5) for image in some) > len(some) / 2


def _bytes(images: np.ndarray | Part) -> int:
    if isinstance(images, Part):
        return len(images.rows) * int(images.array[0].nbytes)
    return images.nbytes


def _all(images: np.ndarray | Part) -> np.ndarray:
    return np.asarray(images.array[images.rows.numpy()] if isinstance(images, Part) else images)
