"""What ``--help`` prints: the settings of a command with the comments of its files in conf/."""

import re
import shutil
import textwrap

import yaml

from gan.cli.check import Settings, choices, defaults, head, settings
from gan.file import CONF

NAMES = 40  # columns of what is typed, at most
WIDEST = 120  # columns of a line
Row = tuple[str, str]  # what is typed, and its comment


def help_text(root: str) -> str:
    """What a command does, examples, the choices of its groups, and each setting with a comment."""
    known, groups = settings(root, []), defaults(root)
    examples = [line for line in head(root) if line.startswith(" ")]
    parts = [[line for line in head(root) if line not in examples], examples]
    if groups:
        options = [(group, ", ".join(_choices(group, chosen))) for group, chosen in groups.items()]
        parts.append(["Choices, typed as group=choice; the first is the default:", *table(options)])
    parts.append(["Settings, typed as name=value, with their defaults:", *table(_rows(f"{root}.yaml", known))])
    for group, chosen in groups.items():
        rows = [row for name in chosen for row in _rows(f"{group}/{name}.yaml", known)]
        name = f"{group}={chosen[0]}" if len(chosen) == 1 else group
        parts.append([f"Settings of {name}:", *table(rows)] if rows else [])
    return "\n\n".join("\n".join(part) for part in parts if part)


def _choices(group: str, chosen: list[str]) -> list[str]:
    first = chosen or ["(none)"]
    return [*first, *(name for name in choices(group) if name not in first)]


def table(rows: list[Row]) -> list[str]:
    """Two columns, as wide as the terminal; a row without a comment is a title."""
    width = min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)
    left = max((len(typed) for typed, comment in rows if comment and len(typed) <= NAMES), default=0)
    wrap = textwrap.TextWrapper(width, subsequent_indent=" " * (left + 4), break_on_hyphens=False)
    lines = []
    for typed, comment in rows:
        wrap.initial_indent = f"  {typed:<{left}}  "
        if not comment:
            lines.append(f"\n  {typed}:")
        elif len(typed) > left:
            wrap.initial_indent = wrap.subsequent_indent
            lines += [f"  {typed}", wrap.fill(comment)]
        else:
            lines.append(wrap.fill(comment))
    return lines


def _rows(file: str, known: Settings) -> list[Row]:
    """The commented settings of a file of conf/ and, if it is a root, the titles between them."""
    is_root = "/" not in file
    rows = []
    for name, comment in (_comments(file, is_titled=True) if is_root else _inherited(file)).items():
        is_leaf = name in known and not isinstance(known[name], dict)
        if name in known or not comment:  # not those of Hydra
            rows.append((f"{name}={_value(known[name])}" if is_leaf else name, comment))
    return rows


def _inherited(file: str) -> dict[str, str]:
    """The comments of a group's file, and of those that it builds on."""
    group = file.partition("/")[0]
    below = (yaml.safe_load((CONF / file).read_text(encoding="utf-8")) or {}).get("defaults", [])
    comments: dict[str, str] = {}
    for one in below:
        if isinstance(one, str) and one != "_self_":
            comments |= _inherited(f"{group}/{one}.yaml")
    return comments | _comments(file)


def _comments(file: str, is_titled: bool = False) -> dict[str, str]:
    """Comments by dotted name; "" for titles, which are one line of comment after a blank one."""
    text = (CONF / file).read_text(encoding="utf-8")
    package = re.match(r"# @package (\S+)", text)
    prefix = package[1].removeprefix("_global_") if package else file.rpartition("/")[0]
    titles = re.findall(r"\n\n# (.+)\n(?!#)", text) if is_titled else []
    comments: dict[str, str] = {}
    path = {-1: prefix} if prefix else {}
    for line in text.splitlines():
        setting, _, comment = line.partition("  # ")
        if found := re.match(r' *"?(\w+)"?:', setting):
            indent = len(line) - len(line.lstrip())
            path = {depth: name for depth, name in path.items() if depth < indent} | {indent: found[1]}
            if comment:
                comments[".".join(path.values())] = comment
        elif line[2:] in titles:
            comments[line[2:]] = ""
    return comments


def _value(value: object) -> str:
    """A default as it is typed; ... where it is asked for or depends on other things."""
    if value == "${fastest_precision:}":
        return "auto"
    text = re.sub(r'\$\{oc\.env:\w+,"?([^"}]*)"?\}', r"\1", value) if isinstance(value, str) else value
    if isinstance(text, str) and ("${" in text or text == "???"):
        return "..."
    typed = str(yaml.safe_dump(text, default_flow_style=True, width=1000)).removesuffix("...\n").strip()
    return typed.replace(", ", ",") if isinstance(value, list) else typed
