"""Your own arrays: .npy, .npz, CSV and IDX, as this project, Kaggle and Keras write them."""

import logging
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from gan.data import csv_file, idx, npz, review
from gan.data.labels import flatten
from gan.data.mapped import SHARES, Part, map_array
from gan.data.pixels import as_images
from gan.error import UserError
from gan.image import SUFFIXES, load_picture, open_picture
from gan.validate import number

log = logging.getLogger(__name__)
PARTS = ("images", "labels", "test_images", "test_labels")
FORMS = "images.npy and labels.npy, an .npz, a CSV, MNIST's four IDX files (also as .gz), or pictures as 00042_7.png"
PICTURE = re.compile(r"\d+_(.+)\.png")  # of this project: 00042_7.png has label 7
Found = dict[str, np.ndarray]  # images and labels, and perhaps test_images and test_labels, by PARTS


class Labelled(NamedTuple):
    """Images [N, H, W] or [N, C, H, W] and labels [N]."""

    data: np.ndarray | Part
    targets: np.ndarray


class Arrays:
    """Images and labels of a file or of a folder, see :func:`read`.

    ``data`` is bytes [N, H, W] or [N, C, H, W], ``targets`` integers or strings [N]. Without a test
    set of its own, ``test_share`` of each class is for testing, always the same images. Raises
    FileNotFoundError, or UserError for a damaged file or one of another format.
    """

    def __init__(self, root: str, train: bool, test_share: float, download: bool = False) -> None:
        number("data.test_share", test_share, *SHARES)
        if not root:
            raise UserError(f"data.root must be given: a file or folder of arrays: {FORMS}")
        path = Path(root).expanduser()
        self.data, self.targets = _load(path, test_share, _stamp(path))[0 if train else 1]


def split(labels: np.ndarray, share: float) -> tuple[Tensor, Tensor]:
    """The rows, int64, of the training and of the test images, each in ascending order.

    ``share`` of each class, chosen at random but always alike, is for testing: at least one image,
    unless there is only one.
    """
    _, classes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0)).numpy()
    order = order[np.argsort(classes.reshape(-1)[order], kind="stable")]  # by class, in random order within
    place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)  # within its class
    held = np.minimum(np.maximum(np.rint(counts * share), 1), counts - 1)
    is_test = place < np.repeat(held, counts)
    train, test = (torch.from_numpy(np.sort(order[part])) for part in (~is_test, is_test))
    return train, test


def _stamp(path: Path) -> tuple[tuple[str, int, int], ...]:
    """What changes if a file or a file of a folder does."""
    places = [path / folder for folder in idx.FOLDERS] if path.is_dir() else [path]
    files = [file for place in places for file in (sorted(place.glob("*")) if path.is_dir() else [place])]
    return tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file())


@lru_cache(maxsize=1)  # training and test set come from one reading
def _load(path: Path, share: float, stamp: object) -> tuple[Labelled, Labelled]:
    """The training and the test set. ``stamp`` changes when the files do."""
    found = read(path)
    for before in ("", "test_") if "test_images" in found else ("",):
        images = as_images(found[f"{before}images"], f"{path}, {before}images")
        labels = found.get(f"{before}labels", np.full(len(images), -1))
        labels = flatten(np.asarray(labels), f"{path}, {before}labels")
        if "names" in found:
            labels = name_labels(labels, found["names"], path)
        if len(labels) != len(images):
            raise UserError(f"data: {path} has {len(images)} {before}images, but {len(labels)} {before}labels")
        found |= {f"{before}images": images, f"{before}labels": labels}
    images, labels = found["images"], found["labels"]
    if "test_images" in found:
        parts = Labelled(images, labels), Labelled(found["test_images"], found["test_labels"])
    else:
        first, second = (Labelled(Part(images, rows), labels[rows.numpy()]) for rows in split(labels, share))
        parts = first, second
    for line in review.warnings(parts[0].data, parts[1].data):
        warn(f"data: {line}")
    return parts


def name_labels(labels: np.ndarray, names: np.ndarray, path: Path) -> np.ndarray:
    """The names [N] of labels [N]; those of images without labels stay -1."""
    if labels.dtype.kind == "U" or (labels == -1).all():
        return labels
    if names.ndim != 1 or names.dtype.kind not in "US" or labels.min() < 0 or labels.max() >= len(names):
        raise UserError(f"data: {path} has names of shape {list(names.shape)}, which do not fit its labels: drop names")
    return np.asarray(flatten(names, f"{path}, names")[labels])


@rank_zero_only
def warn(line: str) -> None:
    """Log a warning, in one of several processes."""
    log.warning(line)


def read(path: Path) -> Found:
    """The arrays of a file or folder, as they are. Raises FileNotFoundError, or UserError."""
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise FileNotFoundError(f"data: {path} does not exist: data.root must be a file or folder of {FORMS}")
    if path.suffix == ".npz":
        return npz.load(path)
    if path.name.lower().endswith(csv_file.SUFFIXES):
        return _read_csv(path, None)
    if path.suffix == ".npy" or idx.NAME.fullmatch(path.name):
        return _read_folder(path.parent)
    raise UserError(f"data: {path} is none of what can be read: {FORMS}")


def _read_folder(folder: Path) -> Found:
    if (folder / "images.npy").is_file() or (folder / "labels.npy").is_file():
        return _read_npy(folder)
    for place in idx.FOLDERS:
        if parts := _idx_files(folder / place):
            return _read_idx(folder / place, parts)
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    archives = [path for path in files if path.suffix == ".npz"]
    tables = [path for path in files if path.name.lower().endswith(csv_file.SUFFIXES)]
    train = [path for path in tables if "train" in path.name.lower()]
    if len(train) == 1 and not archives:
        tests = [path for path in tables if "test" in path.name.lower()]
        return _read_csv(train[0], tests[0] if len(tests) == 1 else None)
    if len(archives) + len(tables) == 1:
        return read((archives + tables)[0])
    if len(archives) + len(tables) > 1:
        several = ", ".join(path.name for path in archives + tables)
        raise UserError(f"data: {folder} has {several}: choose one, as data.root={(archives + tables)[0]}")
    pictures = [path for path in files if path.suffix.lower() in SUFFIXES]
    if pictures and all(PICTURE.fullmatch(path.name) for path in pictures):
        return _read_pictures(pictures)
    inside = pictures or [path for path in folder.iterdir() if path.is_dir()]
    hint = f"; pictures are data=folder data.root={folder}" if inside else ""
    raise FileNotFoundError(f"data: {folder} has no arrays: there must be {FORMS}{hint}")


def _read_npy(folder: Path) -> Found:
    has_test = (folder / "test_images.npy").is_file()
    return {part: map_array(folder / f"{part}.npy") for part in PARTS[: 4 if has_test else 2]}


def _idx_files(folder: Path) -> dict[str, Path]:
    """The IDX files of a folder by part; one that is not compressed comes first."""
    files = sorted(folder.iterdir(), key=lambda path: path.suffix == ".gz") if folder.is_dir() else []
    found: dict[str, Path] = {}
    for path in files:
        if name := idx.NAME.fullmatch(path.name):
            found.setdefault(f"{'' if name[1] == 'train' else 'test_'}{name[2]}", path)
    return found


def _read_idx(folder: Path, files: dict[str, Path]) -> Found:
    needed = PARTS if {"test_images", "test_labels"} & files.keys() else PARTS[:2]
    if absent := [part for part in needed if part not in files]:
        before, kind = "t10k" if "test" in absent[0] else "train", absent[0].removeprefix("test_")
        name = f"{before}-{kind}-idx{3 if kind == 'images' else 1}-ubyte"
        raise FileNotFoundError(f"data: {folder} has no {name} (nor .gz): copy it there")
    return {part: idx.load(files[part]) for part in needed}


def _read_pictures(paths: list[Path]) -> Found:
    """Pictures of one size, with labels in their names."""
    with open_picture(paths[0]) as first:
        channels = 1 if first.mode in ("1", "L", "LA", "I;16") else 3
    pictures = [load_picture(path, channels) for path in paths]
    if odd := [path for path, pixels in zip(paths, pictures, strict=True) if pixels.shape != pictures[0].shape]:
        raise UserError(f"data: {odd[0]} has another size than {paths[0].name}: data=folder reads class folders of any")
    labels = [found[1] for path in paths if (found := PICTURE.fullmatch(path.name))]
    return {"images": np.stack(pictures), "labels": np.array(labels)}


def _read_csv(path: Path, test: Path | None) -> Found:
    if test and not csv_file.has_labels(test):
        warn(f"data: {test} has no labels and is left out; a part of {path.name} is for testing")
        test = None
    found = dict(zip(PARTS, csv_file.load(path), strict=False))
    if test:
        found |= dict(zip(PARTS[2:], csv_file.load(test), strict=True))
    return {part: values for part, values in found.items() if values is not None}
