"""The two-sample test in a training, and the fakes that it judges, there and later."""

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from gan import sample
from gan.data import ImageData
from gan.metric import feature
from gan.metric.two_sample import LEAST, Pair, TwoSample, tell
from gan.model import GAN
from gan.network import Generator
from gan.validate import boolean, integer

FIRST_SEED = 2 * sample.SEEDS  # above those of all other fakes


def draw(generator: Generator, test: TwoSample) -> Pair:
    """A fake as bytes for each real image of ``test``, with its label if all have one."""
    seeds = torch.arange(len(test.labels)) + FIRST_SEED
    has_labels = generator.classes and bool((test.labels >= 0).all())
    y = test.labels if has_labels else sample.labels(seeds, generator.classes)
    return sample.generate_bytes(generator, seeds, y), y


class Tell(Callback):
    """Tells fakes from real images after ``every`` so many epochs, logged as ``val/c2st``.

    It is the figure of the card: see :mod:`gan.metric.two_sample`. Of an epoch that is not judged
    otherwise there is none; ``every=None``: of no epoch. The training stays the same bit for bit.
    """

    def __init__(self, every: int | None, images: int, steps: int, bf16: bool, classifier: str, tag: str = "") -> None:
        self.every = None if every is None else integer("c2st_every", every, 1, 10**6)
        self.images = integer("callback.tell.images", images, LEAST, 10**6)
        self.steps, self.bf16 = integer("callback.tell.steps", steps, 1, 10**6), boolean("callback.tell.bf16", bf16)
        self.classifier, self.name = classifier, f"val{tag}/c2st"
        self._test: TwoSample | None = None

    def on_validation_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Forget the figure of an earlier epoch, which would be logged again."""
        trainer.callback_metrics.pop(self.name, None)

    def on_validation_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        is_due = self.every and (trainer.current_epoch + 1) % self.every == 0
        if not is_due or trainer.sanity_checking or not trainer.is_global_zero:
            return
        assert isinstance(module, GAN)
        if self._test is None:
            data = trainer.datamodule  # type: ignore[attr-defined]
            assert isinstance(data, ImageData)
            pool = data.others("test")
            self._test = TwoSample((pool.images, pool.labels), self.images, self.steps, self.bf16)
        with torch.inference_mode(False), torch.enable_grad():
            real, fake = self._test.pair(draw(module.ema.generator, self._test), feature.load(self.classifier))
            scores = tell(real, fake, self.steps, self.bf16) if len(real) >= LEAST else None
        if scores:
            module.log(self.name, scores.accuracy, rank_zero_only=True)
