"""``python -m gan.benchmark``: measure the speed and the memory of training and drawing here."""

import json

from omegaconf import DictConfig

from gan.cli.check import choices
from gan.cli.command import command
from gan.cli.output import json_path, validate_files
from gan.error import UserError
from gan.file import CONF, write_text
from gan.validate import boolean, integer

PRECISIONS = ("32-true", "bf16-mixed")  # those that every loop has


@command("benchmark")
def main(cfg: DictConfig) -> None:
    """Measure; print the figures as JSON."""
    for name in ("turns", "steps", "batch_size", "default_batches"):
        integer(name, cfg[name], 1, 10**6)
    out = json_path("out", cfg.out) if cfg.out is not None else None
    if cfg.dataset not in choices("data"):
        raise UserError(f"dataset must be one of {', '.join(choices('data'))}, got {cfg.dataset}")
    if cfg.precision not in PRECISIONS:
        raise UserError(f"precision must be one of {', '.join(PRECISIONS)}, got {cfg.precision}")
    boolean("profile", cfg.profile)
    if not (CONF.parent / "train.py").is_file():
        raise UserError("the benchmark times train.py: run it in a checkout of the project")
    if out:
        validate_files(out, overwrite=cfg.overwrite)
    from gan.benchmark import measure  # imports Lightning, which takes seconds

    text = json.dumps(measure.measure_all(cfg), indent=2)
    if out:
        write_text(text, out)
    print(text)  # noqa: T201


if __name__ == "__main__":
    main()
