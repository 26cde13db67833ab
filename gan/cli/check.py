"""Overrides, checked before anything runs: each names a setting and has a value of its type."""

import difflib
import re
from itertools import pairwise

from omegaconf import OmegaConf

from gan.cli.compose import compose, parse
from gan.error import UserError
from gan.file import CONF

KINDS: dict[type, tuple[str, tuple[type, ...]]] = {
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
    bool: ("true or false", (bool,)),
}
OPTIONS = {"--config-name", "-cn", "--config-path", "-cp", "--config-dir", "-cd"}  # of Hydra, followed by a value
Settings = dict[str, object]  # every dotted name with its value, unresolved


def check(root: str, words: list[str], sweep: bool = False) -> None:
    """Raise UserError for malformed, unknown or mistyped overrides of ``conf/ROOT.yaml``.

    ``sweep``: an override may have several values.
    """
    overrides = [parse(word) for before, word in pairwise(["", *words]) if word[:1] != "-" and before not in OPTIONS]
    typed = [one for one in overrides if re.fullmatch(r"(?!hydra\b)[\w.]+", one.key_or_group)]
    groups = [one for one in typed if (CONF / one.key_or_group).is_dir() and not isinstance(one.value(), dict)]
    for one in groups:
        if one.value() is None and not one.is_delete():
            raise UserError(f"{one.key_or_group}=null: there is no such choice; see --help")
    known = settings(root, [str(one.input_line) for one in groups if not one.is_sweep_override()])
    is_group_swept = any(one.is_sweep_override() for one in groups)
    is_open = any(name.endswith("_target_") for name in known)
    only = "; train.py -m trains with each" if root == "train" else ""
    for word in words:
        name = word.lstrip("-").partition("=")[0]
        if word[:1] == "-" and name in known:
            raise UserError(f"{word}: a setting has no dashes: write {name}=...")
    for one in typed:
        key, raw = one.key_or_group, str(one.input_line).partition("=")[2]
        if one.is_sweep_override() and not sweep:
            is_list = isinstance(known.get(key), list)
            raise UserError(
                f"{key} is a list: write {key}=[{raw}]" if is_list else f"{key} takes one value, got {raw}{only}"
            )
        if one in groups or one.is_delete():
            continue
        # A configuration of classes may get more settings than stand there, by a +.
        if key not in known and not is_group_swept and not (is_open and (one.is_add() or one.is_force_add())):
            raise unknown(key, known)
        for value in one.sweep_iterator() if one.is_sweep_override() else [one.value()]:
            _check_value(root, key, value, known)
    if not sweep:  # Hydra finds what is left; run_dir is not yet known to it
        compose(root, [*(str(one.input_line) for one in overrides), *(["run_dir=."] if root == "train" else [])])


def settings(root: str, words: list[str]) -> Settings:
    """The settings of ``conf/ROOT.yaml`` with the choices ``words``."""
    return _flatten(OmegaConf.to_container(compose(root, words), resolve=False))


def _flatten(node: object, prefix: str = "") -> Settings:
    found: Settings = {}
    if isinstance(node, list):
        node = dict(enumerate(node))
    if isinstance(node, dict):
        for key, value in node.items():
            found |= {f"{prefix}{key}": value} | _flatten(value, f"{prefix}{key}.")
    return found


def _check_value(root: str, key: str, value: object, known: Settings) -> None:
    """Raise UserError for a value that is missing or not of the type of its default."""
    default, got = known.get(key), "null" if value is None else value
    if value in (None, "") and (default == "???" or key == "run_dir"):
        raise missing(root, key)
    if isinstance(default, dict) and default and not isinstance(value, dict):
        example = f"{key}.{next(iter(default))}=..."
        raise UserError(f"{key} is a group of settings: set one of them, as {example}, got {got}")
    if isinstance(value, dict):
        for name, part in value.items():
            _check_value(root, f"{key}.{name}", part, known)
    elif type(default) in KINDS and type(value) not in KINDS[type(default)][1]:
        raise UserError(f"{key} must be {KINDS[type(default)][0]}, got {got}")


def unknown(key: str, known: Settings) -> UserError:
    """The error for a setting that does not exist, with its nearest neighbour."""
    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.5)
    return UserError(f"{key}: there is no such setting" + (f"; did you mean {near[0]}?" if near else "; see --help"))


def missing(root: str, key: str) -> UserError:
    """The error for a setting that must be given; its file's first line has an example."""
    first = (CONF / f"{root}.yaml").read_text(encoding="utf-8").splitlines()[0]
    example = re.search(rf"\b{key}=[^\s,:]+", first)
    what = "where to" if key == "out" else "which"
    return UserError(f"{key} is missing: say {what}, as {example[0] if example else f'{key}=...'}")
