"""Tables as Markdown, as plain text and as CSV files."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gan.error import printable
from gan.file import atomic_write


def markdown(*rows: Sequence[str]) -> str:
    """Rows of cells as a Markdown table; the first row is the header."""
    header, *body = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *body))


def plain(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """The ``columns`` of ``rows`` as aligned text; floats have four significant digits."""
    lines = [list(columns)]
    for row in rows:
        values = [row.get(column, "") for column in columns]
        lines.append([f"{value:.4g}" if isinstance(value, float) else printable(value, 1000) for value in values])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)) for line in lines)


def write_csv(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write ``rows`` to ``path``, in the columns of the longest row; missing cells are empty."""
    columns = dict.fromkeys(key for row in sorted(rows, key=len, reverse=True) for key in row)
    with atomic_write(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(columns), restval="")
        table.writeheader()
        table.writerows(rows)
