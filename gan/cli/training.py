"""Training one GAN of a configuration; ``train.py`` and the trials of a study share it."""

import ctypes
import errno
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from omegaconf import DictConfig, OmegaConf
from torch.distributed import DistError

from gan import checkpoint
from gan.callback import Quality, Result, threads
from gan.callback.result import remedy
from gan.cli import carry, fitted
from gan.cli.compose import plain
from gan.cli.trainer import make_trainer, validate_trainer
from gan.error import UserError, printable
from gan.validate import integer, number

RANGES = {
    "seed": (0, 2**32 - 1),
    "trainer.max_epochs": (-1, 10**6),  # -1: without end
    "trainer.check_val_every_n_epoch": (1, 10**6),
    "trainer.num_sanity_val_steps": (-1, 10**6),  # -1: all
    "trainer.log_every_n_steps": (1, 10**9),
}
SHARES = ("limit_train_batches", "limit_val_batches", "limit_test_batches")


def fit(cfg: DictConfig, overrides: list[str], *watchers: Callback) -> float:
    """Fit the model of a configuration; return its objective, lower being better.

    ``overrides`` identify this job and go into its checkpoints; ``watchers`` are more callbacks.
    Raises ConnectionError if one of several processes was lost.
    """
    config = plain(cfg)
    validate(cfg, config)
    checkpoint.network_class(config["network"]["generator"])  # no other could be loaded again
    if cfg.ckpt:
        checkpoint.validate_classes(cfg.ckpt, config["data"])
    return_freed_memory()
    with threads.limited(config["trainer"]["threads"]) as watching:
        return _fit(cfg, config, overrides, [*watchers, *watching])


def _fit(cfg: DictConfig, config: dict[str, Any], overrides: list[str], watchers: list[Callback]) -> float:
    """Fit the model of a valid configuration, with its plain copy; return its objective."""
    seed_everything(cfg.seed, verbose=False)
    data = instantiate(cfg.data, _convert_="all")
    fitted.require_fitted(data, config)
    model = instantiate(cfg.model, _convert_="all")
    fitted.require_labels(data, model)
    model.hparams.update(config=config, overrides=overrides)
    checkpoint.start_from(model, None if cfg.ckpt else cfg.init_from)
    model.calibrate(data)
    callbacks = instantiate(cfg.callback, _convert_="all")
    _validate_objective(callbacks)
    callbacks["result"].again = again = carry.to_retype(overrides)
    loggers = [*instantiate(cfg.get("logger") or {}, _convert_="all").values()]
    watchers = [*callbacks.values(), *watchers, begun := Begun()]
    trainer = make_trainer(cfg.trainer, callbacks=watchers, logger=loggers, max_time=None)
    with _explained(cfg, again, begun):
        trainer.fit(model, data, ckpt_path=cfg.ckpt or None, weights_only=True)
    return float(callbacks["result"].objective)


class Begun(Callback):
    """Knows whether the training has begun. An error before that is one of the checkpoint."""

    def __init__(self) -> None:
        self.is_begun = False

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        self.is_begun = True


@contextmanager
def _explained(cfg: DictConfig, again: list[str], begun: Begun) -> Iterator[None]:
    """Raise what a user can mend as a UserError, and the loss of a process as ConnectionError."""
    try:
        yield
    except UserError:
        raise
    except MisconfigurationException as error:
        raise UserError(f"trainer: {error}") from error
    except (RuntimeError, ValueError, TypeError, LookupError, AttributeError) as error:
        if "more than 1 value per channel" in str(error):
            raise UserError("batch_size: batch norm needs two images or more on each device") from error
        if isinstance(error, DistError) or "gloo" in str(error):
            raise ConnectionError(
                f"a process that shared the work was lost; {remedy(Path(cfg.run_dir), again)}"
            ) from error
        if not cfg.ckpt or begun.is_begun:
            raise
        reason = f"its state is damaged, or of other settings ({type(error).__name__}: {printable(error)})"
        raise UserError(f"ckpt: {cfg.ckpt} cannot be continued: {reason}") from error


def validate(cfg: DictConfig, config: Mapping[str, Any]) -> None:
    """Raise UserError for what a configuration, and its plain copy, shows to be wrong by itself."""
    _validate_numbers(cfg)
    validate_trainer(config["trainer"])
    _validate_folder(cfg)
    if cfg.patience is not None and cfg.trainer.limit_val_batches == 0:
        raise UserError("patience needs validation: choose trainer.limit_val_batches above 0, or patience=null")
    if "result" not in (cfg.get("callback") or {}):
        raise UserError("callback must have result, which writes result.json: add it to the list")
    _validate_callbacks(config)
    _validate_network(config)


def _validate_numbers(cfg: DictConfig) -> None:
    """Raise UserError for numbers out of the ranges that no class of this project checks."""
    for name, (low, high) in RANGES.items():
        integer(name, OmegaConf.select(cfg, name), low, high)
    for name in SHARES:
        if isinstance(value := cfg.trainer[name], float):  # of the batches; an integer is their number
            number(f"trainer.{name}", value, 0, 1)
        else:
            integer(f"trainer.{name}", value, 0, 10**9)


def _validate_objective(callbacks: dict[str, Callback]) -> None:
    """Raise UserError, before any training, for an objective that validation will not log."""
    if isinstance(quality := callbacks.get("quality"), Quality):
        monitors = {one.monitor for one in callbacks.values() if isinstance(one, ModelCheckpoint)}
        for name in (monitors | {one.name for one in callbacks.values() if isinstance(one, Result)}) - {None}:
            if name not in quality.objectives:
                allowed = ", ".join(quality.objectives)
                raise UserError(f"objective must be a figure that is better the lower it is, {allowed}, got {name}")


def _validate_folder(cfg: DictConfig) -> None:
    """Raise UserError if ``cfg.ckpt`` continues a training that has all its epochs.

    Raises PermissionError for an unwritable folder: TensorBoard would fail in a thread.
    """
    if Path(cfg.run_dir).is_dir() and not os.access(cfg.run_dir, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(cfg.run_dir))
    if not cfg.ckpt or Path(cfg.ckpt).resolve().parent != Path(cfg.run_dir).resolve():
        return
    if (Path(cfg.run_dir) / "result.json").is_file():
        done = checkpoint.load_contents(cfg.ckpt)["epoch"] + 1
        if 0 <= cfg.trainer.max_epochs <= done:
            more = f"to train longer, add trainer.max_epochs=N with N above {done}"
            raise UserError(f"ckpt: {cfg.ckpt} is of a finished training, with {done} epochs: {more}")


def _validate_callbacks(config: Mapping[str, Any]) -> None:
    """Raise UserError for a setting whose callback was left out."""
    settings = {"patience": config["patience"], "trainer.max_time": config["trainer"]["max_time"]}
    needs = dict.fromkeys(settings, "stop") | {"keep_every": "every", "c2st_every": "tell"}
    settings |= {name: config[name] for name in ("keep_every", "c2st_every")}
    for name, value in settings.items():
        if value is not None and needs[name] not in config["callback"]:
            file = "checkpoint" if needs[name] == "every" else needs[name]
            raise UserError(f"{name}={value} needs callback={file}: add it to the list, or leave {name} out")


def _validate_network(config: Mapping[str, Any]) -> None:
    """Raise UserError unless a network has the classes of the data, or none; one is as none."""
    data, classes = config["data"], config["network"].get("classes")
    if data["classes"] == 1 and classes != 0:
        remedy = "train with experiment=unconditional, or make a folder for each class"
        raise UserError(f"data: {data['root'] or data['name']} has no classes to tell apart: {remedy}")
    if (classes or data["classes"]) != data["classes"]:
        raise UserError(f"network.classes must be 0 (no labels) or {data['classes']}, as the data has")


def return_freed_memory() -> None:
    """Make glibc return every freed block of 16 MiB or more to the system at once.

    Otherwise it raises this bound up to 32 MiB, and evaluation leaves holes of some 100 MiB.
    Smaller blocks at the end of the heap stay for the next step: to return them cost it a thousand
    page faults.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(-3, 2**24)  # M_MMAP_THRESHOLD
        libc.mallopt(-1, 2**26)  # M_TRIM_THRESHOLD
