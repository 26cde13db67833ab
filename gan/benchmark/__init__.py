"""How fast training, evaluation and drawing are here: ``python -m gan.benchmark``."""
