"""The results of a study: a table of its trials, and plots."""

import math
from collections.abc import Callable
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from optuna import Study
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from gan.file import atomic_write, load_record
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
    _draw(partial(plot_history, study.trials), 4.5, history)
    values = [trial.value for trial in study.trials if trial.state == TrialState.COMPLETE]
    if len(values) < ENOUGH or len(set(values)) == 1:
        needed = f"{ENOUGH} complete trials with different objectives"
        return f"plot: {history}; no importance.png: it needs {needed}, and {len(values)} are complete"
    shares = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    _draw(partial(plot_importance, shares, len(values)), 1.2 + 0.4 * len(shares), importance)
    return f"plots: {history}, {importance}"


def _draw(plot: Callable[[Axes], None], height: float, path: Path) -> None:
    figure = Figure(figsize=(8, height), layout="constrained")
    plot(figure.subplots())
    with atomic_write(path) as beside:
        figure.savefig(beside, format="png", dpi=110)


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
    if failed := list(points[TrialState.FAIL]):
        across = axes.get_xaxis_transform()  # at the lower edge, whatever the scale
        axes.scatter(failed, [0.02] * len(failed), marker="x", color="tab:red", label="failed", transform=across)
    axes.set(xlabel="trial", ylabel="objective, lower is better")
    axes.locator_params("x", integer=True)
    heights = list(filter(math.isfinite, map(objective, trials)))
    if heights and max(heights) > 5 * min(heights) > 0:
        axes.set(ylabel="objective (log scale), lower is better", yscale="log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "25" else "")
    axes.grid(alpha=0.3)
    if trials:
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False)  # above: points may be anywhere


def plot_importance(shares: dict[str, float], trials: int, axes: Axes) -> None:
    """Plot each setting's share of the variance of the objective."""
    names = list(shares)[::-1]
    bars = axes.barh(names, [shares[name] for name in names], color="tab:blue")
    axes.bar_label(bars, fmt="{:.0%}", padding=3)
    label = f"share of the objective's variance in {trials} complete trials"
    axes.set(xlabel=label, xlim=(0, 1.08 * max(shares.values())))
    axes.xaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    axes.spines[["top", "right"]].set_visible(False)
