"""A terminal gets colours and one bar; a pipe, a file and a notebook get plain lines."""

import io
import logging
import sys
from collections.abc import Callable

import pytest
from rich.console import Console
from rich.text import Text

from gan import terminal


class Screen(io.StringIO):
    """A terminal that remembers what was written."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def open_screen(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Screen]:
    """What makes stdout and stderr a terminal, in the test itself: pytest captures anew for it."""
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_INTERACTIVE", "TTY_COMPATIBLE", "JPY_PARENT_PID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")

    def open_one() -> Screen:
        made = Screen()
        monkeypatch.setattr(sys, "stdout", made)
        monkeypatch.setattr(sys, "stderr", made)
        return made

    return open_one


def test_a_terminal_has_a_bar_and_colours(open_screen: Callable[[], Screen]) -> None:
    screen = open_screen()
    console = terminal.make_console()
    assert terminal.has_bar(console)
    terminal.show(console, Text("best", "green"))
    assert screen.getvalue() == "\x1b[32mbest\x1b[0m\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [("TERM", "dumb"), ("TTY_INTERACTIVE", "0"), ("JPY_PARENT_PID", "1"), ("TTY_COMPATIBLE", "0")],
)
def test_nothing_is_redrawn_where_that_fails(
    name: str, content: str, open_screen: Callable[[], Screen], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = open_screen()
    monkeypatch.setenv(name, content)
    with terminal.make_bar(terminal.make_console(), lambda: "later") as bar:
        bar.add_task("now", total=2)
    assert screen.getvalue() == ""


def test_no_color_leaves_the_bar_without_colours(
    open_screen: Callable[[], Screen], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = open_screen()
    monkeypatch.setenv("NO_COLOR", "1")
    console = terminal.make_console()
    assert terminal.has_bar(console)
    terminal.show(console, Text("best", "green"))
    assert screen.getvalue() == "best\n"


@pytest.mark.parametrize("forced", ["", "1"])
def test_a_pipe_has_no_bar(forced: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", forced)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert not terminal.has_bar(terminal.make_console())


def test_a_long_line_of_a_pipe_is_not_broken_and_a_terminal_indents_it() -> None:
    words = "training  " + "word " * 30
    for file in (io.StringIO(), Screen()):
        console = Console(file=file, force_terminal=True, width=60, color_system=None)
        terminal.show(console, Text(words), indent=10)
        rows = file.getvalue().splitlines()
        assert (len(rows) > 1) == file.isatty()
        assert all(row.startswith(" " * 10) and len(row) <= 60 for row in rows[1:])


def test_a_bar_leaves_room_and_vanishes(open_screen: Callable[[], Screen], monkeypatch: pytest.MonkeyPatch) -> None:
    screen = open_screen()
    monkeypatch.setenv("COLUMNS", "60")
    with terminal.make_bar(terminal.make_console(), lambda: "7 left") as bar:
        bar.add_task("now", total=2)
        bar.refresh()
        print("a line between")
    shown = screen.getvalue()
    assert "7 left" in shown
    assert "a line between\n" in shown
    assert shown.endswith("\x1b[1A\x1b[2K")  # up, and erase the line


def test_a_bar_needs_no_symbols() -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="cp1252") as stream:
        console = Console(file=stream, force_terminal=True, width=60, color_system=None)
        bar = terminal.make_bar(console, lambda: "7 left")
        bar.add_task("now", total=2, completed=1)
        console.print(bar.get_renderable())
        stream.flush()
        assert b"now ----" in raw.getvalue()


def test_bars_are_closed_before_the_last_words(open_screen: Callable[[], Screen]) -> None:
    open_screen()
    bar = terminal.make_bar(terminal.make_console(), str)
    bar.start()
    terminal.close_bars()
    assert not bar.live.is_started


def test_progress_is_a_bar_on_a_terminal(open_screen: Callable[[], Screen]) -> None:
    screen = open_screen()
    assert list(terminal.track("abc", 3, "letters")) == ["a", "b", "c"]
    assert "of 3 letters" in screen.getvalue()


def test_progress_elsewhere_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert list(terminal.track("abc", 3, "letters")) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""  # in less than ten seconds
    monkeypatch.setattr(terminal, "QUIET_SECONDS", -1)
    list(terminal.track("abc", 3, "letters"))
    assert capsys.readouterr().err == "".join(f"{n} of 3 letters, 0:00\n" for n in (1, 2, 3))


@pytest.mark.parametrize(("start", "line"), [("", "figures\n"), ("job 2", "job 2  figures\n")])
def test_one_of_many_trainings_says_which_it_is(
    start: str, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "job", "job 1")
    monkeypatch.setattr(terminal, "in_series", False)
    terminal.announce("job 2 of 4: 1_seed=2", start)
    terminal.show(terminal.make_console(), Text("figures"))
    assert capsys.readouterr().out == f"\njob 2 of 4: 1_seed=2\n{line}"
    assert terminal.in_series


def test_a_step_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.step("judging"):
        pass
    assert capsys.readouterr().err == "judging\n"


def test_the_log_keeps_what_is_printed_and_the_terminal_shows_it_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    logger, kept = logging.getLogger("gan"), io.StringIO()
    monkeypatch.setattr(logger, "propagate", False)
    handlers = [terminal.Messages(), logging.StreamHandler(kept)]
    for handler in handlers:
        logger.addHandler(handler)
    try:
        logger.setLevel(logging.INFO)
        terminal.say("doctor: ill")
        logging.getLogger("gan.data").warning("data: odd")
    finally:
        logger.setLevel(logging.NOTSET)
        for handler in handlers:
            logger.removeHandler(handler)
    assert capsys.readouterr().err == "doctor: ill\ndata: odd\n"
    assert kept.getvalue() == "doctor: ill\ndata: odd\n"


def test_a_warning_of_a_library_says_that_it_is_one() -> None:
    record = logging.LogRecord("py.warnings", logging.WARNING, "", 0, "%s", ("old",), None)
    assert terminal.Messages().format(record) == "warning: old"


@pytest.mark.parametrize(("seconds", "shown"), [(6.6, "0:07"), (754, "12:34"), (5025, "1:23:45")])
def test_durations_are_read_at_a_glance(seconds: float, shown: str) -> None:
    assert terminal.clock(seconds) == shown
