"""What the commands share: from the words a person types to a composed configuration, and errors in one line.

Nothing here imports torch or Lightning, which take seconds, before it is needed: --help and a typo are answered at once.
"""

import difflib
import functools
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

CONF = str(Path(__file__).parent.parent / "conf")
_ASKS = {"--help", "-h", "--cfg", "-c", "--info", "-i", "--version", "--hydra-help"}
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
Task = Callable[[DictConfig], Any]
EXPECTED = (HydraException, OmegaConfBaseException, ValueError, OSError, ArithmeticError, ImportError)


def expected(error: BaseException) -> bool:
    """Whether a user's hand can cause it. Anything else is a defect of ours and shows its traceback."""
    return isinstance(error, EXPECTED) or type(error).__name__ == "MisconfigurationException"  # Lightning's


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


def quiet() -> None:
    """Leave out what the libraries say of things that are meant to be so."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # which devices there are, tips, why it stopped
    for meant in ("isinstance.treespec, LeafSpec", "Found .* in eval mode", "Checkpoint directory .* exists"):
        warnings.filterwarnings("ignore", message=f".*{meant}")


def plain(cfg: DictConfig) -> dict[str, Any]:
    """A resolved configuration of dicts, lists and scalars alone: what a checkpoint may carry."""
    config = OmegaConf.to_container(cfg, resolve=True)
    assert isinstance(config, dict)
    return {str(key): value for key, value in config.items()}


def main(config_name: str, prepare: Callable[[list[str]], list[str]] = list) -> Callable[[Task], Callable[[], None]]:
    """Make a task of a configuration a command: compose ``conf/config_name.yaml`` with the words typed, then run it.

    ``prepare`` rewrites the words first. What goes wrong by the user's hand (a misspelt key, an impossible value, a
    missing file, a full disk) is one line and exit status 1; GAN_TRACEBACK=1 shows the traceback instead.
    """

    def decorate(task: Task) -> Callable[[], None]:
        @functools.wraps(task)
        def run() -> None:
            quiet()
            os.environ["HYDRA_FULL_ERROR"] = "1"  # else Hydra prints lines of its own and leaves
            try:
                if _ASKS.isdisjoint(sys.argv):
                    words = [quoted(word) for word in sys.argv[1:]]
                    check_words(config_name, words)
                    sys.argv[1:] = prepare(words)
                command()
            except Exception as error:
                leave(error)

        @functools.wraps(task)
        def brief(cfg: DictConfig) -> Any:
            try:
                return task(cfg)
            except Exception as error:  # leave here: on its way through Hydra it would gather lines
                leave(error)

        def leave(error: Exception) -> NoReturn:
            if os.environ.get("GAN_TRACEBACK") or not expected(error):
                raise error
            sys.exit(f"error: {explain(error, config_name)}")

        command = hydra.main(version_base="1.3", config_path=CONF, config_name=config_name)(brief)
        return run

    return decorate


def explain(error: BaseException, *config_names: str) -> str:
    """One line that says what is wrong and what to do, knowing the settings of these root configurations."""
    while isinstance(error, InstantiationException) and error.__cause__ is not None:
        error = error.__cause__
    message = re.sub(r"^\w+ raised while resolving interpolation: ", "", " ".join(str(error).split()))
    if unknown := re.search(r"Could not override '([^']+)'", message):
        return _no_such_setting(unknown[1], [name for root in config_names for name in _settings(root, [])])
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or ''}: {error.strerror}; choose another folder or make room there".lstrip(": ")
    return re.sub(r" (Set the environment variable|See https?:|full_key:|object_type=).*", "", message)


def _no_such_setting(key: str, settings: Iterable[str]) -> str:
    near = difflib.get_close_matches(key, list(settings), n=1, cutoff=0.5)
    return f"{key}: there is no such setting" + (f"; did you mean {near[0]}?" if near else "; see --help")


def _settings(config_name: str, words: list[str]) -> dict[str, object]:
    """Every dotted name of a root configuration with what stands there, unresolved."""

    def walk(node: object, prefix: str) -> Iterator[tuple[str, object]]:
        if isinstance(node, dict | list):
            for key, value in node.items() if isinstance(node, dict) else enumerate(node):
                yield f"{prefix}{key}", value
                yield from walk(value, f"{prefix}{key}.")

    return dict(walk(OmegaConf.to_container(compose(config_name, words), resolve=False), ""))


def compose(config_name: str, overrides: list[str]) -> DictConfig:
    """The configuration a command would get for ``overrides``."""
    GlobalHydra.instance().clear()
    with hydra.initialize_config_dir(CONF, version_base="1.3"):
        return hydra.compose(config_name, overrides)


def overrides() -> list[str]:
    """The words that make the running job what it is: not where it runs, what it continues, what data would do too."""
    apart = ("run_dir=", "ckpt=", "data.fallback=")
    return [word for word in HydraConfig.get().overrides.task if not word.startswith(apart)]


def prepare_training(words: list[str]) -> list[str]:
    """Rewrite the words of ``train.py``: go on with ``ckpt``'s run, name its folder, settle what it trains on."""
    from gan import fit_classifier  # which is a command itself

    return _place(fit_classifier.settle(settle_data(_continue(words))))


def quoted(word: str) -> str:
    """A word as Hydra takes it: a path or a text, which may hold what means something there, in quotes; auto as what it is."""
    key, _, value = word.partition("=")
    if key in ("precision", "trainer.precision") and value == "auto":
        return f"{key}=${{fastest_precision:}}"
    bare = value not in ("", "null") and value[0] not in ("'\"[" if key in PATHS else "'\"")
    return f"{key}='{_escaped(value)}'" if key in PATHS | TEXTS and bare else word


def _escaped(value: str) -> str:
    """Between single quotes: a quote, and backslashes before one or before the end, each with a backslash before it."""
    return re.sub(r"(\\*)('|$)", lambda found: found[1] * 2 + ("\\'" if found[2] else ""), value)


def _continue(words: list[str]) -> list[str]:
    """``ckpt=RUN/last.ckpt`` stands for the words of that run, in its folder; words typed now come after them."""
    path = next((word.removeprefix("ckpt=") for word in reversed(words) if word.startswith("ckpt=")), "null").strip("'\"")
    if path in ("", "null"):
        return words
    from gan import checkpoint

    before = checkpoint.read(path)["hyper_parameters"].get("overrides", [])
    if not all(isinstance(word, str) and re.match(r"[\w@./+~]+=?", word) and "hydra" not in word for word in before):
        raise ValueError(f"ckpt: {path} carries words that are no settings: not loaded")
    return [*before, "data.fallback=none", f"run_dir='{Path(path).absolute().parent}'", *words]  # its data, or none


def of_data(words: list[str]) -> list[str]:
    """The words that choose the data, but for those of a sweep."""
    return [word for word in words if word.startswith(("data=", "data.")) and not re.search(r"=(?![\[{]).*,", word)]


def settle_data(words: list[str]) -> list[str]:
    """Turn to ``data.fallback`` where the data set cannot be had, so that name, config and figures all say so."""
    from gan.data import Unavailable

    data = compose("train", [*of_data(words), "run_dir=."]).data
    try:
        instantiate(data, judge_images=2, batch_size=1, _convert_="all")
    except InstantiationException as error:
        if not isinstance(error.__cause__, Unavailable):
            raise
        if data.fallback == "none":
            raise
        line = "=" * 100
        print(  # noqa: T201
            f"{line}\nWARNING: {error.__cause__}\nTHIS RUN IS NOT {data.name.upper()}: it trains on data={data.fallback}, "
            f"and its figures are named for that. data.fallback=none makes this an error.\n{line}",
            file=sys.stderr,
        )
        return [*(word for word in words if not word.startswith(("data=", "data."))), f"data={data.fallback}"]
    return words


def check_words(config_name: str, words: list[str]) -> None:
    """Raise ValueError where a word sets nothing, or what is no number where one is. The groups' files say what there is."""
    words = [word for word in words if re.match(r"[\w.]+=", word) and not word.startswith("hydra")]
    typed = OverridesParser.create().parse_overrides(words)
    groups = [word for word in typed if (Path(CONF) / word.key_or_group).is_dir()]
    settings = _settings(config_name, [str(word.input_line) for word in groups if not word.is_sweep_override()])
    known_all = not any(word.is_sweep_override() for word in groups)
    for word in typed:
        if known_all and word not in groups and word.key_or_group not in settings:
            raise ValueError(_no_such_setting(word.key_or_group, settings))
        known = settings.get(word.key_or_group)
        if type(known) not in KINDS:
            continue  # a glob over a group's files, too, which only Hydra's own sweeper can list
        kind, fitting = KINDS[type(known)]
        for value in word.sweep_iterator() if word.is_sweep_override() else [word.value()]:
            if type(value) not in fitting:
                raise ValueError(f"{word.key_or_group} must be {kind}, got {value}")


def _place(words: list[str]) -> list[str]:
    """``run_dir`` is Hydra's folder: of the run, or of the sweep, whose jobs get numbered folders in it."""
    placed: list[str] = []
    for word in words:
        key, _, folder = word.partition("=")
        placed += [f"hydra.run.dir={folder}", f"hydra.sweep.dir={folder}"] if key == "run_dir" else [word]
    return placed
