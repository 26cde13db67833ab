"""Callbacks watch training: they evaluate, show, time, guard, diagnose, keep. They never train."""

from gan.callback.doctor import Doctor
from gan.callback.finite import Finite
from gan.callback.grid import Grid
from gan.callback.keep import Keep, KeepEvery, Whole
from gan.callback.progress import Progress
from gan.callback.prune import Prune
from gan.callback.quality import Quality
from gan.callback.result import Result
from gan.callback.speed import Speed
from gan.callback.stop import Stop
from gan.callback.tell import Tell
from gan.callback.threads import Threads

__all__ = [
    "Doctor",
    "Finite",
    "Grid",
    "Keep",
    "KeepEvery",
    "Progress",
    "Prune",
    "Quality",
    "Result",
    "Speed",
    "Stop",
    "Tell",
    "Threads",
    "Whole",
]
