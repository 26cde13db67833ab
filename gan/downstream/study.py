"""A study: its real images, and of each cell the synthetic digits and the classifiers' accuracy."""

import json
import math
import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor

from gan import cache, checkpoint, image, sample
from gan.cli import training
from gan.cli.check import check
from gan.cli.compose import compose, plain, quote
from gan.data import ImageData
from gan.downstream.cell import ARMS, NONE, Cell, Record, finished
from gan.error import UserError
from gan.file import atomic_write, load_json, sha256, write_text
from gan.metric import feature
from gan.network import Generator

Pair = tuple[Tensor, Tensor]  # images uint8 [N, C, H, W] and labels int64 [N]

# Overrides of train.py that each cell sets itself.
OWN = r"[+~]*(data|ckpt|init_from|run_dir|seed|callback|trainer\.(max_epochs|devices|num_nodes|limit_\w+))\b"


class Study:
    """A study: cells draw labelled images from ``pool``; classifiers are tested on ``judged``.

    Raises UserError for settings that would stop a cell later.
    """

    def __init__(self, cfg: DictConfig) -> None:
        settings = plain(cfg)
        self.data, self.train = settings["data"], settings["train"]
        self.classifier, self.fakes = settings["classifier"], settings["fakes"]
        self.gan, self.ckpt, self.split, self.folder = cfg.gan, cfg.ckpt, cfg.split, Path(cfg.run_dir)

        data: ImageData = instantiate(cfg.data, _convert_="all")
        pool = data.others("val")  # no validation image is in a cell, so that these can choose settings
        judged = data.splits[cfg.split]
        self.pool, self.judged = (pool.images, pool.labels), (judged.images, judged.labels)
        self.classes, self.training_images = data.classes, len(data.others("test"))
        self.sha256 = cache.key(*self.pool, *self.judged)
        least, label = torch.bincount(pool.labels, minlength=data.classes).min(0)
        if max(cfg.labels) > least:
            has = f"class {label} of data={cfg.data.name} has beside its validation images"
            raise UserError(f"labels: {max(cfg.labels)} a class are more than the {least} that {has}")
        if cfg.gan == "ckpt":
            self.load_generator()
        else:
            self.validate_training(min(cfg.labels))

    def record_settings(self) -> None:
        """Write the settings into the folder. Raises UserError if it holds others."""
        path = self.folder / "settings.json"
        known = load_json(path) if path.is_file() else {}
        for source in (NONE, self.gan):
            asked = self._settings(source)
            for name, value in known.setdefault(source, asked).items():
                if asked[name] != value:
                    raise UserError(f"{self.folder} holds a study with another {name}: choose another run_dir")
        write_text(json.dumps(known, indent=1), path)

    def _settings(self, source: str) -> Record:
        """All that a cell's accuracies depend on, besides its labels and its seed."""
        name = self.data["name"]
        asked = {"data": name, "data_sha256": self.sha256, "split": self.split, "classifier": self.classifier}
        if source == "few":
            asked |= {"fakes": self.fakes, "train": self.train}
        if source == "ckpt":
            path = Path(self.ckpt or checkpoint.SHIPPED)
            data = checkpoint.provenance(path).get("data", "")
            saw = f"all {self.training_images:,} training images" if data == name else f"the images of data={data}"
            asked |= {"fakes": self.fakes, "ckpt_sha256": sha256(path), "saw": saw}
        return asked

    def run_cells(self, cells: list[Cell]) -> None:
        """Run the cells that have no record yet, and print a line on each."""
        known = finished(self.folder)
        left = [cell for cell in cells if cell not in known]
        for done, cell in enumerate(left, 1):
            record = known[cell] = self.run_cell(cell)
            accuracy = ", ".join(f"{arm} {record['accuracy'][arm]:.2%}" for arm in ARMS)
            took = f"{record['seconds']:.0f} s, about {_estimate_seconds(known, left[done:]) / 60:.0f} minutes to go"
            name = f"{cell.source}, {cell.labels} labels a class, seed {cell.seed}"
            print(f"{name}: {accuracy}; {took}", flush=True)  # noqa: T201

    def run_cell(self, cell: Cell) -> Record:
        """Find the accuracy of a cell, without and with augmentation, and write its record."""
        began = time.perf_counter()
        index = choose_labelled(self.pool[1], self.classes, cell.labels, cell.seed)
        real = self.pool[0][index], self.pool[1][index]
        fake = None if cell.source == NONE else self._make_fakes(real, cell)
        seconds = round(time.perf_counter() - began, 1)
        accuracy = {arm: self.measure_accuracy(real, fake, augmented, cell.seed) for arm, augmented in ARMS.items()}
        record = {**cell._asdict(), "accuracy": accuracy, "gan_seconds": seconds}
        record["seconds"] = round(time.perf_counter() - began, 1)
        write_text(json.dumps(record, indent=1), self.folder / f"{cell.name}.json")
        return record

    def measure_accuracy(self, real: Pair, fake: Pair | None, augmented: bool, seed: int) -> float:
        """The accuracy of a classifier on the judged images, after a fixed number of steps."""
        steps, size, lr, bf16 = (self.classifier[name] for name in ("steps", "batch_size", "lr", "bf16"))
        batches = draw_batches(real, fake, size, self.fakes["share"], augmented, seed)
        (fitted,) = feature.learn(batches, self.classes, steps, lr, seed, bf16, every=steps)
        return feature.accuracy(feature.Frozen(fitted).classifier, *self.judged)

    def _make_fakes(self, real: Pair, cell: Cell) -> Pair:
        """The synthetic digits of a cell; a picture of the first lies beside its record."""
        generator = self.train_generator(real, cell) if cell.source == "few" else self.load_generator()
        fake = draw_fakes(generator, self.fakes["count"], cell.seed)
        columns = sample.columns(self.classes)
        shown = image.grid(image.to_float(fake[0][: 8 * columns]), columns)
        image.save(shown, self.folder / f"{cell.name}.png")
        return fake

    def load_generator(self) -> Generator:
        """The generator of ``ckpt``. Raises UserError if it was not made for this data."""
        generator, name = checkpoint.generator(self.ckpt), self.data["name"]
        if generator.classes != self.classes:
            has = f"{generator.classes or 'no'} classes, and data={name} has {self.classes}"
            raise UserError(f"ckpt: the generator has {has}: choose one trained on this data")
        shape = (self.data["channels"], self.data["size"], self.data["size"])
        if generator.shape != shape:
            makes, needs = ("x".join(map(str, sides)) for sides in (generator.shape, shape))
            raise UserError(f"ckpt: the generator makes images of {makes}, and data={name} has {needs}")
        return generator

    def validate_training(self, labels: int) -> None:
        """Raise UserError for ``train.words`` that cannot train the GAN of a cell."""
        words = self.train["words"]
        for word in words:
            if re.match(OWN, word):
                raise UserError(f"train.words: {word} cannot be set: each GAN starts anew, from its own images alone")
        try:
            check("train", words)
        except UserError as error:
            raise UserError(f"train.words: {error}") from None
        config = compose("train", [*self.train_overrides(self.folder, labels, 0), "run_dir=."])
        if config.model.generator.get("classes", 0) != self.classes:
            raise UserError(f"train.words: the GAN must know the {self.classes} labels: choose another network")

    def train_overrides(self, folder: Path, labels: int, seed: int) -> list[str]:
        """The overrides of ``train.py`` for the ``labels`` images a class in ``folder``."""
        train, data = self.train, self.data
        batch = compose("train", [*train["words"], "run_dir=."]).batch_size
        steps = math.ceil(train["images"] / train["epochs"] / batch)  # of an epoch
        return [
            "data=memory_mapped",
            *(f"data.{name}={data[name]}" for name in ("size", "channels", "classes")),
            quote(f"data.root={folder.absolute()}"),
            f"data.repeat={math.ceil(steps * batch / (labels * data['classes']))}",
            f"trainer.max_epochs={train['epochs']}",
            f"trainer.limit_train_batches={steps}",
            f"trainer.log_every_n_steps={min(steps, 50)}",
            "trainer.limit_val_batches=0",  # longer than training, with a classifier that saw all labels
            "+trainer.enable_progress_bar=false",
            "callback=[finite,speed,result,checkpoint]",
            "~callback.best",  # nothing is validated: the last epoch counts
            f"seed={seed}",
            *train["words"],
        ]

    def train_generator(self, real: Pair, cell: Cell) -> Generator:
        """Train a GAN on ``real`` alone, or continue its training; return its generator."""
        folder = self.folder / cell.name
        for name, part in zip(("images", "labels"), real, strict=True):
            for split in ("", "test_"):  # the same images as test set, or some would be held out
                with atomic_write(folder / f"{split}{name}.npy") as partial, partial.open("wb") as file:
                    np.save(file, part.numpy())
        overrides = self.train_overrides(folder, cell.labels, cell.seed)
        config, last = compose("train", [*overrides, "run_dir=."]), folder / "last.ckpt"
        config.run_dir = str(folder)
        if last.is_file() and checkpoint.load_contents(last)["hyper_parameters"]["overrides"] == overrides:
            config.ckpt = str(last)
        training.fit(config, overrides)
        return checkpoint.generator(last)


def _estimate_seconds(known: dict[Cell, Record], left: list[Cell]) -> float:
    """The duration of the cells ``left``: for each the mean of its source, or else of all."""
    total = 0.0
    for cell in left:
        same = [one["seconds"] for one in known.values() if one["source"] == cell.source]
        total += statistics.mean(same or [one["seconds"] for one in known.values()])
    return total


def choose_labelled(labels: Tensor, classes: int, each: int, seed: int) -> Tensor:
    """Indices int64 [classes * each] of random images; those of a larger ``each`` contain these."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    return torch.cat([order[labels[order] == label][:each] for label in range(classes)])


def draw_fakes(generator: Generator, count: int, seed: int) -> Pair:
    """``count`` digits as bytes, and the balanced labels that they were generated from.

    All are kept: a classifier that selects among them would bring in what it knows of all labels.
    """
    seeds = torch.arange(count) + seed * count
    y = sample.labels(seeds, generator.classes)
    return torch.cat([image.to_uint8(x) for x in sample.generate(generator, seeds, y)]), y


def draw_batches(real: Pair, fake: Pair | None, size: int, share: float, augmented: bool, seed: int) -> Iterator[Pair]:
    """Endless batches x [N, C, H, W] in [-1, 1], y [N], a ``share`` fake; jittered if augmented."""
    source = torch.Generator().manual_seed(seed)
    fakes, fake = (round(size * share), fake) if fake else (0, real)
    of_real, of_fake = _draw_indices(len(real[1]), size - fakes, source), _draw_indices(len(fake[1]), fakes, source)
    for i, j in zip(of_real, of_fake, strict=True):
        x, y = feature.floats(torch.cat([real[0][i], fake[0][j]])), torch.cat([real[1][i], fake[1][j]])
        yield feature.jitter(x, source) if augmented else x, y


def _draw_indices(count: int, size: int, source: torch.Generator) -> Iterator[Tensor]:
    """Endless batches of indices below ``count``, in rounds that have each index once."""
    left = torch.empty(0).long()
    while True:
        while len(left) < size:
            left = torch.cat([left, torch.randperm(count, generator=source)])
        yield left[:size]
        left = left[size:]
