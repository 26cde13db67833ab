"""The only reader of checkpoints and exported generators, which are plain data: no code runs."""

import hashlib
import json
import logging
import pickle
import struct
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import torch
from hydra.errors import HydraException
from hydra.utils import instantiate
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from gan.error import UserError
from gan.file import pack_weights
from gan.network import Generator

if TYPE_CHECKING:
    from gan.model import GAN  # imports Lightning, which takes seconds

log = logging.getLogger(__name__)
SHIPPED = Path(__file__).parent / "weights" / "digits.safetensors"  # by python -m gan.export of experiment=best
LICENCE = "MIT, as the code that made it; the images it learned from have their own"  # of generators and their images
DAMAGED = (pickle.UnpicklingError, RuntimeError, EOFError, BadZipFile, ValueError, KeyError, OSError, struct.error)

# What a configuration may name: the checkpoint of a stranger could otherwise call anything.
TRUSTED = (
    "gan.augment.", "gan.callback.", "gan.data.", "gan.loss.", "gan.metric.", "gan.model.", "gan.network.",
    "gan.penalty.", "lightning.pytorch.", "torch.optim.", "torchmetrics.", "torchvision.datasets.",
)  # fmt: skip

# Settings that early checkpoints lack, with the values they had then, by target.
ADDED: dict[str, dict[str, Any]] = {
    "gan.model.GAN": {"lr_decay": 0.0, "d_steps": 1, "penalty_every": 1, "auxiliary": 1.0, "compile": None},
    "gan.network.dcgan.Discriminator": {"norm": "none", "condition": "projection"},
    "gan.penalty.R1": {"fraction": 1.0},
    "gan.penalty.R1R2": {"fraction": 1.0},
}


def targets(config: object) -> Iterator[str]:
    """Yield every ``_target_`` of a plain configuration."""
    if isinstance(config, dict):
        if "_target_" in config:
            yield str(config["_target_"])
        config = list(config.values())
    if isinstance(config, list):
        for value in config:
            yield from targets(value)


def validate_targets(config: object, origin: str) -> None:
    """Raise UserError if a configuration names a class outside the project and its libraries."""
    for target in targets(config):
        if not target.startswith(TRUSTED):
            raise UserError(f"{origin} asks for {target}, which is none of this project's classes: not loaded")


def load_contents(path: str | Path) -> dict[str, Any]:
    """The contents of a checkpoint, tensors on the CPU.

    Raises FileNotFoundError for a missing file, UserError for a file that is damaged, holds more
    than data, or is not a checkpoint of this project.
    """
    path = Path(path)
    if path.is_dir():
        raise UserError(f"ckpt: {path} is a folder: give {path / 'best.ckpt'}")
    if not path.is_file():
        raise FileNotFoundError(f"ckpt: {path} does not exist; a run keeps best.ckpt and last.ckpt in its folder")
    try:
        contents = torch.load(path, map_location="cpu", weights_only=True)
    except DAMAGED as error:
        raise UserError(
            f"ckpt: {path} is damaged or holds more than plain data: use best.ckpt or an earlier copy"
        ) from error
    try:
        config = contents["hyper_parameters"]["config"]
        validate_targets(config, f"ckpt: {path}")
        if not all((contents["state_dict"], config["data"]["name"], config["model"]["generator"])):
            raise KeyError("empty")
        return dict(contents)
    except (KeyError, TypeError) as error:
        raise UserError(
            f"ckpt: {path} is not a checkpoint of this project: its settings or weights are missing"
        ) from error


def load(path: str | Path) -> "GAN":
    """The model of a checkpoint, in evaluation mode; ``hparams.config`` is the run's configuration.

    Raises the errors of :func:`load_contents`, and UserError for weights that do not fit.
    """
    contents = load_contents(path)
    model: GAN = instantiate(_complete(contents["hyper_parameters"]["config"]["model"]), _convert_="all")
    _load_state(model, contents["state_dict"], path)
    model.hparams.update(contents["hyper_parameters"])
    return model.eval()


def _complete(config: Any) -> Any:
    """A plain configuration with the settings in :data:`ADDED` that it lacks."""
    if isinstance(config, list):
        return [_complete(value) for value in config]
    if isinstance(config, dict):
        return ADDED.get(config.get("_target_", ""), {}) | {key: _complete(value) for key, value in config.items()}
    return config


def _load_state(network: torch.nn.Module, state: dict[str, Tensor], path: str | Path) -> None:
    """Load ``state`` into ``network``. Raises UserError if it does not fit."""
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        reason = "the file is damaged, or of an older version of this code"
        raise UserError(f"ckpt: the weights in {path} do not fit its configuration: {reason}") from error


def generator(path: str | Path | None) -> Generator:
    """The averaged generator of a checkpoint, or of FILE.safetensors; None: the shipped one.

    Raises FileNotFoundError for a missing file, UserError for a damaged one.
    """
    path = Path(path or SHIPPED)
    network = _exported(path) if path.suffix == ".safetensors" else _averaged(path)
    if not all(value.isfinite().all() for value in network.state_dict().values()):
        raise UserError(f"ckpt: {path} has NaN or infinite weights: use an earlier copy, or train again")
    return network.requires_grad_(False).eval()


def _averaged(path: Path) -> Generator:
    contents, prefix = load_contents(path), "ema.generator."
    network: Generator = instantiate(contents["hyper_parameters"]["config"]["model"]["generator"], _convert_="all")
    state = {name.removeprefix(prefix): x for name, x in contents["state_dict"].items() if name.startswith(prefix)}
    _load_state(network, state, path)
    return network.to(memory_format=torch.channels_last)  # as in training: other layouts round otherwise


def _exported(path: Path) -> Generator:
    for part in (path, path.with_suffix(".json")):
        if not part.is_file():
            remedy = "a generator is FILE.safetensors with FILE.json beside it"
            raise FileNotFoundError(f"ckpt: {part} does not exist; {remedy}")
    try:
        config = _exported_provenance(path)["generator"]
        validate_targets(config, f"ckpt: {path.with_suffix('.json')}")
        network: Generator = instantiate(config, _convert_="all")
        network.load_state_dict(load_file(path))
    except (SafetensorError, KeyError, TypeError, AttributeError, RuntimeError, HydraException) as error:
        raise UserError(
            f"ckpt: {path} and its JSON are damaged or do not belong together: export them again"
        ) from error
    return network


def _exported_provenance(path: Path) -> dict[str, Any]:
    """The JSON beside FILE.safetensors. Raises UserError for a missing or mistyped field."""
    found = _load_json(path.with_suffix(".json"))
    kinds = ((found.get("generator"), dict), (found.get("command"), str), (found.get("classifier", ""), str))
    if not all(isinstance(value, kind) for value, kind in (*kinds, (found.get("test") or {}, dict))):
        beside = path.with_suffix(".json")
        raise UserError(f"ckpt: {beside} is damaged, or not from python -m gan.export: export it again")
    return found


def _load_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; empty if the file is damaged."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):  # no UTF-8, no JSON, no object
        return {}


def start_from(model: "GAN", path: str | Path | None) -> None:
    """Start both players and the average from another run's averaged generator and discriminator.

    ``path`` is a checkpoint, or a FILE.safetensors for the generator alone; None changes nothing.
    Tensors of other shapes (other classes or channels) stay as initialised; the log names them.
    Raises the errors of :func:`generator`, and UserError if nothing fits.
    """
    if path is None:
        return
    try:
        players = {} if Path(path).suffix == ".safetensors" else load_contents(path)["state_dict"]
        players |= {f"generator.{name}": x for name, x in generator(path).state_dict().items()}
    except (FileNotFoundError, UserError) as error:
        raise type(error)(str(error).replace("ckpt:", "init_from:", 1)) from error
    own = {name: x for name, x in model.state_dict().items() if name.startswith(("generator.", "discriminator."))}
    taken = {name: players[name] for name in own if name in players and players[name].shape == own[name].shape}
    if not any(value.ndim > 1 for value in taken.values()):
        remedy = "choose those of that run (network=, network.width=)"
        raise UserError(f"init_from: nothing in {path} fits these networks: {remedy}")
    average = {f"ema.{name}": value for name, value in taken.items() if name.startswith("generator.")}
    model.load_state_dict(taken | average, strict=False)
    left = [f"{name} {list(value.shape)}" for name, value in own.items() if name not in taken]
    rest = f"; as initialised: {', '.join(left)}" if left else ""
    log.info("init_from: %d of %d tensors are those of %s%s", len(taken), len(own), path, rest)


def provenance(path: str | Path | None) -> dict[str, Any]:
    """The origin of a generator: command, data, classifier, configuration, SHA-256, test card."""
    path = Path(path or SHIPPED)
    network = generator(path)
    weights = hashlib.sha256(pack_weights(network)).hexdigest()  # as safetensors
    if path.suffix == ".safetensors":
        return {"classifier": "mnist", **_exported_provenance(path), "sha256": weights}
    run, test = load_contents(path)["hyper_parameters"], path.with_name("test.json")
    card = _load_json(test) if test.is_file() else None
    if card == {}:
        raise UserError(f"{test} is damaged: delete it, or run python -m gan.evaluate split=test again")
    data = run["config"]["data"]
    return {
        "command": " ".join(["python train.py", *run.get("overrides", [])]),
        "data": data["name"],
        "classifier": data.get("classifier", "mnist"),  # older runs lack it
        "generator": run["config"]["model"]["generator"],
        "parameters": sum(p.numel() for p in network.parameters()),
        "sha256": weights,
        "versions": {name: version(name) for name in ("torch", "lightning")},
        "test": card,
    }
