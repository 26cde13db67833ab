"""Training one GAN of a configuration: what ``train.py`` and the trials of a study share."""

import ctypes
import errno
import os
import sys
from pathlib import Path

from hydra.utils import instantiate
from lightning.pytorch import Callback, seed_everything
from omegaconf import DictConfig
from torch.distributed import DistError

from gan import checkpoint, command
from gan.callback.result import remedy


def give_back() -> None:
    """Let glibc give every block of 16 MiB and more back as soon as it is free; elsewhere nothing is done.

    It raises that bound with each such block, up to 32 MiB, and the holes that judging leaves then cost some 100 MiB.
    """
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(-3, 2**24)  # M_MMAP_THRESHOLD


def fit(cfg: DictConfig, overrides: list[str], *watchers: Callback) -> float:
    """Fit the model of a configuration; return its objective, lower being better.

    ``overrides`` are the words that made ``cfg`` what it is, kept in its checkpoints; ``watchers`` join its callbacks.
    Raises ConnectionError where one of several processes was lost.
    """
    config = command.plain(cfg)
    if "result" not in (cfg.get("callback") or {}):
        raise ValueError("callback must have result, which tells what a run came to: add it to the list")
    checkpoint.check_targets(config, "the configuration")
    if Path(cfg.run_dir).is_dir() and not os.access(cfg.run_dir, os.W_OK):  # TensorBoard would say so from a thread
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(cfg.run_dir))
    give_back()
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
    except RuntimeError as error:
        if not (isinstance(error, DistError) or "gloo" in str(error)):
            raise
        raise ConnectionError(f"a process that shared the work was lost; {remedy(Path(cfg.run_dir))}") from error
    return float(callbacks["result"].objective)
