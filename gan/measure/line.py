"""Figures of lines: how many digits are classified as asked, and whether boxes hold their ink.

The classifier gets a line box by box, Tesseract, if installed, as a whole. For comparison, both
get lines of real MNIST test digits, composed in the same way.
"""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.datasets import MNIST

from gan.digits import attribute
from gan.digits.layout import INK, Layout, compose
from gan.digits.line import Line
from gan.digits.look import load_preset
from gan.error import UserError
from gan.image import to_uint8
from gan.lab import Lab
from gan.measure import program
from gan.metric import feature

SEPARATED = "12:34, 05/06-78 (9)+1.5"  # all characters of lines
TIGHT, LOW = Layout(spacing=0.0, jitter=0.1), Layout(height=20, spacing=-0.1, margin=0.0)
LAYOUTS = (Layout(), TIGHT, Layout(height=48, slant=15.0), LOW)
TESSERACT = ["--psm", "7", "-c", "tessedit_char_whitelist=0123456789"]  # one line of digits
PAPER, ENLARGED = 6, 3  # white pixels around a line, and its scale: Tesseract expects letters of 30 pixels


def measure_lines(lab: Lab, count: int, seed: int, root: str) -> dict[str, Any]:
    """Figures of ``count`` lines, in one hand and in mixed hands, with and without redrawing."""
    texts = lab.texts(program.PATTERN, count, seed)
    lines: dict[str, list[Line]] = {}
    for name, mixed in (("one hand", False), ("mixed", True)):
        lines[name] = list(lab.lines(texts, seed, mixed=mixed))
        lines[f"{name}, nothing drawn again"] = list(replace(lab.pen(mixed=mixed), reader=None).write(texts, seed))
    hands = {name: lines[name] for name in ("one hand", "mixed")}
    lines["real"] = list(compose_real_lines(texts, root, seed))
    classifier, labels = feature.load("mnist").classifier, torch.tensor(list(map(int, "".join(texts))))
    cells = {name: torch.cat(list(map(centre_digits, some))) for name, some in lines.items()}
    variances = {name: compare_variances(cells[name], len(texts)) for name in hands}
    return {
        "lines": len(texts),
        "digits": len(labels),
        "read": {name: feature.accuracy(classifier, x, labels) for name, x in cells.items()},
        "tesseract": {name: read_with_tesseract(some) for name, some in lines.items()},
        "redrawn": {name: sum(line.redrawn for line in some) / len(labels) for name, some in hands.items()},
        "unread": {name: sum(line.unread for line in some) / len(labels) for name, some in hands.items()},
        "pixels outside boxes or loose sides": sum(map(count_box_errors, lines["one hand"])),
        "variance inside a line over between lines": variances,
    }


def load_real(root: str) -> MNIST:
    """MNIST's test images. Raises UserError if they are not in ``root``."""
    try:
        return MNIST(root, train=False)
    except RuntimeError as error:
        raise UserError(f"root: there is no MNIST in {root}: name its folder with root= or GAN_DATA") from error


def compose_real_lines(texts: Sequence[str], root: str, seed: int) -> Iterator[Line]:
    """Lines of random MNIST test digits with the labels in ``texts``."""
    data = load_real(root)
    images, labels = data.data.numpy(), data.targets.numpy()
    source = np.random.default_rng(seed)
    of_label = [np.flatnonzero(labels == label) for label in range(10)]
    for i, text in enumerate(texts):
        cells = images[[source.choice(of_label[int(one)]) for one in text]]
        image, boxes = compose(text, cells, Layout(), torch.Generator().manual_seed(seed + i))
        yield Line(image, text, boxes, seed + i)


def centre_digits(line: Line, side: int = 28) -> Tensor:
    """The contents of a line's boxes, [N, 1, side, side] in [-1, 1], centred by mass as MNIST's."""
    cells = torch.full((len(line.boxes), 1, side, side), -1.0)
    for cell, box in zip(cells, line.boxes, strict=True):
        ink = line.image[0, box.y : box.y + box.height, box.x : box.x + box.width]
        mass, part = ink + 1, cell[0]
        for axis, size in enumerate(ink.shape):
            middle = mass.sum(1 - axis) @ torch.arange(size).float() / mass.sum()
            part = part.narrow(axis, min(max(0, round((side - 1) / 2 - middle.item())), side - size), size)
        part.copy_(ink)
    return cells


def read_with_tesseract(lines: Sequence[Line]) -> float | None:
    """1 - edit distance / length of what Tesseract reads; None if it is not installed."""
    if not shutil.which("tesseract"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i}.png" for i in range(len(lines))]
        for line, path in zip(lines, paths, strict=True):
            picture = Image.fromarray(255 - np.pad(to_uint8(line.image[0]).numpy(), PAPER))
            ImageOps.scale(picture, ENLARGED, Image.Resampling.BICUBIC).save(path)
        listed = Path(folder) / "all.txt"
        listed.write_text("\n".join(map(str, paths)))
        pages = program.run(["tesseract", listed, "-", *TESSERACT]).split("\f")
    found = ["".join(filter(str.isdigit, page)) for page in pages[: len(lines)]]
    errors = sum(edit_distance(line.text, text) for line, text in zip(lines, found, strict=True))
    return 1 - errors / sum(len(line.text) for line in lines)


def edit_distance(a: str, b: str) -> int:
    """The insertions, deletions and replacements that turn ``a`` into ``b`` (Levenshtein 1966)."""
    row = list(range(len(b) + 1))
    for i, one in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (one != other))
    return row[-1]


def count_uncovered(inked: np.ndarray, boxes: Iterable[tuple[float, float, float, float]]) -> int:
    """The pixels of ink, bool [H, W], with their centre in no box (x, y, width, height)."""
    left = inked.copy()
    for x, y, width, height in boxes:
        left[round(y) : round(y + height), round(x) : round(x + width)] = False
    return int(left.sum())


def count_box_errors(line: Line) -> int:
    """The pixels of a tenth of full ink or more in no box, plus the sides of boxes without any."""
    inked = to_uint8(line.image[0]).numpy() >= INK
    errors = count_uncovered(inked, [(box.x, box.y, box.width, box.height) for box in line.boxes])
    for box in line.boxes:
        part = inked[box.y : box.y + box.height, box.x : box.x + box.width]
        errors += sum(not side.any() for side in (part[0], part[-1], part[:, 0], part[:, -1]))
    return errors


def compare_variances(x: Tensor, lines: int) -> dict[str, float]:
    """The variance of each attribute of digits x [N, 1, H, W] within lines over that between."""
    found = attribute.measure(x).view(lines, -1, len(attribute.NAMES))
    return dict(zip(attribute.NAMES, (found.var(1).mean(0) / found.mean(1).var(0)).tolist(), strict=True))


def measure_boxes(lab: Lab, count: int, seed: int) -> dict[str, Any]:
    """The pixels of more than half ink in no box, for lines with separators in several looks."""
    found = {}
    for preset in ("plain", "accessible"):
        height = {"plain": None, "accessible": 280}[preset]  # as generated, and as outlines
        look = replace(load_preset(preset), height=height)
        inked = lost = 0
        for i in range(count):
            line = lab.line(SEPARATED, seed + i, LAYOUTS[i % len(LAYOUTS)], preset=preset, look=look)
            written = line.annotate(line.picture())
            ink = (written.picture[0].numpy() > 127) == (look.ink == "white")
            inked += int(ink.sum())
            lost += count_uncovered(ink, [box for _, box in written.boxes])
        found[preset] = {"in no box": lost, "ink": inked}
    return {"text": SEPARATED, "lines": count, "layouts": len(LAYOUTS), "looks": found}
