"""``python -m gan.benchmark``: how fast training, judging and sampling are here, and how much memory they take.

Four loops take turns in one run, so that what else the machine does meets all of them. Figures are medians over the turns,
ratios those of the ratios within each turn.
"""

import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import CalledProcessError, run
from typing import Any, cast

import torch
from hydra.utils import instantiate
from lightning.pytorch import Callback, LightningModule, Trainer
from omegaconf import DictConfig
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gan import checkpoint, command, override
from gan.benchmark.loop import Bare, Step, bare_loop, behind_a_loader, in_memory, plain_loop
from gan.file import write_text
from gan.sample import generate, labels


class Turns(Callback):
    """Lets other loops take turns of ``steps`` steps after each of the run's, and times all."""

    def __init__(self, steps: int, game: Callable[[], Bare], batch: int, bf16: bool) -> None:
        self.steps, self.game, self.batch, self.bf16 = steps, game, batch, bf16
        self.seconds: dict[str, list[float]] = {"ours": []}

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """Build the other loops, over the same images."""
        device = module.device
        images = trainer.datamodule.splits["train"].on(device)  # type: ignore[attr-defined]
        shape = images.images.shape[1:]
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
        root = Path(override.CONF).parent
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
    for name in ("turns", "steps", "batch_size", "default_batches"):
        if cfg[name] < 1:
            raise ValueError(f"{name} must be 1 or more, got {cfg[name]}")
    words = command.settle_data([f"data={cfg.dataset}"])
    bf16 = cfg.precision == "bf16-mixed"
    with tempfile.TemporaryDirectory() as folder:
        short = [f"trainer.limit_train_batches={cfg.steps}", f"trainer.max_epochs={cfg.turns + 1}"]
        short += ["trainer.limit_val_batches=0", "callback=[finite,speed]", f"trainer.log_every_n_steps={min(cfg.steps, 50)}"]
        short += [f"trainer.precision={cfg.precision}", f"batch_size={cfg.batch_size}", f"run_dir={folder}"]
        config = override.compose("train", ["experiment=report", *words, *short])
        game = lambda: cast(Bare, instantiate(config.model, _target_="gan.benchmark.loop.Bare", _convert_="all"))  # noqa: E731
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

    def ratio(one: str, other: str) -> float:
        """How many times as long the one takes as the other, in the median turn."""
        pairs = list(zip(turns.seconds[one], turns.seconds[other], strict=True))[1:]
        return statistics.median(a / b for a, b in pairs)

    found = {
        "images_per_second": {name: round(cfg.batch_size / s) for name, s in seconds.items()},
        "times_plain": round(ratio("plain", "ours"), 3),
        "times_loader": round(ratio("loader", "ours"), 3),
        "lightning_overhead": round(ratio("ours", "bare") - 1, 4),
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
