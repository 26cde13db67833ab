"""From runs to cards, tables and pictures."""

import json
from pathlib import Path

import pytest
from conftest import ROOT, call, complaint
from omegaconf import DictConfig

from gan import evaluate, leaderboard
from gan.cli import runs as finished
from gan.cli.compose import compose, plain
from gan.file import sha256, write_bytes, write_text

MEASURED = ROOT / "docs" / "measured"
SECOND = "2" * 64
SETTINGS = plain(compose("leaderboard", []))


@pytest.fixture(autouse=True)
def _second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(json.dumps({"sha256": SECOND}), tmp_path / "second")
    monkeypatch.setattr(finished, "SECOND", tmp_path / "second")


def _card(name: str, seed: int, fid: float, labels: bool = True, judge: str = SECOND) -> leaderboard.Card:
    figures = {"test/fid_digits": fid, "test/fid_digits_floor": 0.25}
    figures |= {"test/label_agreement": 0.99, "test/label_agreement_floor": 0.998} if labels else {}
    history = {
        "epoch": 3, "speed/images": 180_000, "speed/training_minutes": 10, "speed/judging_per_training": 0.1,
        "speed/images_per_second": 300, "speed/peak_memory_mib": 1000, "val/fid_digits": fid,
    }  # fmt: skip
    parameters = {"generator": 481_793, "discriminator": 482_497}
    return {
        "name": name, "test": {"figures": figures, "extractor": {"sha256": judge}}, "precision": "32-true",
        "history": [history], "versions": {},
        "parameters": parameters, "overrides": [f"seed={seed}", "optimizer.lr=1e-4"], "objective": fid,
        "figures": {"val/fid_digits_floor": 0.2},
    }  # fmt: skip


def test_seeds_share_a_row_with_their_mean_and_deviation() -> None:
    cards = [_card("a_1", 1, 2.0), _card("a", 0, 1.0), _card("b", 0, 0.5) | {"overrides": []}]
    assert [[card["name"] for card in row] for row in leaderboard.rows(cards)] == [["b"], ["a", "a_1"]]
    lines = leaderboard.quality(cards, SETTINGS["quality"]).splitlines()
    fid = [line.split(" | ")[:2] for line in lines[2:]]
    assert fid == [["| real images", "0.25"], ["| b", "0.50"], ["| a", "1.50 ± 0.71"]]
    cost = leaderboard.cost(cards, SETTINGS["cost"])
    assert "| a | `python train.py seed=0 optimizer.lr=1e-4` | 2 | 3 | 11.0 |" in cost
    cards[0]["device"], cards[1]["device"] = "GPU", "CPU (1 thread)"
    told = [line.split(" | ")[-1] for line in leaderboard.cost(cards, SETTINGS["cost"]).splitlines()[2:]]
    assert told == ["- |", "CPU (1 thread), GPU |"]  # a card of before does not say it


def test_what_does_not_apply_is_a_dash() -> None:
    line = leaderboard.quality([_card("a", 0, 1.0, labels=False)], SETTINGS["quality"]).splitlines()[-1]
    assert line == "| a | 1.00 |" + " - |" * (len(SETTINGS["quality"]) - 1)


def test_figures_of_another_classifier_stand_apart_with_a_mark() -> None:
    cards = [_card("new", 0, 2.0), _card("old", 0, 1.0, judge="0"), _card("newer", 1, 4.0)]
    columns = {"fid_digits": ("FID", ".2f"), "label_agreement": ("read", ".2%")}
    table, note = leaderboard.quality(cards, columns).split("\n\n")
    assert table.splitlines()[2:] == [
        "| real images | 0.25 | 99.80% |", "| new | 3.00 ± 1.41 | 99.00% |", "| old \\* | 1.00 | 99.00% |"
    ]  # fmt: skip
    assert note == leaderboard.MARKED
    assert leaderboard.MARK not in leaderboard.quality(cards[:1], columns)
    assert "| real images \\* | 0.25 |" in leaderboard.quality(cards[1:2], columns)


def test_a_row_of_seeds_is_called_by_what_they_share() -> None:
    cards = [_card(f"default_seed={seed}", seed, 1.0) for seed in range(3)]
    assert leaderboard.title(cards) == "default"
    assert leaderboard.title(cards[1:2]) == "default_seed=1"


def _put(run: Path, *words: str, tested: bool = True) -> Path:
    """A finished run as a kept card has it; a job of a sweep, if it has ``words``."""
    card = json.loads((MEASURED / "sagan.json").read_text())
    test = card.pop("test") | {"ckpt_sha256": run.name}
    run.mkdir(parents=True)
    result = card | {"config": {"trainer": {"precision": "32-true"}}, "overrides": [*words]}
    write_text(json.dumps(result), run / "result.json")
    if tested:
        write_text(json.dumps(test), run / "test.json")
    if words:
        write_text(json.dumps({"overrides": [*words]}), run / "job.json")
    write_bytes((MEASURED / "sagan.png").read_bytes(), run / "grids" / "epoch_001.png")
    return run


def test_an_unfinished_or_untested_run_says_what_to_do(tmp_path: Path) -> None:
    words = [f"out={tmp_path / 'out'}", "pages=[]"]
    (tmp_path / "mine").mkdir()
    said = complaint(leaderboard.main, f"runs=[{tmp_path / 'mine'}]", *words)
    assert "mine/result.json does not exist: the run is not finished" in said
    run = _put(tmp_path / "other", tested=False)
    said = complaint(leaderboard.main, f"runs=[{run}]", *words)
    assert said.endswith("test.json does not exist: add judge=true")


def test_a_sweep_stands_for_its_finished_jobs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sweep, out = tmp_path / "lr", tmp_path / "out"
    for name, lr in (("0_lr=1e-4", "1e-4"), ("1_lr=1e-3", "1e-3"), ("2", "3"), ("3_x=1", "4"), ("4_x=1", "5")):
        _put(sweep / name, f"optimizer.lr={lr}")
    write_text(json.dumps({"overrides": ["seed=9"]}), sweep / "5_seed=9" / "job.json")  # killed
    call(leaderboard.main, f"runs=[{sweep},{sweep}/1_lr=1e-3]", f"out={out}", "pages=[]")
    names = ["lr_2", "lr_3_x=1", "lr_4_x=1", "lr_lr=1e-3", "lr_lr=1e-4"]
    assert sorted(path.stem for path in out.glob("*.json")) == names
    assert "1 of 6 jobs are not finished and get no card" in (said := capsys.readouterr()).err
    assert all(f"| {name} {leaderboard.MARK} |" in said.out for name in names)  # by another classifier


def test_an_untested_sweep_says_how_to_test_all_of_it(tmp_path: Path) -> None:
    runs = [_put(tmp_path / f"{i}_seed={i}", f"seed={i}", tested=i == 0) for i in range(3)]
    untested = complaint(leaderboard.main, f"runs=[{tmp_path}]", f"out={tmp_path / 'out'}", "pages=[]")
    assert untested.endswith(f"{runs[1]}/test.json does not exist, nor those of 1 other: add judge=true")


def test_only_what_was_not_yet_judged_by_the_second_classifier_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [_put(tmp_path / "zoo" / f"{i}_experiment={name}", f"experiment={name}", tested=i < 2)
            for i, name in enumerate(("best", "sagan", "cgan"))]  # fmt: skip
    ckpt = runs[0] / "best.ckpt"
    ckpt.write_bytes(b"weights")
    test = json.loads((runs[0] / "test.json").read_text())
    test = test | {"ckpt_sha256": sha256(ckpt), "extractor": {"sha256": SECOND}}
    write_text(json.dumps(test), runs[0] / "test.json")
    judged = []

    def write_card(cfg: DictConfig) -> None:
        judged.append((Path(cfg.ckpt).parent.name, cfg.split, cfg.overwrite))
        write_text(json.dumps(test | {"ckpt_sha256": cfg.ckpt}), Path(cfg.ckpt).parent / "test.json")

    monkeypatch.setattr(evaluate, "write_card", write_card)
    out = tmp_path / "out"
    call(leaderboard.main, f"runs=[{tmp_path / 'zoo'}]", "judge=true", f"out={out}", "pages=[]")
    assert judged == [("1_experiment=sagan", "test", False), ("2_experiment=cgan", "test", False)]
    assert sorted(path.stem for path in out.glob("*.json")) == ["best", "cgan", "sagan"]


def test_runs_that_make_no_row_are_refused(tmp_path: Path) -> None:
    runs = [_put(tmp_path / name / "mine") for name in "ab"]
    words = [f"out={tmp_path / 'out'}", "pages=[]"]
    assert "several are called mine" in complaint(leaderboard.main, f"runs=[{runs[0]},{runs[1]}]", *words)
    write_text('{"data": "kmnist", "figures": {"test_kmnist/fid_digits": 1}}', runs[0] / "test.json")
    assert "evaluated on kmnist: the tables compare" in complaint(leaderboard.main, f"runs=[{runs[0]}]", *words)
    write_text('{"overrides": ["seed=1"]}', tmp_path / "x" / "0" / "job.json")
    assert "is a sweep without a finished job" in complaint(leaderboard.main, f"runs=[{tmp_path / 'x'}]", *words)


def test_wrong_settings_are_one_clear_line(tmp_path: Path) -> None:
    words = [f"out={tmp_path}", "pages=[]"]
    expected = "error: runs must be a list, as runs=[runs/NAME], got runs/mine"
    assert complaint(leaderboard.main, "runs=runs/mine", *words) == expected
    assert "type runs=[runs/NAME]" in complaint(leaderboard.main, *words)
    assert "add pages=[] to change none" in complaint(leaderboard.main, f"out={tmp_path}")


def test_tables_are_written_between_their_marks_and_pictures_beside_the_cards(tmp_path: Path) -> None:
    names = ("results", "quality", "cost", *leaderboard.OTHERS)
    page = tmp_path / "page.md"
    page.write_text("a\n" + "".join(f"<!-- {name} -->\nold\n<!-- /{name} -->\n" for name in names) + "b\n")
    for path in MEASURED.glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    for name in ("fid.png", "zoo.png"):
        (tmp_path / name).unlink()
    call(leaderboard.main, f"out={tmp_path}", f"pages=[{page}]")
    text = page.read_text()
    assert text.startswith("a\n<!-- results -->\n| run | FID |")
    assert text.endswith("-->\nb\n")
    assert "\nold\n" not in text
    for name in ("fid.png", "zoo.png"):
        assert (tmp_path / name).stat().st_size > 20_000


def test_only_known_marks_are_filled() -> None:
    text = "<!-- mine -->\nold\n<!-- /mine -->\n<!-- cost -->\n<!-- /cost -->"
    filled = "<!-- mine -->\nold\n<!-- /mine -->\n<!-- cost -->\nnew\n<!-- /cost -->"
    assert leaderboard.fill(text, {"cost": "new"}) == filled
