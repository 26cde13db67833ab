"""What a page knows of this project's code besides its programs: constants, presets, classes.

The page writes lines as :mod:`gan.digits.line` does, in JavaScript, with these numbers.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch
from PIL import ImageColor

from gan.digits import clean, feedback, invert, layout, line, mark, taste
from gan.digits.layout import Layout
from gan.digits.look import PRESETS, SIZES, Colour, parse_colour
from gan.digits.preset import CERTAIN, choose
from gan.digits.style import Axes
from gan.lab import Lab
from gan.names import digits


def describe(lab: Lab) -> dict[str, Any]:
    """The constants of the page of a lab, for JSON."""
    is_grey = lab.generator.shape[0] == 1
    return {
        "alphabet": alphabet(lab.names) if is_grey else {},
        "axes": describe_axes(lab.axes),
        "presets": {path.stem: describe_preset(path.stem) for path in sorted(PRESETS.glob("*.yaml"))},
        "sizes": SIZES,
        "colours": describe_colours(),
        "poor": invert.POOR,
        "pen": {
            "firstSeed": line.FIRST_SEED,
            "otherSeed": line.OTHER_SEED,
            "attempts": line.ATTEMPTS,
            "looser": line.LOOSER,
            "variation": line.Pen.variation,
            "kept": line.KEPT,
            "certain": CERTAIN,
        },
        "layout": {
            **asdict(Layout()),
            "ink": layout.INK,
            "speck": layout.SPECK,
            "digit": layout.DIGIT,
            "up": layout.UP,
            "down": layout.DOWN,
        },
        "clean": describe_clean(lab),
        "marks": {
            "strokes": mark.STROKES,
            "leans": mark.LEANS,
            "space": mark.SPACE,
            "unsteady": mark.UNSTEADY,
            "dot": mark.DOT,
            "dense": mark.DENSE,
            "boldest": mark.BOLDEST,
        },
        "taste": describe_taste(),
    }


def describe_colours() -> dict[str, Colour]:
    """Red, green, blue and opacity, bytes, of each name of a colour."""
    return {name: parse_colour(name) for name in (*ImageColor.colormap, "transparent")}


def describe_clean(lab: Lab) -> dict[str, Any]:
    """What :mod:`gan.digits.clean` knows; ``holes``, least and most, by label."""
    return {
        "holes": {label: clean.HOLES[digit] for digit, label in digits(lab.names).items()},
        "dark": clean.DARK,
        "pale": clean.PALE,
        "faint": clean.FAINT,
        "open": clean.OPEN,
        "speck": clean.SPECK,
    }


def alphabet(names: Sequence[str]) -> dict[str, int]:
    """The label of each character that a class means: ten digits, and names of one character."""
    found = {name: label for label, name in enumerate(names) if len(name) == 1}
    return found | {str(digit): label for digit, label in digits(names).items()}


def describe_axes(axes: Axes) -> dict[str, Any]:
    """``mean``, ``std`` [4] of classes; a hand has the style ``weight`` [4, D] @ z + ``bias``."""
    size = axes.weight.shape[-1]
    bias = axes.hand_style(torch.zeros(1, size))
    weight = (axes.hand_style(torch.eye(size)) - bias).T
    return {
        "mean": axes.mean.mean(0).tolist(),
        "std": axes.std.mean(0).tolist(),
        "weight": weight.tolist(),
        "bias": bias[0].tolist(),
    }


def describe_taste() -> dict[str, float]:
    """How many marks a taste needs, and which digits it accepts and tries."""
    return {
        "least": feedback.LEAST,
        "leastEach": feedback.LEAST_EACH,
        "most": feedback.MOST,
        "sure": taste.SURE,
        "read": taste.READ,
        "step": taste.STEP,
        "farthest": taste.FARTHEST,
    }


def describe_preset(name: str) -> dict[str, Any]:
    """A preset as :func:`gan.digits.preset.choose` has it; of the style, what it holds."""
    found = asdict(choose(name))
    return found | {"style": {part: value for part, value in found["style"].items() if value is not None}}
