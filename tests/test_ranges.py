"""Every number of ``conf/`` has a range: what lies far outside is refused before any work."""

import copy
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from conftest import complaint
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from gan import evaluate, fit_classifier, fit_encoder, generate, membership, morph, prefer, studio
from gan.benchmark import __main__ as benchmark
from gan.cli import training
from gan.cli.check import _trace, settings
from gan.cli.compose import compose
from gan.cli.errors import is_user_error
from gan.downstream import __main__ as downstream
from gan.export import __main__ as export
from gan.file import CONF
from gan.measure import __main__ as measure
from gan.tune import __main__ as tune

# Settings without a range of their own, each with the reason.
OPEN = {
    "batch_size": "the number of images in an epoch is its limit, which the data knows",
    "trainer.devices": "Lightning compares it with the devices there are",
    "trainer.num_nodes": "Lightning's, of a cluster",
    "callback.best.save_top_k": "Lightning's: how many checkpoints are kept",
    "callback.last.save_top_k": "Lightning's: how many checkpoints are kept",
    "model.ema_ramp": "infinity leaves the half-life as it is",
    "sampler.seed": "Optuna's",
    "sampler.n_startup_trials": "Optuna's: any number of trials, of which there may be fewer",
    "pruner.n_startup_trials": "Optuna's: any number of trials, of which there may be fewer",
    "pruner.n_warmup_steps": "Optuna's: any number of epochs, of which there may be fewer",
}
OPEN_GROUPS = (
    "data.",  # see tests/data
    "sweep.",  # its values are those of settings, which are checked as such
)
NULLABLE = (
    "grid.columns",
    "keep_every",
    "c2st_every",
    "patience",
    "columns",
    "label",
    "look.height",
    "style.thickness",
    "style.slant",
    "style.width",
)
FAR = {int: (-(10**30), 10**30), float: ("-1e30", "1e30", "nan")}


def _numbers(root: str, words: list[str]) -> Iterator[tuple[str, type]]:
    known = settings(root, words)
    for name in known:
        source, default = _trace(name, known)
        kind = float if name in NULLABLE else type(default)
        is_open = name in OPEN or source in OPEN or f"{source}.".startswith(OPEN_GROUPS) or name.startswith(OPEN_GROUPS)
        if kind in FAR and not is_open:
            yield name, kind


COMMANDS: dict[str, tuple[Callable[[], None], list[str]]] = {
    "benchmark": (benchmark.main, ["dataset=digits"]),
    "downstream": (downstream.main, ["data=digits"]),
    "evaluate": (evaluate.main, ["ckpt=x.ckpt"]),
    "export": (export.main, ["out=x.otf"]),
    "fit_classifier": (fit_classifier.main, ["data=digits", "out=x/y"]),
    "fit_encoder": (fit_encoder.main, ["data=digits", "out=x.safetensors"]),
    "generate": (generate.main, ["out=x.png"]),
    "measure": (measure.main, []),
    "membership": (membership.main, ["ckpt=x.ckpt"]),
    "morph": (morph.main, ["out=x.gif"]),
    "prefer": (prefer.main, ["feedback=x.json", "out=x.safetensors"]),
    "studio": (studio.main, ["open=false"]),
    "tune": (tune.main, []),
}
OF_LINES = ("lines", "variation", "layout.")
UNUSED = [("downstream", "seed"), ("morph", "style.thickness"), ("morph", "style.slant"), ("morph", "style.width")]
CASES = [(root, name, kind) for root in COMMANDS for name, kind in _numbers(root, []) if (root, name) not in UNUSED]


@pytest.mark.sampled
@pytest.mark.parametrize(("root", "name", "kind"), CASES, ids=str)
def test_every_number_of_a_command_has_a_range(
    root: str, name: str, kind: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main, words = COMMANDS[root]
    if root == "generate" and name.startswith(OF_LINES):
        words = ["out=x/" if name == "lines" else "out=x.png", "text=7"]
    monkeypatch.chdir(tmp_path)
    for value in FAR[kind]:
        if (root, name, value) == ("generate", "seed", 10**30):
            continue
        message = complaint(main, *words, f"{name}={value}")
        assert name.partition(".")[0] in message or name.rpartition(".")[2] in message
    assert list(tmp_path.iterdir()) == []


PARTS = ("network", "loss", "penalty", "augment", "optimizer", "trainer")
CHOICES = [f"{group}={path.stem}" for group in PARTS for path in sorted((CONF / group).glob("*.yaml"))]


@cache
def _composed(choice: str) -> DictConfig:
    return compose("train", [*([] if choice == "network=report" else ["network.width=8"]), choice, "run_dir=x"])


def _build(choice: str, name: str, value: object) -> None:
    """Build the part of a training that a setting belongs to."""
    cfg = copy.deepcopy(_composed(choice))
    OmegaConf.update(cfg, name, value)
    training._validate_numbers(cfg)
    group = name.partition(".")[0]
    part = {
        "grid": "callback",
        "keep_every": "callback",
        "c2st_every": "callback",
        "patience": "callback",
        "network": "model",
        "optimizer": "model",
    }.get(group, group)
    instantiate(cfg[part], _convert_="all")


def _is_refused(choice: str, name: str, value: object) -> bool:
    """Whether a value is a user's error that names the setting."""
    try:
        _build(choice, name, value)
    except Exception as error:
        return is_user_error(error) and name.rpartition(".")[2] in str(error)
    return False


@pytest.mark.sampled
@pytest.mark.parametrize("choice", ["data=digits", *CHOICES])
def test_every_number_of_a_training_has_a_range(choice: str) -> None:
    numbers = dict(_numbers("train", []))
    if choice != "data=digits":
        numbers = {name: kind for name, kind in _numbers("train", [choice]) if name not in numbers}
    far = [(name, kind(value)) for name, kind in numbers.items() for value in FAR[kind]]
    assert [(name, value) for name, value in far if not _is_refused(choice, name, value)] == []


def test_what_has_no_range_is_still_a_setting() -> None:
    known = {name for root in ("train", "tune") for name in settings(root, [])}
    assert OPEN.keys() <= known
