"""What lies in a folder of pictures, without what desktops, archives and NAS boxes leave there."""

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gan.error import UserError
from gan.image import SUFFIXES

JUNK = frozenset({
    "__macosx", "__pycache__", "@eadir", "@recycle", "@tmp", "@__thumb", "#recycle", "#snapshot", "$recycle.bin",
    "system volume information", "lost+found", "recycler", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r",
})  # of desktops, archives and NAS boxes, beside all that is hidden by a dot  # fmt: skip
OURS = ("classifier.safetensors", "classifier.json")
DEEPEST = 32  # folders in folders


class Skipped:
    """What is not read, and why."""

    def __init__(self, root: Path) -> None:
        self.root, self.found = root, dict[str, list[Path]]()

    def add(self, reason: str, *paths: Path) -> None:
        """Note ``paths``."""
        self.found.setdefault(reason, []).extend(paths)

    def below(self, folder: Path) -> str:
        """What lies in ``folder``, with a count and an example of each reason; nothing: ""."""
        parts = []
        for reason, paths in self.found.items():
            if inside := [path for path in paths if path.is_relative_to(folder)]:
                count = f"{len(inside):,}, such as " if len(inside) > 1 else ""
                parts.append(f"{reason}: {count}{inside[0].relative_to(self.root)}")
        return "; ".join(parts)


@dataclass(eq=False)
class Node:
    """A folder without what is skipped."""

    path: Path
    pictures: list[Path] = field(default_factory=list)  # directly inside
    folders: list["Node"] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name, with accents composed, as they are typed."""
        return unicodedata.normalize("NFC", self.path.name)

    @property
    def full(self) -> list["Node"]:
        """The folders that hold pictures, at any depth."""
        return [inner for inner in self.folders if next(inner.all(), None)]

    def all(self) -> Iterator[Path]:
        """The pictures at any depth."""
        yield from self.pictures
        for inner in self.folders:
            yield from inner.all()


def list_folder(path: Path, skipped: Skipped, read: dict[Path, os.stat_result], depth: int) -> Node:
    """Read a folder, and note it in ``read``; no link leads to one that was read before."""
    if depth > DEEPEST:
        raise UserError(f"data: {path} is {DEEPEST} folders deep: put the pictures into data.root/CLASS")
    node, read[path] = Node(path), path.stat()
    with os.scandir(path) as entries:
        listed = sorted(entries, key=lambda entry: (entry.is_symlink(), entry.name))
    for entry in listed:
        inside = path / entry.name
        link = inside if entry.is_symlink() else entry  # a Path does not complain of links in a circle
        if entry.name.startswith(".") or entry.name.casefold() in JUNK:
            skipped.add("hidden or made by a system", inside)
        elif link.is_dir():
            if entry.is_symlink() and any(os.path.samestat(inside.stat(), found) for found in read.values()):
                skipped.add("links to folders that are read anyway", inside)
            else:
                node.folders.append(list_folder(inside, skipped, read, depth + 1))
        elif not link.is_file():
            skipped.add("pipes, devices or broken links", inside)
        elif (suffix := inside.suffix.lower()) in SUFFIXES:
            node.pictures.append(inside)
        elif entry.name not in OURS:
            skipped.add(f"{suffix} files" if suffix else "without a suffix", inside)
    return node
