"""The evaluation of a checkpoint: the figures that its training logged, and all others."""

import re
import shlex
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from hydra.utils import instantiate
from lightning.pytorch import Callback, LightningModule, Trainer
from matplotlib.figure import Figure
from omegaconf import DictConfig
from torch import Tensor

from gan import checkpoint, plot, sample, terminal
from gan.callback import tell
from gan.cli import fitted
from gan.cli.carry import run_words
from gan.cli.check import settings
from gan.cli.compose import compose, plain, quote
from gan.cli.trainer import make_trainer
from gan.data import ImageData, Images
from gan.error import UserError, printable
from gan.file import cache_folder, sha256
from gan.image import grid, save, to_float
from gan.metric import feature
from gan.metric.card import BATCH, PLANTED, Card, Figures, Pair, Seen, see
from gan.metric.two_sample import LEAST, NOTHING, TwoSample, Verdict
from gan.model import Averaged
from gan.network import Generator
from gan.validate import integer

LOOPS = {"val": "validate", "test": "test"}  # the trainer's loop for each split
FIRST_CAS_SEED = sample.SEEDS  # above those of the other fakes, which start at 0
LIBRARIES = ("torch", "torchvision", "lightning", "torchmetrics")
COLUMNS, WIDTH = 8, 1000  # of a picture of fakes: images in a row, and pixels at most


class Evaluation(NamedTuple):
    """A card, and what writes the pictures beside it, by name."""

    card: dict[str, Any]
    pictures: dict[str, Callable[[Path], None]]


class Collect(Callback):
    """Keeps the fakes of an evaluation and their features by ``extractor``."""

    def __init__(self, extractor: feature.Frozen) -> None:
        self.extractor = extractor
        self.parts: list[Seen] = []

    def on_validation_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, *_: Any) -> None:
        """Keep a batch of fakes."""
        self.parts.append(see(self.extractor, [(outputs["fake"], outputs["labels"])]))

    def on_test_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, *_: Any) -> None:
        """Keep a batch of fakes."""
        self.on_validation_batch_end(trainer, module, outputs)

    @property
    def seen(self) -> Seen:
        """All fakes."""
        return Seen(*map(torch.cat, zip(*self.parts, strict=True)))


def judge(generator: Generator, config: dict[str, Any], split: str, *watchers: Callback) -> tuple[ImageData, Figures]:
    """The data of ``config`` and the figures of its callback quality, on ``split``, in one process.

    Raises UserError for a split other than val and test, and the errors of the data.
    """
    if split not in LOOPS:
        raise UserError(f"split must be one of {', '.join(LOOPS)}, got {split}")
    data = instantiate(config["data"], _convert_="all")
    fitted.require_fitted(data, config)
    quality = instantiate(config["callback"]["quality"], _convert_="all")
    alone = {"devices": 1, "num_nodes": 1, "strategy": "auto"}
    quiet = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False}
    trainer = make_trainer(config["trainer"], callbacks=[quality, *watchers], **alone, **quiet)
    (figures,) = getattr(trainer, LOOPS[split])(Averaged(generator), data, verbose=False)
    generator.to(trainer.strategy.root_device)
    return data, figures


def configuration(path: str | Path, contents: dict[str, Any], root: str | None, *more: str) -> dict[str, Any]:
    """The configuration of this project for the data and the metrics of a checkpoint's run.

    ``root``: the folder of the data; None: GAN_DATA, or data/. ``more``: further overrides. Raises
    UserError where the data is a folder of the user's own and ``root`` is None.
    """
    config = contents["hyper_parameters"]["config"]
    words = run_words(path, config)
    if root is not None:
        words.append(quote(f"data.root={root}"))
    elif "data.test_share" in settings("train", words[:1]):  # files of the user's own
        again = shlex.quote(f"data.root={printable(config['data'].get('root') or 'FOLDER')}")
        raise UserError(f"ckpt: {path} does not say where files are read: type the folder of its data again: {again}")
    composed = plain(compose("train", [*more, *words, "batch_size=1", "run_dir=."]))  # its batches are not used
    checkpoint.validate_classes(path, composed["data"])
    return composed


def choose(config: dict[str, Any], typed: str | None, split: str) -> tuple[str, str | None]:
    """The classifier of the figures, and the one that chose the epoch; None: Inception did.

    The first is the one that was ``typed`` or, of a test, the second classifier of the data, if it
    was fitted. The callback quality of ``config`` gets metrics by both.
    """
    chooser, quality = config["data"]["classifier"], config["callback"]["quality"]
    has_second = split == "test" and feature.weights_path(feature.second(chooser)).is_file()
    extractor = typed or (feature.second(chooser) if has_second else chooser)
    has_chosen = repr(chooser) in str(quality["metrics"])
    quality["metrics"] = by_both(quality["metrics"], extractor, chooser)
    return extractor, chooser if has_chosen else None


def by_both(metrics: dict[str, Any], extractor: str, chooser: str) -> dict[str, Any]:
    """Settings of metrics by ``extractor``; those by ``chooser``, if another, as NAME_chooser."""
    found: dict[str, Any] = {}
    for name, metric in metrics.items():
        rests_on = metric.get("feature")
        if extractor != chooser and isinstance(rests_on, dict) and rests_on.get("name") == chooser:
            found[name] = metric | {"feature": rests_on | {"name": extractor}}
            found[f"{name}_chooser"] = metric
        else:
            found[name] = metric
    return found


def evaluate(cfg: DictConfig) -> Evaluation:
    """The card, with figures as ``split/NAME``, floors as ``split/NAME_floor``, and their origin.

    NAME is by the classifier of :func:`choose`, NAME_chooser by the one that chose the checkpoint.
    Raises UserError for settings out of range, and the errors of :func:`judge` and :class:`Card`.
    """
    began, split = time.perf_counter(), cfg.split
    _validate(cfg)
    contents, generator = checkpoint.load_contents(cfg.ckpt), checkpoint.generator(cfg.ckpt)
    config = configuration(cfg.ckpt, contents, cfg.data.root)
    extractor, chooser = choose(config, cfg.extractor, split)
    readers = {name: Collect(feature.load(name)) for name in (extractor, chooser) if name}
    with terminal.step(f"drawing images and judging them by {split}"):
        data, logged = judge(generator, config, split, *readers.values())
    count = len(readers[extractor].seen.labels)
    cards = {name: _card(name, data, count, cfg) for name in readers}
    with terminal.step("looking for copies and neighbours among real images"):
        figures = _compare(cards, readers)
    card, cas = cards[extractor], cfg.cas.images if generator.classes else 0
    told = _tell(card, generator, cfg)
    figures |= told.figures | (_utility(card, generator, _pair(data.others(split)), cfg) if cas else {})
    sizes = {"judged": count, "reference": len(card.real[1]), "training": len(card.training[1])}
    found = {
        "ckpt": Path(cfg.ckpt).name,
        "ckpt_sha256": sha256(Path(cfg.ckpt)),
        "split": split,
        "data": config["data"]["name"],
        "chosen_by": config["objective"],
        "figures": _with_floors(logged, figures, f"{split}{config['data']['tag']}/"),
        "k": cfg.k,
        "images": sizes | {"planted": min(PLANTED, sizes["training"]), "cas": cas, "c2st": told.pairs},
        "first_seed": {"judged": 0, "cas": FIRST_CAS_SEED, "c2st": tell.FIRST_SEED},
        "cas": {"epochs": cfg.cas.epochs, "bf16": cfg.cas.bf16},
        "c2st": {"steps": cfg.c2st.steps, "bf16": cfg.c2st.bf16, "error": told.error},
        "extractor": _described(extractor),
        "chooser": _described(chooser) if chooser else None,
        "versions": {name: version(name) for name in LIBRARIES},
        "seconds": round(time.perf_counter() - began, 1),
    }
    return Evaluation(found, _pictures(told))


def _card(name: str, data: ImageData, count: int, cfg: DictConfig) -> Card:
    """The card by the classifier ``name`` of ``count`` fakes."""
    real, other = (_pair(data.splits[one], count) for one in (cfg.split, f"{cfg.split}_floor"))
    training, is_own = _pair(data.others("test")), cfg.split == "val"
    return Card(name, cfg.k, cache_folder(cfg.cache), real, other, training, is_own)


def _compare(cards: dict[str, Card], readers: dict[str, Collect]) -> Figures:
    """All figures by the first card, and by a further one, that of the chooser, NAME_chooser."""
    (card, *others), (reader, *rest) = cards.values(), readers.values()
    found = card.figures(reader.seen)
    for other, its in zip(others, rest, strict=True):
        found |= _of_chooser(other.seen_figures(its.seen))
    return found


def _utility(card: Card, generator: Generator, train: Pair, cfg: DictConfig) -> Figures:
    """``cas`` of new fakes."""
    with terminal.step(f"training a classifier on {cfg.cas.images:,} drawn images"):
        fakes = draw(generator, cfg.cas.images)
        return card.utility(fakes, train, cfg.cas.epochs, cfg.cas.bf16)


def _tell(card: Card, generator: Generator, cfg: DictConfig) -> Verdict:
    """The two-sample test of new fakes."""
    if not cfg.c2st.images:
        return NOTHING
    test = TwoSample(card.training, cfg.c2st.images, cfg.c2st.steps, cfg.c2st.bf16)
    with terminal.step(f"telling {len(test.labels):,} drawn images from real ones"):
        return test.judge(tell.draw(generator, test), card.extractor, card.keep)


def _pictures(verdict: Verdict) -> dict[str, Callable[[Path], None]]:
    """The most telling fakes as large grids, and how often each grey level occurs."""
    found: dict[str, Callable[[Path], None]] = {}
    for name, images in (("most_fake", verdict.most_fake), ("most_real", verdict.most_real)):
        if len(images):
            picture = grid(to_float(images), COLUMNS)
            times = max(1, WIDTH // picture.shape[2])
            found[name] = partial(save, picture.repeat_interleave(times, 1).repeat_interleave(times, 2))
    if len(verdict.levels):
        found["grey_levels"] = partial(plot.save, plot_levels(verdict.levels))
    return found


def plot_levels(levels: Tensor) -> Figure:
    """The shares [2, 256] of the grey levels in real images and in fakes."""
    figure = plot.figure()
    axes = figure.add_subplot()
    for shares, name in zip(levels, ("real images", "generated images"), strict=True):
        axes.step(range(256), (shares * 100).where(shares > 0, torch.nan), where="mid", label=name)
    plot.log_axis(axes.yaxis)
    axes.set(xlabel="grey level, from 0, black, to 255", ylabel="pixels, % (log scale)")
    plot.legend_above(axes)
    return figure


def _validate(cfg: DictConfig) -> None:
    if cfg.cas.images:  # 0 leaves cas out
        integer("cas.images", cfg.cas.images, BATCH, 10**6)
    if cfg.c2st.images:  # 0 leaves it out
        integer("c2st.images", cfg.c2st.images, LEAST, 10**6)
    integer("cas.epochs", cfg.cas.epochs, 1, 1000)
    integer("c2st.steps", cfg.c2st.steps, 1, 10**6)
    integer("k", cfg.k, 1, 10**6)


def _described(classifier: str) -> dict[str, Any]:
    known = feature.weights_info(classifier)
    return {"name": classifier} | {name: known[name] for name in ("network", "sha256", "test_accuracy")}


def _of_chooser(figures: Figures) -> Figures:
    """NAME as NAME_chooser, with its floor, without the figures of single classes."""
    kept = {name: value for name, value in figures.items() if not re.search(r"_\d+(_floor)?$", name)}
    return {re.sub(r"(_floor)?$", r"_chooser\1", name, count=1): value for name, value in kept.items()}


def _with_floors(logged: Figures, more: Figures, prefix: str) -> Figures:
    """The figures ``logged``, then ``more``, whose names lack ``prefix``; each before its floor.

    Those of the chooser come last.
    """
    figures = logged | {f"{prefix}{name}": value for name, value in more.items()} | logged
    single = sorted((name for name in figures if not name.endswith("_floor")), key=lambda name: "_chooser" in name)
    names = [part for name in single for part in (name, f"{name}_floor")]
    return {name: figures[name] for name in names if name in figures}


def _pair(images: Images, count: int | None = None) -> Pair:
    return images.images[:count], images.labels[:count]


def draw(generator: Generator, count: int) -> Pair:
    """``count`` new fakes as bytes, with balanced labels."""
    seeds = torch.arange(count) + FIRST_CAS_SEED
    y = sample.labels(seeds, generator.classes)
    return sample.generate_bytes(generator, seeds, y), y
