"""``python -m gan.evaluate ckpt=RUN/best.ckpt``: all figures, as JSON and as Markdown."""

import json
import re
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from gan import terminal
from gan.cli.command import command
from gan.cli.output import json_path, validate_card
from gan.file import atomic_files, sha256, write_text
from gan.table import markdown

# What a figure is, by the start of its name; "share of" marks those shown in percent.
MEANING = {
    "fid": "Fréchet distance of features; lower is better",
    "kid": "kernel distance of features; lower is better",
    "is_digits": "Inception Score; from 1 to the number of classes, higher is better",
    "precision": "share of fakes in the neighbourhood of a real image",
    "recall": "share of real images in the neighbourhood of a fake",
    "density": "neighbourhoods of real images that a fake lies in, divided by k; near 1 for real images",
    "coverage": "share of real images with a fake in their neighbourhood",
    "label_agreement": "share of fakes classified as the label they were generated for",
    "cas": "share of real images classified correctly after training on fakes; the floor trains on real images",
    "c2st_auc": "probability that a fresh network finds a real image more real than a fake; 0.5 is chance",
    "c2st_binary_auc": "the same without grey levels",
    "c2st_binary": "share of images that it tells right without grey levels: by the shapes of strokes",
    "c2st": "share of images, half real, half fake, that a fresh network tells right; 50 % is chance",
    "smallest_class": "share of fakes in the rarest class",
    "modes_covered": "number of classes among the fakes",
    "mode_kl": "KL divergence of the classes of the fakes from uniform, in nats; 0 is best",
    "nearest": "distance to the nearest training image, over that of real images; below 1 is nearer",
    "copies": "share of fakes that copy a training image",
    "duplicates": "share of fakes that copy another fake",
    "planted_found": "share of training images hidden among the fakes that are found as copies",
}
PICTURES = ("most_fake", "most_real", "grey_levels")  # FILE_most_fake.png beside FILE.json
ALONE = "The classifier that chose the checkpoint also gave these figures."
Figures = dict[str, float]


@command("evaluate")
def main(cfg: DictConfig) -> None:
    """Print the card as JSON; write it as JSON and as Markdown."""
    card, out = write_card(cfg)
    print(json.dumps(card, indent=2))  # noqa: T201
    _say_what_matters(card, out)


def write_card(cfg: DictConfig) -> tuple[dict[str, Any], Path]:
    """The card of a checkpoint and its file, which is written with a Markdown file beside it."""
    out = json_path("out", str(cfg.out or Path(cfg.ckpt).parent / f"{cfg.split}.json"))
    beside, ckpt = out.with_suffix(".md"), Path(cfg.ckpt)
    drawn = {name: out.with_name(f"{out.stem}_{name}.png") for name in PICTURES}
    digest = sha256(ckpt) if ckpt.is_file() else None  # what is no checkpoint is refused below

    def is_same(card: dict[str, Any]) -> bool:
        return card.get("ckpt_sha256") == digest is not None

    validate_card(out, beside, *drawn.values(), is_same=is_same, overwrite=cfg.overwrite)
    from gan.cli import judging  # imports Lightning, which takes seconds

    card, pictures = judging.evaluate(cfg)
    with atomic_files(*(drawn[name] for name in pictures), beside, out) as aside:
        for name, write in pictures.items():
            write(aside / drawn[name].name)
        write_text(to_markdown(card, *(drawn[name].name for name in pictures)), aside / beside.name)
        write_text(json.dumps(card, indent=2), aside / out.name)
    for name in drawn.keys() - pictures:  # of an earlier card, with c2st
        drawn[name].unlink(missing_ok=True)
    return card, out


def _say_what_matters(card: dict[str, Any], out: Path) -> None:
    """Say on stderr, below the JSON that has scrolled by, the first figure and where all are."""
    from gan.callback import lines  # imports Lightning, which takes seconds

    console, figures = terminal.make_console(stderr=True), card["figures"]
    first = lines.beside_floor(next(iter(figures)), figures)
    places = f"{lines.shown(out)}; what they mean: {lines.shown(out.with_suffix('.md'))}"
    terminal.show(console, lines.labelled("judged", *first, f" by the {card['split']} images"), lines.LABEL)
    terminal.show(console, lines.labelled("figures", places), lines.LABEL)
    if card["split"] == "test" and card["chooser"] == card["extractor"]:
        name = card["chooser"]["name"]
        data = card["data"] if "/" in name else name.partition("*")[0]
        remedy = f"python -m gan.fit_classifier data={data} second=true fits a second one"
        terminal.show(console, lines.labelled("judge", f"{ALONE} {remedy}"), lines.LABEL)


def to_markdown(card: dict[str, Any], *pictures: str) -> str:
    """The card as tables of its figures, how they were computed, and ``pictures``, beside it."""
    title = f"# {card['ckpt']}, evaluated on the {card['split']} images of {card['data']}"
    figures = {name.partition("/")[2]: value for name, value in card["figures"].items()}
    shown = [f"![{name}]({name})" for name in pictures]
    return "\n\n".join([title, _table_of_figures(figures), _table_of_classes(figures), _describe(card), *shown])


def _cells(figures: Figures, name: str, form: str) -> list[str]:
    """A figure and its floor; empty if there is none."""
    return [format(figures[part], form) if part in figures else "" for part in (name, f"{name}_floor")]


def _table_of_figures(figures: Figures) -> str:
    of_chooser = {name.replace("_chooser", ""): value for name, value in figures.items() if "_chooser" in name}
    rows = []
    for name in figures:
        if re.search(r"_floor$|_chooser$|(class_share|label_agreement)_\d+", name):
            continue
        meaning = next((text for start, text in MEANING.items() if name.startswith(start)), "")
        form = ".2%" if meaning.startswith("share of") else ".4g"
        chooser = _cells(of_chooser, name, form) if of_chooser else []
        rows.append([name, *_cells(figures, name, form), *chooser, meaning])
    return markdown(
        ["figure", "value", "floor", *(["by the chooser", "floor"] * bool(of_chooser)), "what it is"], *rows
    )


def _table_of_classes(figures: Figures) -> str:
    classes = [name.removeprefix("class_share_") for name in figures if re.fullmatch(r"class_share_\d+", name)]
    if not classes:
        return "There are too many classes to list each."
    rows = [
        [c, *_cells(figures, f"class_share_{c}", ".2%"), *_cells(figures, f"label_agreement_{c}", ".2%")]
        for c in classes
    ]
    return markdown(["class", "share", "floor", "label agreement", "floor"], *rows)


def _describe(card: dict[str, Any]) -> str:
    """How the figures were computed, and with what."""
    images, seeds = card["images"], card["first_seed"]
    cas = f" cas: {images['cas']:,} fakes, seeds from {seeds['cas']}, {card['cas']['epochs']} epochs."
    versions = ", ".join(f"{name} {number}" for name, number in card["versions"].items())
    return (
        f"The floor is the figure of other real images. {images['judged']:,} fakes, seeds from {seeds['judged']}, "
        f"against {images['reference']:,} real images; {images['training']:,} training images; k = {card['k']}."
        f"{cas if images['cas'] else ''}{_describe_c2st(card) if images['c2st'] else ''}\n\n"
        f"Checkpoint {card['ckpt_sha256']}, chosen by {card['chosen_by']}. "
        f"{_describe_classifiers(card)} {versions}. {card['seconds']} seconds."
    )


def _describe_c2st(card: dict[str, Any]) -> str:
    test, images, seed = card["c2st"], card["images"]["c2st"], card["first_seed"]["c2st"]
    return (
        f" c2st: {images:,} fakes, seeds from {seed}, and as many real images: a network trains on half of each for "
        f"{test['steps']:,} steps and is judged by the other half, standard error {test['error']:.2%}."
    )


def _describe_classifiers(card: dict[str, Any]) -> str:
    """Which classifier gave the figures, and which one chose the checkpoint."""
    extractor, chooser = card["extractor"], card["chooser"]
    found = f"The figures are by the classifier {_named(extractor)}."
    if chooser and chooser != extractor:
        return f"{found} The chooser, which chose the checkpoint, is {_named(chooser)}: its figures have another scale."
    return f"{found} {ALONE}" if chooser and card["split"] == "test" else found


def _named(classifier: dict[str, Any]) -> str:
    accuracy = f"accuracy {classifier['test_accuracy']:.2%} on its test images"
    return f"{classifier['name']} ({classifier['sha256']}, {accuracy})"


if __name__ == "__main__":
    main()
