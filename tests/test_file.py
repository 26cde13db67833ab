"""Files appear whole or not at all."""

from pathlib import Path

import pytest

from gan.error import UserError
from gan.file import atomic_write, load_json, write_text


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.txt"
    write_text("before", path)

    def fail() -> None:
        with atomic_write(path) as partial:
            partial.write_text("half")
            raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        fail()
    assert path.read_text() == "before\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["x.txt"]


@pytest.mark.parametrize("contents", [b"{", b"5", b"\xff"])
def test_damaged_json_is_named(contents: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(contents)
    with pytest.raises(UserError, match=r"x\.json is damaged .*: restore it, or delete it"):
        load_json(tmp_path / "x.json")
