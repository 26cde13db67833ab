"""``python -m gan.fit_classifier data=kmnist``: fit a classifier and test it."""

import json
import sys

from omegaconf import DictConfig

from gan.cli import prepare
from gan.cli.command import command
from gan.cli.output import validate_files
from gan.error import UserError
from gan.validate import integer, number


@command("fit_classifier")
def main(cfg: DictConfig) -> None:
    """Fit; write weights and card; print the card."""
    if "/" not in cfg.out and cfg.out != cfg.data.name:
        raise UserError(f"data={cfg.data.name} uses the classifier of {cfg.out}; out=FOLDER/NAME fits one of its own")
    for name in ("epochs", "least_steps", "batch_size"):
        integer(name, cfg[name], 1, 10**6)
    integer("seed", cfg.seed, 0, 2**32 - 1)
    number("lr", cfg.lr, 1e-9, 1)
    from gan.metric import feature  # imports torch, which takes seconds

    path = feature.weights_path(feature.second(cfg.out) if cfg.second else cfg.out)
    validate_files(path, path.with_suffix(".json"), overwrite=cfg.overwrite)
    print(json.dumps(prepare.fit_classifier(cfg, sys.argv[1:]), indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
