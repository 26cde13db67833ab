"""A study: its real images, and of each cell the synthetic digits and the classifiers' accuracy."""

import json
import math
import re
import statistics
import time
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
from gan.data.labels import choose_labelled
from gan.downstream import unlabelled
from gan.downstream.cell import ARMS, NONE, UNLABELLED, Cell, Record, finished
from gan.downstream.draw import Pair, draw_batches, draw_fakes
from gan.error import UserError
from gan.file import atomic_write, load_json, sha256, write_text
from gan.metric import feature
from gan.metric.classifier import Classifier
from gan.network import Discriminator, Generator, semi

# Overrides of train.py that each cell sets itself.
OWN = r"[+~]*(data|ckpt|init_from|run_dir|seed|callback|trainer\.(max_epochs|devices|num_nodes|limit_\w+))\b"


class Study:
    """A study: cells draw labelled images from ``pool``; classifiers are tested on ``judged``.

    Raises UserError for settings that would stop a cell later.
    """

    def __init__(self, cfg: DictConfig) -> None:
        settings = plain(cfg)
        self.data, self.unlabelled = settings["data"], settings["unlabelled"]
        self.train = self.unlabelled["train"] if cfg.gan == UNLABELLED else settings["train"]
        self.classifier, self.fakes = settings["classifier"], settings["fakes"]
        self.gan, self.ckpt, self.split, self.folder = cfg.gan, cfg.ckpt, cfg.split, Path(cfg.run_dir)

        data: ImageData = instantiate(cfg.data, _convert_="all")
        if data.labelled:
            raise UserError("data.labelled cannot be set: each cell has its own: choose labels=[10,20]")
        pool = data.others("val")  # no validation image is in a cell, so that these can choose settings
        judged = data.splits[cfg.split]
        self.pool, self.judged = (pool.images, pool.labels), (judged.images, judged.labels)
        self.classes, self.training_images = data.classes, len(data.others("test"))
        self.sha256 = cache.key(*self.pool, *self.judged)
        least, label = torch.bincount(pool.labels[pool.labels >= 0], minlength=data.classes).min(0)
        if max(cfg.labels) > least:
            has = f"class {label} of data={cfg.data.name} has beside its validation images"
            raise UserError(f"labels: {max(cfg.labels)} a class are more than the {least} that {has}")
        if cfg.gan == "ckpt":
            self.load_generator()
        else:
            self.validate_training(len(self.pool[1]) if cfg.gan == UNLABELLED else min(cfg.labels) * self.classes)
        if cfg.gan == UNLABELLED:
            self.reader = feature.load(self.data["classifier"])

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
        if source == UNLABELLED:
            asked |= {"fakes": self.fakes, "unlabelled": self.unlabelled}
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
            accuracy = ", ".join(f"{arm} {value:.2%}" for arm, value in record["accuracy"].items())
            took = f"{record['seconds']:.0f} s, about {_estimate_seconds(known, left[done:]) / 60:.0f} minutes to go"
            name = f"{cell.source}, {cell.labels} labels a class, seed {cell.seed}"
            print(f"{name}: {accuracy}; {took}", flush=True)  # noqa: T201

    def run_cell(self, cell: Cell) -> Record:
        """Find the accuracies of a cell, and write its record."""
        began = time.perf_counter()
        index = choose_labelled(self.pool[1], self.classes, cell.labels, cell.seed)
        measure = self._with_unlabelled if cell.source == UNLABELLED else self._with_labelled
        record = {**cell._asdict(), **measure(index, cell)}
        record["seconds"] = round(time.perf_counter() - began, 1)
        write_text(json.dumps(record, indent=1), self.folder / f"{cell.name}.json")
        return record

    def _with_labelled(self, index: Tensor, cell: Cell) -> Record:
        """Accuracies of classifiers that learn from the images at ``index`` and fakes alone."""
        began = time.perf_counter()
        real = self.pool[0][index], self.pool[1][index]
        fake = None
        if cell.source != NONE:
            generator = self.load_generator() if cell.source == "ckpt" else self.train_gan(real, real, cell)[0]
            fake = self._make_fakes(generator, cell)
        seconds = round(time.perf_counter() - began, 1)
        accuracy = {arm: self.measure_accuracy(real, fake, augmented, cell.seed) for arm, augmented in ARMS.items()}
        return {"accuracy": accuracy, "gan_seconds": seconds}

    def _with_unlabelled(self, index: Tensor, cell: Cell) -> Record:
        """Accuracies of METHODS, which know the labels at ``index``; figures of the GAN."""
        real, seed = (self.pool[0][index], self.pool[1][index]), cell.seed
        known = torch.full_like(self.pool[1], -1).index_copy(0, index, real[1])
        began = time.perf_counter()
        generator, discriminator = self.train_gan((self.pool[0], known), real, cell)
        assert isinstance(discriminator, semi.Discriminator)
        fake, seconds = self._make_fakes(generator, cell), round(time.perf_counter() - began, 1)

        labelled, others, share = self.unlabelled["labelled"], self.unlabelled["others"], self.fakes["share"]
        lr, bf16, steps = self.unlabelled["lr"], self.classifier["bf16"], self.unlabelled["steps"]

        def learn(method: unlabelled.Method, fake: Pair | None = None) -> Classifier:
            of_labelled = draw_batches(real, fake, labelled, share, augmented=True, seed=seed)
            of_others = draw_batches((self.pool[0], known), None, others, share, augmented=False, seed=seed)
            return unlabelled.learn(of_labelled, of_others, method, self.classes, steps, lr, seed, bf16)

        learned: dict[str, feature.Reader] = {
            "pseudo": learn(unlabelled.PseudoLabels(seed)),
            "consistency": learn(unlabelled.Consistency(seed, self.classes)),
            "discriminator": lambda x: (x, discriminator.classify(x)),
            "both": learn(unlabelled.Consistency(seed, self.classes), fake),
        }
        accuracy = {arm: feature.accuracy(classifier, *self.judged) for arm, classifier in learned.items()}
        agreement = feature.accuracy(self.reader, *fake)
        alone = draw_batches(fake, None, labelled + others, share, augmented=True, seed=seed)
        (fitted,) = feature.learn(alone, self.classes, steps, lr, seed, bf16, every=steps)
        cas = feature.accuracy(fitted, *self.judged)
        return {"accuracy": accuracy, "label_agreement": agreement, "cas": cas, "gan_seconds": seconds}

    def measure_accuracy(self, real: Pair, fake: Pair | None, augmented: bool, seed: int) -> float:
        """The accuracy of a classifier on the judged images, after a fixed number of steps."""
        steps, size, lr, bf16 = (self.classifier[name] for name in ("steps", "batch_size", "lr", "bf16"))
        batches = draw_batches(real, fake, size, self.fakes["share"], augmented, seed)
        (fitted,) = feature.learn(batches, self.classes, steps, lr, seed, bf16, every=steps)
        return feature.accuracy(feature.Frozen(fitted).classifier, *self.judged)

    def _make_fakes(self, generator: Generator, cell: Cell) -> Pair:
        """The synthetic digits of a cell; a picture of the first lies beside its record."""
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

    def validate_training(self, images: int) -> None:
        """Raise UserError for words that cannot train the GAN of a cell with so many images."""
        words, setting = self.train["words"], "unlabelled.train.words" if self.gan == UNLABELLED else "train.words"
        for word in words:
            if re.match(OWN, word):
                raise UserError(f"{setting}: {word} cannot be set: each GAN starts anew, from its own images alone")
        try:
            check("train", words)
        except UserError as error:
            raise UserError(f"{setting}: {error}") from None
        config = compose("train", [*self.train_overrides(self.folder, images, 0), "run_dir=."])
        if config.model.generator.get("classes", 0) != self.classes:
            raise UserError(f"{setting}: the GAN must know the {self.classes} labels: choose another network")
        if self.gan == UNLABELLED and instantiate(config.network.discriminator).needs_labels:
            raise UserError(f"{setting}: the GAN must guess labels: choose network=semi or experiment=semi")

    def train_overrides(self, folder: Path, images: int, seed: int) -> list[str]:
        """The overrides of ``train.py`` for so many ``images`` in ``folder``."""
        train, data = self.train, self.data
        batch = compose("train", [*train["words"], "run_dir=."]).batch_size
        steps = math.ceil(train["images"] / train["epochs"] / batch)  # of an epoch
        return [
            "data=memory_mapped",
            *(f"data.{name}={data[name]}" for name in ("size", "channels", "classes")),
            quote(f"data.root={folder.absolute()}"),
            f"data.repeat={math.ceil(steps * batch / images)}",
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

    def train_gan(self, shown: Pair, real: Pair, cell: Cell) -> tuple[Generator, Discriminator]:
        """Train a GAN on ``shown`` alone, or continue its training; return its networks.

        ``real`` are the images with labels. Unknown labels of ``shown`` are -1.
        """
        folder = self.folder / cell.name
        for split, pair in (("", shown), ("test_", real)):  # without a test set, some would be held out
            for name, part in zip(("images", "labels"), pair, strict=True):
                with atomic_write(folder / f"{split}{name}.npy") as partial, partial.open("wb") as file:
                    np.save(file, part.numpy())
        overrides = self.train_overrides(folder, len(shown[1]), cell.seed)
        config, last = compose("train", [*overrides, "run_dir=."]), folder / "last.ckpt"
        config.run_dir = str(folder)
        if last.is_file() and checkpoint.load_contents(last)["hyper_parameters"]["overrides"] == overrides:
            config.ckpt = str(last)
        training.fit(config, overrides)
        discriminator: Discriminator = instantiate(config.network.discriminator)
        weights, prefix = checkpoint.load_contents(last)["state_dict"], "discriminator."
        discriminator.load_state_dict({name.removeprefix(prefix): x for name, x in weights.items() if prefix in name})
        return checkpoint.generator(last), discriminator.eval()


def _estimate_seconds(known: dict[Cell, Record], left: list[Cell]) -> float:
    """The duration of the cells ``left``: for each the mean of its source, or else of all."""
    total = 0.0
    for cell in left:
        same = [one["seconds"] for one in known.values() if one["source"] == cell.source]
        total += statistics.mean(same or [one["seconds"] for one in known.values()])
    return total
