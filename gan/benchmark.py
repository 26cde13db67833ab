"""``python -m gan.benchmark``: how fast training, judging and sampling are here, and how much memory they take.

Four loops train the report's networks in turns of one run, so that what else the machine does meets all of them:

- ours: ``train.py``, with all that Lightning does around a step
- bare: the same steps without Lightning, so that what it costs is the difference
- plain: the usual example in float32 with torch's own layers, a pass each for real and fake, its images in memory
- loader: the plain loop behind a DataLoader with torchvision's transforms, which most examples have

Figures are medians over the turns.
"""

import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CalledProcessError, run
from types import SimpleNamespace
from typing import Any, cast

import torch
from hydra.utils import instantiate
from lightning.pytorch import Callback, LightningModule, Trainer
from omegaconf import DictConfig
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode
from torchvision.transforms import Compose, Normalize, ToTensor

from gan import checkpoint, command
from gan.data import Images
from gan.file import write_text
from gan.model import GAN
from gan.network import report
from gan.network.layer import Double, Flatten, Halve, LeakyDropout, Unflatten
from gan.sample import generate, labels

Step = Callable[[], object]
PLAIN = {Halve: nn.Conv2d, Double: nn.ConvTranspose2d}


class Bare(GAN):
    """The game without Lightning: no trainer, no wrapped optimizers, no log."""

    trainer = cast(Any, SimpleNamespace(world_size=1, num_training_batches=0, log_every_n_steps=50))

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """Those of the game, made once."""
        self.own = super().configure_optimizers()
        return self.own

    def players(self) -> tuple[Any, Any]:
        """The optimizers as they are."""
        return self.own[0], self.own[1]

    def manual_backward(self, loss: Tensor, *_: Any, **__: Any) -> None:
        """Gradients, and nothing around them."""
        loss.backward()

    def log_dict(self, *_: Any, **__: Any) -> None:
        """Nothing is logged."""


def bare_loop(game: Bare, images: Images, batch: int, bf16: bool) -> Step:
    """One step of the game on ``batch`` images drawn at random, which lie where the game is."""
    device = images.images.device
    game.to(device).configure_optimizers()

    def step() -> None:
        drawn = images.__getitems__(torch.randint(len(images), (batch,), device=device))
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            game.training_step(drawn, 0)

    return step


def plain(module: nn.Module) -> nn.Module:
    """The same network of torch's own layers."""
    for name, child in module.named_children():
        if isinstance(child, LeakyDropout):
            setattr(module, name, nn.Sequential(nn.LeakyReLU(0.3, inplace=True), nn.Dropout(0.3)))
        elif isinstance(child, Flatten):
            setattr(module, name, nn.Flatten())
        elif isinstance(child, Unflatten):
            setattr(module, name, nn.Unflatten(1, child.shape))
        elif type(child) in PLAIN:
            child.__class__ = PLAIN[type(child)]
        else:
            plain(child)
    return module


def plain_loop(batches: Iterator[Tensor], shape: torch.Size, device: torch.device) -> Step:
    """One step of the usual example: float32, one pass each for real and fake, torch's Adam.

    ``batches``: floats [N, *shape] in [-1, 1]; ``shape``: channels, height and width.
    """
    channels, size, _ = shape
    generator = plain(report.Generator(size, channels, 100)).to(device)
    discriminator = plain(report.Discriminator(size, channels)).to(device)
    players = [torch.optim.Adam(net.parameters(), lr=1e-4) for net in (discriminator, generator)]

    def step() -> None:
        real = next(batches).to(device)
        one, zero = real.new_ones(len(real)), real.new_zeros(len(real))
        y = torch.zeros(len(real), dtype=torch.long, device=device)  # of no meaning: both are unconditional
        fake = generator(torch.randn(len(real), 100, device=device), y)
        players[0].zero_grad()
        binary_cross_entropy_with_logits(discriminator(real, y).logits, one).backward()
        binary_cross_entropy_with_logits(discriminator(fake.detach(), y).logits, zero).backward()
        players[0].step()
        players[1].zero_grad()
        binary_cross_entropy_with_logits(discriminator(fake, y).logits, one).backward()
        players[1].step()

    return step


def in_memory(images: Images, batch: int) -> Iterator[Tensor]:
    """Batches without end, of floats that lie ready."""
    ready, _ = images.__getitems__(torch.arange(min(len(images), 10_000)))
    while True:
        yield ready[torch.randint(len(ready), (batch,), device=ready.device)]


class Transformed(Dataset[Tensor]):
    """One image at a time through PIL and torchvision's transforms, as torchvision's MNIST does."""

    def __init__(self, images: Images) -> None:
        self.pixels = images.images.cpu().permute(0, 2, 3, 1).squeeze(-1).numpy()
        self.transform = Compose([ToTensor(), Normalize(0.5, 0.5)])

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> Tensor:
        found: Tensor = self.transform(Image.fromarray(self.pixels[index]))
        return found


def behind_a_loader(images: Images, batch: int) -> Iterator[Tensor]:
    """Batches without end of the usual DataLoader."""
    while True:
        yield from DataLoader(Transformed(images), batch, shuffle=True, drop_last=True)


class Turns(Callback):
    """Lets other loops take turns of ``steps`` steps after each of the run's, and times all."""

    def __init__(self, steps: int, game: Callable[[], Bare], batch: int, bf16: bool) -> None:
        self.steps, self.game, self.batch, self.bf16 = steps, game, batch, bf16
        self.seconds: dict[str, list[float]] = {"ours": []}

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Build the other loops, over the same images."""
        images = trainer.datamodule.splits["train"]  # type: ignore[attr-defined]
        shape, device = images.images.shape[1:], module.device
        self.loops = {
            "bare": bare_loop(self.game(), images, self.batch, self.bf16),
            "plain": plain_loop(in_memory(images, self.batch), shape, device),
            "loader": plain_loop(behind_a_loader(images, self.batch), shape, device),
        }
        self.seconds |= {name: [] for name in self.loops}

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Start our turn."""
        self.began = now(module.device)

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int) -> None:
        """After our turn, the other loops'."""
        if (batch_idx + 1) % self.steps:
            return
        self.seconds["ours"].append(now(module.device) - self.began)
        for name, step in self.loops.items():
            self.seconds[name].append(timed(step, self.steps, module.device))
        self.began = now(module.device)


def now(device: torch.device) -> float:
    """Seconds, once the device has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def timed(step: Step, times: int, device: torch.device) -> float:
    """Seconds that ``times`` steps take."""
    began = now(device)
    for _ in range(times):
        step()
    return now(device) - began


def peak(device: torch.device, bf16: bool) -> float:
    """FLOP/s of a convolution that suits the machine: 64 to 64 channels, 3x3, 64 maps of 28x28."""
    x = torch.randn(64, 64, 28, 28, device=device).to(memory_format=torch.channels_last)
    convolution = nn.Conv2d(64, 64, 3, padding=1, device=device).to(memory_format=torch.channels_last)
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        seconds = statistics.median(timed(lambda: convolution(x), 1, device) for _ in range(30))
    return 2 * 64 * 28**2 * 64 * 64 * 9 / seconds


def sampling(device: torch.device, turns: int) -> dict[str, dict[str, float]]:
    """Milliseconds for a batch from seeds to pixels, and images per second, of the generator that ships."""
    generator, found = checkpoint.generator(None), {}
    cast(nn.Module, generator).to(device)
    for n in (1, 16, 64, 1000):
        seeds = torch.arange(n)
        one = lambda seeds=seeds, n=n: list(generate(generator, seeds, labels(seeds, generator.classes), n))  # noqa: E731
        timed(one, 3, device)
        seconds = statistics.median(timed(one, 1, device) for _ in range(5 * turns))
        found[str(n)] = {"milliseconds": round(seconds * 1000, 2), "images_per_second": round(n / seconds)}
    return found


def default_run(words: list[str], batches: int) -> dict[str, float]:
    """The default recipe in a process of its own: peak memory, seconds to judge and seconds of training an epoch."""
    with tempfile.TemporaryDirectory() as folder:
        short = ["trainer.max_epochs=2", f"trainer.limit_train_batches={batches}", f"run_dir={folder}/run"]
        root = Path(command.CONF).parent
        try:
            run([sys.executable, root / "train.py", *words, *short], check=True, capture_output=True, cwd=root, text=True)
        except CalledProcessError as error:
            raise ValueError(f"the default run failed: {error.stderr.strip().splitlines()[-1]}") from error
        first, last = json.loads((Path(folder) / "run" / "result.json").read_text())["history"]
    images, seconds = (last[name] - first[name] for name in ("speed/images", "speed/training_minutes"))
    judging = last["speed/judging_per_training"] * last["speed/training_minutes"]
    judging -= first["speed/judging_per_training"] * first["speed/training_minutes"]
    return {
        "images_per_second": round(images / seconds / 60),
        "judging_seconds": round(judging * 60, 1),
        "peak_memory_mib": round(last["speed/peak_memory_mib"]),
    }


@command.main("benchmark")
def main(cfg: DictConfig) -> None:
    """Run all, print the JSON."""
    words = command.settle_data([f"data={cfg.dataset}"])
    bf16 = cfg.precision == "bf16-mixed"
    with tempfile.TemporaryDirectory() as folder:
        short = [f"trainer.limit_train_batches={cfg.steps}", f"trainer.max_epochs={cfg.turns + 1}"]
        short += ["trainer.limit_val_batches=0", "callback=[finite,speed]", f"trainer.log_every_n_steps={min(cfg.steps, 50)}"]
        short += [f"trainer.precision={cfg.precision}", f"batch_size={cfg.batch_size}", f"run_dir={folder}"]
        config = command.compose("train", ["experiment=report", *words, *short])
        game = lambda: cast(Bare, instantiate(config.model, _target_="gan.benchmark.Bare", _convert_="all"))  # noqa: E731
        turns = Turns(cfg.steps, game, cfg.batch_size, bf16)
        watchers = [*instantiate(config.callback, _convert_="all").values(), turns]
        quiet = {"enable_progress_bar": False, "enable_checkpointing": False}
        logger = instantiate(config.logger, _convert_="all")
        trainer = instantiate(config.trainer, callbacks=watchers, logger=logger, **quiet, _convert_="all")
        model = instantiate(config.model, _convert_="all")
        trainer.fit(model, instantiate(config.data, _convert_="all"))
    device = trainer.strategy.root_device
    with FlopCounterMode(display=False) as counter:
        turns.loops["bare"]()
    seconds = {name: statistics.median(found[1:]) / cfg.steps for name, found in turns.seconds.items()}
    rate = peak(device, bf16)
    found = {
        "images_per_second": {name: round(cfg.batch_size / s) for name, s in seconds.items()},
        "times_plain": round(seconds["plain"] / seconds["ours"], 3),
        "times_loader": round(seconds["loader"] / seconds["ours"], 3),
        "lightning_overhead": round(seconds["ours"] / seconds["bare"] - 1, 4),
        "share_of_convolution_peak": round(counter.get_total_flops() / seconds["bare"] / rate, 3),
        "convolution_peak_gflops": round(rate / 1e9),
        "sampling": sampling(device, cfg.turns),
        "default_run": default_run(words, cfg.default_batches),
        "turns": cfg.turns,
        "steps": cfg.steps,
        "batch_size": cfg.batch_size,
        "precision": config.trainer.precision,
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "machine": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
        "torch": torch.__version__,
    }
    if cfg.out:
        write_text(json.dumps(found, indent=2), Path(cfg.out))
    print(json.dumps(found, indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
