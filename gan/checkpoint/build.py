"""A generator from its description: a class of :mod:`gan.network`, and numbers."""

import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from gan import network
from gan.error import printable
from gan.foreign import Refused
from gan.network import Generator


def network_class(described: Mapping[str, Any]) -> type[Generator]:
    """The generator of :mod:`gan.network` that ``_target_`` names. Raises Refused for others."""
    target = str(described.get("_target_"))
    known = {f"gan.network.{module.name}.Generator": module.name for module in pkgutil.iter_modules(network.__path__)}
    found = getattr(import_module(f"gan.network.{known[target]}"), "Generator", None) if target in known else None
    if not (isinstance(found, type) and issubclass(found, Generator) and found is not Generator):
        raise Refused(f"{printable(target, 80)} is no generator of this project (gan.network)")
    return found


def build(described: Mapping[str, Any], state: dict[str, Tensor]) -> Generator:
    """The generator of a class and numbers, with its tensors. Raises Refused if they do not fit.

    The numbers could ask for any amount of memory; they get what the tensors have.
    """
    kind, numbers = network_class(described), {key: value for key, value in described.items() if key != "_target_"}
    if not all(isinstance(value, int | float | bool | str) and len(str(value)) <= 64 for value in numbers.values()):
        raise Refused("its network takes numbers and short texts only")
    try:
        inspect.signature(kind).bind(**numbers)
        with _at_most(sum(value.numel() for value in state.values())):
            made = kind(**numbers)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise Refused(f"its network cannot be built: {printable(error)}") from error
    if _form(made.state_dict()) != _form(state):
        raise Refused("its weights do not fit its network: it is damaged, or of an older version of this code")
    made.load_state_dict(state)
    validate_finite(made.state_dict())  # after the conversion: 1e300 is finite in float64 alone
    return made


def _form(state: Mapping[str, Tensor]) -> dict[str, tuple[torch.Size, bool, bool]]:
    """The shapes of tensors and the kinds of their numbers, by name."""
    return {name: (x.shape, x.is_floating_point(), x.is_complex()) for name, x in state.items()}


@contextmanager
def _at_most(values: int) -> Iterator[None]:
    """Raise Refused as soon as parameters with more ``values``, or too many, are made."""
    left = [2 * values + 1000, 10_000]  # some are made anew

    def count(module: nn.Module, name: str, value: nn.Parameter | None) -> None:
        # A layer fills its parameters after this: until then they take no memory.
        left[0] -= 0 if value is None else value.numel()
        left[1] -= 1
        if min(left) < 0:
            raise Refused("its numbers ask for larger networks than it has weights for")

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()


def validate_finite(state: Mapping[str, Tensor]) -> None:
    """Raise Refused for weights that are NaN or infinite."""
    if not all(value.isfinite().all() for value in state.values()):
        raise Refused("it has NaN or infinite weights: use an earlier copy, or train again")
