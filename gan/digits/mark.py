"""Separators, which no generator draws: pen strokes, as thick and slanted as the digits."""

import torch
from torch import Tensor

# Points (right, up) in heights of a digit, from the left end of the baseline. One point is a dot,
# two are a line, three a quadratic Bezier curve.
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
LEANS = (-0.2, 0.45)  # beyond these shears, / looks like | or \\, ( like \\ or /, and + like x
SPACE = 0.5  # width of a space, in heights of a digit
UNSTEADY = 0.015  # standard deviation of each point, in heights of a digit
DOT = 1.35  # a dot's thickness over a stroke's


def draw(mark: str, height: float, thickness: float, shear: float, source: torch.Generator) -> Tensor:
    """Draw one of :data:`STROKES`: [2 height, 2 height] in [-1, 1], the baseline at 1.5 ``height``.

    ``height`` of a digit and ``thickness`` are in pixels; ``shear`` is to the right per pixel up.
    """
    side = round(2 * height)
    centres = torch.arange(side) + 0.5
    pixels = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), 2)
    to_pixels = torch.tensor([[height, 0.0], [height * shear, -height]])
    origin = torch.tensor([height / 2, 1.5 * height])
    nearest, t = torch.full((side, side), torch.inf), torch.linspace(0, 1, 17)[:, None]
    for stroke in STROKES[mark]:
        points = torch.tensor(stroke) + UNSTEADY * torch.randn(len(stroke), 2, generator=source)
        if len(points) == 3:
            points = (1 - t) ** 2 * points[0] + 2 * t * (1 - t) * points[1] + t**2 * points[2]
        points = points @ to_pixels + origin
        radius = thickness / 2 * (DOT if len(points) == 1 else 1)
        for a, b in zip(points, points[1:] if len(points) > 1 else points, strict=False):
            along = ((pixels - a) @ (b - a) / (b - a).square().sum().clamp(min=1e-6)).clamp(0, 1)
            nearest = nearest.minimum((pixels - a - along[:, :, None] * (b - a)).norm(dim=2) - radius)
    return (0.5 - nearest).clamp(0, 1) * 2 - 1  # an edge of one pixel
