"""The results of a study: a table of its trials, and plots."""

import math
from itertools import accumulate
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from optuna import Study
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from gan import plot
from gan.file import load_record
from gan.table import write_csv

ENOUGH = 10  # complete trials, for importances to mean anything
ORDER = ["COMPLETE", "PRUNED", "RUNNING", "FAIL"]
Row = dict[str, Any]


def objective(trial: FrozenTrial) -> float:
    """The best value of a trial's epochs; NaN before the first."""
    if trial.state == TrialState.COMPLETE and trial.value is not None:
        return trial.value
    return min(filter(math.isfinite, trial.intermediate_values.values()), default=math.nan)


def _row(trial: FrozenTrial, result: Path) -> Row:
    history = load_record(result).get("history", [])
    last = history[-1] if history else {}
    training, share = last.get("speed/training_minutes"), last.get("speed/judging_per_training")  # with restarts
    return {
        "number": trial.number,
        "state": trial.state.name,
        "objective": objective(trial),
        **trial.params,
        "minutes": "" if training is None or share is None else training * (1 + share),
        "epochs": trial.last_step or 0,
        "error": trial.user_attrs.get("error", ""),
    }


def write(study: Study, folder: Path) -> list[Row]:
    """Write ``results.csv``; return its rows: complete trials, best first, then the others."""
    rows = [_row(trial, folder / str(trial.number) / "result.json") for trial in study.trials]
    rows.sort(key=lambda row: (ORDER.index(row["state"]), math.isnan(row["objective"]), row["objective"]))
    write_csv(rows, folder / "results.csv")
    return rows


def draw(study: Study, folder: Path) -> str:
    """Draw ``history.png`` and, with enough trials, ``importance.png``; name them in a line."""
    history, importance = folder / "history.png", folder / "importance.png"
    shown = plot.figure()
    plot_history(study.trials, shown.subplots())
    plot.save(shown, history)
    values = [trial.value for trial in study.trials if trial.state == TrialState.COMPLETE]
    if len(values) < ENOUGH or len(set(values)) == 1:
        needed = f"{ENOUGH} complete trials with different objectives"
        return f"plot: {history}; no importance.png: it needs {needed}, and {len(values)} are complete"
    shares = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    shown = plot.figure(height=1.2 + 0.4 * len(shares))
    plot_importance(shares, len(values), shown.subplots())
    plot.save(shown, importance)
    return f"plots: {history}, {importance}"


def plot_history(trials: list[FrozenTrial], axes: Axes) -> None:
    """Plot every trial's objective over its number, and the best so far of the complete ones."""
    points = {state: {one.number: objective(one) for one in trials if one.state == state} for state in TrialState}
    done = points[TrialState.COMPLETE]
    for shown, face, label in ((done, "tab:blue", "complete"), (points[TrialState.PRUNED], "none", "pruned")):
        if shown:
            axes.scatter(list(shown), list(shown.values()), facecolor=face, edgecolor="tab:blue", label=label, zorder=3)
    if done:
        best = list(accumulate(done.values(), min))
        label = f"best so far, at last {best[-1]:.4g}"
        axes.step(list(done), best, where="post", color="tab:orange", label=label)
    plot.edge(axes, list(points[TrialState.FAIL]))
    axes.set(xlabel="trial")
    axes.locator_params("x", integer=True)
    plot.scale(axes.yaxis, "objective", map(objective, trials))
    axes.grid(alpha=0.3)
    plot.legend_above(axes)


def plot_importance(shares: dict[str, float], trials: int, axes: Axes) -> None:
    """Plot each setting's share of the variance of the objective."""
    names = list(shares)[::-1]
    bars = axes.barh(names, [shares[name] for name in names], color="tab:blue")
    axes.bar_label(bars, fmt="{:.0%}", padding=3)
    label = f"share of the objective's variance in {trials} complete trials"
    axes.set(xlabel=label, xlim=(0, 1.08 * max(shares.values())))
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.spines[["top", "right"]].set_visible(False)
