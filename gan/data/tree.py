"""What a folder of pictures plainly is: its classes, its training and test images, and the rest."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from gan.data.listing import Node, Skipped, list_folder
from gan.error import UserError
from gan.names import digit, in_order, shown, validate_names

KIND = r"(?:[ _.-]?(?:set|data|dataset|images|imgs|split|png|jpg|raw))?"
ROLES = {"train": r"train(?:ing)?", "test": r"test(?:ing)?", "val": r"(?:val(?:id(?:ation)?)?|dev)"}
UNLABELLED = "unlabelled"  # the one class of pictures without class folders
Members = list[tuple[Path, int]]  # images, and the numbers of their classes


_known: dict[Path, tuple["Tree", dict[Path, os.stat_result]]] = {}  # of this process, by the root


@dataclass
class Tree:
    """The images of each class, in the order of the labels."""

    place: Path  # where the class folders lie, or train and test
    names: list[str]
    train: Members
    test: Members | None  # None: the folder has no test images of its own
    skipped: str
    note: str


def read_tree(root: Path) -> Tree:
    """Find classes and parts in ``root``. A tree whose folders did not change is not read again.

    Raises FileNotFoundError if there is no such folder, UserError if it is not plain which folders
    are the classes, if one is empty, or if train and test have different ones.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"data.root must be a folder of images, one subfolder for each class; {root} is none")
    tree, folders = _known.get(root, (None, dict[Path, os.stat_result]()))
    if tree and all(path.is_dir() and _state(path.stat()) == _state(found) for path, found in folders.items()):
        return tree
    read: dict[Path, os.stat_result] = {}
    tree = _make_tree(root, read)
    _known[root] = tree, read
    return tree


def _state(found: os.stat_result) -> tuple[int, int, int]:
    """What tells a folder from another, and from itself with other files."""
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _make_tree(root: Path, read: dict[Path, os.stat_result]) -> Tree:
    skipped = Skipped(root)
    node = list_folder(root, skipped, read, 0)
    if next(node.all(), None) is None:
        found = skipped.below(root) or "nothing"
        raise UserError(f"data: {root} holds no pictures such as .png, .jpg or .tif; it has {found}")
    notes = []
    while not _parts(node) and _is_wrapped(node):
        node = _unwrap(node, skipped)
    if node.path != root:
        notes.append(f"the only folder in {root}")
    parts = _parts(node)
    if "val" in parts and "test" in parts:
        skipped.add(f"pictures of {parts['val'].name}, which neither trains nor tests", *parts["val"].all())
    elif "val" in parts:
        notes.append(f"tested with {parts['val'].name}")
    train = _classes(parts.get("train", node), skipped, notes)
    held = parts.get("test", parts.get("val"))
    test = _classes(held, skipped, notes) if held else None
    if held and test is not None:
        _validate_pair(train, test, parts["train"], held)
    if parts:
        skipped.add("pictures beside the parts", *node.pictures)
        for inner in node.full:
            if inner not in parts.values():
                skipped.add(f"pictures of {inner.name}, which lies beside {parts['train'].name}", *inner.all())
    names = in_order(list(train))
    both = [_members(part, names) if part is not None else None for part in (train, test)]
    return Tree(node.path, names, both[0] or [], both[1], skipped.below(root), ", ".join(dict.fromkeys(notes)))


def class_folders(root: str) -> list[str]:
    """The names of the classes of the folder ``root``, in the order of their labels.

    Raises what :func:`read_tree` raises, and UserError for a folder whose name names no class.
    """
    if not root:
        raise UserError("data.root must be given: a folder of images, one subfolder for each class")
    names = read_tree(Path(root).expanduser()).names
    try:
        return list(validate_names(names, len(names)))
    except UserError as error:
        raise UserError(f"{error}: rename that folder, or give all names in the order {shown(names)}") from None


def _members(classes: dict[str, list[Path]], names: list[str]) -> Members:
    return [(path, label) for label, name in enumerate(names) for path in classes[name]]


def _is_wrapped(node: Node) -> bool:
    """Whether all classes lie one level deeper: in the only folder, whose name is no digit's."""
    full = node.full
    return len(full) == 1 and bool(full[0].full) and digit(full[0].name) is None


def _unwrap(node: Node, skipped: Skipped) -> Node:
    skipped.add("pictures beside the class folders", *node.pictures)
    (inner,) = node.full
    return inner


def _roles(node: Node) -> dict[str, list[Node]]:
    """The folders that are called train, test or val, or so after the same first word."""
    first = {re.sub(r"[^ _.-]+$", "", inner.name.casefold()) for inner in node.full}
    shared = first.pop() if len(first) == 1 and node.full[1:] else ""
    found: dict[str, list[Node]] = {}
    for inner in node.folders:
        name = inner.name.casefold().removeprefix(shared)
        for role, words in ROLES.items():
            if re.fullmatch(words + KIND, name):
                found.setdefault(role, []).append(inner)
    return found


def _parts(node: Node) -> dict[str, Node]:
    """The folders to train and to test with; none: the folders are classes. Raises UserError."""
    roles = _roles(node)
    if not roles.keys() & {"train", "test"}:
        return {}
    for role, several in roles.items():
        if len(several) > 1:
            both = " and ".join(inner.path.name for inner in several)
            raise UserError(f"data: {node.path} has {both}: keep the one that is the {role} set")
    parts = {role: inner for role, (inner,) in roles.items()}
    others = [inner for inner in node.full if inner not in parts.values()]
    if "train" not in parts:
        remedy = f"put the folders of the classes to train with into {node.path / 'train'}"
        raise UserError(f"data: {node.path} has {parts['test'].path.name}, but no train: {remedy}")
    for inner in parts.values():
        if next(inner.all(), None) is None:
            raise UserError(f"data: {inner.path} holds no pictures: fill it, or remove it")
    if others and not any(inner.full for inner in parts.values()):
        found = shown([inner.name for inner in node.full])
        remedy = "rename it if it is a class; otherwise put one folder for each class into it"
        raise UserError(f"data: {node.path} has {found}: is {parts['train'].path.name} a class? {remedy}")
    return parts


def _classes(node: Node, skipped: Skipped, notes: list[str]) -> dict[str, list[Path]]:
    """The images of each class. Raises UserError for an empty one, or if they are not plain."""
    while _is_wrapped(node):
        node = _unwrap(node, skipped)
    full = node.full
    if not full:
        return {UNLABELLED: node.pictures}
    skipped.add("pictures beside the class folders", *node.pictures)
    for inner in node.folders:
        if inner not in full:
            found = skipped.below(inner.path) or "nothing"
            raise UserError(f"data: the class folder {inner.path} has no images; it has {found}: fill or remove it")
    deeper = [inmost for inner in full for inmost in inner.full]
    upper, lower = [inner.name for inner in full], in_order(sorted({inmost.name for inmost in deeper}))
    are_digits = [all(digit(name) is not None for name in names) for names in (upper, lower)]
    if lower and not any(inner.pictures for inner in full) and not are_digits[0]:
        if not are_digits[1]:
            remedy = f"point data.root at one of them, or put the pictures into {node.path / 'CLASS'}"
            raise UserError(
                f"data: {node.path} has folders in folders, {shown(upper, 6)} with {shown(lower, 6)}, "
                f"and it is not plain which are the classes: {remedy}"
            )
        notes.append(f"whose classes are the folders in {shown(upper, 6)}")
        full = deeper
    else:
        _validate_inner(full)
    classes: dict[str, list[Path]] = {}
    for inner in full:
        classes.setdefault(inner.name, []).extend(inner.all())
    return classes


def _validate_inner(full: list[Node]) -> None:
    """Raise UserError for a folder in a class folder that is called as another class, or a part."""
    known = {_meaning(inner.name): inner.name for inner in full}
    for inner in full:
        for inmost in inner.full:
            if any(re.fullmatch(words + KIND, inmost.name.casefold()) for words in ROLES.values()):
                place = inmost.path.parent.parent / inmost.path.name / inner.path.name
                raise UserError(f"data: {inmost.path} lies in a class folder: put its pictures into {place}")
            other = known.get(_meaning(inmost.name), inner.name)
            if other != inner.name:
                raise UserError(f"data: {inmost.path} lies in one class and is called as another, {other}: move it")


def _meaning(name: str) -> str:
    value = digit(name)
    return name.casefold() if value is None else str(value)


def _validate_pair(train: dict[str, list[Path]], test: dict[str, list[Path]], one: Node, other: Node) -> None:
    """Raise UserError unless training and test images have the same classes."""
    for part, lacking, here in ((train, test, other), (test, train, one)):
        if missing := in_order(list(part.keys() - lacking.keys())):
            there = one if here is other else other
            what = (
                f"has the class {shown(missing)}" if missing != [UNLABELLED] else "has pictures without class folders"
            )
            raise UserError(f"data: {there.path} {what}, but {here.path} does not: both need the same classes")
