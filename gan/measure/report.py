"""What was measured, as the README's tables."""

from collections.abc import Mapping
from typing import Any

from gan.digits import attribute
from gan.file import table


def shares(of: Mapping[str, float | None], form: str = ".2%") -> str:
    """Named figures on one line; None: by a program that is not there."""
    return "; ".join(f"{name} {'not installed' if share is None else format(share, form)}" for name, share in of.items())


def agreement(slider: dict[str, Any]) -> str:
    """How a slider's correlation comes about."""
    whole, latent = slider["spearman"], slider["by the latent alone"]
    if latent is None:
        return f"{whole:.3f} by the affine map alone"
    return f"{latent:.3f} by the latent alone" + (f", {whole:.3f} with the affine map" if whole != latent else "")


def outline(found: dict[str, Any]) -> str:
    """How true SVGs are, and how large."""
    error, size = found["error by librsvg"], f"{found['bytes']['mean']:,.0f} bytes, at most {found['bytes']['worst']:,.0f}"
    if error is None:
        return size
    scale = f"a blank picture's is {found['error of a blank']:.3f}"
    return f"error {error['mean']:.3f} of full scale, at worst {error['worst']:.3f} ({scale}); {size}"


def tables(found: dict[str, Any]) -> str:
    """All figures in Markdown, and a second table of what is attained where it is asked."""
    lines, boxes, sliders, speed = (found[name] for name in ("lines", "boxes", "sliders", "speed"))
    one, mixed = (lines["variance inside a line over between lines"][name] for name in ("one hand", "mixed"))
    drawn = {name: f"{share:.2%}, {lines['unread'][name]:.2%}" for name, share in lines["redrawn"].items()}
    loose = [f"{look} {at['in no box']:,} of {at['ink']:,} pixels" for look, at in boxes["looks"].items()]
    rows = [
        [f"digits of {lines['lines']:,} lines read by the classifier", shares(lines["read"])],
        ["read by Tesseract", shares(lines["tesseract"])],
        ["digits drawn again, never read", "; ".join(f"{name} {told}" for name, told in drawn.items())],
        [
            "variance inside a line over that between: one hand (mixed)",
            "; ".join(f"{name} {one[name]:.2f} ({mixed[name]:.2f})" for name in attribute.NAMES),
        ],
        ["lines of digits: ink outside its box, or a loose box", f"{lines['pixels outside boxes or loose sides']} pixels"],
        [f"{boxes['lines']} lines `{boxes['text']}`: more than half ink, in no box", "; ".join(loose)],
    ]
    for name in attribute.NAMES:
        slider = sliders[name]
        figures = f"Spearman {agreement(slider)} (worst class {slider['worst class']:.3f}), {slider['read']:.2%} read"
        rows.append([f"`style.{name}`, asked within ±{sliders['reach']:g}", figures])
    rows += [
        ["without any style", f"{sliders['read without']:.2%} read"],
        ["held-out R² of the latent's directions", shares(found["axes"]["held_out"]["r2"], ".2f")],
        ["an SVG outline", outline(found["outlines"])],
        [f"{speed['lines']:,} lines as a set", f"{speed['seconds']:.0f} s on {speed['threads']} threads"],
    ]
    attained = [
        [f"`style.{name}`", *(f"{at['attained']:+.2f}, {at['read']:.1%}" for at in sliders[name]["asked"].values())]
        for name in attribute.NAMES
    ]
    head = ["asked for: attained on average, read as itself", *sliders[attribute.NAMES[0]]["asked"]]
    return "\n\n".join([table(["measured", "figure"], *rows), table(head, *attained)])
