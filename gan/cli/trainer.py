"""Settings of Lightning's trainer that it would refuse late, in a traceback, or never."""

import os
from collections.abc import Mapping
from typing import Any

import torch
from hydra.utils import instantiate

from gan.error import UserError
from gan.validate import integer, seconds

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed", "64-true")  # the networks have weights of 32 bits, or of 64
STRATEGIES = ("auto", "ddp_find_unused_parameters_true")
DEVICES = {"gpu": (torch.cuda, torch.mps), "cuda": (torch.cuda,), "mps": (torch.mps,)}
PROCESSES_PER_CORE = 4
MOST_THREADS = 1024
CLUSTER = ("MASTER_ADDR", "SLURM_JOB_ID", "LSB_JOBID")  # set where machines work together


def validate_trainer(trainer: dict[str, Any]) -> None:
    """Raise UserError for settings of a trainer that cannot train here."""
    precision, strategy = str(trainer["precision"]), trainer["strategy"]
    if precision not in PRECISIONS:
        raise UserError(f"trainer.precision must be {', '.join(PRECISIONS)} or auto, got {precision}")
    if isinstance(strategy, str) and strategy not in STRATEGIES:
        rule = f"{STRATEGIES[0]} or, for several devices, {STRATEGIES[1]}"
        raise UserError(f"trainer.strategy must be {rule}, got {strategy}: trainer=ddp sets it")
    for name in ("max_epochs", "limit_train_batches"):
        if trainer[name] == 0:
            raise UserError(f"trainer.{name}=0 would train nothing: choose a larger number")
    if trainer["max_time"] is not None:
        seconds("trainer.max_time", trainer["max_time"])
    if trainer["threads"] != "auto":
        integer("trainer.threads, unless auto,", trainer["threads"], 1, MOST_THREADS)
    _validate_devices(trainer)


def make_trainer(settings: Mapping[Any, Any], **parts: Any) -> Any:
    """Lightning's trainer of ``settings``, with ``parts`` instead of those of the same names."""
    known = {name: value for name, value in settings.items() if name != "threads"}
    return instantiate(known, **parts, _convert_="all")


def _validate_devices(trainer: dict[str, Any]) -> None:
    """Raise UserError for devices that are not here, and for more processes than can work."""
    accelerator, devices, nodes = (trainer[name] for name in ("accelerator", "devices", "num_nodes"))
    if not any(device.is_available() for device in DEVICES.get(accelerator, [torch.cpu])):
        raise UserError(f"trainer.accelerator={accelerator}: there is no such device here: choose auto or cpu")
    has_gpu = any(device.is_available() for device in DEVICES["gpu"])
    if isinstance(devices, int) and (accelerator == "cpu" or (accelerator == "auto" and not has_gpu)):
        most = PROCESSES_PER_CORE * (os.cpu_count() or 1)
        if not 1 <= devices <= most:
            raise UserError(f"trainer.devices must be 1 to {most} processes on this machine's CPU, got {devices}")
    if isinstance(nodes, int) and nodes > 1 and not any(name in os.environ for name in CLUSTER):
        how = "start it on each machine by srun or torchrun, which say where the others are"
        raise UserError(f"trainer.num_nodes={nodes}: no other machine is known here: {how}, or leave it out")
