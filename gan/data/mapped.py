"""Images in a file that is mapped into memory and read as they are asked for: a set may be larger than memory."""

import mmap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gan.data.batch import Batch, Images
from gan.image import to_float

ROWS = 128  # images read before their pages are given back: a system may map 2 MiB around each


class Mapped(Images):
    """Images as in memory, of a mapped file; the pages that were read are given back at once.

    They stay in the system's cache as long as it has room, but do not count as this process's memory.
    """

    def __init__(self, array: np.memmap, labels: Tensor) -> None:
        images = torch.from_numpy(array)
        super().__init__(images.unsqueeze(1) if images.ndim == 3 else images, labels)
        self._file = getattr(array, "_mmap", None)

    def __getitem__(self, index: int) -> Batch:
        image, label = self.__getitems__([index])
        return image[0], label[0]

    def __getitems__(self, indices: Sequence[int] | Tensor) -> Batch:
        """The batch at ``indices``."""
        found = self.take(torch.as_tensor(indices))
        return to_float(found.images), found.labels

    def take(self, index: Tensor) -> Images:
        """The subset at int64 ``index``, in memory."""
        images = self.images.new_empty(len(index), *self.images.shape[1:])
        for place, part in zip(images.split(ROWS), index.split(ROWS), strict=True):
            torch.index_select(self.images, 0, part, out=place)
            if self._file is not None and hasattr(mmap, "MADV_DONTNEED"):
                self._file.madvise(mmap.MADV_DONTNEED)
        return Images(images, self.labels[index])

    def on(self, device: torch.device) -> Images:
        """Themselves: they stay where they are, whatever the device."""
        return self


def array(path: Path) -> np.memmap:
    """A mapped .npy file. Copied on write, so that torch takes it for writable; nothing ever writes.

    Raises FileNotFoundError, or ValueError with the file's name where it is damaged or no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"data: {path} does not exist: data.root must be a folder with images.npy and labels.npy")
    try:
        found: np.memmap = np.load(path, mmap_mode="c")
        assert isinstance(found, np.memmap)
    except (ValueError, EOFError, OSError, AssertionError) as error:
        raise ValueError(f"data: {path} is damaged, truncated or no .npy file: make it anew with numpy.save") from error
    return found


class MemoryMapped:
    """A folder with ``images.npy``, uint8 [N, H, W] or [N, C, H, W], light on dark, and ``labels.npy``, integers [N] from 0.

    ``test_images.npy`` and ``test_labels.npy`` are the test set, else the last ``test_share`` of the images. ``data`` is
    mapped. Raises ValueError with the file's name for one that is damaged or not as described.
    """

    def __init__(self, root: str, train: bool, download: bool = False, test_share: float = 1 / 7) -> None:
        folder = Path(root).expanduser()
        own = (folder / "test_images.npy").exists()
        before = "" if train or not own else "test_"
        data, labels = (folder / f"{before}{name}.npy" for name in ("images", "labels"))
        images, targets = array(data), array(labels)
        if images.dtype != np.uint8 or images.ndim not in (3, 4):
            raise ValueError(f"data: {data} must be uint8 [N, H, W] or [N, C, H, W], is {images.dtype} {list(images.shape)}")
        if targets.dtype.kind not in "iu" or targets.shape != images.shape[:1]:
            raise ValueError(f"data: {labels} must be {len(images)} integers, is {targets.dtype} {list(targets.shape)}")
        if not 0 < test_share < 1:
            raise ValueError(f"data.dataset.test_share must be in (0, 1), got {test_share}")
        held = len(images) if own else round(len(images) * (1 - test_share))
        part = slice(held) if train or own else slice(held, None)
        self.data = images[part]
        self.targets = torch.from_numpy(np.array(targets[part], dtype=np.int64))
