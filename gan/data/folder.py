"""A folder of your own images, whose subfolders are the classes."""

import hashlib
import logging
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from gan.data.mapped import MemoryMapped
from gan.error import UserError
from gan.file import atomic_write
from gan.image import border, load_picture

log = logging.getLogger(__name__)
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}
POLARITIES = ("auto", "light_on_dark", "dark_on_light")
FORMAT = "1"  # of the cached files
Members = list[tuple[Path, int]]  # images, and the numbers of their classes


def find_classes(root: Path) -> list[Path]:
    """The class folders in ``root/train``, or else in ``root``, in order of their names or numbers.

    Raises FileNotFoundError if there is no such folder, UserError if it has no subfolders.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"data.root must be a folder of images, one subfolder for each class; {root} is none")
    top = root / "train" if (root / "train").is_dir() else root
    found = [path for path in top.iterdir() if path.is_dir() and not path.name.startswith(".")]
    if not found:
        raise UserError(f"data: {top} has no subfolders: each class needs one, as in {top / 'seven' / 'scan.png'}")
    numbers = all(path.name.isdecimal() for path in found)
    return sorted(found, key=lambda path: (int(path.name) if numbers else 0, path.name))


def class_folders(root: str) -> int:
    """The number of classes of the folder ``root``. Raises what :func:`find_classes` raises."""
    if not root:
        raise UserError("data.root must be given: a folder of images, one subfolder for each class")
    return len(find_classes(Path(root).expanduser()))


def find_images(folder: Path) -> list[Path]:
    """All images in a class folder. Raises UserError if there are none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not found:
        raise UserError(f"data: the class folder {folder} is missing or has no images ({', '.join(sorted(SUFFIXES))})")
    return found


def split_class(paths: list[Path], root: Path, share: float) -> tuple[list[Path], list[Path]]:
    """Training and test images of a class; ``share`` of them, but at least one, are for testing.

    Hashes of names decide, so an image keeps its part when others come. One image: UserError.
    """
    if len(paths) < 2:
        raise UserError(f"data: {paths[0].parent} has one image; each class needs two or more, one to test")
    order = sorted(paths, key=lambda path: hashlib.sha256(path.relative_to(root).as_posix().encode()).digest())
    held = min(max(1, round(len(order) * share)), len(order) - 1)
    return order[held:], order[:held]


def fit_square(pixels: np.ndarray, size: int) -> np.ndarray:
    """Scale a picture into a square of ``size`` pixels; the median of its border fills the rest."""
    around = tuple(int(value) for value in np.atleast_1d(border(pixels)))
    colour = around if len(around) == 3 else around[0]
    return np.asarray(ImageOps.pad(Image.fromarray(pixels), (size, size), Image.Resampling.BICUBIC, colour))


class Folder(MemoryMapped):
    """Images ``root/CLASS/*``, or ``root/train/CLASS/*`` and ``root/test/CLASS/*``, of any size.

    They are decoded once and cached, under a hash of their names, sizes, dates and the settings.
    ``polarity`` dark_on_light inverts the images, so that ink is light as in MNIST; auto decides by
    the borders, of grey images only. Raises FileNotFoundError without a folder, UserError for a bad
    one.
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
        download: bool = False,
    ) -> None:
        if polarity not in POLARITIES:
            raise UserError(f"data.polarity must be one of {', '.join(POLARITIES)}, got {polarity}")
        if channels not in (1, 3):
            raise UserError(f"data.channels must be 1 or 3, got {channels}")
        if not 0 < test_share < 1:
            raise UserError(f"data.test_share must be in (0, 1), got {test_share}")
        top = Path(root).expanduser()
        parts = _find_parts(top, classes, test_share)
        folder = Path(cache).expanduser() / "folder" / _digest(parts, top, f"{FORMAT} {size} {channels} {polarity}")
        if not all((folder / f"{prefix}{name}.npy").is_file() for prefix in parts for name in ("images", "labels")):
            paths = [path for members in parts.values() for path, _ in members]
            invert = _is_dark_on_light(paths, channels) if polarity == "auto" else polarity == "dark_on_light"
            for prefix, members in parts.items():
                _decode(members, folder, prefix, (channels, size, size), invert)
        super().__init__(str(folder), train, test_share)


def _find_parts(root: Path, count: int, share: float) -> dict[str, Members]:
    """Training and test images, by the prefix of their files. ``root`` needs ``count`` classes."""
    folders = find_classes(root)
    if len(folders) != count:
        raise UserError(f"data: {folders[0].parent} has {len(folders)} class folders, but data.classes={count}")
    has_test = (root / "test").is_dir() and folders[0].parent != root
    parts: dict[str, Members] = {"": [], "test_": []}
    for label, folder in enumerate(folders):
        train = find_images(folder)
        if has_test:
            test = find_images(root / "test" / folder.name)
        else:
            train, test = split_class(train, root, share)
        parts[""] += [(path, label) for path in train]
        parts["test_"] += [(path, label) for path in test]
    return parts


def _digest(parts: dict[str, Members], root: Path, settings: str) -> str:
    digest = hashlib.sha256(settings.encode())
    for prefix, members in parts.items():
        for path, label in members:
            file = path.stat()
            digest.update(f"{prefix} {path.relative_to(root)} {label} {file.st_size} {file.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:32]


def _is_dark_on_light(paths: list[Path], channels: int) -> bool:
    """Whether most images are dark on light, by their borders; logs the answer."""
    if channels == 3:
        log.warning("data: colour images are not inverted; data.polarity=dark_on_light would do so")
        return False
    light = [bool(border(load_picture(path, 1)) > 127.5) for path in paths]
    most = sum(light) > len(light) / 2
    found = "dark on light and are inverted" if most else "light on dark"
    odd = [path for path, is_light in zip(paths, light, strict=True) if is_light != most]
    few = f"; {len(odd)} are not, such as {odd[0]}" if odd else ""
    mixed = "POLARITY IS MIXED: " if len(odd) > 0.05 * len(light) else ""  # more is no accident
    log.warning("data: %simages are %s%s", mixed, found, few)
    return most


def _decode(members: Members, folder: Path, prefix: str, shape: tuple[int, int, int], invert: bool) -> None:
    """Write the images, uint8 [N, *shape], and the labels as :class:`MemoryMapped` expects them."""
    channels, size, _ = shape
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(members), *shape)}
    with atomic_write(folder / f"{prefix}images.npy") as partial, partial.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for path, _ in members:
            pixels = fit_square(load_picture(path, channels), size).reshape(size, size, channels).transpose(2, 0, 1)
            file.write((255 - pixels if invert else pixels).tobytes())
    with atomic_write(folder / f"{prefix}labels.npy") as partial, partial.open("wb") as file:
        np.save(file, np.array([label for _, label in members], dtype=np.int64))
