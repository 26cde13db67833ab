"""The only reader of checkpoints and of generators kept alone. They carry their own configuration as plain data, and no code of
theirs ever runs.
"""

import hashlib
import json
import logging
import pickle
import struct
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast
from zipfile import BadZipFile

import torch
from hydra.utils import instantiate
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from gan.file import packed
from gan.model import GAN
from gan.network import Generator

log = logging.getLogger(__name__)
SHIPPED = Path(__file__).parent / "weights" / "digits.safetensors"  # what python -m gan.export made of experiment=best
LICENCE = "MIT, as the code that made it; the images it learned from have their own"  # of generators and what they draw

# What a configuration may name. A checkpoint comes from a stranger: its targets are called with its arguments.
TRUSTED = (
    "gan.augment.", "gan.callback.", "gan.data.", "gan.loss.", "gan.metric.", "gan.model.", "gan.network.", "gan.penalty.",
    "lightning.pytorch.", "torch.optim.", "torchmetrics.", "torchvision.datasets.",
)  # fmt: skip


def targets(config: object) -> Iterator[str]:
    """Every ``_target_`` of a plain configuration."""
    if isinstance(config, dict):
        if "_target_" in config:
            yield str(config["_target_"])
        config = list(config.values())
    if isinstance(config, list):
        for value in config:
            yield from targets(value)


def check_targets(config: object, origin: str) -> None:
    """Raise ValueError where a plain configuration would call anything but the project's and its libraries' classes."""
    for target in targets(config):
        if not target.startswith(TRUSTED):
            raise ValueError(f"{origin} asks for {target}, which is none of this project's classes: not loaded")


def read(path: str | Path) -> dict[str, Any]:
    """The contents of a checkpoint, tensors on the CPU.

    Raises FileNotFoundError where there is none, ValueError where the file is damaged, holds more than data, or is no
    checkpoint of this project.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"ckpt: {path} is a folder: give {path / 'best.ckpt'}")
    if not path.is_file():
        raise FileNotFoundError(f"ckpt: {path} does not exist; a run keeps best.ckpt and last.ckpt in its folder")
    try:
        contents = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, BadZipFile, ValueError, KeyError, OSError, struct.error) as error:
        raise ValueError(f"ckpt: {path} is damaged, or holds more than plain data: use best.ckpt or an earlier copy") from error
    try:
        check_targets(contents["hyper_parameters"]["config"], f"ckpt: {path}")
        return dict(contents)
    except (KeyError, TypeError) as error:
        raise ValueError(f"ckpt: {path} is no checkpoint of this project: it carries no configuration") from error


def load(path: str | Path) -> GAN:
    """The model of a checkpoint with its weights, in evaluation mode; its ``hparams.config`` is the run's configuration.

    Raises what :func:`read` raises, and ValueError where the weights do not fit the configuration.
    """
    contents = read(path)
    model: GAN = instantiate(contents["hyper_parameters"]["config"]["model"], _convert_="all")
    try:
        model.load_state_dict(contents["state_dict"])
    except (KeyError, RuntimeError) as error:
        reason = "the file is damaged, or of an older version of this code"
        raise ValueError(f"ckpt: the weights in {path} do not fit its own configuration: {reason}") from error
    model.hparams.update(contents["hyper_parameters"])
    return model.eval()


def generator(path: str | Path | None) -> Generator:
    """The averaged generator of a checkpoint, the one that ``python -m gan.export`` wrote, or by default the shipped one.

    Raises what :func:`load` raises, and the like for a FILE.safetensors and the FILE.json beside it.
    """
    path = Path(path or SHIPPED)
    if path.suffix != ".safetensors":
        return _sound(load(path).ema.generator, path)
    for part in (path, path.with_suffix(".json")):
        if not part.is_file():
            raise FileNotFoundError(f"ckpt: {part} does not exist; a generator is FILE.safetensors with FILE.json beside it")
    try:
        config = _described(path)["generator"]
        check_targets(config, f"ckpt: {path.with_suffix('.json')}")
        network = instantiate(config, _convert_="all")
        network.load_state_dict(load_file(path))
    except (SafetensorError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise ValueError(f"ckpt: {path} and its JSON are damaged or do not belong together: export them again") from error
    return _sound(network.requires_grad_(False).eval(), path)


def _described(path: Path) -> dict[str, Any]:
    """What the JSON beside FILE.safetensors says. Raises ValueError where ``python -m gan.export`` did not write it so."""
    beside = path.with_suffix(".json")
    try:
        said = json.loads(beside.read_text(encoding="utf-8"))
        needed = isinstance(said.get("generator"), dict) and isinstance(said.get("command"), str)
        sound = needed and isinstance(said.get("classifier", ""), str) and isinstance(said.get("test") or {}, dict)
    except (ValueError, AttributeError):  # no JSON, no UTF-8, no object
        sound = False
    if not sound:
        raise ValueError(f"ckpt: {beside} is damaged, or not from python -m gan.export: export it again")
    return dict(said)


def _sound(network: Any, path: Path) -> Generator:
    """``network`` itself. Raises ValueError where a weight is no number."""
    if not all(value.isfinite().all() for value in network.state_dict().values()):
        raise ValueError(f"ckpt: {path} holds weights that are no numbers: use an earlier copy, or train again")
    made: Generator = network
    return made


def start_from(model: GAN, path: str | Path | None) -> None:
    """Let both players, and the average, start from another run's: its averaged generator and its discriminator.

    ``path`` is a checkpoint, or a FILE.safetensors for the generator alone; None changes nothing. What differs in shape,
    with the classes or channels of other data, stays as it was initialised; one line of the log names it. Raises what
    :func:`read` and :func:`generator` raise, and ValueError where nothing fits.
    """
    if path is None:
        return
    try:
        players = _players(path)
    except (FileNotFoundError, ValueError) as error:
        raise type(error)(str(error).replace("ckpt:", "init_from:", 1)) from error
    own = {name: value for name, value in model.state_dict().items() if name.startswith(("generator.", "discriminator."))}
    taken = {name: players[name] for name in own if name in players and players[name].shape == own[name].shape}
    if not any(value.ndim > 1 for value in taken.values()):
        raise ValueError(
            f"init_from: nothing in {path} fits these networks: choose those of that run (network=, network.width=)"
        )
    average = {f"ema.{name}": value for name, value in taken.items() if name.startswith("generator.")}
    model.load_state_dict(taken | average, strict=False)
    left = [f"{name} {list(value.shape)}" for name, value in own.items() if name not in taken]
    rest = f"; as initialised: {', '.join(left)}" if left else ""
    log.info("init_from: %d of %d tensors are those of %s%s", len(taken), len(own), path, rest)


def _players(path: str | Path) -> dict[str, Tensor]:
    """The averaged generator's tensors and, of a checkpoint, the discriminator's, by their names in a model."""
    if Path(path).suffix == ".safetensors":
        network: Any = generator(path)
        return {f"generator.{name}": value for name, value in network.state_dict().items()}
    state = read(path)["state_dict"]
    average = {name.removeprefix("ema."): value for name, value in state.items() if name.startswith("ema.generator.")}
    return average | {name: value for name, value in state.items() if name.startswith("discriminator.")}


def card(path: str | Path | None) -> dict[str, Any]:
    """Of the generator that :func:`generator` gives for ``path``: the command that trained it, its data and the classifier that
    reads that, what it is made of, the SHA-256 of its weights as safetensors and, where it was judged by test images, how.
    """
    path, network = Path(path or SHIPPED), cast(nn.Module, generator(path))
    sha256 = hashlib.sha256(packed(network)).hexdigest()
    if path.suffix == ".safetensors":
        return {"classifier": "mnist", **_described(path), "sha256": sha256}
    contents, tested = read(path)["hyper_parameters"], path.parent / "test.json"
    data = contents["config"]["data"]
    try:
        judged = json.loads(tested.read_text(encoding="utf-8")) if tested.is_file() else None
    except ValueError as error:
        raise ValueError(f"{tested} is damaged: delete it, or judge the run again by python -m gan.evaluate") from error
    return {
        "command": " ".join(["python train.py", *contents.get("overrides", [])]),
        "data": data["name"],
        "classifier": data.get("classifier", "mnist"),
        "generator": contents["config"]["model"]["generator"],
        "parameters": sum(p.numel() for p in network.parameters()),
        "sha256": sha256,
        "versions": {name: version(name) for name in ("torch", "lightning")},
        "test": judged,
    }
