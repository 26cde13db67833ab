"""Overrides, checked before anything runs: each names a setting and has a value of its type."""

import re
from functools import cache
from itertools import pairwise, takewhile
from types import NoneType
from typing import Any, get_origin, get_type_hints

import yaml
from hydra.core.override_parser.types import Override, ValueType
from hydra.errors import HydraException
from omegaconf import OmegaConf

from gan.cli.compose import LISTS, PATHS, RESOLVERS, TEXTS, compose, parse
from gan.cli.hint import meant, nearest
from gan.error import UserError
from gan.file import CONF

KINDS: dict[type, tuple[str, tuple[type, ...]]] = {
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
    bool: ("true or false", (bool,)),
    str: ("a text", (str,)),
}
LIBRARIES = ("trainer.", "logger.", "data.md5.")  # whose settings may have several types
OPTIONS = {"--config-name", "-cn", "--config-path", "-cp", "--config-dir", "-cd"}  # of Hydra, followed by a value
FLAGS = OPTIONS | {"-m", "--multirun", "--experimental-rerun", "--resolve", "--run", "-r", "--package", "-p"}
Settings = dict[str, object]  # every dotted name with its value, unresolved


def check(root: str, words: list[str], sweep: bool = False) -> None:
    """Raise UserError for malformed, unknown or mistyped overrides of ``conf/ROOT.yaml``.

    ``sweep``: an override may have several values.
    """
    for word, after in pairwise([*words, ""]):
        if word[:1] == "-" and (root != "train" or word.partition("=")[0] not in FLAGS):
            raise _dashed(root, word, after)
    overrides = [parse(word) for before, word in pairwise(["", *words]) if word[:1] != "-" and before not in OPTIONS]
    for one in overrides:
        if re.match(r"(?!hydra\b)\w+/", one.key_or_group):  # conf/data/shared and others, which files build on
            raise UserError(f"{one.key_or_group}: there is no such setting; see --help")
    typed = [one for one in overrides if re.fullmatch(r"(?!hydra\b)[\w.]+", one.key_or_group)]
    groups = [one for one in typed if (CONF / one.key_or_group).is_dir() and not isinstance(one.value(), dict)]
    for one in groups:
        _check_group(root, one)
    known = settings(root, [str(one.input_line) for one in groups if not one.is_sweep_override()])
    for one in typed:
        if one.is_sweep_override() and not sweep:
            raise _several(root, one, known)
        if one not in groups:
            _check_setting(root, one, known, any(group.is_sweep_override() for group in groups))
    if not sweep:  # Hydra finds what is left; run_dir is not yet known to it
        left = [str(one.input_line) for one in overrides if not str(one.input_line).startswith("run_dir=")]
        compose(root, [*left, "run_dir=."] if root == "train" else left)


def _check_group(root: str, one: Override) -> None:
    """Raise UserError for no choice, several, or a group that the command does not have."""
    group = one.key_or_group
    if group not in defaults(root) and not one.is_add():
        raise unknown(root, group, settings(root, []))
    is_listed = one.value_type in (ValueType.SIMPLE_CHOICE_SWEEP, ValueType.CHOICE_SWEEP)
    if one.is_delete() or (one.is_sweep_override() and not is_listed):  # the rest is Hydra's, as glob(*)
        return
    for chosen in one.sweep_iterator() if is_listed else [one.value()]:
        if isinstance(chosen, list) and group not in ("callback", "logger"):
            raise UserError(f"{group} takes one choice, got {_typed(one)}")
        for name in chosen if isinstance(chosen, list) else [chosen]:
            if name not in choices(group):
                near = nearest(str(name), choices(group))
                ask = f"; did you mean {group}={near}?" if near else ""
                known = ", ".join(choices(group))
                raise UserError(f"{group}={_typed(one)}: there is no such choice; there are {known}{ask}")


def _check_setting(root: str, one: Override, known: Settings, is_group_swept: bool) -> None:
    """Raise UserError unless an override sets something, to values of its type."""
    key = one.key_or_group
    is_open = any(name.endswith("_target_") for name in known)  # classes take more settings, or fewer
    if one.is_delete():
        is_of_list = isinstance(known.get(key.rpartition(".")[0]), list)
        if not is_open or is_of_list or key.startswith("trainer.") or key.endswith("_target_"):
            raise UserError(f"{key} cannot be left out: every setting is needed; set it, as {key}=...")
        return
    owner = key.rpartition(".")[0]
    if owner in known and not isinstance(known[owner], dict | list):
        raise UserError(f"{key}: there is no such setting: {owner} is a single value")
    is_added = is_open and (one.is_add() or one.is_force_add())
    if key not in known and not is_added and not is_group_swept:
        raise unknown(root, key, known)
    try:
        for value in one.sweep_iterator() if one.is_sweep_override() else [one.value()]:
            _check_value(root, key, value, known, is_open)
    except HydraException:  # interval(), or glob() of something without files
        remedy = "write its values between commas, or range(first,last,step)"
        raise UserError(f"{key}: a sweep cannot list {_typed(one)}: {remedy}") from None


def _several(root: str, one: Override, known: Settings) -> UserError:
    """The error for several values where one is allowed."""
    key, raw = one.key_or_group, _typed(one)
    if isinstance(known.get(key), list):
        return UserError(f"{key} is a list: write {key}=[{raw}]")
    return UserError(f"{key} takes one value, got {raw}{'; train.py -m trains with each' if root == 'train' else ''}")


def _typed(one: Override) -> str:
    """The value as it was typed."""
    return str(one.input_line).partition("=")[2]


def settings(root: str, words: list[str]) -> Settings:
    """The settings of ``conf/ROOT.yaml`` with the choices ``words``."""
    return flatten(OmegaConf.to_container(compose(root, words), resolve=False))


def flatten(node: object, prefix: str = "") -> Settings:
    """Every dotted name in dicts and lists with its value."""
    found: Settings = {}
    if isinstance(node, list):
        node = dict(enumerate(node))
    if isinstance(node, dict):
        for key, value in node.items():
            found |= {f"{prefix}{key}": value} | flatten(value, f"{prefix}{key}.")
    return found


def defaults(root: str) -> dict[str, list[str]]:
    """The groups of ``conf/ROOT.yaml`` with their default choices, [] for null."""
    listed = yaml.safe_load((CONF / f"{root}.yaml").read_text(encoding="utf-8")).get("defaults", [])
    named = {group: chosen for one in listed if isinstance(one, dict) for group, chosen in one.items()}
    chosen = {group: [] if one is None else one if isinstance(one, list) else [one] for group, one in named.items()}
    return {group: names for group, names in chosen.items() if (CONF / group).is_dir()}


def choices(group: str) -> list[str]:
    """The names of the files of a group."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def head(root: str) -> list[str]:
    """The comment that begins ``conf/ROOT.yaml``: what the command does; examples are indented."""
    lines = (CONF / f"{root}.yaml").read_text(encoding="utf-8").splitlines()
    return [line[2:] for line in takewhile(lambda line: line.startswith("#"), lines)]


def _check_value(root: str, key: str, value: object, known: Settings, is_open: bool) -> None:
    """Raise UserError for a value that is missing or not of the type of its default."""
    source, default = _trace(key, known)
    kind, got = _kind(default), "null" if value is None else value
    if value in (None, "") and (default == "???" or key == "run_dir"):
        raise missing(root, key)
    if kind is dict and source != key:
        raise UserError(f"{key} is what {source} says: set that")
    if kind is dict and not isinstance(value, dict):
        if isinstance(value, str) and (near := meant(key, names(root))):
            raise UserError(f"{key} is a group of settings; did you mean {near}={got}?")
        example = f"{key}.{next(iter(default), 'NAME')}=..."
        raise UserError(f"{key} is a group of settings: set one of them, as {example}, got {got}")
    if isinstance(value, dict) and (kind is dict or key not in known):
        for name, part in value.items():
            _check_value(root, f"{key}.{name}", part, known, is_open)
    elif kind is list and is_open and not isinstance(value, list) and (key, value) != ("data.names", None):
        raise UserError(f"{key} is a list: write {key}=[...], got {got}")
    elif key in PATHS | TEXTS and isinstance(value, dict if key in LISTS else list | dict):
        raise UserError(f"{key} takes one value, got {got}")
    elif value is None and kind is str and not key.startswith(LIBRARIES):
        raise UserError(f"{key} cannot be null: leave it out, or say which")
    elif kind in KINDS and type(value) not in KINDS[kind][1] and not (kind is str and key.startswith(LIBRARIES)):
        raise UserError(f"{key} must be {KINDS[kind][0]}, got {got}")


def _trace(key: str, known: Settings) -> tuple[str, Any]:
    """The setting that the default of ``key`` is taken from, itself or another, and the default."""
    default = known.get(key)
    while (found := re.fullmatch(r"\$\{([\w.]+)\}", str(default))) and found[1] in known:
        key, default = found[1], known[found[1]]
    return key, default


def _kind(default: object) -> type:
    """The type of a default, which may be what a resolver returns."""
    found = re.fullmatch(r"\$\{(\w+):.*\}", str(default))
    if found and found[1] in RESOLVERS:
        kind: type = get_type_hints(RESOLVERS[found[1]])["return"]
        return get_origin(kind) or kind
    return NoneType if default == "???" else type(default)


def unknown(root: str, key: str, known: Settings) -> UserError:
    """The error for a setting that does not exist, with what may have been meant."""
    near = meant(key, names(root)) or nearest(key, names(root).union(known))
    return UserError(f"{key}: there is no such setting" + (f"; did you mean {near}?" if near else "; see --help"))


def _dashed(root: str, word: str, after: str) -> UserError:
    """The error for an option as other tools have them; ``after`` is the next word."""
    typed, _, value = word.partition("=")
    key = typed.lstrip("-").replace("-", "_")
    name = key if key in names(root) else meant(key, names(root))
    if not name:
        return UserError(f"{typed}: there is no such option; settings are name=value, see --help")
    if not value and after[:1] not in ("", "-") and "=" not in after:
        value = after
    default = "true" if settings(root, []).get(name) is False else "VALUE"
    return UserError(f"{typed}: a setting has no dashes: write {name}={value or default}")


@cache
def names(root: str) -> frozenset[str]:
    """All that can be set in a command; for ``tune`` also what can be set in train.py."""
    return frozenset({*defaults(root), *settings(root, []), *(names("train") if root == "tune" else ())})


def missing(root: str, key: str) -> UserError:
    """The error for a setting that must be given, with an example of its command."""
    example = next((line.strip() for line in head(root) if line.startswith(" ") and f" {key}=" in line), f"{key}=...")
    return UserError(f"{key} is missing: say {'where to' if key == 'out' else 'which'}, as {example}")
