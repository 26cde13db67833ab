"""An open lab for generating handwritten digits with GANs.

In Python: ``lab = gan.load()`` is the generator that ships with the project, ``gan.load("runs/mine/best.ckpt")`` another;
see :class:`gan.lab.Lab` for what it does. Nothing heavy is imported before.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from gan.lab import Lab

__version__ = "0.1.0"


def load(ckpt: "str | Path | None" = None, reader: str | None = None) -> "Lab":
    """The lab of a generator: see ``help(gan.lab.Lab)``, or ``help(lab.sample)``, ``help(lab.line)`` and so on.

    ``ckpt`` is a run's best.ckpt or an exported FILE.safetensors; None: the generator that ships with the project.
    ``reader`` is the classifier that reads its digits, ``"mnist"`` or the path of another, as ``"./mine"`` for mine.safetensors
    and mine.json; None: that of the data it learned from; ``"none"``: nothing is read, and no digit is drawn again.

        lab = gan.load()
        lab = gan.load("runs/mine/best.ckpt")

    Raises FileNotFoundError where a file is missing, ValueError where one is damaged, a folder, or no file of this project.
    """
    from gan.lab import Lab

    return Lab(ckpt, reader)
