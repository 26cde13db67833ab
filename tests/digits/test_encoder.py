"""An encoder learns its generator, belongs to it alone, and is where a search starts."""

import json
import logging
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from conftest import untrained
from safetensors.torch import load_file, save_file
from torchvision.datasets import MNIST

from gan import sample
from gan.checkpoint import SHIPPED
from gan.digits import encoder, invert
from gan.error import UserError
from gan.file import sha256
from gan.image import to_uint8
from gan.lab import Lab
from gan.network import Generator

SUM = "0" * 64  # stands for the SHA-256 of a generator


@pytest.fixture(scope="module")
def generator() -> Generator:
    torch.manual_seed(1)
    made: Generator = untrained("network.generator.latent=4")
    return made


def _drawn(generator: Generator, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    y = torch.arange(n) % generator.classes
    return torch.cat(list(sample.generate(generator, torch.arange(n), y))), y


def _fit(generator: Generator, steps: int) -> encoder.Encoder:
    x, y = _drawn(generator, 200)
    *_, made = encoder.fit(generator, to_uint8(x), y, steps=steps, lr=3e-3, batch=32, seed=0)
    return made


def _error(made: encoder.Encoder, generator: Generator, x: torch.Tensor, y: torch.Tensor) -> float:
    with torch.no_grad():
        drawn = torch.cat(list(sample.images(generator, made.eval()(x, y), y)))
    return encoder.error(drawn, x).mean().item()


def test_an_encoder_learns_what_its_generator_draws_and_always_the_same(generator: Generator) -> None:
    x, y = _drawn(generator, 100)
    before = _error(encoder.make_encoder(generator), generator, x, y)
    assert _error(_fit(generator, 50), generator, x, y) < 0.8 * before
    one, two = _fit(generator, 2), _fit(generator, 2)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not any(value.requires_grad for value in generator.parameters())


@pytest.mark.parametrize(("size", "channels", "classes"), [(4, 1, 0), (28, 1, 10), (64, 3, 2)])
def test_an_encoder_takes_every_size_and_labels_as_a_generator_does(size: int, channels: int, classes: int) -> None:
    made = encoder.Encoder(5, classes, channels, size).eval()
    x, y = torch.randn(3, channels, size, size), torch.full((3,), 0 if classes else -1)
    z = made(x, y)
    assert (z.shape, z.dtype) == ((3, 5), torch.float32)
    if classes:
        assert torch.allclose(made(x, torch.nn.functional.one_hot(y, classes).float()), z, atol=1e-5)
        assert not torch.allclose(made(x, y + 1), z)


def test_the_distance_counts_pixels_once_and_means_twice() -> None:
    one = torch.full((1, 1, 8, 8), 0.5)
    assert encoder.distance(one, torch.zeros_like(one)).item() == pytest.approx(3 * 0.25)
    assert encoder.error(one, torch.zeros_like(one)).item() == pytest.approx(0.25)


@pytest.fixture
def kept(generator: Generator, tmp_path: Path) -> Path:
    """The file of a generator, with an encoder beside it."""
    path = encoder.encoder_path(tmp_path / "best.ckpt")
    assert path.name == "best_encoder.safetensors"
    save_file(encoder.make_encoder(generator).half().state_dict(), path)
    path.with_suffix(".json").write_text(json.dumps({"generator_sha256": SUM, "sha256": sha256(path)}))
    return tmp_path / "best.ckpt"


def test_an_encoder_is_loaded_with_its_generator_only(
    kept: Path, generator: Generator, caplog: pytest.LogCaptureFixture
) -> None:
    loaded = encoder.load_encoder(kept, generator, SUM)
    assert loaded is not None
    assert not loaded.training
    assert loaded.last.weight.dtype == torch.float32
    assert encoder.load_encoder(kept.with_name("other.ckpt"), generator, SUM) is None
    with caplog.at_level(logging.WARNING):
        assert encoder.load_encoder(kept, generator, "1" * 64) is None
    assert "belongs to another generator, so it is not used: python -m gan.fit_encoder fits one" in caplog.text


@pytest.mark.parametrize("spoil", ["bytes", "json", "no json", "shape", "nan"])
def test_a_damaged_encoder_is_one_line(kept: Path, generator: Generator, spoil: str) -> None:
    path, beside = encoder.encoder_path(kept), encoder.encoder_path(kept).with_suffix(".json")
    state = load_file(path)
    if spoil == "bytes":
        path.write_bytes(path.read_bytes()[:-1])
    elif spoil == "json":
        beside.write_text("[1]")
    elif spoil == "no json":
        beside.unlink()
    elif spoil == "shape":
        state["last.bias"] = state["last.bias"][1:].clone()
    else:
        state["last.bias"][0] = float("nan")
    if spoil in ("shape", "nan"):
        save_file(state, path)
        beside.write_text(json.dumps({"generator_sha256": SUM, "sha256": sha256(path)}))
    with pytest.raises(
        UserError, match=r"^like: .*best_encoder\.safetensors is not loaded: [^\n]*: delete it, or fit "
    ):
        encoder.load_encoder(kept, generator, SUM)


def _fail(*_: object) -> NoReturn:
    raise AssertionError("searched")


def test_a_search_starts_at_the_encoder_and_falls_back_where_that_leads_nowhere(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = lab.sample(1, label=5, seed=11).images[0]
    with monkeypatch.context() as patch:
        patch.setattr(invert, "_search", _fail)
        found = invert.invert(lab.generator, lab.axes, x, 5, encoder=lab.encoder)
    assert found.error < 0.02
    again = lab.generator(found.z[None], torch.tensor([5]))[0]
    assert torch.allclose(found.images, torch.stack([x, again]), atol=1e-4)
    lost = encoder.make_encoder(lab.generator).eval()
    torch.nn.init.constant_(lost.last.bias, 9.0)  # far from usual latents
    monkeypatch.setattr(invert, "NEWTON_STEPS", 1)
    monkeypatch.setattr(invert, "_search", lambda *_: (found.z, x, 0.0))
    assert invert.invert(lab.generator, lab.axes, x, 5, encoder=lost).z is found.z


def test_the_shipped_encoder_belongs_to_the_shipped_generator_and_is_as_good_as_its_card(lab: Lab) -> None:
    path = encoder.encoder_path(SHIPPED)
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["generator_sha256"] == lab.provenance["sha256"]
    assert path.stat().st_size < 2**20
    assert card["test"]["images"] == 1000
    assert card["test"]["error"] < 0.032
    style = card["test"]["style"]
    assert min(style[name] for name in ("thickness", "slant", "width")) > 0.96
    assert style["height"] > 0.89
    assert lab.encoder is not None
    digits = lab.sample(64)
    assert _error(lab.encoder, lab.generator, digits.images, digits.labels) < 0.03


def test_the_shipped_encoder_draws_real_digits_again(lab: Lab, mnist: str) -> None:
    data = MNIST(mnist, train=False)
    assert lab.encoder is not None
    x = data.data[:64, None].float() / 127.5 - 1
    assert _error(lab.encoder, lab.generator, x, data.targets[:64]) < 0.04
