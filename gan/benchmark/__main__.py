"""``python -m gan.benchmark``: measure the speed and the memory of training and drawing here."""

import json
from pathlib import Path

from omegaconf import DictConfig

from gan.cli.command import command
from gan.error import UserError
from gan.file import CONF, write_text


@command("benchmark")
def main(cfg: DictConfig) -> None:
    """Measure; print the figures as JSON."""
    for name in ("turns", "steps", "batch_size", "default_batches"):
        if cfg[name] < 1:
            raise UserError(f"{name} must be 1 or more, got {cfg[name]}")
    if not (CONF.parent / "train.py").is_file():
        raise UserError("the benchmark times train.py: run it in a checkout of the project")
    from gan.benchmark import measure  # imports Lightning, which takes seconds

    text = json.dumps(measure.measure_all(cfg), indent=2)
    if cfg.out:
        write_text(text, Path(cfg.out))
    print(text)  # noqa: T201


if __name__ == "__main__":
    main()
