"""The tables of ``python -m gan.measure``."""

from collections.abc import Callable, Mapping, Sequence
from statistics import mean
from typing import Any

from gan.table import markdown


def shares(found: Mapping[str, float | None], form: str = ".2%") -> str:
    """Named figures on one line; None stands for a program that is not installed."""
    told = [f"{name} {'not installed' if share is None else format(share, form)}" for name, share in found.items()]
    return "; ".join(told).replace("nothing drawn again", "not redrawn")


def correlation(slider: Mapping[str, Any]) -> str:
    """Spearman's correlation of asked and measured style, and the digits read as asked."""
    total, latent = slider["spearman"], slider["by the latent alone"]
    if latent is None:
        found = f"{total:.3f} by the affine map alone"
    elif latent == total:
        found = f"{latent:.3f} by the latent alone"
    else:
        found = f"{latent:.3f} by the latent alone, {total:.3f} with the affine map"
    return f"Spearman {found} (worst class {slider['worst class']:.3f}); {slider['read']:.2%} read"


def outline(found: Mapping[str, Any]) -> str:
    """The error of SVGs against the generator's images, and their size."""
    error, sizes = found["error by librsvg"], "{mean:,.0f} bytes, at most {worst:,.0f}".format(**found["bytes"])
    if error is None:
        return sizes
    errors = "error {mean:.3f} of full scale, at most {worst:.3f}".format(**error)
    return f"{errors} (a blank picture has {found['error of a blank']:.3f}); {sizes}"


def loops(found: Mapping[str, Any]) -> list[list[str]]:
    """Rows of digits without a hole of theirs, and of those that two classifiers read as asked."""
    kinds, each = found["kinds"], found["digits of a class"]
    missing = {name: mean(kind["missing holes"].values()) for name, kind in kinds.items()}
    read = {name: min(kind["read"].values()) for name, kind in kinds.items()}
    looped = ", ".join(next(iter(kinds.values()))["missing holes"])
    return [
        [f"{looped}, {each:,} each: a hole is missing", shares(missing)],
        ["all ten, read by the worse of two classifiers", shares(read)],
    ]


def tables(found: Mapping[str, Any]) -> str:
    """Markdown: all figures, and what is attained for each value of a style."""
    lines, boxes, sliders, speed = (found[name] for name in ("lines", "boxes", "sliders", "speed"))
    variances, r2 = lines["variance inside a line over between lines"], found["axes"]["held_out"]["r2"]
    strict = f"{lines['pixels outside boxes or loose sides']} pixels"
    loose = [f"{look} {at['in no box']:,} of {at['ink']:,} pixels" for look, at in boxes["looks"].items()]
    rows = [
        [f"digits of {lines['lines']:,} lines read as asked", shares(lines["read"])],
        ["the same by Tesseract", shares(lines["tesseract"])],
        ["digits redrawn", shares(lines["redrawn"])],
        ["still misread", shares(lines["unread"])],
        ["variance inside a line / between lines", shares(variances["one hand"], ".2f")],
        ["the same, mixed", shares(variances["mixed"], ".2f")],
        ["ink outside boxes, loose boxes", strict],
        [f"ink outside boxes in {boxes['lines']} lines `{boxes['text']}`", "; ".join(loose)],
        *loops(found["accessible"]),
        *([f"`style.{name}` within ±{sliders['reach']:g}", correlation(sliders[name])] for name in r2),
        ["no style", f"{sliders['read without']:.2%} read"],
        ["held-out R² of the latent's directions", shares(r2, ".2f")],
        ["SVG outlines", outline(found["outlines"])],
        [f"{speed['lines']:,} lines as a set", f"{speed['seconds']:.0f} s on {speed['threads']} threads"],
    ]
    attained = [["asked: attained, read", *sliders["thickness"]["asked"]]]
    for name in r2:
        cells = [f"{at['attained']:+.2f}, {at['read']:.1%}" for at in sliders[name]["asked"].values()]
        attained.append([f"`style.{name}`", *cells])
    return "\n\n".join([markdown(["measured", "figure"], *rows), markdown(*attained)])


def taste_table(found: Mapping[str, Any]) -> str:
    """Markdown: of each kind of simulated user, the mean of the runs and, bracketed, the worst."""
    part = found["taste"]
    heads = ("disliked", "chosen", "nearest", "new generator", "read", "others move", "FID +", "perfect +", "refused")
    rows = [["user likes", *heads]]
    for name, user in part["users"].items():
        runs = user["runs"]
        after = [run["after"] for run in runs if "after" in run]
        apart = [one["FID"] - part["FID"] for one in after]
        moved = [one["others moved"] for one in after if "others moved" in one]
        cells = [mean_worst([run[kind]["disliked"] for run in runs], ".1%") for kind in ("before", "chosen", "nearest")]
        cells.append(mean_worst([one["disliked"] for one in after], ".1%"))
        cells.append(mean_worst([one["read"] for one in after], ".1%", min))
        cells += [mean_worst(moved, ".4f"), mean_worst(apart, ".2f")]
        cells.append(f"{user['FID of a perfect choice'] - part['FID']:.2f}")
        rows.append([name, *cells, f"{len(runs) - len(after)} of {len(runs)}"])
    return markdown(*rows)


def mean_worst(values: Sequence[float], form: str, worst: Callable[[Sequence[float]], float] = max) -> str:
    """The mean of values and, in brackets, the worst; - for none."""
    return f"{format(mean(values), form)} ({format(worst(values), form)})" if values else "-"
