"""Training one GAN of a configuration; ``train.py`` and the trials of a study share it."""

import ctypes
import errno
import os
import sys
from pathlib import Path

from hydra.utils import instantiate
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, seed_everything
from omegaconf import DictConfig
from torch.distributed import DistError

from gan import checkpoint
from gan.callback.result import remedy
from gan.cli.compose import plain
from gan.error import UserError


def fit(cfg: DictConfig, overrides: list[str], *watchers: Callback) -> float:
    """Fit the model of a configuration; return its objective, lower being better.

    ``overrides`` identify this job and go into its checkpoints; ``watchers`` are more callbacks.
    Raises ConnectionError if one of several processes was lost.
    """
    config = plain(cfg)
    if not 0 <= cfg.seed < 2**32:
        raise UserError(f"seed must be a whole number from 0 to 4,294,967,295, got {cfg.seed}")
    if "result" not in (cfg.get("callback") or {}):
        raise UserError("callback must have result, which writes result.json: add it to the list")
    if (config["network"].get("classes") or config["data"]["classes"]) != config["data"]["classes"]:
        raise UserError(f"network.classes must be 0 (no labels) or {config['data']['classes']}, as the data has")
    checkpoint.validate_targets(config, "the configuration")
    if Path(cfg.run_dir).is_dir() and not os.access(cfg.run_dir, os.W_OK):  # TensorBoard would fail in a thread
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(cfg.run_dir))
    return_freed_memory()
    seed_everything(cfg.seed, verbose=False)
    data = instantiate(cfg.data, _convert_="all")
    model = instantiate(cfg.model, _convert_="all")
    model.hparams.update(config=config, overrides=overrides)
    checkpoint.start_from(model, None if cfg.ckpt else cfg.init_from)
    callbacks = instantiate(cfg.callback, _convert_="all")
    logger = instantiate(cfg.logger, _convert_="all")
    trainer = instantiate(cfg.trainer, callbacks=[*callbacks.values(), *watchers], logger=logger, _convert_="all")
    try:
        trainer.fit(model, data, ckpt_path=cfg.ckpt or None, weights_only=True)
    except MisconfigurationException as error:
        raise UserError(f"trainer: {error}") from error
    except RuntimeError as error:
        if not (isinstance(error, DistError) or "gloo" in str(error)):
            raise
        raise ConnectionError(f"a process that shared the work was lost; {remedy(Path(cfg.run_dir))}") from error
    return float(callbacks["result"].objective)


def return_freed_memory() -> None:
    """Make glibc return every freed block of 16 MiB or more to the system at once.

    Otherwise it raises this bound up to 32 MiB, and evaluation leaves holes of some 100 MiB.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(-3, 2**24)  # M_MMAP_THRESHOLD
