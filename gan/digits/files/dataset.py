"""Sets of images, bytes [N, C, H, W], with labels, int64 [N], -1 for none; and their datasheet."""

import json
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from gan.error import UserError
from gan.file import atomic_folder, atomic_write
from gan.image import pillow
from gan.table import markdown

MADE = "made by a generative adversarial network. No person wrote them."  # marks a set
Box = tuple[float, float, float, float]  # left, top, width, height in pixels


def atomic_set(path: Path) -> AbstractContextManager[Path]:
    """Give the path that a writer below takes: of a file, or of a folder that replaces ``path``."""
    return nullcontext(path) if path.suffix else atomic_folder(path)


def write_npz(images: Tensor, labels: Tensor, path: Path) -> None:
    """``images`` uint8 [N, H, W] (colour: [N, H, W, 3 or 4]) and ``labels`` int64 [N]."""
    with atomic_write(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, images=images.permute(0, 2, 3, 1).squeeze(-1).numpy(), labels=labels.numpy())


def write_csv(images: Tensor, labels: Tensor, path: Path) -> None:
    """Kaggle's ``label,pixel0,..,pixel783``, a row per image. Raises UserError for colour."""
    rows = _grey(images).flatten(1)
    with atomic_write(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.write(f"label,{','.join(f'pixel{i}' for i in range(rows.shape[1]))}\n")
        for row, label in zip(rows, labels.tolist(), strict=True):
            file.write(f"{label},{','.join(map(str, row.tolist()))}\n")


def write_idx(images: Tensor, labels: Tensor, path: Path) -> None:
    """A folder for ``torchvision.datasets.MNIST(path, train)``; the last seventh is the test set.

    Raises UserError for colour, for images without labels, and for too few images.
    """
    pixels = _grey(images)
    if int(labels.min()) < 0:
        raise UserError("MNIST's format needs labels, and these images have none: choose .npz or a folder of PNG")
    count = len(labels) - round(len(labels) / 7)
    if not 0 < count < len(labels):
        raise UserError(f"{len(labels)} images leave the train or the test set empty: make more images")
    raw = path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, part in (("train", slice(count)), ("t10k", slice(count, None))):
        for kind, values in (("images-idx3", pixels[part]), ("labels-idx1", labels[part].byte())):
            header = np.array([0x800 + values.ndim, *values.shape], ">u4")  # 8: bytes
            (raw / f"{name}-{kind}-ubyte").write_bytes(header.tobytes() + values.numpy().tobytes())


def write_folder(images: Tensor, labels: Tensor, path: Path) -> None:
    """One PNG per image: ``00042_7.png`` is image 42 with label 7."""
    for i, (pixels, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        pillow(pixels).save(path / (f"{i:05d}_{label}.png" if label >= 0 else f"{i:05d}.png"))


def write_class_folders(images: Tensor, labels: Tensor, path: Path) -> None:
    """One PNG per image, ``7/00042.png``, for ImageFolder and data=folder.

    Labels are padded with zeros, so folders sort by number. Raises UserError without labels.
    """
    if int(labels.min()) < 0:
        raise UserError("class folders need labels, and these images have none: choose a folder of PNG without them")
    digits = len(str(int(labels.max())))
    for i, (pixels, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        folder = path / f"{label:0{digits}d}"
        folder.mkdir(exist_ok=True)
        pillow(pixels).save(folder / f"{i:05d}.png")


class AnnotatedLine(NamedTuple):
    """A picture of a line, bytes [C, H, W], its text, and the box of each character but spaces."""

    picture: Tensor
    text: str
    boxes: list[tuple[str, Box]]


def write_coco(
    lines: Iterable[AnnotatedLine], path: Path, characters: str, info: Mapping[str, object] | None = None
) -> None:
    """A folder in COCO's format (cocodataset.org, "data format"), and ``labels.csv`` of the texts.

    The first of ``characters`` has ``category_id`` 1: detectors keep 0 for the background.
    """
    (path / "images").mkdir()
    images: list[dict[str, object]] = []
    count = 0
    with (path / "annotations.json").open("w", encoding="utf-8") as file:
        file.write('{"annotations": [')  # written one by one, since a million lines would fill the memory
        for i, line in enumerate(lines):
            name, (height, width) = f"{i:05d}.png", line.picture.shape[1:]
            pillow(line.picture).save(path / "images" / name)
            images.append({"id": i, "file_name": name, "width": width, "height": height, "text": line.text})
            for one, box in line.boxes:
                count += 1
                found = {"id": count, "image_id": i, "category_id": characters.index(one) + 1, "bbox": list(box)}
                file.write((",\n" if count > 1 else "\n") + json.dumps(found | {"area": box[2] * box[3], "iscrowd": 0}))
        kinds = [{"id": i, "name": one, "supercategory": "character"} for i, one in enumerate(characters, 1)]
        rest = {"info": dict(info or {}), "licenses": [], "images": images, "categories": kinds}
        file.write(f"\n], {json.dumps(rest)[1:]}\n")
    texts = "".join(f'{one["file_name"]},"{one["text"]}"\n' for one in images)
    (path / "labels.csv").write_text(f"file_name,text\n{texts}", encoding="utf-8")


def _grey(images: Tensor) -> Tensor:
    """[N, 1, H, W] as [N, H, W]. Raises UserError for colour."""
    if images.shape[1] != 1:
        raise UserError("this format holds grey digits alone: choose .npz or a folder for colour")
    return images[:, 0]


def sheet_path(path: Path) -> Path:
    """The path of a set's datasheet: README.md in its folder, NAME.datasheet.md beside NAME.npz."""
    return path.with_suffix(".datasheet.md") if path.suffix else path / "README.md"


def holds_dataset(path: Path) -> bool:
    """Whether the folder ``path`` holds a set and its datasheet."""
    sheet = sheet_path(path)
    return sheet.is_file() and MADE in sheet.read_text(errors="replace")


def format_datasheet(
    counts: Mapping[str, int], *, title: str, contents: str, seeds: str, command: str, sha256: str, licence: str,
    figures: Mapping[str, object] | None = None,
) -> str:  # fmt: skip
    """Markdown about a set, with ``counts`` by label (Gebru et al. 2021, Datasheets for Datasets).

    ``contents`` describes an item; ``sha256`` and ``figures`` belong to the generator.
    """
    rows = [[name, f"{n:.4g}" if isinstance(n, float) else str(n)] for name, n in (figures or {}).items()]
    measured = f"\nThe generator's figures:\n\n{markdown(['figure', 'value'], *rows)}\n" if rows else ""
    return f"""# {title}

{sum(counts.values()):,} synthetic handwritten characters, {MADE}

## Composition

{markdown(["label", "count"], *([name, f"{count:,}"] for name, count in counts.items()))}

{contents}
A label is what the generator was asked for; no person has checked it.

## How it was made

- command: `{command}`
- seeds: {seeds}; the same seed and generator give the same image
- generator: sha256 `{sha256}`
{measured}
## Uses

For teaching, design, tests of software and studies of synthetic data.
Not for measuring accuracy on real handwriting, nor as anyone's handwriting: the images follow the generator's training
data in style and share its gaps, a few do not show their label, and rare ways of writing are rarer still.
A model trained on these alone knows no more than the generator does.

## Licence

{licence}"""
