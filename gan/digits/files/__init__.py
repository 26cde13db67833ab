"""Digits as files: pictures, films, sets of images with labels, and the datasheet of a set.

Writers take bytes [C, H, W] or [N, C, H, W]: C is 1 for grey, 3 for colour, 4 with opacity. A file
appears complete or not at all. It replaces an older one: the caller checks whether it may.
"""

# isort: off
from gan.digits.files.dataset import AnnotatedLine, atomic_set, file_names, format_datasheet
from gan.digits.files.dataset import holds_dataset, label_numbers, sheet_path
from gan.digits.files.dataset import write_class_folders, write_coco, write_csv, write_folder, write_idx, write_npz
from gan.digits.files.picture import write_gif, write_mp4, write_png, write_webp, write_webp_film

PICTURES = {".png": write_png, ".webp": write_webp}  # (picture, path, text)
FILMS = {".gif": write_gif, ".webp": write_webp_film, ".mp4": write_mp4}  # (frames, path, fps, text)
SETS = {".npz": write_npz, ".csv": write_csv, "": write_folder}  # (images, labels, path, names)

__all__ = [
    "FILMS", "PICTURES", "SETS", "AnnotatedLine", "atomic_set", "file_names", "format_datasheet", "holds_dataset",
    "label_numbers", "sheet_path",
    "write_class_folders", "write_coco", "write_folder", "write_gif", "write_idx", "write_png", "write_webp",
    "write_webp_film",
]  # fmt: skip
