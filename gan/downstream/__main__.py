"""``python -m gan.downstream data=mnist``: do synthetic digits help a classifier that has few real labels?"""

import importlib.util
import json
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

from omegaconf import DictConfig, ListConfig, OmegaConf

from gan import command
from gan.downstream import plot, report, study
from gan.downstream.cell import ARMS, NONE, SOURCES, Cell, Record, finished
from gan.downstream.study import Sets
from gan.file import write_text


def check(cfg: DictConfig) -> None:
    """Raise ValueError for what cannot be done, ImportError for what is missing, before anything is trained."""
    if importlib.util.find_spec("matplotlib") is None:
        raise ImportError('the picture needs matplotlib: pip install -e ".[tune]"')
    if cfg.gan not in SOURCES:
        raise ValueError(f"gan must be {' or '.join(SOURCES)}, got {cfg.gan}")
    if cfg.split not in ("test", "val"):
        raise ValueError(f"split must be test or val, got {cfg.split}")
    labels = list(cfg.labels) if isinstance(cfg.labels, ListConfig) else []
    if not labels or not all(type(n) is int and n >= 1 for n in labels):
        raise ValueError(f"labels must be a list of whole numbers of 1 or more, as labels=[10,20], got {cfg.labels}")
    for name in ("seeds", "classifier.steps", "classifier.batch_size", "fakes.count", "train.images", "train.epochs"):
        if (value := OmegaConf.select(cfg, name)) < 1:
            raise ValueError(f"{name} must be 1 or more, got {value}")
    for name in ("classifier.lr", "fakes.share"):
        if not 0 < (value := OmegaConf.select(cfg, name)) <= 1:
            raise ValueError(f"{name} must be above 0 and 1 at most, got {value}")
    if not 1 <= round(cfg.fakes.share * cfg.classifier.batch_size) < cfg.classifier.batch_size:
        raise ValueError(f"fakes.share must leave real and fake images in each batch, got {cfg.fakes.share}")
    if cfg.out and Path(cfg.out).suffix != ".json":
        raise ValueError(f"out must end in .json, got {cfg.out}")


def cells(cfg: DictConfig) -> Iterator[Cell]:
    """Those of the study, all of a seed before the next."""
    for seed in range(cfg.seeds):
        for labels in sorted(set(cfg.labels)):
            yield from (Cell(source, labels, seed) for source in (NONE, cfg.gan))


def told(cell: Cell, record: Record, ahead: float) -> str:
    """The line on a finished cell; ``ahead`` is how many seconds the rest may take."""
    accuracy = ", ".join(f"{arm} {record['accuracy'][arm]:.2%}" for arm in ARMS)
    named = f"{cell.source}, {cell.labels} labels a class, seed {cell.seed}"
    return f"{named}: {accuracy}; {record['seconds']:.0f} s, about {ahead / 60:.0f} minutes to go"


def find(cfg: DictConfig, sets: Sets) -> None:
    """Every cell that is not yet known, with a line on each."""
    known = finished(Path(cfg.run_dir))
    left = [cell for cell in cells(cfg) if cell not in known]
    while left:
        cell, *left = left
        known[cell] = study.attempt(cfg, sets, cell)
        seconds = {source: [one["seconds"] for one in known.values() if one["source"] == source] for source in (NONE, cfg.gan)}
        mean = {source: statistics.mean(found) for source, found in seconds.items() if found}
        ahead = sum(mean.get(one.source, max(mean.values())) for one in left)
        print(told(cell, known[cell], ahead), flush=True)  # noqa: T201


@command.main("downstream", command.settle_data)
def main(cfg: DictConfig) -> None:
    """Find every cell, or go on with them; write and print what they and the folder's others come to."""
    check(cfg)
    sets, folder = study.sets(cfg), Path(cfg.run_dir)
    study.rehearse(cfg, sets)
    study.enter(cfg, sets)
    try:
        find(cfg, sets)
    except (KeyboardInterrupt, SystemExit) as stop:
        print(f"stopped: the same command goes on with the study in {folder}", file=sys.stderr)  # noqa: T201
        sys.exit(stop.code if isinstance(stop, SystemExit) else command.STOPPED)
    found = report.gather(folder)
    for path in (folder / "downstream.json", *([Path(cfg.out)] if cfg.out else [])):
        write_text(json.dumps(found, indent=1), path)
        plot.draw(found, path.with_suffix(".png"))
    write_text(report.tables(found), folder / "downstream.md")
    write_text(report.sheet(found), folder / "downstream.csv")
    print(report.tables(found))  # noqa: T201
    print(f"results: {folder / 'downstream.json'}, with .md, .csv and .png beside it")  # noqa: T201


if __name__ == "__main__":
    main()
