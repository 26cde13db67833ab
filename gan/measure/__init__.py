"""What the tools for digits do, measured: ``python -m gan.measure``."""
