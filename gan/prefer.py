"""``python -m gan.prefer feedback=feedback.json out=mine.safetensors``: a generator with a taste.

A copy of the generator learns to draw, from each latent, the nearest digit that somebody would
like. It is written only if a part of the marks that it did not learn from finds its digits better.
"""

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from gan import terminal
from gan.cli.command import command
from gan.cli.output import output_path, validate_files
from gan.error import UserError
from gan.file import atomic_files, sha256, write_text, write_weights
from gan.validate import integer, number

if TYPE_CHECKING:
    from gan.digits.feedback import Feedback
    from gan.lab import Lab
    from gan.network import Generator

HELD = 4  # every fourth mark is held back, to judge
LEAST_AUC = 0.6  # of a taste for marks that it did not learn from; chance is 0.5
LOST = 0.005  # of the share of digits that are read, at most
MORE = "nothing was written: mark more digits, or one kind alone"


@command("prefer")
def main(cfg: DictConfig) -> None:
    """Learn and test; write weights and card; print the card of the taste."""
    for name, least in (("digits", 64), ("test_digits", 100), ("steps", 1)):
        integer(name, cfg[name], least, 10**6)
    integer("seed", cfg.seed, 0, 2**32 - 1)
    number("lr", cfg.lr, 1e-9, 1)
    path = output_path(cfg.out, [".safetensors"])
    beside = path.with_suffix(".json")
    validate_files(path, beside, overwrite=cfg.overwrite)
    from gan.lab import Lab  # imports torch, which takes seconds

    lab = Lab(cfg.ckpt, cfg.reader)
    student, taste = prefer(lab, _load_feedback(cfg, lab), cfg)
    recipe = f"{lab.provenance['command']}; {taste['command']}"
    card = lab.provenance | {"names": list(lab.names), "licence": lab.text["Licence"], "command": recipe, "test": None}
    with atomic_files(path, beside) as aside:
        write_weights(student, aside / path.name)
        card |= {"sha256": sha256(aside / path.name), "taste": taste}
        write_text(json.dumps(card, indent=2, ensure_ascii=False), aside / beside.name)
    print(json.dumps(taste, indent=2, ensure_ascii=False))  # noqa: T201


def _load_feedback(cfg: DictConfig, lab: "Lab") -> "Feedback":
    """The marks of ``cfg``. Raises UserError for too few, and where nothing can learn from them."""
    from gan.digits.feedback import LEAST, LEAST_EACH, load_feedback

    if lab.reader is None:
        raise UserError("ckpt: a taste needs labels and a classifier of them: choose another generator, or reader=")
    found = load_feedback(Path(cfg.feedback).expanduser(), lab.names, lab.provenance["sha256"])
    likes = int(found.liked.sum())
    dislikes = len(found.liked) - likes
    if likes + dislikes < LEAST or min(likes, dislikes) < LEAST_EACH:
        needs = f"{LEAST} marks are needed, with {LEAST_EACH} likes and {LEAST_EACH} dislikes"
        raise UserError(
            f"feedback: {needs}; {cfg.feedback} has {likes} likes and {dislikes} dislikes: mark more digits"
        )
    if found.repeated:
        terminal.say(f"feedback: {found.repeated} marks were of a digit that was marked again later; the last counts")
    return found


def prefer(lab: "Lab", feedback: "Feedback", cfg: DictConfig) -> "tuple[Generator, dict[str, Any]]":
    """A generator with the taste of ``feedback``, and its card; by the numbers of ``cfg``.

    Raises UserError if the marks have nothing in common, or if the new digits are not better.
    """
    from gan.digits import distil
    from gan.digits.taste import Critic, cross_validate, deal, find_taste

    assert lab.reader is not None
    began, generator = time.perf_counter(), lab.generator
    with terminal.step("looking at the marked digits"):
        critic = Critic(generator, lab.reader, find_taste(generator, lab.reader), feedback)
        auc = cross_validate(critic)
    if not auc >= LEAST_AUC:
        found = f"a taste tells marks that it did not learn from with an AUC of {auc:.2f}; chance is 0.50"
        raise UserError(f"feedback: {found}, and {LEAST_AUC:.2f} is needed: {MORE}")
    held, labels = deal(feedback.liked, HELD) == 0, feedback.labels[~feedback.liked].unique()
    teacher, judge = critic.of(~held), critic.of(held)
    with terminal.step(f"looking for the nearest liked digit of {cfg.digits:,}"):
        lesson = distil.teach(teacher, labels, cfg.digits, distil.LESSON)
    students = distil.distil(generator, lesson, cfg.steps, cfg.lr, cfg.seed)
    *_, student = terminal.track(students, cfg.steps, "steps")
    with terminal.step("judging the new digits"):
        unseen = distil.teach(teacher, labels, cfg.test_digits, distil.TEST)
        figures = distil.compare(teacher, judge, student, unseen)
    _require_better(figures)
    words = (word for word in sys.argv[1:] if not word.startswith(("ckpt=", "feedback=", "out=", "overwrite=")))
    liked = int(feedback.liked.sum())
    return student, {
        "command": " ".join(["python -m gan.prefer", f"feedback={Path(cfg.feedback).name}", *words]),
        "generator_sha256": lab.provenance["sha256"],
        "marks": {"liked": liked, "disliked": len(feedback.liked) - liked, "held back": int(held.sum())},
        "auc": auc,
        "classes": [lab.names[label] for label in labels.tolist()],
        **figures,
        "minutes": round((time.perf_counter() - began) / 60, 1),
    }


def _require_better(figures: dict[str, dict[str, float]]) -> None:
    """Raise UserError unless new digits are liked more, read as well, and like those to learn."""
    before, after = figures["before"], figures["after"]
    if not after["liked"] > before["liked"]:
        liked = f"the marks held back like {after['liked']:.1%} of the new digits and {before['liked']:.1%} of the old"
        raise UserError(f"feedback: {liked}: {MORE}")
    if not after["read"] >= before["read"] - LOST:
        read = f"{after['read']:.2%} of the new digits are read, and {before['read']:.2%} of the old"
        raise UserError(f"steps: {read}: nothing was written: choose more steps or a smaller lr")
    if not after["frechet"] <= before["frechet"]:
        far = f"{after['frechet']:.2f} away from digits that would be liked, and the old {before['frechet']:.2f}"
        raise UserError(f"steps: the new digits are {far}: nothing was written: choose more steps or a smaller lr")


if __name__ == "__main__":
    main()
