"""``python -m gan.generate n=10000 out=samples.npz``: digits from the shipped generator, or from ``ckpt=RUN/best.ckpt``."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from omegaconf import DictConfig
from torch import Tensor

from gan import checkpoint, command, image, sample
from gan.file import whole


def npz(x: Tensor, y: Tensor, path: Path, columns: int) -> None:
    """``images`` uint8 [N, H, W] (colour: [N, H, W, 3]) and ``labels`` int64 [N]."""
    with whole(path) as partial, partial.open("wb") as file:
        pixels = image.to_uint8(x).permute(0, 2, 3, 1).squeeze(-1)
        np.savez_compressed(file, images=pixels.numpy(), labels=y.numpy())


def grid(x: Tensor, y: Tensor, path: Path, columns: int) -> None:
    """One picture of all."""
    image.save(image.grid(x, columns), path)


def folder(x: Tensor, y: Tensor, path: Path, columns: int) -> None:
    """One PNG for each, ``00042_7.png`` being image 42 with label 7."""
    aside = path.with_name(f".{path.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for i, (pixels, label) in enumerate(zip(image.to_uint8(x), y.tolist(), strict=True)):
        image.save(pixels, aside / (f"{i:05d}_{label}.png" if label >= 0 else f"{i:05d}.png"))
    if path.is_dir():
        path.rmdir()  # empty: anything else was refused
    aside.replace(path)


WRITERS: dict[str, Callable[[Tensor, Tensor, Path, int], None]] = {".npz": npz, ".png": grid, "": folder}


def check(cfg: DictConfig) -> Path:
    """Where to write to. Raises ValueError for what cannot be done, before anything is generated."""
    path = Path(cfg.out)
    if path.suffix not in WRITERS:
        raise ValueError(f"out must end in .npz, .png or /, got {cfg.out}")
    if path.is_dir() and any(path.iterdir()):
        raise ValueError(f"out: the folder {path} is not empty: choose another")
    if path.is_file() and not cfg.overwrite:
        raise ValueError(f"out: {path} exists: choose another name, or overwrite=true")
    for name in ("n", "columns"):
        if (name, cfg[name]) != ("columns", None) and (not isinstance(cfg[name], int) or cfg[name] < 1):
            raise ValueError(f"{name} must be a whole number of 1 or more, got {cfg[name]}")
    if not isinstance(cfg.seed, int) or cfg.seed < 0:
        raise ValueError(f"seed must be a whole number of 0 or more, got {cfg.seed}")
    return path


@command.main("generate")
def main(cfg: DictConfig) -> None:
    """Generate, write, say what was written."""
    path = check(cfg)
    generator = checkpoint.generator(cfg.ckpt)
    seeds = torch.arange(cfg.seed, cfg.seed + cfg.n)
    y = sample.labels(seeds, generator.classes)
    if cfg.label is not None:
        if cfg.label not in range(generator.classes):
            known = f"0 to {generator.classes - 1}" if generator.classes else "none: it is unconditional"
            raise ValueError(f"label={cfg.label} is not among the labels of this generator ({known})")
        y = torch.full_like(seeds, cfg.label)
    x = torch.cat(list(sample.generate(generator, seeds, y)))
    WRITERS[path.suffix](x, y, path, cfg.columns or sample.columns(generator.classes))
    print(f"{cfg.n} images from seed {cfg.seed}: {path}")  # noqa: T201


if __name__ == "__main__":
    main()
