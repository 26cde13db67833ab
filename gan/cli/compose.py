"""From what a user types to a configuration. Without torch at the top: help is quick."""

import copy
import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from gan.error import UserError
from gan.file import CONF

# Settings whose values may hold characters that mean something to Hydra: paths and texts.
PATHS = {
    "cache", "card", "ckpt", "data.classifier", "data.root", "extractor", "init_from", "like", "out", "page.runtime",
    "reader", "root", "run_dir",
}  # fmt: skip
LISTS = {"like"}  # of paths that may be several
TEXTS = {"label", "look.ink", "look.line", "look.paper", "page.title", "pattern", "size", "text"}


def native_bf16() -> bool:
    """Whether the processor multiplies bf16 in hardware."""
    import torch

    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


def fastest_precision() -> str:
    """``bf16-mixed`` if the device multiplies bf16 in hardware, else ``32-true``."""
    import torch

    return "bf16-mixed" if torch.cuda.is_available() or native_bf16() else "32-true"


def class_folders(root: str) -> list[str]:
    """The names of the classes of a folder of images, in the order of their labels."""
    from gan.data import tree

    return tree.class_folders(root)


def count(names: object) -> int:
    """The number of names in a list. Raises UserError for anything else."""
    if not isinstance(names, Sequence) or isinstance(names, str):
        raise UserError(f"data.names must be a list, as [zero,one], got {names}")
    return len(names)


def own_classifier(root: str, classes: int) -> str:
    """The classifier of one's own data, in the folder ``root`` or beside the file ``root``.

    MNIST's, if there is one class, thus none to tell from others.
    """
    if classes == 1:
        return "mnist"
    path = Path(str(root)).expanduser()  # null is refused later
    return f"{path.parent}/{path.name}.classifier" if path.is_file() else f"{root}/classifier"


FUNCTIONS = (native_bf16, fastest_precision, class_folders, count, own_classifier)
RESOLVERS = {resolver.__name__: resolver for resolver in FUNCTIONS}
for name, resolver in RESOLVERS.items():
    OmegaConf.register_new_resolver(name, resolver, replace=True)


def quote(word: str) -> str:
    """Quote Hydra's special characters in an override of a path or a text.

    ``~`` and interpolations such as ``${oc.env:HOME}`` work in paths; a text is taken literally.
    ``precision=auto`` becomes its resolver.
    """
    typed, _, value = word.partition("=")
    key = typed.lstrip("+")
    if key == "runs" and re.fullmatch(r"\[[^'\"\[\]]+\]", value):  # a list of paths
        return f"{typed}=[{','.join(in_quotes(path.strip()) for path in value[1:-1].split(','))}]"
    if key in ("precision", "trainer.precision") and value == "auto":
        return f"{typed}=${{fastest_precision:}}"
    if key not in PATHS | TEXTS or value in ("", "null") or value[0] in ("'\"[" if key in PATHS else "'\""):
        return word
    if key in TEXTS:
        value = re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + r"\${", value)
    elif value == "~" or value.startswith("~/"):
        value = f"{Path.home()}{value[1:]}"
    return f"{typed}={in_quotes(value)}"


def in_quotes(text: str) -> str:
    """Put ``text`` between single quotes, with the backslashes that Hydra will remove."""
    escaped = re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + ("\\'" if found[2] else ""), text)
    return f"'{escaped}'"


def parse(word: str) -> Override:
    """Parse one override. Raises UserError for a malformed one."""
    try:
        override = OverridesParser.create().parse_override(word)
    except HydraException:
        override = None
    if override is None or not override.key_or_group:
        remedy = "write name=value, without spaces, with quotes in pairs and around = in a list"
        raise UserError(f"{word}: cannot be read: {remedy}")
    return override


def compose(root: str, words: Sequence[str], with_hydra: bool = False) -> DictConfig:
    """Compose ``conf/ROOT.yaml`` with the overrides ``words``; Hydra's own settings if asked."""
    return copy.deepcopy(_compose(root, tuple(words), with_hydra))


@functools.lru_cache  # a command composes the same several times, each in 0.1 seconds
def _compose(root: str, words: tuple[str, ...], with_hydra: bool) -> DictConfig:
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        return hydra.compose(root, list(words), return_hydra_config=with_hydra)


def plain(cfg: DictConfig) -> dict[str, Any]:
    """A resolved configuration of dicts, lists and scalars: what a checkpoint may carry."""
    config = OmegaConf.to_container(cfg, resolve=True)
    assert isinstance(config, dict)
    return {str(key): value for key, value in config.items()}
