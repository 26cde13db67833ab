"""The tables of what ``python -m gan.benchmark`` measured."""

from typing import Any

from gan.table import markdown


def tables(found: dict[str, Any]) -> str:
    """Markdown: what ``python -m gan.benchmark`` measured."""
    rate, default, share = found["images_per_second"], found["default_run"], found["share_of_convolution_peak"]
    training = [[f"training, batch of {found['batch_size']}", "images/s", "ours is so many times as fast"]]
    for told, name, times in (
        (f"`experiment=report trainer.precision={found['precision']}`", "ours", 1),
        ("the same steps without Lightning", "bare", 1 / (1 + found["lightning_overhead"])),
        ("a plain eager loop in float32, images in memory", "plain", found["times_plain"]),
        ("that loop with a DataLoader and torchvision's transforms", "loader", found["times_loader"]),
    ):
        training.append([told, f"{rate[name]:,}", f"{times:.2f}"])
    drawing = [["digits drawn at once", "milliseconds", "images/s"]]
    for n, one in found["sampling"].items():
        drawing.append([n, f"{one['milliseconds']:.2f}", f"{one['images_per_second']:,}"])
    peak = f"{found['convolution_peak_gflops']} GFLOP/s, of which the steps without Lightning use {share:.0%}"
    rest = [
        ["also", "measured"],
        ["default recipe: training", f"{default['images_per_second']:,} images/s"],
        ["default recipe: evaluation of an epoch", f"{default['judging_seconds']} s"],
        ["default recipe: peak memory", f"{default['peak_memory_mib']:,} MiB"],
        ["convolutions", peak],
        ["machine", f"{found['device']}, {found['threads']} threads, {found['machine']}"],
        ["repetitions", f"medians over {found['turns']} turns of {found['steps']} steps"],
    ]
    if recorded := found.get("recorded_run"):
        rest.insert(2, ["the same with `model.compile=reduce-overhead`", f"{recorded['images_per_second']:,} images/s"])
    parts = [_parts(found["profile"])] if found.get("profile") else []
    return "\n\n".join(markdown(*table) for table in (training, drawing, *parts, rest))


def _parts(found: dict[str, dict[str, Any]]) -> list[list[str]]:
    """The rows of a table: what a step's time goes to, in the order of the first column."""
    columns = {"report": "`experiment=report`", "default": "default recipe"}
    shares = [found[name]["shares"] for name in columns]
    rows = [[part, *(f"{one.get(part, 0):.0%}" for one in shares)] for part in dict.fromkeys([*shares[0], *shares[1]])]
    return [["of a step's time", *columns.values()], *rows]
