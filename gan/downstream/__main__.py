"""``python -m gan.downstream data=mnist``: do fakes help a classifier that has few labels?"""

import json
from functools import partial
from itertools import product
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from gan.cli import run_folder
from gan.cli.command import command, continuable
from gan.cli.output import json_path, require_writable, validate_card
from gan.cli.prepare import settle_data
from gan.downstream.cell import NONE, SOURCES, Cell
from gan.error import UserError
from gan.file import load_json, write_text
from gan.table import write_csv
from gan.validate import integer, number

COUNTS = [
    *("seeds", "classifier.steps", "classifier.batch_size", "fakes.count", "train.images", "train.epochs"),
    *(f"unlabelled.{name}" for name in ("steps", "labelled", "others", "train.images", "train.epochs")),
]


def validate_settings(cfg: DictConfig) -> None:
    """Raise UserError for settings that make no study."""
    if cfg.gan not in SOURCES:
        raise UserError(f"gan must be {', '.join(SOURCES[:-1])} or {SOURCES[-1]}, got {cfg.gan}")
    if cfg.split not in ("test", "val"):
        raise UserError(f"split must be test or val, got {cfg.split}")
    labels = list(cfg.labels) if isinstance(cfg.labels, ListConfig) else []
    if not labels or not all(type(n) is int and 1 <= n <= 10**6 for n in labels):
        raise UserError(f"labels must be a list of whole numbers of 1 or more, as labels=[10,20], got {cfg.labels}")
    for name in COUNTS:
        integer(name, OmegaConf.select(cfg, name), 1, 10**9)
    number("classifier.lr", cfg.classifier.lr, 1e-9, 1)
    number("unlabelled.lr", cfg.unlabelled.lr, 1e-9, 1)
    number("fakes.share", cfg.fakes.share, 0, 1)
    if not 1 <= round(cfg.fakes.share * cfg.classifier.batch_size) < cfg.classifier.batch_size:
        raise UserError(f"fakes.share must leave real and fake images in each batch, got {cfg.fakes.share}")


def is_study(settings: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether the results ``found`` are of the study with these ``settings``."""
    own = found.get("settings")
    return isinstance(own, dict) and bool(own) and own.items() <= settings.items()


@command("downstream", settle_data)
def main(cfg: DictConfig) -> None:
    """Run the cells that are left; write and print the results of all."""
    validate_settings(cfg)
    copies = [json_path("out", cfg.out)] if cfg.out else []
    from gan.downstream import plot, report, study  # imports Lightning, which takes seconds

    job = study.Study(cfg)
    job.record_settings()
    require_writable(job.folder / "downstream.json", "run_dir")
    known = load_json(job.folder / "settings.json")
    for path in copies:
        validate_card(path, path.with_suffix(".png"), is_same=partial(is_study, known), overwrite=cfg.overwrite)
    cells = product(range(cfg.seeds), sorted(set(cfg.labels)), (NONE, cfg.gan))
    with continuable(job.folder), run_folder.locked(job.folder) as is_ours:
        if not is_ours:
            raise UserError(f"run_dir: another process works in {job.folder}: wait for its end, or choose another")
        job.run_cells([Cell(source, labels, seed) for seed, labels, source in cells])

    found, result = report.gather(job.folder), job.folder / "downstream.json"
    for path in (result, *copies):
        write_text(json.dumps(found, indent=1), path)
        plot.draw(found, path.with_suffix(".png"))
    tables = report.tables(found)
    write_text(tables, result.with_suffix(".md"))
    write_csv(report.sheet(found), result.with_suffix(".csv"))
    print(tables)  # noqa: T201
    print(f"results: {result}, with .md, .csv and .png beside it")  # noqa: T201


if __name__ == "__main__":
    main()
