"""``python -m gan.measure``: what the tools for digits do, measured: lines, hands, sliders, outlines, speed.

Lines are read by the digit classifier, box by box, and as a whole by Tesseract where that is installed, beside lines that
are composed of real MNIST test digits in the same way.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import DictConfig
from PIL import Image
from scipy.stats import spearmanr
from torch import Tensor
from torchvision.datasets import MNIST

from gan import command, sample
from gan.digits import attribute
from gan.digits.line import INK, Layout, Line, compose
from gan.digits.picture import Digits, Picture
from gan.file import table, write_text
from gan.image import to_float, to_uint8
from gan.lab import Lab
from gan.metric import feature

PATTERN = r"\d{8}"
TESSERACT = ["--psm", "7", "-c", "tessedit_char_whitelist=0123456789"]  # one line of digits
ENLARGED = 3  # times, for Tesseract, which is made for letters of 30 pixels and more
PAPER = 20  # white pixels around what Tesseract reads
REACH = 2.0  # standard deviations to either side that sliders are moved


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
        done = subprocess.run(["tesseract", every, "-", *TESSERACT], capture_output=True, text=True, check=True)
    read = ["".join(filter(str.isdigit, page)) for page in done.stdout.split("\f")[: len(lines)]]
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


def outside(line: Line) -> int:
    """Pixels of ink that are in no box, and sides of boxes that touch none."""
    inked = to_uint8(line.image[0]).numpy() >= INK
    left, loose = inked.copy(), 0
    for box in line.boxes:
        part = np.s_[box.y : box.y + box.height, box.x : box.x + box.width]
        loose += sum(not side.any() for side in (inked[part][0], inked[part][-1], inked[part][:, 0], inked[part][:, -1]))
        left[part] = False
    return int(left.sum()) + loose


def measured_lines(lab: Lab, cfg: DictConfig) -> dict[str, Any]:
    """How lines are read, whether boxes fit, and whether a line is in one hand."""
    texts = lab.texts(PATTERN, cfg.lines, cfg.seed)
    lines, mixed = list(lab.lines(texts, cfg.seed)), list(lab.lines(texts, cfg.seed, mixed=True))
    real = list(real_lines(texts, cfg.root, cfg.seed))
    classifier = feature.load("mnist").classifier
    wanted = torch.tensor([int(one) for text in texts for one in text])
    cells = [torch.cat([alone(line) for line in some]) for some in (lines, mixed, real)]
    styles = [attribute.measure(some)[:, :2].view(len(texts), -1, 2) for some in cells[:2]]
    ratios = [(style.var(1).mean(0) / style.mean(1).var(0)).tolist() for style in styles]
    digits = len(wanted)
    return {
        "lines": len(texts),
        "digits": digits,
        "read": dict(zip(("one hand", "mixed", "real"), (feature.accuracy(classifier, x, wanted) for x in cells), strict=True)),
        "tesseract": dict(zip(("one hand", "mixed", "real"), map(tesseract, (lines, mixed, real)), strict=True)),
        "redrawn": sum(line.redrawn for line in lines) / digits,
        "unread": sum(line.unread for line in lines) / digits,
        "pixels outside boxes or loose sides": sum(map(outside, lines)),
        "variance inside a line over between lines": {
            "one hand": dict(zip(attribute.NAMES, ratios[0], strict=False)),
            "mixed": dict(zip(attribute.NAMES, ratios[1], strict=False)),
        },
    }


def measured_sliders(lab: Lab, cfg: DictConfig) -> dict[str, Any]:
    """Of each attribute, Spearman's correlation of asked and measured, over all and of the worst class, and the share read."""
    seeds = torch.arange(cfg.sliders) + 10**6
    y, z = sample.labels(seeds, 10), sample.latents(seeds, lab.generator.latent)
    asked = (torch.rand(cfg.sliders, 1, generator=torch.Generator().manual_seed(cfg.seed)) * 2 - 1) * REACH
    classifier, found = feature.load("mnist").classifier, {}
    plain = torch.cat(list(sample.images(lab.generator, z, y)))
    for place, name in enumerate(attribute.NAMES):
        x = torch.cat(list(sample.images(lab.generator, lab.axes.steer(z, y, asked, [place]), y)))
        x = lab.axes.finish(x, y, asked, [place])
        got = lab.axes.standard(x, y)[:, place]
        each = [float(spearmanr(asked[y == label, 0], got[y == label]).statistic) for label in range(10)]
        overall = float(spearmanr(asked[:, 0], got).statistic)
        found[name] = {"spearman": overall, "worst class": min(each), "read": feature.accuracy(classifier, x, y)}
    return found | {"digits": cfg.sliders, "read without": feature.accuracy(classifier, plain, y)}


def measured_outlines(lab: Lab, cfg: DictConfig) -> dict[str, Any]:
    """Of SVGs, bytes and the mean absolute error of pixels, of 1, when librsvg draws them at the generator's size."""
    made = lab.sample(cfg.outlines)
    errors, sizes = [], []
    with tempfile.TemporaryDirectory() as folder:
        for picture in made:
            path = Path(folder) / "digit.svg"
            picture.save(path, overwrite=True)
            sizes.append(path.stat().st_size)
            if shutil.which("rsvg-convert"):
                command_line = ["rsvg-convert", "-w", "28", "-h", "28", "-o", str(path.with_suffix(".png")), str(path)]
                subprocess.run(command_line, check=True)
                drawn = torch.from_numpy(np.array(Image.open(path.with_suffix(".png")).convert("L")))
                errors.append((to_float(drawn) - picture.image[0]).abs().mean().item() / 2)
    kinds: dict[str, Any] = {"mean": np.mean, "worst": np.max}
    error = {name: float(of(errors)) for name, of in kinds.items()} if errors else None
    return {"digits": len(made), "bytes": {name: float(of(sizes)) for name, of in kinds.items()}, "error by librsvg": error}


def timed(cfg: DictConfig) -> dict[str, Any]:
    """Seconds that the command takes for many lines, with its start and its files."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["-m", "gan.generate", f"pattern={PATTERN}", f"lines={cfg.many}", f"out={folder}/set/"]
        began = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
        return {"lines": cfg.many, "seconds": time.perf_counter() - began, "threads": torch.get_num_threads()}


def markdown(found: dict[str, Any]) -> str:
    """The figures as the README's table."""
    lines, sliders, outlines, speed = (found[name] for name in ("lines", "sliders", "outlines", "speed"))
    ratio = lines["variance inside a line over between lines"]["one hand"]

    def shares(of: dict[str, float | None]) -> str:
        return ", ".join(f"{name} {'not installed' if share is None else f'{share:.2%}'}" for name, share in of.items())

    rows = [
        [f"digits of {lines['lines']:,} lines read by the classifier", shares(lines["read"])],
        ["read by Tesseract", shares(lines["tesseract"])],
        ["digits drawn again, never read", f"{lines['redrawn']:.2%}, {lines['unread']:.2%}"],
        ["ink outside its box, or a loose box", f"{lines['pixels outside boxes or loose sides']} pixels"],
        ["variance inside a line over that between", ", ".join(f"{name} {share:.2f}" for name, share in ratio.items())],
    ]
    for name in attribute.NAMES:
        one = sliders[name]
        figures = f"Spearman {one['spearman']:.3f} (worst class {one['worst class']:.3f}), {one['read']:.2%} read"
        rows.append([f"`style.{name}`", figures])
    rows.append(["without any style", f"{sliders['read without']:.2%} read"])
    error = outlines["error by librsvg"]
    drawn = f"error {error['mean']:.3f}, at worst {error['worst']:.3f}; " if error else ""
    rows += [
        ["an SVG outline", f"{drawn}{outlines['bytes']['mean']:,.0f} bytes, at most {outlines['bytes']['worst']:,.0f}"],
        [f"{speed['lines']:,} lines as a set", f"{speed['seconds']:.0f} s on {speed['threads']} threads"],
    ]
    return table(["measured", "figure"], *rows)


def sheet(lab: Lab) -> Picture:
    """A 2 and a 5 at eleven values, from -2.5 to 2.5, of each attribute in turn."""
    asked, rows = torch.linspace(-2.5, 2.5, 11)[:, None], []
    for place in range(len(attribute.NAMES)):
        for label, seed in ((2, 3), (5, 8)):
            y, z = torch.full((11,), label), sample.latents(torch.tensor([seed] * 11), lab.generator.latent)
            x = next(sample.images(lab.generator, lab.axes.steer(z, y, asked, [place]), y))
            rows.append(lab.axes.finish(x, y, asked, [place]))
    x = torch.cat(rows)
    return Digits(x, torch.full((len(x),), -1), torch.zeros(len(x), dtype=torch.long)).grid(11)


@command.main("measure")
def main(cfg: DictConfig) -> None:
    """Measure, write the JSON and a sheet of styles beside it, print the JSON."""
    if Path(cfg.out).suffix != ".json":
        raise ValueError(f"out must end in .json, got {cfg.out}")
    lab = Lab(cfg.ckpt)
    found = {
        "lines": measured_lines(lab, cfg),
        "sliders": measured_sliders(lab, cfg),
        "outlines": measured_outlines(lab, cfg),
        "speed": timed(cfg),
    }
    text = json.dumps(found, indent=2)
    write_text(text, Path(cfg.out))
    sheet(lab).save(Path(cfg.out).with_suffix(".png"), overwrite=True)
    print(text)  # noqa: T201


if __name__ == "__main__":
    main()
