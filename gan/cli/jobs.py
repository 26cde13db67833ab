"""The jobs of a sweep: told apart by their settings, each in a numbered folder with a ``job.json``.

Before a sweep starts, each job gets its folder: the one that holds the same job already, or a new
one. ``hydra.sweep.subdir`` looks the job up there.
"""

import json
import logging
import re
from contextlib import suppress
from itertools import count, product
from pathlib import Path
from typing import Any

import hydra
import yaml
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
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
    typed = [word for word in words if not re.match(r"-|[+~]*hydra[./]", word)]
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())  # for glob(*)
        choices: dict[str, list[str]] = {}
        for one in parser.parse_overrides(typed):
            name = one.get_key_element()
            if one.is_sweep_override():
                choices[name] = [f"{name}={value}" for value in one.sweep_string_iterator()]
            else:
                choices[name] = [f"{name}={one.get_value_element_as_str()}"]
    return [list(job) for job in product(*choices.values())]


def assign_folders(folder: Path, words: list[str]) -> None:
    """Give each job of a sweep in ``folder`` its place, before any of them starts.

    With ``overwrite=true``, remove the results of these jobs, so that they run again.
    """
    if any(word.startswith("hydra.sweep.subdir=") for word in words):
        return
    for path in sorted(folder.glob(f"*/{JOB}")):
        if read_words(path) is None:
            log.warning("%s is damaged, and nothing says which job it was: its folder stays as it is", path)
    known, asked = known_folders(folder), {key(job): job for job in expand(words)}
    others = {place: read_words(place / JOB) or [] for one, place in known.items() if one not in asked}
    for one, job in asked.items():
        place = known.get(one) or _same_settings(others, job) or _take(folder, job)
        validate_own(place)  # Hydra writes there before the job's own lock
        write_text(json.dumps({"overrides": identifying(job)}), place / JOB)
        if run_folder.asks_overwriting(words):
            run_folder.clear(place)


def _same_settings(others: dict[Path, list[str]], job: list[str]) -> Path | None:
    """The folder of the same job in other words: with a default left out or typed."""
    settings = _settings(job) if others else {}
    for place, words in others.items():
        with suppress(UserError, HydraException, OmegaConfBaseException):  # of another version: another job
            if _settings(words) == settings:
                return place
    return None


def find_folder(folder: str, words: list[str], number: int) -> str:
    """The name of a job's folder: the one assigned to it, or a new one, ``number`` or above."""
    known = known_folders(Path(folder))
    return (known.get(key(words)) or _take(Path(folder), words, number)).name


OmegaConf.register_new_resolver("job_folder", lambda *args: find_folder(*args), replace=True)


def _settings(words: list[str]) -> object:
    """All settings of a job: equal for a job that has a default and one where it was typed."""
    return OmegaConf.to_container(compose("train", [*identifying(words), "run_dir=."]), resolve=False)


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


def _take(folder: Path, words: list[str], first: int = 0) -> Path:
    """Make the folder of a new job, with a number that is free, ``first`` or above."""
    for number in count(first):
        place = folder / str(number)
        try:
            place.mkdir(parents=True)
        except FileExistsError:
            continue
        try:
            write_text(json.dumps({"overrides": identifying(words)}), place / JOB)
        except OSError:
            place.rmdir()
            raise
        break
    return place
