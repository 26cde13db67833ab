"""The border: a mistake gives one clear line and a non-zero exit, and loses nothing."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from conftest import SHORT, call, complaint, run, spawn
from safetensors.torch import load_file, save_file

from gan import checkpoint, evaluate, generate
from gan.cli import command
from gan.cli.compose import compose
from gan.cli.prepare import settle_data
from gan.loss import NonSaturating
from train import train


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    folder = tmp_path if os.geteuid() else Path("/sys")  # where root may not write either
    assert f"{folder}/r: " in (said := complaint(train, *SHORT, f"run_dir={folder}/r"))
    assert said.endswith("; choose another folder")


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert str(tmp_path / "file") in complaint(train, *SHORT, f"run_dir={tmp_path / 'file' / 'r'}")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_full_disk_keeps_the_last_good_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call(train, *SHORT, f"run_dir={tmp_path}")
    before = (tmp_path / "last.ckpt").read_bytes()

    def full(self: Path, data: bytes) -> None:
        with self.open("wb") as file:
            file.write(bytes(data)[: len(data) // 2])
        raise OSError(28, "No space left on device", "last.ckpt")

    monkeypatch.setattr(Path, "write_bytes", full)
    message = complaint(train, f"ckpt={tmp_path / 'last.ckpt'}", "trainer.max_epochs=2")
    assert "last.ckpt: No space left on device" in message
    assert (tmp_path / "last.ckpt").read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".last")]


def test_a_diverging_run_stops_says_where_and_keeps_the_last_good_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(train, *SHORT, f"run_dir={tmp_path}")
    before = (tmp_path / "last.ckpt").read_bytes()
    honest, calls = NonSaturating.discriminator, []

    def breaks(self: NonSaturating, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return honest(self, real, fake) * (float("nan") if len(calls) == 2 else 1)

    monkeypatch.setattr(NonSaturating, "discriminator", breaks)
    message = complaint(train, f"ckpt={tmp_path / 'last.ckpt'}", "trainer.max_epochs=3")
    assert "loss/discriminator, loss/generator not finite in epoch 2, step 2" in message
    assert "try a lower optimizer.lr" in message
    assert (tmp_path / "last.ckpt").read_bytes() == before


@pytest.mark.parametrize("main", [train, evaluate.main, generate.main])
@pytest.mark.parametrize("spoil", ["cut", "noise", "text", "code"])
def test_a_spoilt_checkpoint_is_refused(main: object, spoil: str, short_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "spoilt.ckpt"
    whole = (short_run / "last.ckpt").read_bytes()
    if spoil == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif spoil == "noise":
        path.write_bytes(bytes(range(256)) * 40)
    elif spoil == "text":
        torch.save({"weights": torch.zeros(3)}, path)
    else:
        torch.save({"hyper_parameters": {"config": {}}, "code": test_a_spoilt_checkpoint_is_refused}, path)
    words = {generate.main: [f"out={tmp_path / 'x.npz'}"], train: [f"run_dir={tmp_path / 'r'}"]}.get(main, [])
    message = complaint(main, f"ckpt={path}", *words)
    assert str(path) in message
    assert not (tmp_path / "x.npz").exists()


def test_ckpt_is_asked_for() -> None:
    assert "ckpt" in complaint(evaluate.main)
    assert "out" in complaint(generate.main)


def test_missing_data_falls_back_in_name_config_and_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torchvision.datasets.MNIST.mirrors", [])
    words = settle_data([f"data.root={tmp_path}", "seed=3"])
    assert words == ["seed=3", "data=digits"]
    warning = capsys.readouterr().err
    assert "THIS RUN IS NOT MNIST" in warning
    cfg = compose("train", [*words, "run_dir=x"])
    assert cfg.objective == "val_bundled_digits/fid_digits"
    assert cfg.data.name == "digits"


def test_without_a_fallback_missing_data_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchvision.datasets.MNIST.mirrors", [])
    message = complaint(train, f"data.root={tmp_path}", "data.fallback=none", f"run_dir={tmp_path / 'r'}")
    assert "point data.root or GAN_DATA at a folder" in message


def test_help_needs_neither_data_nor_network(tmp_path: Path) -> None:
    done = run("train.py", "--cfg", "job", f"data.root={tmp_path}")
    assert done.returncode == 0
    assert "ema_half_life_images" in done.stdout


def test_a_run_on_mnist_is_not_resumed_on_other_data(
    short_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torchvision.datasets.MNIST.mirrors", [])
    contents = torch.load(short_run / "last.ckpt", weights_only=True)
    contents["hyper_parameters"]["overrides"] = [f"data.root={tmp_path}"]
    torch.save(contents, tmp_path / "a=b, c.ckpt")  # a name that means something to Hydra
    message = complaint(train, f"ckpt={tmp_path / 'a=b, c.ckpt'}")
    assert f"type them again: data.root={tmp_path}" in message
    message = complaint(train, f"ckpt={tmp_path / 'a=b, c.ckpt'}", f"data.root={tmp_path}")
    assert "point data.root or GAN_DATA at a folder" in message


@pytest.mark.parametrize("main", [train, generate.main])
def test_ctrl_c_before_anything_is_made_is_one_line(
    main: Callable[[], None], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "check", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(SystemExit, match="130"):
        call(main, f"out={tmp_path / 'x.png'}")
    assert capsys.readouterr().err == "stopped\n"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(("sign", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_is_stopped_is_one_line_and_leaves_nothing(sign: signal.Signals, status: int, tmp_path: Path) -> None:
    # A shell's background job ignores Ctrl-C, and so would its children.
    hears = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with spawn(
        "-m", "gan.generate", r"pattern=\d{8}", "lines=4000", f"out={tmp_path / 'set'}/", preexec_fn=hears
    ) as process:
        try:
            while not list(tmp_path.glob(".set.*/made/images/*.png")):
                assert process.poll() is None
                time.sleep(0.1)
            process.send_signal(sign)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == status
    assert "Traceback" not in said
    assert (said.splitlines()[-1:] == ["stopped"]) == (sign == signal.SIGINT)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("spoilt", ["command", "test", "generator", "latin", "nan"])
def test_a_spoilt_card_or_weight_is_one_line(spoilt: str, tmp_path: Path) -> None:
    weights, card = (tmp_path / f"g.{end}" for end in ("safetensors", "json"))
    said, state = json.loads(checkpoint.SHIPPED.with_suffix(".json").read_text()), load_file(checkpoint.SHIPPED)
    if spoilt == "nan":
        state[next(name for name, value in state.items() if value.ndim > 1)].fill_(float("nan"))
        del said["sha256"]
    elif spoilt == "command":
        del said["command"]
    elif spoilt != "latin":
        said[spoilt] = {"test": [1], "generator": "x"}[spoilt]
    card.write_bytes((json.dumps(said) + ("\u00e9" if spoilt == "latin" else "")).encode("latin-1"))
    save_file(state, weights)
    message = complaint(generate.main, f"ckpt={weights}", f"out={tmp_path / 'x.png'}")
    assert ("NaN or infinite weights" if spoilt == "nan" else "g.json is damaged, or not from") in message


def test_a_damaged_judgement_beside_a_checkpoint_is_named(short_run: Path, tmp_path: Path) -> None:
    shutil.copy(short_run / "last.ckpt", tmp_path)
    (tmp_path / "test.json").write_text("{")
    message = complaint(generate.main, f"ckpt={tmp_path / 'last.ckpt'}", f"out={tmp_path / 'x.png'}")
    assert "test.json is damaged: delete it" in message
