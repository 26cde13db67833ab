"""Checkpoints: plain data, one load() for every tool, and no trust in strangers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import SHORT, call
from hydra.utils import instantiate

from gan import checkpoint, sample
from gan.cli.compose import compose
from gan.error import UserError
from gan.export import __main__ as export
from gan.metric.feature import load as load_classifier
from gan.model import GAN
from train import train


def test_it_loads_as_plain_data_and_carries_its_configuration(short_run: Path) -> None:
    for name in ("best.ckpt", "last.ckpt"):
        contents = torch.load(short_run / name, weights_only=True)
        config = contents["hyper_parameters"]["config"]
        assert json.loads(json.dumps(config)) == config
        assert config["data"]["name"] == "digits"
        assert config["batch_size"] == 32


def test_it_holds_the_players_and_the_average_and_nothing_of_the_judge(short_run: Path) -> None:
    names = {name.split(".")[0] for name in checkpoint.load_contents(short_run / "last.ckpt")["state_dict"]}
    assert names == {"generator", "discriminator", "ema"}
    assert load_classifier("mnist") is not None


def test_load_gives_the_same_images_in_a_fresh_process_from_an_empty_folder(short_run: Path, tmp_path: Path) -> None:
    seeds = torch.arange(4)
    here = torch.cat(list(sample.generate(checkpoint.generator(short_run / "last.ckpt"), seeds, seeds)))
    code = f"""
import torch
from gan import checkpoint, sample
seeds = torch.arange(4)
generator = checkpoint.generator({str(short_run / "last.ckpt")!r})
torch.save(torch.cat(list(sample.generate(generator, seeds, seeds))), "x.pt")
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert torch.equal(torch.load(tmp_path / "x.pt", weights_only=True), here)


def test_weights_of_another_network_are_refused(short_run: Path, tmp_path: Path) -> None:
    contents = checkpoint.load_contents(short_run / "last.ckpt")
    contents["state_dict"].pop("ema.generator.dense.weight")
    torch.save(contents, tmp_path / "x.ckpt")
    with pytest.raises(UserError, match=r"its weights do not fit|than it has weights for"):
        checkpoint.generator(tmp_path / "x.ckpt")


def _model(*words: str) -> GAN:
    model: GAN = instantiate(compose("train", [*SHORT, *words, "run_dir=."]).model, _convert_="all")
    return model


def _same(one: torch.nn.Module, other: torch.nn.Module) -> list[str]:
    """The names of the tensors that are equal."""
    theirs = other.state_dict()
    return [
        name
        for name, value in one.state_dict().items()
        if value.shape == theirs[name].shape and value.ndim and torch.equal(value, theirs[name])
    ]


def test_a_run_may_start_from_the_average_and_the_discriminator_of_another(
    short_run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    state, model = checkpoint.load_contents(short_run / "best.ckpt")["state_dict"], _model()
    checkpoint.start_from(model, short_run / "best.ckpt")
    for mine, theirs in (
        (model.generator, "ema.generator."),
        (model.ema.generator, "ema.generator."),
        (model.discriminator, "discriminator."),
    ):
        for name, value in mine.state_dict().items():
            assert not value.ndim or torch.equal(value, state[f"{theirs}{name}"])
    assert model.ema.images == 0
    (said,) = caplog.messages
    assert "init_from: " in said
    assert "as initialised" not in said


@pytest.mark.parametrize(
    ("word", "left"),
    [
        ("data=emnist_letters", {"generator.label.embed.weight [26, 64]", "discriminator.head.embed.weight [26, 32]"}),
        ("data.channels=3", {"generator.stack.8.weight [51, 16, 3, 3]", "discriminator.stack.0.weight [16, 3, 3, 3]"}),
    ],
    ids=["other classes", "colour"],
)
def test_what_differs_in_shape_stays_as_it_was_and_is_named(
    word: str, left: set[str], short_run: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    before, model = checkpoint.generator(short_run / "best.ckpt"), _model(word)
    checkpoint.start_from(model, short_run / "best.ckpt")
    assert torch.equal(model.generator.dense.weight, before.dense.weight)  # type: ignore[arg-type]
    (said,) = caplog.messages
    taken, rest = said.split("; as initialised: ")
    count = len(model.generator.state_dict()) + len(model.discriminator.state_dict())
    named = set(rest.replace("], ", "]; ").split("; "))
    assert f"{count - len(named)} of {count} tensors" in taken
    assert left <= named


def test_an_exported_generator_is_a_start_for_the_generator_alone(
    short_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call(export.main, f"ckpt={short_run / 'best.ckpt'}", f"out={tmp_path / 'x.safetensors'}")
    before, model, other = checkpoint.generator(short_run / "best.ckpt"), _model(), _model()
    other.load_state_dict(model.state_dict())
    checkpoint.start_from(model, tmp_path / "x.safetensors")
    assert torch.equal(model.ema.generator.dense.weight, before.dense.weight)  # type: ignore[arg-type]
    untouched = [name for name, value in other.discriminator.state_dict().items() if value.ndim]
    assert _same(model.discriminator, other.discriminator) == untouched


def test_a_resumed_run_goes_on_and_does_not_start_again(short_run: Path, tmp_path: Path) -> None:
    run = [*SHORT, "trainer.max_epochs=1", f"init_from={short_run / 'best.ckpt'}", f"run_dir={tmp_path}"]
    call(train, *run)
    (tmp_path / "gone.ckpt").write_bytes(b"")
    call(train, f"ckpt={tmp_path / 'last.ckpt'}", "trainer.max_epochs=2", f"init_from={tmp_path / 'gone.ckpt'}")
    assert len(json.loads((tmp_path / "result.json").read_text())["history"]) == 2


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", r"init_from: .*x\.ckpt does not exist"),
        ("foreign", r"init_from: .*x\.ckpt is not loaded: it is damaged, or holds more than plain data"),
        ("other network", "init_from: nothing in .* fits these networks"),
    ],
)
def test_a_start_that_cannot_be_is_one_line(kind: str, message: str, short_run: Path, tmp_path: Path) -> None:
    path = short_run / "best.ckpt" if kind == "other network" else tmp_path / "x.ckpt"
    if kind == "foreign":
        path.write_bytes(b"GIF89a")
    words = ["network=report"] if kind == "other network" else SHORT[3:]
    with pytest.raises(SystemExit, match=message):
        call(train, *SHORT[:3], *words, "batch_size=32", f"init_from={path}", f"run_dir={tmp_path / 'run'}")


@pytest.mark.parametrize("lost", ["state_dict", "generator", "data"])
def test_a_checkpoint_without_a_part_is_refused_by_every_reader(lost: str, short_run: Path, tmp_path: Path) -> None:
    contents = torch.load(short_run / "last.ckpt", weights_only=True)
    config = contents["hyper_parameters"]["config"]
    {"state_dict": contents, "generator": config["model"], "data": config}[lost].pop(lost)
    torch.save(contents, tmp_path / "x.ckpt")
    for read in (checkpoint.load_contents, checkpoint.generator, checkpoint.provenance):
        with pytest.raises(UserError, match="it is not a checkpoint of this project"):
            read(tmp_path / "x.ckpt")
