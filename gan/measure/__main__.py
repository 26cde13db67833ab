"""``python -m gan.measure``: figures of lines, digits, sliders, outlines, taste and speed."""

import json
from collections.abc import Callable, Collection
from pathlib import Path

from omegaconf import DictConfig

from gan.cli.command import command
from gan.cli.output import json_path, require_writable, validate_card, validate_files
from gan.error import UserError
from gan.file import atomic_files, load_json, write_text
from gan.validate import integer


@command("measure")
def main(cfg: DictConfig) -> None:
    """Measure; write the JSON and, beside it, a sheet of styles; print the JSON."""
    out = json_path("out", cfg.out)
    card = None if cfg.card is None else json_path("card", cfg.card)
    least = {"seed": 0, "lines": 2, "accessible": 1, "sliders": 60, "outlines": 1, "many": 1, "users": 1}
    for name, low in least.items():
        integer(name, cfg[name], low, 10**6)
    require_writable(out)
    from gan.lab import Lab  # imports torch, which takes seconds
    from gan.measure import hole, line, program, slider, taste

    lab, sheet = Lab(cfg.ckpt), out.with_suffix(".png")
    generator = lab.provenance["sha256"]
    validate_card(out, sheet, is_same=lambda known: known.get("generator") == generator, overwrite=cfg.overwrite)
    if card is not None:
        validate_files(card, overwrite=cfg.overwrite, name="card")
    parts: dict[str, Callable[[], object]] = {
        "lines": lambda: line.measure_lines(lab, cfg.lines, cfg.seed, cfg.root),
        "accessible": lambda: hole.measure_accessible(lab, cfg.accessible, cfg.seed, cfg.root),
        "boxes": lambda: line.measure_boxes(lab, max(1, cfg.lines // 10), cfg.seed),
        "sliders": lambda: slider.measure_sliders(lab, cfg.sliders, cfg.seed),
        "axes": lambda: slider.measure_axes(lab, cfg.sliders),
        "outlines": lambda: program.measure_outlines(lab, cfg.outlines),
        "taste": lambda: taste.measure_taste(lab, cfg.users, cfg.root),
        "speed": lambda: program.measure_speed(cfg.many, cfg.ckpt),
    }
    known = {} if cfg.only is None else _known(out, generator, cfg.only, parts)
    found = {name: known[name] if name in known else measure() for name, measure in parts.items()}
    text = json.dumps({"generator": generator, **found}, indent=2)
    with atomic_files(sheet, out) as aside:
        slider.draw_sheet(lab).save(aside / sheet.name)
        write_text(text, aside / out.name)
    if card is not None:
        write_text(json.dumps(found["axes"], indent=2), card)
    print(text)  # noqa: T201


def _known(out: Path, generator: str, only: str, parts: Collection[str]) -> dict[str, object]:
    """The figures in ``out`` but the part ``only``. Raises UserError if they are not its."""
    if only not in parts:
        raise UserError(f"only must be one of {', '.join(parts)}, got {only}")
    found = load_json(out) if out.is_file() else {}
    if found.get("generator") != generator:
        raise UserError(f"only: {out} has no other figures of this generator: leave only out")
    return {name: figures for name, figures in found.items() if name != only}


if __name__ == "__main__":
    main()
