"""Labels as people store them, and the classes that they mean."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gan import names as known
from gan.error import UserError
from gan.validate import integer

FEW = 50  # classes that a message writes out
LEAST_LABELLED = 1 / 8  # of the images of an epoch, if any label is unknown


def flatten(raw: np.ndarray, origin: str) -> np.ndarray:
    """Labels as integers or strings [N]: whole numbers as floats, one-hot rows, columns [N, 1].

    ``origin`` names them in a UserError, which is raised for anything else.
    """
    if raw.ndim == 2 and raw.shape[1] == 1:
        raw = raw[:, 0]
    if raw.ndim == 2 and raw.dtype.kind in "biuf" and ((raw == 0) | (raw == 1)).all() and (raw.sum(1) == 1).all():
        return np.asarray(raw.argmax(1))  # one-hot
    if raw.dtype.kind == "S":
        raw = np.char.decode(raw, "utf-8", "replace")
    if raw.ndim != 1 or raw.dtype.kind not in "biufU":
        wanted = "must be integers or names, one for each image"
        raise UserError(f"data: {origin} {wanted}; there are {raw.dtype} {list(raw.shape)}")
    if raw.dtype.kind == "f":
        bad = np.flatnonzero(~(np.isfinite(raw) & (raw == np.floor(raw)) & (abs(raw) < 2**31)))
        if len(bad):
            raise UserError(f"data: {origin} must be whole numbers or names; label {bad[0]} is {raw[bad[0]]}")
    return raw if raw.dtype.kind == "U" else raw.astype(np.int64)


def as_classes(raw: np.ndarray, names: Sequence[str], origin: str) -> Tensor:
    """The classes int64 [N] that integers or strings [N] mean; the integer -1 is an unknown label.

    An integer is the number of a class, or if not all are, its name. Raises UserError for others.
    """
    values, places = np.unique(raw, return_inverse=True)
    if values.dtype.kind == "U" and all(value.lstrip("-").isdecimal() and len(value) < 10 for value in values):
        values = values.astype(np.int64)  # of a CSV file
    if values.dtype.kind == "U":
        found = _by_name(values.tolist(), names, origin)
    elif len(values) > 1 and values[0] == -1:
        found = [-1, *_by_number(values[1:].tolist(), names, f"{origin} need", len(raw))]
    else:
        found = _by_number(values.tolist(), names, f"{origin} need", len(raw))
    return torch.tensor(found, dtype=torch.int64)[torch.from_numpy(places.reshape(-1))]


def _by_name(values: list[str], names: Sequence[str], origin: str) -> list[int]:
    try:
        return [known.find(names, value) for value in values]
    except UserError as error:
        line = f"the labels of {origin} are {known.shown(values)}, but the classes are {known.shown(names)}"
        raise UserError(f"data: {line}: type {settings(values)}") from error


def _by_number(values: list[int], names: Sequence[str], wanted: str, count: int) -> list[int]:
    texts = list(map(str, values))
    if values == [-1]:  # as this project writes images without labels
        if len(names) > 1:
            remedy = "type data.classes=1 experiment=unconditional"
            raise UserError(f"data: {wanted} labels; to train without any, {remedy}")
        return [0]
    is_numbered = values[0] >= 0 and values[-1] < len(names)
    by_name = [names.index(text) for text in texts] if set(texts) <= set(names) else None
    if is_numbered and by_name not in (None, values):
        remedy = "list data.names in their order, or write names as labels"
        raise UserError(f"data: {wanted} clear labels: these may be names of data.names or places in it: {remedy}")
    if is_numbered:
        return values
    if by_name is None:
        rule = f"labels from 0 to {len(names) - 1}, as data.classes={len(names)} says"
        got = f"there are {count} from {values[0]} to {values[-1]}"
        raise UserError(f"data: {wanted} {rule}; {got}: type {settings(texts)}")
    return by_name


def settings(values: Sequence[str]) -> str:
    """What to type so that ``values`` are the classes."""
    ordered = known.in_order(values)
    if ordered == list(known.numbered(len(ordered))):
        return f"data.classes={len(ordered)}"
    listed = ",".join(ordered) if len(ordered) <= FEW else f"{ordered[0]},{ordered[1]},..."
    return f"data.classes={len(ordered)} data.names=[{listed}]"


def missing(labels: Tensor, names: Sequence[str]) -> list[str]:
    """The names of the classes that do not occur."""
    counts = labels[labels >= 0].bincount(minlength=len(names))
    return [name for name, count in zip(names, counts.tolist(), strict=True) if not count]


def validate_labelled(each: object, classes: int) -> int | None:
    """The setting ``data.labelled``. UserError unless a number, or None for all."""
    if each is not None and classes == 1:
        raise UserError("data.labelled: there are no labels to hide, since the data has one class: leave it out")
    return None if each is None else integer("data.labelled", each, 1, 10**9)


def choose_labelled(labels: Tensor, classes: int, each: int, seed: int) -> Tensor:
    """Indices int64 [classes * each] of random images; those of a larger ``each`` contain these."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    return torch.cat([order[labels[order] == label][:each] for label in range(classes)])


def hide(labels: Tensor, among: Tensor, classes: int, each: int, seed: int) -> Tensor:
    """Labels [N], -1 but for ``each`` of every class, which are chosen from the rows ``among``.

    Raises UserError if a class has fewer there.
    """
    least, label = torch.bincount(labels[among] + 1, minlength=classes + 1)[1:].min(0)
    if each > least:
        has = f"class {label} has only {least} images beside those of validation"
        raise UserError(f"data.labelled={each}: {has}: choose fewer")
    known = among[choose_labelled(labels[among], classes, each, seed)]
    return torch.full_like(labels, -1).index_copy(0, known, labels[known])


def rows(labels: Tensor, repeat: int) -> Tensor:
    """The rows of an epoch: every image ``repeat`` times, with a known label more often.

    So that an eighth of each batch, on average, has labels to learn from.
    """
    known = (labels >= 0).nonzero()[:, 0]
    unknown = len(labels) - len(known)
    more = round(LEAST_LABELLED / (1 - LEAST_LABELLED) * unknown / len(known)) - 1
    return torch.cat([torch.arange(len(labels)), known.repeat(max(0, more))]).repeat(repeat)
