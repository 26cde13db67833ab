"""What a study has come to: its table and its plots."""

import csv
import json
import math
from pathlib import Path
from typing import Any

from optuna import Study
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from gan.file import whole
from gan.sweep import text

ENOUGH = 10  # complete trials, for importances to mean anything
_ORDER = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING, TrialState.FAIL]


def objective(trial: FrozenTrial) -> float:
    """The best of a trial's epochs; NaN before the first."""
    if trial.state == TrialState.COMPLETE and trial.value is not None:
        return trial.value
    return min(filter(math.isfinite, trial.intermediate_values.values()), default=math.nan)


def rows(study: Study, folder: Path) -> list[dict[str, Any]]:
    """Every trial: complete ones best first, then those pruned, running and failed."""
    trials = sorted(study.trials, key=lambda one: (_ORDER.index(one.state), math.isnan(value := objective(one)), value))
    return [_row(one, folder / str(one.number) / "result.json") for one in trials]


def _row(trial: FrozenTrial, result: Path) -> dict[str, Any]:
    last = json.loads(result.read_text())["history"][-1:] if result.is_file() else []
    spent = [(one.get("speed/training_minutes"), one.get("speed/judging_per_training")) for one in last]  # over restarts, too
    minutes = [training * (1 + judging) for training, judging in spent if None not in (training, judging)]
    return {
        "number": trial.number,
        "state": trial.state.name,
        "objective": objective(trial),
        **trial.params,
        "minutes": minutes[0] if minutes else "",
        "epochs": trial.last_step or 0,
        "error": trial.user_attrs.get("error", ""),
    }


def write(study: Study, folder: Path) -> list[dict[str, Any]]:
    """Write ``results.csv``; return its rows."""
    found = rows(study, folder)
    columns = list(dict.fromkeys(key for row in sorted(found, key=len, reverse=True) for key in row))
    with whole(folder / "results.csv") as partial, partial.open("w", newline="") as file:
        table = csv.DictWriter(file, columns, restval="")
        table.writeheader()
        table.writerows(found)
    return found


def table(found: list[dict[str, Any]], most: int = 10) -> str:
    """The best trials as a person reads them."""
    return text(found[:most], [name for name in found[0] if name != "error"])


def draw(study: Study, folder: Path) -> str:
    """Draw ``history.png`` and, of enough trials, ``importance.png``; return a line that says what was drawn."""
    from matplotlib.figure import Figure

    done = [one for one in study.trials if one.state == TrialState.COMPLETE]
    pictures = {"history.png": Figure(figsize=(8, 4.5), layout="constrained")}
    history(study.trials, pictures["history.png"].subplots())
    missing = f"no importance.png: it needs {ENOUGH} complete trials with different objectives, and {len(done)} are complete"
    if len(done) >= ENOUGH and len({one.value for one in done}) > 1:
        missing = ""
        shares = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
        pictures["importance.png"] = Figure(figsize=(8, 1.2 + 0.4 * len(shares)), layout="constrained")
        importance(shares, len(done), pictures["importance.png"].subplots())
    for name, figure in pictures.items():
        with whole(folder / name) as partial:
            figure.savefig(partial, format="png", dpi=110)
    return "; ".join([f"plots: {', '.join(str(folder / name) for name in pictures)}", *filter(None, [missing])])


def history(trials: list[FrozenTrial], axes: Any) -> None:
    """The objective of every trial by its number, and the best so far of those complete."""
    for state, marker, face in ((TrialState.COMPLETE, "o", "tab:blue"), (TrialState.PRUNED, "o", "none")):
        shown = [one for one in trials if one.state == state and math.isfinite(objective(one))]
        if shown:
            places = [one.number for one in shown], [objective(one) for one in shown]
            axes.scatter(*places, marker=marker, facecolor=face, edgecolor="tab:blue", label=state.name.lower(), zorder=3)
    done = [one for one in trials if one.state == TrialState.COMPLETE]
    if done:
        best = [min(objective(one) for one in done[: i + 1]) for i in range(len(done))]
        label = f"best so far, at last {best[-1]:.4g}"
        axes.step([one.number for one in done], best, where="post", color="tab:orange", label=label)
    failed = [one.number for one in trials if one.state == TrialState.FAIL]
    if failed:
        across = axes.get_xaxis_transform()  # at the lower edge, whatever the scale
        axes.scatter(failed, [0.02] * len(failed), marker="x", color="tab:red", label="failed", transform=across)
    axes.set(xlabel="trial", ylabel="objective, lower is better")
    axes.xaxis.get_major_locator().set_params(integer=True)
    heights = [value for one in trials if math.isfinite(value := objective(one))]
    if heights and max(heights) > 5 * min(heights) > 0:
        axes.set(ylabel="objective (log scale), lower is better", yscale="log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "25" else "")
    axes.grid(alpha=0.3)
    if trials:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False)  # above: points may be anywhere


def importance(shares: dict[str, float], trials: int, axes: Any) -> None:
    """Each setting's share of the variance of the objective."""
    names = list(shares)[::-1]
    bars = axes.barh(names, [shares[name] for name in names], color="tab:blue")
    axes.bar_label(bars, fmt="{:.0%}", padding=3)
    axes.set(
        xlabel=f"share of the objective's variance in {trials} complete trials",
        xlim=(0, 1.08 * max(shares.values())),
    )
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.spines[["top", "right"]].set_visible(False)
