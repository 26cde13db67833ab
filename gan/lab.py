"""The lab in Python: ``lab = gan.load()``, then ``lab.sample(20)``, ``lab.line("2026-11-22")``, and more.

What it gives shows itself as a picture in a notebook and has a ``save``. The commands are made of the same calls.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from gan import checkpoint, sample
from gan.digits import attribute, morph, pattern, style
from gan.digits.invert import Inversion, invert, read
from gan.digits.layout import Layout
from gan.digits.line import KEPT, Line, Pen
from gan.digits.look import Look
from gan.digits.picture import PLAIN, Digits, Film
from gan.digits.style import Axes, Style
from gan.metric import feature

CACHE = "~/.cache/digit-gan"  # GAN_CACHE names another
CERTAIN = 0.99  # probability of its class that makes a digit certain
MOST = 10**6  # digits at once, 3 GB of 28x28; more are several sets, each with its own seed
LINES = 2**24  # seeds of lines, each of which stands for 1,024 of digits


class Lab:
    """A generator and all that is done with it. ``ckpt`` is a run's best.ckpt or an exported FILE.safetensors; None: the
    generator that ships with the project. ``reader`` is the classifier that reads its digits; None: that of its data.

    Raises FileNotFoundError and ValueError as :func:`gan.checkpoint.generator` does.
    """

    def __init__(self, ckpt: str | Path | None = None, reader: str | None = None) -> None:
        self.ckpt = ckpt
        self.generator = checkpoint.generator(ckpt)
        self.card = checkpoint.card(ckpt)
        self._reader = reader or self.card["classifier"]

    @cached_property
    def axes(self) -> Axes:
        """The directions of its styles, found at the first use, in some 15 seconds, unless they were before."""
        return style.axes(self.generator, Path(os.environ.get("GAN_CACHE", CACHE)).expanduser())

    @cached_property
    def reader(self) -> feature.Frozen | None:
        """The classifier that reads its digits; None where they have no labels to be read."""
        return feature.load(self._reader) if self.generator.classes and self._reader != "none" else None

    @property
    def figures(self) -> dict[str, float]:
        """What it was judged by test images; empty where it was not."""
        return dict((self.card.get("test") or {}).get("figures", {}))

    @property
    def text(self) -> dict[str, str]:
        """What every file says of its origin."""
        return {
            "Software": "digit-gan",
            "Recipe": self.card["command"],
            "Generator": f"sha256 {self.card['sha256']}",
            "Licence": checkpoint.LICENCE,
        }

    def pen(self, **settings: Any) -> Pen:
        """A :class:`gan.digits.line.Pen` of this generator."""
        return Pen(self.generator, self.axes, self.reader, **settings)

    def sample(
        self,
        n: int = 20,
        label: int | None = None,
        seed: int = 0,
        style: Style | Mapping[str, float] | None = None,
        certain: bool = False,
        look: Look = PLAIN,
    ) -> Digits:
        """``n`` digits of a label, or of all in turn; digit i is a function of ``seed + i``, its label and the settings.

        ``style`` is in standard deviations, ``{"thickness": 2}``. ``certain``: only such as the reader is certain of, each
        drawn up to eight times. Raises ValueError for what cannot be.
        """
        seeds = torch.arange(whole("n", n, 1, MOST)) + whole("seed", seed, 0, sample.SEEDS - 1)
        y = torch.full_like(seeds, self.known(label)) if label is not None else sample.labels(seeds, self.generator.classes)
        asked = _style(style)
        if not asked.held and not certain:
            x = torch.cat(list(sample.generate(self.generator, seeds, y)))
        else:
            pen = Pen(self.generator, self.axes, self.reader if certain else None, asked, mixed=True, certainty=CERTAIN)
            x, _, _ = pen.digits(y, sample.latents(seeds, self.generator.latent), seeds)
        return Digits(x, y, seeds, look, self.text)

    def line(self, text: str, seed: int = 0, layout: Layout | None = None, **settings: Any) -> Line:
        """One line; see :meth:`lines`."""
        return next(self.lines([text], seed, layout, **settings))

    def lines(
        self, texts: Sequence[str], seed: int = 0, layout: Layout | None = None, like: Inversion | None = None, **settings: Any
    ) -> Iterator[Line]:
        """A line for each text, drawn as it is asked for; line i is a function of ``seed + i``, its text and the settings.

        ``settings`` are those of :class:`gan.digits.line.Pen`: ``style``, ``mixed``, ``variation``, ``certainty``. ``like``: in
        the hand of a picture, see :meth:`like`. Raises ValueError for what cannot be written.
        """
        self._writes()
        whole("seed", seed, 0, LINES - 1)
        texts = [pattern.check(text) for text in texts]
        asked = _style(settings.pop("style", None))
        pen = self.pen(style=_with(asked, like.style) if like else asked, own=like.z if like else None, **settings)
        return pen.write(texts, seed, layout)

    def texts(self, wanted: str, n: int, seed: int = 0) -> list[str]:
        """``n`` random texts of a pattern; see :func:`gan.digits.pattern.texts`."""
        return pattern.texts(wanted, n, seed)

    def like(self, path: str | Path, label: int | None = None) -> Inversion:
        """The hand of a picture of one digit: give it to :meth:`lines`."""
        size = int(self.sample(1).images.shape[-1])
        label = label if label is None else self.known(label)
        return invert(self.generator, self.axes, read(Path(path).expanduser(), size), label, self.reader)

    def morph(
        self,
        labels: Sequence[int],
        seeds: Sequence[int] = (0,),
        frames: int = 25,
        loop: bool = False,
        look: Look = PLAIN,
        fps: float = 25.0,
    ) -> Film:
        """From one digit to the next: ``labels`` and ``seeds`` in turn, the last of the shorter being repeated."""
        count = max(len(labels), len(seeds))
        if count < 2 or not seeds:
            raise ValueError("a morph goes through two digits or more: give labels=[3,8] or seeds=[0,1]")
        whole("frames", frames, 2, 1000)
        ys = [self.known(label) for label in labels] or [-1]
        zs = [whole("seeds", seed, 0, sample.SEEDS - 1) for seed in seeds]
        y, s = (torch.tensor([*values, *values[-1:] * (count - len(values))]) for values in (ys, zs))
        x = morph.between(self.generator, y, sample.latents(s, self.generator.latent), frames, loop)
        name = f"From one handwritten digit to another: {', '.join(map(str, y.tolist()))}"
        said = {"Title": name, "Description": name, "Seed": ", ".join(map(str, s.tolist()))}
        return Film(x, look, said | self.text, fps)

    def evaluate(self, split: str = "val", **words: Any) -> dict[str, Any]:
        """The figures of ``python -m gan.evaluate`` with settings ``words``; of an exported generator, those it came with."""
        if self.ckpt is None or Path(self.ckpt).suffix == ".safetensors":
            return self.figures
        from gan import command, evaluate

        settings = [f"{name.replace('__', '.')}={value}" for name, value in words.items()]
        cfg = command.compose("evaluate", [f"ckpt='{self.ckpt}'", f"split={split}", *settings])
        return dict(evaluate.evaluate(cfg)["figures"])

    def known(self, label: int) -> int:
        """``label`` itself. Raises ValueError where the generator has none such."""
        classes = self.generator.classes
        if isinstance(label, bool) or label not in range(classes):
            has = f"0 to {classes - 1}" if classes else "none: it is unconditional"
            raise ValueError(f"label={label} is not among the labels of this generator ({has})")
        return label

    def _writes(self) -> None:
        """Raise ValueError where it cannot write lines."""
        if self.generator.classes < 10:
            raise ValueError("lines need a generator with the ten digits as labels: choose another ckpt")
        if len(self.sample(1).images[0]) != 1:
            raise ValueError("lines need a generator that draws in grey: choose another ckpt")


def _style(asked: Style | Mapping[str, float] | None) -> Style:
    if isinstance(asked, Style):
        return asked
    try:
        return Style(**(asked or {}))
    except TypeError:
        raise ValueError(f"style has thickness, slant, width and height, got {', '.join(asked or ())}") from None


def _with(asked: Style, found: Style) -> Style:
    """What is asked for, and of what was found what makes a hand: a 1 that is as wide as somebody's 5 would be torn."""
    names = [attribute.NAMES[place] for place in KEPT]
    return replace(asked, **{name: getattr(found, name) for name in names if getattr(asked, name) is None})


def whole(name: str, value: object, low: int, high: int) -> int:
    """``value`` itself. Raises ValueError where it is no whole number from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low:,} to {high:,}, got {value}")
    return value
