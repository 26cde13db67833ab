"""Figures of what the tools for digits do: ``python -m gan.measure``."""
