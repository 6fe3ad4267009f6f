"""Cases of broken input and their messages, kept as text: they are read more often than run.

A case is a paragraph: `# name`, then hunks of lines to take out of the good file (`-`) and to put
in their place (`+`), then every message, in order.
"""

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path


@dataclass(frozen=True)
class Case:
    name: str
    hunks: tuple[tuple[str, str], ...]
    messages: tuple[str, ...]


def read_cases(name: str) -> tuple[Case, ...]:
    """The cases of a file beside this one."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return tuple(_case(block.split("\n")) for block in text.strip("\n").split("\n\n"))


def _case(lines: list[str]) -> Case:
    olds: list[str] = []
    news: list[str] = []
    messages: list[str] = []
    for sign, group in groupby(lines[1:], key=lambda line: line[0]):
        block = list(group)
        if sign == "-":
            olds.append("\n".join(line[1:] for line in block))
        elif sign == "+":
            news.append("\n".join(line[1:] for line in block))
        else:
            messages += block
    hunks = tuple(zip(olds or [""], news, strict=True))
    return Case(lines[0].removeprefix("# "), hunks, tuple(messages))
