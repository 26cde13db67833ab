"""One table of all figures, for spreadsheets and pandas."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gan.error import UserError
from gan.logger.board import Board, Figures
from gan.table import write_csv


class Csv(Board):
    """Writes ``metrics.csv`` into a training's folder: a row for each number of images seen.

    A resumed training keeps the rows up to its checkpoint. Raises UserError for a damaged file.
    """

    def open(self, images: int, settings: Mapping[str, Any]) -> None:
        self.rows: dict[int, dict[str, Any]] = {}
        path = self.folder / "metrics.csv"
        if images and path.is_file():
            self.rows = {at: row for at, row in _load(path).items() if at <= images}

    def add_figures(self, figures: Figures) -> None:
        self.rows.setdefault(self.images, {"images": self.images}).update(figures)

    def save(self) -> None:
        if self.is_open and self.rows:
            columns = dict.fromkeys(name for row in self.rows.values() for name in row)
            empty = dict.fromkeys(columns, "")
            write_csv([empty | row for row in self.rows.values()], self.folder / "metrics.csv")

    def finalize(self, status: str) -> None:
        self.save()


def _load(path: Path) -> dict[int, dict[str, Any]]:
    """The rows of a table by their number of images."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = csv.DictReader(file, strict=True)
            if "images" not in (table.fieldnames or []):
                raise ValueError
            return {int(row["images"]): dict(row) for row in table}
    except (ValueError, TypeError, csv.Error) as error:
        raise UserError(f"{path} is damaged: move it away to continue without its rows") from error
