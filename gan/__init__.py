"""An open lab for generating handwritten digits with GANs.

In Python: ``lab = gan.load()`` is the generator that ships with the project, ``gan.load("runs/mine/best.ckpt")`` another;
see :class:`gan.lab.Lab` for what it does. Nothing heavy is imported before.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def load(ckpt: Any = None, **settings: Any) -> Any:
    """A :class:`gan.lab.Lab`."""
    return import_module("gan.lab").Lab(ckpt, **settings)
