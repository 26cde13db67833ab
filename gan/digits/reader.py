"""The classifier that reads a generator's digits, in the order of the generator's labels."""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from gan.error import UserError
from gan.metric import feature
from gan.names import digit, digits, numbered, shown


def load_reader(name: str, names: Sequence[str], data: object) -> feature.Frozen:
    """The classifier ``name``; column i of its logits belongs to the class ``names[i]``.

    Columns beyond are of classes that the generator lacks. ``data``: the generator's data set, in
    whose order a classifier of the same data reads. Raises the errors of
    :func:`gan.metric.feature.load`, UserError if the classifier lacks a class of ``names``.
    """
    reader = feature.load(name)
    known = _names(reader, name, names, data)
    values = digits(known)
    found = [known.index(one) if one in known else values.get(digit(one), -1) for one in names]  # type: ignore[arg-type]
    order = [*found, *(i for i in range(reader.classes) if i not in found)]
    if order == list(range(reader.classes)):
        return reader
    if sorted(order) != list(range(reader.classes)) or reader.times > 1:
        lacking = [one for one, at in zip(names, found, strict=True) if at < 0] or names
        reads = f"the classifier {name} reads {shown(known)}, and not {shown(lacking)}"
        raise UserError(f"reader: {reads}: choose a classifier of these classes, or reader=none")
    classifier = deepcopy(reader.classifier)
    head = classifier.head[-1]
    assert isinstance(head, nn.Linear)
    with torch.no_grad():
        head.weight.copy_(head.weight[order].clone())
        head.bias.copy_(head.bias[order].clone())
    return feature.Frozen(classifier)


def _names(reader: feature.Frozen, name: str, names: Sequence[str], data: object) -> Sequence[str]:
    """The names of a classifier's classes: those of its card, or of the data it shares."""
    card = feature.weights_info(name)
    known = card.get("names")
    if isinstance(known, list) and len(known) == reader.classes:
        return [str(one) for one in known]
    is_own = "/" in name or card.get("data") == data
    return names if is_own and len(names) == reader.classes else numbered(reader.classes)


def read_label(reader: feature.Frozen | None, image: Tensor, names: Sequence[str]) -> int:
    """The label of the digit in ``image`` [1, H, W].

    Raises UserError without a classifier, and for none of ``names``.
    """
    if reader is None:
        raise UserError("no classifier tells which digit the picture shows: give label=, or choose a reader")
    label = int(reader(image[None])[1].argmax())
    if label >= len(names):
        lacks = f"reads as none of this generator's classes, which are {shown(names)}"
        raise UserError(f"like: the picture {lacks}: give label=, or choose another picture")
    return label
