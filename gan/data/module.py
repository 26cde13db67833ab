"""A data set cut into what is trained on and what is judged against."""

import shutil
import socket
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningDataModule

from gan.data.batch import Batches, Images
from gan.data.intact import check
from gan.data.mapped import Mapped

DOWNLOAD_TIMEOUT_SECONDS = 20
JUDGE_BATCH = 250  # fixed, so that the batch size of training never touches a figure; the fastest here
IN_MEMORY_BYTES = 2**29  # a mapped file up to this size is read whole: nothing is faster than memory
OTHERS = 100_000  # training images, of a set that stays mapped, that stand for all of them
ARCHIVES = {".gz", ".zip", ".xz"}  # of downloads, once unpacked


class Unavailable(FileNotFoundError):
    """The data set is neither on this machine nor to be had from the network."""


class ImageData(LightningDataModule):
    """A torchvision data set: all of its training images to train on, and two references to be judged against.

    ``val``: a fixed choice of up to ``judge_images`` training images. ``test``: the first ``judge_images`` of the
    official test set, which training and the choice of a checkpoint never see. Each has a floor: other real images, as
    many, whose score is what a perfect generator would get.

    ``dataset(root, train=..., download=...)`` gives ``data`` (bytes [N, H, W] or [N, C, H, W]) and ``targets``; ``md5``
    maps file names under ``root`` to their sums, or to None where none is known and the file's form is checked instead.
    A set that is a large mapped file stays one. ``batch_size`` is the total over all devices; an epoch shows each
    training image ``repeat`` times, so that an epoch of a small set is worth judging.

    What else describes the set (its name, tag, fallback and classifier) is for the configuration alone.

    Raises :class:`Unavailable` where files are missing and cannot be downloaded, ValueError where one is damaged.
    """

    def __init__(
        self,
        dataset: Callable[..., Any],
        md5: Mapping[str, str | None],
        root: str,
        size: int,
        channels: int,
        classes: int,
        batch_size: int,
        judge_images: int,
        seed: int,
        repeat: int = 1,
        **described: object,
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise ValueError(f"batch_size must be 1 or more, got {batch_size}")
        if judge_images < 2:
            raise ValueError(f"data.judge_images must be 2 or more (10000 is the protocol), got {judge_images}")
        self.dataset, self.md5, self.root = dataset, md5, Path(root).expanduser()
        self.shape = (channels, size, size)
        self.classes, self.batch_size, self.judge_images, self.seed = classes, batch_size, judge_images, seed
        self.repeat = repeat
        self.splits: dict[str, Images] = {}  # in memory, or mapped
        self._placed: dict[str, Images] = {}  # where the trainer's device finds them
        self._require_files()

    def _require_files(self) -> None:
        """Every file present and intact; what is missing is downloaded, all of it or nothing."""
        paths = {self.root / name: known for name, known in self.md5.items()}
        if not all(path.is_file() for path in paths):
            self._download()
        for path, known in paths.items():
            check(path, known)

    def _download(self) -> None:
        """Let torchvision download into a folder aside, then move the files: no reader ever meets half a file."""
        before = socket.getdefaulttimeout()
        socket.setdefaulttimeout(DOWNLOAD_TIMEOUT_SECONDS)
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.root, prefix=".download-") as aside:
                for part in (True, False):
                    self.dataset(aside, train=part, download=True)
                for path in [path for path in Path(aside).rglob("*") if path.is_file() and path.suffix not in ARCHIVES]:
                    place = self.root / path.relative_to(aside)
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.move(path, place)
        except (OSError, RuntimeError) as error:
            raise Unavailable(
                f"data: no complete data set in {self.root} and no download ({' '.join(str(error).split())}): "
                "put the files there, or point data.root or GAN_DATA at a folder that has them"
            ) from error
        finally:
            socket.setdefaulttimeout(before)

    def setup(self, stage: str | None = None) -> None:
        """Decode both parts once and cut the splits; further calls do nothing."""
        if self.splits:
            return
        train, test = (self._decode(train=part) for part in (True, False))
        if self.batch_size > (shown := len(train) * self.repeat):
            raise ValueError(f"batch_size={self.batch_size} is more than the {shown} training images of an epoch")
        shuffled = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
        held = min(self.judge_images, len(train) // 2)
        self._train, self._rest = train, shuffled[held:]
        self.splits = {
            "train": self._repeated(train),
            "val": train.take(shuffled[:held]),
            "val_floor": train.take(shuffled[held : 2 * held]),
            "test": test.take(torch.arange(min(self.judge_images, len(test)))),
            "test_floor": train.take(shuffled[: min(held, len(test))]),
        }

    def _repeated(self, train: Images) -> Images:
        if self.repeat > 1 and isinstance(train, Mapped):
            raise ValueError(f"data.repeat must be 1 for a set as large as {self.root}, got {self.repeat}")
        return train.take(torch.arange(len(train)).repeat(self.repeat)) if self.repeat > 1 else train

    def _decode(self, train: bool) -> Images:
        part = self.dataset(str(self.root), train=train, download=False)
        data, labels = part.data, torch.as_tensor(part.targets).long()
        shape = tuple(data.shape[1:]) if len(data.shape) == 4 else (1, *data.shape[1:])
        if shape != self.shape:
            raise ValueError(f"data: images are {shape}, but data.channels and data.size say {self.shape}")
        if len(labels) != len(data) or not len(labels) or labels.min() < 0 or labels.max() >= self.classes:
            known = f"{len(labels)} from {labels.min()} to {labels.max()}" if len(labels) else "none"
            raise ValueError(
                f"data: the {len(data)} images of {self.root} need as many labels from 0 to {self.classes - 1}, "
                f"as data.classes={self.classes} says; there are {known}"
            )
        if isinstance(data, np.memmap) and data.nbytes > IN_MEMORY_BYTES:
            return Mapped(data, labels)
        images = torch.as_tensor(np.array(data) if isinstance(data, np.memmap) else data)
        return Images(images.view(-1, *shape), labels)

    def others(self, split: str) -> Images:
        """The training images, each once, but for those that are the reference of ``split`` (val or test) too.

        Of a set too large for memory, a fixed choice of them.
        """
        self.setup()
        mapped = isinstance(self._train, Mapped)
        return self._train.take(self._rest[: OTHERS if mapped else None]) if mapped or split == "val" else self._train

    def fitting(self, most: int) -> Images:
        """Up to ``most`` training images, each once, in memory, as a classifier of the data may be fitted to."""
        self.setup()
        train = self._train
        if len(train) <= most:
            return train
        return train.take(torch.randperm(len(train), generator=torch.Generator().manual_seed(0))[:most])

    def _processes(self) -> tuple[int, int]:
        """How many processes share the work, and which this one is."""
        return (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)

    def train_dataloader(self) -> Batches:
        """Whole batches in an order that depends on seed and epoch alone."""
        self.setup()
        processes, _ = self._processes()
        if self.batch_size % processes:
            raise ValueError(f"batch_size={self.batch_size} is not a multiple of the {processes} devices that share it")
        return self._batches("train", self.batch_size // processes, self.seed)

    def judge_dataloader(self, split: str) -> Batches:
        """Images of ``split`` (val, val_floor, test, test_floor) in a fixed order, shared by turns among processes."""
        self.setup()
        return self._batches(split, JUDGE_BATCH // self._processes()[0])

    def _batches(self, split: str, batch: int, seed: int | None = None) -> Batches:
        device = self.trainer.strategy.root_device if self.trainer else torch.device("cpu")
        if split not in self._placed:
            self._placed[split] = self.splits[split].on(device)  # and stays there for the epochs to come
        return Batches(self._placed[split], batch, *self._processes(), seed)

    def val_dataloader(self) -> Batches:
        """The reference of ``val/`` figures."""
        return self.judge_dataloader("val")

    def test_dataloader(self) -> Batches:
        """The reference of ``test/`` figures."""
        return self.judge_dataloader("test")
