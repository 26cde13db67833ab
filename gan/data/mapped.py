"""Images in a memory-mapped file: a set may be larger than memory."""

import mmap
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gan.data.batch import Images
from gan.error import UserError
from gan.validate import number

SHARES = (0.001, 0.999)  # of the images that may be the test set
ROWS = 128  # images gathered before their pages are released: a system may map 2 MiB around each


class Part(NamedTuple):
    """The images of ``array`` at int64 ``rows``, which need not be in memory."""

    array: np.ndarray
    rows: Tensor


class Mapped(Images):
    """Images of a mapped file, whatever the device. Their pages are released after each read.

    They stay in the system's cache while it has room, but do not count as this process's memory.
    Image i is ``array[rows[i]]``.
    """

    def __init__(self, array: np.ndarray, labels: Tensor, rows: Tensor | None = None) -> None:
        images = torch.from_numpy(array)
        super().__init__(images.unsqueeze(1) if images.ndim == 3 else images, labels)
        self._file, self._rows = getattr(array, "_mmap", None), rows

    def take(self, index: Tensor) -> Images:
        images = self.images.new_empty(len(index), *self.images.shape[1:])
        places = index if self._rows is None else self._rows[index]
        for rows, part in zip(images.split(ROWS), places.split(ROWS), strict=True):
            torch.index_select(self.images, 0, part, out=rows)
            if self._file is not None and hasattr(mmap, "MADV_DONTNEED"):
                self._file.madvise(mmap.MADV_DONTNEED)
        return Images(images, self.labels[index])

    def on(self, device: torch.device) -> Images:
        return self


def map_array(path: Path) -> np.memmap:
    """Map a .npy file, copy on write: torch wants a writable array, though nothing is ever written.

    Raises FileNotFoundError, or UserError for a damaged file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"data: {path} does not exist: data.root needs an images.npy and a labels.npy")
    try:
        return np.lib.format.open_memmap(path, mode="c")
    except (ValueError, EOFError, OSError) as error:
        if "Python objects" in str(error):
            raise UserError(f"data: {path} holds Python objects, which are never loaded: save numbers") from error
        raise UserError(f"data: {path} is damaged, truncated or no .npy file: save it again") from error


class MemoryMapped:
    """``images.npy``, uint8 [N, H, W] or [N, C, H, W], light on dark, and ``labels.npy``, from 0.

    The test set is ``test_images.npy`` and ``test_labels.npy``, or else the last ``test_share`` of
    the images. :class:`gan.data.arrays.Arrays` divides each class instead, and reads more. Raises
    FileNotFoundError, or UserError for a damaged file or one of another format.
    """

    def __init__(self, root: str, train: bool, test_share: float, download: bool = False) -> None:
        folder = Path(root).expanduser()
        has_test = (folder / "test_images.npy").exists()
        prefix = "" if train or not has_test else "test_"
        data, labels = (folder / f"{prefix}{name}.npy" for name in ("images", "labels"))
        images, targets = map_array(data), map_array(labels)
        if images.dtype != np.uint8 or images.ndim not in (3, 4):
            wanted = "uint8 [N, H, W] or [N, C, H, W]"
            raise UserError(f"data: {data} must be {wanted}, is {images.dtype} {list(images.shape)}")
        if targets.dtype.kind not in "iu" or targets.shape != images.shape[:1]:
            raise UserError(f"data: {labels} must be {len(images)} integers, is {targets.dtype} {list(targets.shape)}")
        number("data.test_share", test_share, *SHARES)
        first_test = len(images) if has_test else round(len(images) * (1 - test_share))
        part = slice(first_test) if train or has_test else slice(first_test, None)
        self.data = images[part]
        self.targets = torch.from_numpy(np.array(targets[part], dtype=np.int64))
