"""Where results go: found before any work, never over another's file, and whole or absent."""

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from conftest import call, complaint

from gan import evaluate, fit_classifier, fit_encoder, generate, leaderboard, morph, prefer
from gan.benchmark.__main__ import main as benchmark
from gan.cli import output
from gan.cli.output import output_path, require_writable, validate_card
from gan.downstream.__main__ import is_study
from gan.error import UserError
from gan.export.__main__ import main as export
from gan.file import final_path, sha256
from gan.generate import drawing
from gan.measure.__main__ import main as measure

# Commands that write, with the setting that says where; FILE lies below a file, where nothing can.
WRITERS: list[tuple[Callable[[], None], list[str], str]] = [
    (generate.main, ["n=3", "out=FILE/x.png"], "out"),
    (generate.main, ["n=3", "out=FILE/x/"], "out"),
    (generate.main, ["text=1", "out=FILE/x.svg"], "out"),
    (morph.main, ["out=FILE/x.gif"], "out"),
    (export, ["out=FILE/x.safetensors"], "out"),
    (export, ["out=FILE/x.pt2"], "out"),
    (evaluate.main, ["ckpt=CKPT", "out=FILE/x.json"], "out"),
    (fit_classifier.main, ["data=digits", "out=FILE/x"], "out"),
    (fit_encoder.main, ["data=digits", "out=FILE/x.safetensors"], "out"),
    (prefer.main, ["feedback=x.json", "out=FILE/x.safetensors"], "out"),
    (measure, ["out=FILE/x.json"], "out"),
    (benchmark, ["out=FILE/x.json"], "out"),
]


@pytest.mark.parametrize(("main", "words", "name"), WRITERS)
def test_a_place_that_cannot_be_written_is_found_before_the_work(
    main: Callable[[], None], words: list[str], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.nn.Module.__call__", _fail)  # nothing may be drawn or trained
    (tmp_path / "file").touch()
    (tmp_path / "x.ckpt").touch()
    typed = [word.replace("FILE", f"{tmp_path}/file").replace("CKPT", f"{tmp_path}/x.ckpt") for word in words]
    assert complaint(main, *typed).startswith(f"error: {name}: {tmp_path}/file is a file, so ")
    assert {path.name for path in tmp_path.iterdir()} == {"file", "x.ckpt"}


def _fail(*_: object, **__: object) -> NoReturn:
    raise AssertionError("work was done")


def test_a_read_only_place_and_a_name_that_is_too_long_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=r"cannot be written \(File name too long\): choose another place"):
        require_writable(tmp_path / f"{'x' * 250}.png")

    def refuse(**_: object) -> NoReturn:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(output, "TemporaryDirectory", refuse)
    with pytest.raises(UserError, match=r"^run_dir: .*x\.json cannot be written \(Read-only file system\)"):
        require_writable(tmp_path / "new" / "x.json", "run_dir")
    assert list(tmp_path.iterdir()) == []


def test_a_new_folder_has_a_slash_and_a_path_of_windows_is_none_here(tmp_path: Path) -> None:
    kinds = [".npz", ""]
    with pytest.raises(UserError, match=r"got new: for a folder, write out=new/$"):
        output_path("new", kinds)
    assert output_path("new/", kinds) == Path("new")
    assert output_path(str(tmp_path), kinds) == tmp_path
    for path in (r"C:\Users\me\x.npz", "C:/x.npz", r"results\x.npz", r"\\server\x.npz"):
        with pytest.raises(UserError, match="is a path of Windows, and here it would be a name"):
            output_path(path, kinds)


def test_a_card_replaces_that_of_the_same_checkpoint_and_no_other_file(tmp_path: Path) -> None:
    card, beside = tmp_path / "val.json", tmp_path / "val.md"

    def validate(overwrite: bool = False) -> None:
        validate_card(card, beside, is_same=lambda known: known.get("ckpt_sha256") == "a", overwrite=overwrite)

    validate()
    for kept in ('{"ckpt_sha256": "b"}', "notes", "[1]", "\xff"):
        card.write_text(kept, encoding="latin-1")
        with pytest.raises(UserError, match=r"val\.json exists: choose another name, or overwrite=true"):
            validate()
        validate(overwrite=True)
    card.write_text('{"ckpt_sha256": "a"}')
    beside.touch()
    validate()
    card.unlink()
    with pytest.raises(UserError, match=r"val\.md exists"):
        validate()


@pytest.mark.parametrize(
    ("main", "words", "name"),
    [
        (benchmark, ["out=HERE/x.json"], "x.json"),
        (fit_classifier.main, ["data=digits", "out=HERE/x"], "x.safetensors"),
        (fit_classifier.main, ["data=digits", "out=HERE/x"], "x.json"),
        (fit_encoder.main, ["data=digits", "out=HERE/x.safetensors"], "x.json"),
        (prefer.main, ["feedback=x.json", "out=HERE/x.safetensors"], "x.json"),
        (evaluate.main, ["ckpt=HERE/x.ckpt", "out=HERE/x.json"], "x.json"),
        (evaluate.main, ["ckpt=HERE/x.ckpt", "out=HERE/x.json"], "x_most_real.png"),
        (measure, ["out=HERE/x.json"], "x.png"),
        (measure, ["out=HERE/x.json", "card=HERE/y.json"], "y.json"),
    ],
)
def test_no_command_replaces_a_file_of_another(
    main: Callable[[], None], words: list[str], name: str, tmp_path: Path
) -> None:
    (tmp_path / "x.ckpt").touch()
    (tmp_path / name).write_text("mine")
    assert f"{name} exists: choose another name, or overwrite=true" in complaint(
        main, *(word.replace("HERE", str(tmp_path)) for word in words)
    )
    assert (tmp_path / name).read_text() == "mine"


def test_results_of_a_study_replace_their_own(tmp_path: Path) -> None:
    settings = {"none": {"data": "mnist"}, "few": {"data": "mnist"}}
    assert is_study(settings, {"settings": {"none": {"data": "mnist"}}})
    for other in ({}, {"settings": {}}, {"settings": {"none": {"data": "kmnist"}}}, {"settings": 3}):
        assert not is_study(settings, other)


def test_runs_of_one_name_are_not_one_card(tmp_path: Path) -> None:
    runs = [tmp_path / "a" / "run", tmp_path / "b" / "run"]
    for run in runs:
        (run / "grids").mkdir(parents=True)
    words = [f"runs=[{runs[0]},{runs[1]}]", f"out={tmp_path}", "pages=[]"]
    assert "several are called run" in complaint(leaderboard.main, *words)


@pytest.mark.parametrize("words", [["text=12", "out=x.png"], ["n=3", "out=x.npz"], ["n=3", "out=x.csv"]])
def test_a_full_disk_leaves_both_of_a_pair_as_they_were(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = [*words[:-1], f"out={tmp_path}/{words[-1][4:]}"]
    call(generate.main, *placed)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(before) == 2

    def full(_: str, path: Path) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(drawing, "write_text", full)
    said = complaint(generate.main, *placed, "seed=5", "overwrite=true")
    assert said.endswith("No space left on device; make room there, or choose another folder")
    assert ".x." not in said
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_kill_between_the_two_is_seen_in_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call(generate.main, "text=12", f"out={tmp_path / 'x.png'}")
    assert json.loads((tmp_path / "x.png.json").read_text())["sha256"] == sha256(tmp_path / "x.png")
    original = Path.replace

    def die(self: Path, target: Path) -> Path:
        if "beside" in self.parts and str(target).endswith(".json") and target.parent == tmp_path:
            raise KeyboardInterrupt
        return original(self, target)

    monkeypatch.setattr(Path, "replace", die)
    with pytest.raises(SystemExit):
        call(generate.main, "text=34", f"out={tmp_path / 'x.png'}", "overwrite=true")
    assert json.loads((tmp_path / "x.png.json").read_text())["sha256"] != sha256(tmp_path / "x.png")
    assert {path.name for path in tmp_path.iterdir()} == {"x.png", "x.png.json"}


def test_messages_name_the_final_place_of_a_pair() -> None:
    assert final_path("/d/.x.png.0123456789abcdef/beside/x.json") == "/d/x.json"
    assert final_path("/d/.x.png.0123456789abcdef/beside/.x.json.0123456789abcdef") == "/d/x.json"
