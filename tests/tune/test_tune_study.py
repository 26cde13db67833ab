"""Studies: who takes which trial, with which settings, and what a kill leaves to do."""

import json
from pathlib import Path
from typing import Any

import optuna
import pytest
from omegaconf import DictConfig
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState

from gan.cli.compose import compose
from gan.tune.space import Space, from_sweep
from gan.tune.study import open_study, run_trial, take_trial

Params = dict[str, Any]


def _open(folder: Path, *words: str) -> tuple[DictConfig, optuna.Study, Space]:
    cfg = compose("tune", [f"run_dir={folder}", *words])
    searched = from_sweep(cfg.sweep, [])
    return cfg, open_study(cfg, [], searched), searched


def test_the_same_seed_proposes_the_same_and_a_pause_changes_nothing(tmp_path: Path) -> None:
    drawn: dict[str, list[Params]] = {"whole": [], "paused": []}
    for name, params in drawn.items():
        cfg, opened, searched = _open(tmp_path / name, "trials=8", "sampler.n_startup_trials=3")
        while taken := take_trial(opened, cfg, searched):
            params.append(taken[0].params)
            opened.tell(taken[0], params[-1]["optimizer.lr"])
            taken[1].release()
            if name == "paused":
                opened = open_study(cfg, [], searched)
    assert len(drawn["whole"]) == 8
    assert drawn["whole"] == drawn["paused"]
    assert len({one["optimizer.lr"] for one in drawn["whole"]}) == 8


def test_a_trial_is_taken_by_one_worker_and_by_another_only_when_that_one_is_gone(tmp_path: Path) -> None:
    cfg, mine, searched = _open(tmp_path, "trials=2")
    _, theirs, _ = _open(tmp_path, "trials=2")
    first, second = take_trial(mine, cfg, searched), take_trial(theirs, cfg, searched)
    assert first
    assert second
    assert (first[0].number, second[0].number) == (0, 1)
    assert take_trial(theirs, cfg, searched) is None
    first[1].release()  # as the system does when a process ends
    again = take_trial(theirs, cfg, searched)
    assert again
    assert again[0].number == 0
    assert again[0].params == first[0].params
    assert first[0].params != second[0].params
    theirs.tell(again[0], 1.0)
    again[1].release()
    assert take_trial(mine, cfg, searched) is None


def test_a_trial_killed_while_its_settings_were_drawn_is_filled_up(tmp_path: Path) -> None:
    cfg, opened, searched = _open(tmp_path, "trials=1")
    (tmp_path / "0").mkdir()
    drawn = opened.ask().suggest_float("optimizer.lr", 1e-4, 4e-3, log=True)
    taken = take_trial(opened, cfg, searched)
    assert taken
    assert taken[0].number == 0
    assert taken[0].params["optimizer.lr"] == drawn
    assert taken[0].params.keys() == searched.keys()


def test_a_trial_killed_before_it_could_tell_is_not_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[object] = []
    monkeypatch.setattr("gan.cli.training.fit", trained.append)
    cfg, opened, searched = _open(tmp_path, "trials=2")
    for ended in ({"objective": 3.5, "history": []}, None):
        taken = take_trial(opened, cfg, searched)
        assert taken
        if ended:
            (tmp_path / "0" / "result.json").write_text(json.dumps(ended))
        else:
            taken[0].report(5.0, 1)
            taken[0].set_user_attr("pruned", True)
        run_trial(opened, taken[0], cfg, [])
        taken[1].release()
    assert trained == []
    assert [(one.state, one.value) for one in opened.trials] == [(TrialState.COMPLETE, 3.5), (TrialState.PRUNED, 5.0)]


def test_another_study_or_run_in_the_folder_is_refused(tmp_path: Path) -> None:
    cfg, _, searched = _open(tmp_path)
    with pytest.raises(ValueError, match=r"other overrides \(\): choose another run_dir"):
        open_study(cfg, ["seed=3"], searched)
    with pytest.raises(ValueError, match="another search space: choose another run_dir"):
        open_study(cfg, [], searched | {"optimizer.lr": FloatDistribution(0.1, 0.2)})
    cfg, opened, searched = _open(tmp_path / "sweep")
    (tmp_path / "sweep" / "0").mkdir()
    (tmp_path / "sweep" / "0" / "result.json").write_text("{}")
    with pytest.raises(ValueError, match="0 holds a run that is not of this study"):
        take_trial(opened, cfg, searched)
