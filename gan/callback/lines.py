"""The lines of a training: what it trains, how each epoch went, where to go from there."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from lightning.pytorch import Trainer
from rich.text import Text

from gan.error import printable

NAMES = {
    "fid_digits": "FID",
    "fid_inception": "Inception FID",
    "mode_kl": "mode KL",
    "modes_covered": "modes",
    "label_agreement": "labels right",
    "c2st": "C2ST",
}
BESIDE = ("label_agreement", "modes_covered", "c2st")  # figures that stand beside the objective, if there are any
LABEL = 10  # characters of what begins a line before and after the epochs
Part = str | tuple[str, str]  # plain, or with a style


class Epoch(NamedTuple):
    """An epoch as it is shown. ``figures``: of its validation; empty if there was none."""

    number: int  # from 1
    most: int  # -1: no end
    figures: Mapping[str, float]
    is_best: bool
    speed: float  # images per second
    seconds: float


def name(figure: str) -> str:
    """A figure's name for people, with the data set if that is not MNIST.

    val_kmnist/fid_digits is FID of kmnist.
    """
    stage, _, metric = figure.rpartition("/")
    tag = stage.partition("_")[2].replace("_", " ")
    return f"{NAMES.get(metric, metric.replace('_', ' '))}{f' of {tag}' if tag else ''}"


def value(figure: str, figures: Mapping[str, float]) -> str:
    """A figure, as a share if it is one: 1.93, 98.4%."""
    number = figures[figure]
    if figure.endswith(("label_agreement", "/c2st")):
        return f"{number:.1%}"
    if figure.endswith("modes_covered"):
        return f"{number:,.0f}"
    return f"{number:.2f}" if abs(number) >= 0.1 else f"{number:.2g}"


def beside_floor(figure: str, figures: Mapping[str, float], width: int = 0) -> list[Part]:
    """A figure, at least ``width`` characters wide, and that of other real images."""
    parts: list[Part] = [f"{name(figure)} ", (f"{value(figure, figures):>{width}}", "bold")]
    if (floor := f"{figure}_floor") in figures:
        parts.append((f" (real {value(floor.removesuffix('_floor'), {figure: figures[floor]})})", "dim"))
    return parts


def count(epoch: int, most: int) -> str:
    """An epoch of how many, as wide as the last one."""
    return f"epoch {epoch:>{len(str(most))}}/{most}" if most > 0 else f"epoch {epoch}"


def epoch_line(epoch: Epoch, objective: str, width: int) -> Text:
    """How an epoch went, in ``width`` characters: what matters least is left out."""
    cells: list[list[Part]] = [[(count(epoch.number, epoch.most), "cyan")]]
    figures, stage = epoch.figures, objective.rpartition("/")[0]
    if objective in figures:
        cells.append(beside_floor(objective, figures, 6))
    for one in (f"{stage}/{metric}" for metric in BESIDE):
        if one in figures and one != objective:
            cells.append([f"{NAMES[one.rpartition('/')[2]]} ", f"{value(one, figures):>6}"])
    cells += [[f"{epoch.seconds:.0f} s".rjust(5)], [f"{epoch.speed:,.0f} images/s"]]
    best: list[Part] = [("  best", "bold green")] if epoch.is_best else []
    while len(cells) > 2 and len(line := _join(cells, best)) > width:
        cells.pop()
    return _join(cells, best) if len(cells) <= 2 else line


def _join(cells: Sequence[Sequence[Part]], end: Sequence[Part]) -> Text:
    parts = [part for i, cell in enumerate(cells) for part in (*(["  "] if i else []), *cell)]
    return Text.assemble(*parts, *end)


def labelled(label: str, *text: Part, style: str = "bold") -> Text:
    """A line that begins with what it is about."""
    return Text.assemble((f"{label:<{LABEL}}", style), *text)


def shown(path: Path) -> str:
    """A path as it can be typed in the current folder."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_absolute() and path.is_relative_to(here) else str(path)


def next_steps(folder: Path, again: Sequence[str]) -> list[str]:
    """Commands that use the best checkpoint in ``folder``, as they can be typed.

    ``again``: overrides that no checkpoint carries, as the folder of one's own data.
    """
    ckpt = f"ckpt={shown(folder / 'best.ckpt')}"
    root = [word for word in again if word.startswith("data.root=")]
    commands = [
        ["python", "-m", "gan.generate", ckpt, "out=digits.png"],
        ["python", "-m", "gan.evaluate", ckpt, *root, "split=test"],
    ]
    if any(folder.glob("events.out.tfevents.*")):
        commands.append(["tensorboard", "--logdir", shown(folder)])
    return [shlex.join(command) for command in commands]


def end(objective: str, best: Mapping[str, float], epochs: int, folder: Path) -> list[Text]:
    """The best epoch, and where it and its pictures are."""
    if not best:
        return [labelled("end", f"no epoch was judged: {shown(folder / 'last.ckpt')}")]
    place = f" in epoch {best['epoch']:.0f} of {epochs}: {shown(folder / 'best.ckpt')}"
    figure = labelled("best", *beside_floor(objective, best), place, style="bold green")
    return [figure, labelled("pictures", shown(folder / "grids"))]


def typed(words: Sequence[str]) -> str:
    """What was typed, for a terminal; the default recipe if nothing was."""
    return printable(shlex.join(words), 400) if words else "default recipe"


def device(trainer: Trainer) -> str:
    """The device with its threads or its name, and the number of processes if not 1."""
    root = trainer.strategy.root_device
    if root.type == "cpu":
        count = torch.get_num_threads()
        found = f"CPU ({count} thread{'s' if count != 1 else ''})"
    elif root.type == "cuda":
        found = torch.cuda.get_device_name(root)
    else:
        found = root.type.upper()
    return f"{trainer.world_size} x {found}" if trainer.world_size > 1 else found
