"""Generators, for every use, and players to start a training from."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gan import foreign
from gan.checkpoint.build import build, validate_finite
from gan.checkpoint.contents import AVERAGED, load_contents, part
from gan.checkpoint.exported import load_exported
from gan.error import UserError
from gan.foreign import Refused
from gan.network import Generator

if TYPE_CHECKING:
    from gan.model import GAN  # imports Lightning, which takes seconds

log = logging.getLogger(__name__)
SHIPPED = Path(__file__).parent.parent / "weights" / "digits.safetensors"  # by python -m gan.export of experiment=best


def generator(path: str | Path | None) -> Generator:
    """The averaged generator of a checkpoint, or of FILE.safetensors; None: the shipped one.

    Raises FileNotFoundError for a missing file, UserError for a damaged one.
    """
    path = Path(path or SHIPPED)
    if path.suffix == ".safetensors":
        described, state = load_exported(path)["generator"], _load_tensors(path)
    else:
        contents = load_contents(path)
        described = contents["hyper_parameters"]["config"]["model"]["generator"]
        state = part(contents["state_dict"], AVERAGED)
    try:
        made = build(described, state)
    except Refused as error:
        raise UserError(f"ckpt: {path} is not loaded: {error}") from error
    # As in training: other layouts round otherwise.
    made = made.to(memory_format=torch.channels_last) if path.suffix != ".safetensors" else made
    return made.requires_grad_(False).eval()


def _load_tensors(path: Path) -> dict[str, Tensor]:
    try:
        return foreign.load_tensors(path)
    except Refused as error:
        raise UserError(f"ckpt: {path} is not loaded: {error}: export it again") from error


def start_from(model: "GAN", path: str | Path | None) -> None:
    """Start both players and the average from another run's averaged generator and discriminator.

    ``path`` is a checkpoint, or a FILE.safetensors for the generator alone; None changes nothing.
    Tensors of other shapes (other classes or channels) stay as initialised; the log names them.
    Raises the errors of :func:`generator`, and UserError if nothing fits.
    """
    if path is None:
        return
    try:
        state = {} if Path(path).suffix == ".safetensors" else load_contents(path)["state_dict"]
        players = {f"discriminator.{name}": x for name, x in part(state, "discriminator.").items()}
        players |= {f"generator.{name}": x for name, x in generator(path).state_dict().items()}
        validate_finite(players)
    except (FileNotFoundError, UserError) as error:
        kind = FileNotFoundError if isinstance(error, FileNotFoundError) else UserError
        raise kind(f"init_from: {str(error).removeprefix('ckpt: ')}") from error
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
