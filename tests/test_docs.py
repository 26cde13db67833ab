"""README.md and docs/: commands work, links lead somewhere, tables are what was measured."""

import json
import re
import shlex
import shutil
import statistics
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, SHORT, call, run

import gan
from gan import evaluate, file, generate, leaderboard, morph
from gan.checkpoint.load import SHIPPED
from gan.cli.check import check
from gan.cli.compose import compose, plain, quote
from gan.export import __main__ as export
from gan.export import web
from gan.tune import __main__ as tune
from gan.tune import space

PAGES = {path.name: path.read_text() for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}
MEASURED = ROOT / "docs" / "measured"
HISTORY = "changelog.md"  # which names old commands
SIZES = {"README.md": 12_000}  # bytes; the others may have 10,000
COMMAND = r"(?:python|torchrun|make|tensorboard|pre-commit) [^`\n]+"
PLACEHOLDER = "python -m gan.NAME"


def _commands() -> list[str]:
    """The commands of all pages: the lines of their ``sh`` blocks, and those in backticks."""
    found = []
    for name, text in PAGES.items():
        if name != HISTORY:
            for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
                found += block.splitlines()
            found += re.findall(rf"`({COMMAND})`", text)
    return [line for line in dict.fromkeys(found) if line and line != PLACEHOLDER]


COMMANDS = _commands()
OURS = [line for line in COMMANDS if re.match(r"torchrun|python (train\.py|-m gan\.)", line)]


def _parts(line: str) -> tuple[str, list[str]]:
    """The root configuration of a command line, and its overrides."""
    typed = shlex.split(line)
    start = typed.index("train.py") if "train.py" in typed else 2
    root = typed[start].removesuffix(".py").removeprefix("gan.")
    return root, [word for word in typed[start + 1 :] if word not in ("-m", "--help")]


@pytest.mark.parametrize("line", OURS)
def test_every_command_composes(line: str) -> None:
    root, overrides = _parts(line)
    if root == "tune":
        cfg = compose(root, tune.divide(overrides))
        tune.validate(cfg)
        assert space.from_sweep(cfg.sweep, list(cfg.train))
        return
    check(root, [quote(override) for override in overrides], sweep="train.py -m" in line)


def test_the_other_commands_are_known() -> None:
    assert {line for line in COMMANDS if line not in OURS} == {
        "make train", 'make train ARGS="trainer.max_epochs=4"', "make test", "make test SLOW=1", "make test ARGS=-n0",
        "make format",
        'python -m pip install -e ".[tune,onnx,lines,notebook]"', "python -m pip install pre-commit",
        "python -m gan",
        "python -m pip wheel --no-deps .", "python tests/export/record.py studio",
        "python -m pytest tests/test_loss.py", "pre-commit install", "tensorboard --logdir runs",
        "tensorboard --logdir runs/lr",
        "tmux new-session -d -s shot -x 104 -y 24 'python train.py trainer.max_epochs=4; cat'",
        "tmux capture-pane -t shot -p -e > screen.txt",
    }  # fmt: skip
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"train", "test", "format"} <= set(targets)


@pytest.mark.slow
def test_the_commands_on_a_generator_run(short_run: Path, tmp_path: Path) -> None:
    for name in (web.MODULE, web.WASM):  # in place of onnxruntime-web, which is downloaded
        file.write_bytes(b"", tmp_path / "runtime" / name)
    run = shutil.copytree(short_run, tmp_path / "run")  # some commands write beside the checkpoint
    mains = {"evaluate": evaluate.main, "generate": generate.main, "morph": morph.main, "export": export.main}
    more = {"evaluate": ["cas.images=0", "c2st.images=0"]}
    done = set()
    for i, line in enumerate(OURS):
        root, overrides = _parts(line)
        overrides = [re.sub(r"(runs/\w+|RUN)/(best|last)", f"{run}/best", word) for word in overrides]
        overrides = [re.sub(r"^ckpt=mine.safetensors", f"ckpt={SHIPPED}", word) for word in overrides]
        overrides = [re.sub(r"^(n|lines)=\d{3,}", r"\1=20", word) for word in overrides if word != "overwrite=true"]
        overrides = [re.sub(r"^out=([\w/]*/(?=\w))?", "out=", word) for word in overrides]
        if root in mains and (root, *overrides) not in done:
            done.add((root, *overrides))
            more["export"] = [f"page.runtime={tmp_path / 'runtime'}"] if overrides[-1].endswith("/") else []
            placed = [re.sub(r"^out=", f"out={tmp_path}/{i}/", word) for word in overrides]
            call(mains[root], *placed, *more.get(root, []))
    made = {path.name for path in tmp_path.glob("*/*")}
    assert {"samples.npz", "digits.png", "sevens", "mine.onnx", "digits.onnx", "digits.pt2", "studio", "dates"} <= made
    assert "digits.safetensors" in made


def _example(page: str) -> str:
    (example,) = re.findall(r"```python\n(.*?)```", PAGES[page], re.DOTALL)
    return str(example)


@pytest.mark.slow
def test_the_python_example_runs_on_the_exported_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "1")
    call(export.main, "out=digits.onnx")
    names: dict[str, Any] = {}
    exec(_example("export.md"), names)
    assert names["pixels"].shape == (10, 28, 28)
    assert names["pixels"].mean() < 80  # ink on a black ground


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "digits.md"])
def test_the_python_examples_of_the_lab_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    gan.load().sample(1, label=4).grid().save("photo.png")
    exec(_example(page), {})
    written = [path.read_text() for path in tmp_path.glob("*.svg")]
    assert written
    assert all(text.startswith("<svg") for text in written)


@pytest.mark.slow
def test_the_debug_command_runs_as_written(tmp_path: Path) -> None:
    line = next(line for line in OURS if "trainer=debug" in line)
    done = run(*shlex.split(line)[1:], f"run_dir={tmp_path}")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_sweep_runs_as_written(tmp_path: Path) -> None:
    line = next(line for line in OURS if "train.py -m optimizer.lr" in line)
    words = [word for word in shlex.split(line)[1:] if not word.startswith("run_dir")]
    done = run(*words, *SHORT[:-1], f"run_dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "results.csv").read_text().splitlines()) == 5


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_short(name: str) -> None:
    assert len(PAGES[name].encode()) <= SIZES.get(name, 10_000)


def _anchors(text: str) -> set[str]:
    """The names that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.*)", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_every_link_and_picture_is_there(name: str) -> None:
    folder = ROOT if name == "README.md" else ROOT / "docs"
    for target in re.findall(r"\]\(([^)]+)\)", PAGES[name]):
        path, _, anchor = target.partition("#")
        there = (folder / path).resolve() if path else folder / name
        assert there.is_file(), target
        assert not anchor or anchor in _anchors(there.read_text()), target


@pytest.mark.parametrize("name", PAGES)
def test_every_file_that_a_page_names_is_there(name: str) -> None:
    named = set(re.findall(r"`((?:gan|conf|tests|docs)/[\w/]*(?:\.\w+|/))`", PAGES[name]))
    gone = {"gan/measured/"} if name == HISTORY else set()
    assert [path for path in named - gone if not (ROOT / path).exists()] == []


def test_every_table_is_what_was_measured() -> None:
    settings = plain(compose("leaderboard", []))
    cards = [
        json.loads(path.read_text()) for path in sorted(MEASURED.glob("*.json")) if path.stem not in leaderboard.OTHERS
    ]
    tables = leaderboard.tables(cards, settings)
    marked = {path: re.findall(r"<!-- (\w+) -->", (ROOT / path).read_text()) for path in settings["pages"]}
    assert sorted(chain.from_iterable(marked.values())) == sorted(tables)
    for path in marked:
        text = (ROOT / path).read_text()
        assert leaderboard.fill(text, tables) == text, f"{path}: run python -m gan.leaderboard"


def test_the_kept_study_is_that_of_its_cells() -> None:
    from gan.downstream import report

    kept = json.loads((MEASURED / "downstream.json").read_text())
    assert kept["rows"] == report.rows(kept["cells"])
    assert kept["differences"] == report.differences(kept["cells"])


def test_the_times_in_the_text_are_those_that_were_measured() -> None:
    default = json.loads((MEASURED / "speed.json").read_text())["default_run"]
    minutes = (60_000 / default["images_per_second"] + default["judging_seconds"]) / 60
    assert "less than half an hour on two CPU cores" in PAGES["README.md"]
    assert 20 < 32 * minutes < 30
    assert "about four minutes" in PAGES["README.md"]
    assert 3 < 4 * minutes < 4.5
    cells = json.loads((MEASURED / "downstream.json").read_text())["cells"]
    seconds = [one["gan_seconds"] for one in cells if one["source"] == "few"]
    told = f"{statistics.median(seconds):.0f} seconds of one core (the median; at most {max(seconds):.0f})"
    assert told in " ".join(PAGES["downstream.md"].split())


@pytest.mark.parametrize("group", ["experiment", "network", "loss", "penalty", "augment", "metric", "data", "trainer"])
def test_every_choice_is_in_the_settings_table(group: str) -> None:
    (row,) = re.findall(rf"^\| `{group}` \|.*", PAGES["training.md"], re.MULTILINE)
    choices = {path.stem for path in (ROOT / "conf" / group).glob("*.yaml")}
    assert choices <= set(re.findall(r"`(\w+)`", row))


def test_every_data_set_and_every_preset_is_named() -> None:
    data = re.findall(r"^\| (`\w+`.*?) \|", PAGES["data.md"], re.MULTILINE)
    assert {path.stem for path in (ROOT / "conf" / "data").glob("*.yaml")} <= set(
        re.findall(r"`(\w+)`", " ".join(data))
    )
    (looks,) = re.findall(r"^- `preset=` .*?\n- ", PAGES["digits.md"], re.DOTALL | re.MULTILINE)
    assert {path.stem for path in (ROOT / "conf" / "preset").glob("*.yaml")} <= set(re.findall(r"`(\w+)`", looks))
