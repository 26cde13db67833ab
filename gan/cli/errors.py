"""Which errors are a user's to mend, and each of them as one line."""

import errno
import os
import re
import traceback

from hydra.errors import HydraException, InstantiationException, MissingConfigException
from omegaconf.errors import InterpolationResolutionError, MissingMandatoryValue, OmegaConfBaseException

from gan.cli.check import missing, settings, unknown
from gan.error import UserError, printable
from gan.file import final_path

USER_ERRORS = (UserError, OSError, HydraException, OmegaConfBaseException, MemoryError)
LONGEST = 10_000  # characters of a line
REMEDIES = {
    errno.ENOSPC: "make room there, or choose another folder",
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "choose another folder"),
}


def root_cause(error: BaseException) -> BaseException:
    """The error that Hydra or OmegaConf met while it built an object or resolved a value."""
    while isinstance(error, InstantiationException | InterpolationResolutionError):
        # OmegaConf drops the cause of a resolver's error, but keeps its context.
        below = error.__cause__ or (error.__context__ if type(error) is InterpolationResolutionError else None)
        if below is None:
            break
        error = below
    return error


def is_user_error(error: BaseException) -> bool:
    """True for user errors; anything else is a bug of ours and shows its traceback."""
    cause = root_cause(error)
    if isinstance(cause, USER_ERRORS) or _is_out_of_memory(cause) or _is_without_home(cause):
        return True
    # A library may refuse a configured value: then no code of ours lies below Hydra's call.
    modules = [frame.f_globals.get("__name__", "").split(".")[0] for frame, _ in traceback.walk_tb(cause.__traceback__)]
    below_hydra = modules[len(modules) - modules[::-1].index("hydra") :] if "hydra" in modules else []
    return cause is not error and "gan" not in below_hydra


def _is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out; torch says so only in the text of a RuntimeError."""
    return isinstance(error, RuntimeError) and bool(re.search(r"can't allocate memory|out of memory", str(error)))


def _is_without_home(error: BaseException) -> bool:
    """Whether a ~ in a path has no meaning; pathlib says so only in the text of a RuntimeError."""
    return isinstance(error, RuntimeError) and "home directory" in str(error)


def explain(error: BaseException, root: str) -> str:
    """One line that says what is wrong and what to do, for a command of ``conf/ROOT.yaml``.

    It may hold a stranger's names; what would control a terminal is left out.
    """
    return printable(_explain(error, root), LONGEST)


def _explain(error: BaseException, root: str) -> str:
    error = root_cause(error)
    if isinstance(error, MemoryError) or _is_out_of_memory(error):
        return "out of memory: ask for fewer at once or for smaller ones, or close other programs"
    if _is_without_home(error):
        return "~ in a path has no meaning here, as HOME is not set: write the path in full"
    if isinstance(error, OSError) and error.strerror:
        place = error.filename2 or error.filename  # the second is where something was to be copied or moved to
        where = [final_path(os.fsdecode(place))] if place else []
        return "; ".join(filter(None, [": ".join([*where, error.strerror]), REMEDIES.get(error.errno or 0)]))
    if isinstance(error, MissingMandatoryValue) and error.full_key:
        return str(missing(root, error.full_key))
    if isinstance(error, MissingConfigException) and error.options:
        group, _, choice = str(error.missing_cfg_file).rpartition("/")
        return f"{group}={choice}: there is no such choice; there are {', '.join(error.options)}"
    key: str | None = getattr(error.__cause__ or error, "full_key", None)
    is_hydras = isinstance(error, HydraException | OmegaConfBaseException)
    known = settings(root, []) if is_hydras and key else {}
    if key and known and key not in known:
        return str(unknown(root, key, known))
    return " ".join(str(error).partition("full_key:")[0].split())
