"""Images as rows of a CSV file, as Kaggle's MNIST: ``label,pixel0,pixel1,...``."""

import gzip
import zlib
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from gan.data.idx import most_unpacked
from gan.error import UserError

LABELS = ("label", "labels", "class", "target", "y")  # names of the column of labels
CHUNK = 2000  # rows that are read at once
LONGEST_LINE = 2**20  # characters
MOST_VALUES = 2**29  # of a file: 680,000 images of 28x28
SUFFIXES = (".csv", ".csv.gz", ".tsv")
Line = tuple[int, str]  # its number and its text


class Columns(NamedTuple):
    """How many columns there are, which has the labels, and whether the first line names them."""

    separator: str
    number: int
    label: int | None
    is_named: bool


def load(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Images, numbers [N, pixels], and labels, strings [N] or None if there is no such column.

    The labels are in the first or the last column, as the header says; without a header in the
    first. Raises UserError, which names the line of a mistake.
    """
    images: list[np.ndarray] = []
    labels: list[str] = []
    most = min(MOST_VALUES, most_unpacked(path.stat().st_size) // 2) if path.suffix == ".gz" else MOST_VALUES
    try:
        with _open(path) as file:
            lines = _lines(path, file)
            first = next(lines, (1, ""))
            columns = _columns(path, first[1])
            rows = lines if columns.is_named else chain([first], lines)
            while chunk := list(islice(rows, CHUNK)):
                pixels, found = _read(path, chunk, columns)
                images.append(pixels)
                labels += found
                if len(labels) * columns.number > most:
                    remedy = "save it as images.npy and labels.npy"
                    raise UserError(f"data: {path} has more than {most:,} numbers: {remedy}")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"data: {path} is damaged or truncated ({error}): copy it again") from error
    except UnicodeDecodeError as error:
        raise UserError(f"data: {path} is no text in UTF-8: save it as CSV") from error
    if not images:
        raise UserError(f"data: {path} has no images: each is a line, as label,pixel0,pixel1,...")
    return np.concatenate(images), None if columns.label is None else np.array(labels)


def has_labels(path: Path) -> bool:
    """Whether a file has a column of labels. Raises UserError for one that is no CSV file."""
    try:
        with _open(path) as file:
            return _columns(path, file.readline(LONGEST_LINE).rstrip("\n")).label is not None
    except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError) as error:
        raise UserError(f"data: {path} is damaged or no CSV file in UTF-8 ({error}): copy it again") from error


def _open(path: Path) -> IO[str]:
    return gzip.open(path, "rt", encoding="utf-8-sig") if path.suffix == ".gz" else path.open(encoding="utf-8-sig")


def _lines(path: Path, file: IO[str]) -> Iterator[Line]:
    """The lines that are not empty. Raises UserError for one that is too long."""
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise UserError(f"data: {path}, line {number} has over {LONGEST_LINE:,} characters: each image is a line")
        if line := line.strip("\r\n"):
            yield number, line


def _columns(path: Path, first: str) -> Columns:
    """What the first line tells. Raises UserError if it cannot be one of images."""
    separator = next((one for one in ",;\t" if one in first), ",")
    names = [name.strip(' "').lower() for name in first.split(separator)]
    label = next((names.index(name) for name in LABELS if name in names), None)
    is_named = label is not None or not all(map(_is_number, names[1:]))
    if not is_named:
        label = 0
    if len(names) < 16 or label not in (None, 0, len(names) - 1):
        rule = "each line is an image, its label in the first or the last column, as label,pixel0,pixel1,..."
        raise UserError(f"data: {path} begins with {first[:60]!r}: {rule}")
    return Columns(separator, len(names), label, is_named)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read(path: Path, chunk: list[Line], columns: Columns) -> tuple[np.ndarray, list[str]]:
    """Pixels [rows, pixels], as bytes if they are, else float32; and labels, or empty strings."""
    pixels, labels = [], []
    for number, line in chunk:
        if (found := line.count(columns.separator) + 1) != columns.number:
            raise UserError(f"data: {path}, line {number} has {found} columns, the first line {columns.number}")
        if columns.label == 0:
            label, _, line = line.partition(columns.separator)
        elif columns.label is not None:
            line, _, label = line.rpartition(columns.separator)
        else:
            label = ""
        pixels.append(line)
        labels.append(label.strip(' "'))
    try:
        values = _numbers(pixels, columns.separator)
    except ValueError:
        for (number, _), line in zip(chunk, pixels, strict=True):
            for text in line.split(columns.separator):
                if not _is_number(text.strip(' "')):
                    raise UserError(f"data: {path}, line {number}: {text[:40]!r} is no number") from None
        raise
    is_bytes = bool(((values >= 0) & (values <= 255) & (values == np.floor(values))).all())
    return values.astype(np.uint8) if is_bytes else values, labels


def _numbers(lines: list[str], separator: str) -> np.ndarray:
    return np.loadtxt(lines, np.float32, comments=None, delimiter=separator, ndmin=2, quotechar='"')
