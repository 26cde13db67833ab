"""Watchers of training: they judge, show, time, guard and keep, and never train."""

from gan.callback.finite import Finite
from gan.callback.grid import Grid
from gan.callback.keep import Keep, Whole
from gan.callback.quality import Quality
from gan.callback.result import Result
from gan.callback.speed import Progress, Speed

__all__ = ["Finite", "Grid", "Keep", "Progress", "Quality", "Result", "Speed", "Whole"]
