"""An open lab for generating handwritten digits with GANs.

``lab = gan.load()`` is the shipped generator, ``gan.load("runs/mine/best.ckpt")`` another; see
:class:`gan.lab.Lab`. Importing ``gan`` alone imports nothing heavy.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from gan.lab import Lab

__version__ = "0.1.0"


def load(ckpt: "str | Path | None" = None, reader: str | None = None) -> "Lab":
    """The lab of a generator; see ``help(gan.lab.Lab)``, ``help(lab.sample)`` and so on.

        lab = gan.load()
        lab = gan.load("runs/mine/best.ckpt")

    ``ckpt`` is a run's best.ckpt or an exported FILE.safetensors; None: the shipped generator.
    ``reader`` is the classifier that checks the digits: ``"mnist"``; the path of another,
    ``"./mine"`` for mine.safetensors and mine.json; None: that of the training data; ``"none"``: no
    digit is checked or redrawn. Raises FileNotFoundError for a missing file, UserError for a file
    that is damaged, a folder, or not of this project.
    """
    from gan.lab import Lab  # imports torch, which takes seconds

    return Lab(ckpt, reader)


def play(lab: "Lab | None" = None) -> "Any":
    """Sliders, colours and a line to type in a notebook: what they say is drawn at once.

    ``lab``: None for the shipped generator. Raises MissingExtra without ipywidgets.
    """
    from gan.notebook import Player

    return Player(lab or load()).view
