"""Separators, which no generator draws: pen strokes, as thick and slanted as the digits."""

import torch
from torch import Tensor

# Points (right, up) in heights of a digit, from the left end of the baseline. One point is a dot,
# two are a line, more the control points of a quadratic B-spline from the first to the last.
STROKES: dict[str, list[list[tuple[float, float]]]] = {
    "-": [[(0, 0.45), (0.4, 0.45)]],
    ".": [[(0, 0.05)]],
    ",": [[(0.1, 0.05), (0.1, -0.1), (0, -0.18)]],
    ":": [[(0, 0.12)], [(0, 0.6)]],
    "/": [[(0, -0.05), (0.45, 1.05)]],
    "+": [[(0, 0.45), (0.5, 0.45)], [(0.25, 0.2), (0.25, 0.7)]],
    "(": [[(0.25, 1.1), (-0.2, 0.5), (0.25, -0.1)]],
    ")": [[(0, 1.1), (0.45, 0.5), (0, -0.1)]],
    "%": [
        [(0.13, 0.99), (-0.02, 0.99), (-0.02, 0.65), (0.28, 0.65), (0.28, 0.99), (0.13, 0.99)],
        [(0.7, 1.02), (0.12, -0.02)],
        [(0.69, 0.35), (0.54, 0.35), (0.54, 0.01), (0.84, 0.01), (0.84, 0.35), (0.69, 0.35)],
    ],
    "=": [[(0, 0.64), (0.42, 0.64)], [(0, 0.28), (0.42, 0.28)]],
    "€": [
        [(0.58, 0.86), (0.5, 1.04), (0.1, 1.04), (0.06, 0.5), (0.1, -0.04), (0.5, -0.04), (0.58, 0.14)],
        [(-0.06, 0.62), (0.42, 0.62)],
        [(-0.06, 0.38), (0.38, 0.38)],
    ],
    "$": [
        [(0.48, 0.8), (0.4, 0.99), (0.02, 0.98), (0, 0.58), (0.52, 0.46), (0.52, 0.02), (0.1, 0.01), (0, 0.2)],
        [(0.26, 1.14), (0.24, -0.14)],
    ],
    "#": [
        [(0.25, 1), (0.15, 0)],
        [(0.53, 1), (0.43, 0)],
        [(0, 0.66), (0.66, 0.66)],
        [(0, 0.33), (0.66, 0.33)],
    ],
}
LEANS = (-0.2, 0.45)  # beyond these shears, / looks like | or \\, ( like \\ or /, and + like x
SPACE = 0.5  # width of a space, in heights of a digit
UNSTEADY = 0.015  # standard deviation of each point, in heights of a digit
DOT = 1.35  # a dot's thickness over a stroke's
AT_ONCE = 2**18  # distances between pixels and strokes
DENSE, BOLDEST = "%€$#", 0.14  # separators that thicker strokes, in heights of a digit, would fill


def draw(mark: str, height: float, thickness: float, shear: float, source: torch.Generator) -> Tensor:
    """Draw one of :data:`STROKES`: [2 height, 2 height] in [-1, 1], the baseline at 1.5 ``height``.

    ``height`` of a digit and ``thickness`` are in pixels; ``shear`` is to the right per pixel up.
    """
    if mark in DENSE:
        thickness = min(thickness, BOLDEST * height)
    side = round(2 * height)
    centres = torch.arange(side) + 0.5
    pixels = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), 2)
    to_pixels = torch.tensor([[height, 0.0], [height * shear, -height]])
    origin = torch.tensor([height / 2, 1.5 * height])
    nearest, at_once = torch.full((side, side), torch.inf), max(1, AT_ONCE // side**2)
    for stroke in STROKES[mark]:
        points = torch.tensor(stroke) + UNSTEADY * torch.randn(len(stroke), 2, generator=source)
        if stroke[0] == stroke[-1]:
            points[-1] = points[0]  # a ring is closed
        if len(points) > 2:
            points = _spline(points)
        points = points @ to_pixels + origin
        radius = thickness / 2 * (DOT if len(points) == 1 else 1)
        starts, ends = (points[:-1], points[1:]) if len(points) > 1 else (points, points)
        for a, b in zip(starts.split(at_once), ends.split(at_once), strict=True):
            near = _around(torch.cat([a, b]), radius)
            away, step = pixels[near][:, :, None] - a, b - a  # [h, w, S, 2], [S, 2]
            along = ((away * step).sum(3) / step.square().sum(1).clamp(min=1e-6)).clamp(0, 1)
            distance = (away - along[..., None] * step).norm(dim=3).amin(2)
            nearest[near] = nearest[near].minimum(distance - radius)
    return (0.5 - nearest).clamp(0, 1) * 2 - 1  # an edge of one pixel


def _around(points: Tensor, radius: float) -> tuple[slice, slice]:
    """The rows and columns of the pixels that strokes between ``points`` [N, 2] can reach."""
    first, last = (points.amin(0) - radius - 1).int().tolist(), (points.amax(0) + radius + 2).int().tolist()
    return slice(max(0, first[1]), last[1]), slice(max(0, first[0]), last[0])


def _spline(points: Tensor) -> Tensor:
    """Points [16 S + S, 2] on the S = N - 2 curves of a spline with control ``points`` [N, 2]."""
    joints = torch.cat([points[:1], (points[1:-2] + points[2:-1]) / 2, points[-1:]])
    t = torch.linspace(0, 1, 17)[:, None, None]
    curves = (1 - t) ** 2 * joints[:-1] + 2 * t * (1 - t) * points[1:-1] + t**2 * joints[1:]
    return curves.transpose(0, 1).flatten(0, 1)
