"""Diagnosing: a sick run is named while it runs, with the evidence and with what to try."""

import math
import sys
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor

from gan.metric.feature import Frozen, load
from gan.model import Judged

Figures = dict[str, float]
LOOK = 1000  # images of each judging that are looked at: enough for shares far from each other, and cheap

VARIETY = "try penalty=r1 or a larger penalty.gamma, a lower optimizer.lr, loss=relativistic"


class Illness(NamedTuple):
    """What ails a run. ``early``: it shows without training; others need a generator that has had its chance."""

    name: str
    early: bool
    sick: Callable[[Figures], bool]  # a figure that could not be had is NaN, and NaN compares as healthy
    evidence: str
    remedy: str


# Strangeness is 1 for real images. What a classifier reads in fakes means something below 1.5: it takes noise and blots for
# one class or other. Above 2 they are poor digits, and only then is a game that stands badly an illness.
ILLNESSES = (
    Illness(
        "wrong range",
        True,
        lambda f: f["real_low"] > -0.9 or f["real_high"] < 0.9 or max(-f["real_low"], f["real_high"]) > 1.01,
        "real images lie in [{real_low:.2f}, {real_high:.2f}] and not in [-1, 1]: the discriminator can tell by range alone",
        "scale the data with gan.image.to_float, without a mean and a deviation",
    ),
    Illness(
        "wrong range",
        False,
        lambda f: max(-f["fake_low"], f["fake_high"]) > 1.5 or (f["fake_low"] > -0.5 and f["fake_high"] > 0.5),
        "fakes lie in [{fake_low:.2f}, {fake_high:.2f}], real images in [{real_low:.2f}, {real_high:.2f}]",
        "end the generator in tanh",
    ),
    Illness(
        "mode collapse",
        False,
        lambda f: f["fake_twins"] > f["real_twins"] + 0.25,
        "{fake_twins:.0%} of fakes all but repeat another one (real: {real_twins:.0%})",
        VARIETY,
    ),
    Illness(
        "mode collapse",
        False,
        lambda f: f["fake_kinds"] < 0.5 * f["real_kinds"] and f["strangeness"] < 1.5,
        "fakes are read as {fake_kinds:.1f} classes (real: {real_kinds:.1f})",
        VARIETY,
    ),
    Illness(
        "ignored labels",
        False,
        lambda f: f["real_agreement"] > 0.8 and f["fake_agreement"] < 0.3 and f["strangeness"] < 1.5,
        "{fake_agreement:.0%} of fakes are read as the label they were made for (real: {real_agreement:.0%})",
        "check that labels belong to their images, that both players use y, and network.classes",
    ),
    Illness(
        "unbeatable discriminator",
        False,
        lambda f: f["won"] > 0.995 and f["strangeness"] > 2,
        "it put real above fake in {won:.1%} of pairs, and fakes are {strangeness:.1f} times as far from real images as these "
        "from each other",
        "try model.lr_ratio=0.5, penalty=r1 with a larger penalty.gamma, augment=adaptive",
    ),
    Illness(
        "helpless discriminator",
        False,
        lambda f: f["won"] < 0.6 and f["strangeness"] > 2,
        "it put real above fake in {won:.1%} of pairs, though fakes are {strangeness:.1f} times as far from real images as "
        "these from each other",
        "try a model.lr_ratio of about 1, model.d_steps=2, a smaller penalty.gamma, a milder augment",
    ),
)


def look(real: Tensor, fake: Tensor, labels: Tensor) -> Figures:
    """Ranges, and the shares of twins, of images [N, C, H, W] and their labels int64 [N].

    A twin has another image of its label within a third of the distance that is usual between real images. The ends of the
    fakes' range leave out one pixel in a thousand.
    """

    def nearest(x: Tensor) -> Tensor:
        """Distance of each image to the nearest other of its label."""
        return torch.cdist(x, x).masked_fill(labels[:, None] != labels, math.inf).fill_diagonal_(math.inf).amin(1)

    x, y = real.flatten(1), fake.flatten(1)
    real_nearest, fake_nearest = nearest(x), nearest(y)
    near = real_nearest.median() / 3
    ends = max(1, y.numel() // 1000)
    return {
        "real_low": x.min().item(),
        "real_high": x.max().item(),
        "fake_low": y.flatten().kthvalue(ends).values.item(),
        "fake_high": -(-y).flatten().kthvalue(ends).values.item(),
        "real_twins": (real_nearest < near).double().mean().item(),
        "fake_twins": (fake_nearest < near).double().mean().item(),
    }


def read(real: Tensor, fake: Tensor, labels: Tensor, classifier: Frozen) -> Figures:
    """What a classifier makes of images [N, C, H, W] and of their labels int64 [N] (-1: none).

    ``kinds``: the number of classes it reads, exp H(class); ``agreement``: the share read as their label; ``strangeness``:
    the median distance, in features, from a fake to the nearest real image, over that from a real one to the nearest other.
    """
    (real_features, real_logits), (fake_features, fake_logits) = classifier(real), classifier(fake)
    usual = torch.cdist(real_features, real_features).fill_diagonal_(math.inf).amin(1).median()
    figures = {"strangeness": (torch.cdist(fake_features, real_features).amin(1).median() / usual).item()}
    for name, logits in (("real", real_logits), ("fake", fake_logits)):
        kinds = torch.distributions.Categorical(logits.argmax(1).bincount(minlength=logits.shape[1]).double())
        figures[f"{name}_kinds"] = kinds.entropy().exp().item()
        if (labels >= 0).all():
            figures[f"{name}_agreement"] = (logits.argmax(1) == labels).double().mean().item()
    return figures


def diagnose(figures: Figures, early: bool) -> list[Illness]:
    """What a run with these figures suffers from; ``early``: only what shows without training."""
    known = defaultdict(lambda: math.nan, figures)
    return [illness for illness in ILLNESSES if (illness.early or not early) and illness.sick(known)]


class Doctor(Callback):
    """Looks at the players and their images after every epoch, and says once for each illness what it is and what to try.

    ``classifier``: reads the images, where they are of its size; see :func:`gan.metric.feature.load`.
    ``patience_images``: so many must the generator have learned from before it can be called sick. ``stop`` ends a sick run.
    Findings outlive a resume and stand in ``result.json``. What is not finite is :class:`gan.callback.Finite`'s to say.
    """

    def __init__(self, classifier: str, patience_images: int, stop: bool) -> None:
        self.classifier = load(classifier)
        self.patience_images, self.stop = patience_images, stop
        self.images = 0
        self.findings: list[dict[str, Any]] = []
        self._won: list[Tensor] = []
        self._seen: list[Judged] = []

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"images": self.images, "findings": self.findings}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.images, self.findings = state_dict["images"], list(state_dict["findings"])

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Keep who won, on its device, and count the images the generator learned from."""
        if "logit/won" in outputs:
            self._won.append(outputs["logit/won"])
        if "loss/generator" in outputs:
            self.images += len(batch[0]) * trainer.world_size

    def on_validation_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, *_: Any) -> None:
        """Keep the first images."""
        if sum(len(judged["labels"]) for judged in self._seen) < LOOK:
            self._seen.append(outputs)

    def on_validation_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Examine, on one process for all."""
        new = self._examine(trainer.current_epoch + 1) if trainer.is_global_zero else []
        self._won, self._seen = [], []
        new = trainer.strategy.broadcast(new)
        self.findings += new
        trainer.should_stop |= self.stop and bool(new)
        if not trainer.is_global_zero:
            return
        for finding in new:
            line = "{name} after epoch {epoch}: {evidence}; {remedy}".format(**finding)
            print(f"doctor: {line}", file=sys.stderr)  # noqa: T201
            for logger in trainer.loggers:
                if isinstance(logger, TensorBoardLogger):
                    logger.experiment.add_text("doctor", line, finding["epoch"])

    @torch.no_grad()
    def _examine(self, epoch: int) -> list[dict[str, Any]]:
        """The findings of this epoch that are new."""
        device = next(self.classifier.parameters()).device
        real, fake, labels = (
            torch.cat([judged[part] for judged in self._seen]).to(device) for part in ("real", "fake", "labels")
        )
        figures = look(real, fake, labels)
        if tuple(real.shape[1:]) == self.classifier.shape:
            figures |= read(real, fake, labels, self.classifier)
        if self._won:
            figures["won"] = torch.stack(self._won).mean().item()
        found = {
            illness.name: {
                "name": illness.name,
                "epoch": epoch,
                "images": self.images,
                "evidence": illness.evidence.format(**figures),
                "remedy": illness.remedy,
            }
            for illness in diagnose(figures, early=self.images < self.patience_images)
        }
        told = {finding["name"] for finding in self.findings}
        return [finding for name, finding in found.items() if name not in told]
