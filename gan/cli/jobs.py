"""The jobs of a sweep: told apart by their settings, each in a folder with a ``job.json``.

Before a sweep starts, each job gets its folder: the one that holds the same job already, or a new
one, as ``0_lr=1e-4_batch_size=64``: a number, and what varies among the jobs.
``hydra.sweep.subdir`` looks the job up there.
"""

import json
import logging
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from itertools import count, product
from pathlib import Path
from typing import Any

import hydra
import yaml
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan.cli import run_folder
from gan.cli.compose import compose, parse
from gan.error import UserError
from gan.file import CONF, load_json, validate_own, write_text

log = logging.getLogger(__name__)
APART = {"run_dir", "ckpt", "data.fallback", "overwrite"}  # do not identify a job
JOB = "job.json"
NUMBER = r"\d+(?=_|$)"  # at the start of a folder's name
LONGEST_VALUE, LONGEST_NAME = 40, 80  # characters in a folder's name


def identifying(words: list[str]) -> list[str]:
    """The overrides that identify a job: not its folder, its checkpoint or its fallback data."""
    return [word for word in words if parse(word).key_or_group not in APART]


def key(words: list[str]) -> str:
    """The same text for the overrides of the same job: their order and a + do not matter."""
    found: dict[str, Any] = {}
    for word in identifying(words):
        one = parse(word)
        name = f"{'~' if one.is_delete() else ''}{one.get_key_element().lstrip('+~')}"
        found[name] = None if one.is_delete() else one.value()
    return json.dumps(found, sort_keys=True, default=str)


def expand(words: list[str]) -> list[list[str]]:
    """The overrides of each job of a sweep, as Hydra's own sweeper makes them."""
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())  # for glob(*)
        choices: dict[str, list[str]] = {}
        for one in parser.parse_overrides([word for word in words if not re.match(r"-|[+~]*hydra[./]", word)]):
            name = one.get_key_element()
            choices[name] = [f"{name}={value}" for value in _values(one)]
    return [list(job) for job in product(*choices.values())]


def _values(one: Override) -> list[str]:
    """The values of an override, as they were typed: 1e-4, where Hydra makes 0.0001 of it."""
    typed = [str(one.input_line).partition("=")[2]]
    if one.is_sweep_override():
        values, typed = list(one.sweep_string_iterator()), typed[0].split(",")
    else:
        values = [one.get_value_element_as_str()]
    return typed if list(map(as_number, typed)) == list(map(as_number, values)) else values


def require_several(folder: Path | None, words: list[str]) -> None:
    """Raise UserError if ``words`` are a single job, unless it joins the sweep in ``folder``."""
    if len(expand(words)) == 1 and not (folder and known_folders(folder)):
        raise UserError(
            "-m trains once for each of several values, and no setting here has several: write them between commas, "
            "as python train.py -m optimizer.lr=1e-4,2e-4, or leave out -m"
        )


def assign_folders(folder: Path, words: list[str]) -> list[Path]:
    """Give each job of a sweep in ``folder`` its place, before any of them starts.

    Returns the places; none if the user's ``hydra.sweep.subdir`` chooses them. With
    ``overwrite=true``, removes the results of these jobs, so that they run again.
    """
    if any(word.startswith("hydra.sweep.subdir=") for word in words):
        return []
    for path in sorted(folder.glob(f"*/{JOB}")):
        if read_words(path) is None:
            log.warning("%s is damaged, and nothing says which job it was: its folder stays as it is", path)
    known, asked = known_folders(folder), {key(job): job for job in expand(words)}
    others = {place: read_words(place / JOB) or [] for one, place in known.items() if one not in asked}
    values = complete([*asked.values(), *others.values()])
    names, places = varied(values), []
    for (one, job), own in zip(asked.items(), values, strict=False):
        place = known.get(one) or _same_settings(others, job) or _take(folder, job, describe(own, names))
        validate_own(place)  # Hydra writes there before the job's own lock
        write_text(json.dumps({"overrides": identifying(job)}), place / JOB)
        if run_folder.asks_overwriting(words):
            run_folder.clear(place)
        places.append(place)
    return places


def typed_values(words: list[str]) -> dict[str, str]:
    """The settings of a job by name, each value as it was typed; "" for one that is left out."""
    found = {}
    for one in map(parse, identifying(words)):
        value = None if one.is_delete() else one.value()
        found[one.key_or_group] = value if isinstance(value, str) else str(one.input_line).partition("=")[2]
    return found


def complete(jobs: Sequence[list[str]]) -> list[dict[str, str]]:
    """The settings of each job by name, also those that only other jobs were given."""
    typed = list(map(typed_values, jobs))
    names = dict.fromkeys(name for job in typed for name in job)
    found = []
    for words, job in zip(jobs, typed, strict=True):
        own = _composed(tuple(identifying(words)), tuple(name for name in names if name not in job))
        found.append({name: job[name] if name in job else own[name] for name in names})
    return found


def _composed(words: tuple[str, ...], names: tuple[str, ...]) -> dict[str, str]:
    """What a job has for settings that it was not given; "" where it has none."""
    found = dict.fromkeys(names, "")
    if names:
        with suppress(UserError, HydraException, OmegaConfBaseException):  # of another version
            cfg = compose("train", [*words, "run_dir=."], with_hydra=True)
            for name in names:
                value = cfg.hydra.runtime.choices.get(name) or OmegaConf.select(cfg, name)
                if value is not None:
                    found[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


def varied(jobs: Sequence[Mapping[str, str]]) -> list[str]:
    """The names of the settings that differ among jobs; 1e-4 and 0.0001 are the same."""
    return [name for name in (jobs[0] if jobs else {}) if len({as_number(job[name]) for job in jobs}) > 1]


def as_number(value: str) -> float | str:
    """A value as a finite number, if it is one."""
    try:
        return float(value) if math.isfinite(float(value)) else value
    except ValueError:
        return value


def describe(job: Mapping[str, str], names: Sequence[str]) -> str:
    """The settings ``names`` of a job for a file's name, as ``lr=1e-4_batch_size=64``.

    It has letters, digits and ``_ . + - =`` alone, so that it needs no quotes in a shell. Of a long
    value it has the end, and of many settings the first.
    """
    found = ""
    for name, short in zip(names, shorten(names), strict=True):
        value = _safe(job[name])[-LONGEST_VALUE:].strip("-.")
        part = f"{_safe(short)}={value}"
        if value and len(found) + len(part) < LONGEST_NAME:
            found += f"_{part}"
    return found[1:]


def shorten(names: Sequence[str]) -> list[str]:
    """The last part of each dotted name; the whole name where two would be the same."""
    last = [name.rpartition(".")[2] for name in names]
    return [short if last.count(short) == 1 else name for name, short in zip(names, last, strict=True)]


def _safe(text: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", text, flags=re.ASCII)


def _same_settings(others: dict[Path, list[str]], job: list[str]) -> Path | None:
    """The folder of the same job in other words: with a default left out or typed."""
    settings = _settings(tuple(job)) if others else {}
    for place, words in others.items():
        with suppress(UserError, HydraException, OmegaConfBaseException):  # of another version: another job
            if _settings(tuple(words)) == settings:
                return place
    return None


def find_folder(folder: str, words: list[str]) -> str:
    """The name of a job's folder: the one assigned to it, or a new one."""
    known = known_folders(Path(folder))
    return (known.get(key(words)) or _take(Path(folder), words)).name


OmegaConf.register_new_resolver("job_folder", lambda *args: find_folder(*args), replace=True)


@cache
def _settings(words: tuple[str, ...]) -> object:
    """All settings of a job: equal for a job that has a default and one where it was typed."""
    return OmegaConf.to_container(compose("train", [*identifying(list(words)), "run_dir=."]), resolve=False)


def known_folders(folder: Path) -> dict[str, Path]:
    """The folders of a sweep's jobs by their :func:`key`. Those that are lost are named."""
    known: dict[str, Path] = {}
    for path in sorted(folder.rglob(JOB)):  # hydra.sweep.subdir may be deeper
        if (words := read_words(path)) is not None:
            known.setdefault(key(words), path.parent)
    return known


def read_words(path: Path) -> list[str] | None:
    """The overrides of a job in ``job.json`` or, if that is damaged, in what Hydra wrote."""
    try:
        return _validated(load_json(path)["overrides"])
    except (UserError, KeyError):
        copy = path.parent / ".hydra" / "overrides.yaml"
    try:
        words = _validated(yaml.safe_load(copy.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError):
        return None
    log.warning("%s is damaged: it is made again from %s", path, copy)
    write_text(json.dumps({"overrides": identifying(words)}), path)
    return words


def _validated(words: object) -> list[str]:
    """``words``. Raises UserError unless they are overrides of train.py, not of Hydra."""
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise UserError("no overrides")
    if any(parse(word).key_or_group.partition(".")[0].partition("/")[0] == "hydra" for word in words):
        raise UserError("overrides of Hydra")
    return words


def _take(folder: Path, words: list[str], name: str = "") -> Path:
    """Make the folder of a new job: the first number that is free, and ``name``."""
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        taken = {found[0] for path in folder.iterdir() if (found := re.match(NUMBER, path.name))}
        free = next(number for number in map(str, count()) if number not in taken)
        place = folder / "_".join(filter(None, (free, name)))
        try:
            place.mkdir()
        except FileExistsError:  # another process took it
            continue
        try:
            write_text(json.dumps({"overrides": identifying(words)}), place / JOB)
        except OSError:
            place.rmdir()
            raise
        return place
