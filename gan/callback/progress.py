"""The terminal during a training: a header, one bar, and a line for each epoch that stays."""

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar
from rich.console import Console
from rich.progress import Progress as Bar

from gan import terminal
from gan.callback import lines
from gan.callback.quality import figures_of_epoch
from gan.callback.result import Result
from gan.callback.stop import Stop
from gan.data import ImageData

ANY_WIDTH = 10**6  # of a file, where a line has no end


class Pace:
    """How long a training batch and a judging take, as measured so far.

    ``ratio``: how many batches take as long as a judging; None: not known yet.
    """

    def __init__(self) -> None:
        self.batches, self.training = 0, 0.0  # without the first batch, which compiles and caches
        self.judgings, self.judging = 0, 0.0
        self.ratio: float | None = None

    def add_batch(self, seconds: float, is_first: bool) -> None:
        """Count a training batch."""
        if not is_first:
            self.batches, self.training = self.batches + 1, self.training + seconds
        self._compare()

    def add_judging(self, seconds: float) -> None:
        """Count a judging."""
        self.judgings, self.judging = self.judgings + 1, self.judging + seconds
        self._compare()

    def _compare(self) -> None:
        if self.judgings and self.batches:
            self.ratio = self.judging / self.judgings * self.batches / self.training

    def left(self, batches: float, judgings: float) -> float | None:
        """The seconds for so many more batches and judgings; None: not known yet."""
        if not self.batches:
            return None
        return self.training / self.batches * (batches + judgings * (self.ratio or 0.0))


class Progress(ProgressBar):
    """Shows a training on ``console``, in the first of its processes.

    ``objective``: the figure that selects ``best.ckpt``.
    """

    def __init__(self, objective: str, console: Console | None = None) -> None:
        super().__init__()
        self.objective = objective
        self.console = console or terminal.make_console()
        self.is_enabled, self.pace = True, Pace()
        self._bar: Bar | None = None
        self._done = self._judged = 0  # batches of this epoch
        self._is_judging, self._is_validated = False, False

    def disable(self) -> None:
        self.is_enabled = False

    def enable(self) -> None:
        self.is_enabled = True

    def state_dict(self) -> dict[str, Any]:
        return {"ratio": self.pace.ratio}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        ratio = state_dict.get("ratio")  # none in what older versions wrote
        self.pace.ratio = float(ratio) if isinstance(ratio, int | float) else None

    def print(self, *args: Any, **kwargs: Any) -> None:
        self.console.print(*args)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not self.is_enabled:
            return
        for label, text in _describe(trainer, pl_module):
            terminal.show(self.console, lines.labelled(label, text), lines.LABEL)
        self._bar = terminal.make_bar(self.console, self._describe_pace)
        self._bar.add_task("")
        self._move("", trainer.num_training_batches)
        self._bar.start()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._began = self._mark = time.perf_counter()
        self._done, self._trained, self._is_validated = 0, 0.0, False
        self._move("", trainer.num_training_batches)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        now = time.perf_counter()
        self.pace.add_batch(now - self._mark, is_first=not self._done and not self.pace.batches)
        self._trained, self._mark, self._done = self._trained + now - self._mark, now, self._done + 1
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=self._done)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.sanity_checking:
            self._is_judging, self._judged = True, 0
            self._move(", judging", trainer.num_val_batches[0])

    def on_validation_batch_start(self, *_: Any, **__: Any) -> None:
        if not self._judged:  # the reference, which is judged once, is not counted
            self._judging_began = time.perf_counter()

    def on_validation_batch_end(self, *_: Any, **__: Any) -> None:
        self._judged += 1
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=self._judged)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking:
            return
        now = time.perf_counter()
        if self._judged:
            self.pace.add_judging(now - self._judging_began)
        self._mark, self._is_judging, self._judged, self._is_validated = now, False, 0, True
        self._move("", trainer.num_training_batches, self._done)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not self.is_enabled:
            return
        figures = figures_of_epoch(trainer)
        epoch = lines.Epoch(
            number=trainer.current_epoch + 1,
            most=_most(trainer),
            figures=figures,
            is_best=self._is_best(trainer, figures),
            speed=self._images_per_second(),
            seconds=time.perf_counter() - self._began,
        )
        width = self.console.width - len(terminal.job) if terminal.is_screen(self.console) else ANY_WIDTH
        terminal.show(self.console, lines.epoch_line(epoch, self.objective, width))

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._bar:
            self._bar.stop()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self.on_train_end(trainer, pl_module)

    def _move(self, what: str, total: float, done: int = 0) -> None:
        """Show the progress of something else, of ``total`` steps."""
        if self._bar:
            epoch = lines.count(self.trainer.current_epoch + 1, _most(self.trainer))
            task = self._bar.task_ids[0]
            self._bar.update(task, description=f"{epoch}{what:<9}", total=total, completed=done)

    def _is_best(self, trainer: Trainer, figures: Mapping[str, float]) -> bool:
        """Whether this epoch is better than all before it."""
        value, number = figures.get(self.objective, math.nan), trainer.current_epoch + 1
        results = [one for one in trainer.callbacks if isinstance(one, Result)]  # type: ignore[attr-defined]
        history = [past for result in results for past in result.history if past["epoch"] < number]
        return math.isfinite(value) and not any(past.get(self.objective, math.nan) <= value for past in history)

    def _images_per_second(self) -> float:
        """Of this epoch, in all processes."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        assert isinstance(data, ImageData)
        return self._done * data.batch_size / max(self._trained, 1e-9)

    def _describe_pace(self) -> str:
        """Images per second of this epoch, and the time until the training ends."""
        seconds = self._left()
        left = "" if seconds is None else f"  {terminal.clock(seconds)} left"
        return f"{self._images_per_second():,.0f} images/s{left}" if self._done else ""

    def _left(self) -> float | None:
        """Seconds until the training ends: by its epochs, or sooner by trainer.max_time."""
        trainer = self.trainer
        stops = [one for one in trainer.callbacks if isinstance(one, Stop)]  # type: ignore[attr-defined]
        found = [stop.time_remaining() for stop in stops]
        if (most := _most(trainer)) > 0:
            now, every = trainer.current_epoch, trainer.check_val_every_n_epoch or 1
            batches = (most - now) * trainer.num_training_batches - self._done
            judgings = float(most // every - now // every) if trainer.enable_validation else 0.0
            if self._is_validated:
                judgings -= 1
            elif self._is_judging:
                judgings -= self._judged / max(1, trainer.num_val_batches[0])
            found.append(self.pace.left(batches, judgings))
        return min((max(0.0, one) for one in found if one is not None), default=None)


def _most(trainer: Trainer) -> int:
    return -1 if trainer.max_epochs is None else trainer.max_epochs


def _describe(trainer: Trainer, module: LightningModule) -> list[tuple[str, str]]:
    """What is trained on what, by what, and where: a label and a text for each line."""
    data = trainer.datamodule  # type: ignore[attr-defined]
    assert isinstance(data, ImageData)
    words = lines.typed(list(module.hparams.get("overrides", [])))
    network = type(module.get_submodule("generator")).__module__.rpartition(".")[2]
    val = len(data.splits["val"])
    times = f" ({data.repeat} times an epoch)" if data.repeat > 1 else ""
    classes = "1 class" if data.classes == 1 else f"{data.classes:,} classes"
    known = f", {data.known:,} with a label" if data.known < data.size else ""
    images = f"{data.size:,} images{times} of {classes}{known}, judged by {val:,} of them"
    sizes = [sum(p.numel() for p in module.get_submodule(net).parameters()) for net in ("generator", "discriminator")]
    most, first = _most(trainer), trainer.current_epoch + 1
    epochs = f"{most} epoch{'s' if most != 1 else ''}" if most > 0 else "any number of epochs"
    epochs = f"epochs {first} to {most}" if 1 < first < most else f"epoch {most}" if 1 < first == most else epochs
    numbers = "generator {:,}, discriminator {:,} parameters".format(*sizes)
    return [
        ("training", f"{words}: {network} on {data.name}, {images}"),
        ("model", f"{numbers}; {lines.device(trainer)}, {trainer.precision}; {epochs}"),
        ("folder", lines.shown(Path(trainer.default_root_dir))),
    ]
