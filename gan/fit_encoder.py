"""``python -m gan.fit_encoder ckpt=RUN/best.ckpt``: fit an encoder for a generator, and test it."""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.utils import instantiate
from omegaconf import DictConfig

from gan import terminal
from gan.cli.command import command
from gan.cli.output import output_path, validate_files
from gan.error import UserError
from gan.file import atomic_files, sha256, write_text, write_weights
from gan.names import shown
from gan.validate import integer, number

if TYPE_CHECKING:
    from gan.data import ImageData
    from gan.digits.encoder import Encoder
    from gan.lab import Lab

FITTED_IMAGES = 120_000  # at most


@command("fit_encoder")
def main(cfg: DictConfig) -> None:
    """Fit; write weights and card; print the card."""
    for name in ("steps", "test_images"):
        integer(name, cfg[name], 1, 10**6)
    integer("batch_size", cfg.batch_size, 2, 10**4)  # batch norm takes two or more
    integer("seed", cfg.seed, 0, 2**32 - 1)
    number("lr", cfg.lr, 1e-9, 1)
    from gan import checkpoint  # imports torch, which takes seconds
    from gan.digits.encoder import encoder_path
    from gan.lab import Lab

    path = output_path(cfg.out or str(encoder_path(Path(cfg.ckpt or checkpoint.SHIPPED))), [".safetensors"])
    beside = path.with_suffix(".json")
    validate_files(path, beside, overwrite=cfg.overwrite)
    card, encoder = _fit(cfg, Lab(cfg.ckpt, "none"), path)
    with atomic_files(path, beside) as aside:
        write_weights(encoder, aside / path.name)
        card["sha256"] = sha256(aside / path.name)
        write_text(json.dumps(card, indent=2), aside / beside.name)
    print(json.dumps(card, indent=2))  # noqa: T201


def _load_data(cfg: DictConfig, lab: "Lab") -> "ImageData":
    """The data of ``cfg``. Raises UserError unless its images and classes are the generator's."""
    if lab.generator.shape[0] != 1:
        raise UserError("ckpt: an encoder is for like=, which needs a generator that draws in grey: choose another")
    data: ImageData = instantiate(cfg.data, batch_size=1, _convert_="all")  # fit has its own batches
    data.setup()
    if data.shape != lab.generator.shape or lab.names not in ((), data.names):
        both = (data.shape, data.names), (lab.generator.shape, lab.names)
        has, draws = (f"{'x'.join(map(str, shape))} and the classes {shown(names)}" for shape, names in both)
        remedy = "type the data of its training"
        raise UserError(f"data={cfg.data.name} has {has}, but the generator draws {draws}: {remedy}")
    return data


def _fit(cfg: DictConfig, lab: "Lab", path: Path) -> tuple[dict[str, Any], "Encoder"]:
    """The card of an encoder, and the encoder in float16, as its figures are those of its file.

    The number of steps is fixed: no test figure chooses it.
    """
    from gan.data import Images  # imports Lightning, which takes seconds
    from gan.digits import encoder

    data, generator = _load_data(cfg, lab), lab.generator

    def first(some: Images, most: int) -> Images:
        labels = some.labels[:most] if generator.classes else some.labels[:most] * 0 - 1
        return Images(some.images[:most], labels)

    train, test = first(data.fitting(FITTED_IMAGES), FITTED_IMAGES), first(data.splits["test"], cfg.test_images)
    terminal.say(f"fitting an encoder to {len(train):,} images: {path}")
    began, settings = time.perf_counter(), (cfg.steps, cfg.lr, cfg.batch_size, cfg.seed, cfg.bf16)
    fits = encoder.fit(generator, train.images, train.labels, *settings)
    *_, made = terminal.track(fits, cfg.steps, "steps")
    minutes, made = round((time.perf_counter() - began) / 60, 1), made.half().float()
    words = (word for word in sys.argv[1:] if not word.startswith(("ckpt=", "data.root=", "out=", "overwrite=")))
    card = {
        "command": " ".join(["python -m gan.fit_encoder", *words]),
        "data": cfg.data.name,
        "generator_sha256": lab.provenance["sha256"],
        "parameters": sum(value.numel() for value in made.parameters()),
        "train_images": len(train),
        "steps": cfg.steps,
        "seed": cfg.seed,
        "minutes": minutes,
        "test": encoder.figures(made, generator, lab.axes, test.images, test.labels),
        "versions": {"torch": version("torch")},
    }
    return card, made.half()


if __name__ == "__main__":
    main()
