"""What a trial of a study hears of a training."""

from types import SimpleNamespace
from typing import Any

from gan.callback import Prune


def test_only_judged_epochs_are_reported() -> None:
    heard: list[int] = []
    trial: Any = SimpleNamespace(report=lambda value, epoch: heard.append(epoch), should_prune=lambda: False)
    trainer: Any = SimpleNamespace(max_epochs=5, callback_metrics={"fid": 1.0}, should_stop=False)
    prune, module = Prune(trial, "fid"), None
    for trainer.current_epoch in range(5):
        if trainer.current_epoch % 2:
            prune.on_validation_end(trainer, module)  # type: ignore[arg-type]
        prune.on_train_epoch_end(trainer, module)  # type: ignore[arg-type]
    assert heard == [2, 4]
