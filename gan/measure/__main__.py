"""``python -m gan.measure``: figures of lines, boxes, sliders, outlines and speed."""

import json

from omegaconf import DictConfig

from gan.cli.command import command
from gan.cli.output import json_path, require_writable, validate_card, validate_files
from gan.file import atomic_files, write_text
from gan.validate import integer


@command("measure")
def main(cfg: DictConfig) -> None:
    """Measure; write the JSON and, beside it, a sheet of styles; print the JSON."""
    out = json_path("out", cfg.out)
    card = None if cfg.card is None else json_path("card", cfg.card)
    for name, least in (("seed", 0), ("lines", 2), ("sliders", 60), ("outlines", 1), ("many", 1)):
        integer(name, cfg[name], least, 10**6)
    require_writable(out)
    from gan.lab import Lab  # imports torch, which takes seconds
    from gan.measure import line, program, slider

    lab, sheet = Lab(cfg.ckpt), out.with_suffix(".png")
    generator = lab.provenance["sha256"]
    validate_card(out, sheet, is_same=lambda known: known.get("generator") == generator, overwrite=cfg.overwrite)
    if card is not None:
        validate_files(card, overwrite=cfg.overwrite, name="card")
    found = {
        "generator": generator,
        "lines": line.measure_lines(lab, cfg.lines, cfg.seed, cfg.root),
        "boxes": line.measure_boxes(lab, max(1, cfg.lines // 10), cfg.seed),
        "sliders": slider.measure_sliders(lab, cfg.sliders, cfg.seed),
        "axes": slider.measure_axes(lab, cfg.sliders),
        "outlines": program.measure_outlines(lab, cfg.outlines),
        "speed": program.measure_speed(cfg.many, cfg.ckpt),
    }
    text = json.dumps(found, indent=2)
    with atomic_files(sheet, out) as aside:
        slider.draw_sheet(lab).save(aside / sheet.name)
        write_text(text, aside / out.name)
    if card is not None:
        write_text(json.dumps(found["axes"], indent=2), card)
    print(text)  # noqa: T201


if __name__ == "__main__":
    main()
