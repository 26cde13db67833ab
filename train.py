"""Train one GAN, or with -m a sweep of them: ``python train.py optimizer.lr=1e-4 batch_size=64``."""

from omegaconf import DictConfig

from gan import command, sweep


@command.main("train", command.prepare_training, trains=True)
@sweep.job
def train(cfg: DictConfig) -> float:
    """Fit the model of a configuration; return its objective, lower being better."""
    from gan import training  # seconds of imports, which --help has no use for

    return training.fit(cfg, command.overrides())


if __name__ == "__main__":
    train()
