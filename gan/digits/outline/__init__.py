"""Digits as vector outlines: closed smooth curves around the ink of a grey picture, written as SVG or PDF or drawn at any size.

Outlines are in pixels of the picture they were traced from, x to the right and y down: its top left corner is 0, 0 and the
centre of its first pixel 0.5, 0.5.
"""

from gan.digits.outline.contour import Outline, trace
from gan.digits.outline.document import pdf, svg
from gan.digits.outline.raster import rasterise

__all__ = ["Outline", "pdf", "rasterise", "svg", "trace"]
