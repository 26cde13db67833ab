"""Where a generator comes from: its command, data, class names, figures."""

import hashlib
import re
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from gan import foreign
from gan.checkpoint.contents import load_contents
from gan.checkpoint.exported import load_exported, validate_card
from gan.checkpoint.load import SHIPPED, generator
from gan.error import UserError, printable
from gan.file import CONF, pack_weights
from gan.foreign import Refused
from gan.metric.feature import WEIGHTS
from gan.names import numbered, shown, validate_names

LICENCE = "MIT, as the code that made it; the images it learned from have their own"  # of generators and their images
UNNAMED = ("folder",)  # data whose classes mean nothing without their names


def provenance(path: str | Path | None) -> dict[str, Any]:
    """The origin of a generator: command, data, names, classifier, networks, SHA-256, test card.

    ``names`` are those of its classes, [] without labels. ``classifier``: one that comes with the
    project, or None.
    """
    path = Path(path or SHIPPED)
    made = generator(path)
    weights = hashlib.sha256(pack_weights(made)).hexdigest()  # as safetensors
    if path.suffix == ".safetensors":
        found = load_exported(path)
        data = {"name": found["data"]} | ({"names": found["names"]} if "names" in found else {})
        return found | _common(path, data, found.get("classifier", "mnist"), made.classes, weights)
    run = load_contents(path)["hyper_parameters"]
    data, card = run["config"]["data"], _test_card(path)
    return {
        "command": printable(" ".join(["python train.py", *run["overrides"]]), 2000),
        "data": printable(data["name"]),
        **_common(path, data, data.get("classifier", "mnist"), made.classes, weights),  # older runs lack it
        "generator": run["config"]["model"]["generator"],
        "parameters": sum(p.numel() for p in made.parameters()),
        "versions": {name: version(name) for name in ("torch", "lightning")},
        "test": card,
    }


def _common(path: Path, data: Mapping[str, Any], classifier: object, classes: int, weights: str) -> dict[str, Any]:
    try:
        names = class_names(data, classes)
    except UserError as error:
        raise UserError(f"ckpt: {path} is not loaded: {error}") from error
    return {"names": names, "classifier": _classifier(classifier), "sha256": weights}


def class_names(data: Mapping[str, Any], classes: int) -> list[str]:
    """The names of a generator's ``classes``, from the data settings that its file carries.

    Files of early versions have none: then those of the data set's configuration, or numbers.
    Raises UserError for unusable names.
    """
    if "names" in data or not classes:
        return list(validate_names(data.get("names") if classes else None, classes))
    if data.get("name") in UNNAMED:
        return [f"class {i}" for i in range(classes)]
    file = CONF / "data" / f"{data.get('name')}.yaml"
    is_known = re.fullmatch(r"\w+\.yaml", file.name) and file.is_file()
    known = dict(OmegaConf.load(file)).get("names") if is_known else None
    return list(map(str, known)) if known and len(known) == classes else list(numbered(classes))


def validate_classes(path: str | Path, data: Mapping[str, Any]) -> None:
    """Raise UserError unless the run of a checkpoint had the classes of the present ``data``."""
    before = load_contents(path)["hyper_parameters"]["config"]["data"]
    now, then = data.get("names") or numbered(data["classes"]), before.get("names")
    if before.get("classes") != data["classes"] or (then and [*map(str, then)] != [*map(str, now)]):
        known = printable(shown([*map(str, then or [before.get("classes")])]))
        raise UserError(f"ckpt: {path} was trained on the classes {known}, but the data now has {shown(now)}")


def _classifier(name: object) -> str | None:
    """The classifier ``name`` if it comes with the project; a stranger's path is not believed."""
    is_own = re.fullmatch(r"(\w+)(\*\d)?", str(name))
    return str(name) if is_own and (WEIGHTS / f"{is_own[1]}.safetensors").is_file() else None


def _test_card(path: Path) -> dict[str, Any] | None:
    """The test card beside a checkpoint. Raises UserError for a damaged one."""
    test = path.with_name("test.json")
    if not test.is_file():
        return None
    try:
        card = foreign.load_object(test)
        validate_card(card)
    except Refused as error:
        raise UserError(f"{test} is damaged: delete it, or run python -m gan.evaluate split=test again") from error
    return card
