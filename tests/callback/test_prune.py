"""What a trial of a study hears of a training."""

from types import SimpleNamespace
from typing import Any

from gan.callback import Prune


def test_only_judged_epochs_are_reported() -> None:
    heard: list[int] = []
    trial: Any = SimpleNamespace(report=lambda value, epoch: heard.append(epoch), should_prune=lambda: False)
    settings = {"max_epochs": 5, "check_val_every_n_epoch": 2}
    trainer: Any = SimpleNamespace(callback_metrics={"val/fid": 1.0}, should_stop=False, **settings)
    prune, module = Prune(trial, "val/fid"), None
    for trainer.current_epoch in range(5):
        prune.on_train_epoch_end(trainer, module)  # type: ignore[arg-type]
    assert heard == [2, 4]
