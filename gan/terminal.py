"""What a command shows: one bar on a terminal, plain lines elsewhere, and their copy in the log."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, TypeVar
from weakref import WeakSet

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress
    from rich.text import Text

T = TypeVar("T")
log = logging.getLogger(__name__)
BARS = "TTY_INTERACTIVE"  # of the environment; rich redraws nothing where it is 0, as beside other jobs
QUIET_SECONDS = 10  # between the lines of progress where there is no bar
job = ""  # of a sweep whose jobs run side by side: the start of each of its lines
in_series = False  # whether this is one of many trainings, after which no next step is proposed
_bars: WeakSet[Progress] = WeakSet()


class Messages(logging.StreamHandler[TextIO]):
    """Shows log records on what is stderr now, above the bar if there is one."""

    def __init__(self, stream: object = None) -> None:
        logging.Handler.__init__(self)  # a stream of its own would escape the bar

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to show a record: not if it was printed already."""
        return bool(super().filter(record)) and not getattr(record, "is_shown", False)

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record; a library's warning says that it is one."""
        return f"{'warning: ' if record.name == 'py.warnings' else ''}{super().format(record)}"


def keep(line: object, level: int = logging.INFO, *, traceback: bool = False) -> None:
    """Write to the log what is printed elsewhere."""
    log.log(level, "%s", line, extra={"is_shown": True}, exc_info=traceback)


def say(line: str) -> None:
    """Print a line to stderr, apart from the results of a command, and keep it in the log."""
    print(line, file=sys.stderr)  # noqa: T201
    keep(line)


def make_console(stderr: bool = False) -> Console:
    """A console with colours on a terminal; in a notebook its lines are plain text."""
    from rich.console import Console  # takes 50 ms

    return Console(stderr=stderr, force_jupyter=False, highlight=False, markup=False, emoji=False)


def show(console: Console, line: Text, indent: int = 0) -> None:
    """Print a line that stays, and keep it in the log.

    With ``indent``, a terminal breaks it between words, and what follows is indented.
    """
    keep(line)
    if indent and is_screen(console):
        rows = line[indent:].wrap(console, max(20, console.width - indent - len(job)))
        line = line[:indent].append_text(type(line)("\n" + " " * indent).join(rows))
    if job:
        line = type(line).assemble((f"{job}  ", "bold"), line)
    console.print(line, soft_wrap=True)


def announce(line: str, start: str = "") -> None:
    """Say which of many trainings begins. ``start`` begins its lines if others run beside it."""
    from rich.text import Text

    global job, in_series
    job, in_series, console = "", True, make_console()
    console.print()
    show(console, Text(line, "bold"))
    job = start


def is_screen(console: Console) -> bool:
    """Whether a console has a width: it is a terminal, not dumb, not that of a notebook's ``!``."""
    is_known = console.is_terminal and not console.is_dumb_terminal and "JPY_PARENT_PID" not in os.environ
    return is_known and console.file.isatty()


def has_bar(console: Console) -> bool:
    """Whether a console can redraw a line."""
    return console.is_interactive and is_screen(console)


def make_bar(console: Console, describe: Callable[[], str]) -> Progress:
    """A bar of one task, with a description before it and ``describe()`` behind it.

    It is redrawn four times a second, by a thread. It vanishes when stopped; nothing is drawn where
    the console has none.
    """
    from rich.constrain import Constrain
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.text import Text

    class Behind(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(describe(), no_wrap=True)

    class Narrow(Progress):
        def get_renderable(self) -> RenderableType:
            return Constrain(super().get_renderable(), console.width - 3)  # room for a terminal's ^C

    columns = (TextColumn("{task.description}", markup=False), BarColumn(None), Behind())
    bar = Narrow(
        *columns,
        console=console,
        refresh_per_second=4,
        transient=True,
        redirect_stderr=sys.stderr.isatty(),
        expand=True,
        disable=not has_bar(console),
    )
    _bars.add(bar)
    return bar


def close_bars() -> None:
    """Remove what is left of bars, before the last words of a command."""
    for bar in _bars:
        bar.stop()


def clock(seconds: float) -> str:
    """A duration: 0:07, 12:34, 1:23:45."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def track(items: Iterable[T], total: int, unit: str) -> Iterator[T]:
    """Yield ``items``, of which there are ``total``, and show on stderr how many came.

    On a terminal as a bar with the time left, elsewhere as a line at most every ten seconds.
    """
    console, began = make_console(stderr=True), time.monotonic()
    done, said = 0, began

    def count() -> str:
        return f"{done:,} of {total:,} {unit}"

    def describe() -> str:
        left = (time.monotonic() - began) / done * (total - done) if done else 0
        return f"{count()}  {clock(left)} left" if done else count()

    with make_bar(console, describe) as bar:
        task = bar.add_task("", total=total)
        for done, item in enumerate(items, 1):
            bar.update(task, completed=done)
            yield item
            if bar.disable and time.monotonic() - said > QUIET_SECONDS:
                said = time.monotonic()
                print(f"{count()}, {clock(said - began)}", file=sys.stderr)  # noqa: T201


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say on stderr what a command does now; on a terminal, with its time, until it is done."""
    console, began = make_console(stderr=True), time.monotonic()
    with make_bar(console, lambda: clock(time.monotonic() - began)) as bar:
        bar.add_task(what, total=None)
        if bar.disable:
            print(what, file=sys.stderr)  # noqa: T201
        yield
