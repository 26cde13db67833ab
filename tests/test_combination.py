"""Every network, loss, penalty, augment and condition together: finite steps, or an error."""

import itertools
import re
from functools import cache, partial

import pytest
import torch
from conftest import SCHEDULE
from hydra.utils import instantiate
from omegaconf import DictConfig

from gan.cli.compose import compose
from gan.file import CONF
from gan.model import GAN

SMALL = ["network.width=8", "network.generator.latent=8", "run_dir=."]
CONDITIONS = {
    "none": ["network.classes=0"],
    "projection": ["network.condition=projection"],
    "auxiliary": ["network.condition=auxiliary"],
    "both": ["network.condition=both"],
}


def _choices(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


GROWN = {"progan": ["network.stable_images=4", "network.fade_images=8"]}  # three steps lead through a border and a fade
NETWORKS = [
    (f"{name}-{condition}{'-batch' * bool(norm)}", [f"network={name}", *SMALL, *words, *GROWN.get(name, []), *norm])
    for name in _choices("network")
    for condition, words in CONDITIONS.items()
    for norm in ([], ["network.norm=batch"])
    if not (norm and name != "dcgan")
    if name != "report"
] + [("report", ["network=report", "run_dir=."])]


MAIN = re.compile("none$|projection$|report")
PARTS = {group: _choices(group) for group in ("loss", "penalty", "augment")}


@cache
def _part(group: str, choice: str) -> object:
    return instantiate(compose("train", [f"{group}={choice}", "run_dir=."])[group], _convert_="all")


def _play(gan: GAN) -> list[torch.Tensor]:
    """Three steps of both players, by hand; all that was logged."""
    players = gan.configure_optimizers()
    gan.players = lambda: players  # type: ignore[method-assign]
    gan.manual_backward = lambda loss: loss.backward()  # type: ignore[method-assign]
    found: list[torch.Tensor] = []
    for step in range(3):
        real, y = torch.randn(4, 1, 28, 28).tanh(), torch.randint(0, 10, (4,))
        fake = gan.generator(torch.randn(4, gan.generator.latent), y)
        found += gan.discriminator_step(real, fake.detach(), y, step, len(real)).values()
        found += gan.generator_step(fake, real, y).values()
        gan.ema.update(gan.generator, len(real))
    return found


def _three_steps(cfg: DictConfig, loss: str, penalty: str, augment: str) -> None:
    nets = {name: instantiate(cfg.network[name]) for name in ("generator", "discriminator")}
    parts = {group: _part(group, name) for group, name in (("loss", loss), ("penalty", penalty), ("augment", augment))}
    optimizer = instantiate(cfg.optimizer, _convert_="all")
    build = partial(GAN, **nets, **parts, optimizer=optimizer, seed=0, **SCHEDULE)
    if cfg.network.get("norm") == "batch" and penalty != "none":
        with pytest.raises(ValueError, match="batch norm in the discriminator mixes the images"):
            build()
        return
    gan = build()
    assert torch.stack(_play(gan)).isfinite().all(), (loss, penalty, augment)
    assert all(weight.isfinite().all() for weight in gan.parameters()), (loss, penalty, augment)


@pytest.mark.parametrize(
    "place", [pytest.param(i, id=name) for i, (name, _) in enumerate(NETWORKS) if MAIN.search(name)]
)
def test_every_network_meets_every_loss_penalty_and_augment(place: int) -> None:
    """Two conditions of a network share the losses; the slow test has all combinations."""
    name, words = NETWORKS[place]
    cfg = compose("train", words)
    losses, penalties, augments = PARTS.values()
    first, step = int("projection" in name), 1 if name == "report" else 2
    for i, loss in list(enumerate(losses))[first::step]:
        _three_steps(cfg, loss, penalties[(i + place) % len(penalties)], augments[(i + 2 * place) % len(augments)])


@pytest.mark.slow
@pytest.mark.parametrize("augment", PARTS["augment"])
@pytest.mark.parametrize("words", [words for _, words in NETWORKS], ids=[name for name, _ in NETWORKS])
def test_every_combination_takes_three_finite_steps(words: list[str], augment: str) -> None:
    cfg = compose("train", words)
    for loss, penalty in itertools.product(PARTS["loss"], PARTS["penalty"]):
        _three_steps(cfg, loss, penalty, augment)
