"""The border: what a person mistypes comes back as one clear line, a non-zero exit, and nothing lost."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from subprocess import CalledProcessError
from unittest.mock import Mock

import pytest
import torch
from conftest import SHORT, call, run, spawn
from safetensors.torch import load_file, save_file

from gan import checkpoint, command, evaluate, generate, override
from gan.loss import NonSaturating
from train import train


def _complaint(capsys: pytest.CaptureFixture[str], main: object, *words: object) -> str:
    with pytest.raises(SystemExit) as caught:
        call(main, *words)  # type: ignore[arg-type]
    message = str(caught.value.code)
    assert message.startswith("error: ")
    assert "\n" not in message
    assert "Traceback" not in message + capsys.readouterr().err
    return message


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("optimizer.lrr=1e-4", "optimizer.lrr: there is no such setting; did you mean optimizer.lr?"),
        ("batchsize=64", "batchsize: there is no such setting; did you mean batch_size?"),
        ("network=dcgam", "dcgam"),
        ("batch_size=0", "batch_size must be 1 or more, got 0"),
        ("batch_size=abc", "batch_size must be a whole number, got abc"),
        ("batch_size=1.5", "batch_size must be a whole number, got 1.5"),
        ("batch_size=100000", "batch_size=100000 is more than the 30000 training images"),
        ("optimizer.lr=-1", "optimizer.lr must be in (0, 1], got -1"),
        ("optimizer.lr=1e6", "optimizer.lr must be in (0, 1], got 1000000"),
        ("optimizer.lr=abc", "optimizer.lr must be a number, got abc"),
        ("trainer.max_epochs=many", "trainer.max_epochs must be a whole number, got many"),
        ("trainer.accelerator=warp", "warp"),
        ("trainer.precision=7-bit", "7-bit"),
        ("model.ema_half_life_images=-5", "ema_half_life_images must be 0"),
        ("penalty.gamma=-1", "gamma or weight must be >= 0"),
        ("data.size=30", "data.channels and data.size"),
        ("ckpt=nowhere.ckpt", "nowhere.ckpt does not exist"),
        ("loss._target_=os.system", "os.system, which is none of this project's classes"),
        ("optimizer.lr=", "optimizer.lr"),
        ("optimizer.lr=1e-4,2e-4", "optimizer.lr takes one value, got 1e-4,2e-4; train.py -m trains with each"),
        ("optimizer.lr", "optimizer.lr"),
        ("optimizer={lr: abc}", "optimizer.lr must be a number, got abc"),
        ("penalty=null", "penalty=null: there is no such choice; there are dragan"),
        ("~penalty", "penalty: there is no such setting, and something needs it"),
        ("run_dir=", "run_dir is missing"),
        ("callback=[quality]", "callback must have result"),
        ("callback=[]", "callback must have result"),
        ("--batch_size=64", "--batch_size=64: a setting has no dashes: write batch_size=..."),
    ],
)
def test_a_wrong_word_is_one_clear_line(word: str, expected: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert expected in _complaint(capsys, train, *SHORT, f"run_dir={tmp_path / 'r'}", word)


def test_it_is_so_on_the_real_command_line_too(tmp_path: Path) -> None:
    done = run("train.py", "data=digits", "optimizer.lrr=1", f"run_dir={tmp_path}")
    assert done.returncode == 1
    assert done.stderr == "error: optimizer.lrr: there is no such setting; did you mean optimizer.lr?\n"
    assert done.stdout == ""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "Permission denied" in _complaint(capsys, train, *SHORT, f"run_dir={tmp_path / 'r'}")


def test_a_folder_that_is_a_file_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert str(tmp_path / "file") in _complaint(capsys, train, *SHORT, f"run_dir={tmp_path / 'file' / 'r'}")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_full_disk_keeps_the_last_good_checkpoint(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(train, *SHORT, f"run_dir={tmp_path}")
    before = (tmp_path / "last.ckpt").read_bytes()

    def full(self: Path, data: bytes) -> None:
        with self.open("wb") as file:
            file.write(bytes(data)[: len(data) // 2])
        raise OSError(28, "No space left on device", "last.ckpt")

    monkeypatch.setattr(Path, "write_bytes", full)
    message = _complaint(capsys, train, f"ckpt={tmp_path / 'last.ckpt'}", "trainer.max_epochs=2")
    assert "last.ckpt: No space left on device" in message
    assert (tmp_path / "last.ckpt").read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".last")]


def test_a_diverging_run_stops_says_where_and_keeps_the_last_good_checkpoint(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(train, *SHORT, f"run_dir={tmp_path}")
    before = (tmp_path / "last.ckpt").read_bytes()
    honest, calls = NonSaturating.discriminator, []

    def breaks(self: NonSaturating, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return honest(self, real, fake) * (float("nan") if len(calls) == 2 else 1)

    monkeypatch.setattr(NonSaturating, "discriminator", breaks)
    message = _complaint(capsys, train, f"ckpt={tmp_path / 'last.ckpt'}", "trainer.max_epochs=3")
    assert "loss/discriminator, loss/generator not finite in epoch 1, step 1" in message
    assert "try a lower optimizer.lr" in message
    assert (tmp_path / "last.ckpt").read_bytes() == before


@pytest.mark.parametrize("main", [train, evaluate.main, generate.main])
@pytest.mark.parametrize("spoil", ["cut", "noise", "foreign", "text", "code"])
def test_a_spoilt_checkpoint_is_refused(
    main: object, spoil: str, short_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "spoilt.ckpt"
    whole = (short_run / "last.ckpt").read_bytes()
    if spoil == "cut":
        path.write_bytes(whole[: len(whole) // 2])
    elif spoil == "noise":
        path.write_bytes(bytes(range(256)) * 40)
    elif spoil == "foreign":
        contents = torch.load(short_run / "last.ckpt", weights_only=True)
        contents["hyper_parameters"]["config"]["model"]["loss"] = {"_target_": "os.system", "command": "touch pwned"}
        torch.save(contents, path)
    elif spoil == "text":
        torch.save({"weights": torch.zeros(3)}, path)
    else:
        torch.save({"hyper_parameters": {"config": {}}, "code": test_a_spoilt_checkpoint_is_refused}, path)
    words = {generate.main: [f"out={tmp_path / 'x.npz'}"], train: [f"run_dir={tmp_path / 'r'}"]}.get(main, [])
    message = _complaint(capsys, main, f"ckpt={path}", *words)
    assert str(path) in message
    assert not (tmp_path / "x.npz").exists()
    assert not Path("pwned").exists()


def test_words_a_checkpoint_carries_cannot_reach_hydra(
    short_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contents = torch.load(short_run / "last.ckpt", weights_only=True)
    contents["hyper_parameters"]["overrides"] = ["hydra.callbacks.x._target_=os.system"]
    torch.save(contents, tmp_path / "x.ckpt")
    assert "carries words that are no settings" in _complaint(capsys, train, f"ckpt={tmp_path / 'x.ckpt'}")


def test_ckpt_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert "ckpt" in _complaint(capsys, evaluate.main)
    assert "out" in _complaint(capsys, generate.main)


def test_missing_data_falls_back_in_name_config_and_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torchvision.datasets.MNIST.mirrors", [])
    words = command.settle_data([f"data.root={tmp_path}", "seed=3"])
    assert words == ["seed=3", "data=digits"]
    warning = capsys.readouterr().err
    assert "THIS RUN IS NOT MNIST" in warning
    cfg = override.compose("train", [*words, "run_dir=x"])
    assert cfg.objective == "val_bundled_digits/fid_digits"
    assert cfg.data.name == "digits"


def test_without_a_fallback_missing_data_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torchvision.datasets.MNIST.mirrors", [])
    message = _complaint(capsys, train, f"data.root={tmp_path}", "data.fallback=none", f"run_dir={tmp_path / 'r'}")
    assert "point data.root or GAN_DATA at a folder" in message


def test_help_needs_neither_data_nor_network(tmp_path: Path) -> None:
    done = run("train.py", "--cfg", "job", f"data.root={tmp_path}")
    assert done.returncode == 0
    assert "ema_half_life_images" in done.stdout


def test_a_run_on_mnist_is_not_resumed_on_other_data(
    short_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torchvision.datasets.MNIST.mirrors", [])
    contents = torch.load(short_run / "last.ckpt", weights_only=True)
    contents["hyper_parameters"]["overrides"] = [f"data.root={tmp_path}"]
    torch.save(contents, tmp_path / "a=b, c.ckpt")  # a name that means something to Hydra
    message = _complaint(capsys, train, f"ckpt={tmp_path / 'a=b, c.ckpt'}")
    assert "point data.root or GAN_DATA at a folder" in message


def test_help_and_typos_wait_for_no_heavy_import() -> None:
    code = "import sys, train; from gan import override as o; o.check_words('train', ['seed=1']); print('torch' in sys.modules)"
    assert run("-c", code).stdout.strip() == "False"


def test_auto_is_the_precision_that_suits_the_machine() -> None:
    word = override.quoted("trainer.precision=auto")
    cfg = override.compose("train", ["experiment=report", "run_dir=.", word])
    assert cfg.trainer.precision == override.fastest_precision()


def test_a_yes_or_no_takes_nothing_else() -> None:
    override.check_words("generate", ["mixed=true"])
    with pytest.raises(ValueError, match="mixed must be true or false, got maybe"):
        override.check_words("generate", ["mixed=maybe"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "out is missing: say where to, as out=digits.png"),
        (["out=null"], "out is missing: say where to"),
        (["out"], "out: cannot be read: write name=value"),
        (["n = 5"], "n = 5: cannot be read: write name=value, without spaces"),
        (["text='12"], "with quotes in pairs"),
        (["n=10,20"], "n takes one value, got 10,20"),
        (["n=1e3"], "n must be a whole number, got 1000.0"),
        (["style=null"], "style is a group of settings: set one of them, as style.thickness=..., got null"),
        (["layout=5"], "layout is a group of settings"),
        (["look=red"], "look is a group of settings: set one of them, as look.ink=..., got red"),
        (["style={bold:2}"], "style.bold: there is no such setting"),
        (["+style.bold=1"], "style.bold: there is no such setting"),
        (["+experiment=report"], "there is no such setting"),
        (["~n"], "n cannot be left out"),
        (["preset=neon"], "preset=neon: there is no such choice; there are accessible, blueprint"),
        (["preset=[sunset,paper]"], "preset takes one choice"),
        (["-m", "n=2,3"], "-m is for train.py alone"),
        (["folder=null"], "folder cannot be null"),
    ],
)
def test_a_wrong_word_of_a_command_is_one_clear_line(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = [] if not words or words[0].startswith("out") else [f"out={tmp_path / 'x.png'}"]
    assert expected in _complaint(capsys, generate.main, *words, *out)
    assert list(tmp_path.iterdir()) == []


def test_a_path_is_taken_as_it_is_typed(tmp_path: Path) -> None:
    for name in ("o'clock.png", "a,b=c.png", "back\\slash.png"):
        call(generate.main, "n=1", f"out={tmp_path / name}")
        assert (tmp_path / name).is_file()


def test_a_path_may_name_the_home_and_other_settings_and_a_text_is_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    words = ["out=~/a.png", "like=${oc.env:HOME}/b.png", "ckpt=${seed}.ckpt", "text=${seed}"]
    cfg = override.compose("generate", [override.quoted(word) for word in words])
    assert (cfg.out, cfg.like) == (f"{tmp_path}/a.png", f"{tmp_path}/b.png")
    assert (cfg.ckpt, cfg.text) == ("0.ckpt", "${seed}")


def test_hydras_own_options_are_no_words(tmp_path: Path) -> None:
    override.check_words("train", ["--config-name", "train", "seed=1"])
    done = run("train.py", "--cfg=job", "seed=1", f"data.root={tmp_path}")  # no data is looked for
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("word", ["optimizer.lr=interval(0,1)", "seed=glob(*)"])
def test_what_a_sweep_cannot_list_is_one_line(word: str) -> None:
    with pytest.raises(ValueError, match="a sweep cannot list"):
        override.check_words("train", [word], sweep=True)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), "error: out of memory: ask for fewer at once"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "error: out of memory"),
        (CalledProcessError(2, ["/usr/bin/npm", "pack"], stderr=b"no network"), "error: npm failed: no network"),
        (OSError(28, "No space left on device", "/from/x", None, "/to/x"), "/to/x: No space left on device; make room there"),
        (PermissionError(13, "Permission denied", "/x/.set.abcdefgh/made"), "/x/set: Permission denied; choose another folder"),
    ],
)
def test_what_the_machine_cannot_do_is_one_line(
    error: Exception, expected: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gan.generate.Lab", Mock(side_effect=error))
    assert expected in _complaint(capsys, generate.main, f"out={tmp_path / 'x.png'}")


@pytest.mark.parametrize("main", [train, generate.main])
def test_ctrl_c_before_anything_is_made_is_one_line(
    main: Callable[[], None], capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "check_words", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(SystemExit, match="130"):
        call(main, f"out={tmp_path / 'x.png'}")
    assert capsys.readouterr().err == "stopped\n"


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize(("sign", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_is_stopped_is_one_line_and_leaves_nothing(sign: signal.Signals, status: int, tmp_path: Path) -> None:
    # A shell's background job ignores Ctrl-C, and so would its children.
    hears = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with spawn("-m", "gan.generate", r"pattern=\d{8}", "lines=100000", f"out={tmp_path / 'set'}/", preexec_fn=hears) as process:
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
    assert (said.splitlines()[-1] == "stopped") == (sign == signal.SIGINT)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("spoilt", ["command", "test", "classifier", "generator", "latin", "nan"])
def test_a_spoilt_card_or_weight_is_one_line(spoilt: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    weights, card = (tmp_path / f"g.{end}" for end in ("safetensors", "json"))
    said, state = json.loads(checkpoint.SHIPPED.with_suffix(".json").read_text()), load_file(checkpoint.SHIPPED)
    if spoilt == "nan":
        state[next(name for name, value in state.items() if value.ndim > 1)].fill_(float("nan"))
    elif spoilt == "command":
        del said["command"]
    elif spoilt != "latin":
        said[spoilt] = {"test": [1], "classifier": 5, "generator": "x"}[spoilt]
    card.write_bytes((json.dumps(said) + ("\u00e9" if spoilt == "latin" else "")).encode("latin-1"))
    save_file(state, weights)
    message = _complaint(capsys, generate.main, f"ckpt={weights}", f"out={tmp_path / 'x.png'}")
    assert ("weights that are no numbers" if spoilt == "nan" else "g.json is damaged, or not from") in message


def test_a_damaged_judgement_beside_a_checkpoint_is_named(
    short_run: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shutil.copy(short_run / "last.ckpt", tmp_path)
    (tmp_path / "test.json").write_text("{")
    message = _complaint(capsys, generate.main, f"ckpt={tmp_path / 'last.ckpt'}", f"out={tmp_path / 'x.png'}")
    assert "test.json is damaged: delete it" in message
