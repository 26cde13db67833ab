"""A training takes the cores that are free, and says so."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from gan.callback import threads
from gan.cli.trainer import validate_trainer


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def watched(monkeypatch: pytest.MonkeyPatch, others: float, *, world: int = 1, device: str = "cpu") -> threads.Threads:
    """A callback after two batches of four seconds, on two cores of which others use so much."""
    clock = {"now": 0.0}
    monkeypatch.setattr(threads.time, "perf_counter", lambda: clock["now"])
    monkeypatch.setattr(threads.time, "process_time", lambda: (2 - others) * clock["now"])
    monkeypatch.setattr(threads, "busy_seconds", lambda cores: 2 * clock["now"])
    watch = threads.Threads()
    watch.cores = {0, 1}
    strategy = SimpleNamespace(root_device=torch.device(device))
    trainer = SimpleNamespace(world_size=world, strategy=strategy)
    watch.on_train_start(trainer, None)  # type: ignore[arg-type]
    for _ in range(2):
        clock["now"] += 4
        watch.on_train_batch_end(trainer)  # type: ignore[arg-type]
    return watch


@pytest.mark.parametrize(
    ("cores", "others", "fitting"),
    [(2, 0.0, 2), (2, 0.4, 2), (2, 0.67, 1), (2, 2.0, 1), (8, 0.9, 7), (8, 4.2, 4), (1, 0.5, 1)],
)
def test_a_core_that_others_use_by_half_is_left_to_them(cores: int, others: float, fitting: int) -> None:
    assert threads.fitting_threads(cores, others) == fitting


@pytest.mark.usefixtures("two_threads")
def test_threads_go_down_once_where_others_take_a_core(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watched(monkeypatch, others=0.7)
    assert torch.get_num_threads() == 1
    assert capsys.readouterr().err == (
        "other programs use 0.7 of 2 cores: the training goes on with 1 thread instead of 2 "
        "(trainer.threads=2 would keep them)\n"
    )


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    ("others", "world", "device"), [(0.1, 1, "cpu"), (1.5, 2, "cpu"), (1.5, 1, "cuda")], ids=["idle", "ddp", "gpu"]
)
def test_threads_stay_as_they_are(
    others: float, world: int, device: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watched(monkeypatch, others, world=world, device=device)
    assert torch.get_num_threads() == 2
    assert not capsys.readouterr().err


def test_the_work_of_a_core_is_what_the_system_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stat").write_text("cpu 9 9 9 9\ncpu0 100 10 40 999 7 1 2 47 5 5\ncpu1 1 1 1 1 1 1 1 1\nintr 5\n")
    monkeypatch.setattr(threads, "STAT", tmp_path / "stat")
    assert threads.busy_seconds({0}) == 200 / os.sysconf("SC_CLK_TCK")
    monkeypatch.setattr(threads, "STAT", tmp_path / "none")
    assert str(threads.busy_seconds({0})) == "nan"


@pytest.mark.usefixtures("two_threads")
def test_a_number_of_threads_is_kept_and_auto_obeys_what_limits_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with threads.limited(3) as callbacks:
        assert (torch.get_num_threads(), callbacks) == (3, [])
    monkeypatch.setattr(threads, "QUOTA", tmp_path / "cpu.max")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with threads.limited("auto") as callbacks:
        assert (torch.get_num_threads(), callbacks) == (2, [])
    monkeypatch.delenv("OMP_NUM_THREADS")
    for allowed, found in (("80000 100000", 1), ("150000 100000", 2), ("max 100000", 2)):
        (tmp_path / "cpu.max").write_text(allowed)
        with threads.limited("auto") as callbacks:
            assert torch.get_num_threads() == found
            assert [type(one) for one in callbacks] == [threads.Threads]
    assert torch.get_num_threads() == 2


def test_threads_are_a_whole_number_or_auto() -> None:
    trainer = {"precision": "32-true", "strategy": "auto", "max_epochs": 1, "limit_train_batches": 1, "max_time": None}
    for wrong in (0, 2.5, "many", True, 1025):
        with pytest.raises(ValueError, match=r"trainer\.threads, unless auto, must be a whole number from 1 to 1,024"):
            validate_trainer(trainer | {"threads": wrong})


@pytest.mark.slow
@pytest.mark.usefixtures("two_threads")
def test_busy_programs_are_noticed_by_the_work_of_the_cores(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(threads, "SECONDS", 1.0)
    watch = threads.Threads()
    trainer = SimpleNamespace(world_size=1, strategy=SimpleNamespace(root_device=torch.device("cpu")))
    programs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in watch.cores]
    try:
        watch.on_train_start(trainer, None)  # type: ignore[arg-type]
        began, x = time.perf_counter(), torch.randn(500, 500)
        while time.perf_counter() - began < 1.5:
            x @ x
        watch.on_train_batch_end(trainer)  # type: ignore[arg-type]
    finally:
        for program in programs:
            program.kill()
            program.wait()
    assert torch.get_num_threads() == 1
    assert "the training goes on with 1 thread instead of 2" in capsys.readouterr().err
