"""A web page that draws digits by itself: a folder for any web space, or to open by a double click. It asks no other host.

Browsers let a page from a disk read no files, so the generator and onnxruntime-web, which runs it, stand in it as scripts.
"""

import base64
import gzip
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from gan.file import whole_folder

RUNTIME = "onnxruntime-web"  # MIT, Microsoft
VERSION = "1.30.0"
MODULE, WASM = "dist/ort.wasm.bundle.min.mjs", "dist/ort-wasm-simd-threaded.wasm"
PAGE = Path(__file__).parent / "page"
STATIC = ("index.html", "style.css", "latent.js", "outline.js", "picture.js", "page.js", "LICENSE.onnxruntime.txt")
FILES = {*STATIC, "model.js", "runtime.js"}


def runtime(folder: str | None, cache: str) -> Path:
    """The folder of onnxruntime-web, unpacked: ``folder``, or that of :data:`VERSION` in ``cache``, fetched once with npm.

    Raises ValueError where it is not what it should be or cannot be had.
    """
    home = Path(folder) if folder else Path(cache).expanduser() / f"{RUNTIME}-{VERSION}"
    if all((home / name).is_file() for name in (MODULE, WASM)):
        return home
    if folder:
        raise ValueError(f"page.runtime: {folder} holds no {MODULE} and {WASM[5:]}: unpack {RUNTIME} {VERSION} there")
    home.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=home.parent) as aside:
        with tarfile.open(_fetch(Path(aside))) as package:
            for name in (MODULE, WASM):
                (unpacked := Path(aside) / "package" / name).parent.mkdir(parents=True, exist_ok=True)
                with package.extractfile(f"package/{name}") as part:  # type: ignore[union-attr]
                    unpacked.write_bytes(part.read())
        shutil.rmtree(home, ignore_errors=True)
        (Path(aside) / "package").replace(home)
    return home


def _fetch(into: Path) -> Path:
    remedy = f"install npm, go online, or give page.runtime=FOLDER with {RUNTIME} {VERSION} unpacked"
    if (npm := shutil.which("npm")) is None:
        raise ValueError(f"a page needs {RUNTIME}, which npm fetches, and there is no npm: {remedy}")
    words = ["pack", f"{RUNTIME}@{VERSION}", "--silent", "--fetch-retries=0", f"--pack-destination={into}"]
    done = subprocess.run([npm, *words], capture_output=True, text=True, cwd=into, check=False)
    found = list(into.glob("*.tgz"))
    if done.returncode or not found:
        raise ValueError(f"npm could not fetch {RUNTIME} {VERSION}: {remedy}")
    return found[0]


def check(folder: Path, overwrite: bool) -> None:
    """Raise ValueError where a page cannot be put into ``folder`` without loss of something else."""
    if folder.is_file():
        raise ValueError(f"out: {folder} is a file: choose another folder")
    held = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if held - FILES:
        raise ValueError(f"out: {folder} holds {min(held - FILES)}, which is of no page: choose another folder")
    if held and not overwrite:
        raise ValueError(f"out: {folder} holds a page: choose another folder, or overwrite=true")


def write(folder: Path, onnx: bytes, about: dict[str, object], home: Path) -> None:
    """Write the page of the generator ``onnx`` with the runtime in ``home``; ``about`` is what the page says of it."""
    model = {**about, "onnx": base64.b64encode(onnx).decode()}
    parts = {name: (home / path).read_bytes() for name, path in (("module", MODULE), ("wasm", WASM))}
    packed = {name: base64.b64encode(gzip.compress(part, mtime=0)).decode() for name, part in parts.items()}
    with whole_folder(folder) as made:
        for name in STATIC:
            shutil.copyfile(PAGE / name, made / name)
        for name, contents in (("MODEL", model), ("RUNTIME", packed)):
            (made / f"{name.lower()}.js").write_text(f"const {name} = {json.dumps(contents)};\n")
