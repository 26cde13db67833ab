"""What a set of generated digits is, for whoever finds it: a short datasheet (Gebru et al. 2021, Datasheets for Datasets)."""

from collections.abc import Mapping
from pathlib import Path

from gan.file import table

MADE = "made by a generative adversarial network. No person wrote them."  # by which a folder is known for a set


def sheet_path(path: Path) -> Path:
    """Where the datasheet of a set goes: README.md in its folder, or NAME.datasheet.md beside NAME.npz."""
    return path.with_suffix(".datasheet.md") if path.suffix else path / "README.md"


def is_set(path: Path) -> bool:
    """Whether the folder ``path`` holds a set with the datasheet that was written with it."""
    sheet = sheet_path(path)
    return sheet.is_file() and MADE in sheet.read_text(errors="replace")


def datasheet(
    counts: Mapping[str, int],
    *,
    title: str,
    contents: str,
    seeds: str,
    command: str,
    sha256: str,
    licence: str,
    figures: Mapping[str, object] | None = None,
) -> str:
    """Markdown about a set with ``counts`` of each label or character.

    ``contents`` tells in a sentence what an item is and how it is written, ``seeds`` of what they are functions ("0 to 9999"),
    ``sha256`` is of the generator's weights, and ``figures`` are the generator's card by name.
    """
    rows = [[name, _short(value)] for name, value in (figures or {}).items()]
    measured = f"\nThe generator's figures:\n\n{table(['figure', 'value'], *rows)}\n" if rows else ""
    return f"""# {title}

{sum(counts.values()):,} synthetic handwritten characters, {MADE}

## Composition

{table(["label", "count"], *([name, f"{count:,}"] for name, count in counts.items()))}

{contents}
A label is what the generator was asked for; no person has checked it.

## How it was made

- command: `{command}`
- seeds: {seeds}; the same seed and generator give the same image
- generator: sha256 `{sha256}`
{measured}
## Uses

For teaching, design, tests of software and studies of synthetic data.
Not for measuring accuracy on real handwriting, nor as anyone's handwriting: the images follow the generator's training
data in style and share its gaps, a few do not show their label, and rare ways of writing are rarer still.
A model trained on these alone knows no more than the generator does.

## Licence

{licence}"""


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
