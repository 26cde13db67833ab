"""What a classifier was fitted to: another set's figures would be wrong without a sign of it."""

import json
from collections.abc import Mapping
from typing import Any

from gan import cache
from gan.data import ImageData
from gan.error import UserError
from gan.metric import feature

FITTED_IMAGES = 120_000  # at most


def digest(data: ImageData) -> str:
    """SHA-256 of the images, labels and names that a classifier of ``data`` is fitted to."""
    train = data.fitting(FITTED_IMAGES)
    return cache.key(json.dumps(data.names), train.images, train.labels)


def find_fault(data: ImageData, settings: Mapping[str, Any]) -> str:
    """Why the classifier of the data ``settings`` does not fit them; "" if it does.

    The files of known sets are checked by their sums: what it was fitted to is compared for own
    files only.
    """
    known = feature.weights_info(settings["classifier"])
    if (known["shape"], known["classes"]) != (list(data.shape), data.classes):
        return "was fitted to another shape or to other classes"
    if not settings["md5"] and known.get("digest") != digest(data):
        return "was fitted to other images, classes or settings of the data"
    return ""


def uses_own(config: Mapping[str, Any]) -> bool:
    """Whether figures of a plain configuration rest on a classifier that was fitted to its data."""
    name = config["data"].get("classifier", "")
    return "/" in name and repr(name) in str({part: config.get(part) for part in ("metric", "callback")})


def require_fitted(data: ImageData, config: Mapping[str, Any]) -> None:
    """Raise UserError if figures would rest on a classifier of another set, shape or polarity."""
    settings = config["data"]
    if not uses_own(config) or not feature.weights_path(settings["classifier"]).is_file() or data.classes == 1:
        return
    if fault := find_fault(data, settings):
        path = feature.weights_path(settings["classifier"])
        remedy = f"fit one with python -m gan.fit_classifier data={settings['name']} and the data settings of the run"
        raise UserError(f"data: the classifier {path} {fault}: {remedy}")
