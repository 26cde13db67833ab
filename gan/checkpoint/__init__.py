"""The only reader of checkpoints and exported generators, which are plain data.

Such a file says which network of :mod:`gan.network` with which numbers; nothing else in it is
believed. Nothing in it is instantiated, resolved, or says where something is read or written.
"""

from gan.checkpoint.build import network_class
from gan.checkpoint.contents import load_contents
from gan.checkpoint.load import SHIPPED, generator, start_from
from gan.checkpoint.origin import LICENCE, class_names, provenance, validate_classes

__all__ = [
    "LICENCE", "SHIPPED", "class_names", "generator", "load_contents", "network_class", "provenance", "start_from",
    "validate_classes",
]  # fmt: skip
