"""Data sets of digits as batches ``(x, y)``: x float [N, C, H, W] in [-1, 1], y int64 [N]."""

from gan.data.batch import Batch, Batches, Images
from gan.data.dataset import Digits
from gan.data.module import JUDGE_BATCH, ImageData, Unavailable

__all__ = ["JUDGE_BATCH", "Batch", "Batches", "Digits", "ImageData", "Images", "Unavailable"]
