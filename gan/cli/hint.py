"""What a person may have meant: words of other tools, and names that are nearly right."""

import difflib
from collections.abc import Collection

SYNONYMS = {  # our settings: what other tools call them, where that is no part of ours
    "trainer.max_epochs": "epochs num_epochs n_epochs iterations e",
    "trainer.accelerator": "device",
    "trainer.devices": "gpus num_gpus",
    "trainer.precision": "amp fp16 bf16",
    "optimizer.lr": "learning_rate",
    "batch_size": "batch bs b",
    "data": "dataset data_set",
    "data.root": "data_dir data_root data_path dataroot",
    "network": "model arch architecture net",
    "experiment": "recipe config",
    "ckpt": "checkpoint weights pretrained model_path resume",
    "out": "output o output_file outfile file filename path save format output_dir",
    "run_dir": "output o output_dir outdir out_dir out log_dir logdir save_dir name",
    "n": "num count number samples num_samples n_samples num_images",
    "trials": "n_trials num_trials",
    "label": "digit digits class labels",
    "labels": "digit digits class label",
    "text": "string line number",
    "style.width": "width",
    "network.width": "width channels",
    "style.height": "height",
    "look.height": "height scale resolution dpi",
    "size": "width height resolution",
    "style.thickness": "weight bold",
    "style.slant": "italic",
    "look.ink": "color colour foreground fg",
    "look.paper": "background bg background_color",
    "preset": "style theme template",
    "seed": "random_seed random_state manual_seed",
    "overwrite": "force f",
}


def meant(key: str, names: Collection[str]) -> str:
    """The settings among ``names`` that ``key`` stands for, joined by "or"; "" for none."""
    ours = [name for name, theirs in SYNONYMS.items() if name in names and key in theirs.split()]
    inner = sorted((name for name in names if name.endswith(f".{key}")), key=len)  # lr is optimizer.lr
    return " or ".join(ours or inner[:1])


def nearest(key: str, names: Collection[str]) -> str:
    """The name that is most like ``key``; "" for none."""
    return "".join(difflib.get_close_matches(key, names, n=1, cutoff=0.5))
