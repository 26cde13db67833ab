"""``python -m gan.downstream data=mnist``: do synthetic digits help a classifier that has few real labels?"""

import sys
import time
from collections.abc import Iterator

from omegaconf import DictConfig

from gan import command
from gan.downstream import study
from gan.downstream.study import NONE, Cell, Record


def cells(cfg: DictConfig) -> Iterator[Cell]:
    """Those of the study, all of a seed before the next."""
    for seed in range(cfg.seeds):
        for labels in cfg.labels:
            yield from (Cell(source, labels, seed) for source in (NONE, cfg.gan))


def told(cell: Cell, record: Record, ahead: float) -> str:
    """The line on a finished cell; ``ahead`` is how many seconds the rest may take."""
    accuracy = ", ".join(f"{name} {value:.2%}" for name, value in record["accuracy"].items())
    named = f"{cell.source}, {cell.labels} labels a class, seed {cell.seed}"
    return f"{named}: {accuracy}; {record['seconds']:.0f} s, about {ahead / 60:.0f} minutes to go"


@command.main("downstream", command.settle_data)
def main(cfg: DictConfig) -> None:
    sets = study.sets(cfg)
    asked = list(cells(cfg))
    known = {cell: record for cell in asked if (record := study.done(cfg, sets, cell))}
    seconds: dict[str, list[float]] = {}
    for cell in asked:
        if cell in known:
            continue
        known[cell] = study.attempt(cfg, sets, cell)
        seconds.setdefault(cell.source, []).append(known[cell]["seconds"])
        left = [one.source for one in asked if one not in known]
        mean = {source: sum(found) / len(found) for source, found in seconds.items()}
        print(told(cell, known[cell], sum(mean.get(source, max(mean.values())) for source in left)), flush=True)


if __name__ == "__main__":
    main()
