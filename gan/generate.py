"""``python -m gan.generate n=10000 out=samples.npz``: digits from the shipped generator, or from ``ckpt=RUN/best.ckpt``."""

from collections.abc import Callable
from pathlib import Path

import torch
from omegaconf import DictConfig
from torch import Tensor

from gan import checkpoint, command, image, sample
from gan.digits import files


def write_set(x: Tensor, y: Tensor, path: Path, columns: int) -> None:
    """All of them with their labels."""
    files.SETS[path.suffix](image.to_uint8(x), y, path)


def grid(x: Tensor, y: Tensor, path: Path, columns: int) -> None:
    """One picture of all."""
    image.save(image.grid(x, columns), path)


WRITERS: dict[str, Callable[[Tensor, Tensor, Path, int], None]] = {".npz": write_set, ".png": grid, "": write_set}


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
