"""``python -m gan.export ckpt=RUN/best.ckpt out=FILE.safetensors``: the averaged generator alone, for those who only generate.

FILE.json beside it holds what the generator is made of, the command that trained it and, where ``RUN/test.json`` is there,
its figures.
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from gan import checkpoint, command
from gan.file import write_text, write_weights
from gan.metric.feature import digest


@command.main("export")
def main(cfg: DictConfig) -> None:
    """Write weights and JSON; print the JSON."""
    out, tested = Path(cfg.out), Path(cfg.ckpt).parent / "test.json"
    if out.suffix != ".safetensors":
        raise ValueError(f"out must end in .safetensors, got {cfg.out}")
    if out.exists() and not cfg.overwrite:
        raise ValueError(f"out: {out} exists: choose another name, or overwrite=true")
    contents = checkpoint.read(cfg.ckpt)["hyper_parameters"]
    network: Any = checkpoint.load(cfg.ckpt).ema.generator
    write_weights(network, out)
    card = {
        "command": " ".join(["python train.py", *contents["overrides"]]),
        "data": contents["config"]["data"]["name"],
        "generator": contents["config"]["model"]["generator"],
        "parameters": sum(p.numel() for p in network.parameters()),
        "sha256": digest(out),
        "versions": {name: version(name) for name in ("torch", "lightning")},
        "test": json.loads(tested.read_text()) if tested.is_file() else None,
    }
    write_text(json.dumps(card, indent=2), out.with_suffix(".json"))
    print(json.dumps(card, indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
