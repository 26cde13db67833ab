"""A data set, split into images to train on and references to evaluate against."""

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
from gan.data.integrity import verify_file
from gan.data.mapped import Mapped
from gan.error import UserError
from gan.names import validate_names

JUDGE_BATCH = 250  # fixed, so that the batch size of training changes no figure; the fastest on a CPU
IN_MEMORY_BYTES = 2**29  # a mapped file up to this size is read into memory, which is faster
OTHERS = 100_000  # training images that represent all of a set that stays mapped


class Unavailable(FileNotFoundError):
    """The data set is neither on this machine nor can it be downloaded."""


class ImageData(LightningDataModule):
    """All training images of a data set, and two references for evaluation.

    ``val``: up to ``judge_images`` training images, a fixed choice. ``test``: the first
    ``judge_images`` of the official test set, which neither training nor the choice of a checkpoint
    sees. Each has a floor: as many other real images, whose score a perfect generator would get.

    ``dataset(root, train=..., download=...)`` has ``data``, bytes [N, H, W] or [N, C, H, W], and
    ``targets``. ``md5`` maps files under ``root`` to their sums; None: their format is checked. A
    large mapped file stays mapped. ``batch_size`` is the total over all devices. An epoch shows an
    image ``repeat`` times, for sets too small to evaluate after each pass. ``described`` takes the
    class names, see :mod:`gan.names`, and the settings that only the configuration uses: name, tag,
    fallback and classifier.

    Raises Unavailable for missing files that cannot be downloaded, UserError for a damaged file.
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
            raise UserError(f"batch_size must be 1 or more, got {batch_size}")
        if judge_images < 2:
            raise UserError(f"data.judge_images must be 2 or more (10000 is the default), got {judge_images}")
        self.dataset, self.root = dataset, Path(root).expanduser()
        self.shape, self.classes = (channels, size, size), classes
        self.names = validate_names(described.get("names"), classes)
        self.batch_size, self.judge_images, self.seed, self.repeat = batch_size, judge_images, seed, repeat
        self.splits: dict[str, Images] = {}  # in memory, or mapped
        self._placed: dict[str, Images] = {}  # on the trainer's device
        if not all((self.root / name).is_file() for name in md5):
            self._download()
        for name, known in md5.items():
            verify_file(self.root / name, known)

    def _download(self) -> None:
        """Download into a temporary folder, then move the files: no reader finds half a file."""
        before = socket.getdefaulttimeout()
        socket.setdefaulttimeout(20)  # seconds
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.root, prefix=".download-") as aside:
                for part in (True, False):
                    self.dataset(aside, train=part, download=True)
                for path in list(Path(aside).rglob("*")):
                    if path.is_file() and path.suffix not in (".gz", ".zip", ".xz"):  # unpacked, of no use
                        place = self.root / path.relative_to(aside)
                        place.parent.mkdir(parents=True, exist_ok=True)
                        shutil.move(path, place)
        except (OSError, RuntimeError) as error:
            raise Unavailable(
                f"data: files are missing in {self.root} and cannot be downloaded ({' '.join(str(error).split())}): "
                "put them there, or point data.root or GAN_DATA at a folder that has them"
            ) from error
        finally:
            socket.setdefaulttimeout(before)

    def setup(self, stage: str | None = None) -> None:
        if self.splits:
            return
        train, test = self._load(train=True), self._load(train=False)
        shown = len(train) * self.repeat
        if self.batch_size > shown:
            raise UserError(f"batch_size={self.batch_size} is more than the {shown} training images of an epoch")
        if self.repeat > 1 and isinstance(train, Mapped):
            raise UserError(f"data.repeat must be 1 for a set as large as {self.root}, got {self.repeat}")
        shuffled = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
        held = min(self.judge_images, len(train) // 2)
        self._train, self._rest = train, shuffled[held:]
        self.splits = {
            "train": train.take(torch.arange(len(train)).repeat(self.repeat)) if self.repeat > 1 else train,
            "val": train.take(shuffled[:held]),
            "val_floor": train.take(shuffled[held : 2 * held]),
            "test": test.take(torch.arange(min(self.judge_images, len(test)))),
            "test_floor": train.take(shuffled[: min(held, len(test))]),
        }

    def _load(self, train: bool) -> Images:
        part = self.dataset(str(self.root), train=train, download=False)
        data, labels = part.data, torch.as_tensor(part.targets).long()
        shape = tuple(data.shape[1:]) if len(data.shape) == 4 else (1, *data.shape[1:])
        if shape != self.shape:
            raise UserError(f"data: images are {shape}, but data.channels and data.size say {self.shape}")
        if len(labels) != len(data) or not len(labels) or labels.min() < 0 or labels.max() >= self.classes:
            found = f"{len(labels)} from {labels.min()} to {labels.max()}" if len(labels) else "none"
            raise UserError(
                f"data: the {len(data)} images of {self.root} need as many labels from 0 to {self.classes - 1}, "
                f"as data.classes={self.classes} says; there are {found}"
            )
        if isinstance(data, np.memmap):
            if data.nbytes > IN_MEMORY_BYTES:
                return Mapped(data, labels)
            data = np.array(data)
        return Images(torch.as_tensor(data).view(-1, *shape), labels)

    def others(self, split: str) -> Images:
        """The training images, each once, without the reference of ``split`` (val or test).

        Of a mapped set, a fixed choice of 100,000.
        """
        self.setup()
        if isinstance(self._train, Mapped):
            return self._train.take(self._rest[:OTHERS])
        return self._train.take(self._rest) if split == "val" else self._train

    def fitting(self, most: int) -> Images:
        """Up to ``most`` training images, each once, to fit a classifier to."""
        self.setup()
        order = torch.randperm(len(self._train), generator=torch.Generator().manual_seed(0))
        return self._train.take(order[:most]) if len(order) > most else self._train

    def _processes(self) -> tuple[int, int]:
        """The number of processes, and which one this is."""
        return (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)

    def train_dataloader(self) -> Batches:
        self.setup()
        processes, _ = self._processes()
        if self.batch_size % processes:
            raise UserError(f"batch_size={self.batch_size} must be a multiple of the number of devices, {processes}")
        return self._batches("train", self.batch_size // processes, self.seed)

    def judge_dataloader(self, split: str) -> Batches:
        """Images of ``split`` (val, val_floor, test, test_floor) in a fixed order."""
        self.setup()
        return self._batches(split, JUDGE_BATCH // self._processes()[0])

    def _batches(self, split: str, batch: int, seed: int | None = None) -> Batches:
        device = self.trainer.strategy.root_device if self.trainer else torch.device("cpu")
        if split not in self._placed:  # kept for later epochs
            self._placed[split] = self.splits[split].on(device)
        return Batches(self._placed[split], batch, *self._processes(), seed)

    def val_dataloader(self) -> Batches:
        return self.judge_dataloader("val")

    def test_dataloader(self) -> Batches:
        return self.judge_dataloader("test")
