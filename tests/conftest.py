"""What several tests share: MNIST, a small generator, a short run, ways to run commands."""

import copy
import gc
import io
import json
import logging
import os
import shutil
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported: each worker has one core

import numpy as np
import pytest
import torch
from hydra._internal.config_repository import ConfigRepository
from hydra.plugins.config_source import ConfigResult
from hydra.utils import instantiate
from PIL import Image
from safetensors.torch import load_file, save_file

from gan.checkpoint import SHIPPED
from gan.cli.compose import compose, plain
from gan.file import sha256
from gan.lab import Lab
from gan.terminal import Messages

gc.freeze()  # what the imports left is not searched again and again: composing takes a fifth less
gc.set_threshold(100_000, 50, 50)

ROOT = Path(__file__).parent.parent
# A run of seconds: bundled digits, three batches, one small judging.
SHORT = [
    "data=digits",
    "trainer=debug",
    "trainer.accelerator=cpu",
    "network.width=8",
    "network.depth=0",
    "batch_size=32",
]

SCHEDULE = {  # of a small game, see gan.model.Schedule
    "lr_ratio": 1.0, "lr_decay": 0.0, "d_steps": 1, "penalty_every": 1, "auxiliary": 1.0, "ema_half_life_images": 100.0,
    "ema_ramp": 1.0, "compile": None,
}  # fmt: skip


_load_config, _loaded = ConfigRepository.load_config, {}


def _load_once(self: ConfigRepository, config_path: str) -> ConfigResult | None:
    """Each file of conf/ is parsed once in a process, which composes hundreds of times."""
    key = (*(source.path for source in self.sources), config_path)
    if key not in _loaded:
        _loaded[key] = _load_config(self, config_path)
    return copy.deepcopy(_loaded[key])


ConfigRepository.load_config = _load_once  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def _logs() -> Iterator[None]:
    """Remove the handlers that commands and Hydra's main set up, for streams of that test."""
    yield
    for handler in logging.root.handlers[:]:
        if type(handler) in (logging.StreamHandler, logging.FileHandler, Messages):
            logging.root.removeHandler(handler)
            handler.close()


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("GAN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The generator that ships with the project, and what is done with it."""
    return Lab()


@pytest.fixture(scope="session")
def mnist() -> str:
    """The folder that holds MNIST."""
    root = os.environ.get("GAN_DATA", "data")
    if not (Path(root) / "MNIST" / "raw" / "train-images-idx3-ubyte").is_file():
        pytest.skip("MNIST is not in GAN_DATA")
    return root


@pytest.hookimpl(tryfirst=True)  # before the slow ones are left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of a test with many cases that is marked ``sampled``, every fourth is quick."""
    seen: Counter[str] = Counter()
    for item in items:
        if item.get_closest_marker("sampled"):
            name = item.nodeid.partition("[")[0]
            if seen[name] % 4:
                item.add_marker(pytest.mark.slow)
            seen[name] += 1


def copy_writable(source: Path | str, target: Path, *without: str) -> None:
    """A writable copy of a folder, except for the names in ``without``."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*without), dirs_exist_ok=True)
    for path in (target, *target.rglob("*")):
        path.chmod(path.stat().st_mode | stat.S_IWUSR)


def call(main: Callable[[], None], *words: object) -> None:
    """Run a command's main in this process, as if ``words`` had been typed."""
    before = sys.argv
    sys.argv = [main.__module__, *map(str, words)]
    try:
        main()
    finally:
        sys.argv = before


def complaint(main: Callable[[], None], *words: object) -> str:
    """The line in which a command refuses ``words``; asserts that it prints nothing else."""
    with pytest.raises(SystemExit) as caught, redirect_stderr(io.StringIO()) as err:
        call(main, *words)
    message = str(caught.value.code)
    assert message.startswith("error: ")
    assert "\n" not in message
    assert "Traceback" not in message + err.getvalue()
    return message


def spawn(*words: object, env: dict[str, str] | None = None, **more: object) -> subprocess.Popen[str]:
    """Start ``python WORDS`` in a process of its own, with output as text."""
    return subprocess.Popen(
        [sys.executable, *map(str, words)],
        cwd=ROOT, env=os.environ | (env or {}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more,
    )  # type: ignore[call-overload, no-any-return]  # fmt: skip


def run(*words: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``python WORDS`` to its end."""
    process = spawn(*words, env=env)
    out, err = process.communicate(timeout=600)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def pixels(path: Path) -> np.ndarray:
    """The bytes [H, W] or [H, W, 3] of a picture."""
    with Image.open(path) as picture:
        return np.array(picture)


def untrained(*words: str) -> Any:
    """A small generator for 28x28 images as ``words`` have it, with no weight at zero."""
    width = [] if "network=report" in words else ["network.width=8"]
    config = plain(compose("train", ["data=digits", *width, *words, "run_dir=x"]))
    network = instantiate(config["network"]["generator"], _convert_="all").eval().requires_grad_(False)
    for value in network.parameters():
        if not value.any():
            value.normal_(0, 0.1)
    return network


def renamed(folder: Path, names: Mapping[str, int]) -> Path:
    """The shipped generator with other classes: each name, and the digit that it draws."""
    weights, card = load_file(SHIPPED), json.loads(SHIPPED.with_suffix(".json").read_text())
    weights["label.embed.weight"] = weights["label.embed.weight"][list(names.values())].clone()
    path = folder / f"renamed_{len(list(folder.glob('renamed_*.json')))}.safetensors"
    save_file(weights, path)
    card["generator"]["classes"] = len(names)
    sums = {"sha256": sha256(path), "parameters": sum(value.numel() for value in weights.values())}
    path.with_suffix(".json").write_text(
        json.dumps(card | sums | {"names": list(names), "data": "folder", "test": None})
    )
    return path


@pytest.fixture(scope="session")
def short_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a short run of two epochs."""
    from train import train

    folder = tmp_path_factory.mktemp("run")
    os.chdir(ROOT)
    call(train, *SHORT, "trainer.max_epochs=2", f"run_dir={folder}")
    return folder
