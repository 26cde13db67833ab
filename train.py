"""Train one GAN, or with -m a sweep of them: ``python train.py optimizer.lr=1e-4 batch_size=64``."""

from hydra.utils import instantiate
from lightning.pytorch import seed_everything
from omegaconf import DictConfig

from gan import checkpoint, command, sweep


@command.main("train", command.prepare_training)
@sweep.job
def train(cfg: DictConfig) -> float:
    """Fit the model of a configuration; return its objective, lower being better."""
    config = command.plain(cfg)
    checkpoint.check_targets(config, "the configuration")
    seed_everything(cfg.seed, verbose=False)
    data = instantiate(cfg.data, _convert_="all")
    model = instantiate(cfg.model, _convert_="all")
    model.hparams.update(config=config, overrides=command.overrides())
    checkpoint.start_from(model, None if cfg.ckpt else cfg.init_from)
    callbacks = instantiate(cfg.callback, _convert_="all")
    logger = instantiate(cfg.logger, _convert_="all")
    trainer = instantiate(cfg.trainer, callbacks=list(callbacks.values()), logger=logger, _convert_="all")
    trainer.fit(model, data, ckpt_path=cfg.ckpt, weights_only=True)
    return float(callbacks["result"].objective)


if __name__ == "__main__":
    train()
