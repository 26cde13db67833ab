"""The words a person types: quoted for Hydra, checked against the settings there are, composed; and errors as one line.

Nothing here imports torch before it is needed, as :mod:`gan.command` does not.
"""

import difflib
import errno
import os
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from subprocess import CalledProcessError

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, InstantiationException
from omegaconf import DictConfig, OmegaConf

CONF = str(Path(__file__).parent.parent / "conf")
# Settings whose values may hold what means something to Hydra: paths, of which there may be a list, and texts.
PATHS = {
    "cache",
    "card",
    "ckpt",
    "data.classifier",
    "data.root",
    "init_from",
    "like",
    "out",
    "page.runtime",
    "reader",
    "root",
    "run_dir",
}
TEXTS = {"look.ink", "look.line", "look.paper", "page.title", "pattern", "size", "text"}
KINDS: dict[type, tuple[str, set[type]]] = {
    int: ("a whole number", {int}), float: ("a number", {int, float}), bool: ("true or false", {bool}),
}  # fmt: skip
OPTIONS = {"--config-name", "-cn", "--config-path", "-cp", "--config-dir", "-cd"}  # of Hydra, with a word after them
ELSEWHERE = {
    errno.ENOSPC: "make room there, or choose another folder",
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "choose another folder"),
}


def native_bf16() -> bool:
    """Whether the processor multiplies bf16 by itself."""
    import torch

    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


def fastest_precision() -> str:
    """``bf16-mixed`` where the device multiplies bf16 by itself, else ``32-true``."""
    import torch

    return "bf16-mixed" if torch.cuda.is_available() or native_bf16() else "32-true"


def class_folders(root: str) -> int:
    """How many classes a folder of images has."""
    from gan.data import folder

    return folder.class_folders(root)


for resolver in (native_bf16, fastest_precision, class_folders):
    OmegaConf.register_new_resolver(resolver.__name__, resolver, replace=True)


def quoted(word: str) -> str:
    """A word as Hydra takes it: a path or a text, which may hold what means something there, in quotes; auto as what it is.

    A path may have a ``~`` and interpolations, ``${data.name}`` or ``${oc.env:HOME}``; in a text they are what they are.
    """
    typed, _, value = word.partition("=")
    key = typed.lstrip("+")
    if key in ("precision", "trainer.precision") and value == "auto":
        return f"{typed}=${{fastest_precision:}}"
    if key not in PATHS | TEXTS or value in ("", "null") or value[0] in ("'\"[" if key in PATHS else "'\""):
        return word
    if key in PATHS:
        return f"{typed}='{_escaped(re.sub(r'^~(?=/|$)', lambda _: str(Path.home()), value))}'"
    literal = re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + r"\${", value)
    return f"{typed}='{_escaped(literal)}'"


def _escaped(value: str) -> str:
    """Between single quotes: a quote, and backslashes before one or before the end, each with a backslash before it."""
    return re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + ("\\'" if found[2] else ""), value)


def parsed(word: str) -> Override:
    """What Hydra makes of a word. Raises ValueError for what is none."""
    try:
        return OverridesParser.create().parse_override(word)
    except HydraException:
        raise ValueError(
            f"{word}: cannot be read: write name=value, without spaces, with quotes in pairs and around = in a list"
        ) from None


def meant(word: str) -> object:
    """The value in a word, without the quotes and escapes of :func:`quoted`."""
    return OmegaConf.create({"value": parsed(word).value()}).value


def compose(config_name: str, overrides: list[str]) -> DictConfig:
    """The configuration a command would get for ``overrides``."""
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(CONF, version_base="1.3"):
        return hydra.compose(config_name, overrides)


def check_words(config_name: str, words: list[str], sweep: bool = False) -> None:
    """Raise ValueError for what is no word, where one sets nothing, and where its value is not of the kind that is there.

    The groups' files say what there is. ``sweep``: a word may have several values.
    """
    named = [parsed(word) for before, word in pairwise(["", *words]) if word[:1] != "-" and before not in OPTIONS]
    typed = [word for word in named if re.fullmatch(r"(?!hydra\b)[\w.]+", word.key_or_group)]
    groups = [word for word in typed if (Path(CONF) / word.key_or_group).is_dir() and not isinstance(word.value(), dict)]
    for word in groups:
        if word.value() is None and not word.is_delete():
            choices = ", ".join(sorted(path.stem for path in (Path(CONF) / word.key_or_group).glob("*.yaml")))
            raise ValueError(f"{word.key_or_group}=null: there is no such choice; there are {choices}")
    settings = _settings(config_name, [str(word.input_line) for word in groups if not word.is_sweep_override()])
    known_all = not any(word.is_sweep_override() for word in groups)
    # Where something is made of settings, one may be added and left out; elsewhere each is read by its name.
    free = any(name.endswith("_target_") for name in settings)
    for option in words:
        if option[:1] == "-" and (name := option.lstrip("-").partition("=")[0]) in settings:
            raise ValueError(f"{option}: a setting has no dashes: write {name}=...")
    for word in typed:
        key, raw = word.key_or_group, str(word.input_line).partition("=")[2]
        if word.is_delete():
            if not free or ("." not in key and word not in groups):
                raise ValueError(f"{key} cannot be left out: every setting is needed; set it, as {key}=...")
            continue
        if word.is_sweep_override() and not sweep:
            if isinstance(settings.get(key), list):
                raise ValueError(f"{key} is a list: write {key}=[{raw}]")
            sweeps = "; train.py -m trains with each" if config_name == "train" else ""
            raise ValueError(f"{key} takes one value, got {raw}{sweeps}")
        if word in groups:
            if isinstance(word.value(), list) and isinstance(_defaults(config_name).get(key), str):
                raise ValueError(f"{key} takes one choice, got {raw}")
            if not free and key not in _defaults(config_name):
                raise ValueError(_no_such_setting(key, settings))
            continue  # a glob over a group's files, too, which only Hydra's own sweeper can list
        added = free and (word.is_add() or word.is_force_add())
        if known_all and key not in settings and not added:
            raise ValueError(_no_such_setting(key, settings))
        try:
            for value in word.sweep_iterator() if word.is_sweep_override() else [word.value()]:
                _check_value(config_name, key, value, settings, free)
        except HydraException:  # interval(), or glob() of what has no files
            raise ValueError(f"{key}: a sweep cannot list {raw}: write its values, or range(first,last,step)") from None


def _check_value(config_name: str, key: str, value: object, settings: dict[str, object], free: bool) -> None:
    known = settings.get(key)
    if value in (None, "") and (known == "???" or key == "run_dir"):
        raise ValueError(_missing(config_name, key))
    if isinstance(known, dict) and known:
        if not isinstance(value, dict):
            said = "null" if value is None else value
            raise ValueError(f"{key} is a group of settings: set one of them, as {key}.{next(iter(known))}=..., got {said}")
        for name, part in value.items():
            if f"{key}.{name}" not in settings and not free:
                raise ValueError(_no_such_setting(f"{key}.{name}", settings))
            _check_value(config_name, f"{key}.{name}", part, settings, free)
    if value is None and isinstance(known, str) and not free:
        raise ValueError(f"{key} cannot be null: leave it out, or say which")
    if type(known) in KINDS:
        kind, fitting = KINDS[type(known)]
        if type(value) not in fitting:
            raise ValueError(f"{key} must be {kind}, got {value}")


def _defaults(config_name: str) -> dict[str, object]:
    """The choice of each group of a root configuration."""
    entries = OmegaConf.load(Path(CONF) / f"{config_name}.yaml").defaults
    return {str(name): choice for entry in entries if isinstance(entry, DictConfig) for name, choice in entry.items()}


def _settings(config_name: str, words: list[str]) -> dict[str, object]:
    """Every dotted name of a root configuration with what stands there, unresolved."""

    def walk(node: object, prefix: str) -> Iterator[tuple[str, object]]:
        if isinstance(node, dict | list):
            for key, value in node.items() if isinstance(node, dict) else enumerate(node):
                yield f"{prefix}{key}", value
                yield from walk(value, f"{prefix}{key}.")

    return dict(walk(OmegaConf.to_container(compose(config_name, words), resolve=False), ""))


def _no_such_setting(key: str, settings: Iterable[str]) -> str:
    near = difflib.get_close_matches(key, list(settings), n=1, cutoff=0.5)
    return f"{key}: there is no such setting" + (f"; did you mean {near[0]}?" if near else "; see --help")


def _missing(config_name: str, key: str) -> str:
    """What to say of a setting that has to be given; the example is that of the first line of its file."""
    first = (Path(CONF) / f"{config_name}.yaml").read_text().splitlines()[0]
    example = re.search(rf"\b{key}=[^\s,:]+", first)
    return f"{key} is missing: say {'where to' if key == 'out' else 'which'}, as {example[0] if example else f'{key}=...'}"


def exhausted(error: BaseException) -> bool:
    """Whether memory ran out, which torch tells of by a RuntimeError."""
    said = re.search(r"can't allocate memory|out of memory", str(error))
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and said is not None)


def explain(error: BaseException, *config_names: str) -> str:
    """One line that says what is wrong and what to do, knowing the settings of these root configurations."""
    while isinstance(error, InstantiationException) and error.__cause__ is not None:
        error = error.__cause__
    if exhausted(error):
        return "out of memory: ask for fewer at once or for smaller ones, or close other programs"
    if isinstance(error, CalledProcessError):
        said = error.stderr.decode(errors="replace") if isinstance(error.stderr, bytes) else error.stderr or ""
        program = Path(str(error.cmd if isinstance(error.cmd, str) else error.cmd[0])).name
        return f"{program} failed: {' '.join(said.split()[-40:]) or f'exit status {error.returncode}'}"
    if isinstance(error, OSError) and error.strerror:
        remedy = ELSEWHERE.get(error.errno or 0)
        place = error.filename2 or error.filename  # where something was to be copied or moved to
        said = f"{_final(os.fsdecode(place))}: {error.strerror}" if place else error.strerror
        return said + (f"; {remedy}" if remedy else "")
    message = re.sub(r"^\w+ raised while resolving interpolation: ", "", " ".join(str(error).split()))
    if unknown := re.search(r"Could not override '([^']+)'", message):
        return _no_such_setting(unknown[1], [name for root in config_names for name in _settings(root, [])])
    if choice := re.search(
        r"Could not find '([\w/]+)/([^/]*)' Available options in '[^']*': (.*?)(?: Config search|$)", message
    ):
        return f"{choice[1]}={choice[2]}: there is no such choice; there are {', '.join(choice[3].split())}"
    if several := re.search(r"Ambiguous value for argument '([^=]+)=(.*?)' 1\.", message):
        return f"{several[1]} takes one value, got {several[2]}"
    if absent := re.search(r"[Kk]ey '([^']+)' (?:not found|is not in struct)", message):
        return f"{absent[1]}: there is no such setting, and something needs it"
    if missing := re.search(r"Missing mandatory value: (\S+)", message):
        return _missing(config_names[0], missing[1])
    return re.sub(r" (Set the environment variable|See https?:|full_key:|object_type=).*", "", message)


def _final(path: str) -> str:
    """The path of a file or folder that was still being written, as :mod:`gan.file` does: that which it was to have."""
    return re.sub(r"(^|/)\.([^/]+)\.(?:\w{8}/(?:made|old)|\w{8}$|\d+$)", r"\1\2", path)
