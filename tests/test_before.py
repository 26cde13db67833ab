"""A checkpoint of an earlier version still loads, draws, resumes, and has the same figures."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT, call

import gan
from gan import checkpoint, evaluate
from gan.cli.carry import former_words, network_word
from gan.cli.compose import compose, plain
from gan.image import to_uint8
from train import train

# python train.py data=digits trainer=debug trainer.accelerator=cpu trainer.precision=32-true
# network.width=2 network.generator.latent=16 network.depth=0 batch_size=32 trainer.max_epochs=2,
# by version 0.1.0 (commit 931ba5d), and that version's images of its seeds 0 to 9.
BEFORE = ROOT / "tests" / "fixtures" / "before.ckpt"
IMAGES = ROOT / "tests" / "fixtures" / "before.npz"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the checkpoint as the last one of a run."""
    shutil.copy(BEFORE, tmp_path / "last.ckpt")
    return tmp_path / "last.ckpt"


def _history(contents: dict[str, object]) -> list[dict[str, float]]:
    return contents["callbacks"]["Result"]["history"]  # type: ignore[index, no-any-return]


def test_it_loads_with_every_tensor_of_its_generator() -> None:
    state = checkpoint.load_contents(BEFORE)["state_dict"]
    for name, value in checkpoint.generator(BEFORE).state_dict().items():
        assert torch.equal(value, state[f"ema.generator.{name}"])


def test_its_seeds_give_the_same_images() -> None:
    images = to_uint8(gan.load(BEFORE).sample(10).images).numpy()
    with np.load(IMAGES) as before:
        assert np.abs(images.astype(int) - before["images"]).max() <= 1  # a processor may round otherwise


def test_it_is_evaluated_as_training_did(copy: Path) -> None:
    logged = _history(checkpoint.load_contents(copy))[-1]
    call(evaluate.main, f"ckpt={copy}", "cas.images=0", "c2st.images=0")
    figures = json.loads(copy.with_name("val.json").read_text())["figures"]
    # A floor now has the classes of its reference, so it is of other images than that version's.
    names = [name for name in logged if name.startswith("val_") and not name.endswith("_floor")]
    assert len(names) == 4
    for name in names:
        assert figures[name] == pytest.approx(logged[name], rel=1e-6), name


def test_its_run_goes_on(copy: Path) -> None:
    before = _history(checkpoint.load_contents(copy))
    call(train, f"ckpt={copy}", "trainer.max_epochs=3")
    history = json.loads(copy.with_name("result.json").read_text())["history"]
    assert [figures["epoch"] for figures in history] == [1, 2, 3]
    assert history[:2] == before
    assert checkpoint.load_contents(copy)["epoch"] == 2


@pytest.mark.parametrize(
    ("target", "words", "expected"),
    [
        ("gan.network.equalised.Generator", [], []),
        ("gan.network.dcgan.Generator", [], ["network=dcgan"]),
        ("gan.network.dcgan.Generator", ["experiment=cgan"], []),
        ("gan.network.dcgan.Generator", ["network=sagan"], []),
        ("gan.network.sagan.Generator", ["experiment=sagan", "network.width=8"], []),
        ("os.system", [], []),
        ("gan.network.layer.Head", [], []),
    ],
)
def test_a_run_goes_on_with_its_network_where_the_default_is_another_one(
    target: str, words: list[str], expected: list[str]
) -> None:
    assert network_word(words, {"network": {"generator": {"_target_": target}}}) == expected


@pytest.mark.parametrize(
    ("words", "typed", "expected"),
    [
        ([], [], ["network=dcgan", "penalty.gamma=0.3", "trainer.max_epochs=32"]),
        ([], ["trainer.max_epochs=40"], ["network=dcgan", "penalty.gamma=0.3"]),
        ([], ["penalty=none", "network=sagan"], ["trainer.max_epochs=32"]),
        (["penalty.gamma=0.3", "network=dcgan"], [], ["trainer.max_epochs=32"]),
        ([], ["experiment=cgan"], []),
    ],
)
def test_a_run_goes_on_with_the_numbers_that_were_its_defaults(
    words: list[str], typed: list[str], expected: list[str]
) -> None:
    then = ["network=dcgan", "penalty.gamma=0.3", "trainer.max_epochs=32", "run_dir=."]
    assert former_words(words, typed, plain(compose("train", then))) == expected
