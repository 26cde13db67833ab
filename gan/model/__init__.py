"""The training: discriminator and generator take optimizer steps in turn."""

from gan.model.gan import GAN, frozen
from gan.model.judged import Averaged
from gan.model.schedule import Schedule

__all__ = ["GAN", "Averaged", "Schedule", "frozen"]
