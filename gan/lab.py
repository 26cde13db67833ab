"""The lab in Python: ``lab = gan.load()``, then ``lab.sample(20)``, ``lab.line("2026-11-22")``.

Results display inline in a notebook and have a ``save``. The commands make the same calls.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Unpack

import torch
from torch import Tensor

from gan import checkpoint, sample
from gan.digits import morph, pattern, style
from gan.digits.clean import known_digits
from gan.digits.encoder import Encoder, load_encoder
from gan.digits.film import Film, validate_film
from gan.digits.invert import Hand, Inversion, Shown, invert, load_digit, mean_hand
from gan.digits.layout import Layout
from gan.digits.line import HAND, UNREAD, Line, Pen, Settings, StyleLike
from gan.digits.look import Look, load_preset
from gan.digits.picture import PLAIN, Digits
from gan.digits.preset import Preset, choose
from gan.digits.reader import load_reader, read_label
from gan.error import UserError
from gan.file import cache_folder
from gan.metric import feature
from gan.names import digits, find
from gan.validate import as_list, boolean, from_mapping, integer

MOST = 10**6  # digits at once, 3 GB of 28x28
LAST_SEED = sample.SEEDS - 1
LAST_LINE_SEED = 2**24 - 1  # a line's seed covers 1,024 seeds of digits
LayoutLike = Layout | Mapping[str, float] | None
Label = int | str  # of a class: its name, or the digit that it means


class Lab:
    """A generator that can ``sample``, write a ``line`` or ``lines``, ``morph`` and ``evaluate``.

    Arguments and errors are those of :func:`gan.load`. Numbers may be Python's, NumPy's or torch's.
    A ``look`` is a :class:`gan.digits.look.Look`, or that of a preset alone, ``"sunset"``. A
    ``preset`` is the whole of it: look, style, certain, clean and truncation; what is given wins.
    """

    def __init__(self, ckpt: str | Path | None = None, reader: str | None = None) -> None:
        if ckpt is not None and not (isinstance(ckpt, str | Path) and str(ckpt)):
            raise UserError(f"ckpt must be a path, as RUN/best.ckpt, or None for the shipped generator, got {ckpt!r}")
        if reader and reader != "none":
            feature.load(str(reader))  # raises at once if it is missing
        self.ckpt = None if ckpt is None else Path(ckpt).expanduser()
        self.generator = checkpoint.generator(self.ckpt)
        self.provenance = checkpoint.provenance(self.ckpt)
        self.names = tuple(self.provenance["names"])
        self._reader = str(reader or self.provenance["classifier"] or "none")

    def __repr__(self) -> str:
        return f"Lab({self.ckpt or 'shipped'})"

    @cached_property
    def axes(self) -> style.Axes:
        """Latent directions of the styles; measured at the first use, in 15 seconds, and cached."""
        return style.load_axes(self.generator, cache_folder(os.environ.get("GAN_CACHE", "")))

    @cached_property
    def encoder(self) -> Encoder | None:
        """The network from images to latents that :meth:`like` starts from; None without one."""
        return load_encoder(self.ckpt or checkpoint.SHIPPED, self.generator, self.provenance["sha256"])

    @cached_property
    def reader(self) -> feature.Frozen | None:
        """The classifier of the digits; None without labels, or if it was set to ``"none"``."""
        name = self._reader if self.names else "none"
        return None if name == "none" else load_reader(name, self.names, self.provenance.get("data"))

    @property
    def figures(self) -> dict[str, float]:
        """The generator's figures on the test images; empty if it was not evaluated on them."""
        return dict((self.provenance.get("test") or {}).get("figures", {}))

    @property
    def text(self) -> dict[str, str]:
        """The metadata of every file: software, recipe, generator and licence."""
        recipe, weights = self.provenance["command"], f"sha256 {self.provenance['sha256']}"
        return {"Software": "digit-gan", "Recipe": recipe, "Generator": weights, "Licence": checkpoint.LICENCE}

    def pen(self, hand: Inversion | None = None, **settings: Unpack[Settings]) -> Pen:
        """A pen, which writes lines, in a ``hand``. Raises UserError for unknown settings."""
        known = Settings.__annotations__
        if unknown := sorted(settings.keys() - known.keys()):
            raise UserError(f"{', '.join(unknown)}: there is no such setting; there are {', '.join(known)}")
        values: dict[str, Any] = {"origin": self.text, "labels": digits(self.names), **settings}
        asked = {name: values.get(name) for name in ("style", "look", "clean", "truncation")}
        chosen = choose(values.pop("preset", "plain"), **asked)
        if hand is not None:
            chosen.style, values["own"] = chosen.style.filled(hand.style, HAND), hand.z
        values |= {name: getattr(chosen, name) for name in asked}
        values["clean"] = known_digits(values["labels"].values(), self.names) if chosen.clean else {}
        values.setdefault("certainty", chosen.certainty)
        return Pen(self.generator, self.axes, self.reader, **values)

    def sample(
        self,
        n: int = 20,
        label: Label | None = None,
        seed: int = 0,
        style: StyleLike = None,
        certain: bool | None = None,
        look: Look | str | None = None,
        truncation: float | None = None,
        clean: bool | None = None,
        preset: str = "plain",
    ) -> Digits:
        """``n`` digits, 1 to 1,000,000, of one label, or of all labels in turn.

            lab.sample(20, label=7, style={"thickness": 2}, look="sunset").save("sevens.png")

        ``label`` is the name of a class, see ``lab.names``, or its digit: 7 also means ``"seven"``.
        Digit i is a function of ``seed + i``, its label and the settings; ``seed`` is 0 to
        4,294,967,295. ``style`` has thickness, slant, width and height, each -3 to 3 standard
        deviations from the mean of its class. ``truncation``, 0.01 to 1, scales its latent. A digit
        is redrawn, up to seven times, if its class gets a probability below 0.99 (``certain``), or
        for wrong holes (``clean``, see :mod:`gan.digits.clean`); ``unread`` counts those that stay
        so. ``images`` are float [n, C, H, W] in [-1, 1], ``labels`` and ``seeds`` int64 [n]. Raises
        UserError outside these ranges, and for what cannot be checked.
        """
        chosen = choose(preset, style, look=look, certain=certain, clean=clean, truncation=truncation)
        seeds = torch.arange(integer("n", n, 1, MOST)) + integer("seed", seed, 0, LAST_SEED)
        y = sample.labels(seeds, self.generator.classes)
        if label is not None:
            y = torch.full_like(seeds, self.validate_label(label))
        x, read = self._draw(y, seeds, chosen)
        return Digits(x, y, seeds, chosen.look, self.text, read, self.names)

    def _draw(self, y: Tensor, seeds: Tensor, chosen: Preset) -> tuple[Tensor, Tensor | None]:
        """Images of labels [N], and which of them are certain and clean; None: neither is asked."""
        if chosen.certain and self.reader is None:
            raise UserError(UNREAD)  # before the axes are measured
        how: dict[str, Any] = {"truncation": chosen.truncation}
        if not (chosen.style.held.any() or chosen.certain or chosen.clean):
            return torch.cat(list(sample.generate(self.generator, seeds, y, **how))), None
        if chosen.clean:
            self._require_grey()
            how["clean"] = known_digits(y.unique().tolist(), self.names)
        reader, how["certainty"] = self.reader if chosen.certain else None, chosen.certainty
        pen = Pen(self.generator, self.axes, reader, chosen.style, mixed=True, **how)
        x, _, read = pen.draw_digits(y, sample.latents(seeds, self.generator.latent), seeds)
        return x, read

    def line(
        self, text: str, seed: int = 0, layout: LayoutLike = None, like: Hand = None, **pen: Unpack[Settings]
    ) -> Line:
        """One line of up to 1,000 digits, - . , : / + ( ) % = € $ # and spaces.

            lab.line("2026-11-22", seed=2, layout={"spacing": 0.4}).save("line.svg")
            lab.line("2026-11-22", mixed=True).picture("chalkboard", size="card").save("card.png")

        Takes the arguments of :meth:`lines` and raises its errors.
        """
        return next(self.lines([text], seed, layout, like, **pen))

    def lines(
        self, texts: Sequence[str], seed: int = 0, layout: LayoutLike = None, like: Hand = None, **pen: Unpack[Settings]
    ) -> Iterator[Line]:
        """Yield a line for each text; its ``image`` is float [1, H, W] in [-1, 1].

            for line in lab.lines(lab.texts("phone", 10), like="photo.png"):
                line.save(f"{line.seed}.png")

        Line i is a function of ``seed + i``, its text and the settings; ``seed`` is 0 to
        16,777,215. ``layout`` has height, 8 to 1024 pixels, spacing, jitter, slant and margin; see
        :class:`gan.digits.layout.Layout`. ``like``: the hand is taken from this picture of one
        digit, a path or a result of :meth:`like`; of a list of these, their mean. ``style``: as in
        :meth:`sample`. ``mixed``: each digit has a hand of its own; else ``variation``, 0 to 1, is
        how much the digits of one hand differ. Misread digits are redrawn; with ``certainty``, 0 to
        1, also less probable ones. ``truncation``, ``clean``, ``look``, ``preset``: as in `sample`.
        Raises UserError for a text that cannot be written, and for what cannot be checked.
        """
        self._require_grey()
        seed, layout = integer("seed", seed, 0, LAST_LINE_SEED), from_mapping(Layout, "layout", layout)
        texts = [pattern.validate_text(text) for text in as_list("texts", texts, "['2026', '11']")]
        pattern.require_digits(texts, self.names)
        pictures = like if like is None or isinstance(like, list | tuple) else [like]
        hand = None if pictures is None else mean_hand([self.like(one) for one in pictures])
        return self.pen(hand, **pen).write(texts, seed, layout)

    def texts(self, wanted: str, n: int, seed: int = 0) -> list[str]:
        """``n`` random texts, 1 to 1,000,000, of a regular expression, date, phone, time or amount.

            lab.texts(r"[1-9]\\d{4}", 3)
            lab.texts("date %d.%m.%Y", 3, seed=7)

        ``seed`` is 0 to 4,294,967,295. Raises those of :func:`gan.digits.pattern.random_texts`.
        """
        return pattern.random_texts(wanted, integer("n", n, 1, MOST), integer("seed", seed, 0, LAST_SEED))

    def like(self, path: Shown, label: Label | None = None) -> Inversion:
        """The hand in a picture of one digit, dark on light or light on dark.

            lab.line("2026-11-22", like=lab.like("photo.png", label=4))

        ``label`` is its class; None: the classifier decides. Raises FileNotFoundError without a
        file, UserError for an empty picture, and with neither label nor classifier.
        """
        if isinstance(path, Inversion):
            return path
        size, label = self._require_grey(), None if label is None else self.validate_label(label)
        image = load_digit(path, size)
        if label is None and self.generator.classes:
            label = read_label(self.reader, image, self.names)
        return invert(self.generator, self.axes, image, label, encoder=self.encoder)

    def morph(
        self,
        labels: Sequence[Label],
        seeds: Sequence[int] = (0,),
        frames: int = 25,
        loop: bool = False,
        look: Look | str = PLAIN,
        fps: float = 25.0,
    ) -> Film:
        """An interpolation from digit to digit; the shorter list repeats its last value.

            lab.morph([3, 8], seeds=[1, 2], look="chalkboard").save("morph.gif")

        ``labels`` are those of :meth:`sample`, [] for a generator without labels; ``seeds`` are 0
        to 4,294,967,295. ``frames``, 2 to 1000, lead to each next digit; ``loop`` returns to the
        first. ``fps``, 1 to 240, are frames a second (a GIF: 50 at most, a WebP: 90). The film's
        ``frames`` are float [T, C, H, W] in [-1, 1]. Raises UserError outside these ranges.
        """
        look, loop, frames = load_preset(look), boolean("loop", loop), integer("frames", frames, 2, 1000)
        ys = [self.validate_label(label) for label in as_list("labels", labels, "[3, 8]")]
        zs = [integer("seeds", seed, 0, LAST_SEED) for seed in as_list("seeds", seeds, "[0, 1]")]
        stops, has_labels = max(len(ys), len(zs)), self.generator.classes > 0
        if stops < 2 or not zs or (has_labels and not ys):
            ways = "labels=[3,8] or labels=[3] seeds=[0,1]" if has_labels else "seeds=[0,1]"
            raise UserError(f"a morph goes through two digits or more: give {ways}")
        validate_film((stops - 1 + loop) * frames, self.generator.shape[1], look)
        ys = ys or [-1]
        y, s = (torch.tensor([*values, *values[-1:] * (stops - len(values))]) for values in (ys, zs))
        x = morph.between(self.generator, y, sample.latents(s, self.generator.latent), frames, loop)
        passed = f": {', '.join(self.names[label] for label in y.tolist())}" if has_labels else ""
        name = f"From one handwritten digit to another{passed}"
        text = {"Title": name, "Description": name, "Seed": ", ".join(map(str, s.tolist()))}
        return Film(x, look, text | self.text, fps)

    def evaluate(self, split: str | None = None, **settings: object) -> dict[str, float]:
        """Figures by name, as ``python -m gan.evaluate`` computes them; an export has its own.

            gan.load("runs/mine/best.ckpt").evaluate("test", cas__images=0)

        ``split`` is val (None) or test; in ``settings``, those of the command, __ stands for a dot.
        Raises UserError for others, and where only the test figures of an exported file are known.
        """
        if self.ckpt is None or self.ckpt.suffix == ".safetensors":
            if split not in (None, "test") or settings:
                raise UserError("this generator has its test figures only: for others, gan.load a RUN/best.ckpt")
            return self.figures
        from gan.cli import check, compose, judging  # imports Lightning, which takes seconds

        asked = {"ckpt": self.ckpt, "split": split or "val"} | settings
        words = [compose.quote(f"{name.replace('__', '.')}={value}") for name, value in asked.items()]
        check.check("evaluate", words)
        return dict(judging.evaluate(compose.compose("evaluate", words)).card["figures"])

    def validate_label(self, label: object) -> int:
        """The number of the class ``label``. Raises UserError if the generator does not have it."""
        if not self.names:
            raise UserError(f"label={label}: this generator is unconditional, it has no classes: leave label out")
        return find(self.names, label.item() if getattr(label, "ndim", None) == 0 else label)  # type: ignore[attr-defined]

    def _require_grey(self) -> int:
        """The side of the images in pixels. Raises UserError if they are in colour."""
        channels, side, _ = self.generator.shape
        if channels != 1:
            raise UserError("hands, lines and clean need a generator that draws in grey: choose another ckpt")
        return side
