"""A classifier that was fitted to something else never judges, and is never lost without a word."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SHORT, call, complaint
from hydra.utils import instantiate
from PIL import Image

from gan.cli import fitted, prepare
from gan.cli.compose import compose, plain
from gan.error import UserError
from gan.file import sha256
from gan.metric import feature
from train import train

NAMES = ("cat", "dog")


@pytest.fixture(autouse=True)
def fits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A classifier is fitted in one step; the list counts how often."""
    counted: list[int] = []

    def fit(images: Any, labels: Any, classes: int, *_: Any) -> list[feature.Classifier]:
        counted.append(len(images))
        return [feature.Classifier(classes, images.shape[1], images.shape[-1]).eval()]

    monkeypatch.setattr(feature, "fit", fit)
    return counted


def _folder(root: Path, names: tuple[str, ...] = NAMES, wide: int = 1) -> Path:
    for label, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for i in range(10):
            pixels = np.pad(np.random.default_rng((label, i)).integers(0, 256, (26, 26)), 1) * wide
            Image.fromarray(pixels.astype(np.uint16)).save(root / name / f"{i}.png")
    return root


def _prepare(root: Path, *words: str) -> None:
    prepare.fit_missing_classifier(["data=folder", f"data.root={root}", "batch_size=4", *words])


def _rename(root: Path) -> None:
    (root / "cat").rename(root / "a")


def _swap(root: Path) -> None:
    for name, other in (("cat", "x"), ("dog", "cat"), ("x", "dog")):
        (root / name).rename(root / other)


def _redraw(root: Path) -> None:
    for path in (root / "cat").iterdir():
        Image.fromarray(np.full((28, 28), 30_000, np.uint16)).save(path)


def _touch(root: Path) -> None:
    for path in root.rglob("*.png"):
        path.touch()


def _move(root: Path) -> None:
    root.rename(root.with_name("y"))
    root.symlink_to(root.with_name("y"))


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("change", "words", "times"),
    [
        (_rename, [], 2), (_swap, [], 2), (_redraw, [], 2), (_touch, [], 1), (_move, [], 1), (None, [], 1),
        (None, ["data.polarity=dark_on_light"], 2), (None, ["data.names=[dog,cat]"], 0),
        (None, ["data.names=[A,B]"], 2), (None, ["data.size=32"], 2), (None, ["data.channels=3"], 2),
        (None, ["data.repeat=3", "seed=7"], 1),
    ],
)  # fmt: skip
def test_a_classifier_is_fitted_again_if_what_it_was_fitted_to_changes(
    change: Any, words: list[str], times: int, tmp_path: Path, fits: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    root = _folder(tmp_path / "x")
    _prepare(root, "data.polarity=light_on_dark")
    assert len(fits) == 1
    if change:
        change(root)
    if not times:
        with pytest.raises(UserError, match="in this order, but cat was to be the class 1, not 0"):
            _prepare(root, "data.polarity=light_on_dark", *words)
        return
    capsys.readouterr()
    _prepare(root, "data.polarity=light_on_dark", *words)
    assert len(fits) == times
    assert ("it is replaced" in capsys.readouterr().err) == (times == 2)


def test_another_depth_is_another_set(tmp_path: Path, fits: list[int]) -> None:
    root = _folder(tmp_path / "x", wide=16)
    _prepare(root)
    Image.fromarray(np.full((28, 28), 60_000, np.uint16)).save(root / "cat" / "bright.png")
    _prepare(root)
    assert len(fits) == 2


def test_a_classifier_of_the_users_choice_is_not_replaced(tmp_path: Path, fits: list[int]) -> None:
    root, own = _folder(tmp_path / "x"), f"data.classifier={tmp_path / 'own'}"
    _prepare(root, own)
    before = sha256(tmp_path / "own.safetensors")
    with pytest.raises(UserError, match=r"own\.safetensors was fitted to other images, .*: delete it to fit it again"):
        _prepare(root, own, "data.names=[A,B]")
    assert sha256(tmp_path / "own.safetensors") == before
    assert len(fits) == 1


def test_a_classifier_of_an_older_version_is_fitted_again(tmp_path: Path, fits: list[int]) -> None:
    root = _folder(tmp_path / "x")
    _prepare(root)
    card = json.loads((root / "classifier.json").read_text())
    assert card.pop("digest")
    (root / "classifier.json").write_text(json.dumps(card))
    _prepare(root)
    assert len(fits) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["batch_size=500"], "batch_size=500 is more than the"),
        (["network.classes=7"], "network.classes must be 0 .no labels. or 2, as the data has"),
        (["network.depth=-1"], "depth"),
    ],
)
def test_a_command_that_fails_anyway_leaves_nothing_in_the_users_folder(
    words: list[str], message: str, tmp_path: Path, fits: list[int]
) -> None:
    root = _folder(tmp_path / "x")
    run = f"run_dir={tmp_path / 'run'}"
    assert message in complaint(
        train, "data=folder", f"data.root={root}", *SHORT[1:], "batch_size=4", run, *words
    ).replace("(", ".").replace(")", ".")
    assert not fits
    assert sorted(path.name for path in root.iterdir()) == list(NAMES)


def test_jobs_and_evaluations_refuse_a_classifier_of_other_data(tmp_path: Path) -> None:
    root = _folder(tmp_path / "x")
    _prepare(root)
    words = ["data=folder", f"data.root={root}", "batch_size=4", "run_dir=."]
    for more, is_wrong in (([], False), (["data.polarity=dark_on_light"], True)):
        cfg = compose("train", [*words, *more])
        data = instantiate(cfg.data, _convert_="all")
        if is_wrong:
            with pytest.raises(
                UserError, match=r"was fitted to other images, .*: fit one with python -m gan.fit_classi"
            ):
                fitted.require_fitted(data, plain(cfg))
        else:
            fitted.require_fitted(data, plain(cfg))


def test_a_sweep_over_settings_of_the_data_fails_where_the_classifier_does_not_fit(tmp_path: Path) -> None:
    root = _folder(tmp_path / "x")
    typed = ["data=folder", f"data.root={root}", *SHORT[1:], "batch_size=4", f"run_dir={tmp_path / 'sweep'}"]
    with pytest.raises(SystemExit, match="1 of 2 jobs failed"):
        call(train, "-m", *typed, "data.polarity=light_on_dark,dark_on_light")
    (failed,) = (tmp_path / "sweep").glob("*/failed.json")
    assert "was fitted to other images" in failed.read_text()
