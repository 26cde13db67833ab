"""``python -m gan.membership ckpt=RUN/last.ckpt data.root=pool.npz``: attack a trained GAN."""

import json
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from gan.cli.command import command
from gan.cli.output import json_path, validate_card
from gan.file import sha256, write_text
from gan.table import markdown

MEANING = {
    "nearest_pixels": "a drawn image is nearer, in pixels",
    "classifier": "the class is surer to a classifier trained on drawn images alone",
    "nearest_features": "a drawn image is nearer, in the features of that classifier",
    "discriminator": "the logit of the discriminator, which is in the checkpoint, is higher",
}


@command("membership")
def main(cfg: DictConfig) -> None:
    """Print the attacks as a table; write them as JSON."""
    out = json_path("out", str(cfg.out or Path(cfg.ckpt).parent / "membership.json"))
    ckpt = Path(cfg.ckpt)
    digest = sha256(ckpt) if ckpt.is_file() else None  # what is no checkpoint is refused below
    validate_card(out, is_same=lambda card: card.get("ckpt_sha256") == digest is not None, overwrite=cfg.overwrite)
    from gan.cli import attacking  # imports Lightning, which takes seconds

    found = attacking.attack(cfg)
    write_text(json.dumps(found, indent=2), out)
    print(table(found))  # noqa: T201


def table(found: dict[str, Any]) -> str:
    """Markdown: each attack, its AUC with its error, and the share of members it catches."""
    rows = [["attack: members are images of which", "AUC (0.5: chance)", "caught at 1% false alarms"]]
    for name, one in found["attacks"].items():
        rows.append([MEANING[name], f"{one['auc']:.3f} ± {one['error']:.3f}", f"{one['caught']:.1%}"])
    return markdown(*rows)


if __name__ == "__main__":
    main()
