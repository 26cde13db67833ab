"""Every command of the README is one that works, and every file it names is there."""

import json
import re
import shlex
import statistics
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, SHORT, call, run

import gan
from gan import evaluate, file, generate, morph, override
from gan.export import __main__ as export
from gan.export import web
from gan.tune import space
from gan.tune.__main__ import divide

README = (ROOT / "README.md").read_text()
RUNS = ("python", "torchrun")
LINES = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines() if line]
ROOTS = {"train.py": "train", "gan.metric.feature": "fit_classifier"}


def _words(line: str) -> tuple[str, list[str]]:
    """The root configuration of a command line, and its overrides."""
    _, *rest = shlex.split(line)
    if line.startswith("torchrun"):
        rest = rest[rest.index("train.py") :]
    name, *words = rest[1:] if rest[0] == "-m" else rest
    return ROOTS.get(name, name.removeprefix("gan.")), [word for word in words if word != "-m"]


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith(RUNS) and "pip" not in line])
def test_every_python_command_composes(line: str) -> None:
    root, words = _words(line)
    words = [override.quoted(word) for word in words]
    if root == "tune":
        cfg = override.compose(root, divide(words))
        assert space.read(cfg.sweep, list(cfg.train))
        return
    launcher = [word for word in words if word.startswith("hydra")]
    single = [
        re.sub(r"=([^\[,]*),.*", r"=\1", word).replace("glob(*)", "best")
        for word in words
        if word not in launcher and not word.startswith("run_dir")
    ]
    override.check_words(root, words, sweep="train.py -m" in line)
    assert override.compose(root, [*single, "run_dir=x"] if root == "train" else single)


def test_the_other_commands_are_known() -> None:
    others = [line for line in LINES if not line.startswith(RUNS) or "pip" in line]
    assert others == [
        "make train", "make test", "python -m pip install -e .", "tensorboard --logdir runs",
    ]  # fmt: skip
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"train", "test"} <= set(targets)


def test_the_commands_on_a_checkpoint_run(short_run: Path, tmp_path: Path) -> None:
    for name in (web.MODULE, web.WASM):  # in place of onnxruntime-web, which is fetched
        file.write_bytes(b"", tmp_path / "runtime" / name)
    mains = {"evaluate": evaluate.main, "generate": generate.main, "morph": morph.main, "export": export.main}
    for i, line in enumerate(LINES):
        root, words = _words(line) if line.startswith("python") and "pip" not in line else ("", [])
        if root in mains:
            words = [re.sub(r"runs/\w+/(best|last)", f"{short_run}/best", word) for word in words]
            words = [re.sub(r"^out=([\w/]*/(?=\w))?", f"out={tmp_path}/{i}/", word) for word in words]
            words += {"evaluate": ["cas.images=0"], "export": [f"page.runtime={tmp_path / 'runtime'}"]}.get(root, [])
            call(mains[root], *[re.sub(r"^(n|lines)=\d{3,}", r"\1=100", word) for word in words])
    assert {"samples.npz", "digits.png", "sevens", "mine.safetensors", "digits.onnx", "digits.pt2", "page"} <= {
        path.name for path in tmp_path.glob("*/*")
    }


def test_the_python_example_runs_on_the_exported_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "1")
    call(export.main, "out=digits.onnx")
    _, example = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)
    assert names["pixels"].shape == (10, 28, 28)
    assert names["pixels"].mean() < 80  # ink on a black ground


def test_the_lab_does_what_its_example_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    example, _ = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    gan.load().sample(1, label=4).grid().save("photo.png")
    exec(example, {})
    assert (tmp_path / "line.svg").read_text().startswith("<svg")


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for line in LINES if "trainer=debug" in line])
def test_the_debug_command_runs_as_written(line: str, tmp_path: Path) -> None:
    done = run(*shlex.split(line)[1:], f"run_dir={tmp_path}")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_sweep_runs_as_written(tmp_path: Path) -> None:
    line = next(line for line in LINES if "train.py -m" in line)
    words = [word for word in shlex.split(line)[1:] if not word.startswith("run_dir")]
    done = run(*words, *SHORT[:-1], f"run_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "results.csv").read_text().splitlines()) == 5


def test_every_file_it_names_is_there() -> None:
    named = set(re.findall(r"(?:gan|conf|tests)/[\w/]+\.(?:py|yaml|json|png)", README))
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_speeds_that_its_prose_names_are_those_of_the_benchmark() -> None:
    found = json.loads((ROOT / "gan" / "measured" / "speed.json").read_text())
    default, sampling = found["default_run"], found["sampling"]["1000"]["images_per_second"]
    seconds = 60_000 // 64 * 64 / default["images_per_second"] + default["judging_seconds"]
    text = " ".join(README.split())
    assert f"{default['images_per_second']:,} images/s and {default['judging_seconds']} s of judging" in text
    assert f"takes {seconds:.0f} seconds" in text
    assert f"which makes {seconds * 32 / 60:.0f} minutes" in text
    assert f"| {default['images_per_second']:,}/s | {1e6 / default['images_per_second'] / 60:.0f} minutes |" in text
    assert f"| {sampling:,}/s, 1,000 at once | {1e6 / sampling / 60:.0f} minutes |" in text
    assert f"| {default['judging_seconds']} s, 10,000 images |" in text


def test_how_long_a_gan_of_few_labels_takes_is_what_was_measured() -> None:
    cells = json.loads((ROOT / "gan" / "measured" / "downstream.json").read_text())["cells"]
    seconds = [one["gan_seconds"] for one in cells if one["source"] == "few"]
    assert f"{statistics.median(seconds):.0f} seconds of one core (the median; at most {max(seconds):.0f})" in README


def test_every_choice_is_in_its_table() -> None:
    for group in ("experiment", "network", "loss", "penalty", "augment", "metric", "data", "trainer"):
        row = next(line for line in README.splitlines() if line.startswith("|") and f"`{group}`" in line)
        for path in (ROOT / "conf" / group).glob("*.yaml"):
            assert f"`{path.stem}`" in row, f"{group}={path.stem} is not in the README's table"


def test_every_preset_is_named() -> None:
    (looks,) = re.findall(r"^\*Looks\.\*.*?\n\n", README, re.DOTALL | re.MULTILINE)
    for path in (ROOT / "conf" / "preset").glob("*.yaml"):
        assert f"`{path.stem}`" in looks
