"""``python -m gan.benchmark``: images per second of training, against a plain eager loop of the same networks.

The two take turns in one run, so that what else the machine does meets both; medians over the turns are compared.
"""

import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from hydra.utils import instantiate
from lightning.pytorch import Callback, LightningModule, Trainer
from omegaconf import DictConfig
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from gan import command
from gan.file import write_text
from gan.network import report
from gan.network.layer import LeakyDropout


def plain_dropout(module: nn.Module) -> nn.Module:
    """The same network with torch's own leaky ReLU and dropout."""
    for name, child in module.named_children():
        usual = nn.Sequential(nn.LeakyReLU(0.3, inplace=True), nn.Dropout(0.3))
        setattr(module, name, usual if isinstance(child, LeakyDropout) else plain_dropout(child))
    return module


def plain_loop(images: Tensor, batch: int, device: torch.device) -> Callable[[], None]:
    """One step of the usual example: float32, one pass each for real and fake, torch's dropout and Adam.

    ``images``: floats [N, C, H, W] in [-1, 1], already in memory.
    """
    images = images.to(device)
    channels, size = images.shape[1:3]
    generator = report.Generator(size, channels, 100).to(device)
    discriminator = plain_dropout(report.Discriminator(size, channels)).to(device)
    players = [torch.optim.Adam(net.parameters(), lr=1e-4) for net in (discriminator, generator)]
    one, zero = torch.ones(batch, device=device), torch.zeros(batch, device=device)
    y = torch.zeros(batch, dtype=torch.long, device=device)  # of no meaning: both are unconditional

    def step() -> None:
        real = images[torch.randint(len(images), (batch,), device=device)]
        fake = generator(torch.randn(batch, 100, device=device), y)
        players[0].zero_grad()
        binary_cross_entropy_with_logits(discriminator(real, y).logits, one).backward()
        binary_cross_entropy_with_logits(discriminator(fake.detach(), y).logits, zero).backward()
        players[0].step()
        players[1].zero_grad()
        binary_cross_entropy_with_logits(discriminator(fake, y).logits, one).backward()
        players[1].step()

    return step


class Turns(Callback):
    """Lets a plain loop take every other turn of ``steps`` steps, and times both."""

    def __init__(self, steps: int, batch: int) -> None:
        self.steps, self.batch = steps, batch
        self.seconds: dict[str, list[float]] = {"ours": [], "plain": []}

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Build the plain loop beside the run's networks, over the same images."""
        train = trainer.datamodule.splits["train"]  # type: ignore[attr-defined]
        self.step = plain_loop(train.__getitems__(range(min(len(train), 10_000)))[0], self.batch, module.device)

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Start our first turn."""
        self.began = self._now(module)

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """After our turn, the plain loop's."""
        if (batch_idx + 1) % self.steps:
            return
        ours = self._now(module)
        for _ in range(self.steps):
            self.step()
        plain = self._now(module)
        self.seconds["ours"].append(ours - self.began)
        self.seconds["plain"].append(plain - ours)
        self.began = self._now(module)

    @staticmethod
    def _now(module: LightningModule) -> float:
        if module.device.type == "cuda":
            torch.cuda.synchronize(module.device)
        return time.perf_counter()


@command.main("benchmark")
def main(cfg: DictConfig) -> None:
    """Run both, print the JSON."""
    with tempfile.TemporaryDirectory() as folder:
        batches = f"trainer.limit_train_batches={cfg.steps}"
        words = ["experiment=report", f"batch_size={cfg.batch_size}", batches, f"trainer.max_epochs={cfg.turns + 1}"]
        words += ["trainer.limit_val_batches=0", "callback=[finite,speed]"]
        words += [
            f"data={cfg.dataset}",
            f"trainer.precision={cfg.precision}",
            f"trainer.log_every_n_steps={min(cfg.steps, 50)}",
        ]
        config = command.compose("train", [*command.settle_data(words), f"run_dir={folder}"])
        turns = Turns(cfg.steps, cfg.batch_size)
        watchers = [*instantiate(config.callback, _convert_="all").values(), turns]
        quiet = {"enable_progress_bar": False, "enable_checkpointing": False}
        logger = instantiate(config.logger, _convert_="all")
        trainer = instantiate(config.trainer, callbacks=watchers, logger=logger, **quiet, _convert_="all")
        trainer.fit(instantiate(config.model, _convert_="all"), instantiate(config.data, _convert_="all"))
    images = cfg.steps * cfg.batch_size
    median = {name: statistics.median(seconds[1:]) for name, seconds in turns.seconds.items()}
    found = {
        "images_per_second": {name: round(images / seconds) for name, seconds in median.items()},
        "times_plain": round(median["plain"] / median["ours"], 3),
        "turns": cfg.turns,
        "steps": cfg.steps,
        "batch_size": cfg.batch_size,
        "precision": config.trainer.precision,
        "threads": torch.get_num_threads(),
        "machine": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
        "torch": torch.__version__,
    }
    if cfg.out:
        write_text(json.dumps(found, indent=2), Path(cfg.out))
    print(json.dumps(found, indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
