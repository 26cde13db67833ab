"""What a person types is taken as meant, or refused in one clear line."""

import io
from contextlib import redirect_stderr
from pathlib import Path
from unittest.mock import Mock

import pytest
from conftest import SHORT, call, complaint, run
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from gan import generate
from gan.cli import training
from gan.cli.check import check
from gan.cli.compose import compose, fastest_precision, quote
from gan.cli.errors import is_user_error, root_cause
from gan.error import UserError
from gan.file import CONF
from train import train


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("optimizer.lrr=1e-4", "optimizer.lrr: there is no such setting; did you mean optimizer.lr?"),
        ("batchsize=64", "batchsize: there is no such setting; did you mean batch_size?"),
        (
            "network=dcgam",
            "there are dcgan, equalised, progan, r3gan, report, sagan, semi, sngan; did you mean network=dcgan?",
        ),
        ("batch_size=0", "batch_size must be a whole number from 1 to 1,000,000,000, got 0"),
        ("batch_size=abc", "batch_size must be a whole number, got abc"),
        ("batch_size=1.5", "batch_size must be a whole number, got 1.5"),
        ("batch_size=100000", "batch_size=100000 is more than the 30000 training images"),
        ("optimizer.lr=-1", "optimizer.lr must be a number from 1e-09 to 1, got -1"),
        ("optimizer.lr=1e6", "optimizer.lr must be a number from 1e-09 to 1, got 1000000"),
        ("optimizer.lr=abc", "optimizer.lr must be a number, got abc"),
        ("trainer.max_epochs=many", "trainer.max_epochs must be a whole number, got many"),
        ("trainer.accelerator=warp", "warp"),
        ("trainer.precision=7-bit", "7-bit"),
        ("model.ema_half_life_images=-5", "ema_half_life_images must be a number from 0 to 1e+12, got -5"),
        ("penalty.gamma=-1", "penalty.gamma must be a number from 0 to 1e+06, got -1"),
        ("data.size=30", "data.channels and data.size"),
        ("ckpt=nowhere.ckpt", "nowhere.ckpt does not exist"),
        ("loss._target_=os.system", "os.system"),
        ("optimizer.lr=", "optimizer.lr"),
        ("optimizer.lr=1e-4,2e-4", "optimizer.lr takes one value, got 1e-4,2e-4; train.py -m trains with each"),
        ("optimizer.lr", "optimizer.lr"),
        ("optimizer={lr: abc}", "optimizer.lr must be a number, got abc"),
        ("penalty=null", "penalty=null: there is no such choice; there are dragan"),
        ("network=[dcgan,sagan]", "network takes one choice, got [dcgan,sagan]"),
        ("preset=sunset", "preset: there is no such setting"),
        ("=3", "=3: cannot be read: write name=value"),
        ("seed=-1", "seed must be a whole number from 0 to 4,294,967,295, got -1"),
        ("~model.lr_decay", "model.lr_decay: it is missing"),
        ("+model.colour=red", "model.colour: there is no such setting"),
        ("~optimizer.lr", "optimizer.lr must be a number from 1e-09 to 1, got None"),
        ("~trainer.strategy", "trainer.strategy cannot be left out"),
        ("+metric.q=17", "metric.q must be a class of torchmetrics, as _target_, got 17"),
        ("~penalty", "Interpolation key 'penalty' not found"),
        ("run_dir=", "run_dir is missing"),
        ("callback=[quality]", "callback must have result"),
        ("callback=[]", "callback must have result"),
        ("--batch_size=64", "--batch_size: a setting has no dashes: write batch_size=64"),
        ("--epochs", "--epochs: a setting has no dashes: write trainer.max_epochs=VALUE"),
        ("lr=1e-4", "lr: there is no such setting; did you mean optimizer.lr?"),
        ("network.width=0", "network.width must be a whole number from 1 to 1,024, got 0"),
        ("network.depth=-1", "network.depth must be a whole number from 0 to 32, got -1"),
        ("network.classes=5", "network.classes must be 0 (no labels) or 10"),
    ],
)
def test_a_wrong_word_is_one_clear_line(word: str, expected: str, tmp_path: Path) -> None:
    assert expected in complaint(train, *SHORT, f"run_dir={tmp_path / 'r'}", word)


def test_it_is_so_on_the_real_command_line_too(tmp_path: Path) -> None:
    done = run("train.py", "data=digits", "optimizer.lrr=1", f"run_dir={tmp_path}")
    assert done.returncode == 1
    assert done.stderr == "error: optimizer.lrr: there is no such setting; did you mean optimizer.lr?\n"
    assert done.stdout == ""


COMMANDS = sorted(path.stem for path in CONF.glob("*.yaml") if path.stem != "train")


@pytest.mark.sampled
@pytest.mark.parametrize("name", [*COMMANDS, "train"])
def test_help_and_typos_wait_for_no_heavy_import(name: str) -> None:
    heavy = {"torch", "numpy", "lightning", "torchmetrics", "optuna", "matplotlib", "scipy"}
    module = "train" if name == "train" else f"gan.{name}"
    code = f"""
import atexit, runpy, sys
sys.argv[1:] = ["--help"]
atexit.register(lambda: print(sorted(sys.modules.keys() & {heavy})))
runpy.run_module("{module}", run_name="__main__")
"""
    done = run("-c", code)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "[]"), done.stderr
    assert done.stdout.startswith("python train.py" if name == "train" else f"python -m gan.{name}")


def test_auto_is_the_precision_that_suits_the_machine() -> None:
    word = quote("trainer.precision=auto")
    cfg = compose("train", ["experiment=report", "run_dir=.", word])
    assert cfg.trainer.precision == fastest_precision()


def test_a_yes_or_no_takes_nothing_else() -> None:
    check("generate", ["mixed=true"])
    with pytest.raises(ValueError, match="mixed must be true or false, got maybe"):
        check("generate", ["mixed=maybe"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "out is missing: say where to, as python -m gan.generate n=80 out=digits.png"),
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
        (["+experiment=report"], "experiment"),
        (["~n"], "n cannot be left out"),
        (["preset=[sunset,paper]"], "preset takes one choice"),
        (["data=mnist"], "data: there is no such setting"),
        (["--foo"], "--foo: there is no such option"),
        (["-cn", "morph"], "-cn: there is no such option"),
        (["preset=neon"], "preset=neon: there is no such choice; there are accessible, blueprint"),
        (["-m", "n=2,3"], "-m is for train.py alone"),
        (["folder=null"], "folder cannot be null"),
    ],
)
def test_a_wrong_word_of_a_command_is_one_clear_line(words: list[str], expected: str, tmp_path: Path) -> None:
    out = [] if not words or words[0].startswith("out") else [f"out={tmp_path / 'x.png'}"]
    assert expected in complaint(generate.main, *words, *out)
    assert list(tmp_path.iterdir()) == []


def test_a_path_is_taken_as_it_is_typed(tmp_path: Path) -> None:
    for name in ("o'clock.png", "a,b=c.png"):
        call(generate.main, "n=1", f"out={tmp_path / name}")
        assert (tmp_path / name).is_file()


def test_a_path_may_name_the_home_and_other_settings_and_a_text_is_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    words = ["out=~/a.png", "like=${oc.env:HOME}/b.png", "ckpt=${seed}.ckpt", "text=${seed}"]
    cfg = compose("generate", [quote(word) for word in words])
    assert (cfg.out, cfg.like) == (f"{tmp_path}/a.png", f"{tmp_path}/b.png")
    assert (cfg.ckpt, cfg.text) == ("0.ckpt", "${seed}")


def test_hydras_own_options_are_not_overrides(tmp_path: Path) -> None:
    check("train", ["--config-name", "train", "seed=1"])
    done = run("train.py", "--cfg=job", "seed=1", f"data.root={tmp_path}")  # no data is looked for
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("word", ["optimizer.lr=interval(0,1)", "seed=glob(*)"])
def test_what_a_sweep_cannot_list_is_one_line(word: str) -> None:
    with pytest.raises(UserError, match="a sweep cannot list"):
        check("train", [word], sweep=True)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), "error: out of memory: ask for fewer at once"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "error: out of memory"),
        (
            OSError(28, "No space left on device", "/from/x", None, "/to/x"),
            "/to/x: No space left on device; make room there",
        ),
        (
            PermissionError(13, "Permission denied", "/x/.set.0123456789abcdef/made"),
            "/x/set: Permission denied; choose another folder",
        ),
    ],
)
def test_what_the_machine_cannot_do_is_one_line(
    error: Exception, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gan.lab.Lab.__init__", Mock(side_effect=error))
    assert expected in complaint(generate.main, f"out={tmp_path / 'x.png'}")


def test_a_bug_shows_its_traceback_and_asks_for_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan.lab.Lab.__init__", Mock(side_effect=ValueError("zip() argument 2 is shorter")))
    err = io.StringIO()
    with pytest.raises(SystemExit) as caught, redirect_stderr(err):
        call(generate.main, f"out={tmp_path / 'x.png'}")
    assert "Traceback" in err.getvalue()
    assert "zip() argument 2 is shorter" in err.getvalue()
    assert str(caught.value.code).startswith("This is a bug in digit-gan: please report it")


def _refused(*words: str) -> BaseException:
    """What is raised when the configuration ``words`` is built."""
    with pytest.raises(InstantiationException) as caught:
        instantiate(OmegaConf.create(dict(word.split("=") for word in words)))
    return caught.value


def test_a_value_that_a_library_refuses_is_the_users_and_one_that_our_code_passes_on_is_ours() -> None:
    assert is_user_error(_refused("_target_=torch.optim.lr_scheduler.StepLR", "colour=red"))
    assert is_user_error(_refused("_target_=gan.loss.Wasserstein", "colour=red"))  # Hydra calls it, with a + setting
    assert not is_user_error(_refused("_target_=gan.network.layer.split_size", "size=odd"))  # a TypeError inside
    assert is_user_error(_refused("_target_=gan.network.dcgan.Discriminator"))
    assert not is_user_error(ValueError("of NumPy"))


@pytest.mark.parametrize(
    ("root", "word", "expected"),
    [
        ("train", "metric=2.5", "metric=2.5: there is no such choice; there are digits"),
        ("train", "callback=[1,[2]]", "there is no such choice"),
        ("train", "network=true", "network=true: there is no such choice"),
        ("train", "callback.grid.rows=2.5", "callback.grid.rows must be a whole number, got 2.5"),
        ("train", "callback.grid.rows=0x10", "must be a whole number"),
        ("train", "network.generator.depth=0.5", "network.generator.depth must be a whole number, got 0.5"),
        ("train", "network.discriminator.channels=[]", "must be a whole number"),
        ("train", "model.augment=../x", "model.augment is what augment says: set that"),
        ("train", "model.generator={a:1}", "model.generator is what network.generator says: set that"),
        ("train", "callback.quality.metrics=5", "callback.quality.metrics is what metric says"),
        ("train", "model.d_steps={a:1}", "model.d_steps must be a whole number"),
        ("train", "+model.lr_decay.q=1", "model.lr_decay is a single value"),
        ("train", "metric.fid_digits.feature.name=0.5", "name must be a text, got 0.5"),
        ("train", "objective=null", "objective cannot be null"),
        ("train", "~callback.progress._target_", "_target_ cannot be left out"),
        ("train", "optimizer.betas=0", "optimizer.betas is a list: write optimizer.betas=[...], got 0"),
        ("train", "data.md5=5", "data.md5 is a group of settings"),
        ("evaluate", "k={a:1}", "k must be a whole number"),
        ("evaluate", "cas.bf16=nan", "cas.bf16 must be true or false, got nan"),
        ("generate", "ckpt=[2,2]", "ckpt takes one value"),
        ("generate", "out=[2,2]", "out takes one value"),
        ("benchmark", "dataset=[1]", "dataset must be a text"),
    ],
)
def test_a_value_of_another_kind_is_refused_at_the_border(root: str, word: str, expected: str) -> None:
    with pytest.raises(UserError) as caught:
        check(root, [word])
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    "word", ["objective=val/fid", "objective=val_bundled_digits/is_digits", "callback.best.monitor=x"]
)
def test_an_objective_that_is_not_logged_or_not_better_lower_is_refused_before_training(
    word: str, tmp_path: Path
) -> None:
    message = complaint(train, *SHORT, f"run_dir={tmp_path / 'r'}", word)
    assert "objective must be a figure that is better the lower it is, val_bundled_digits/fid_digits, got" in message


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("trainer.limit_train_batches=nan", "trainer.limit_train_batches must be a number from 0 to 1, got nan"),
        ("trainer.max_epochs=-2", "trainer.max_epochs must be a whole number from -1 to 1,000,000, got -2"),
        ("model.auxiliary=-1", "model.auxiliary must be a number from 0 to 1e+06, got -1"),
        ("optimizer.eps=-1", "optimizer.eps must be a number from 0 to 1, got -1"),
        ("optimizer.betas=[2,2]", "optimizer: Invalid beta"),
    ],
)
def test_a_number_out_of_range_is_refused_before_training(word: str, expected: str) -> None:
    cfg = compose("train", [word, "run_dir=x"])
    with pytest.raises((UserError, InstantiationException)) as caught:
        _build(cfg)
    assert expected in str(root_cause(caught.value))


def _build(cfg: DictConfig) -> None:
    training._validate_numbers(cfg)
    instantiate(cfg.model, _convert_="all")


def test_another_optimizer_may_lack_settings_of_adam() -> None:
    check("train", ["data=digits", "optimizer._target_=torch.optim.RMSprop", "~optimizer.betas", "~optimizer.fused"])
