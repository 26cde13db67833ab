"""What fits the data: the classifier that judges, and networks that can do with its labels."""

import json
from collections.abc import Mapping
from typing import Any

from gan import cache
from gan.data import ImageData
from gan.error import UserError
from gan.metric import feature
from gan.model import GAN

FITTED_IMAGES = 120_000  # at most


def digest(data: ImageData) -> str:
    """SHA-256 of the images, labels and names that a classifier of ``data`` is fitted to."""
    train = data.fitting(FITTED_IMAGES)
    return cache.key(json.dumps(data.names), train.images, train.labels)


def find_fault(data: ImageData, settings: Mapping[str, Any], name: str) -> str:
    """Why the classifier ``name`` does not fit the data of ``settings``; "" if it does.

    The files of known sets are checked by their sums: what it was fitted to is compared for own
    files only.
    """
    known = feature.weights_info(name)
    if (known["shape"], known["classes"]) != (list(data.shape), data.classes):
        return "was fitted to another shape or to other classes"
    if not settings["md5"] and known.get("digest") != digest(data):
        return "was fitted to other images, classes or settings of the data"
    return ""


def find_own(config: Mapping[str, Any]) -> list[str]:
    """The classifiers fitted to the data of a plain configuration that its figures rest on."""
    first = config["data"].get("classifier", "")
    used = str({part: config.get(part) for part in ("metric", "callback")})
    return [name for name in (first, feature.second(first)) if "/" in name and repr(name) in used]


def require_fitted(data: ImageData, config: Mapping[str, Any]) -> None:
    """Raise UserError if figures would rest on a classifier of another set, shape or polarity."""
    settings = config["data"]
    for name in find_own(config) if data.classes > 1 else []:
        path = feature.weights_path(name)
        if path.is_file() and (fault := find_fault(data, settings, name)):
            which = "" if name == settings["classifier"] else " second=true"
            command = f"python -m gan.fit_classifier data={settings['name']}{which}"
            raise UserError(
                f"data: the classifier {path} {fault}: fit one with {command} and the data settings of the run"
            )


def require_labels(data: ImageData, model: GAN) -> None:
    """Raise UserError if the networks of ``model`` need labels that training does not know."""
    data.setup()
    if data.known == data.size:
        return
    if not model.generator.classes and data.labelled:
        raise UserError("data.labelled: networks without classes use no labels: leave it out")
    if model.generator.classes and model.discriminator.needs_labels:
        has = f"only {data.known:,} of the {data.size:,} training images have a known label"
        raise UserError(f"data: {has}, and this network needs all: type experiment=semi")
