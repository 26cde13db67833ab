"""Files and folders that appear complete or not at all. Without torch at the top: help is quick.

What is being written lies beside its place as ``.NAME.`` and 16 hexadecimal digits, locked while
its process lives. The next writer of the same name removes what no process holds any more.
"""

import errno
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

from gan.error import UserError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from filelock import BaseFileLock
    from torch import nn

log = logging.getLogger(__name__)
_PACKAGE = Path(__file__).parent
CONF = next(path for path in (_PACKAGE / "conf", _PACKAGE.parent / "conf") if path.is_dir())  # installed, or a checkout
CACHE = "~/.cache/digit-gan"  # unless GAN_CACHE is set
LOCK = ".lock"  # in a folder where one process at a time works
# What is not written beside its place: through a link it would be written elsewhere.
OPENED = re.compile(
    r"\.lock|study\.lock|journal\.log|train\.log|\.hydra|(config|hydra|overrides|multirun|hparams)\.yaml|grids|wandb"
    r"|\d+(_.+)?|[a-z]+_\d+_\d+"  # jobs and trials; cells
)
FORGOTTEN = 24 * 3600  # seconds without a change, after which a partial file is abandoned where there are no locks
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


def final_path(partial: str) -> str:
    """The path of a file or folder that is still being written beside it; others unchanged."""
    partial = re.sub(r"\.[^/]+\.[0-9a-f]{16}/beside/", "", partial)
    return re.sub(r"(^|/)\.([^/]+)\.[0-9a-f]{16}(?:/(?:made|old))?(?=/|$)", r"\1\2", partial)


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a file beside ``path`` to write to; it replaces ``path`` if the block succeeds.

    For a pair of files, write both in nested blocks: a full disk then changes neither. Raises
    UserError if something other than a file is there: root would replace even a device.
    """
    if path.exists() and not path.is_file():
        raise UserError(f"{path} is a folder or a device, not a file: choose another name")
    with _beside(path) as partial:
        try:
            yield partial
            with partial.open("r+b") as file:  # or a power cut could leave an empty file
                os.fsync(file.fileno())
        except OSError as error:
            if error.errno in NO_SPACE and not error.filename:  # as of a write: the place was named when opening
                error.filename = str(path)
            raise
        partial.replace(path)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder beside ``path`` to fill; it replaces ``path`` if the block succeeds.

    The caller checks that an existing folder at ``path`` may be overwritten.
    """
    with _beside(path, is_folder=True) as aside:
        made = aside / "made"
        made.mkdir()
        yield made
        if path.is_dir():
            path.replace(aside / "old")
        made.replace(path)


@contextmanager
def atomic_files(*paths: Path) -> Iterator[Path]:
    """Give a folder to write files of the names of ``paths`` to; they replace ``paths`` in order.

    All ``paths`` lie in one folder. The last of them proves that the others are there.
    """
    with _beside(paths[0], is_folder=True) as aside:
        made = aside / "beside"
        made.mkdir()
        yield made
        for path in paths:
            (made / path.name).replace(path)


@contextmanager
def _beside(path: Path, is_folder: bool = False) -> Iterator[Path]:
    """A new file or folder beside ``path``, locked during the block and removed after it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path)
    while True:
        partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        if is_folder:
            partial.mkdir()
            descriptor = os.open(partial, os.O_RDONLY) if fcntl else -1
        else:
            descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        if not fcntl or (_try_lock(descriptor) is not False and partial.exists()):
            break  # otherwise another writer found it unlocked, and removes it
        os.close(descriptor)
    if not fcntl and not is_folder:  # an open file cannot be replaced
        os.close(descriptor)
    try:
        yield partial
    finally:
        if fcntl:
            os.close(descriptor)
        _remove(partial)


def _remove_abandoned(path: Path) -> None:
    """Remove what killed processes left of writing ``path``; what a living one writes stays."""
    name = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{16}}")
    with os.scandir(path.parent) as entries:
        partials = [Path(entry.path) for entry in entries if name.fullmatch(entry.name)]
    for partial in partials:
        with suppress(OSError):  # it has vanished, or is another user's
            descriptor = os.open(partial, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
            try:
                unchanged = time.time() - os.fstat(descriptor).st_mtime
                is_locked = _try_lock(descriptor) if fcntl else None
                if is_locked or (is_locked is None and unchanged > FORGOTTEN):
                    _remove(partial)  # still locked, so that no other process can take it for its own
            finally:
                os.close(descriptor)


def _try_lock(descriptor: int) -> bool | None:
    """Lock an open file or folder until it is closed; None where the file system has no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def cache_folder(path: str) -> Path:
    """The folder of the cache, which is optional; "" is the default, and ~ needs no home."""
    try:
        return Path(path or CACHE).expanduser()
    except RuntimeError:  # no HOME, and no entry for this user
        user = os.getuid() if hasattr(os, "getuid") else "user"
        return Path(gettempdir()) / f"digit-gan-{user}"


def lock_folder(folder: Path) -> "BaseFileLock | None":
    """Lock a folder, and make it if need be; None if another process holds its lock.

    The lock ends with ``release`` or, however it ends, with this process. Without locks in the
    file system, a warning says so and nothing is locked. Raises the UserError of
    :func:`validate_own`.
    """
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    validate_own(folder)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in NO_LOCKS:
            raise
        log.warning("%s: this file system has no locks: let no second process write there", folder)
    return lock


def validate_own(folder: Path) -> None:
    """Raise UserError if a link, a pipe or a device is where a training writes in ``folder``."""
    for place in (folder, folder / ".hydra"):
        entries = list(os.scandir(place)) if place.is_dir() else []
        for entry in (entry for entry in entries if OPENED.fullmatch(entry.name)):
            if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
                what = "a link or a device, and what is written there would lie elsewhere"
                raise UserError(f"run_dir: {entry.path} is {what}: remove it, or choose another folder")


def write_bytes(contents: bytes, path: Path) -> None:
    """Write ``contents`` to ``path``."""
    with atomic_write(path) as partial:
        partial.write_bytes(contents)


def write_text(text: str, path: Path) -> None:
    """Write ``text`` and a newline to ``path``."""
    with atomic_write(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def load_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises UserError for a damaged file."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, RecursionError) as error:  # no UTF-8, no JSON, no object
        raise UserError(f"{path} is damaged ({error}): restore it, or delete it") from error


def load_record(path: Path) -> dict[str, Any]:
    """The object in a JSON file that can be made again; {} if it is missing or damaged."""
    try:
        return load_json(path) if path.is_file() else {}
    except UserError:
        log.warning("%s is damaged: it is made again", path)
        return {}


def pack_weights(network: "nn.Module") -> bytes:
    """Return the state of ``network`` as safetensors."""
    from safetensors.torch import save

    return save({name: value.contiguous() for name, value in network.state_dict().items()})


def write_weights(network: "nn.Module", path: Path) -> None:
    """Write the state of ``network`` to ``path`` as safetensors."""
    write_bytes(pack_weights(network), path)  # save_file would make a file that only its owner may read


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
