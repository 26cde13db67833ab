"""A process that runs fuzzed commands; started by test_fuzz.py, for a command may end a process.

    python tests/fuzzer.py FOLDER WORDS

Each command is printed before it runs, as JSON, and its failures after it.
"""

import contextlib
import io
import json
import math
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from gan import evaluate, fit_classifier, fit_encoder, generate, morph
from gan.benchmark import __main__ as benchmark
from gan.benchmark import measure as started
from gan.cli.check import settings
from gan.downstream import __main__ as downstream
from gan.export import __main__ as export
from gan.file import CONF
from gan.measure import __main__ as measure
from gan.measure import program, taste
from gan.tune import __main__ as tune
from train import train

SECONDS = 200  # from which on a command hangs, however busy the machine is
MEMORY = 12 * 2**30  # bytes of addresses, of which torch alone takes four
SHIPPED = Path(__file__).parent / "fixtures" / "before.ckpt"
SHORT = [
    "data=digits", "trainer=debug", "trainer.accelerator=cpu", "trainer.limit_train_batches=1", "network.width=2",
    "network.depth=0", "batch_size=8", "data.judge_images=20",
]  # fmt: skip
COMMANDS: dict[str, tuple[Callable[[], None], list[str]]] = {
    "train": (train, [*SHORT, "run_dir=r"]),
    "generate": (generate.main, ["n=2", "out=x.png"]),
    "generate text": (generate.main, ["text=12", "out=x.png"]),
    "morph": (morph.main, ["frames=2", "out=x.gif"]),
    "export": (export.main, ["out=x.safetensors"]),
    "evaluate": (evaluate.main, [f"ckpt={SHIPPED}", "cas.images=0", "c2st.images=0", "out=x.json"]),
    "fit_classifier": (fit_classifier.main, ["data=digits", "data.repeat=1", "epochs=1", "least_steps=1", "out=c/x"]),
    "fit_encoder": (fit_encoder.main, ["data=digits", "steps=1", "test_images=1", "out=x.safetensors"]),
    "downstream": (downstream.main, ["data=digits", "gan=ckpt", "labels=[1]", "seeds=1", "classifier.steps=1",
                                     "classifier.batch_size=4", "fakes.count=10", "run_dir=d"]),
    "tune": (tune.main, ["trials=1", "run_dir=t", *SHORT]),
    "benchmark": (benchmark.main, ["dataset=digits", "turns=1", "steps=1", "batch_size=4", "out=b.json"]),
    "measure": (measure.main, ["lines=2", "sliders=60", "outlines=1", "many=1", "users=1", "out=m.json"]),
}  # fmt: skip
ELSEWHERE = ("workers", "storage", "trainer.num_nodes", "trainer.devices", "trainer.max_time", "data.", "hydra")
NUMBERS = ["0", "-1", "1", "2.5", "1e9", "1e400", "inf", "-inf", "nan", "-0.0", str(10**30), "1e-9", "1e6", "17"]
STRANGE = [
    "text", "null", "[]", "{}", "[1,[2]]", "true", "''", "'a b'", "\"'\"", "a,b", "${oc.env:HOME}", "${a.b}", "???",
    "äöü日本", "x" * 5000, "../x", "fifo", "'\\0'", "[2,2]", "{a:1}", "0x10", "1_000",
]  # fmt: skip


def names(command: str) -> list[str]:
    """The settings of a command."""
    root = command.split()[0]
    return [name for name in settings(root, []) if not name.startswith(ELSEWHERE)]


NAMES = {command: names(command) for command in COMMANDS}
NAMES["tune"] += NAMES["train"]
GROUPS = [path.name for path in sorted(CONF.iterdir()) if path.is_dir() and path.name != "data"]
VALUES = st.one_of(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS + STRANGE))


def word(command: str) -> st.SearchStrategy[str]:
    """A setting with a value; at times one that is added or deleted, or a choice of a group."""
    setting = st.builds("{}={}".format, st.sampled_from(NAMES[command]), VALUES)
    choices = [path.stem for group in GROUPS for path in sorted((CONF / group).glob("*.yaml"))]
    others = st.one_of(
        st.builds("~{}".format, st.sampled_from(NAMES[command])),
        st.builds("+{}.q={}".format, st.sampled_from([*NAMES[command], "x"]), VALUES),
        st.builds("{}={}".format, st.sampled_from(GROUPS), st.sampled_from(NUMBERS + STRANGE + choices)),
    )
    return st.one_of(setting, setting, setting, setting, others)


FUZZED = st.sampled_from(["train", "train", *COMMANDS]).flatmap(
    lambda command: st.tuples(st.just(command), st.lists(word(command), min_size=1, max_size=2))
)


class Hanging(BaseException):
    """A command takes longer than any should."""


def hang(*_: object) -> None:
    """Interrupt a command; nothing catches this."""
    raise Hanging


def run(command: str, words: list[str]) -> str:
    """Run a command in an empty folder; return what is wrong, nothing if it is refused or works."""
    main, base = COMMANDS[command]
    sys.argv = [main.__module__, *base, *words]
    err = io.StringIO()
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
            main()
    except SystemExit as exit:
        message = str(exit.code)
        if "Traceback" in err.getvalue() or not message.startswith("error: ") or "\n" in message:
            return f"{message}\n{err.getvalue()[-3000:]}"
        return ""
    except Hanging:
        return "it hangs"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    if "Traceback" in err.getvalue():
        return err.getvalue()[-3000:]
    results = [json.loads(path.read_text()) for path in (Path("r/result.json"), Path("x.json")) if path.is_file()]
    figures = [figure for found in results for figure in found.get("figures", {}).values()]
    return "" if all(map(math.isfinite, figures)) else "figures that are not finite"


@hypothesis_settings(
    max_examples=int(sys.argv[2]) if __name__ == "__main__" else 1, derandomize=True, database=None, deadline=None,
    phases=[Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(FUZZED)
def fuzz(fuzzed: tuple[str, list[str]]) -> None:
    """Run one command, and tell."""
    command, words = fuzzed
    for path in Path().iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    os.mkfifo("fifo")  # never a device: root could replace it
    say({"command": command, "words": words})
    began = time.perf_counter()
    if failure := run(command, words):
        say({"failure": failure})
    say({"seconds": round(time.perf_counter() - began, 2)})


def say(what: dict[str, object]) -> None:
    """Print a line at once: the process may end in the next moment."""
    print(json.dumps(what), file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    os.environ |= {"HOME": f"{sys.argv[1]}/home", "GAN_CACHE": f"{sys.argv[1]}/cache"}
    folder = Path(sys.argv[1], "inner", "work")
    folder.mkdir(parents=True)
    os.chdir(folder)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, hang)
    started.run_default = program.measure_speed = lambda *_: {"lines": 1, "seconds": 1.0, "threads": 1}  # processes
    taste.measure_taste = lambda *_: {}
    fuzz()
