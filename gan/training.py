"""Training one GAN of a configuration: what ``train.py`` and the trials of a study share."""

from hydra.utils import instantiate
from lightning.pytorch import Callback, seed_everything
from omegaconf import DictConfig

from gan import checkpoint, command


def fit(cfg: DictConfig, overrides: list[str], *watchers: Callback) -> float:
    """Fit the model of a configuration; return its objective, lower being better.

    ``overrides`` are the words that made ``cfg`` what it is, kept in its checkpoints; ``watchers`` join its callbacks.
    """
    config = command.plain(cfg)
    checkpoint.check_targets(config, "the configuration")
    seed_everything(cfg.seed, verbose=False)
    data = instantiate(cfg.data, _convert_="all")
    model = instantiate(cfg.model, _convert_="all")
    model.hparams.update(config=config, overrides=overrides)
    checkpoint.start_from(model, None if cfg.ckpt else cfg.init_from)
    callbacks = instantiate(cfg.callback, _convert_="all")
    logger = instantiate(cfg.logger, _convert_="all")
    trainer = instantiate(cfg.trainer, callbacks=[*callbacks.values(), *watchers], logger=logger, _convert_="all")
    trainer.fit(model, data, ckpt_path=cfg.ckpt, weights_only=True)
    return float(callbacks["result"].objective)
