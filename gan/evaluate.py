"""``python -m gan.evaluate ckpt=RUN/best.ckpt``: the card of a checkpoint, from the callback that judged its training on."""

import json
import os
import re
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from hydra.utils import instantiate
from lightning.pytorch import Callback, LightningModule, Trainer
from omegaconf import DictConfig

from gan import checkpoint, command, sample
from gan.data import ImageData, Images
from gan.file import table, write_text
from gan.image import to_uint8
from gan.metric.card import BATCH, PLANTED, Card, Pair, Seen, see
from gan.metric.feature import Frozen, digest, load
from gan.model import GAN

# Which of the trainer's loops judges which split.
LOOPS = {"val": "validate", "test": "test"}
FIRST_CAS_SEED = sample.SEEDS  # far from those judged, which count from 0
LIBRARIES = ("torch", "torchvision", "lightning", "torchmetrics")
# What the Markdown says of a figure, by what its name begins with; percent where it is a share.
MEANING = {
    "fid": "Fréchet distance of features; lower is better",
    "kid": "kernel distance of features; lower is better",
    "is_digits": "Inception Score; 1 at worst, the number of classes at best",
    "precision": "% of fakes in the neighbourhood of a real image",
    "recall": "% of real images in the neighbourhood of a fake",
    "density": "how many neighbourhoods of real images a fake lies in; 1 as real images do",
    "coverage": "% of real images with a fake in their neighbourhood",
    "label_agreement": "% of fakes read as the class they were made for",
    "cas": "% of real images read by a classifier that saw fakes only; the floor's saw real images only",
    "smallest_class": "% of fakes in the rarest class",
    "modes_covered": "classes among the fakes",
    "mode_kl": "how unevenly fakes fall into classes, KL from uniform in nats; 0 at best",
    "nearest": "distance to the nearest training image over that of real images; below 1: nearer",
    "copies": "% of fakes that copy a training image",
    "duplicates": "% of fakes that copy another fake",
    "planted_found": "% of the training images hidden among the fakes that count as copies",
}


class Collect(Callback):
    """Keeps the fakes of a judging with what ``extractor`` makes of them, which it remembers from the metrics before."""

    def __init__(self, extractor: Frozen) -> None:
        self.extractor = extractor
        self.parts: list[Seen] = []

    def on_validation_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, *_: Any) -> None:
        """Take the fakes."""
        self.parts.append(see(self.extractor, [(outputs["fake"], outputs["labels"])]))

    def on_test_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, *_: Any) -> None:
        """Take the fakes."""
        self.on_validation_batch_end(trainer, module, outputs)

    @property
    def seen(self) -> Seen:
        """All fakes."""
        return Seen(*map(torch.cat, zip(*self.parts, strict=True)))


class Judging(NamedTuple):
    """A checkpoint's run, and what its callback says of ``split``."""

    config: dict[str, Any]
    model: GAN
    data: ImageData
    figures: dict[str, float]


def _moved(config: Any, before: str, after: str) -> Any:
    """A plain configuration in which every path below ``before`` is below ``after``."""
    if isinstance(config, dict):
        return {key: _moved(value, before, after) for key, value in config.items()}
    if isinstance(config, list):
        return [_moved(value, before, after) for value in config]
    is_below = isinstance(config, str) and (config == before or config.startswith(f"{before}/"))
    return after + config[len(before) :] if is_below else config


def configuration(hparams: Any, root: str | None) -> dict[str, Any]:
    """What a checkpoint's run was made of, with its data, and the classifier beside that, in ``root``.

    By default in GAN_DATA, or where the run found a folder of its user's own.
    """
    config = dict(hparams["config"])
    data = config["data"] = {"classifier": "mnist"} | config["data"]  # which earlier runs had no word for
    root = root or (os.environ.get("GAN_DATA") if data["md5"] else None)
    if root is None or not data["root"]:
        return config
    return config | {part: _moved(config[part], data["root"], root) for part in ("data", "callback")}


def judge(ckpt: str, split: str, root: str | None, *watchers: Callback) -> Judging:
    """Figures and their floors against ``split`` (val or test), in one process.

    ``root`` is where the data is on this machine; see :func:`configuration`. Raises ValueError for another split
    and whatever :func:`gan.checkpoint.load` and the data raise.
    """
    if split not in LOOPS:
        raise ValueError(f"split must be one of {', '.join(LOOPS)}, got {split}")
    model = checkpoint.load(ckpt)
    config = configuration(model.hparams, root)
    data = instantiate(config["data"], _convert_="all")
    quality = instantiate(config["callback"]["quality"], _convert_="all")
    alone = {"devices": 1, "num_nodes": 1, "strategy": "auto"}
    quiet = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False}
    trainer = instantiate(config["trainer"], callbacks=[quality, *watchers], **alone, **quiet, _convert_="all")
    (figures,) = getattr(trainer, LOOPS[split])(model, data, verbose=False)
    return Judging(config, model.to(trainer.strategy.root_device), data, figures)


def evaluate(cfg: DictConfig) -> dict[str, Any]:
    """The card: every figure as ``split/NAME``, its floor as ``split/NAME_floor``, and all that they are figures of.

    Raises what :func:`judge` and :class:`gan.metric.card.Card` raise, and ValueError for impossible numbers of ``cas``.
    """
    began = time.perf_counter()
    if cfg.cas.images and cfg.cas.images < BATCH:
        raise ValueError(f"cas.images must be 0 (leaves cas out) or {BATCH} or more, got {cfg.cas.images}")
    if cfg.cas.epochs < 1:
        raise ValueError(f"cas.epochs must be 1 or more, got {cfg.cas.epochs}")
    known = configuration(checkpoint.read(cfg.ckpt)["hyper_parameters"], cfg.data.root)["data"]["classifier"]
    extractor = cfg.extractor or known
    collect = Collect(load(extractor))
    config, model, data, logged = judge(cfg.ckpt, cfg.split, cfg.data.root, collect)
    fake, split = collect.seen, cfg.split
    real, other = (_pair(data.splits[name], len(fake.labels)) for name in (split, f"{split}_floor"))
    keep, own = Path(cfg.cache).expanduser(), split == "val"
    card = Card(extractor, cfg.k, keep, real, other, _pair(data.others("test")), own)
    figures = card.figures(fake)
    cas = cfg.cas.images if model.ema.generator.classes else 0
    if cas:
        figures |= card.utility(_fakes(model, cas), _pair(data.others(split)), cfg.cas.epochs, cfg.cas.bf16)
    prefix = f"{split}{config['data']['tag']}/"
    return {
        "ckpt": Path(cfg.ckpt).name,
        "ckpt_sha256": digest(Path(cfg.ckpt)),
        "split": split,
        "data": config["data"]["name"],
        "chosen_by": config["objective"],
        "figures": _beside(logged | {f"{prefix}{name}": value for name, value in figures.items()} | logged),
        "k": cfg.k,
        "images": {
            "judged": len(fake.labels),
            "reference": len(real[1]),
            "training": len(card.training[1]),
            "planted": min(PLANTED, len(card.training[1])),
            "cas": cas,
        },
        "first_seed": {"judged": 0, "cas": FIRST_CAS_SEED},
        "cas": {"epochs": cfg.cas.epochs, "bf16": cfg.cas.bf16},
        "extractor": {"name": extractor} | {name: card.known[name] for name in ("sha256", "test_accuracy")},
        "versions": {name: version(name) for name in LIBRARIES},
        "seconds": round(time.perf_counter() - began, 1),
    }


def _beside(figures: dict[str, float]) -> dict[str, float]:
    """Each figure with its floor after it."""
    names = [part for name in figures if not name.endswith("_floor") for part in (name, f"{name}_floor")]
    return {name: figures[name] for name in names if name in figures}


def _pair(images: Images, count: int | None = None) -> Pair:
    return images.images[:count], images.labels[:count]


def _fakes(model: GAN, count: int) -> Pair:
    """``count`` fakes as bytes with balanced labels, none of them judged before."""
    seeds = torch.arange(count) + FIRST_CAS_SEED
    y = sample.labels(seeds, model.ema.generator.classes)
    return torch.cat([to_uint8(x) for x in sample.generate(model.ema.generator, seeds, y)]), y


def markdown(card: dict[str, Any]) -> str:
    """The card as tables, with a line on each figure, and what they are figures of."""
    figures = {name.partition("/")[2]: value for name, value in card["figures"].items()}

    def cells(name: str, form: str) -> list[str]:
        """A figure and its floor."""
        return [format(figures[part], form) if part in figures else "" for part in (name, f"{name}_floor")]

    def explained(name: str) -> list[str]:
        meaning = next((line for start, line in MEANING.items() if name.startswith(start)), "")
        return [name, *cells(name, ".2%" if meaning.startswith("%") else ".4g"), meaning.replace("% of", "share of")]

    of_class = [name.removeprefix("class_share_") for name in figures if re.fullmatch(r"class_share_\d+", name)]
    whole = [name for name in figures if not re.search(r"_floor$|(class_share|label_agreement)_\d+", name)]
    images, seeds, extractor = card["images"], card["first_seed"], card["extractor"]
    cas = f" cas: {images['cas']:,} fakes, seeds from {seeds['cas']}, {card['cas']['epochs']} epochs." if images["cas"] else ""
    return "\n\n".join(
        [
            f"# {card['ckpt']}, judged by the {card['split']} images of {card['data']}",
            table(["figure", "value", "floor", "what it is"], *map(explained, whole)),
            table(
                ["class", "share", "floor", "label agreement", "floor"],
                *([c, *cells(f"class_share_{c}", ".2%"), *cells(f"label_agreement_{c}", ".2%")] for c in of_class),
            )
            if of_class
            else "There are too many classes to tell of each.",
            f"The floor is what other real images get. {images['judged']:,} fakes, seeds from {seeds['judged']}, against "
            f"{images['reference']:,} real images; {images['training']:,} training images; k = {card['k']}.{cas}",
            f"Checkpoint {card['ckpt_sha256']}, chosen by {card['chosen_by']}. Classifier {extractor['name']} "
            f"{extractor['sha256']}, which reads {extractor['test_accuracy']:.2%} of its test images. "
            f"{', '.join(f'{name} {number}' for name, number in card['versions'].items())}. {card['seconds']} seconds.",
        ]
    )


@command.main("evaluate")
def main(cfg: DictConfig) -> None:
    """Print the card as JSON; write it as JSON and as Markdown."""
    out = Path(cfg.out or Path(cfg.ckpt).parent / f"{cfg.split}.json")
    if out.suffix != ".json":
        raise ValueError(f"out must end in .json, got {cfg.out}")
    if out.is_dir():
        raise ValueError(f"out: {out} is a folder: choose another name")
    card = evaluate(cfg)
    text = json.dumps(card, indent=2)
    write_text(text, out)
    write_text(markdown(card), out.with_suffix(".md"))
    print(text)  # noqa: T201


if __name__ == "__main__":
    main()
