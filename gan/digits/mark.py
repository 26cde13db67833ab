"""Separators, which no generator draws: strokes of a pen, as thick and as slanting as the digits beside them."""

import torch
from torch import Tensor

# Strokes, right and up of the left end of the baseline, in heights of a digit: a dot, the ends of a line, or those of a
# quadratic Bézier curve with its control point between them.
STROKES: dict[str, list[list[tuple[float, float]]]] = {
    "-": [[(0, 0.45), (0.4, 0.45)]],
    ".": [[(0, 0.05)]],
    ",": [[(0.1, 0.05), (0.1, -0.1), (0, -0.18)]],
    ":": [[(0, 0.12)], [(0, 0.6)]],
    "/": [[(0, -0.05), (0.45, 1.05)]],
    "+": [[(0, 0.45), (0.5, 0.45)], [(0.25, 0.2), (0.25, 0.7)]],
    "(": [[(0.25, 1.1), (-0.2, 0.5), (0.25, -0.1)]],
    ")": [[(0, 1.1), (0.45, 0.5), (0, -0.1)]],
}
LEANS = (-0.2, 0.45)  # shear beyond which / is | or \\, ( is \\ or /, and + is x
SPACE = 0.5  # its width, in heights of a digit
UNSTEADY = 0.015  # of each point, in heights of a digit
DOT = 1.35  # how much thicker a dot is than a stroke


def draw(mark: str, height: float, thickness: float, shear: float, source: torch.Generator) -> Tensor:
    """One of :data:`STROKES` as [2 height, 2 height] in [-1, 1], its baseline 1.5 ``height`` below the top.

    ``height`` is a digit's and ``thickness`` a stroke's, in pixels; ``shear`` is how far it leans to the right for each up.
    """
    side = round(2 * height)
    down, right = torch.meshgrid(torch.arange(side) + 0.5, torch.arange(side) + 0.5, indexing="ij")
    pixels = torch.stack([right, down], 2)
    nearest = torch.full((side, side), torch.inf)
    for stroke in STROKES[mark]:
        points = _curve(torch.tensor(stroke) + UNSTEADY * torch.randn(len(stroke), 2, generator=source))
        points = points @ torch.tensor([[height, 0.0], [height * shear, -height]]) + torch.tensor([height / 2, 1.5 * height])
        radius = thickness / 2 * (DOT if len(points) == 1 else 1)
        for a, b in zip(points, points[1:] if len(points) > 1 else points, strict=False):
            along = ((pixels - a) @ (b - a) / (b - a).square().sum().clamp(min=1e-6)).clamp(0, 1)
            nearest = nearest.minimum((pixels - a - along[:, :, None] * (b - a)).norm(dim=2) - radius)
    return (0.5 - nearest).clamp(0, 1) * 2 - 1  # an edge of one pixel


def _curve(points: Tensor) -> Tensor:
    """A polyline [P, 2] along a stroke [1 to 3, 2]."""
    if len(points) < 3:
        return points
    t = torch.linspace(0, 1, 17)[:, None]
    return (1 - t) ** 2 * points[0] + 2 * t * (1 - t) * points[1] + t**2 * points[2]
