"""How fast it all is: ``python -m gan.benchmark``."""
