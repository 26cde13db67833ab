"""The figures of the benchmark.

Four loops take turns in one run, so that other load on the machine meets all of them. Figures are
medians over the turns; ratios are medians of the ratios within a turn.
"""

import sys
import time
from functools import partial
from operator import truediv
from pathlib import Path
from statistics import median
from subprocess import run
from tempfile import TemporaryDirectory
from typing import Any

import torch
from hydra.utils import instantiate
from lightning.pytorch import Callback, LightningModule, Trainer
from omegaconf import DictConfig
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gan import checkpoint
from gan.benchmark.loop import Step, bare_loop, behind_a_loader, in_memory, plain_loop
from gan.benchmark.machine import instructions, processor
from gan.benchmark.profile import profile_step
from gan.cli.compose import compose
from gan.cli.prepare import settle_data
from gan.cli.trainer import make_trainer
from gan.error import UserError
from gan.file import CONF, load_json
from gan.network import Generator
from gan.sample import generate, labels


class Turns(Callback):
    """Gives each of ``loops`` a turn of ``steps`` steps after each epoch of train.py; times all."""

    def __init__(self, loops: dict[str, Step], steps: int, device: torch.device) -> None:
        self.loops, self.steps, self.device = loops, steps, device
        self.seconds: dict[str, list[float]] = {name: [] for name in ("ours", *loops)}

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.began = now(self.device)

    def on_train_batch_end(
        self, trainer: Trainer, module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if batch_idx + 1 == self.steps:
            self.seconds["ours"].append(now(self.device) - self.began)
            for name, step in self.loops.items():
                self.seconds[name].append(timed(step, self.steps, self.device))


def now(device: torch.device) -> float:
    """Seconds, once the device has finished its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def timed(step: Step, times: int, device: torch.device) -> float:
    """Seconds that ``times`` steps take."""
    began = now(device)
    for _ in range(times):
        step()
    return now(device) - began


def take_turns(cfg: DictConfig, data: list[str]) -> Turns:
    """Train for one epoch to warm up and ``turns`` epochs, in turns with the other loops."""
    with TemporaryDirectory() as folder:
        short = [f"trainer.limit_train_batches={cfg.steps}", f"trainer.max_epochs={cfg.turns + 1}"]
        short += ["trainer.limit_val_batches=0", f"trainer.log_every_n_steps={min(cfg.steps, 50)}"]
        short += ["+trainer.enable_progress_bar=false", "+trainer.enable_checkpointing=false"]
        short += [f"trainer.precision={cfg.precision}", f"batch_size={cfg.batch_size}"]
        short += ["callback=[finite,speed]", f"run_dir={folder}"]
        config = compose("train", ["experiment=report", *data, *short])
        parts = (instantiate(config[name], _convert_="all") for name in ("callback", "logger", "data", "model"))
        callbacks, loggers, datamodule, model = parts
        watchers = {"callbacks": [*callbacks.values()], "logger": [*loggers.values()]}
        trainer = make_trainer(config.trainer, **watchers)
        device = trainer.strategy.root_device
        datamodule.setup()
        images = datamodule.splits["train"].on(device)
        bare = instantiate(config.model, _target_="gan.benchmark.loop.Bare", _convert_="all")
        loops = {
            "bare": bare_loop(bare, images, cfg.batch_size, cfg.precision == "bf16-mixed"),
            "plain": plain_loop(in_memory(images, cfg.batch_size), datamodule.shape, device),
            "loader": plain_loop(behind_a_loader(images, cfg.batch_size), datamodule.shape, device),
        }
        turns = Turns(loops, cfg.steps, device)
        trainer.callbacks.append(turns)
        trainer.fit(model, datamodule)
    return turns


def convolution_peak(device: torch.device, bf16: bool) -> float:
    """FLOP/s of a convolution that suits the machine: 64 to 64 channels, 3x3, 64 maps of 28x28."""
    x = torch.randn(64, 64, 28, 28, device=device).to(memory_format=torch.channels_last)
    convolution = nn.Conv2d(64, 64, 3, padding=1, device=device).to(memory_format=torch.channels_last)
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        seconds = median(timed(partial(convolution, x), 1, device) for _ in range(30))
    return 2 * 64 * 28**2 * 64 * 64 * 9 / seconds


def draw(generator: Generator, n: int) -> None:
    """Draw ``n`` digits at once."""
    seeds = torch.arange(n)
    list(generate(generator, seeds, labels(seeds, generator.classes), n))


def measure_drawing(device: torch.device, turns: int) -> dict[str, dict[str, float]]:
    """The shipped generator's milliseconds for a batch, seeds to pixels, and images per second."""
    generator, found = checkpoint.generator(None).to(device), {}
    for n in (1, 16, 64, 1000):
        step = partial(draw, generator, n)
        timed(step, 3, device)
        seconds = median(timed(step, 1, device) for _ in range(5 * turns))
        found[str(n)] = {"milliseconds": round(seconds * 1000, 2), "images_per_second": round(n / seconds)}
    return found


def run_default(data: list[str], batches: int) -> dict[str, float]:
    """Train two short epochs of the default recipe in a process of its own.

    Returns images per second and seconds of evaluation, both of the second epoch, and peak memory.
    """
    with TemporaryDirectory() as folder:
        command = [sys.executable, "train.py", *data, "trainer.max_epochs=2"]
        command += [f"trainer.limit_train_batches={batches}", f"run_dir={folder}/run"]
        done = run(command, check=False, capture_output=True, cwd=CONF.parent, text=True)
        if done.returncode:
            raise UserError(f"the default run failed: {done.stderr.strip().splitlines()[-1]}")
        history = load_json(Path(folder) / "run" / "result.json")["history"]
    # The figures of both epochs count from the first.
    images = [epoch["speed/images"] for epoch in history]
    training = [60 * epoch["speed/training_minutes"] for epoch in history]
    judging = [60 * epoch["speed/training_minutes"] * epoch["speed/judging_per_training"] for epoch in history]
    return {
        "images_per_second": round((images[1] - images[0]) / (training[1] - training[0])),
        "judging_seconds": round(judging[1] - judging[0], 1),
        "peak_memory_mib": round(history[1]["speed/peak_memory_mib"]),
    }


def profile_loops(cfg: DictConfig, turns: Turns, data: list[str]) -> dict[str, Any]:
    """The parts of a step of the report's networks and of the default recipe.

    Raises UserError on a GPU, whose work the CPU does not wait for.
    """
    if turns.device.type != "cpu":
        raise UserError("profile=true tells the times of the CPU: leave it out on a GPU")
    config = compose("train", [*data, "run_dir=."])
    datamodule = instantiate(config.data, _convert_="all")
    datamodule.setup()
    bare = instantiate(config.model, _target_="gan.benchmark.loop.Bare", _convert_="all")
    default = bare_loop(bare, datamodule.splits["train"], config.batch_size, cfg.precision == "bf16-mixed")
    return {
        "report": profile_step(turns.loops["bare"], cfg.steps),
        "default": profile_step(default, cfg.steps),
    }


def measure_all(cfg: DictConfig) -> dict[str, Any]:
    """All figures, with the settings and the machine they depend on."""
    data = settle_data([f"data={cfg.dataset}"])
    turns = take_turns(cfg, data)
    device, seconds = turns.device, {name: found[1:] for name, found in turns.seconds.items()}
    step = {name: median(found) / cfg.steps for name, found in seconds.items()}
    with FlopCounterMode(display=False) as counter:
        turns.loops["bare"]()
    bf16, is_gpu = cfg.precision == "bf16-mixed", device.type == "cuda"
    peak = convolution_peak(device, bf16)
    recorded = [*data, "model.compile=reduce-overhead"]  # as CUDA graphs
    return {
        "images_per_second": {name: round(cfg.batch_size / found) for name, found in step.items()},
        "times_plain": round(median(map(truediv, seconds["plain"], seconds["ours"])), 3),
        "times_loader": round(median(map(truediv, seconds["loader"], seconds["ours"])), 3),
        "lightning_overhead": round(median(map(truediv, seconds["ours"], seconds["bare"])) - 1, 4),
        "share_of_convolution_peak": round(counter.get_total_flops() / step["bare"] / peak, 3),
        "convolution_peak_gflops": round(peak / 1e9),
        "sampling": measure_drawing(device, cfg.turns),
        "default_run": run_default(data, cfg.default_batches),
        "recorded_run": run_default(recorded, cfg.default_batches) if is_gpu else None,
        "profile": profile_loops(cfg, turns, data) if cfg.profile else None,
        "turns": cfg.turns,
        "steps": cfg.steps,
        "batch_size": cfg.batch_size,
        "precision": cfg.precision,
        "device": torch.cuda.get_device_name(device) if is_gpu else processor(),
        "threads": torch.get_num_threads(),
        "machine": f"CUDA {torch.version.cuda}" if is_gpu else instructions(bf16),
        "torch": torch.__version__,
    }
