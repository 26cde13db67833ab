"""``python -m gan.export out=FILE``: the shipped generator, or that of ``ckpt``, to use elsewhere.

- FILE.safetensors: its weights. FILE.json beside it holds its configuration, the command that
  trained it and, if ``RUN/test.json`` exists, its test figures. ``ckpt=FILE.safetensors`` loads it.
- FILE.onnx, FILE.pt2: the generator as a program, see :mod:`gan.export.program`.
- FILE.otf: a font of one hand, see :mod:`gan.export.font`.
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
from gan.validate import integer


def validate_output(out: str, overwrite: bool) -> Path:
    """The path in ``out``. Raises UserError for what cannot be written."""
    path = output_path(out, [".safetensors", ".onnx", ".pt2", ".otf", ""])
    if path.suffix == ".otf":
        require("fontTools", extra="font")
    if path.suffix in (".onnx", ""):
        require("onnx", "onnxscript", "onnxruntime", extra="onnx")
    if path.suffix == "":
        from gan.export import web  # imports torch, which takes seconds

        validate_folder(path, "page", {part.name for part in path.glob("*")} - web.FILES, overwrite)
        return path
    beside = [path.with_suffix(".json")] if path.suffix == ".safetensors" else []
    validate_files(path, *beside, overwrite=overwrite)
    return path


def write_font(cfg: DictConfig, out: Path) -> str:
    """Write a font of one hand; return a line about it. Raises UserError for wrong settings."""
    from gan.cli.drawing import describe_size, load_hand, report_misread  # imports torch, which takes seconds
    from gan.digits.layout import Layout
    from gan.digits.preset import CERTAIN
    from gan.export import font, opentype
    from gan.lab import Lab

    family = "Digit Hand" if cfg.like else f"Digit Hand {cfg.seed}"
    if cfg.font.name is not None:
        family = opentype.validate_family(cfg.font.name)
    layout, count = Layout(**cfg.layout), integer("font.shapes", cfg.font.shapes, 1, 20)
    lab = Lab(cfg.ckpt, cfg.reader)
    like = load_hand(cfg, lab.like, lab.names)
    pen = {"style": dict(cfg.style), "variation": cfg.variation, "truncation": cfg.truncation}
    certainty = CERTAIN if lab.reader else 0.0
    shapes, line = font.draw(lab, count, cfg.seed, layout, like, certainty=certainty, **pen)
    spacing = layout.spacing * font.HEIGHT
    about = {"Seed": str(cfg.seed), **lab.text}
    write_bytes(opentype.pack(shapes, font.kern(shapes, spacing), spacing, family, about), out)
    checked = "" if lab.reader else "; no digit was classified: reader= names a classifier"
    checked = report_misread(line.unread) + checked
    return f"{out}: {family}, with {count} shapes of each digit{describe_size(out)}{checked}"


@command("export")
def main(cfg: DictConfig) -> None:
    """Write the generator or its font; print its JSON for .safetensors, else where it is."""
    refuse_unused(sys.argv[1:], export_uses(cfg))
    out = validate_output(cfg.out, cfg.overwrite)
    if out.suffix == ".otf":
        print(write_font(cfg, out))  # noqa: T201
        return
    from gan.lab import Lab  # imports torch, which takes seconds

    lab = Lab(cfg.ckpt, cfg.reader)
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

    if out.suffix == ".onnx":
        write_bytes(program.to_onnx(generator, program.describe(lab)), out)
    elif out.suffix == ".pt2":
        write_bytes(program.to_pt2(generator, program.describe(lab)), out)
    else:
        web.write_page(out, lab, cfg)
        out /= "index.html"
    print(f"{out}: draws the same images as torch, within {program.TOLERANCE:g}")  # noqa: T201


if __name__ == "__main__":
    main()
