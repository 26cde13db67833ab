"""A generator as a program: PT2, which torch runs without this project's code, and ONNX.

Both map z float32 [N, latent] and y int64 [N], ignored without classes, to ``image`` float32
[N, C, H, W] in [-1, 1]. Before a program is returned, its images are compared with torch's.
"""

import io
import json
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
from gan.error import UserError
from gan.network import Follower, Generator

BATCHES = (1, 7, 64)  # sizes that a program is tested with
TOLERANCE = 1e-4  # of an image in [-1, 1]
Info = dict[str, str]  # the metadata of a program


def trace(generator: Generator) -> ExportedProgram:
    """The computation of ``generator`` in evaluation mode, for any number of latents.

    A :class:`gan.network.Follower` keeps the state that training left it in. Raises UserError if
    torch cannot trace the generator.
    """
    network = deepcopy(generator).eval()
    for module in network.modules():
        if isinstance(module, Follower):
            module.forward = partial(_identity, module())
    batch = {0: Dim("N")}
    with _exporting(generator):
        program = torch.export.export(network, _inputs(generator, 2), dynamic_shapes={"z": batch, "y": batch})
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # names folders of this machine
    return program


def to_pt2(generator: Generator, info: Info) -> bytes:
    """A program that ``torch.export.load`` reads; its extra file ``card.json`` is ``info``."""
    file, program = io.BytesIO(), trace(generator)
    with _exporting(generator):
        torch.export.save(program, file, extra_files={"card.json": json.dumps(info)})
        loaded = torch.export.load(io.BytesIO(file.getvalue())).module()
    _compare(generator, loaded)
    return file.getvalue()


def to_onnx(generator: Generator, info: Info) -> bytes:
    """An ONNX model; its metadata are ``info``."""
    program = trace(generator)
    attention = torch.ops.aten.scaled_dot_product_attention.default  # the exporter requires several heads
    with _exporting(generator):
        if any(node.target == attention for node in program.graph.nodes):
            program = program.run_decompositions({attention: _attend})
        names: dict[str, Any] = {"input_names": ["z", "y"], "output_names": ["image"]}
        exported: Any = torch.onnx.export(program, **names, dynamo=True, optimize=True, verbose=False)
    model = exported.model_proto
    for node in model.graph.node:
        node.ClearField("metadata_props")  # names folders of this machine and lines of this project's code
    model.graph.ClearField("value_info")
    for value in (*model.graph.input, *model.graph.output):
        value.ClearField("metadata_props")
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    for key, text in info.items():
        model.metadata_props.add(key=key, value=text)
    contents: bytes = model.SerializeToString()
    _compare(generator, load_onnx(contents))
    return contents


def load_onnx(contents: bytes) -> Callable[[Tensor, Tensor], Tensor]:
    """An ONNX model as a function of z and y, run by onnxruntime on the CPU."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read during the import
    import onnxruntime

    session = onnxruntime.InferenceSession(contents, providers=["CPUExecutionProvider"])
    return lambda z, y: torch.from_numpy(session.run(["image"], {"z": z.numpy(), "y": y.numpy()})[0])


def _inputs(generator: Generator, count: int) -> tuple[Tensor, Tensor]:
    seeds = torch.arange(count)
    return sample.latents(seeds, generator.latent), sample.labels(seeds, generator.classes)


def _compare(generator: Generator, program: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Raise UserError if ``program`` and ``generator`` draw different images."""
    for count in BATCHES:
        z, y = _inputs(generator, count)
        with sample.evaluating(generator):
            difference = float((program(z, y) - generator(z, y)).abs().max())
        if not difference <= TOLERANCE:  # true for NaN
            found = f"{count} images of the program differ from torch's by {difference:.1e}; {TOLERANCE:.0e} is allowed"
            raise UserError(f"out: {found}: nothing was written; choose another format")


def _attend(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    return (query @ key.mT * scale).softmax(-1) @ value


def _identity(value: object) -> object:
    return value


@contextmanager
def _exporting(generator: Generator) -> Iterator[None]:
    """Silence the exporters, whose result is tested anyway; their failure is a UserError."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except RuntimeError as error:
        found = f"{type(generator).__module__} to this format ({str(error).strip().splitlines()[0]})"
        raise UserError(f"out: torch cannot export {found}: choose FILE.safetensors") from error
    finally:
        logging.disable(before)
