"""A web page that draws digits: a folder for a web server or a double click, without requests.

A page opened from disk cannot read files, so generator and onnxruntime-web are scripts in it.
"""

import base64
import gzip
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from omegaconf import DictConfig

from gan import sample
from gan.digits.picture import title_of
from gan.error import UserError
from gan.export import constant, program, steered
from gan.file import atomic_folder, cache_folder, write_bytes
from gan.lab import Lab
from gan.names import numbered

RUNTIME = "onnxruntime-web"  # MIT, Microsoft
VERSION = "1.30.0"
MODULE, WASM = "dist/ort.wasm.bundle.min.mjs", "dist/ort-wasm-simd-threaded.wasm"
PAGE = Path(__file__).parent / "page"
SCRIPTS = (
    "latent.js", "state.js", "mark.js", "clean.js", "line.js", "layout.js", "outline.js", "texture.js", "look.js",
    "colour.js", "files.js", "skeleton.js", "film.js", "take.js", "worker.js", "generator.js", "command.js",
    "handles.js", "hand.js", "photograph.js", "pad.js", "taste.js", "page.js",
)  # fmt: skip
STATIC = ("index.html", "style.css", "LICENSE.onnxruntime.txt", *SCRIPTS)
FILES = {*STATIC, "model.js", "runtime.js"}


def find_runtime(folder: str | None, cache: str) -> Path:
    """The unpacked onnxruntime-web: ``folder``, or :data:`VERSION` in ``cache``, downloaded once.

    Raises UserError if ``folder`` lacks a file or the download fails.
    """
    home = Path(folder) if folder else cache_folder(cache) / f"{RUNTIME}-{VERSION}"
    if all((home / name).is_file() for name in (MODULE, WASM)):
        return home
    if folder:
        raise UserError(f"page.runtime: {folder} has no {MODULE} or no {WASM}: unpack {RUNTIME} {VERSION} there")
    with atomic_folder(home) as made, TemporaryDirectory() as aside, tarfile.open(_download(Path(aside))) as package:
        for name in (MODULE, WASM):
            part = package.extractfile(f"package/{name}")
            assert part is not None
            write_bytes(part.read(), made / name)
    return home


def _download(folder: Path) -> Path:
    """Download the package into ``folder`` with npm."""
    remedy = f"install npm, go online, or give page.runtime=FOLDER with {RUNTIME} {VERSION} unpacked"
    npm = shutil.which("npm")
    if npm is None:
        raise UserError(f"a page needs {RUNTIME}, which npm downloads, and npm is not installed: {remedy}")
    options = ["--silent", "--fetch-retries=0", f"--pack-destination={folder}"]
    done = subprocess.run([npm, "pack", f"{RUNTIME}@{VERSION}", *options], capture_output=True, cwd=folder, check=False)
    archives = list(folder.glob("*.tgz"))
    if done.returncode or not archives:
        raise UserError(f"npm could not download {RUNTIME} {VERSION}: {remedy}")
    return archives[0]


def write_page(folder: Path, lab: Lab, cfg: DictConfig) -> None:
    """Write the page of a generator, by ``ckpt``, ``page`` and ``cache`` of conf/export.yaml.

    Raises UserError for images of other than 1 or 3 channels.
    """
    generator = lab.generator
    channels, size, _ = generator.shape
    if channels not in (1, 3):
        raise UserError(f"out: a page shows images of 1 or 3 channels, and these have {channels}: choose FILE.onnx")
    runtime, info = find_runtime(cfg.page.runtime, cfg.cache), program.describe(lab)
    programs = steered.to_onnx(lab, info)
    names = list(lab.names) or numbered(generator.classes)
    model = {
        **info,
        "title": cfg.page.title,
        "ckpt": Path(cfg.ckpt or "").name,
        "parameters": sum(p.numel() for p in generator.parameters()),
        "latent": generator.latent,
        "classes": generator.classes,
        "names": names,
        "titles": list(map(title_of, names)),
        "columns": sample.columns(generator.classes),
        "channels": channels,
        "size": size,
        "programs": {name: _pack(one) for name, one in programs.items()},
        **constant.describe(lab),
    }
    packed = {"module": _pack((runtime / MODULE).read_bytes()), "wasm": _pack((runtime / WASM).read_bytes())}
    with atomic_folder(folder) as made:
        for name in STATIC:
            shutil.copyfile(PAGE / name, made / name)
        (made / "model.js").write_text(f"const MODEL = {json.dumps(model)};\n")
        (made / "runtime.js").write_text(f"const RUNTIME = {json.dumps(packed)};\n")


def _pack(contents: bytes) -> str:
    return base64.b64encode(gzip.compress(contents, mtime=0)).decode()
