"""The notebook: sliders that draw at once, and a tour that runs with its solutions."""

import io
import json
import re
from pathlib import Path

import pytest
from conftest import ROOT, renamed
from PIL import Image

import gan
from gan.digits.look import Look
from gan.digits.style import Axes
from gan.error import MissingExtra
from gan.lab import Lab
from gan.notebook import DIGIT, LINE, Player, _call

TOUR = json.loads((ROOT / "gan" / "tour.ipynb").read_text())
SOLUTION = r"<details>\n<summary>A solution</summary>\n\n```python\n(.*)\n```\n\n</details>"


@pytest.fixture
def player(lab: Lab) -> Player:
    return Player(lab)


def _size(player: Player) -> tuple[int, int]:
    return Image.open(io.BytesIO(player.picture.value)).size


def test_a_slider_draws_the_digit_again_and_names_the_call(player: Player, lab: Lab) -> None:
    before = player.picture.value
    player.styles["slant"].value = 2.0
    assert player.picture.value != before
    assert player.says.value.startswith(
        "lab.sample(1, label=3, seed=23, style={'slant': 2.0})<br>The classifier reads 3,"
    )
    assert _size(player) == (224, 224)
    player.label.value, player.seed.value = "7", 5
    called = player.says.value.partition("<br>")[0]
    digits = eval(called, {"lab": lab})
    assert (digits.labels.tolist(), digits.seeds.tolist()) == ([7], [5])


def test_sliders_that_were_not_moved_show_what_is_drawn_and_hold_nothing(player: Player) -> None:
    drawn = {name: slider.value for name, slider in player.styles.items()}
    player.seed.value += 1
    redrawn = {name: slider.value for name, slider in player.styles.items()}
    assert all(redrawn[name] != drawn[name] for name in drawn)
    assert player.held == set()
    player.styles["slant"].value += 1e-9  # a browser's rounding of what it was sent
    assert player.held == set()
    player.styles["width"].value = 1.0
    player.seed.value += 1
    assert (player.held, player.styles["width"].value) == ({"width"}, 1.0)
    player.release.click()
    assert player.held == set()
    assert "style" not in player.says.value


def test_a_line_is_written_as_it_is_typed(player: Player, lab: Lab) -> None:
    player.kind.value = LINE
    assert (player.text.layout.display, player.label.layout.display) == (None, "none")
    sizes = [_size(player)]
    player.text.value = "12"
    sizes.append(_size(player))
    assert sizes[0][0] > 3 * sizes[1][0]
    assert {height for _, height in sizes} == {112}
    player.text.value = "12x<b>"
    assert player.says.value.startswith("text: cannot draw &lt; &gt; b x")
    player.text.value = "1" * 300
    assert _size(player)[1] < 112
    player.text.value, player.preset.value = "31", "sunset"
    assert player.says.value == "lab.line('31', seed=23, preset='sunset')"
    assert eval(player.says.value, {"lab": lab}).look.ink == "#ffd166-#f4587f"


def test_colours_are_the_presets_until_they_are_chosen(player: Player, lab: Lab) -> None:
    for name in player.preset.options:
        player.preset.value = name
        assert "Look" not in player.says.value
    player.preset.value = "chalkboard"
    player.colours["ink"].value = "red"
    call = player.says.value.partition("<br>")[0]
    assert "look=Look(ink='red', paper='#2c4438', texture='chalk')" in call
    assert eval(call, {"lab": lab, "Look": Look}).look == Look(ink="red", paper="#2c4438", texture="chalk")
    player.preset.value = "plain"
    assert player.colours["ink"].value == "white"


def test_letters_have_labels_and_lines_are_refused_in_a_sentence(lab: Lab, tmp_path: Path) -> None:
    axes = Axes(**{name: rows[[4, 8]] for name, rows in vars(lab.axes).items()})
    lab = gan.load(renamed(tmp_path, {"A": 4, "B": 8}), reader="none")
    lab.__dict__["axes"] = axes  # in place of a measurement of 15 seconds
    player = Player(lab)
    assert player.says.value == "lab.sample(1, label='B', seed=23)"
    player.kind.value = LINE
    assert player.says.value.startswith("text: ")
    player.kind.value = DIGIT
    assert player.says.value == "lab.sample(1, label='B', seed=23)"


def test_without_ipywidgets_the_line_says_what_to_type(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan.error.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r'^ipywidgets is not installed: pip install -e "\.\[notebook\]"$'):
        gan.play(lab)


def test_a_call_leaves_out_what_was_not_chosen() -> None:
    assert _call("f", 1, label=None, style={}, look=None) == "f(1)"


def test_the_tour_holds_its_solutions_and_nothing_of_this_machine() -> None:
    text = json.dumps(TOUR)
    assert not re.search(r"/(home|root|tmp|work)/|Traceback", text)
    sources = ["".join(cell["source"]) for cell in TOUR["cells"]]
    assert sources.count("# your code") == len([one for one in sources if re.fullmatch(SOLUTION, one, re.DOTALL)]) == 2
    assert TOUR["metadata"]["kernelspec"]["name"] == "python3"
    assert not [cell for cell in TOUR["cells"] if "widget-view" in json.dumps(cell)]


@pytest.mark.slow
def test_the_tour_runs_with_its_solutions_and_without_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nbformat  # takes seconds
    from nbclient import NotebookClient

    monkeypatch.setenv("GAN_DATA", str(tmp_path))
    tour = nbformat.read(ROOT / "gan" / "tour.ipynb", as_version=4)
    cells = [cell for cell in tour.cells if cell.source != "# your code"]
    found = (re.fullmatch(SOLUTION, cell.source, re.DOTALL) for cell in cells)
    code = nbformat.v4.new_code_cell
    cells = [code(one[1]) if one else cell for one, cell in zip(found, cells, strict=True)]
    cells.append(code("player = gan.notebook.Player(lab)\nplayer.styles['slant'].value = 2\nprint(player.says.value)"))
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=tour.metadata)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT / "gan")}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 5
    assert any("image/gif" in str(output.get("data", {}).get("text/html", "")) for output in outputs)
    assert any("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in outputs)
    said = "".join(output.get("text", "") for output in outputs)
    assert "297 real digits of scikit-learn" in said
    assert re.search(r"500 generated digits: \d+\.\d% of the real ones are read", said)
    assert "style={'slant': 2.0}" in said
    assert [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"] == []
