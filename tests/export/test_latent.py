"""The page's random numbers are torch's."""

import json
import shutil
import subprocess

import pytest
import torch

from gan import sample
from gan.export import web

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node")


def by_node(expression: str) -> list[list[float]]:
    """What latent.js computes."""
    code = f"{(web.PAGE / 'latent.js').read_text()}; console.log(JSON.stringify({expression}))"
    done = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True)
    found: list[list[float]] = json.loads(done.stdout)
    return found


@needs_node
@pytest.mark.parametrize("size", [1, 7, 16, 20, 64, 100])
def test_its_latents_are_torchs(size: int) -> None:
    seeds = [0, 1, 12345, 2**31, 2**32 - 1, 2**32, 4 * 2**32 + 2**24, 100 * 2**32 + 7]
    found = by_node(f"{seeds}.map((seed) => [...latent(seed, {size})])")
    torch.testing.assert_close(torch.tensor(found), sample.latents(torch.tensor(seeds), size), rtol=0, atol=2e-6)


@needs_node
@pytest.mark.parametrize("seed", [0, 2**24 - 1, 2**53])
def test_its_streams_are_torchs_and_remember_the_second_of_a_pair(seed: int) -> None:
    sizes = [1, 2, 1, 64, 1, 5, 20, 15, 16, 1, 1, 33, 3]
    found = by_node(f"((source) => {sizes}.map((size) => [...source.normal(size)]))(new Source({seed}))")
    source = torch.Generator().manual_seed(seed % 2**32)
    for size, values in zip(sizes, found, strict=True):
        torch.testing.assert_close(torch.tensor(values), torch.randn(size, generator=source), rtol=0, atol=2e-6)
