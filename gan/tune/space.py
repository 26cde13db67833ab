"""Search spaces: ``conf/sweep/*.yaml`` as distributions, and a trial's values as overrides."""

import json
from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf
from optuna import Trial
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from gan.cli.check import check
from gan.cli.compose import compose, quote
from gan.error import UserError

Distribution = CategoricalDistribution | FloatDistribution | IntDistribution
Space = dict[str, Distribution]
RANGE = {"low", "high", "log", "step"}


def from_sweep(sweep: DictConfig, overrides: list[str]) -> Space:
    """The distribution of every setting in ``sweep`` that ``overrides`` do not fix.

    It is one of integers if the default and all numbers are integers. Raises UserError for a
    setting that does not exist, for values that it cannot take, and for an empty range or choice.
    """
    config = compose("train", [*overrides, "run_dir=."])
    fixed = {override.lstrip("+").partition("=")[0] for override in overrides}
    free = {name: values for name, values in _leaves(OmegaConf.to_container(sweep)) if name not in fixed}
    space = {name: _distribution(name, values, OmegaConf.select(config, name)) for name, values in free.items()}
    if not space:
        raise UserError("sweep: nothing to search: every setting in it has a fixed value; leave one of them out")
    ends = {}
    for name, one in space.items():
        ends[name] = one.choices if isinstance(one, CategoricalDistribution) else (one.low, one.high)
    for i in range(max(map(len, ends.values()))):  # all at once: a group decides which settings exist
        check("train", [*overrides, *(to_override(name, values[i % len(values)]) for name, values in ends.items())])
    return space


def suggest(trial: Trial, space: Space) -> None:
    """Draw every setting of a trial. One that was drawn before an interruption keeps its value."""
    for name, one in space.items():
        if isinstance(one, CategoricalDistribution):
            trial.suggest_categorical(name, one.choices)
        elif isinstance(one, IntDistribution):
            trial.suggest_int(name, one.low, one.high, step=one.step, log=one.log)
        else:
            trial.suggest_float(name, one.low, one.high, step=one.step, log=one.log)


def to_override(name: str, value: object) -> str:
    """A setting as a person types it."""
    return quote(f"{name}={value if isinstance(value, str) else json.dumps(value)}")


def _leaves(node: object, prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the dotted name of each setting with the description of its values."""
    if not isinstance(node, dict):
        raise UserError(f"sweep: {prefix[:-1]} must be {{low, high}}, with log or step, or {{choices}}, got {node}")
    if node.keys() & {*RANGE, "choices"}:
        yield prefix[:-1], node
    else:
        for key, value in node.items():
            yield from _leaves(value, f"{prefix}{key}.")


def _distribution(name: str, values: dict[str, Any], default: object) -> Distribution:
    is_choice = values.keys() == {"choices"}
    if not is_choice and not {"low", "high"} <= values.keys() <= RANGE:
        allowed = "low and high, with log or step, or choices alone"
        raise UserError(f"sweep: {name} must have {allowed}; got {', '.join(values)}")
    try:
        if is_choice:  # Optuna stores no lists
            return CategoricalDistribution([json.dumps(x) if isinstance(x, list) else x for x in values["choices"]])
        numbers = {key: values[key] for key in ("low", "high", "step") if key in values}
        for key, number in numbers.items():
            if type(number) not in (int, float):
                raise UserError(f"{key} must be a number, got {number}")
        is_integer = all(type(number) is int for number in (default, *numbers.values()))
        return IntDistribution(**values) if is_integer else FloatDistribution(**values)
    except (TypeError, ValueError) as error:
        raise UserError(f"sweep: {name}: {error}") from None
