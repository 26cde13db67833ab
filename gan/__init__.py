"""An open lab for generating handwritten digits with GANs."""

__version__ = "0.1.0"
