"""``python -m gan.export out=FILE``: the shipped generator, or that of ``ckpt``, to use elsewhere.

- FILE.safetensors: its weights. FILE.json beside it holds its configuration, the command that
  trained it and, if ``RUN/test.json`` exists, its test figures. ``ckpt=FILE.safetensors`` loads it.
- FILE.onnx, FILE.pt2: the generator as a program, see :mod:`gan.export.program`.
- FOLDER/: a web page, see :mod:`gan.export.web`.
"""

import json
import sys
from pathlib import Path

from omegaconf import DictConfig

from gan.cli.command import command
from gan.cli.output import output_path, validate_files, validate_folder
from gan.cli.uses import export_uses, refuse_unused
from gan.error import require
from gan.file import atomic_files, write_bytes, write_text, write_weights


def validate_output(out: str, overwrite: bool) -> Path:
    """The path in ``out``. Raises UserError for what cannot be written."""
    path = output_path(out, [".safetensors", ".onnx", ".pt2", ""])
    if path.suffix in (".onnx", ""):
        require("onnx", "onnxscript", "onnxruntime", extra="onnx")
    if path.suffix == "":
        from gan.export import web  # imports torch, which takes seconds

        validate_folder(path, "page", {part.name for part in path.glob("*")} - web.FILES, overwrite)
        return path
    beside = [path.with_suffix(".json")] if path.suffix == ".safetensors" else []
    validate_files(path, *beside, overwrite=overwrite)
    return path


@command("export")
def main(cfg: DictConfig) -> None:
    """Write the generator; print its JSON for .safetensors, else where it is."""
    refuse_unused(sys.argv[1:], export_uses(cfg))
    out = validate_output(cfg.out, cfg.overwrite)
    from gan.lab import Lab  # imports torch, which takes seconds

    lab = Lab(cfg.ckpt)
    generator, names = lab.generator, list(lab.names)
    provenance = lab.provenance | {"names": names, "licence": lab.text["Licence"]}
    if out.suffix == ".safetensors":
        text, beside = json.dumps(provenance, indent=2, ensure_ascii=False), out.with_suffix(".json")
        with atomic_files(out, beside) as aside:
            write_weights(generator, aside / out.name)
            write_text(text, aside / beside.name)
        print(text)  # noqa: T201
        return

    from gan.export import program, web  # import torch's exporters, which take a second

    info = {"latent": str(generator.latent), "classes": str(generator.classes)}
    info |= {name: str(provenance.get(name, "unknown")) for name in ("command", "data", "sha256", "licence")}
    info["names"] = json.dumps(names, ensure_ascii=False)
    if out.suffix == ".onnx":
        write_bytes(program.to_onnx(generator, info), out)
    elif out.suffix == ".pt2":
        write_bytes(program.to_pt2(generator, info), out)
    else:
        runtime = web.find_runtime(cfg.page.runtime, cfg.cache)
        web.write_page(out, generator, lab.axes, info, runtime, title=cfg.page.title, ckpt=Path(cfg.ckpt or "").name)
        out /= "index.html"
    print(f"{out}: draws the same images as torch, within {program.TOLERANCE:g}")  # noqa: T201


if __name__ == "__main__":
    main()
