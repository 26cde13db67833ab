"""A folder of images of one's own, whose subfolders are the classes."""

import hashlib
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from gan.data.mapped import MemoryMapped
from gan.file import whole

log = logging.getLogger(__name__)
IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".webp"}
POLARITIES = ("auto", "light_on_dark", "dark_on_light")
MIXED = 0.05  # share of images of the other polarity that is no accident
FORMAT = "1"  # of what is kept decoded


class Member(NamedTuple):
    """An image of a folder, and the number of its class."""

    path: Path
    label: int


def classes(root: Path) -> list[Path]:
    """The class folders under ``root``, or under its ``train``, in the order of their names, or of numbers where all are such.

    Raises FileNotFoundError where there is no such folder, ValueError where it has no folders.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"data.root must be a folder of images, each class in a folder of its own; {root} is none")
    top = root / "train" if (root / "train").is_dir() else root
    found = [path for path in top.iterdir() if path.is_dir() and not path.name.startswith(".")]
    if not found:
        raise ValueError(f"data: {top} has no folders: each class needs one, as in {top / 'seven' / 'scan.png'}")
    numbers = all(path.name.isdecimal() for path in found)
    return sorted(found, key=lambda path: (int(path.name) if numbers else 0, path.name))


def class_folders(root: str) -> int:
    """How many classes the folder ``root`` has. Raises what :func:`classes` raises, and ValueError for no name at all."""
    if not root:
        raise ValueError("data.root must be given: the folder of images, each class in a folder of its own")
    return len(classes(Path(root).expanduser()))


def members(folders: list[Path]) -> list[Member]:
    """Every image below the class folders. Raises ValueError with the name of one that has none."""
    found = []
    for label, folder in enumerate(folders):
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGES and path.is_file())
        if not paths:
            raise ValueError(f"data: the class folder {folder} has no images ({', '.join(sorted(IMAGES))})")
        found += [Member(path, label) for path in paths]
    return found


def split(everything: list[Member], root: Path, share: float) -> tuple[list[Member], list[Member]]:
    """Training and test images: of each class the share whose names' hashes come first is for the test, at least one.

    So an image stays where it is when others are added. Raises ValueError with the folder of a class of one image.
    """
    train, test = [], []
    for label in sorted({member.label for member in everything}):
        ours = [member for member in everything if member.label == label]
        if len(ours) < 2:
            raise ValueError(
                f"data: {ours[0].path.parent} has one image; each class needs two or more, one of them for the test"
            )
        ours.sort(key=lambda member: hashlib.sha256(member.path.relative_to(root).as_posix().encode()).digest())
        held = min(max(1, round(len(ours) * share)), len(ours) - 1)
        test += ours[:held]
        train += ours[held:]
    return train, test


def opened(path: Path, channels: int) -> np.ndarray:
    """The bytes [H, W] or [H, W, 3] of a picture, upright; what is transparent shows white, or black behind light ink.

    Raises ValueError with the file's name where it cannot be read.
    """
    try:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file)
            if picture.mode[0] in "IF":  # 16 bits or more, which Pillow's conversion would cut off
                wide = np.asarray(picture, dtype=np.float64)
                picture = Image.fromarray((wide / (257 if wide.max() > 255 else 1)).clip(0, 255).astype(np.uint8))
            if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
                picture = picture.convert("RGBA")
                ink, cover = np.asarray(picture.convert("L"), float), np.asarray(picture.getchannel("A"), float)
                paper = "white" if (ink * cover).sum() < 127.5 * cover.sum() or not cover.any() else "black"
                picture = Image.alpha_composite(Image.new("RGBA", picture.size, paper), picture)
            return np.asarray(picture.convert("RGB" if channels == 3 else "L"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"data: {path} cannot be read as an image ({error}): mend it or take it out") from error


def border(pixels: np.ndarray) -> np.ndarray:
    """The median of the outermost pixels of bytes [H, W] or [H, W, 3]: a number, or three."""
    edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
    return np.median(np.concatenate(edges), axis=0)  # type: ignore[no-any-return]


def fitted(pixels: np.ndarray, size: int) -> np.ndarray:
    """The whole picture in a square of ``size`` pixels, its sides in proportion, the rest filled with its border's median."""
    around = tuple(int(value) for value in np.atleast_1d(border(pixels)))
    square = ImageOps.pad(
        Image.fromarray(pixels), (size, size), Image.Resampling.BICUBIC, around if len(around) == 3 else around[0]
    )
    return np.asarray(square)


class Folder(MemoryMapped):
    """Images ``root/CLASS/*`` or ``root/train/CLASS/*`` and ``root/test/CLASS/*`` of any sizes, of ``classes`` classes.

    They are decoded once and kept in ``cache`` under the hash of their names, sizes, dates and of all that is asked for.
    ``polarity``: dark_on_light is turned round, so that ink is light as MNIST's is; auto asks the borders of most images,
    and leaves colours as they are. Raises FileNotFoundError where there is no folder, ValueError with the name of a file or
    folder that cannot be used.
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
            raise ValueError(f"data.polarity must be one of {', '.join(POLARITIES)}, got {polarity}")
        if channels not in (1, 3):
            raise ValueError(f"data.channels must be 1 or 3, got {channels}")
        if not 0 < test_share < 1:
            raise ValueError(f"data.test_share must be in (0, 1), got {test_share}")
        top = Path(root).expanduser()
        parts = dict(zip(("", "test_"), _parts(top, classes, test_share), strict=True))
        digest = hashlib.sha256(f"{FORMAT} {size} {channels} {polarity}".encode())
        for before, ours in parts.items():
            for path, label in ours:
                found = path.stat()
                digest.update(f"{before} {path.relative_to(top)} {label} {found.st_size} {found.st_mtime_ns}\n".encode())
        kept = Path(cache).expanduser() / "folder" / digest.hexdigest()[:32]
        names = [kept / f"{before}{name}.npy" for before in parts for name in ("images", "labels")]
        if not all(name.is_file() for name in names):
            everything = [member.path for ours in parts.values() for member in ours]
            turn = _turned(everything, channels) if polarity == "auto" else polarity == "dark_on_light"
            for before, ours in parts.items():
                with whole(kept / f"{before}images.npy") as partial:
                    _decode(partial, [member.path for member in ours], size, channels, turn)
                with whole(kept / f"{before}labels.npy") as partial, partial.open("wb") as file:
                    np.save(file, np.array([member.label for member in ours], dtype=np.int64))
        super().__init__(str(kept), train)


def _parts(root: Path, count: int, share: float) -> tuple[list[Member], list[Member]]:
    """Training and test images of ``root``."""
    folders = classes(root)
    if len(folders) != count:
        raise ValueError(f"data: {folders[0].parent} has {len(folders)} class folders, but data.classes says {count}")
    if not (root / "test").is_dir() or folders[0].parent == root:
        return split(members(folders), root, share)
    tests = [root / "test" / folder.name for folder in folders]
    if missing := [str(folder) for folder in tests if not folder.is_dir()]:
        raise ValueError(f"data: {missing[0]} does not exist, but {root / 'train' / Path(missing[0]).name} does")
    return members(folders), members(tests)


def _turned(paths: list[Path], channels: int) -> bool:
    """Whether most images are dark on light, by their borders; says so."""
    if channels == 3:
        log.warning("data: images are in colour, which stays as it is; data.polarity=dark_on_light would turn it round")
        return False
    light = [bool(border(opened(path, 1)) > 127.5) for path in paths]
    turn = sum(light) > len(light) / 2
    found, other = ("dark on light: they are turned round", "light on dark") if turn else ("light on dark", "dark on light")
    odd = [path for path, is_light in zip(paths, light, strict=True) if is_light != turn]
    few = f"; {len(odd)} of them are {other}, as {odd[0]}" if odd else ""
    mixed = "POLARITY IS MIXED: " if len(odd) > MIXED * len(light) else ""
    log.warning("data: %simages are %s%s", mixed, found, few)
    return turn


def _decode(path: Path, paths: list[Path], size: int, channels: int, turn: bool) -> None:
    """Write all pictures to a .npy file, uint8 [N, channels, size, size], one after the other."""

    def pictures() -> Iterator[np.ndarray]:
        for name in paths:
            pixels = fitted(opened(name, channels), size).reshape(size, size, channels).transpose(2, 0, 1)
            yield 255 - pixels if turn else pixels

    _write(path, pictures(), (len(paths), channels, size, size))


def _write(path: Path, arrays: Iterable[np.ndarray], shape: tuple[int, ...]) -> None:
    """Stream arrays of bytes to a .npy file of ``shape``."""
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        for array in arrays:
            file.write(np.ascontiguousarray(array).tobytes())
