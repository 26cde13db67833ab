"""python -m gan.prefer, from the marks to a generator that every command loads."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import call, complaint

import gan
from gan import prefer, sample
from gan.digits import distil, taste
from gan.lab import Lab

SHORT = ["digits=128", "test_digits=200", "steps=8"]


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A view is measured on few digits, where the time counts."""
    if not request.node.get_closest_marker("slow"):
        monkeypatch.setattr(taste, "SAMPLES", 800)


def _ink(x: torch.Tensor) -> torch.Tensor:
    return x.mean((1, 2, 3))


def _mark(lab: Lab, folder: Path, count: int = 50, likes: Callable[[torch.Tensor], torch.Tensor] | None = None) -> Path:
    """Marks of somebody who likes 7s with little ink."""
    seeds, y = torch.arange(count), torch.full((count,), 7)
    ink = _ink(torch.cat(list(sample.generate(lab.generator, seeds, y))))
    liked = likes(ink) if likes else ink <= ink.median()
    marks = [{"seed": i, "label": "7", "liked": bool(liked[i])} for i in range(count)]
    path = folder / "feedback.json"
    path.write_text(json.dumps({"generator": lab.provenance["sha256"], "marks": marks}))
    return path


def test_a_generator_with_a_taste_is_loaded_as_any_other(
    lab: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    feedback, out = _mark(lab, tmp_path), tmp_path / "mine.safetensors"
    call(prefer.main, *SHORT, f"feedback={feedback}", f"out={out}")
    card: dict[str, Any] = json.loads(capsys.readouterr().out)
    whole = json.loads(out.with_suffix(".json").read_text())
    assert whole["taste"] == card
    assert card["command"] == "python -m gan.prefer feedback=feedback.json digits=128 test_digits=200 steps=8"
    assert whole["command"] == f"python train.py experiment=best; {card['command']}"
    assert card["generator_sha256"] == lab.provenance["sha256"] != whole["sha256"]
    assert card["marks"] == {"liked": 25, "disliked": 25, "held back": 13}
    assert card["classes"] == ["7"]
    assert card["auc"] > 0.8
    assert card["after"]["liked"] > card["before"]["liked"]
    assert card["after"]["frechet"] < card["before"]["frechet"]
    mine = gan.load(out)
    assert (mine.names, mine.figures, mine.provenance["sha256"]) == (lab.names, {}, whole["sha256"])
    assert _ink(mine.sample(50, 7, 900).images).mean() < _ink(lab.sample(50, 7, 900).images).mean()
    assert "mine.safetensors exists: choose another name, or overwrite=true" in complaint(
        prefer.main, *SHORT, f"feedback={feedback}", f"out={out}"
    )
    refused = complaint(prefer.main, *SHORT, f"feedback={feedback}", f"ckpt={out}", f"out={tmp_path}/x.safetensors")
    assert f"it is about the generator {card['generator_sha256'][:16]}" in refused


def test_marks_without_a_taste_and_too_few_of_them_are_refused(lab: Lab, tmp_path: Path) -> None:
    words = [*SHORT, f"out={tmp_path}/x.safetensors"]
    feedback = _mark(lab, tmp_path, likes=lambda ink: torch.arange(len(ink)) % 2 > 0)
    message = complaint(prefer.main, *words, f"feedback={feedback}")
    assert "error: feedback: a taste tells marks that it did not learn from with an AUC of 0." in message
    assert message.endswith("0.60 is needed: nothing was written: mark more digits, or one kind alone")
    feedback = _mark(lab, tmp_path, 30, lambda ink: torch.arange(len(ink)) < 27)
    expected = (
        f"20 marks are needed, with 5 likes and 5 dislikes; {feedback} has 27 likes and 3 dislikes: mark more digits"
    )
    assert complaint(prefer.main, *words, f"feedback={feedback}") == f"error: feedback: {expected}"
    assert "feedback: " in complaint(prefer.main, *words, "feedback=missing.json")
    assert "a taste needs labels and a classifier" in complaint(
        prefer.main, *words, f"feedback={feedback}", "reader=none"
    )
    assert list(tmp_path.iterdir()) == [feedback]


GOOD = {"liked": 0.7, "accepted": 0.6, "read": 0.99, "frechet": 1.0}


@pytest.mark.parametrize(
    ("worse", "expected"),
    [
        ({"liked": 0.5}, "the marks held back like 50.0% of the new digits and 50.0% of the old: nothing was written"),
        ({"liked": float("nan")}, "the marks held back like nan% of the new digits"),
        ({"read": 0.98}, "98.00% of the new digits are read, and 99.00% of the old: nothing was written"),
        (
            {"frechet": 3.0},
            "the new digits are 3.00 away from digits that would be liked, and the old 2.00: nothing was",
        ),
    ],
)
def test_what_is_no_better_is_not_written(
    worse: dict[str, float], expected: str, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = {"before": GOOD | {"liked": 0.5, "frechet": 2.0}, "after": GOOD | worse}
    monkeypatch.setattr(distil, "compare", lambda *_: figures)
    feedback = _mark(lab, tmp_path)
    message = complaint(
        prefer.main, "digits=64", "test_digits=100", "steps=1", f"feedback={feedback}", f"out={tmp_path}/x.safetensors"
    )
    assert expected in message
    assert list(tmp_path.iterdir()) == [feedback]


@pytest.mark.slow
def test_it_halves_what_somebody_dislikes_and_leaves_other_classes(lab: Lab, tmp_path: Path) -> None:
    out = tmp_path / "mine.safetensors"
    call(prefer.main, f"feedback={_mark(lab, tmp_path)}", f"out={out}", "steps=600", "digits=5000", "test_digits=1000")
    mine, seeds = gan.load(out), torch.arange(1000) + 10**6
    pairs = {}
    for label in (7, 3):
        y = torch.full((1000,), label)
        pairs[label] = [torch.cat(list(sample.generate(one.generator, seeds, y))) for one in (lab, mine)]
    limit = _ink(torch.cat(list(sample.generate(lab.generator, torch.arange(50), torch.full((50,), 7))))).median()
    before, after = ((_ink(x) > limit).float().mean().item() for x in pairs[7])
    assert after < before / 2
    assert (pairs[3][1] - pairs[3][0]).abs().mean().item() / 2 < 0.01
    assert mine.reader is not None
    for label, (_, x) in pairs.items():
        assert (mine.reader(x)[1].argmax(1) == label).float().mean() > 0.98
