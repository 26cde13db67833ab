"""From runs to cards, tables and pictures."""

from pathlib import Path

import pytest
from conftest import ROOT, call, complaint

from gan import leaderboard
from gan.cli.compose import compose, plain

MEASURED = ROOT / "docs" / "measured"
SETTINGS = plain(compose("leaderboard", []))


def _card(name: str, seed: int, fid: float, labels: bool = True) -> leaderboard.Card:
    figures = {"test/fid_digits": fid, "test/fid_digits_floor": 0.25}
    figures |= {"test/label_agreement": 0.99, "test/label_agreement_floor": 0.998} if labels else {}
    history = {
        "epoch": 3, "speed/images": 180_000, "speed/training_minutes": 10, "speed/judging_per_training": 0.1,
        "speed/images_per_second": 300, "speed/peak_memory_mib": 1000, "val/fid_digits": fid,
    }  # fmt: skip
    parameters = {"generator": 481_793, "discriminator": 482_497}
    return {
        "name": name, "test": {"figures": figures}, "precision": "32-true", "history": [history], "versions": {},
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
    assert "| a | `python train.py seed=0 optimizer.lr=1e-4` | 2 | 3 ± 0 | 180,000 ± 0 | 11.0 ± 0.0 |" in cost


def test_what_does_not_apply_is_a_dash() -> None:
    line = leaderboard.quality([_card("a", 0, 1.0, labels=False)], SETTINGS["quality"]).splitlines()[-1]
    assert line == "| a | 1.00 | - | - | - | - | - | - | - | - | - | - | - |"


def test_an_unfinished_or_untested_run_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"result\.json does not exist: the run is not finished"):
        leaderboard.read_run(tmp_path)
    (tmp_path / "result.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"run python -m gan\.evaluate ckpt=.*best\.ckpt split=test"):
        leaderboard.read_run(tmp_path)


def test_wrong_settings_are_one_clear_line(tmp_path: Path) -> None:
    words = [f"out={tmp_path}", "pages=[]"]
    expected = "error: runs must be a list, as runs=[runs/NAME], got runs/mine"
    assert complaint(leaderboard.main, "runs=runs/mine", *words) == expected
    assert "type runs=[runs/NAME]" in complaint(leaderboard.main, *words)
    (tmp_path / "result.json").write_text("{}")
    assert "run python -m gan.evaluate" in complaint(leaderboard.main, f"runs=[{tmp_path}]", *words)


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
