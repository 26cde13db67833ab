"""Attacks on a trained GAN, to find out which images it was trained on."""

from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor

from gan import checkpoint, terminal
from gan.checkpoint.build import validate_finite
from gan.checkpoint.contents import part
from gan.cli.carry import network_words
from gan.cli.judging import configuration, draw
from gan.data import ImageData
from gan.data.floor import match
from gan.error import UserError, printable
from gan.file import sha256
from gan.foreign import Refused
from gan.image import to_float
from gan.metric import feature
from gan.metric.card import BATCH, LR, Pair, see_bytes
from gan.metric.membership import Attack, by_distance, confidence
from gan.network import Discriminator
from gan.validate import integer


def attack(cfg: DictConfig) -> dict[str, Any]:
    """The figures of every attack, and their origin.

    Raises UserError for settings out of range, and for a run that held out no part of one pool.
    """
    integer("images", cfg.images, 100, 10**6)
    integer("fakes", cfg.fakes, BATCH, 10**6)
    integer("epochs", cfg.epochs, 1, 1000)
    integer("seed", cfg.seed, 0, 2**32 - 1)
    contents, generator = checkpoint.load_contents(cfg.ckpt), checkpoint.generator(cfg.ckpt)
    run = contents["hyper_parameters"]
    words = network_words(run["overrides"], run["config"])
    config = configuration(cfg.ckpt, contents, cfg.data.root, *words)
    data = instantiate(config["data"], _convert_="all")
    members, others = draw_pools(data, cfg.images, cfg.seed)
    with terminal.step(f"drawing {cfg.fakes:,} images"):
        fakes = draw(generator, cfg.fakes)
    pools = (members, others, fakes)
    with terminal.step("looking for the nearest drawn image of each real one"):
        attacks = {"nearest_pixels": by_distance(*(to_float(x).flatten(1) for x, _ in pools))}
    if generator.classes:
        with terminal.step(f"training a classifier on {cfg.fakes:,} drawn images"):
            *_, fitted = feature.fit(*fakes, data.classes, cfg.epochs, LR, BATCH, cfg.seed, bf16=cfg.bf16)
        seen = [see_bytes(feature.Frozen(fitted), pair) for pair in pools]
        attacks["nearest_features"] = by_distance(*(one.features for one in seen))
        attacks["classifier"] = Attack(*(confidence(one.logits, one.labels) for one in seen[:2]))
    discriminator = load_discriminator(cfg.ckpt, contents, config)
    attacks["discriminator"] = Attack(*(logits(discriminator, *pair) for pair in (members, others)))
    return {
        "ckpt": Path(cfg.ckpt).name,
        "ckpt_sha256": sha256(Path(cfg.ckpt)),
        "data": config["data"]["name"],
        "images": {"members": len(members[1]), "others": len(others[1]), "training": len(data.others("test"))},
        "fakes": cfg.fakes,
        "attacks": {name: {"auc": one.auc, "error": one.error, "caught": one.caught} for name, one in attacks.items()},
    }


def draw_pools(data: ImageData, most: int, seed: int) -> tuple[Pair, Pair]:
    """Up to ``most`` training images, and as many others of the same pool and classes.

    Raises UserError if the test images are not a random part of one pool: two files differ by
    themselves, and an attack would find out that.
    """
    data.setup()
    if not data.is_divided:
        remedy = "train on data=arrays with data.test_share=0.5, see docs/privacy.md"
        raise UserError(f"ckpt: the test images of data={data.name} are no share of its training images: {remedy}")
    test, train = data.splits["test"], data.others("test")
    order = torch.randperm(len(test), generator=torch.Generator().manual_seed(seed))
    others = test.take(order[test.labels[order] >= 0][: min(most, len(train))])
    mixed = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))
    members = train.take(mixed[match(train.labels[mixed], others.labels)])
    return (members.images, members.labels), (others.images, others.labels)


def load_discriminator(path: str, contents: dict[str, Any], config: dict[str, Any]) -> Discriminator:
    """The discriminator of a checkpoint. Raises UserError if its weights are damaged."""
    made: Discriminator = instantiate(config["model"]["discriminator"], _convert_="all")
    state = part(contents["state_dict"], "discriminator.")
    try:
        made.load_state_dict(state)
        validate_finite(state)
    except (Refused, RuntimeError) as error:
        raise UserError(
            f"ckpt: the discriminator of {path} is damaged, or of another version: {printable(error)}"
        ) from error
    return made.eval()


@torch.no_grad()
def logits(discriminator: Discriminator, images: Tensor, labels: Tensor) -> Tensor:
    """The logits [N] of bytes [N, C, H, W] and their labels int64 [N]."""
    pairs = zip(images.split(250), labels.split(250), strict=True)
    return torch.cat([discriminator(to_float(x), y).logits for x, y in pairs])
