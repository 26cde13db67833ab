"""Lines: how they are read, whether they are in one hand, whether boxes hold their ink.

The digit classifier reads them box by box, and Tesseract, where that is installed, as a whole, beside lines that are composed
of real MNIST test digits in the same way.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf
from PIL import Image
from torch import Tensor
from torchvision.datasets import MNIST

from gan import override
from gan.digits import attribute
from gan.digits.layout import INK, Layout, compose
from gan.digits.line import Line
from gan.digits.look import Look
from gan.digits.style import Style
from gan.image import to_uint8
from gan.lab import Lab
from gan.measure import program
from gan.metric import feature

PATTERN = r"\d{8}"
SEPARATED = "12:34, 05/06-78 (9)+1.5"  # all that a line may hold
LAYOUTS = (
    Layout(),
    Layout(spacing=0.0, jitter=0.1),
    Layout(height=48, slant=15.0),
    Layout(height=20, spacing=-0.1, margin=0.0),
)
PRESETS = ("plain", "accessible")
TESSERACT = ["--psm", "7", "-c", "tessedit_char_whitelist=0123456789"]  # one line of digits
ENLARGED = 3  # times, for Tesseract, which is made for letters of 30 pixels and more
PAPER = 20  # white pixels around what Tesseract reads


def real_lines(texts: Sequence[str], root: str, seed: int) -> Iterator[Line]:
    """Lines of MNIST's test digits, each drawn at random among those of its label."""
    try:
        found = MNIST(root, train=False)
    except RuntimeError as error:
        raise FileNotFoundError(f"root: there is no MNIST in {root}: name its folder with root= or GAN_DATA") from error
    images, labels = found.data.numpy(), found.targets.numpy()
    draw = np.random.default_rng(seed)
    of_label = [np.flatnonzero(labels == label) for label in range(10)]
    for i, text in enumerate(texts):
        cells = images[[draw.choice(of_label[int(one)]) for one in text]]
        image, boxes = compose(text, cells, Layout(), torch.Generator().manual_seed(seed + i))
        yield Line(image, text, boxes, seed + i)


def alone(line: Line, side: int = 28) -> Tensor:
    """What is in each box of a line, its centre of mass in the middle as MNIST has it: [N, 1, side, side] in [-1, 1]."""
    cells = torch.full((len(line.boxes), 1, side, side), -1.0)
    for cell, box in zip(cells, line.boxes, strict=True):
        ink = line.image[0, box.y : box.y + box.height, box.x : box.x + box.width]
        mass = ink + 1
        middle = (mass.sum(1 - axis) @ torch.arange(ink.shape[axis]).float() / mass.sum() for axis in (0, 1))
        starts = [min(max(0, round((side - 1) / 2 - at.item())), side - n) for at, n in zip(middle, ink.shape, strict=True)]
        cell[0, starts[0] : starts[0] + box.height, starts[1] : starts[1] + box.width] = ink
    return cells


def tesseract(lines: Sequence[Line]) -> float | None:
    """The share of digits that Tesseract reads: 1 less the edit distance over the length. None where it is not installed."""
    if not shutil.which("tesseract"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        names = [Path(folder) / f"{i}.png" for i in range(len(lines))]
        for line, name in zip(lines, names, strict=True):
            pixels = 255 - np.pad(to_uint8(line.image[0]).numpy(), PAPER // ENLARGED)
            picture = Image.fromarray(pixels)
            picture.resize((picture.width * ENLARGED, picture.height * ENLARGED), Image.Resampling.BICUBIC).save(name)
        every = Path(folder) / "all.txt"
        every.write_text("\n".join(map(str, names)))
        found = program.output(["tesseract", every, "-", *TESSERACT])
    read = ["".join(filter(str.isdigit, page)) for page in found.split("\f")[: len(lines)]]
    wrong = sum(distance(line.text, page) for line, page in zip(lines, read, strict=True))
    return 1 - wrong / sum(len(line.text) for line in lines)


def distance(a: str, b: str) -> int:
    """How many characters must be put in, left out or changed to make ``b`` of ``a`` (Levenshtein 1966)."""
    row = list(range(len(b) + 1))
    for i, one in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (one != other))
    return row[-1]


def uncovered(inked: np.ndarray, boxes: Iterable[tuple[float, float, float, float]]) -> int:
    """How many pixels of ink, bool [H, W], have their middle in none of the boxes (x, y, width, height)."""
    left = inked.copy()
    for x, y, width, height in boxes:
        left[round(y) : round(y + height), round(x) : round(x + width)] = False
    return int(left.sum())


def outside(line: Line) -> int:
    """Pixels of a tenth of full ink or more that are in no box, and sides of boxes that touch none."""
    inked = to_uint8(line.image[0]).numpy() >= INK
    parts = [inked[box.y : box.y + box.height, box.x : box.x + box.width] for box in line.boxes]
    loose = sum(not side.any() for part in parts for side in (part[0], part[-1], part[:, 0], part[:, -1]))
    return uncovered(inked, [(box.x, box.y, box.width, box.height) for box in line.boxes]) + loose


def measured_lines(lab: Lab, cfg: DictConfig) -> dict[str, Any]:
    """How lines are read, with and without drawing digits again, whether boxes fit, and whether a line is in one hand."""
    texts = lab.texts(PATTERN, cfg.lines, cfg.seed)
    lines: dict[str, list[Line]] = {}
    for name, mixed in (("one hand", False), ("mixed", True)):
        lines[name] = list(lab.lines(texts, cfg.seed, mixed=mixed))
        lines[f"{name}, nothing drawn again"] = list(replace(lab.pen(mixed=mixed), reader=None).write(texts, cfg.seed))
    hands = {name: lines[name] for name in ("one hand", "mixed")}
    lines["real"] = list(real_lines(texts, cfg.root, cfg.seed))
    classifier = feature.load("mnist").classifier
    wanted = torch.tensor([int(one) for text in texts for one in text])
    cells = {name: torch.cat([alone(line) for line in some]) for name, some in lines.items()}
    return {
        "lines": len(texts),
        "digits": len(wanted),
        "read": {name: feature.accuracy(classifier, x, wanted) for name, x in cells.items()},
        "tesseract": {name: tesseract(some) for name, some in lines.items()},
        "redrawn": {name: sum(line.redrawn for line in some) / len(wanted) for name, some in hands.items()},
        "unread": {name: sum(line.unread for line in some) / len(wanted) for name, some in hands.items()},
        "pixels outside boxes or loose sides": sum(map(outside, lines["one hand"])),
        "variance inside a line over between lines": {name: variances(cells[name], len(texts)) for name in hands},
    }


def variances(x: Tensor, lines: int) -> dict[str, float]:
    """Of each attribute, its mean variance inside lines over that of their means; digits x [N, 1, H, W], line by line."""
    found = attribute.measure(x).view(lines, -1, len(attribute.NAMES))
    return dict(zip(attribute.NAMES, (found.var(1).mean(0) / found.mean(1).var(0)).tolist(), strict=True))


def measured_boxes(lab: Lab, cfg: DictConfig) -> dict[str, Any]:
    """Of lines with separators, in several layouts and looks: pixels of more than half ink that are in no box."""
    found, count = {}, max(1, cfg.lines // 10)
    for preset in PRESETS:
        asked = override.compose("generate", [f"preset={preset}", "out=x"])
        look, style = Look(**OmegaConf.to_container(asked.look)), Style(**asked.style)  # type: ignore[arg-type]
        inked = lost = 0
        for i in range(count):
            line = lab.line(SEPARATED, cfg.seed + i, LAYOUTS[i % len(LAYOUTS)], style=style)
            written = line.written(line.picture(look))
            ink = (written.picture[0].numpy() > 127) == (look.ink == "white")
            inked, lost = inked + int(ink.sum()), lost + uncovered(ink, [box for _, box in written.boxes])
        found[preset] = {"in no box": lost, "ink": inked}
    return {"text": SEPARATED, "lines": count, "layouts": len(LAYOUTS), "looks": found}
