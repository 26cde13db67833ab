"""The cells of a study: real labels, the digits that are added to them, and what classifiers fitted to both read."""

import json
import math
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from hydra.errors import HydraException
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor

from gan import checkpoint, command, image, override, sample, training
from gan.data import ImageData
from gan.downstream.cell import ARMS, NONE, Cell, Record
from gan.file import whole, write_text
from gan.image import to_uint8
from gan.metric import cache, feature
from gan.metric.card import Pair
from gan.metric.feature import Frozen, digest, floats, jitter
from gan.network import Generator

# Words for train.py that a cell has of its own.
OWN = r"[+~]*(data|ckpt|init_from|run_dir|seed|callback|trainer\.(max_epochs|devices|num_nodes|limit_\w+))\b"


class Sets(NamedTuple):
    """Real images, as bytes with labels: those that labels are drawn from, and those that are read."""

    pool: Pair
    judged: Pair
    classes: int
    training: int  # images that the whole set has for training
    sha256: str  # of pool and judged


def sets(cfg: DictConfig) -> Sets:
    """The real images of a study. Raises ValueError where a class has fewer outside validation than labels are asked for."""
    data: ImageData = instantiate(cfg.data, _convert_="all")
    # Validation images are in no cell, so that settings could be chosen by them.
    pool, judged = data.others("val"), data.splits[cfg.split]
    least, name = torch.bincount(pool.labels, minlength=data.classes).min(0)
    if max(cfg.labels) > least:
        raise ValueError(
            f"labels: {max(cfg.labels)} a class are more than the {least} that class {name} of data={cfg.data.name} has "
            f"beside its validation images: ask for {least} at most"
        )
    pairs = (pool.images, pool.labels), (judged.images, judged.labels)
    return Sets(*pairs, data.classes, len(data.others("test")), cache.key(*pairs[0], *pairs[1]))


def chosen(labels: Tensor, classes: int, each: int, seed: int) -> Tensor:
    """Places int64 [classes * each] of ``each`` random images of every class: those of fewer are among those of more."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    return torch.cat([order[labels[order] == one][:each] for one in range(classes)])


def words(cfg: DictConfig, folder: Path, labels: int, seed: int) -> list[str]:
    """The words for train.py, of a GAN for ``labels`` images a class, which lie in ``folder``."""
    data, train = cfg.data, cfg.train
    batch = composed(list(train.words)).batch_size
    steps = math.ceil(train.images / train.epochs / batch)  # of an epoch
    return [
        "data=memory_mapped",
        *(f"data.{name}={data[name]}" for name in ("size", "channels", "classes")),
        override.quoted(f"data.root={folder.absolute()}"),
        f"data.repeat={math.ceil(steps * batch / (labels * data.classes))}",
        f"trainer.max_epochs={train.epochs}",
        f"trainer.limit_train_batches={steps}",
        f"trainer.log_every_n_steps={min(steps, 50)}",
        "trainer.limit_val_batches=0",  # judging would take longer than training, by a classifier that saw all labels
        "+trainer.enable_progress_bar=false",
        "callback=[finite,speed,result,checkpoint]",
        "~callback.best",  # nothing chooses: it is the last epoch that counts
        f"seed={seed}",
        *train.words,
    ]


def composed(typed: list[str]) -> DictConfig:
    """The configuration of a training. Raises ValueError for what is none of train.py's settings."""
    try:
        return override.compose("train", [*typed, "run_dir=."])
    except HydraException as error:
        raise ValueError(f"train.words: {override.explain(error, 'train')}") from None


def rehearse(cfg: DictConfig, sets: Sets) -> None:
    """Raise, before the first is trained, what the GANs of a study would; ValueError for words that are not a user's to set."""
    if cfg.gan == "ckpt":
        given(cfg, sets.classes)
        return
    if own := [word for word in cfg.train.words if re.match(OWN, word)]:
        raise ValueError(f"train.words: {own[0]} is not free: each cell's GAN starts anew, from its own images alone")
    config = composed(words(cfg, Path(cfg.run_dir), min(cfg.labels), 0))
    try:
        override.check_words("train", list(cfg.train.words))
    except ValueError as error:
        raise ValueError(f"train.words: {error}") from None
    if config.model.generator.get("classes", 0) != sets.classes:
        raise ValueError(f"train.words: the GAN must know the {sets.classes} labels: its fakes would have none")


def few(cfg: DictConfig, real: Pair, cell: Cell) -> Generator:
    """A generator that was trained on ``real`` alone, from the start or, where that was interrupted, to the end."""
    folder = Path(cfg.run_dir) / cell.name
    for name, part in zip(("images", "labels"), real, strict=True):
        for place in (name, f"test_{name}"):  # the same once more as its test set: else some would be held out
            with whole(folder / f"{place}.npy") as partial, partial.open("wb") as file:
                np.save(file, part.numpy())
    typed = words(cfg, folder, cell.labels, cell.seed)
    config = composed(typed)
    config.run_dir, last = str(folder), folder / "last.ckpt"
    begun = last.is_file() and checkpoint.read(last)["hyper_parameters"]["overrides"] == typed
    config.ckpt = str(last) if begun else None
    training.fit(config, typed)
    return checkpoint.generator(last)


def given(cfg: DictConfig, classes: int) -> Generator:
    """The generator of ``ckpt``. Raises ValueError where it does not make images of these classes and this size."""
    generator, wanted = checkpoint.generator(cfg.ckpt), (cfg.data.channels, cfg.data.size, cfg.data.size)
    if generator.classes != classes:
        has = f"has {generator.classes} classes" if generator.classes else "is unconditional: its digits have no labels"
        raise ValueError(f"ckpt: the generator {has}, and data={cfg.data.name} has {classes}: choose one trained on it")
    (made,) = sample.generate(generator, torch.zeros(1).long(), torch.zeros(1).long())
    if made.shape[1:] != wanted:
        makes, reads = ("x".join(map(str, sides)) for sides in (made.shape[1:], wanted))
        raise ValueError(f"ckpt: the generator makes images of {makes}, and data={cfg.data.name} has {reads}")
    return generator


def fakes(generator: Generator, count: int, seed: int) -> Pair:
    """``count`` digits as bytes, with the labels that they were made from, which are balanced.

    None is left out: to filter them by a classifier that saw all labels would be to use these.
    """
    seeds = torch.arange(count) + seed * count
    y = sample.labels(seeds, generator.classes)
    return torch.cat([to_uint8(x) for x in sample.generate(generator, seeds, y)]), y


def places(count: int, size: int, source: torch.Generator) -> Iterator[Tensor]:
    """Places in a set of ``count``, ``size`` at a time without end: each comes again when all have come."""
    left = torch.empty(0).long()
    while True:
        while len(left) < size:
            left = torch.cat([left, torch.randperm(count, generator=source)])
        yield left[:size]
        left = left[size:]


def batches(real: Pair, fake: Pair | None, size: int, share: float, augmented: bool, seed: int) -> Iterator[Pair]:
    """Batches without end, of which the share ``share`` is fake, jittered or as they are."""
    source = torch.Generator().manual_seed(seed)
    parts = [(real, size)] if fake is None else [(real, size - round(size * share)), (fake, round(size * share))]
    for drawn in zip(*(places(len(pair[1]), count, source) for pair, count in parts), strict=True):
        x, y = (torch.cat([pair[i][index] for (pair, _), index in zip(parts, drawn, strict=True)]) for i in (0, 1))
        yield jitter(floats(x), source) if augmented else floats(x), y


def read(sets: Sets, real: Pair, fake: Pair | None, augmented: bool, cfg: DictConfig, seed: int) -> float:
    """Share of the judged images that a classifier reads after a fixed number of steps. They are looked at once."""
    how = cfg.classifier
    drawn = batches(real, fake, how.batch_size, cfg.fakes.share, augmented, seed)
    (fitted,) = feature.learn(drawn, sets.classes, how.steps, how.lr, seed, how.bf16, every=how.steps)
    return feature.accuracy(Frozen(fitted).classifier, *sets.judged)


def settings(cfg: DictConfig, sets: Sets, source: str) -> Record:
    """All that a cell's accuracies depend on, beside its labels and its seed."""
    whole_cfg = command.plain(cfg)
    asked = {"data": cfg.data.name, "data_sha256": sets.sha256, "split": cfg.split, "classifier": whole_cfg["classifier"]}
    if source == "few":
        asked |= {"fakes": whole_cfg["fakes"], "train": whole_cfg["train"]}
    if source == "ckpt":
        path = Path(cfg.ckpt or checkpoint.SHIPPED)
        asked |= {"fakes": whole_cfg["fakes"], "ckpt_sha256": digest(path), "saw": saw(cfg, sets, path)}
    return asked


def saw(cfg: DictConfig, sets: Sets, path: Path) -> str:
    """Which labelled images the generator in ``path`` was trained on, in words."""
    if path.suffix == ".safetensors":
        name = json.loads(path.with_suffix(".json").read_text()).get("data", "")
    else:
        name = checkpoint.read(path)["hyper_parameters"]["config"]["data"]["name"]
    return f"all {sets.training:,} training images" if name == cfg.data.name else f"the images of data={name}"


def enter(cfg: DictConfig, sets: Sets) -> None:
    """Note in the study's folder what it is a study of. Raises ValueError where it holds one with other settings."""
    path = Path(cfg.run_dir) / "settings.json"
    known = json.loads(path.read_text()) if path.is_file() else {}
    for source in (NONE, cfg.gan):
        asked = settings(cfg, sets, source)
        if other := [name for name, value in known.setdefault(source, asked).items() if asked[name] != value]:
            raise ValueError(f"{cfg.run_dir} holds a study with another {other[0]}: choose another run_dir")
    write_text(json.dumps(known, indent=1), path)


def attempt(cfg: DictConfig, sets: Sets, cell: Cell) -> Record:
    """Find a cell's accuracies, without and with augmentation, and keep them."""
    began = time.perf_counter()
    index = chosen(sets.pool[1], sets.classes, cell.labels, cell.seed)
    real = sets.pool[0][index], sets.pool[1][index]
    fake = None
    if cell.source != NONE:
        generator = few(cfg, real, cell) if cell.source == "few" else given(cfg, sets.classes)
        columns = sample.columns(sets.classes)
        fake = fakes(generator, cfg.fakes.count, cell.seed)
        picture = image.grid(image.to_float(fake[0][: 8 * columns]), columns)
        image.save(picture, Path(cfg.run_dir) / f"{cell.name}.png")
    trained = time.perf_counter() - began
    accuracy = {arm: read(sets, real, fake, augmented, cfg, cell.seed) for arm, augmented in ARMS.items()}
    record = {
        **cell._asdict(),
        "accuracy": accuracy,
        "gan_seconds": round(trained, 1),
        "seconds": round(time.perf_counter() - began, 1),
    }
    write_text(json.dumps(record, indent=1), Path(cfg.run_dir) / f"{cell.name}.json")
    return record
