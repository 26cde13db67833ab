"""A setting that would change nothing is refused, in every use of every drawing command."""

from pathlib import Path

import pytest
from conftest import call, complaint

from gan import generate, morph
from gan.cli.check import settings
from gan.cli.compose import compose, quote
from gan.cli.drawing import load_look
from gan.cli.uses import Use, export_uses, generate_uses, morph_uses, refuse_unused
from gan.error import UserError
from gan.export.__main__ import main as export

GENERATE = {  # each use of python -m gan.generate, and what it must refuse
    "n=5 out=x.png": "split lines mixed variation like layout.height folder reader look.direction look.line",
    "n=1 out=x.png": "columns",
    "n=5 out=x.svg": "layout.slant size look.texture look.height look.line",
    "n=5 out=x.npz": "columns folder size lines",
    "n=5 out=x/": "columns size mixed",
    "n=5 out=x.png size=card": "look.height",
    "n=5 out=x.png look.texture=ruled": "look.direction",
    "text=1 out=x.png": "split n label columns folder",
    "text=1 out=x.png mixed=true": "variation",
    "text=1 out=x.pdf": "size look.texture look.height",
    "text=1 lines=2 out=x/": "n columns folder label",
}
OTHER = {"split": 0.5, "lines": 3, "mixed": "true", "variation": 0.5, "like": "x.png", "layout.height": 40,
         "layout.slant": 9,
         "folder": "idx", "reader": "mnist", "look.direction": "right", "look.line": "red", "columns": 3, "n": 7,
         "size": "card", "look.texture": "grain", "look.height": 50, "label": 3}  # fmt: skip


@pytest.mark.parametrize("words", GENERATE)
def test_a_setting_of_another_use_is_refused(words: str) -> None:
    for name in GENERATE[words].split():
        typed = [*words.split(), f"{name}={OTHER[name]}"]
        cfg = compose("generate", [quote(word) for word in typed])
        with pytest.raises(UserError, match=rf"^{name} is for "):
            refuse_unused(typed, generate_uses(cfg))


def test_what_is_left_out_or_in_a_group_is_read_too() -> None:
    for typed in (
        ["n=5", "out=x.png", "like=null", "layout=null"],
        ["text=1", "out=x.png", "label=null", "like=x.png"],
    ):
        refuse_unused(typed, generate_uses(compose("generate", [w for w in typed if "layout" not in w])))
    typed = ["n=5", "out=x.png", "layout={height:40}"]
    with pytest.raises(UserError, match=r"^layout\.height is for lines"):
        refuse_unused(typed, generate_uses(compose("generate", typed)))
    typed = ["text=1", "out=x.png", "look={ink:red,direction:right}"]
    with pytest.raises(UserError, match=r"^look\.direction is for gradients"):
        refuse_unused(typed, generate_uses(compose("generate", typed)))


def test_the_table_names_settings_that_exist() -> None:
    for root, uses in (("generate", generate_uses), ("morph", morph_uses), ("export", export_uses)):
        known = settings(root, [])
        for use in uses(compose(root, ["out=x"])):
            assert isinstance(use, Use)
            assert set(use.settings.split()) <= set(known)


def test_morph_and_export_refuse_what_they_do_not_use(tmp_path: Path) -> None:
    for words, expected in (
        (["style.slant=2", "out=m.gif"], "style.slant is for digits and lines, which python -m gan.generate draws"),
        (["certain=true", "out=m.gif"], "certain is for digits and lines"),
        (["clean=true", "out=m.gif"], "clean is for digits and lines"),
        (["truncation=0.5", "out=m.gif"], "truncation is for digits and lines"),
        (["fps=10", "out=m.png"], "fps is for a film, as out=morph.gif"),
        (["look.texture=grain", "out=m.svg"], "look.texture is for pixels"),
    ):
        assert expected in complaint(morph.main, *words[:-1], f"out={tmp_path / words[-1][4:]}")
    for word in ("page.title=x", "page.runtime=x", "cache=x"):
        for name in ("g.onnx", "g.otf"):
            assert "is for a web page, as out=studio/" in complaint(export, word, f"out={tmp_path / name}")
    for word in (
        "seed=1",
        "font.shapes=3",
        "variation=0",
        "like=x.png",
        "style.slant=1",
        "layout.jitter=0",
    ):
        for name in ("g.onnx", "page/"):
            assert "is for a font, as out=hand.otf" in complaint(export, word, f"out={tmp_path}/{name}")
    assert "or a web page, as out=studio/" in complaint(export, "reader=none", f"out={tmp_path / 'g.onnx'}")
    assert list(tmp_path.iterdir()) == []


def test_what_a_preset_cannot_do_here_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(morph.main, "preset=accessible", "look.height=28", "frames=2", f"out={tmp_path / 'm.gif'}")
    assert (
        "preset: a morph takes its look alone, neither style, certain, clean nor truncation" in capsys.readouterr().err
    )
    call(generate.main, "n=1", "preset=chalkboard", f"out={tmp_path / 'x.svg'}")
    assert "SVG and PDF hold outlines, so look.texture=chalk is left out" in capsys.readouterr().err


def test_a_film_says_what_it_cannot_show_of_transparent_colours(capsys: pytest.CaptureFixture[str]) -> None:
    half, clear = "look.ink='#f00c'", "look.paper=transparent"
    for words, expected in (
        ((half, clear, "out=m.gif"), "a .gif cannot be half transparent, so its colours are full or none"),
        ((clear, "out=m.gif"), ""),
        (("preset=sticker", "out=m.mp4"), "an .mp4 is not transparent, so its paper lies on white"),
        ((half, "out=m.mp4"), ""),
        ((half, "out=m.gif"), ""),
        ((half, clear, "out=m.webp"), ""),
        ((half, clear, "out=m.svg"), ""),
    ):
        load_look(compose("morph", list(words)), is_morph=True)
        said = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("contrast")]
        assert len(said) == bool(expected)
        assert not expected or expected in said[0]


CHANGED = {  # a value for every setting, other than its default
    "seed": 7, "n": 6, "label": 3, "columns": 2, "folder": "classes", "lines": 2, "split": 0.5, "mixed": "true",
    "variation": 0.9,
    "like": "LIKE", "layout.height": 40, "layout.spacing": 1, "layout.jitter": 0.5, "layout.slant": 20,
    "layout.margin": 1, "size": "200x100", "reader": "none", "certain": "true", "clean": "true",
    "truncation": 0.5, "style.thickness": 2, "style.slant": 2,
    "style.width": 2, "style.height": -2, "look.ink": "navy", "look.paper": "#eee", "look.direction": "right",
    "look.texture": "grain", "look.line": "red", "look.height": 60,
}  # fmt: skip
UNCHANGED = {"ckpt", "out", "overwrite", "text", "pattern", "layout", "look", "style", "look.minimum_contrast"}
RARE = {"reader", "certain", "clean"}  # change only digits that are misread, uncertain or not clean


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", ["n=4 out=x.png", "n=4 out=x.svg", "n=4 out=x.npz", "n=4 out=x/", "text=27 out=x.png", "text=27 out=x.pdf"]
)
def test_every_setting_changes_the_result_or_is_refused(words: str, tmp_path: Path) -> None:
    def draw(*more: str) -> bytes | None:
        base = [word for word in words.split() if word.split("=")[0] not in {one.split("=")[0] for one in more}]
        typed = [word.replace("out=", f"out={tmp_path}/") for word in base]
        try:
            call(generate.main, *typed, *more, "overwrite=true")
        except SystemExit:
            return None
        made = sorted(path for path in tmp_path.rglob("*") if path.is_file() and path.suffix not in (".md", ".json"))
        if made[0].suffix == ".npz":
            import numpy as np

            with np.load(made[0]) as found:
                return found["images"].tobytes() + found["labels"].tobytes()
        if made[0].suffix == ".png":
            from conftest import pixels

            return b"".join(path.name.encode() + path.parent.name.encode() + pixels(path).tobytes() for path in made)
        return b"".join(path.name.encode() + path.read_bytes() for path in made)

    call(generate.main, "n=1", "label=4", f"out={tmp_path.parent / f'{tmp_path.name}.png'}")
    plain = draw()
    assert plain is not None
    for name in set(settings("generate", [])) - UNCHANGED:
        value = str(CHANGED[name]).replace("LIKE", str(tmp_path.parent / f"{tmp_path.name}.png"))
        found = draw(f"{name}={value}")
        assert name in RARE or found != plain, name
