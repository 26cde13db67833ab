"""A checkpoint judged again is judged the same."""

import json
from pathlib import Path

import pytest
from conftest import call

from gan import evaluate


def test_the_figures_are_those_that_training_logged(
    short_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call(evaluate.main, f"ckpt={short_run / 'last.ckpt'}", f"out={tmp_path / 'x.json'}")
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "x.json").read_text())
    logged = json.loads((short_run / "result.json").read_text())["history"][-1]
    assert len(printed["figures"]) == 6
    for name, value in printed["figures"].items():
        assert value == pytest.approx(logged[name], rel=1e-6), name


def test_the_test_images_are_another_reference(short_run: Path) -> None:
    val, test = (evaluate.evaluate(str(short_run / "last.ckpt"), split)["figures"] for split in ("val", "test"))
    assert all(name.startswith("test_bundled_digits/") for name in test)
    assert test["test_bundled_digits/fid_digits"] != val["val_bundled_digits/fid_digits"]


def test_another_split_is_refused(short_run: Path) -> None:
    with pytest.raises(SystemExit, match="split must be one of val, test, got train"):
        call(evaluate.main, f"ckpt={short_run / 'last.ckpt'}", "split=train")
