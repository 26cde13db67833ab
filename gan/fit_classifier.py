"""``python -m gan.fit_classifier data=kmnist``: fit a classifier and test it."""

import json
import sys

from omegaconf import DictConfig

from gan.cli import prepare
from gan.cli.command import command
from gan.error import UserError


@command("fit_classifier")
def main(cfg: DictConfig) -> None:
    """Fit; write weights and card; print the card."""
    if "/" not in cfg.out and cfg.out != cfg.data.name:
        raise UserError(f"data={cfg.data.name} uses the classifier of {cfg.out}; out=FOLDER/NAME fits one of its own")
    for name in ("epochs", "least_steps", "batch_size"):
        if cfg[name] < 1:
            raise UserError(f"{name} must be 1 or more, got {cfg[name]}")
    print(json.dumps(prepare.fit_classifier(cfg, sys.argv[1:]), indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
