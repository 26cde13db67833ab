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
from gan.digits.given import flag, made, several, whole
from gan.digits.invert import Inversion, invert, read
from gan.digits.layout import Layout
from gan.digits.line import KEPT, UNREAD, Line, Pen
from gan.digits.look import Look, preset
from gan.digits.picture import PLAIN, Digits, Film
from gan.digits.style import Axes, Style
from gan.metric import feature

CACHE = "~/.cache/digit-gan"  # GAN_CACHE names another
CERTAIN = 0.99  # probability of its class that makes a digit certain
MOST = 10**6  # digits at once, 3 GB of 28x28; more are several sets, each with its own seed
SIDE, PIXELS = 32, 400_000_000  # of a film: usual side of a frame, and most in all, as bytes of colours 1.2 GB
LINES = 2**24  # seeds of lines, each of which stands for 1,024 of digits
OTHERS = ("emnist_letters", "fashion_mnist", "kmnist")  # data whose labels are no digits
SETTINGS = ("style", "mixed", "variation", "certainty", "own")  # of a pen


class Lab:
    """A generator and all that is done with it: ``sample``, ``line``, ``lines``, ``texts``, ``like``, ``morph``, ``evaluate``.

    Its arguments, and what it raises, are those of :func:`gan.load`. Numbers may be Python's, NumPy's or torch's. A ``look`` is
    a :class:`gan.digits.look.Look` or the name of a preset, ``"sunset"``, of which the look alone is taken: that digits be
    certain, or thicker, as ``accessible`` has them for commands, is yours to ask for.
    """

    def __init__(self, ckpt: str | Path | None = None, reader: str | None = None) -> None:
        if ckpt is not None and not (isinstance(ckpt, str | Path) and str(ckpt)):
            raise ValueError(f"ckpt must be a path, as RUN/best.ckpt, or None for the generator that ships, got {ckpt!r}")
        if reader and reader != "none":
            feature.load(str(reader))  # now, for what is missing
        self.ckpt = None if ckpt is None else Path(ckpt).expanduser()
        self.generator = checkpoint.generator(self.ckpt)
        self.card = checkpoint.card(self.ckpt)
        self._reader = str(reader or self.card["classifier"])

    def __repr__(self) -> str:
        return f"Lab({self.ckpt or 'shipped'})"

    @cached_property
    def axes(self) -> Axes:
        """The directions of its styles, found at the first use, in some 15 seconds, unless they were before."""
        return style.axes(self.generator, Path(os.environ.get("GAN_CACHE") or CACHE).expanduser())

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
        """A :class:`gan.digits.line.Pen` of this generator. Raises ValueError for settings that it does not have."""
        if unknown := sorted(set(settings) - set(SETTINGS)):
            raise ValueError(f"{', '.join(unknown)}: there is no such setting; there are {', '.join(SETTINGS)}")
        return Pen(self.generator, self.axes, self.reader, **settings, origin=self.text)

    def sample(
        self,
        n: int = 20,
        label: int | None = None,
        seed: int = 0,
        style: Style | Mapping[str, float] | None = None,
        certain: bool = False,
        look: Look | str = PLAIN,
    ) -> Digits:
        """``n`` digits, 1 to 1,000,000, of a label, or of all in turn.

            lab.sample(20, label=7, style={"thickness": 2}, look="sunset").save("sevens.png")

        Digit i is a function of ``seed + i``, its label and the settings; ``seed`` is 0 to 4,294,967,295. ``style`` has
        thickness, slant, width and height, each -3 to 3 standard deviations from the mean of its class. ``certain``: what the
        reader gives less than 99 % is drawn again, up to eight times in all; ``unread`` says how many are less certain still.
        Their ``images`` are float [n, C, H, W] in [-1, 1], ``labels`` and ``seeds`` int64 [n].

        Raises ValueError for what is outside, and for ``certain`` where nothing reads these digits.
        """
        look, certain = preset(look), flag("certain", certain)
        seeds = torch.arange(whole("n", n, 1, MOST)) + whole("seed", seed, 0, sample.SEEDS - 1)
        y = torch.full_like(seeds, self.known(label)) if label is not None else sample.labels(seeds, self.generator.classes)
        asked = made(Style, "style", style)
        if certain and self.reader is None:
            raise ValueError(UNREAD)  # before directions are measured
        if not asked.held and not certain:
            return Digits(torch.cat(list(sample.generate(self.generator, seeds, y))), y, seeds, look, self.text)
        reader, certainty = (self.reader, CERTAIN) if certain else (None, 0.0)
        pen = Pen(self.generator, self.axes, reader, asked, mixed=True, certainty=certainty)
        x, _, read = pen.digits(y, sample.latents(seeds, self.generator.latent), seeds)
        return Digits(x, y, seeds, look, self.text, read)

    def line(self, text: str, seed: int = 0, layout: Layout | Mapping[str, float] | None = None, **settings: Any) -> Line:
        """One line of digits, - . , : / + ( ) and spaces, 1,000 characters at most.

            lab.line("2026-11-22", seed=2, layout={"height": 64}, style={"slant": 1}).save("line.svg")
            lab.line("2026-11-22", mixed=True).picture("chalkboard", size="card").save("card.png")

        ``seed`` is 0 to 16,777,215. ``settings`` are ``like``, ``style``, ``mixed``, ``variation`` and ``certainty``: those,
        the layout, and what it raises, are as in :meth:`lines`. Its ``image`` is float [1, H, W] in [-1, 1].
        """
        return next(self.lines([text], seed, layout, **settings))

    def lines(
        self,
        texts: Sequence[str],
        seed: int = 0,
        layout: Layout | Mapping[str, float] | None = None,
        like: Inversion | str | Path | None = None,
        **settings: Any,
    ) -> Iterator[Line]:
        """A line for each text, in turn, each drawn as it is asked for: an iterator, which ``list`` makes a list of.

            for line in lab.lines(lab.texts("phone", 10), like="photo.png"):
                line.save(f"{line.seed}.png")

        Line i is a function of ``seed + i``, its text and the settings; ``seed`` is 0 to 16,777,215. ``layout`` has height, 8
        to 1024 pixels, spacing, jitter, slant and margin, see :class:`gan.digits.line.Layout`. ``like``: in the hand of a
        picture of one digit, its path or what :meth:`like` gave. ``settings``: ``style`` as in :meth:`sample`; ``mixed``, each
        digit in a hand of its own; else ``variation``, 0 to 1, is how far digits of a hand differ; ``certainty``, 0 to 1, that
        the reader gives each digit, else it is drawn again. A line's ``image`` is float [1, H, W] in [-1, 1].

        Raises ValueError for what cannot be written, and for ``certainty`` where nothing reads these digits.
        """
        if self.generator.classes < 10 or self.card.get("data") in OTHERS:
            raise ValueError("lines need a generator with the ten digits as labels: choose another ckpt")
        self._grey()
        seed, layout = whole("seed", seed, 0, LINES - 1), made(Layout, "layout", layout)
        texts = [pattern.check(text) for text in several("texts", texts, "['2026', '11']")]
        asked = made(Style, "style", settings.pop("style", None))
        if like is not None:
            hand = like if isinstance(like, Inversion) else self.like(like)
            asked, settings = _with(asked, hand.style), settings | {"own": hand.z}
        return self.pen(style=asked, **settings).write(texts, seed, layout)

    def texts(self, wanted: str, n: int, seed: int = 0) -> list[str]:
        """``n`` random texts, 1 to 1,000,000, of a regular expression, ``date``, ``phone``, ``time`` or ``amount``.

            lab.texts(r"[1-9]\\d{4}", 3)
            lab.texts("date %d.%m.%Y", 3, seed=7)

        ``seed`` is 0 to 4,294,967,295. Raises what :func:`gan.digits.pattern.texts` raises.
        """
        return pattern.texts(wanted, whole("n", n, 1, MOST), whole("seed", seed, 0, sample.SEEDS - 1))

    def like(self, path: str | Path, label: int | None = None) -> Inversion:
        """The hand in a picture of one digit, of any format and size, dark on light or light on dark; some seconds.

            lab.line("2026-11-22", like=lab.like("photo.png", label=4))

        ``label``: which digit it shows; None: what the reader reads. Raises FileNotFoundError where there is no such file,
        ValueError where it shows nothing, and for no ``label`` where nothing reads these digits.
        """
        if not isinstance(path, str | Path):
            raise ValueError(f"like must be the path of a picture, or what lab.like made of it, got {path!r}")
        size, label = self._grey(), label if label is None else self.known(label)
        if label is None and self.generator.classes and self.reader is None:
            raise ValueError("nothing reads these digits: say by label= which one the picture shows, or choose a reader")
        return invert(self.generator, self.axes, read(Path(path).expanduser(), size), label, self.reader)

    def morph(
        self,
        labels: Sequence[int],
        seeds: Sequence[int] = (0,),
        frames: int = 25,
        loop: bool = False,
        look: Look | str = PLAIN,
        fps: float = 25.0,
    ) -> Film:
        """From one digit to the next: ``labels`` and ``seeds`` in turn, the last of the shorter being repeated.

            lab.morph([3, 8], seeds=[1, 2], look="chalkboard").save("morph.gif")

        ``seeds`` are 0 to 4,294,967,295; ``frames``, 2 to 1000, are on the way to each; ``fps``, 1 to 240, are shown a second
        (a GIF: 50 at most). ``loop`` goes back to the first. The film's ``frames`` are float [T, C, H, W] in [-1, 1]. A
        generator without labels takes ``labels=[]``. Raises ValueError for what is outside.
        """
        look, loop, frames = preset(look), flag("loop", loop), whole("frames", frames, 2, 1000)
        ys = [self.known(label) for label in several("labels", labels, "[3, 8]")]
        zs = [whole("seeds", seed, 0, sample.SEEDS - 1) for seed in several("seeds", seeds, "[0, 1]")]
        if (count := max(len(ys), len(zs))) < 2 or not zs or (self.generator.classes and not ys):
            ways = "labels=[3,8] or labels=[3] seeds=[0,1]" if self.generator.classes else "seeds=[0,1]"
            raise ValueError(f"a morph goes through two digits or more: give {ways}")
        if (pixels := (count - 1 + loop) * frames * (look.height or SIDE) ** 2) > PIXELS:
            raise ValueError(
                f"{pixels:,} pixels are more than the {PIXELS:,} of a film: take fewer frames or a lower look.height"
            )
        ys = ys or [-1]
        y, s = (torch.tensor([*values, *values[-1:] * (count - len(values))]) for values in (ys, zs))
        x = morph.between(self.generator, y, sample.latents(s, self.generator.latent), frames, loop)
        name = "From one handwritten digit to another" + (f": {', '.join(map(str, y.tolist()))}" if ys != [-1] else "")
        said = {"Title": name, "Description": name, "Seed": ", ".join(map(str, s.tolist()))}
        return Film(x, look, said | self.text, fps)

    def evaluate(self, split: str | None = None, **words: Any) -> dict[str, float]:
        """Figures by their names: of a run's ckpt those of ``python -m gan.evaluate``, made now; else the test figures it has.

            gan.load("runs/mine/best.ckpt").evaluate("test", cas__images=0)

        ``split`` is val (None) or test, ``words`` its other settings, __ for a dot. Raises ValueError for what it has not.
        """
        if self.ckpt is None or self.ckpt.suffix == ".safetensors":
            if split not in (None, "test") or words:
                raise ValueError("this generator has its test figures alone: for others, or settings, gan.load a RUN/best.ckpt")
            return self.figures
        from gan import evaluate, override

        asked = {"ckpt": self.ckpt, "split": split or "val"} | words
        settings = [override.quoted(f"{name.replace('__', '.')}={value}") for name, value in asked.items()]
        override.check_words("evaluate", settings)
        return dict(evaluate.evaluate(override.compose("evaluate", settings))["figures"])

    def known(self, label: object) -> int:
        """``label`` as Python's int. Raises ValueError where the generator has none such."""
        classes = self.generator.classes
        try:
            return whole("label", label, 0, classes - 1)
        except ValueError:
            has = f"0 to {classes - 1}" if classes else "none: it is unconditional"
            raise ValueError(f"label={label!r} is not among the labels of this generator ({has})") from None

    def _grey(self) -> int:
        """The side of its images in pixels. Raises ValueError where they are in colour."""
        channels, side, _ = self.sample(1).images[0].shape
        if channels != 1:
            raise ValueError("hands and lines need a generator that draws in grey: choose another ckpt")
        return side


def _with(asked: Style, found: Style) -> Style:
    """What is asked for, and of what was found what makes a hand: a 1 that is as wide as somebody's 5 would be torn."""
    names = [attribute.NAMES[place] for place in KEPT]
    return replace(asked, **{name: getattr(found, name) for name in names if getattr(asked, name) is None})
