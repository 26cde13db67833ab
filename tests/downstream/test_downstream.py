"""A downstream study: which images its cells see, what it writes, how it continues."""

import json
import re
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import call, complaint
from omegaconf import DictConfig

from gan import checkpoint
from gan.cli.compose import compose
from gan.data.labels import choose_labelled
from gan.downstream import study
from gan.downstream.__main__ import main
from gan.downstream.cell import NONE, Cell, Record, finished
from gan.downstream.study import Study
from gan.network import dcgan

TINY = [
    "data=digits", "labels=[2]", "seeds=2", "classifier.steps=3", "classifier.batch_size=16", "classifier.bf16=false",
    "fakes.count=20", "train.images=16", "train.epochs=1",
    'train.words=["network.width=8","network.depth=0","batch_size=16","trainer.accelerator=cpu"]',
    "unlabelled.steps=3", "unlabelled.labelled=8", "unlabelled.others=8",
    "unlabelled.train.images=16", "unlabelled.train.epochs=1",
    'unlabelled.train.words=["experiment=semi","network.width=8","network.depth=0","batch_size=16"]',
]  # fmt: skip


def _cfg(*words: str) -> DictConfig:
    return compose("downstream", [*TINY, *words])


def test_every_class_has_as_many_labels_and_fewer_are_among_more() -> None:
    y = torch.randint(0, 3, (300,), generator=torch.Generator().manual_seed(1))
    ten, twenty, other = (choose_labelled(y, 3, each, seed) for each, seed in ((10, 0), (20, 0), (10, 1)))
    assert torch.bincount(y[ten]).tolist() == [10, 10, 10]
    assert len(set(ten.tolist())) == 30
    assert set(ten.tolist()) < set(twenty.tolist())
    assert set(ten.tolist()) != set(other.tolist())


def test_labels_are_drawn_beside_the_images_of_validation() -> None:
    test, val = Study(_cfg()), Study(_cfg("split=val"))
    assert (len(test.pool[0]), len(test.judged[0]), len(val.judged[0]), test.training_images) == (750, 297, 750, 1500)
    assert torch.equal(test.pool[0], val.pool[0])
    drawn, held = ({image.numpy().tobytes() for image in images} for images in (val.pool[0], val.judged[0]))
    assert not drawn & held
    assert test.sha256 != val.sha256


def test_batches_are_half_fake_and_an_image_comes_again_when_all_have() -> None:
    real = torch.arange(10, dtype=torch.uint8).view(-1, 1, 1, 1), torch.zeros(10).long()
    fake = torch.full((6, 1, 1, 1), 255, dtype=torch.uint8), torch.ones(6).long()
    drawn = list(islice(study.draw_batches(real, fake, 8, 0.5, augmented=False, seed=0), 5))
    assert [y.tolist() for _, y in drawn] == [[0] * 4 + [1] * 4] * 5
    seen = torch.cat([x[y == 0] for x, y in drawn]).add(1).mul(127.5).round().flatten().tolist()
    assert sorted(seen[:10]) == sorted(seen[10:]) == list(range(10))
    alone = next(study.draw_batches(real, None, 8, 0.5, augmented=False, seed=0))
    assert alone[1].tolist() == [0] * 8


def test_only_augmented_batches_are_jittered() -> None:
    x = torch.zeros(4, 1, 28, 28, dtype=torch.uint8)
    x[:, :, 6:22, 12:16] = 255
    plain, moved = (
        next(study.draw_batches((x, torch.zeros(4).long()), None, 4, 0.5, on, 0))[0] for on in (False, True)
    )
    assert torch.equal(plain, x / 127.5 - 1)
    assert (moved - plain).abs().mean() > 0.02


def test_fakes_carry_the_labels_they_were_made_from_and_those_of_two_seeds_differ() -> None:
    generator = checkpoint.generator(None)
    (x, y), (other, _) = study.draw_fakes(generator, 20, 0), study.draw_fakes(generator, 20, 1)
    assert y.tolist() == list(range(10)) * 2
    assert x.dtype == torch.uint8
    assert not torch.equal(x, other)


def test_the_same_seed_reads_the_same() -> None:
    job = Study(_cfg())
    index = choose_labelled(job.pool[1], 10, 2, 0)
    real = job.pool[0][index], job.pool[1][index]
    first, again, other = (job.measure_accuracy(real, None, True, seed) for seed in (0, 0, 1))
    assert first == again != other


def test_a_study_writes_what_it_came_to_and_another_source_joins_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call(main, *TINY, f"run_dir={tmp_path}/study", f"out={tmp_path}/kept.json")
    lines = capsys.readouterr().out.splitlines()
    told = [line for line in lines if re.fullmatch(r"(none|few), 2 labels a class, seed [01]: plain .* to go", line)]
    assert len(told) == 4
    found = json.loads((tmp_path / "kept.json").read_text())
    assert found == json.loads((tmp_path / "study" / "downstream.json").read_text())
    assert {(row["source"], row["arm"]) for row in found["rows"]} == {
        (source, arm) for source in (NONE, "few") for arm in ("plain", "augmented")
    }
    written = (tmp_path / "study" / "downstream.md").read_text()
    assert written.startswith("Synthetic digits of a GAN trained on these labelled images alone:")
    assert "| 2 | " in written
    assert len((tmp_path / "study" / "downstream.csv").read_text().splitlines()) == 1 + 4 + 2
    assert (tmp_path / "kept.png").stat().st_size > 10_000

    # Its GAN was trained on the cell's own images, shown as often as was asked for.
    pool, cell = Study(_cfg()).pool, tmp_path / "study" / "few_2_1"
    own = pool[0][choose_labelled(pool[1], 10, 2, 1)]
    assert np.array_equal(np.load(cell / "images.npy"), own.numpy())
    trained = json.loads((cell / "result.json").read_text())
    assert trained["history"][-1]["speed/images"] == 16
    assert trained["config"]["data"]["root"] == str(cell)

    call(main, *TINY, "gan=ckpt", f"run_dir={tmp_path}/study")
    shown = capsys.readouterr().out
    assert "none, 2 labels" not in shown  # known already
    assert "Synthetic digits of a generator trained on the images of data=mnist (upper bound):" in shown
    assert [cell.source for cell in finished(tmp_path / "study")].count("ckpt") == 2


def test_images_without_labels_join_and_the_gan_knows_no_other_label(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["seeds=1", "gan=unlabelled", f"run_dir={tmp_path}"]
    call(main, *TINY, *words)
    shown = capsys.readouterr().out
    assert re.search(r"unlabelled, 2 labels a class, seed 0: pseudo .*, consistency .*, discriminator .*, both ", shown)
    assert "Change against labels with augmentation, * significant:" in shown
    cell = json.loads((tmp_path / "unlabelled_2_0.json").read_text())
    assert list(cell["accuracy"]) == ["pseudo", "consistency", "discriminator", "both"]
    assert 0 <= cell["cas"] <= 1
    assert 0 <= cell["label_agreement"] <= 1
    labels = np.load(tmp_path / "unlabelled_2_0" / "labels.npy")
    pool = Study(_cfg()).pool[1]
    known = np.flatnonzero(labels >= 0)
    assert sorted(known) == sorted(choose_labelled(pool, 10, 2, 0).tolist())
    assert (labels[known] == pool.numpy()[known]).all()
    assert len(labels) == 750
    found = json.loads((tmp_path / "downstream.json").read_text())
    assert {row["arm"] for row in found["differences"]} == {*cell["accuracy"], "both minus consistency"}


@pytest.mark.slow
def test_an_interrupted_study_goes_on_with_the_cell_it_was_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [*TINY, "gan=ckpt", f"run_dir={tmp_path}"]
    run_cell, attempted = Study.run_cell, []

    def interrupted(job: Study, cell: Cell) -> Record:
        attempted.append(cell)
        if len(attempted) == 3:
            raise KeyboardInterrupt
        return run_cell(job, cell)

    monkeypatch.setattr(Study, "run_cell", interrupted)
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
    message = complaint(main, *TINY, f"run_dir={tmp_path}")
    assert "holds a study with another classifier: choose another run_dir" in message


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["labels=[100]"], "labels: 100 a class are more than the 68 that class 1 of data=digits has"),
        (["labels=[0]"], "labels must be a list of whole numbers of 1 or more, as labels=[10,20], got [0]"),
        (["labels=10"], "labels is a list: write labels=[...], got 10"),
        (["labels=[]"], "labels must be a list of whole numbers"),
        (["seeds=0"], "seeds must be a whole number from 1 to 1,000,000,000, got 0"),
        (["gan=all"], "gan must be few, ckpt or unlabelled, got all"),
        (["split=train"], "split must be test or val, got train"),
        (["fakes.share=1.0"], "fakes.share must leave real and fake images in each batch"),
        (["out=x.txt"], "out must end in .json"),
        (["labells=[1]"], "labells: there is no such setting; did you mean labels?"),
        (['train.words=["network.widht=3"]'], "train.words: network.widht: there is no such setting"),
        (['train.words=["network.width=big"]'], "train.words: network.width must be a whole number, got big"),
        (['train.words=["init_from=x"]'], "train.words: init_from=x cannot be set"),
        (['train.words=["data=kmnist"]'], "train.words: data=kmnist cannot be set"),
        (['train.words=["network=report"]'], "train.words: the GAN must know the 10 labels"),
        (["data.labelled=3"], "data.labelled cannot be set: each cell has its own: choose labels=[10,20]"),
        (
            ["gan=unlabelled", 'unlabelled.train.words=["network.width=8"]'],
            "unlabelled.train.words: the GAN must guess",
        ),
        (["gan=unlabelled", "unlabelled.steps=0"], "unlabelled.steps must be a whole number from 1"),
        (["gan=ckpt", "ckpt=nothing.ckpt"], "ckpt: nothing.ckpt does not exist"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(words: list[str], expected: str, tmp_path: Path) -> None:
    assert expected in complaint(main, *TINY, *words, f"run_dir={tmp_path}/study")
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        ({"size": 28, "channels": 1, "classes": 0}, "the generator has no classes, and data=digits has 10"),
        ({"size": 28, "channels": 1, "classes": 7}, "the generator has 7 classes, and data=digits has 10"),
        ({"size": 32, "channels": 3, "classes": 10}, "images of 3x32x32, and data=digits has 1x28x28"),
    ],
)
def test_a_generator_of_other_images_is_refused(
    network: dict[str, int], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gan.checkpoint.generator", lambda _: dcgan.Generator(**network, latent=4, width=8, depth=0))
    assert expected in complaint(main, *TINY, "gan=ckpt", f"run_dir={tmp_path}/study")
