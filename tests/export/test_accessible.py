"""axe-core finds nothing that keeps people out: https://github.com/dequelabs/axe-core."""

from pathlib import Path

import pytest
from browser import drawn, needs_chromium, opened
from playwright.sync_api import Browser

pytest_plugins = ["studio_page"]
FOUND = """
axe.run().then(({ violations }) =>
  violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target }) => target).join(", ")}`))
"""


@pytest.mark.slow
@needs_chromium
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_axe_finds_no_violation(chromium: Browser, page: Path, packages: Path, width: int, scheme: str) -> None:
    with opened(chromium, (page / "index.html").as_uri(), width=width, scheme=scheme) as shown:  # type: ignore[arg-type]
        drawn(shown)
        shown.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        shown.add_script_tag(content=(packages / "axe-core" / "axe.min.js").read_text())
        assert shown.evaluate(FOUND) == []
