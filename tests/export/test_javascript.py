"""The page's JavaScript is formatted, linted, of the types that it says, and short."""

from pathlib import Path

import javascript
from javascript import PAGE

pytest_plugins = ["studio_page"]


def test_its_types_are_those_that_it_says(packages: Path) -> None:
    assert javascript.check_types(packages) == []


def test_it_is_formatted_and_linted(packages: Path) -> None:
    done = javascript.run_biome(packages, "ci", "--error-on-warnings")
    assert done.returncode == 0, done.stderr


def test_scripts_are_short() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in PAGE.glob("*.js")}
    assert {name: length for name, length in lengths.items() if length > 250} == {}
    assert sum(lengths.values()) <= 3850  # with types and blank lines; new parts need old ones to go
