"""Digits as files: single pictures, moving ones, sets of images with labels, and the datasheet that goes with a set.

Bytes in, uint8 [N, C, H, W] or [C, H, W], with C = 1 for grey, 3 for colour, 4 for colour and opacity; a file
appears whole or not at all and takes the place of one of its name: whether it may is the caller's to check.
A folder does so by :func:`place`.
"""

from gan.digits.files.dataset import Written, classes, coco, csv, folder, idx, npz, place
from gan.digits.files.datasheet import datasheet, is_set, sheet_path
from gan.digits.files.film import gif, mp4
from gan.digits.files.picture import png, webp

PICTURES = {".png": png, ".webp": webp}  # (picture, path, text)
FILMS = {".gif": gif, ".mp4": mp4}  # (frames, path, fps)
SETS = {".npz": npz, ".csv": csv, "": folder}  # (images, labels, path)

__all__ = [
    "FILMS", "PICTURES", "SETS", "Written", "classes", "coco", "csv", "datasheet", "folder", "gif", "idx", "is_set",
    "mp4", "npz", "place", "png", "sheet_path", "webp",
]  # fmt: skip
