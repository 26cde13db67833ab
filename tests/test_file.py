"""Files appear whole or not at all."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import spawn

from gan import file
from gan.error import UserError
from gan.file import atomic_folder, atomic_write, load_json, write_bytes, write_text


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


WRITER = """
import sys, time
from pathlib import Path
from gan.file import atomic_folder, atomic_write
path = Path(sys.argv[1])
with (atomic_write if path.suffix else atomic_folder)(path) as partial:
    (partial if path.suffix else partial / "x.txt").write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


@contextmanager
def _writer(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process in the middle of writing ``path``."""
    process = spawn("-c", WRITER, path)
    assert process.stdout
    assert process.stdout.readline() == "writing\n"
    yield process
    process.kill()
    process.communicate()


def _write(path: Path) -> None:
    if path.suffix:
        write_text("whole", path)
    else:
        with atomic_folder(path) as made:
            (made / "x.txt").write_text("whole")


@pytest.mark.skipif(os.name == "nt", reason="kills")
@pytest.mark.parametrize("name", ["x[1].txt", "set"])
def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_stays(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    with _writer(path) as killed, _writer(tmp_path / "other.txt"):
        (partial,) = [one for one in tmp_path.iterdir() if one.name.startswith(f".{name}.")]
        assert file.final_path(str(partial)) == str(path)
        _write(path)
        assert partial.exists()  # it is being written
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        _write(path)
        assert not partial.exists()
        assert len(list(tmp_path.glob(".other*"))) == 1


def test_without_locks_only_what_is_a_day_old_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "_try_lock", lambda descriptor: None)
    old, new = (tmp_path / f".x.txt.{letter * 16}" for letter in "ab")
    strange = tmp_path / ".x.txt.backup"
    for path in (old, new, strange):
        path.touch()
    for path in (old, strange):
        os.utime(path, (time.time() - 90000,) * 2)
    write_text("whole", tmp_path / "x.txt")
    assert {path.name for path in tmp_path.iterdir()} == {new.name, strange.name, "x.txt"}


def test_a_full_disk_is_named_and_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    first, second = tmp_path / "weights.bin", tmp_path / "weights.json"
    for path in (first, second):
        write_text("before", path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space") as caught:
        write_bytes(b"after", first)
    assert caught.value.filename == str(first)
    monkeypatch.undo()

    def pair() -> None:  # neither changes if the second does not fit
        with atomic_write(first) as one, atomic_write(second) as other:
            one.write_text("after")
            full(other)

    with pytest.raises(OSError, match="No space"):
        pair()
    assert first.read_text() == second.read_text() == "before\n"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_reader_sees_a_whole_file_or_none_while_others_write(tmp_path: Path) -> None:
    path, texts = tmp_path / "x.txt", [letter * 200_000 for letter in "ab"]
    code = "import sys; from pathlib import Path; from gan.file import write_text\n"
    code += "for _ in range(200): write_text(sys.argv[2] * 200_000, Path(sys.argv[1]))"
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), letter]) for letter in "ab"]
    while any(writer.poll() is None for writer in writers):
        if path.exists():
            assert path.read_text().rstrip("\n") in texts
    assert [writer.returncode for writer in writers] == [0, 0]
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.txt"]


def test_only_a_file_is_replaced_never_a_device_or_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="pipe is a folder or a device, not a file"):
        write_text("x", tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()
    with pytest.raises(UserError, match="is a folder or a device"):
        write_text("x", tmp_path)
