"""``python -m gan.export out=digits.onnx``: the shipped generator, or ``ckpt``'s averaged one, for those who only generate.

- FILE.safetensors: its weights. FILE.json beside it holds what the generator is made of, the command that trained it and,
  where ``RUN/test.json`` is there, its figures. ``ckpt=FILE.safetensors`` reads it.
- FILE.onnx, FILE.pt2: the generator as a program, see :mod:`gan.export.program`.
- FOLDER/: a web page, see :mod:`gan.export.web`.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from gan import checkpoint, command, file, sample
from gan.export import program, web


def source(ckpt: str | None) -> tuple[Any, dict[str, Any]]:
    """The averaged generator, and its card."""
    return checkpoint.generator(ckpt), checkpoint.card(ckpt) | {"licence": checkpoint.LICENCE}


def brief(network: Any, card: dict[str, Any]) -> dict[str, str]:
    """What a program carries of its card."""
    known = {name: str(card.get(name, "unknown")) for name in ("command", "data", "sha256")}
    return {"latent": str(network.latent), "classes": str(network.classes), **known, "licence": checkpoint.LICENCE}


def check(cfg: DictConfig) -> Path:
    """Where to write to. Raises ValueError or ImportError for what cannot be done, before anything is made."""
    path = command.destination(cfg.out, list(WRITERS))
    if not path.suffix:
        web.check(path, cfg.overwrite)
    for there in (path, path.with_suffix(".json")) if path.suffix == ".safetensors" else (path,) if path.suffix else ():
        command.keep(there, cfg.overwrite)
    if path.suffix in (".onnx", ""):
        program.require_onnx()
    return path


def safetensors(cfg: DictConfig, out: Path) -> None:
    """Weights, and the JSON, which is printed too."""
    network, card = source(cfg.ckpt)
    file.write_weights(network, out)
    file.write_text(json.dumps(card, indent=2), out.with_suffix(".json"))
    print(json.dumps(card, indent=2))  # noqa: T201


def onnx(cfg: DictConfig, out: Path) -> None:
    """A model with a few words of the card as its metadata."""
    network, card = source(cfg.ckpt)
    file.write_bytes(program.onnx(network, brief(network, card)), out)


def pt2(cfg: DictConfig, out: Path) -> None:
    """A program with a few words of the card as the extra file card.json."""
    network, card = source(cfg.ckpt)
    file.write_bytes(program.pt2(network, {"card.json": json.dumps(brief(network, card))}), out)


def page(cfg: DictConfig, out: Path) -> None:
    """A folder to open in a browser."""
    network, card = source(cfg.ckpt)
    seed = torch.tensor([0])
    [image] = next(sample.generate(network, seed, sample.labels(seed, network.classes)))
    if len(image) not in (1, 3):
        raise ValueError(f"a page shows images of 1 or 3 channels, and these have {len(image)}: .onnx can be had")
    home = web.runtime(cfg.page.runtime, cfg.cache)
    about = {
        **brief(network, card),
        "title": cfg.page.title,
        "ckpt": Path(cfg.ckpt).name if cfg.ckpt else "",
        "parameters": sum(p.numel() for p in network.parameters()),
        "latent": network.latent,
        "classes": network.classes,
        "columns": sample.columns(network.classes),
        "channels": len(image),
        "size": image.shape[-1],
    }
    web.write(out, program.onnx(network, brief(network, card)), about, home)


WRITERS: dict[str, Callable[[DictConfig, Path], None]] = {
    ".safetensors": safetensors, ".onnx": onnx, ".pt2": pt2, "": page,
}  # fmt: skip


@command.main("export")
def main(cfg: DictConfig) -> None:
    """Write, and say where."""
    out = check(cfg)
    WRITERS[out.suffix](cfg, out)
    if out.suffix != ".safetensors":
        what = out / "index.html" if out.is_dir() else out
        print(f"{what}: draws what torch draws, to {program.TOLERANCE:g}")  # noqa: T201


if __name__ == "__main__":
    main()
