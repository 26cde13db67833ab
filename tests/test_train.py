"""The main job from outside: signals, processes, and digits that appear."""

import json
import os
import signal
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
import torch
from conftest import SHORT, run, spawn

from gan import checkpoint

LONG = [*SHORT, "trainer.max_epochs=30", "trainer.limit_train_batches=20"]
TWO = [*SHORT, "trainer=ddp", "trainer.max_epochs=1", "trainer.limit_train_batches=3"]  # two processes


def _wait_for(path: Path, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not appear"
        time.sleep(0.05)


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return checkpoint.load_contents(folder / "last.ckpt")["state_dict"]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_goes_on_bit_for_bit(sign: signal.Signals, tmp_path: Path) -> None:
    # A shell's background job ignores Ctrl-C, and so would its children.
    hears = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = spawn("train.py", *LONG, f"run_dir={tmp_path / 'a'}", preexec_fn=hears)
    _wait_for(tmp_path / "a" / "grids" / "epoch_003.png")
    time.sleep(0.3)
    process.send_signal(sign)
    _, err = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in err
    if sign != signal.SIGKILL:
        assert f"go on: python train.py ckpt={tmp_path / 'a' / 'last.ckpt'}" in err
    done = checkpoint.load_contents(tmp_path / "a" / "last.ckpt")["epoch"] + 1
    assert 2 <= done < 30
    ends = f"trainer.max_epochs={done + 2}"
    assert run("train.py", f"ckpt={tmp_path / 'a' / 'last.ckpt'}", ends).returncode == 0
    assert run("train.py", *LONG, ends, f"run_dir={tmp_path / 'b'}").returncode == 0
    resumed, whole = _weights(tmp_path / "a"), _weights(tmp_path / "b")
    assert [name for name in whole if not torch.equal(*map(torch.as_tensor, (whole[name], resumed[name])))] == []


# Forked from one process that has imported all: a start costs a second then.
KILLS = """
import os, random, signal, sys, time
from pathlib import Path
from gan.cli import training
from gan.cli.compose import compose

def start(folder):
    process = os.fork()
    if process == 0:
        try:
            cfg = compose("train", [*words, "run_dir=."])
            cfg.run_dir = str(folder)
            if (folder / "last.ckpt").is_file():
                cfg.ckpt = str(folder / "last.ckpt")
            training.fit(cfg, words)
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(1)
        os._exit(0)
    return process

def stamp(path):
    return path.stat().st_mtime_ns if path.is_file() else 0

words, root = sys.argv[2:], Path(sys.argv[1])
began = time.perf_counter()
assert os.waitpid(start(root / "whole"), 0)[1] == 0
epoch = (time.perf_counter() - began) / 100  # seconds
last, source = root / "killed" / "last.ckpt", random.Random(0)
for _ in range(40):
    process, epochs, before = start(last.parent), source.randint(0, 1), stamp(last)
    while epochs and not os.waitpid(process, os.WNOHANG)[0]:
        epochs, before = epochs - (stamp(last) != before), stamp(last)
        time.sleep(0.001)
    if source.random() < 0.5:  # while a checkpoint is being written
        while not os.waitpid(process, os.WNOHANG)[0] and not list(last.parent.glob(".last.ckpt.*")):
            pass
    else:
        time.sleep(source.random() * 2 * epoch)  # in its start, or in one of two epochs
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    assert os.WIFSIGNALED(status), status
assert os.waitpid(start(last.parent), 0)[1] == 0
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
def test_forty_kills_change_no_bit_of_a_training(tmp_path: Path) -> None:
    limits = ["trainer.max_epochs=100", "trainer.limit_train_batches=2", "trainer.limit_val_batches=0"]
    quiet = ["+trainer.enable_progress_bar=false", "callback=[finite,speed,result,checkpoint]", "~callback.best"]
    done = run("-c", KILLS, tmp_path, *SHORT, *limits, *quiet, env={"OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    whole, killed = (checkpoint.load_contents(tmp_path / name / "last.ckpt") for name in ("whole", "killed"))
    for part in ("state_dict", "optimizer_states"):
        torch.testing.assert_close(killed[part], whole[part], rtol=0, atol=0, equal_nan=True)
    result = json.loads((tmp_path / "killed" / "result.json").read_text())
    assert [figures["epoch"] for figures in result["history"]] == list(range(1, 101))
    assert list((tmp_path / "killed").glob(".*.*")) == []  # what the killed ones left


SAME = """
import sys, torch
from hydra.utils import instantiate
from lightning.pytorch import Callback
from gan.cli.compose import compose
from gan.cli.trainer import make_trainer

class Same(Callback):
    def on_train_end(self, trainer, module):
        mine = torch.cat([p.detach().flatten() for p in module.parameters()])
        for theirs in module.all_gather(mine):
            assert torch.equal(theirs, mine), "weights differ between processes"
        noise = module.all_gather(torch.randn(8))
        assert not torch.equal(noise[0], noise[1]), "processes draw the same noise"
        print("same weights, other noise", trainer.global_rank, flush=True)

cfg = compose("train", sys.argv[1:])
torch.manual_seed(0)
trainer = make_trainer(cfg.trainer, callbacks=[Same()], logger=False, enable_checkpointing=False)
trainer.fit(instantiate(cfg.model, _convert_="all"), instantiate(cfg.data, _convert_="all"))
"""


@pytest.mark.slow
def test_two_processes_hold_the_same_weights_and_draw_other_noise(tmp_path: Path) -> None:
    (tmp_path / "same.py").write_text(SAME)
    done = run(tmp_path / "same.py", *TWO, "trainer.limit_val_batches=0", f"run_dir={tmp_path}")
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("same weights, other noise") == 2


@pytest.mark.slow
def test_two_processes_judge_as_one(tmp_path: Path) -> None:
    done = run("train.py", *TWO, f"run_dir={tmp_path}")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "sync_dist" not in done.stderr  # Lightning's warning of figures that differ
    two = json.loads((tmp_path / "result.json").read_text())["figures"]
    # One process evaluates the same checkpoint: the same figures to the last digit.
    code = """
import json, sys
from gan import checkpoint
from gan.cli import judging
path = sys.argv[1]
config = judging.configuration(path, checkpoint.load_contents(path), None)
_, figures = judging.judge(checkpoint.generator(path), config, "val")
print(json.dumps(figures))
"""
    alone = run("-c", code, tmp_path / "last.ckpt")
    assert alone.returncode == 0, alone.stderr
    figures = json.loads(alone.stdout.splitlines()[-1])
    for name, value in figures.items():
        assert two[name] == pytest.approx(value, rel=1e-6), name


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes cannot be killed so here")
def test_a_lost_process_ends_the_run_with_one_line_and_the_run_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    limits = ["trainer.max_epochs=3", "trainer.limit_train_batches=40", "trainer.limit_val_batches=1"]
    started = spawn("train.py", *SHORT, "trainer=ddp", *limits, f"run_dir={folder}")
    other = None
    while not (folder / "last.ckpt").is_file() or not other:
        assert started.poll() is None
        other = next(iter(psutil.Process(started.pid).children()), other)
        time.sleep(0.1)
    other.kill()
    _, err = started.communicate(timeout=60)
    assert started.returncode == 1
    assert "Traceback" not in err
    said = [line for line in err.splitlines() if line.startswith("error: ")]
    assert said == [
        f"error: a process that shared the work was lost; go on: python train.py ckpt={folder}/last.ckpt",
    ]
    done = run("train.py", f"ckpt={folder}/last.ckpt")
    assert done.returncode == 0, done.stderr[-3000:]
    epochs = [figures["epoch"] for figures in json.loads((folder / "result.json").read_text())["history"]]
    assert epochs == [1, 2, 3]


@pytest.mark.slow
def test_torchrun_starts_the_processes_too(tmp_path: Path) -> None:
    torchrun = ["-m", "torch.distributed.run", "--nproc_per_node=2", "--master_port=29613"]
    done = run(*torchrun, "train.py", *TWO, f"run_dir={tmp_path / 'run'}")
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads((tmp_path / "run" / "result.json").read_text())["figures"]["speed/images"] == 3 * 32


@pytest.mark.slow
def test_the_default_recipe_makes_readable_digits_in_one_epoch(mnist: str, tmp_path: Path) -> None:
    done = run("train.py", f"data.root={mnist}", "trainer.max_epochs=1", f"run_dir={tmp_path}")
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["figures"]["val/label_agreement"] > 0.7
    assert result["figures"]["val/fid_digits"] < 60
    assert result["figures"]["speed/peak_memory_mib"] < 2048
    assert "tensorboard --logdir" in done.stdout
