"""The numbers of a training."""

import shutil
from dataclasses import dataclass

import torch

from gan.error import UserError
from gan.validate import integer, number

COMPILE_MODES = ("default", "reduce-overhead", "max-autotune")


@dataclass(frozen=True)
class Schedule:
    """The numbers of a training.

    - ``lr_ratio``: discriminator's learning rate / generator's (TTUR, Heusel et al. 2017).
    - ``lr_decay``: the last share of the training, in which both rates fall linearly to zero.
    - ``d_steps``: discriminator steps for each generator step.
    - ``penalty_every``: every n-th discriminator step has the penalty, times n (lazy
      regularisation, Karras et al. 2020, "Analyzing and improving", section 3.1).
    - ``auxiliary``: weight of the labels' likelihood by an auxiliary classifier, which both players
      maximise (Odena et al. 2017, section 4).
    - ``ema_half_life_images``, ``ema_ramp``: see :class:`gan.ema.EMA`.
    - ``compile``: a mode of torch.compile ("reduce-overhead": CUDA graphs), or None.

    Raises UserError for numbers out of range, an unknown mode, and a missing compiler.
    """

    lr_ratio: float
    lr_decay: float
    d_steps: int
    penalty_every: int
    auxiliary: float
    ema_half_life_images: float
    ema_ramp: float
    compile: str | None

    def __post_init__(self) -> None:
        number("model.lr_ratio", self.lr_ratio, 1e-6, 1e6)
        number("model.lr_decay", self.lr_decay, 0, 1)
        integer("model.d_steps", self.d_steps, 1, 1000)
        integer("model.penalty_every", self.penalty_every, 1, 1000)
        number("model.auxiliary", self.auxiliary, 0, 1e6)
        if self.compile not in (None, *COMPILE_MODES):
            raise UserError(f"model.compile must be null or one of {', '.join(COMPILE_MODES)}, got {self.compile}")
        has_compiler = torch.cuda.is_available() or any(map(shutil.which, ("c++", "g++", "clang++", "cl")))
        if self.compile and not has_compiler:
            raise UserError("model.compile needs a C++ compiler (g++, clang++, cl): install one or set it to null")

    def rate(self, over: float) -> float:
        """The learning rates' share of their start, in [0, 1], once a share of training is over."""
        return min(1.0, max(0.0, 1 - over) / self.lr_decay) if self.lr_decay else 1.0
