"""A generator as a program of tensors, for torch without this project's code (PT2) and for ONNX.

Both take z float32 [N, latent] and y int64 [N], which a generator without classes ignores, to ``image`` float32 [N, C, H, W]
in [-1, 1], and both have been run: they draw what torch draws.
"""

import importlib.util
import io
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from gan import sample
from gan.network import Generator

BATCHES = (1, 7, 64)  # that a program is checked on
TOLERANCE = 1e-4  # of an image in [-1, 1]
Card = dict[str, str]


def require_onnx() -> None:
    """Raise ImportError where a library of the extra ``onnx`` is missing."""
    for name in ("onnx", "onnxscript", "onnxruntime"):
        if importlib.util.find_spec(name) is None:
            raise ImportError(f'ONNX needs {name}: pip install -e ".[onnx]"')


def trace(generator: Generator) -> ExportedProgram:
    """What ``generator`` does to any number of latents, in evaluation mode.

    Raises ValueError where that cannot be written down. What follows training (see :class:`gan.model.GAN`) stands
    where training left it.
    """
    network: Any = deepcopy(generator)
    for module in network.eval().modules():
        if hasattr(module, "follow"):
            module.forward = partial(_constant, module())
    many = {0: Dim("N")}
    try:
        with _hushed():
            program = torch.export.export(network, _inputs(generator, 2), dynamic_shapes={"z": many, "y": many})
    except RuntimeError as error:
        raise _impossible(generator, error) from error
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # the folders of this machine
    return program


def pt2(generator: Generator, card: Card) -> bytes:
    """What ``torch.export.load`` reads, with ``card.json`` as an extra file of it that ``card`` is written to."""
    file = io.BytesIO()
    with _hushed():
        torch.export.save(trace(generator), file, extra_files=card)
        loaded = torch.export.load(io.BytesIO(file.getvalue())).module()
    _check(generator, loaded)
    return file.getvalue()


def onnx(generator: Generator, card: Card) -> bytes:
    """An ONNX model with ``card`` as its metadata."""
    require_onnx()
    program = trace(generator)
    attention = torch.ops.aten.scaled_dot_product_attention.default  # of which the exporter knows only one with several heads
    try:
        with _hushed():
            if any(node.target == attention for node in program.graph.nodes):
                program = program.run_decompositions({attention: _attention})
            exported: Any = torch.onnx.export(
                program, input_names=["z", "y"], output_names=["image"], dynamo=True, optimize=True, verbose=False
            )
            model = exported.model_proto
    except RuntimeError as error:
        raise _impossible(generator, error) from error
    for node in model.graph.node:
        node.ClearField("metadata_props")  # lines of this project's code, and the folders of this machine
    model.graph.ClearField("value_info")
    for value in (*model.graph.input, *model.graph.output):
        value.ClearField("metadata_props")
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    for key, text in card.items():
        model.metadata_props.add(key=key, value=text)
    contents: bytes = model.SerializeToString()
    _check(generator, runner(contents))
    return contents


def runner(model: bytes) -> Callable[[Tensor, Tensor], Tensor]:
    """An ONNX model as a function of z and y, by onnxruntime on the CPU."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # which it looks at as it is imported
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return lambda z, y: torch.from_numpy(session.run(["image"], {"z": z.numpy(), "y": y.numpy()})[0])


def _inputs(generator: Generator, count: int) -> tuple[Tensor, Tensor]:
    seeds = torch.arange(count)
    return sample.latents(seeds, generator.latent), sample.labels(seeds, generator.classes)


def _check(generator: Generator, program: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Raise ValueError where ``program`` draws anything but what ``generator`` does."""
    for count in BATCHES:
        z, y = _inputs(generator, count)
        with sample.evaluating(generator):
            difference = float((program(z, y) - generator(z, y)).abs().max())
        if not difference <= TOLERANCE:  # nor a NaN
            raise ValueError(
                f"the exported generator draws {count} images that differ by {difference:.1e} from torch's, and no more than "
                f"{TOLERANCE:.0e} is allowed: nothing was written"
            )


def _attention(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    return (query @ key.mT * scale).softmax(-1) @ value


def _constant(value: object) -> object:
    return value


def _impossible(generator: Generator, error: Exception) -> ValueError:
    first = str(error).strip().splitlines()[0]
    return ValueError(f"out: {type(generator).__module__} cannot be exported to this format ({first}); .safetensors can be had")


@contextmanager
def _hushed() -> Iterator[None]:
    """Without what the exporters say of themselves; what matters is whether the result is right, and that is checked."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
