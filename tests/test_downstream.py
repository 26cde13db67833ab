"""Do synthetic digits help? Which images a cell sees, what its figures mean, and that a study goes on where it was."""

import json
import re
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import ROOT, call, complaint
from omegaconf import DictConfig
from scipy.stats import t, ttest_1samp

from gan import checkpoint, leaderboard, override
from gan.downstream import report, study
from gan.downstream.__main__ import main
from gan.downstream.cell import NONE, Cell, finished
from gan.network import dcgan

TINY = [
    "data=digits", "labels=[2]", "seeds=2", "classifier.steps=3", "classifier.batch_size=16", "classifier.bf16=false",
    "fakes.count=20", "train.images=16", "train.epochs=1",
    'train.words=["network.width=8","network.depth=0","batch_size=16","trainer.accelerator=cpu"]',
]  # fmt: skip


def _cfg(*words: str) -> DictConfig:
    return override.compose("downstream", [*TINY, *words])


def _record(source: str, labels: int, seed: int, plain: float, augmented: float) -> dict[str, Any]:
    accuracy = {"plain": plain, "augmented": augmented}
    return {"source": source, "labels": labels, "seed": seed, "accuracy": accuracy, "seconds": 1.0}


def test_every_class_has_as_many_labels_and_fewer_are_among_more() -> None:
    y = torch.randint(0, 3, (300,), generator=torch.Generator().manual_seed(1))
    ten, twenty, other = (study.chosen(y, 3, each, seed) for each, seed in ((10, 0), (20, 0), (10, 1)))
    assert torch.bincount(y[ten]).tolist() == [10, 10, 10]
    assert len(set(ten.tolist())) == 30
    assert set(ten.tolist()) < set(twenty.tolist())
    assert set(ten.tolist()) != set(other.tolist())


def test_labels_are_drawn_beside_the_images_of_validation() -> None:
    test, val = study.sets(_cfg()), study.sets(_cfg("split=val"))
    assert (len(test.pool[0]), len(test.judged[0]), len(val.judged[0]), test.training) == (750, 297, 750, 1500)
    assert torch.equal(test.pool[0], val.pool[0])
    drawn, held = ({image.numpy().tobytes() for image in images} for images in (val.pool[0], val.judged[0]))
    assert not drawn & held
    assert test.sha256 != val.sha256


def test_batches_are_half_fake_and_an_image_comes_again_when_all_have() -> None:
    real = torch.arange(10, dtype=torch.uint8).view(-1, 1, 1, 1), torch.zeros(10).long()
    fake = torch.full((6, 1, 1, 1), 255, dtype=torch.uint8), torch.ones(6).long()
    drawn = list(islice(study.batches(real, fake, 8, 0.5, augmented=False, seed=0), 5))
    assert [y.tolist() for _, y in drawn] == [[0] * 4 + [1] * 4] * 5
    seen = torch.cat([x[y == 0] for x, y in drawn]).add(1).mul(127.5).round().flatten().tolist()
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    alone = next(study.batches(real, None, 8, 0.5, augmented=False, seed=0))
    assert alone[1].tolist() == [0] * 8


def test_only_augmented_batches_are_jittered() -> None:
    x = torch.zeros(4, 1, 28, 28, dtype=torch.uint8)
    x[:, :, 6:22, 12:16] = 255
    plain, moved = (next(study.batches((x, torch.zeros(4).long()), None, 4, 0.5, on, 0))[0] for on in (False, True))
    assert torch.equal(plain, x / 127.5 - 1)
    assert (moved - plain).abs().mean() > 0.02


def test_fakes_carry_the_labels_they_were_made_from_and_those_of_two_seeds_differ() -> None:
    generator = checkpoint.generator(None)
    (x, y), (other, _) = study.fakes(generator, 20, 0), study.fakes(generator, 20, 1)
    assert y.tolist() == list(range(10)) * 2
    assert x.dtype == torch.uint8
    assert not torch.equal(x, other)


def test_the_same_seed_reads_the_same() -> None:
    cfg, sets = _cfg(), study.sets(_cfg())
    index = study.chosen(sets.pool[1], 10, 2, 0)
    real = sets.pool[0][index], sets.pool[1][index]
    first, again, other = (study.read(sets, real, None, True, cfg, seed) for seed in (0, 0, 1))
    assert first == again != other


def test_an_interval_is_students() -> None:
    mean, half = report.interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert mean == 3
    assert half == pytest.approx(2.776445 * (2.5 / 5) ** 0.5, abs=1e-6)  # t(0.975, 4) s / sqrt(5)
    assert report.interval([0.5]) == (0.5, None)


def test_differences_are_paired_by_seed() -> None:
    records = [_record(NONE, 10, seed, 0.5 + seed / 10, 0.9) for seed in range(3)]
    records += [_record("few", 10, seed, 0.52 + seed / 10, 0.9 - seed / 100) for seed in (0, 1)]
    plain, augmented = (report.of(report.differences(records), "few", arm)[0] for arm in ("plain", "augmented"))
    assert (plain["mean"], plain["half_width"]) == (pytest.approx(0.02), pytest.approx(0, abs=1e-9))
    assert augmented["mean"] == pytest.approx(-0.005)
    assert augmented["half_width"] == pytest.approx(12.7062 * 0.005, abs=1e-4)
    assert augmented["seeds"] == [0, 1]


def _difference(labels: int, values: list[float]) -> dict[str, Any]:
    mean, half = report.interval(values)
    return {"labels": labels, "mean": mean, "half_width": half, "seeds": list(range(len(values)))}


def test_the_chance_of_a_difference_is_that_of_the_paired_t_test() -> None:
    values = [0.01, 0.03, -0.01, 0.02, 0.02]
    assert report.chance(_difference(10, values)) == pytest.approx(ttest_1samp(values, 0).pvalue)
    certain, none, single = ([0.25, 0.25], [0.0, 0.0], [0.5])
    assert [report.chance(_difference(10, one)) for one in (certain, none, single)] == [0.0, 1.0, 1.0]


def test_only_what_survives_holms_correction_is_clear() -> None:
    # p of 0.001, 0.02, 0.03 and 0.04, of which each is below 0.05, and Holm's limits are 0.0125, 0.0167, 0.025 and 0.05.
    means = [0.01 * t.isf(p / 2, 4) / t.isf(0.025, 4) for p in (0.03, 0.001, 0.04, 0.02)]
    found = [{"labels": n, "mean": mean, "half_width": 0.01, "seeds": [0] * 5} for n, mean in enumerate(means)]
    assert [row["labels"] for row in report.surviving(found)] == [1]
    assert [row["labels"] for row in report.surviving([found[1], found[3]])] == [1, 3]
    assert report.surviving([]) == []


def test_a_verdict_says_better_worse_and_neither() -> None:
    values = [(10, 0.02), (20, 0.001), (50, -0.03), (100, -0.02), (500, 0.1)]
    found = [{"labels": n, "mean": mean} for n, mean in values]
    assert report.verdict(found, [found[0], found[2], found[3]]) == (
        "raised accuracy with 10 labels a class (+2.00 points), lowered accuracy with 50 and 100 labels a class "
        "(-3.00 and -2.00 points) and made no difference that survives Holm's correction with 20 and 500 labels a class "
        "(+0.10 and +10.00 points)"
    )


def test_the_sentence_says_what_is_left_open() -> None:
    kept = json.loads((ROOT / "gan" / "measured" / "downstream.json").read_text())
    assert "over 5 seeds, 20 paired t-tests under Holm's correction (the ± below are without):" in kept["sentence"]
    assert "50% of each batch being synthetic, real digits are seen that much less often" in report.caveat(kept, "few")
    assert "one generator for all seeds" in report.caveat(kept, "ckpt")
    assert "developed on all of MNIST" in kept["sentence"]
    assert "t-test" not in report.sentence(kept | {"seeds": 1})


def test_a_study_writes_what_it_came_to_and_another_source_joins_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(main, *TINY, f"run_dir={tmp_path}/study", f"out={tmp_path}/kept.json")
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if re.fullmatch(r"(none|few), 2 labels a class, seed [01]: plain .* to go", line)]) == 4
    found = json.loads((tmp_path / "kept.json").read_text())
    assert found == json.loads((tmp_path / "study" / "downstream.json").read_text())
    assert found["sentence"].startswith(
        "Synthetic images beside real ones of data=digits, over 2 seeds, 2 paired t-tests under"
    )
    assert ": those of a GAN that saw these labelled images alone" in found["sentence"]
    assert {(row["source"], row["arm"]) for row in found["rows"]} == {
        (source, arm) for source in (NONE, "few") for arm in ("plain", "augmented")
    }
    assert "| 2 | " in (tmp_path / "study" / "downstream.md").read_text()
    assert len((tmp_path / "study" / "downstream.csv").read_text().splitlines()) == 1 + 4 + 2
    assert (tmp_path / "kept.png").stat().st_size > 10_000

    # Its GAN was trained on the cell's own images, shown as often as was asked for.
    sets, cell = study.sets(_cfg()), tmp_path / "study" / "few_2_1"
    own = sets.pool[0][study.chosen(sets.pool[1], 10, 2, 1)]
    assert np.array_equal(np.load(cell / "images.npy"), own.numpy())
    trained = json.loads((cell / "result.json").read_text())
    assert trained["history"][-1]["speed/images"] == 16
    assert trained["config"]["data"]["root"] == str(cell)

    call(main, *TINY, "gan=ckpt", f"run_dir={tmp_path}/study")
    shown = capsys.readouterr().out
    assert "none, 2 labels" not in shown  # known already
    assert "those of a generator that saw the images of data=mnist (an upper bound)" in shown
    assert [cell.source for cell in finished(tmp_path / "study")].count("ckpt") == 2


def test_an_interrupted_study_goes_on_with_the_cell_it_was_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [*TINY, "gan=ckpt", f"run_dir={tmp_path}"]
    attempt, attempted = study.attempt, []

    def interrupted(cfg: DictConfig, sets: study.Sets, cell: Cell) -> dict[str, Any]:
        attempted.append(cell)
        if len(attempted) == 3:
            raise KeyboardInterrupt
        return attempt(cfg, sets, cell)

    monkeypatch.setattr("gan.downstream.study.attempt", interrupted)
    with pytest.raises(SystemExit, match="130"):
        call(main, *words)
    assert not (tmp_path / "downstream.json").exists()
    call(main, *words)
    seeds = [(cell.source, cell.seed) for cell in attempted]
    assert seeds == [(NONE, 0), ("ckpt", 0), (NONE, 1), (NONE, 1), ("ckpt", 1)]
    call(main, *words)
    assert len(attempted) == 5
    assert json.loads((tmp_path / "downstream.json").read_text())["seeds"] == 2


def test_a_study_with_other_settings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({NONE: {"data": "digits", "classifier": {"steps": 9}}}))
    assert "holds a study with another classifier: choose another run_dir" in complaint(main, *TINY, f"run_dir={tmp_path}")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["labels=[100]"], "labels: 100 a class are more than the 68 that class 1 of data=digits has"),
        (["labels=[0]"], "labels must be a list of whole numbers of 1 or more, as labels=[10,20], got [0]"),
        (["labels=10"], "labels must be a list of whole numbers"),
        (["labels=[]"], "labels must be a list of whole numbers"),
        (["seeds=0"], "seeds must be 1 or more, got 0"),
        (["gan=all"], "gan must be few or ckpt, got all"),
        (["split=train"], "split must be test or val, got train"),
        (["fakes.share=1.0"], "fakes.share must leave real and fake images in each batch"),
        (["out=x.txt"], "out must end in .json"),
        (["labells=[1]"], "labells: there is no such setting; did you mean labels?"),
        (['train.words=["network.widht=3"]'], "train.words: network.widht: there is no such setting"),
        (['train.words=["network.width=big"]'], "train.words: network.width must be a whole number, got big"),
        (['train.words=["init_from=x"]'], "train.words: init_from=x is not free"),
        (['train.words=["data=kmnist"]'], "train.words: data=kmnist is not free"),
        (['train.words=["network=report"]'], "train.words: the GAN must know the 10 labels"),
        (["gan=ckpt", "ckpt=nothing.ckpt"], "ckpt: nothing.ckpt does not exist"),
    ],
)
def test_a_wrong_word_is_one_clear_line(words: list[str], expected: str, tmp_path: Path) -> None:
    assert expected in complaint(main, *TINY, *words, f"run_dir={tmp_path}/study")
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ({"size": 28, "channels": 1, "classes": 0}, "the generator is unconditional: its digits have no labels"),
        ({"size": 28, "channels": 1, "classes": 7}, "the generator has 7 classes, and data=digits has 10"),
        ({"size": 32, "channels": 3, "classes": 10}, "the generator makes images of 3x32x32, and data=digits has 1x28x28"),
    ],
)
def test_a_generator_of_other_images_is_refused(
    network: dict[str, int], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gan.checkpoint.generator", lambda _: dcgan.Generator(**network, latent=4, width=8, depth=0))
    assert expected in complaint(main, *TINY, "gan=ckpt", f"run_dir={tmp_path}/study")


def test_the_readmes_table_is_that_of_the_kept_study() -> None:
    kept, readme = json.loads((ROOT / "gan" / "measured" / "downstream.json").read_text()), (ROOT / "README.md").read_text()
    assert leaderboard.between("downstream", report.tables(kept), readme) == readme
    assert kept["sentence"] == report.sentence(kept)
    assert kept["rows"] == report.rows(kept["cells"])
