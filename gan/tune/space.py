"""Search spaces: from ``conf/sweep/*.yaml`` to Optuna's distributions, and from a trial's values to words for train.py."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from optuna import Trial
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from gan import override

Space = dict[str, BaseDistribution]
_RANGE, _CHOICES = {"low", "high", "log", "step"}, {"choices"}


def read(sweep: DictConfig, words: list[str]) -> Space:
    """The distribution of every setting that ``sweep`` names and ``words`` do not fix; of whole numbers where train.py's are.

    Raises ValueError where a setting does not exist or cannot take the values, and where a range or a choice is empty.
    """
    config = _train(words)
    fixed = {word.lstrip("+").partition("=")[0] for word in words}
    free = {name: how for name, how in _leaves(OmegaConf.to_container(sweep)) if name not in fixed}
    space = {name: _distribution(name, how, OmegaConf.select(config, name)) for name, how in free.items()}
    if not space:
        raise ValueError("sweep: nothing to search over: it names no setting that is free")
    ends = {name: _ends(distribution) for name, distribution in space.items()}
    override.check_words("train", [*words, *(word(name, value) for name in ends for value in ends[name])])
    parts = [values for name, values in ends.items() if (Path(override.CONF) / name).is_dir()]
    for i in range(max(map(len, parts), default=1)):  # a choice of parts decides which settings there are
        _train([*words, *(word(name, values[i % len(values)]) for name, values in ends.items())])
    return space


def suggest(trial: Trial, space: Space) -> dict[str, Any]:
    """The values of a trial: those it has, and new ones for settings that it was interrupted before."""
    values = {}
    for name, distribution in space.items():
        if isinstance(distribution, CategoricalDistribution):
            values[name] = trial.suggest_categorical(name, distribution.choices)
        elif isinstance(distribution, IntDistribution):
            whole: dict[str, Any] = {"step": distribution.step, "log": distribution.log}
            values[name] = trial.suggest_int(name, distribution.low, distribution.high, **whole)
        elif isinstance(distribution, FloatDistribution):
            real: dict[str, Any] = {"step": distribution.step, "log": distribution.log}
            values[name] = trial.suggest_float(name, distribution.low, distribution.high, **real)
    return values


def word(name: str, value: object) -> str:
    """A setting as a person types it."""
    return f"{name}={value if isinstance(value, str) else json.dumps(value)}"


def _train(words: list[str]) -> DictConfig:
    """The configuration of train.py. Raises ValueError for a word that is none of its settings nor of the study's."""
    try:
        return override.compose("train", [*words, "run_dir=."])
    except HydraException as error:
        raise ValueError(override.explain(error, "train", "tune")) from None


def _leaves(node: object, prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Dotted names with what describes their values."""
    if not isinstance(node, dict):
        raise ValueError(f"sweep: {prefix[:-1]} must be {{low, high}}, with log or step, or {{choices}}, got {node}")
    if node.keys() & (_RANGE | _CHOICES):
        yield prefix[:-1], node
    else:
        for key, value in node.items():
            yield from _leaves(value, f"{prefix}{key}.")


def _distribution(name: str, how: dict[str, Any], known: object) -> BaseDistribution:
    if not (how.keys() == _CHOICES or {"low", "high"} <= how.keys() <= _RANGE):
        raise ValueError(f"sweep: {name} must have low and high, with log or step, or choices alone; got {', '.join(how)}")
    try:
        if "choices" in how:
            return CategoricalDistribution([json.dumps(one) if isinstance(one, list) else one for one in how["choices"]])
        if numbers := [f"{key} {how[key]}" for key in ("low", "high", "step") if type(how.get(key, 0)) not in (int, float)]:
            raise ValueError(f"{numbers[0]} is no number")
        if type(known) is int and all(type(how.get(key, 0)) is int for key in ("low", "high", "step")):
            return IntDistribution(**how)
        return FloatDistribution(**how)
    except (TypeError, ValueError) as error:
        raise ValueError(f"sweep: {name}: {error}") from None


def _ends(distribution: BaseDistribution) -> list[Any]:
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    assert isinstance(distribution, IntDistribution | FloatDistribution)
    return [distribution.low, distribution.high]
