"""Closed smooth curves around the ink of a grey picture, as SVG, PDF or pixels of any size.

Coordinates (right, down) are in its pixels; the centre of the first pixel is (0.5, 0.5).
"""

from gan.digits.outline.contour import Outline, extent, points, rasterise, trace
from gan.digits.outline.document import to_pdf, to_svg

__all__ = ["Outline", "extent", "points", "rasterise", "to_pdf", "to_svg", "trace"]
