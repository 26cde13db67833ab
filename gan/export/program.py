"""Networks as programs: PT2, which torch runs without this project's code, and ONNX.

A generator's maps z float32 [N, latent] and y int64 [N], ignored without classes, to ``image``
float32 [N, C, H, W] in [-1, 1]. Before a program is returned, what it computes is compared with
what torch computes.
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
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from gan import sample
from gan.error import UserError
from gan.lab import Lab
from gan.network import Follower, Generator
from gan.network.fast import Double

BATCHES = (1, 7, 64)  # sizes that a program is tested with
TOLERANCE = 1e-4  # of an image in [-1, 1]
Info = dict[str, str]  # the metadata of a program
Inputs = Callable[[int], dict[str, Tensor]]  # the number of rows to example inputs by name


def describe(lab: Lab) -> Info:
    """What programs say of a generator: its size, classes, recipe, data, SHA-256 and licence."""
    known = lab.provenance | {"licence": lab.text["Licence"]}
    info = {"latent": str(lab.generator.latent), "classes": str(lab.generator.classes)}
    info |= {name: str(known.get(name, "unknown")) for name in ("command", "data", "sha256", "licence")}
    return info | {"names": json.dumps(list(lab.names), ensure_ascii=False)}


def trace(network: nn.Module, inputs: Inputs) -> ExportedProgram:
    """The computation of ``network`` in evaluation mode, for any number of rows of ``inputs(N)``.

    A :class:`gan.network.Follower` keeps the state that training left it in. Raises UserError if
    torch cannot trace the network.
    """
    network, shown = deepcopy(network).eval(), inputs(2)
    for module in network.modules():
        if isinstance(module, Follower):
            module.forward = partial(_identity, module())
        elif isinstance(module, Double):  # torch alone is faster by more sums
            module.forward = partial(nn.ConvTranspose2d.forward, module)  # type: ignore[method-assign]
    batch = {0: Dim("N")}
    with _exporting(network):
        program = torch.export.export(network, tuple(shown.values()), dynamic_shapes=[batch] * len(shown))
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # names folders of this machine
    return program


def to_pt2(generator: Generator, info: Info) -> bytes:
    """A program that ``torch.export.load`` reads; its extra file ``card.json`` is ``info``."""
    inputs = partial(_inputs, generator)
    file, program = io.BytesIO(), trace(generator, inputs)
    with _exporting(generator):
        torch.export.save(program, file, extra_files={"card.json": json.dumps(info)})
        loaded = torch.export.load(io.BytesIO(file.getvalue())).module()
    _compare(generator, loaded, inputs)
    return file.getvalue()


def to_onnx(generator: Generator, info: Info) -> bytes:
    """An ONNX model of a generator; its metadata are ``info``."""
    return onnx_of(generator, partial(_inputs, generator), ["image"], info)


def onnx_of(network: nn.Module, inputs: Inputs, outputs: list[str], info: Info) -> bytes:
    """An ONNX model of any network, with these names; its metadata are ``info``."""
    program = trace(network, inputs)
    attention = torch.ops.aten.scaled_dot_product_attention.default  # the exporter requires several heads
    with _exporting(network):
        if any(node.target == attention for node in program.graph.nodes):
            program = program.run_decompositions({attention: _attend})
        names: dict[str, Any] = {"input_names": list(inputs(1)), "output_names": outputs}
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
    _compare(network, load_onnx(contents), inputs)
    return contents


def load_onnx(contents: bytes) -> Callable[..., Tensor | list[Tensor]]:
    """An ONNX model as a function of its inputs, run by onnxruntime on the CPU."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read during the import
    import onnxruntime

    session = onnxruntime.InferenceSession(contents, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]

    def run(*values: Tensor) -> Tensor | list[Tensor]:
        feeds = dict(zip(names, (value.numpy() for value in values), strict=True))
        found = list(map(torch.from_numpy, session.run(None, feeds)))
        return found if len(found) > 1 else found[0]

    return run


def _inputs(generator: Generator, count: int) -> dict[str, Tensor]:
    seeds = torch.arange(count)
    return {"z": sample.latents(seeds, generator.latent), "y": sample.labels(seeds, generator.classes)}


def _compare(network: nn.Module, program: Callable[..., Any], inputs: Inputs) -> None:
    """Raise UserError if ``program`` and ``network`` compute different values."""
    for count in BATCHES:
        values = inputs(count).values()
        with sample.evaluating(network):
            both = [one if isinstance(one, Tensor) else torch.cat([part.flatten() for part in one])
                    for one in (program(*values), network(*values))]  # fmt: skip
        difference = float((both[0] - both[1]).abs().max())
        if not difference <= TOLERANCE:  # true for NaN
            found = f"{count} images of the program differ from torch's by {difference:.1e}; {TOLERANCE:.0e} is allowed"
            raise UserError(f"out: {found}: nothing was written; choose another format")


def _attend(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    return (query @ key.mT * scale).softmax(-1) @ value


def _identity(value: object) -> object:
    return value


@contextmanager
def _exporting(network: nn.Module) -> Iterator[None]:
    """Silence the exporters, whose result is tested anyway; their failure is a UserError."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except RuntimeError as error:
        found = f"{type(network).__module__} to this format ({str(error).strip().splitlines()[0]})"
        raise UserError(f"out: torch cannot export {found}: choose FILE.safetensors") from error
    finally:
        logging.disable(before)
