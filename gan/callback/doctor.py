"""The doctor names what is wrong with a run while it runs, with the evidence and a remedy."""

import math
from collections import defaultdict
from typing import Any, NamedTuple

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from gan import terminal
from gan.logger import boards
from gan.metric.feature import Frozen, load
from gan.validate import boolean, integer

Figures = dict[str, float]
Finding = dict[str, str | int]
EXAMINED = 1000  # images of each validation: enough for the shares below, and cheap


class Illness(NamedTuple):
    """What can be wrong with a run: a name, the evidence as a format of the figures, a remedy."""

    name: str
    evidence: str
    remedy: str


REAL_RANGE = Illness(
    "wrong range",
    "real images lie in [{real_low:.2f}, {real_high:.2f}], not in [-1, 1]: the discriminator can tell by range alone",
    "scale the data with gan.image.to_float, without mean and deviation",
)
FAKE_RANGE = Illness(
    "wrong range",
    "fakes lie in [{fake_low:.2f}, {fake_high:.2f}], real images in [{real_low:.2f}, {real_high:.2f}]",
    "end the generator in tanh",
)
VARIETY = "try penalty=r1 or a larger penalty.gamma, a lower optimizer.lr, loss=relativistic"
TWINS = Illness("mode collapse", "{fake_twins:.0%} of fakes nearly repeat another (real: {real_twins:.0%})", VARIETY)
FEW_KINDS = Illness("mode collapse", "fakes show {fake_kinds:.1f} classes (real: {real_kinds:.1f})", VARIETY)
LABELS = Illness(
    "ignored labels",
    "{fake_agreement:.0%} of fakes are classified as their label (real: {real_agreement:.0%})",
    "check that labels belong to their images, that both players use y, and network.classes",
)
BALANCE = (
    "it put real above fake in {won:.1%} of pairs; fakes are {strangeness:.1f} times as far from real images as these "
    "from each other"
)
UNBEATABLE = Illness(
    "unbeatable discriminator",
    BALANCE,
    "try model.lr_ratio=0.5, penalty=r1 with a larger penalty.gamma, augment=adaptive",
)
HELPLESS = Illness(
    "helpless discriminator",
    BALANCE,
    "try a model.lr_ratio of about 1, model.d_steps=2, a smaller penalty.gamma, a milder augment",
)


def compare_pixels(real: Tensor, fake: Tensor, labels: Tensor) -> Figures:
    """Return ranges and shares of twins of images [N, C, H, W] with labels int64 [N].

    A twin has another image of its label within a third of the median distance between nearest real
    images. The range of fakes leaves out one pixel in a thousand at each end.
    """

    def nearest(x: Tensor) -> Tensor:
        """Return the distance [N] of each image to the nearest other of its label."""
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


def classify(real: Tensor, fake: Tensor, labels: Tensor, classifier: Frozen) -> Figures:
    """Return what a classifier makes of images [N, C, H, W] with labels int64 [N] (-1: none).

    - ``kinds``: the number of classes it finds, exp H(class).
    - ``agreement``: the share classified as their label; left out without labels.
    - ``strangeness``: the median distance, in features, from a fake to the nearest real image, over
      that from a real image to the nearest other.
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
    """Return what is wrong with a run; ``early``: only what shows without training."""
    f = defaultdict(lambda: math.nan, figures)  # a missing figure compares as healthy
    # Strangeness is 1 for real images. Below 1.5, the classes of fakes mean something: noise has
    # a class, too. Above 2, fakes are poor, and players out of balance are an illness.
    is_legible, is_poor = f["strangeness"] < 1.5, f["strangeness"] > 2
    real_end, fake_end = max(-f["real_low"], f["real_high"]), max(-f["fake_low"], f["fake_high"])
    signs = {
        REAL_RANGE: f["real_low"] > -0.9 or f["real_high"] < 0.9 or real_end > 1.01,
        FAKE_RANGE: fake_end > 1.5 or (f["fake_low"] > -0.5 and f["fake_high"] > 0.5),
        TWINS: f["fake_twins"] > f["real_twins"] + 0.25,
        FEW_KINDS: f["fake_kinds"] < 0.5 * f["real_kinds"] and is_legible,
        LABELS: f["real_agreement"] > 0.8 and f["fake_agreement"] < 0.3 and is_legible,
        UNBEATABLE: f["won"] > 0.995 and is_poor,
        HELPLESS: f["won"] < 0.6 and is_poor,
    }
    return [illness for illness, is_present in signs.items() if is_present and (illness is REAL_RANGE or not early)]


class Doctor(Callback):
    """Examines players and images after every epoch and reports each illness once.

    ``classifier``: see :func:`gan.metric.feature.load`; used if images have its size.
    ``patience_images``: training images before a generator can be ill. ``stop`` ends an ill run.
    Findings survive a resume and stand in ``result.json``. NaN is for :class:`gan.callback.Finite`.
    """

    def __init__(self, classifier: str, patience_images: int, stop: bool) -> None:
        self.classifier = load(classifier)
        self.patience_images = integer("callback.doctor.patience_images", patience_images, 0, 10**12)
        self.stop = boolean("callback.doctor.stop", stop)
        self.images = 0
        self.findings: list[Finding] = []
        self._won: list[Tensor] = []
        self._seen: list[tuple[Tensor, Tensor, Tensor]] = []  # real, fake, labels

    def state_dict(self) -> dict[str, Any]:
        return {"images": self.images, "findings": self.findings}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.images, self.findings = state_dict["images"], list(state_dict["findings"])

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, *_: Any) -> None:
        self._won.append(outputs["logit/won"])  # on its device: reading it would wait for the GPU
        if "loss/generator" in outputs:
            self.images += len(batch[0]) * trainer.world_size

    def on_validation_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, *_: Any) -> None:
        if sum(len(labels) for *_, labels in self._seen) < EXAMINED:
            self._seen.append((outputs["real"], outputs["fake"], outputs["labels"]))

    def on_validation_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Examine in one process, report, and stop all processes."""
        new = self._examine(trainer.current_epoch + 1) if trainer.is_global_zero else []
        self._won, self._seen = [], []
        new = trainer.strategy.broadcast(new)
        self.findings += new
        trainer.should_stop |= self.stop and bool(new)
        if not trainer.is_global_zero:
            return
        for finding in new:
            line = "{name} after epoch {epoch}: {evidence}; {remedy}".format(**finding)
            terminal.say(f"doctor: {line}")
            for board in boards(trainer):
                board.add_text("doctor", line)

    @torch.no_grad()
    def _examine(self, epoch: int) -> list[Finding]:
        """Return the new findings of this epoch, one for each name."""
        device = next(self.classifier.parameters()).device
        real, fake, labels = (torch.cat(parts).to(device) for parts in zip(*self._seen, strict=True))
        figures = compare_pixels(real, fake, labels)
        if tuple(real.shape[1:]) == self.classifier.shape:
            figures |= classify(real, fake, labels, self.classifier)
        if self._won:
            figures["won"] = torch.stack(self._won).mean().item()
        found: dict[str, Finding] = {}
        for name, evidence, remedy in diagnose(figures, early=self.images < self.patience_images):
            evidence = evidence.format(**figures)
            found[name] = {"name": name, "epoch": epoch, "images": self.images, "evidence": evidence, "remedy": remedy}
        known = {finding["name"] for finding in self.findings}
        return [finding for name, finding in found.items() if name not in known]
