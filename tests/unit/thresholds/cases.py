"""Cases of broken input and their messages, kept as text: they are read more often than run.

A case is a paragraph: `# name`, then hunks of lines to take out of the good file (`-`) and to put
in their place (`+`), then every message, in order.

A message does not say where its value stands: that is looked up by its path, in the tree that
PyYAML reads. Where there is no path, or no such tree, a circled number in a hunk marks the place:
at the beginning of a message it stands for line and column, further on for the line.
"""

import re
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import yaml

_MARK: Final = re.compile("[①②]")
# Who says this speaks of the key, not of its value.
_OF_KEYS: Final = re.compile(": (unknown key|duplicate key|merge keys)")


@dataclass(frozen=True)
class Case:
    name: str
    hunks: tuple[tuple[str, str], ...]
    messages: tuple[str, ...]

    def broken(self, text: str) -> str:
        """`text` with the hunks in it."""
        return _MARK.sub("", self._marked(text))

    def expected(self, text: str, file: str) -> list[str]:
        """The messages with their places."""
        marked, found = self._marked(text), {}
        while mark := _MARK.search(marked):
            line, column = _place(marked, mark.start())
            found[mark[0]] = line, column
            marked = marked.replace(mark[0], "")
        return [f"{file}:{_placed(message, marked, found)}" for message in self.messages]

    def _marked(self, text: str) -> str:
        for old, new in self.hunks:
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the text"
            text = text.replace(old, new)
        return text


def _placed(message: str, text: str, marks: dict[str, tuple[int, int]]) -> str:
    if not _MARK.match(message):
        path = message.partition(": ")[0]
        line, column = place(text, path, message)
        message = f"{line}:{column}: {message}"
    for mark, (line, column) in marks.items():
        if message.startswith(mark):
            message = f"{line}:{column}: {message.removeprefix(mark)}"
        message = message.replace(mark, str(line))
    return message


def place(text: str, path: str, message: str = "") -> tuple[int, int]:
    """Line and column of the value at `path`, or of what a message about it speaks of."""
    keys = [int(key[1:-1]) if key[0] == "[" else key for key in re.findall(r"\[\d+\]|[^.[]+", path)]
    node: Any = yaml.compose(text, Loader=yaml.CSafeLoader)
    if ": missing; " in message:
        keys.pop()
    for key in keys:
        if isinstance(key, int):
            node = node.value[key]
        else:
            name, node = [pair for pair in node.value if pair[0].value == key][-1]
            if key is keys[-1] and _OF_KEYS.search(message):
                node = name
    return node.start_mark.line + 1, node.start_mark.column + 1


def _place(text: str, index: int) -> tuple[int, int]:
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


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
