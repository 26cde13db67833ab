"""Sets of images, bytes [N, C, H, W], with labels, int64 [N], -1 for none; and their datasheet.

``names`` are those of the classes, by label; () for their numbers.
"""

import csv
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gan.error import UserError
from gan.file import atomic_files, atomic_folder, atomic_write
from gan.image import pillow
from gan.names import digits, numbered
from gan.table import markdown

MADE = "made by a generative adversarial network. No person wrote them."  # marks a set
# Names of files that Windows keeps for devices, whatever their ending.
DEVICES = re.compile(r"(con|prn|aux|nul|con(in|out)\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])(\..*)?", re.IGNORECASE)
LONGEST = 200  # bytes of a class's part of a file name, which has 255
FORMULA = re.compile(r"[=+\-@].+")  # what a spreadsheet computes, or runs
Box = tuple[float, float, float, float]  # left, top, width, height in pixels


@contextmanager
def atomic_set(path: Path, *beside: Path) -> Iterator[Path]:
    """Give the path that a writer below takes: of a file, or of a folder that replaces ``path``.

    Files ``beside`` a file are written beside the given path, and replace theirs after it.
    """
    if not path.suffix:
        with atomic_folder(path) as made:
            yield made
        return
    with atomic_files(path, *beside) as aside:
        yield aside / path.name


def file_names(names: Sequence[str]) -> list[str]:
    """Names of files or folders for classes: their own, or NAME_LABEL where that is not safe.

    Some systems take a for A, keep CON for a device, or drop a final dot.
    """
    alike = Counter(map(_fold, names))
    found = [name if alike[_fold(name)] == 1 and _is_safe(name) else "" for name in names]
    taken = {_fold(name) for name in found}
    for label, name in enumerate(names):
        if not found[label]:
            short = name.encode()[:LONGEST].decode(errors="ignore").replace(".", "_")
            found[label] = f"{short}_{label}"
            while _fold(found[label]) in taken:
                found[label] += f"_{label}"
            taken.add(_fold(found[label]))
    return found


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _is_safe(name: str) -> bool:
    return not DEVICES.fullmatch(name) and not name.endswith((".", " ")) and len(name.encode()) <= LONGEST


def label_numbers(names: Sequence[str]) -> dict[str, int]:
    """The number of each class in files that hold numbers only, by its name.

    That is the digit that it means, if all mean different ones, as in MNIST; otherwise its label.
    """
    known = digits(names)
    if len(known) == len(names):
        return {names[label]: value for value, label in known.items()}
    return {name: label for label, name in enumerate(names)}


def _named(labels: Tensor, names: Sequence[str]) -> list[str]:
    """The name of each label; "-1" for none."""
    return [names[label] if names and label >= 0 else str(label) for label in labels.tolist()]


def write_npz(images: Tensor, labels: Tensor, path: Path, names: Sequence[str] = ()) -> None:
    """``images`` uint8 [N, H, W] (colour: [N, H, W, 3 or 4]), ``labels`` int64 [N], ``names`` [K].

    Names are text, no pickled objects.
    """
    arrays = {"images": images.permute(0, 2, 3, 1).squeeze(-1).numpy(), "labels": labels.numpy()}
    if names:
        arrays["names"] = np.array(names, dtype=np.str_)
    with atomic_write(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def write_csv(images: Tensor, labels: Tensor, path: Path, names: Sequence[str] = ()) -> None:
    """Kaggle's ``label,pixel0,..,pixel783``, a row per image; a label is the name of its class.

    A name that a spreadsheet would compute, as =1+1, has an apostrophe before it. Raises UserError
    for colour.
    """
    rows = _grey(images).flatten(1)
    with atomic_write(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["label", *(f"pixel{i}" for i in range(rows.shape[1]))])
        for row, name in zip(rows, _named(labels, names), strict=True):
            is_formula = FORMULA.fullmatch(name) and not re.fullmatch(r"[+-]\d+", name)
            table.writerow([f"'{name}" if is_formula else name, *row.tolist()])


def write_idx(images: Tensor, labels: Tensor, path: Path, names: Sequence[str] = ()) -> None:
    """A folder for ``torchvision.datasets.MNIST(path, train)``; the last seventh is the test set.

    Labels are those of :func:`label_numbers`. Raises UserError for colour, for images without
    labels, for labels above 255, and for too few images.
    """
    pixels = _grey(images)
    if int(labels.min()) < 0:
        raise UserError("MNIST's format needs labels, and these images have none: choose .npz or a folder of PNG")
    names = names or numbered(int(labels.max()) + 1)
    numbers = torch.tensor([label_numbers(names)[name] for name in names])[labels]
    if int(numbers.max()) > 255:
        raise UserError("MNIST's format holds labels up to 255: choose .npz or a folder of PNG")
    count = len(labels) - round(len(labels) / 7)
    if not 0 < count < len(labels):
        raise UserError(f"{len(labels)} images leave the train or the test set empty: make more images")
    raw = path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, part in (("train", slice(count)), ("t10k", slice(count, None))):
        for kind, values in (("images-idx3", pixels[part]), ("labels-idx1", numbers[part].byte())):
            header = np.array([0x800 + values.ndim, *values.shape], ">u4")  # 8: bytes
            (raw / f"{name}-{kind}-ubyte").write_bytes(header.tobytes() + values.numpy().tobytes())


def write_folder(images: Tensor, labels: Tensor, path: Path, names: Sequence[str] = ()) -> None:
    """One PNG per image: ``00042_7.png`` is image 42, of the class 7, see :func:`file_names`."""
    kinds = file_names(names or numbered(int(labels.max()) + 1))
    for i, (pixels, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        pillow(pixels).save(path / (f"{i:05d}_{kinds[label]}.png" if label >= 0 else f"{i:05d}.png"))


def write_class_folders(images: Tensor, labels: Tensor, path: Path, names: Sequence[str] = ()) -> None:
    """One PNG per image, ``7/00042.png``, for ImageFolder and data=folder.

    Folders bear the names of their classes, see :func:`file_names`; those of classes that are only
    numbered are padded with zeros, so they sort by number. Raises UserError without labels.
    """
    if int(labels.min()) < 0:
        raise UserError("class folders need labels, and these images have none: choose a folder of PNG without them")
    last = int(labels.max())
    if not names or tuple(names) == numbered(len(names)):
        kinds = [f"{label:0{len(str(last))}d}" for label in range(last + 1)]
    else:
        kinds = file_names(names)
    for i, (pixels, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        folder = path / kinds[label]
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
    (path / "images").mkdir(parents=True)
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
    """The path of a set's datasheet: README.md in its folder, NAME.npz.md beside NAME.npz."""
    return path.with_name(f"{path.name}.md") if path.suffix else path / "README.md"


def holds_dataset(path: Path) -> bool:
    """Whether the folder ``path`` holds a set and its datasheet."""
    sheet = sheet_path(path)
    return sheet.is_file() and MADE in sheet.read_text(errors="replace")


def _composition(counts: Mapping[str, int], numbers: Mapping[str, int]) -> str:
    if not numbers:
        return markdown(["label", "count"], *([name, f"{count:,}"] for name, count in counts.items()))
    rows = ([name, str(numbers.get(name, "-")), f"{count:,}"] for name, count in counts.items())
    return markdown(["label", "number in the files", "count"], *rows)


def format_datasheet(
    counts: Mapping[str, int], *, title: str, contents: str, seeds: str, command: str, sha256: str, licence: str,
    figures: Mapping[str, object] | None = None, numbers: Mapping[str, int] | None = None, file: str | None = None,
) -> str:  # fmt: skip
    """Markdown about a set, with ``counts`` by label (Gebru et al. 2021, Datasheets for Datasets).

    ``contents`` describes an item; ``sha256`` and ``figures`` belong to the generator. ``numbers``
    are those of the labels in the set's files, ``file`` the SHA-256 of its only file.
    """
    own = f"\n- file: sha256 `{file}`" if file else ""
    composition = _composition(counts, numbers or {})
    rows = [[name, f"{n:.4g}" if isinstance(n, float) else str(n)] for name, n in (figures or {}).items()]
    measured = f"\nThe generator's figures:\n\n{markdown(['figure', 'value'], *rows)}\n" if rows else ""
    return f"""# {title}

{sum(counts.values()):,} synthetic handwritten characters, {MADE}

## Composition

{composition}

{contents}
A label is what the generator was asked for; no person has checked it.

## How it was made

- command: `{command}`
- seeds: {seeds}; the same seed and generator give the same image
- generator: sha256 `{sha256}`{own}
{measured}
## Uses

For teaching, design, tests of software and studies of synthetic data.
Not for measuring accuracy on real handwriting, nor as anyone's handwriting: the images follow the generator's training
data in style and share its gaps, a few do not show their label, and rare ways of writing are rarer still.
A model trained on these alone knows no more than the generator does.

## Licence

{licence}"""
