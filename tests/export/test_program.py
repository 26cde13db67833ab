"""A generator as a program: the same images, any number of them, without this project's code."""

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from conftest import ROOT, untrained
from torch import Tensor

from gan import sample
from gan.error import UserError
from gan.export import program
from gan.network import Generator

NETWORKS = sorted(path.stem for path in (ROOT / "conf" / "network").glob("*.yaml"))
QUICK = ("dcgan",)  # of which an ordinary run exports each; a slow one all


def _of_torch(contents: bytes) -> Callable[[Tensor, Tensor], Tensor]:
    return torch.export.load(io.BytesIO(contents)).module()


@pytest.mark.parametrize(
    ("write", "read"), [(program.to_onnx, program.load_onnx), (program.to_pt2, _of_torch)], ids=["onnx", "pt2"]
)
@pytest.mark.parametrize(
    "name",
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in [*NETWORKS, "unconditional"]],
)
def test_every_network_is_a_program_that_draws_the_same_images(
    name: str, write: Callable[..., bytes], read: Callable[[bytes], Callable[[Tensor, Tensor], Tensor]]
) -> None:
    network = (
        untrained("network=dcgan", "network.classes=0") if name == "unconditional" else untrained(f"network={name}")
    )
    if name == "progan":
        network.growth.images.fill_(network.growth.stable_images + network.growth.fade_images // 2)  # half faded in
    contents = write(network, {})
    assert str(ROOT).encode() not in contents
    draw = read(contents)
    for count in (1, 5, 64):
        seeds = torch.arange(count)
        z, y = sample.latents(seeds, network.latent), sample.labels(seeds, network.classes)
        image = draw(z, y)
        assert image.shape == (count, 1, 28, 28)
        assert image.dtype == torch.float32
        torch.testing.assert_close(image, network(z, y), rtol=0, atol=1e-4)


def test_an_onnx_models_inputs_and_output_have_these_names_and_shapes() -> None:
    graph = onnx.load_from_string(program.to_onnx(untrained("network=dcgan"), {})).graph
    shapes = {
        value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.output)
    }
    assert shapes == {"z": ["N", 64], "y": ["N"], "image": ["N", 1, 28, 28]}


@pytest.mark.slow
def test_a_torch_program_needs_nothing_of_this_project(tmp_path: Path) -> None:
    network = untrained("network=dcgan")
    (tmp_path / "x.pt2").write_bytes(program.to_pt2(network, {}))
    z, y = torch.randn(3, network.latent), torch.arange(3)
    np.savez(tmp_path / "in.npz", z=z.numpy(), y=y.numpy())
    script = """
import sys
sys.modules["gan"] = None
import numpy, torch
draw, given = torch.export.load("x.pt2").module(), numpy.load("in.npz")
numpy.save("out.npy", draw(torch.from_numpy(given["z"]), torch.from_numpy(given["y"])).numpy())
"""
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    torch.testing.assert_close(torch.from_numpy(np.load(tmp_path / "out.npy")), network(z, y), rtol=0, atol=1e-6)


def test_the_generator_stays_as_it_was() -> None:
    network = untrained("network=progan")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    program.to_pt2(network.train(), {})
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert "forward" not in vars(network.growth)


class Undecided(Generator):
    """A generator whose computation depends on its input."""

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        return z if z.sum() > 0 else -z


def test_what_torch_cannot_trace_is_refused_in_one_line() -> None:
    message = r"^out: torch cannot export .* to this format \([^\n]*\): choose FILE\.safetensors$"
    with pytest.raises(UserError, match=message):
        program.to_pt2(Undecided(4, 0, (1, 4, 4)), {})
