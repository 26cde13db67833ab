"""A folder of your own images, whose subfolders are the classes."""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from gan.data import review
from gan.data.mapped import MemoryMapped
from gan.data.tree import Members, Tree, read_tree
from gan.error import UserError
from gan.file import atomic_write, cache_folder, load_json, write_text
from gan.image import (
    Span,
    border,
    colour_levels,
    full_span,
    load_picture,
    open_picture,
    require_levels,
    wide_values,
)  # fmt: skip
from gan.names import shown

POLARITIES = ("auto", "light_on_dark", "dark_on_light")
FORMAT = "2"  # of the cached files
PARTS = ("", "test_")  # prefixes of the cached files
ROWS = 1024  # images that are copied at once


def split_class(
    paths: list[Path], root: Path, share: float, contents: Sequence[bytes] | None = None
) -> tuple[list[Path], list[Path]]:
    """Training and test images of a class; ``share`` of them, but at least one, are for testing.

    Hashes of names decide, so an image keeps its part when others come. Copies, whose ``contents``
    are equal, stay together, unless all are copies. One image: UserError.
    """
    if len(paths) < 2:
        raise UserError(f"data: {paths[0].parent} has one image; each class needs two or more, one to test")
    names = {path: hashlib.sha256(os.fsencode(path.relative_to(root).as_posix())).digest() for path in paths}
    held = min(max(1, round(len(paths) * share)), len(paths) - 1)
    groups: dict[bytes, list[Path]] = {}
    for path, content in sorted(zip(paths, contents or names.values(), strict=True), key=lambda pair: names[pair[0]]):
        groups.setdefault(content, []).append(path)
    if len(groups) == 1:
        groups = {names[path]: [path] for path in sorted(paths, key=names.__getitem__)}
    test: list[Path] = []
    for group in groups.values():
        if len(test) + len(group) <= held:
            test += group
    test = test or min(groups.values(), key=len)
    chosen = set(test)
    return [path for group in groups.values() for path in group if path not in chosen], test


def fit_square(pixels: np.ndarray, size: int) -> np.ndarray:
    """Scale a picture into a square of ``size`` pixels; the median of its border fills the rest."""
    around = tuple(int(value) for value in np.atleast_1d(border(pixels)))
    colour = around if len(around) == 3 else around[0]
    return np.asarray(ImageOps.pad(Image.fromarray(pixels), (size, size), Image.Resampling.BICUBIC, colour))


class Folder(MemoryMapped):
    """Images ``root/CLASS/*``, or ``root/train/CLASS/*`` and ``root/test/CLASS/*``, of any size.

    Pictures that lie in no class folder have the one label 0. They are decoded once and cached,
    under a hash of their names, sizes, dates and the settings. ``polarity`` dark_on_light inverts
    the images, so that ink is light as in MNIST; auto decides by the borders, of grey images only.
    ``names`` replace those of the class folders. The log says what is not read.
    Raises FileNotFoundError without a folder, UserError for a bad one.
    """

    def __init__(
        self,
        root: str,
        train: bool,
        size: int,
        channels: int,
        classes: int,
        polarity: str,
        test_share: float,
        cache: str,
        names: Sequence[str] | None = None,
        download: bool = False,
    ) -> None:
        if polarity not in POLARITIES:
            raise UserError(f"data.polarity must be one of {', '.join(POLARITIES)}, got {polarity}")
        if channels not in (1, 3):
            raise UserError(f"data.channels must be 1 or 3, got {channels}")
        if not 0 < test_share < 1:
            raise UserError(f"data.test_share must be in (0, 1), got {test_share}")
        tree = read_tree(Path(root).expanduser())
        names = tree.names if names is None else list(map(str, names))
        _validate_classes(tree, names, classes)
        settings = f"{FORMAT} {size} {channels} {polarity} {test_share}"
        folder = cache_folder(cache) / "folder" / _digest(tree, settings)
        if not (folder / "notes.json").is_file():
            _build(tree, folder, _Decoder(tree.place, (channels, size, size), polarity), test_share)
        _say(tree, load_json(folder / "notes.json")["lines"])
        super().__init__(str(folder), train, test_share)


def _validate_classes(tree: Tree, names: Sequence[str], classes: int) -> None:
    """Raise UserError unless the class folders are those of the settings, and in their order."""
    found = f"data: {tree.place} has {len(tree.names)} class folders, {shown(tree.names)}"
    if len(names) != len(tree.names):
        raise UserError(f"{found}: data.names must name each of them in this order, got {shown(names)}")
    if len(tree.names) != classes:
        raise UserError(f"{found}, but data.classes={classes}")
    for label, name in enumerate(tree.names):
        if name in names and names.index(name) != label:
            raise UserError(f"{found}, in this order, but {name} was to be the class {names.index(name)}, not {label}")


def _digest(tree: Tree, settings: str) -> str:
    digest = hashlib.sha256(settings.encode())
    for prefix, members in zip(PARTS, (tree.train, tree.test or []), strict=True):
        for path, label in members:
            file = path.stat()
            name = os.fsencode(path)[len(os.fsencode(tree.place)) + 1 :]  # relative_to is slow
            digest.update(b"%s %s %d %d %d\n" % (prefix.encode(), name, label, file.st_size, file.st_mtime_ns))
    return digest.hexdigest()[:32]


def _say(tree: Tree, notes: list[str]) -> None:
    """Log how a folder was read, each line once in a process."""
    lines = [f"data: read {tree.place}, {tree.note}"] if tree.note else []
    lines += [f"data: not read: {tree.skipped}"] if tree.skipped else []
    for line in [*lines, *notes]:
        review.log_once(logging.WARNING, line, tree.place)


class _Decoder:
    """Decodes the pictures below ``root`` alike, and notes what is to be said of them."""

    def __init__(self, root: Path, shape: tuple[int, int, int], polarity: str) -> None:
        self.root, self.shape, self.polarity = root, shape, polarity
        self.span: Span = (0, 255)  # of the values of pictures of more than 8 bits
        self.light: list[bool] = []  # whether the border of each picture is
        self.lines: list[str] = []

    def survey(self, paths: list[Path]) -> None:
        """Find the span of values and what has several pages. Raises UserError for lost colours."""
        wide: list[Span] = []
        levels: list[tuple[int, Path]] = []
        several = []
        for path in paths:
            with open_picture(path) as file:
                if getattr(file, "is_animated", False) and file.format != "MPO":  # a photograph and its previews
                    several.append(path)
                if values := wide_values(file):
                    wide.append(values)
                if (level := colour_levels(file)) is not None:
                    levels.append((level, path))
        if wide:
            lowest, highest = min(low for low, _ in wide), max(high for _, high in wide)
            self.span = full_span(lowest, highest)
            held = f"hold values from {lowest:g} to {highest:g}"
            scaled = f"{self.span[0]:g} becomes black, {self.span[1]:g} white"
            self.lines.append(f"data: {len(wide):,} images of more than 8 bits {held}: {scaled}")
        if levels:
            _require_levels(*max(levels))
        if several:
            example = several[0].relative_to(self.root)
            self.lines.append(f"data: {len(several):,} images have several pages, such as {example}: the first is read")

    def decode(self, path: Path) -> np.ndarray:
        """An image as bytes [C, H, W], not yet inverted."""
        channels, size, _ = self.shape
        pixels = load_picture(path, channels, self.span)
        if channels == 1 and self.polarity == "auto":
            self.light.append(bool(border(pixels) > 127.5))
        return fit_square(pixels, size).reshape(size, size, channels).transpose(2, 0, 1)

    def must_invert(self, paths: list[Path]) -> bool:
        """Whether the images are dark on light: as said, or as most are by their borders."""
        if self.polarity != "auto":
            return self.polarity == "dark_on_light"
        if self.shape[0] == 3:
            self.lines.append("data: colour images are not inverted; data.polarity=dark_on_light would do so")
            return False
        most = sum(self.light) > len(self.light) / 2
        found = "dark on light and are inverted" if most else "light on dark"
        odd = [path for path, is_light in zip(paths, self.light, strict=True) if is_light != most]
        few = f"; {len(odd)} are not, such as {odd[0].relative_to(self.root)}" if odd else ""
        mixed = "POLARITY IS MIXED: " if len(odd) > 0.05 * len(self.light) else ""  # more is no accident
        self.lines.append(f"data: {mixed}images are {found}{few}")
        return most

    def note_copies(self, paths: list[Path], contents: list[bytes], is_test: np.ndarray) -> None:
        """Note test images whose contents are those of training images."""
        train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
        if found := review.find_copies([contents[row] for row in train], [contents[row] for row in test]):
            one, other = next(iter(found.items()))
            pair = f"{paths[test[one]].relative_to(self.root)} of {paths[train[other]].relative_to(self.root)}"
            most = f"{len(found):,} TEST IMAGES ARE COPIES of training images"
            self.lines.append(f"data: {most}, such as {pair}: {review.HARM}")


def _require_levels(highest: int, path: Path) -> None:
    try:
        require_levels(highest)
    except ValueError as error:
        raise UserError(f"data: {error}; the brightest is {path}") from None


def _build(tree: Tree, folder: Path, decoder: _Decoder, share: float) -> None:
    """Decode all images and write them to ``folder`` as :class:`MemoryMapped` expects them."""
    members = [*tree.train, *(tree.test or [])]
    paths = [path for path, _ in members]
    decoder.survey(paths)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as aside:
        pixels = np.memmap(aside, np.uint8, "w+", shape=(len(members), *decoder.shape))
        contents = []
        for row, path in enumerate(paths):
            pixels[row] = decoder.decode(path)
            contents.append(review.digest(pixels[row]))
        is_test = _held_out(tree, members, contents, share)
        invert = decoder.must_invert(paths)
        decoder.note_copies(paths, contents, is_test)
        for prefix, rows in zip(PARTS, (np.flatnonzero(~is_test), np.flatnonzero(is_test)), strict=True):
            labels = np.array([members[row][1] for row in rows], dtype=np.int64)
            _write(pixels, rows, labels, f"{folder}/{prefix}", invert)
        del pixels  # a mapped file cannot be closed everywhere
    write_text(json.dumps({"lines": decoder.lines}), folder / "notes.json")  # last: all is there


def _held_out(tree: Tree, members: Members, contents: list[bytes], share: float) -> np.ndarray:
    """Which ``members`` are for testing: those of the test folder, or a share of each class."""
    if tree.test is not None:
        return np.arange(len(members)) >= len(tree.train)
    classes: list[list[int]] = [[] for _ in tree.names]
    for row, (_, label) in enumerate(members):
        classes[label].append(row)
    held: set[Path] = set()
    for rows in classes:
        paths = [members[row][0] for row in rows]
        held.update(split_class(paths, tree.place, share, [contents[row] for row in rows])[1])
    return np.array([path in held for path, _ in members])


def _write(pixels: np.ndarray, rows: np.ndarray, labels: np.ndarray, prefix: str, invert: bool) -> None:
    """Write ``rows`` of the images, uint8 [N, C, H, W], and their labels, to files of a prefix."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(rows), *pixels.shape[1:])}
    with atomic_write(Path(f"{prefix}images.npy")) as partial, partial.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, len(rows), ROWS):
            part = pixels[rows[start : start + ROWS]]
            file.write((255 - part if invert else part).tobytes())
    with atomic_write(Path(f"{prefix}labels.npy")) as partial, partial.open("wb") as file:
        np.save(file, labels)
