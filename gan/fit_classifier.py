"""``python -m gan.metric.feature data=mnist``: fit the digit classifier on training images, report it on the test images."""

import json
import sys
import time
from importlib.metadata import version

from hydra.utils import instantiate
from omegaconf import DictConfig

from gan import command
from gan.data import ImageData
from gan.file import write_text, write_weights
from gan.image import to_float
from gan.metric import feature


@command.main("fit_classifier")
def main(cfg: DictConfig) -> None:
    """Fit, write weights and JSON, print the JSON. The epochs are fixed beforehand: no test figure chooses among them."""
    data: ImageData = instantiate(cfg.data, _convert_="all")
    data.setup()
    train, test = data.splits["train"], data.splits["test"]
    began = time.perf_counter()
    x, y = to_float(train.images), train.labels
    for epoch, fitted in enumerate(feature.fit(x, y, cfg.data.classes, cfg.epochs, cfg.lr, cfg.batch_size, cfg.seed), 1):
        print(f"epoch {epoch} of {cfg.epochs}, {time.perf_counter() - began:.0f} s", file=sys.stderr)  # noqa: T201
        classifier = fitted
    path = feature.WEIGHTS / f"{cfg.out}.safetensors"
    write_weights(classifier, path)
    card = {
        "command": " ".join(["python -m gan.metric.feature", *(w for w in sys.argv[1:] if not w.startswith("data.root"))]),
        "data": cfg.data.name,
        "test_accuracy": feature.accuracy(classifier, to_float(test.images), test.labels),
        "test_images": len(test),
        "train_images": len(train),
        "epochs": cfg.epochs,
        "seed": cfg.seed,
        "minutes": round((time.perf_counter() - began) / 60, 1),
        "parameters": sum(p.numel() for p in classifier.parameters()),
        "sha256": feature.digest(path),
        "versions": {name: version(name) for name in ("torch", "torchvision")},
    }
    write_text(json.dumps(card, indent=2), path.with_suffix(".json"))
    print(json.dumps(card, indent=2))  # noqa: T201
