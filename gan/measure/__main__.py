"""``python -m gan.measure``: what the tools for digits do, measured: lines, boxes, sliders, outlines, speed."""

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig
from PIL import Image

from gan import command
from gan.digits import files
from gan.file import write_text
from gan.image import to_float
from gan.lab import Lab
from gan.measure import program
from gan.measure.line import PATTERN, measured_boxes, measured_lines
from gan.measure.slider import measured_axes, measured_sliders, sheet

LEAST = {"lines": 2, "sliders": 60, "outlines": 1, "many": 1}  # that figures can be had of


def measured_outlines(lab: Lab, cfg: DictConfig) -> dict[str, Any]:
    """Of SVGs, bytes and the mean absolute error of pixels, of 1, when librsvg draws them at the generator's size.

    The error of a blank picture, which is the mean ink, is its scale.
    """
    made = lab.sample(cfg.outlines)
    errors, sizes = [], []
    with tempfile.TemporaryDirectory() as folder:
        svg, png = Path(folder) / "digit.svg", Path(folder) / "digit.png"
        for picture in made:
            write_text(picture.svg(), svg)
            sizes.append(svg.stat().st_size)
            if shutil.which("rsvg-convert"):
                program.output(["rsvg-convert", "-w", 28, "-h", 28, "-o", png, svg])
                drawn = torch.from_numpy(np.array(Image.open(png).convert("L")))
                errors.append((to_float(drawn) - picture.image[0]).abs().mean().item() / 2)
    kinds: dict[str, Any] = {"mean": np.mean, "worst": np.max}
    return {
        "digits": len(made),
        "bytes": {name: float(of(sizes)) for name, of in kinds.items()},
        "error by librsvg": {name: float(of(errors)) for name, of in kinds.items()} if errors else None,
        "error of a blank": (made.images + 1).mean().item() / 2,
    }


def timed(cfg: DictConfig) -> dict[str, Any]:
    """Seconds that the command takes for many lines, with its start and its files."""
    with tempfile.TemporaryDirectory() as folder:
        words = [f"pattern={PATTERN}", f"lines={cfg.many}", f"out={folder}/set/", *([f"ckpt={cfg.ckpt}"] if cfg.ckpt else [])]
        began = time.perf_counter()
        program.output([sys.executable, "-m", "gan.generate", *words])
        return {"lines": cfg.many, "seconds": time.perf_counter() - began, "threads": torch.get_num_threads()}


def check(cfg: DictConfig) -> None:
    """Raise ValueError for what cannot be done, before anything is measured."""
    for name in ("out", "card"):
        if cfg[name] is not None and Path(cfg[name]).suffix != ".json":
            raise ValueError(f"{name} must end in .json, got {cfg[name]}")
    for name, least in LEAST.items():
        if cfg[name] < least:
            raise ValueError(f"{name} must be {least} or more, got {cfg[name]}")


@command.main("measure")
def main(cfg: DictConfig) -> None:
    """Measure, write the JSON and a sheet of styles beside it, print the JSON."""
    check(cfg)
    lab, out = Lab(cfg.ckpt), Path(cfg.out).expanduser()
    found = {
        "lines": measured_lines(lab, cfg),
        "boxes": measured_boxes(lab, cfg),
        "sliders": measured_sliders(lab, cfg),
        "axes": measured_axes(lab, cfg),
        "outlines": measured_outlines(lab, cfg),
        "speed": timed(cfg),
    }
    text = json.dumps(found, indent=2)
    write_text(text, out)
    shown = sheet(lab)
    files.png(shown.painted, out.with_suffix(".png"), shown.text)
    if cfg.card is not None:
        write_text(json.dumps(found["axes"], indent=2), Path(cfg.card).expanduser())
    print(text)  # noqa: T201


if __name__ == "__main__":
    main()
