"""``python -m gan``: what there is, one line for each command."""

import os
import shlex
import sys
from pathlib import Path

from gan import __version__
from gan.cli.check import head
from gan.cli.help import table
from gan.file import CONF

MORE = """\
--help after a command shows examples, choices and settings. Try it:

  python -m gan.generate n=80 out=digits.png

In Python: import gan; lab = gan.load(); help(lab)
In a notebook: jupyter notebook {tour}{pages}"""


def summaries() -> dict[str, str]:
    """What each command does, by what is typed for it; only a checkout has train.py."""
    roots = sorted((path.stem for path in CONF.glob("*.yaml")), key=lambda root: (root != "train", root))
    lines = [head(root)[0].partition(": ") for root in roots]
    has_train = (CONF.parent / "train.py").is_file()
    return {typed: what.rstrip(".") for typed, _, what in lines if has_train or "train.py" not in typed}


def main() -> None:
    """Print the commands, or the version; exit with what to type for ``python -m gan generate``."""
    known, words = summaries(), sys.argv[1:]
    if words == ["--version"]:
        print(f"digit-gan {__version__}")  # noqa: T201
    elif words and words[0] not in ("--help", "-h"):
        typed = "python train.py" if words[0] == "train" else f"python -m gan.{words[0]}"
        if typed not in known:
            sys.exit(f"error: {words[0]}: there is no such command; python -m gan shows all")
        sys.exit(f"error: a command is one word: write {typed} {shlex.join(words[1:])}".rstrip())
    else:
        title = f"digit-gan {__version__}: generate handwritten digits with GANs."
        tour = os.path.relpath(Path(__file__).with_name("tour.ipynb"))
        pages = "\nPages: README.md, docs/" if "python train.py" in known else ""
        print(title, "\n".join(table(list(known.items()))), MORE.format(tour=tour, pages=pages), sep="\n\n")  # noqa: T201


if __name__ == "__main__":
    main()
