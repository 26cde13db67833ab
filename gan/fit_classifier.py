"""``python -m gan.metric.feature data=kmnist``: fit a classifier on training images, report it on the test images."""

import json
import math
import os
import sys
import time
from importlib.metadata import version
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig

from gan import command, override
from gan.data import ImageData
from gan.file import write_text, write_weights
from gan.metric import feature

MOST = 120_000  # images that it is fitted to
PIXELS_PER_MINUTE = 1.2e8  # on two cores


def write(cfg: DictConfig, typed: str) -> dict[str, Any]:
    """Fit as ``cfg`` says, write weights and JSON to ``cfg.out``, and return the JSON, which tells the command ``typed``.

    The epochs are fixed beforehand: no test figure chooses among them. Raises ValueError where nothing can be written.
    """
    path = feature.place(cfg.out)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(path.parent, os.W_OK):
        raise ValueError(
            f"data: {path.parent} cannot be written to: keep its classifier elsewhere with data.classifier=PATH/NAME"
        )
    data: ImageData = instantiate(cfg.data, batch_size=1, _convert_="all")  # it has batches of its own
    train, test = data.fitting(MOST), data.splits["test"]
    epochs = max(cfg.epochs, math.ceil(cfg.least_steps / math.ceil(len(train) / cfg.batch_size)))
    minutes = epochs * train.images.numel() / PIXELS_PER_MINUTE
    say(f"fitting the classifier of data={cfg.data.name} to {len(train):,} images, about {minutes:.0f} minutes: {path}")
    began = time.perf_counter()
    x, y = train.images, train.labels
    for epoch, fitted in enumerate(feature.fit(x, y, cfg.data.classes, epochs, cfg.lr, cfg.batch_size, cfg.seed), 1):
        say(f"epoch {epoch} of {epochs}, {time.perf_counter() - began:.0f} s")
        classifier = fitted
    write_weights(classifier, path)
    card = {
        "command": typed,
        "data": cfg.data.name,
        "shape": list(classifier.shape),
        "classes": classifier.classes,
        "test_accuracy": feature.accuracy(classifier, test.images, test.labels),
        "test_images": len(test),
        "train_images": len(train),
        "epochs": epochs,
        "seed": cfg.seed,
        "minutes": round((time.perf_counter() - began) / 60, 1),
        "parameters": sum(p.numel() for p in classifier.parameters()),
        "sha256": feature.digest(path),
        "versions": {name: version(name) for name in ("torch", "torchvision")},
    }
    write_text(json.dumps(card, indent=2), path.with_suffix(".json"))
    return card


def settle(words: list[str]) -> list[str]:
    """The words of a training; the classifier that judges its data is fitted where the data needs one of its own and has none.

    In a sweep over data sets that is left to the user: each job says what it lacks.
    Raises ValueError where the one it has reads other images or classes.
    """
    chosen = command.of_data(words)
    cfg = override.compose("fit_classifier", chosen)
    name, path = cfg.data.classifier, feature.place(cfg.data.classifier)
    if "/" in name and not path.is_file():
        card = write(cfg, _command(chosen))
        say(f"it reads {card['test_accuracy']:.2%} of {card['test_images']:,} test images")
    elif "/" in name:
        known, wanted = feature.described(name), [cfg.data.channels, cfg.data.size, cfg.data.size]
        if (known["shape"], known["classes"]) != (wanted, cfg.data.classes):
            raise ValueError(f"data: the classifier {path} is of other images or classes: delete it, and it is fitted anew")
    return words


def say(line: str) -> None:
    """Tell the user, beside what a command prints."""
    print(line, file=sys.stderr)  # noqa: T201


def _command(words: list[str]) -> str:
    return " ".join(["python -m gan.metric.feature", *(word for word in words if not word.startswith("data.root"))])


@command.main("fit_classifier")
def main(cfg: DictConfig) -> None:
    """Fit, write weights and JSON, print the JSON."""
    if "/" not in cfg.out and cfg.out != cfg.data.name:
        raise ValueError(f"data={cfg.data.name} is judged by the classifier of {cfg.out}; out=FOLDER/NAME fits one of its own")
    print(json.dumps(write(cfg, _command(sys.argv[1:])), indent=2))  # noqa: T201
