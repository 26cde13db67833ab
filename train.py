"""``python train.py optimizer.lr=1e-4 batch_size=64``: train one GAN, or with -m a sweep."""

from pathlib import Path

from omegaconf import DictConfig

from gan.cli import sweep
from gan.cli.command import command
from gan.cli.prepare import prepare_training


@command("train", prepare_training, sweeps=True)
@sweep.job
def train(cfg: DictConfig) -> float:
    """Fit the model of a configuration; return its objective, lower being better."""
    from gan.cli import training  # imports Lightning, which takes seconds

    return training.fit(cfg, sweep.job_overrides(Path(cfg.run_dir)))


if __name__ == "__main__":
    train()
