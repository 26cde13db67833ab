"""From runs to cards, tables and pictures."""

import json
from pathlib import Path

import pytest
from conftest import ROOT, call

from gan import leaderboard

KEPT = sorted(path for path in (ROOT / "gan" / "measured").glob("*.json") if path.stem not in leaderboard.OTHERS)
EMPTY = "".join(f"<!-- {mark} -->\nold\n<!-- /{mark} -->\n" for mark in ("quality", "cost", "papers", *leaderboard.OTHERS))


def _card(name: str, seed: int, fid: float, labels: bool = True) -> dict[str, object]:
    figures = {"test/fid_digits": fid, "test/fid_digits_floor": 0.25}
    figures |= {"test/label_agreement": 0.99, "test/label_agreement_floor": 0.998} if labels else {}
    history = {
        "epoch": 3, "speed/images": 180_000, "speed/training_minutes": 10, "speed/judging_per_training": 0.1,
        "speed/images_per_second": 300, "speed/peak_memory_mib": 1000, "val/fid_digits": fid,
    }  # fmt: skip
    return {
        "name": name, "test": {"figures": figures}, "precision": "32-true", "history": [history], "versions": {},
        "parameters": {"generator": 481_793, "discriminator": 482_497}, "overrides": [f"seed={seed}", "optimizer.lr=1e-4"],
        "objective": fid, "figures": {"val/fid_digits_floor": 0.2},
    }  # fmt: skip


def test_seeds_share_a_row_with_their_mean_and_deviation() -> None:
    cards = [_card("a_1", 1, 2.0), _card("a", 0, 1.0), _card("b", 0, 0.5) | {"overrides": []}]
    assert [[one["name"] for one in row] for row in leaderboard.rows(cards)] == [["b"], ["a", "a_1"]]
    lines = leaderboard.quality(cards).splitlines()
    assert [line.split(" | ")[:2] for line in lines[2:]] == [["| real images", "0.25"], ["| b", "0.50"], ["| a", "1.50 ± 0.71"]]
    assert "| a | `python train.py seed=0 optimizer.lr=1e-4` | 2 | 3 ± 0 | 180 ± 0 | 11.0 ± 0.0 |" in leaderboard.cost(cards)


def test_what_does_not_apply_is_a_dash() -> None:
    line = leaderboard.quality([_card("a", 0, 1.0, labels=False)]).splitlines()[-1]
    assert line == "| a | 1.00 | - | - | - | - | - | - | - | - | - | - | - |"


def test_an_unfinished_or_untested_run_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"result\.json does not exist: the run is not finished"):
        leaderboard.card(tmp_path)
    with pytest.raises(SystemExit, match=r"runs must be a list, as runs=\[runs/NAME\], got runs/mine"):
        call(leaderboard.main, "runs=runs/mine", f"out={tmp_path}")
    (tmp_path / "result.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match=r"run python -m gan\.evaluate ckpt=.*best\.ckpt split=test"):
        leaderboard.card(tmp_path)


@pytest.mark.skipif(not KEPT, reason="no run is kept")
def test_tables_are_written_between_their_marks_and_pictures_beside_the_cards(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"a\n{EMPTY}b\n")
    for path in (ROOT / "gan" / "measured").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    call(leaderboard.main, f"out={tmp_path}", f"readme={readme}")
    text = readme.read_text()
    assert text.startswith("a\n<!-- quality -->\n| run | FID |")
    assert text.endswith("-->\nb\n")
    assert "\nold\n" not in text
    for name in ("fid.png", "zoo.png"):
        assert (tmp_path / name).stat().st_size > 20_000


def test_the_readmes_tables_are_those_of_the_kept_cards() -> None:
    cards = [json.loads(path.read_text()) for path in KEPT]
    text = (ROOT / "README.md").read_text()
    for table in (leaderboard.quality(cards), leaderboard.cost(cards), leaderboard.papers()):
        assert table in text


def test_a_readme_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no lines <!-- quality --> and <!-- /quality -->"):
        leaderboard.between("quality", "x", "text")


@pytest.mark.parametrize("name", [name for name in leaderboard.OTHERS if (ROOT / f"gan/measured/{name}.json").is_file()])
def test_the_readmes_other_tables_are_those_of_what_was_measured(name: str) -> None:
    found = json.loads((ROOT / "gan" / "measured" / f"{name}.json").read_text())
    assert leaderboard.OTHERS[name](found) in (ROOT / "README.md").read_text()
