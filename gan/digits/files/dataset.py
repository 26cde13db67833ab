"""Sets of images with labels as others read them: NumPy, MNIST's own IDX, Kaggle's CSV, folders of PNG, COCO.

``images`` are bytes [N, C, H, W], ``labels`` int64 [N], -1 where there is none.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from gan.file import whole, whole_folder
from gan.image import pillow

Box = tuple[float, float, float, float]  # left, top, width, height in pixels


@contextmanager
def place(path: Path) -> Iterator[Path]:
    """Where to write a set, or its file, that is to be at ``path``: the file itself, or a folder that takes its place later.

    See :func:`gan.file.whole_folder`. The writers below take what this gives.
    """
    if path.suffix:
        yield path
    else:
        with whole_folder(path) as made:
            yield made


def npz(images: Tensor, labels: Tensor, path: Path) -> None:
    """``images`` uint8 [N, H, W] (colour: [N, H, W, 3 or 4]) and ``labels`` int64 [N]."""
    with whole(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, images=images.permute(0, 2, 3, 1).squeeze(-1).numpy(), labels=labels.numpy())


def csv(images: Tensor, labels: Tensor, path: Path) -> None:
    """``label,pixel0,..,pixel783``, a row for each image, as in Kaggle's digit recognizer. Raises ValueError for colour."""
    rows = _grey(images).flatten(1)
    with whole(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.write(",".join(("label", *(f"pixel{i}" for i in range(rows.shape[1])))) + "\n")
        for row, label in zip(rows, labels.tolist(), strict=True):
            file.write(f"{label},{','.join(map(str, row.tolist()))}\n")


def idx(images: Tensor, labels: Tensor, path: Path) -> None:
    """A folder that ``torchvision.datasets.MNIST(path, train)`` reads; the last seventh of the images is the test's.

    Raises ValueError for colour, for images without labels, and where either part would be empty.
    """
    pixels = _grey(images)
    if int(labels.min()) < 0:
        raise ValueError("MNIST's format needs labels, and these images have none: choose .npz or a folder of PNG")
    held = len(labels) - round(len(labels) / 7)
    if not 0 < held < len(labels):
        raise ValueError(f"{len(labels)} images leave the train or the test set empty: make more images")
    raw = path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, part in (("train", slice(held)), ("t10k", slice(held, None))):
        for kind, values in (("images-idx3", pixels[part]), ("labels-idx1", labels[part].byte())):
            header = np.array([0x800 + values.ndim, *values.shape], ">u4")  # 8: bytes
            (raw / f"{name}-{kind}-ubyte").write_bytes(header.tobytes() + values.contiguous().numpy().tobytes())


def folder(images: Tensor, labels: Tensor, path: Path) -> None:
    """One PNG for each, ``00042_7.png`` being image 42 with label 7."""
    for i, (pixels, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        pillow(pixels).save(path / (f"{i:05d}_{label}.png" if label >= 0 else f"{i:05d}.png"))


def classes(images: Tensor, labels: Tensor, path: Path) -> None:
    """One PNG for each, ``7/00042.png`` being image 42 with label 7, for torchvision's ImageFolder and for data=folder.

    Numbers have as many digits as the largest label, so that their order by name is theirs by number. Raises ValueError for
    images without labels.
    """
    if int(labels.min()) < 0:
        raise ValueError("class folders need labels, and these images have none: choose a folder of PNG without them")
    digits = len(str(int(labels.max())))
    for i, (pixels, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        (own := path / f"{label:0{digits}d}").mkdir(exist_ok=True)
        pillow(pixels).save(own / f"{i:05d}.png")


class Written(NamedTuple):
    """A line as a picture, bytes [C, H, W], with its text and the box of each character that has ink."""

    picture: Tensor
    text: str
    boxes: list[tuple[str, Box]]


def coco(lines: Iterable[Written], path: Path, characters: str, info: Mapping[str, object] | None = None) -> None:
    """Lines, taken one after the other: ``images/00042.png``, ``annotations.json`` in COCO's format (cocodataset.org, "data
    format") and ``labels.csv`` with the text of each.

    ``category_id`` is the place of a character in ``characters`` + 1, as detectors keep 0 for the background.
    """
    (path / "images").mkdir()
    images: list[dict[str, object]] = []
    kinds = [{"id": i, "name": one, "supercategory": "character"} for i, one in enumerate(characters, 1)]
    count = 0
    with (path / "annotations.json").open("w", encoding="utf-8") as file:
        file.write('{"annotations": [')  # as they come: those of a million lines would take gigabytes
        for i, line in enumerate(lines):
            name, (height, width) = f"{i:05d}.png", line.picture.shape[1:]
            pillow(line.picture).save(path / "images" / name)
            images.append({"id": i, "file_name": name, "width": width, "height": height, "text": line.text})
            for one, box in line.boxes:
                kind, area = characters.index(one) + 1, box[2] * box[3]
                annotation = {"image_id": i, "category_id": kind, "bbox": list(box), "area": area, "iscrowd": 0}
                file.write(f"{',' if count else ''}\n{json.dumps({'id': (count := count + 1), **annotation})}")
        rest = {"info": dict(info or {}), "licenses": [], "images": images, "categories": kinds}
        file.write(f"\n], {json.dumps(rest)[1:]}\n")
    with (path / "labels.csv").open("w", encoding="utf-8") as file:
        file.writelines(["file_name,text\n", *(f'{one["file_name"]},"{one["text"]}"\n' for one in images)])


def _grey(images: Tensor) -> Tensor:
    """Bytes [N, H, W] of [N, 1, H, W]. Raises ValueError for colour."""
    if images.shape[1] != 1:
        raise ValueError("this format holds grey digits alone: choose .npz or a folder for colour")
    return images[:, 0]
