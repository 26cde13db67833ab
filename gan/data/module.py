"""A data set, split into images to train on and references to evaluate against."""

import logging
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor

from gan.data import review
from gan.data.batch import Batches, Images
from gan.data.floor import choose_floor
from gan.data.integrity import unpack, verify_file
from gan.data.labels import as_classes, hide, missing, rows, validate_labelled
from gan.data.mapped import Mapped, Part
from gan.error import UserError
from gan.names import MOST, shown, validate_names
from gan.validate import integer

JUDGE_BATCH = 250  # fixed, so that the batch size of training changes no figure; the fastest on a CPU
IN_MEMORY_BYTES = 2**29  # a mapped file up to this size is read into memory, which is faster
OTHERS = 100_000  # training images that represent all of a set that stays mapped

SIZES = (4, 1024)  # pixels of a side
MOST_IMAGES = 10**9  # of a batch or a reference
MOST_BYTES = 2**32  # of repeated images


class Unavailable(FileNotFoundError):
    """The data set is neither on this machine nor can it be downloaded."""


class ImageData(LightningDataModule):
    """All training images of a data set, and two references for evaluation.

    ``val``: up to ``judge_images`` training images, a fixed choice. ``test``: the first
    ``judge_images`` of the official test set, which neither training nor the choice of a checkpoint
    sees. Each has a floor: as many other real training images, whose score a perfect generator
    would get. Image i of a floor has the class of image i of its reference: their shares of the
    classes are equal. Where a small set lacks images of a class, others take their places, and a
    line says how many.

    ``dataset(root, train=..., download=...)`` has ``data``, bytes [N, H, W] or [N, C, H, W], and
    ``targets``. ``md5`` maps files under ``root`` to their sums; None: their format is checked. A
    large mapped file stays mapped. ``batch_size`` is the total over all devices. An epoch shows an
    image ``repeat`` times, for sets too small to evaluate after each pass. With ``labelled``, only
    so many labels of a class are known in training, by ``seed``; the others are -1, as are those
    that a file leaves open; ``known`` counts the known ones. ``described`` takes it, the class
    names, see :mod:`gan.names`, and the settings that only the configuration uses: name, tag,
    fallback and classifier.

    Raises Unavailable for missing files that cannot be downloaded, UserError for a damaged file.
    """

    is_divided = False  # whether the test images are a random part of one pool

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
        if not isinstance(md5, Mapping) or not all(isinstance(known, str | None) for known in md5.values()):
            raise UserError(f"data.md5 must be sums or null by the names of files, got {md5}")
        self.dataset, self.root, self.is_own = dataset, _validate_root(root), not md5
        self._typed_root = str(self.root) if str(root) else ""  # Path("") would be the current folder
        size = integer("data.size", size, *SIZES)
        if integer("data.channels", channels, 1, 3) == 2:
            raise UserError(f"data.channels must be 1 or 3, got {channels}")
        self.shape, self.classes = (channels, size, size), integer("data.classes", classes, 1, MOST)
        self.names, self.name = validate_names(described.pop("names", None), classes), str(described.get("name", "own"))
        for setting in described.keys() & {"name", "tag", "fallback", "classifier"}:
            if not isinstance(described[setting], str):
                raise UserError(f"data.{setting} must be a text, got {described[setting]}: leave it out")
        self.batch_size = integer("batch_size", batch_size, 1, MOST_IMAGES)
        self.judge_images = integer("data.judge_images", judge_images, 2, MOST_IMAGES)
        self.seed = integer("data.seed", seed, 0, 2**32 - 1)
        self.repeat = integer("data.repeat", repeat, 1, MOST_IMAGES)
        self.labelled, self.known = validate_labelled(described.pop("labelled", None), classes), 0
        self.splits: dict[str, Images] = {}  # in memory, or mapped
        self._placed: dict[str, Images] = {}  # on the trainer's device
        for name, known in md5.items():
            unpack(self.root, name, known)
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
        self._report(train, test)
        shown = len(train) * self.repeat
        if self.batch_size > shown:
            raise UserError(f"batch_size={self.batch_size} is more than the {shown} training images of an epoch")
        if self.repeat > 1 and self.repeat * train.images.nbytes > MOST_BYTES:
            most = max(1, MOST_BYTES // train.images.nbytes)
            raise UserError(f"data.repeat must be {most} or less for the {len(train):,} images, got {self.repeat}")
        if self.repeat > 1 and isinstance(train, Mapped):
            raise UserError(f"data.repeat must be 1 for a set as large as {self.root}, got {self.repeat}")
        shuffled = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))
        held = min(self.judge_images, len(train) // 2)
        self._train, self._rest = train, shuffled[held:]
        self.splits = {
            "train": self._shown(train),
            "val": train.take(shuffled[:held]),
            "test": test.take(torch.arange(min(self.judge_images, len(test)))),
        }
        for split, order in (("val", self._rest), ("test", shuffled)):
            self.splits[f"{split}_floor"] = choose_floor(train, order, self.splits[split], split)

    def _shown(self, train: Images) -> Images:
        """The images of an epoch, with the labels that training knows; sets ``known``."""
        labels = train.labels
        if self.labelled:
            labels = hide(labels, self._rest, self.classes, self.labelled, self.seed)
        self.known = int((labels >= 0).sum())
        if self.known == len(train) and self.repeat == 1:
            return train
        if isinstance(train, Mapped):
            raise UserError(f"data: training must know all labels of a set as large as {self.root}")
        shown = rows(labels, self.repeat)
        return Images(train.images[shown], labels[shown])

    def _load(self, train: bool) -> Images:
        part = self.dataset(self._typed_root, train=train, download=False)
        self.is_divided = isinstance(part.data, Part)
        data, rows = (part.data.array, part.data.rows) if isinstance(part.data, Part) else (part.data, None)
        shape = tuple(data.shape[1:]) if len(data.shape) == 4 else (1, *data.shape[1:])
        if shape != self.shape:
            raise self._shape_error(shape)
        count = len(data) if rows is None else len(rows)
        raw = np.asarray(part.targets)
        if len(raw) != count or not count:
            kind = "training" if train else "test"
            raise UserError(f"data: {self.root} has {count} {kind} images and {len(raw)} labels: each needs a label")
        labels = as_classes(raw, self.names, f"the {count} images of {self.root}")
        if not train and (labels < 0).any():
            raise UserError(f"data: {int((labels < 0).sum())} test images of {self.root} have no label: leave them out")
        if isinstance(data, np.memmap) and data.nbytes > IN_MEMORY_BYTES:
            return Mapped(data, labels, rows)
        if rows is not None:
            data = data[rows.numpy()]
        if isinstance(data, np.memmap):
            data = np.array(data)
        return Images(torch.as_tensor(data).view(-1, *shape), labels)

    def _shape_error(self, shape: tuple[int, ...]) -> UserError:
        channels, height, width = shape
        if height == width and channels in (1, 3) and SIZES[0] <= height <= SIZES[1]:
            remedy = f"type data.size={height} data.channels={channels}"
        else:
            remedy = "they must be squares of 1 or 3 channels"
        return UserError(f"data: images are {shape}, but data.channels and data.size say {self.shape}: {remedy}")

    @property
    def size(self) -> int:
        """The number of training images."""
        return len(self._train)

    def describe(self) -> str:
        """The data set, its classes and how many images there are, in one line."""
        self.setup()
        return self._described

    def _report(self, train: Images, test: Images) -> None:
        """Print what was loaded, once; refuse or warn of what is wrong in a set of one's own."""
        counts = f"{len(train):,} training images, {len(test):,} test images"
        many = "1 class" if self.classes == 1 else f"{self.classes} classes"
        self._described = f"data={self.name}: {many} ({shown(self.names)}), {counts}"
        if self._typed_root and self.is_own:  # a training's header describes the others
            review.log_once(logging.INFO, self._described)
        if self.is_own:
            review.require_classes(train.labels, test.labels, self.names)
            if absent := missing(test.labels, self.names):
                line = f"data: there are no test images of {shown(absent)}: scores ignore them"
                review.log_once(logging.WARNING, line)

    def like(self, labels: Tensor) -> Tensor:
        """Validation images [N, C, H, W], bytes on the CPU, of the classes ``labels`` [N].

        -1 is any class. Images come in the order of the split; a class with too few repeats them.
        """
        self.setup()
        reference = self.splits["val"]
        turns: dict[int, Iterator[int]] = {}
        for label in labels.unique().tolist():
            found = torch.arange(len(reference)) if label < 0 else (reference.labels == label).nonzero()[:, 0]
            turns[label] = cycle(found.tolist() or [0])
        return reference.take(torch.tensor([next(turns[label]) for label in labels.tolist()])).images.cpu()

    def others(self, split: str) -> Images:
        """The training images, each once, without the reference of ``split`` (val or test).

        Of a mapped set, a fixed choice of 100,000.
        """
        self.setup()
        if isinstance(self._train, Mapped):
            return self._train.take(self._rest[:OTHERS])
        return self._train.take(self._rest) if split == "val" else self._train

    def fitting(self, most: int) -> Images:
        """Up to ``most`` training images with their labels, each once, to fit a classifier to."""
        self.setup()
        order = torch.randperm(len(self._train), generator=torch.Generator().manual_seed(0))
        order = order[self._train.labels[order] >= 0]
        return self._train.take(order[:most]) if len(self._train) > min(most, len(order)) else self._train

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


def _validate_root(root: object) -> Path:
    if not isinstance(root, str | Path):
        raise UserError(f"data.root must be a folder, or of data=arrays a file, got {root}")
    return Path(root).expanduser()
