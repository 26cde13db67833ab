"""Where the time of a training step on the CPU goes, from torch's profiler."""

import functools
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch.profiler import ProfilerActivity, profile, record_function

from gan.benchmark.loop import Step
from gan.data import Images
from gan.ema import EMA
from gan.network import fast

STEP = "step"
# Functions that count as a part with all that they call.
REGIONS: tuple[tuple[Any, str, str], ...] = (
    (fast, "random_bits", "dropout: random bits"),
    (fast.LeakyDropout, "forward", "dropout: leaky ReLU and masks"),
    (Images, "__getitems__", "images of the batch"),
    (EMA, "update", "moving average"),
)
# The beginnings of the names of operations; the first that fits counts.
OPERATIONS = {
    "convolutions, backward": ("aten::convolution_backward",),
    "convolutions, forward": ("aten::convolution", "aten::_convolution", "aten::conv", "aten::mkldnn_convolution"),
    "dense layers": ("aten::mm", "aten::addmm", "aten::linear", "aten::matmul"),
    "batch norm": ("aten::native_batch_norm", "aten::_batch_norm", "aten::batch_norm"),
    "Adam": ("Optimizer.",),
}
PYTHON, OTHER = "Python between operations", "small operations"


@contextmanager
def _named(owner: Any, name: str, label: str) -> Iterator[None]:
    """Let the profiler see each call of the function ``name`` of ``owner`` as ``label``."""
    function: Callable[..., Any] = getattr(owner, name)

    @functools.wraps(function)
    def seen(*args: Any, **kwargs: Any) -> Any:
        with record_function(label):
            return function(*args, **kwargs)

    setattr(owner, name, seen)
    try:
        yield
    finally:
        setattr(owner, name, function)


def part_of(event: Any) -> str:
    """The part of a step that an event of the profiler belongs to, by its name or a caller's."""
    parts = {label: (label,) for _, _, label in REGIONS} | OPERATIONS
    if event.name == STEP:
        return PYTHON
    while event is not None:
        for part, beginnings in parts.items():
            if event.name.startswith(beginnings):
                return part
        event = event.cpu_parent
    return OTHER


def profile_step(step: Step, times: int) -> dict[str, Any]:
    """Milliseconds of a step under the profiler, and the share of each part, largest first."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler's, which prints an error where no GPU is
    with ExitStack() as stack:
        for region in REGIONS:
            stack.enter_context(_named(*region))
        step()
        with profile(activities=[ProfilerActivity.CPU]) as found:
            for _ in range(times):
                with record_function(STEP):
                    step()
    spent: Counter[str] = Counter()
    for event in found.events() or []:
        spent[part_of(event)] += event.self_cpu_time_total
    total = sum(spent.values())
    shares = {part: round(time / total, 4) for part, time in spent.most_common()}
    return {"milliseconds": round(total / times / 1000, 2), "shares": shares}
