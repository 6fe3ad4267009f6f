"""Reads YAML node by node, so that every problem has a line number."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml

from exporters.web.problems import ConfigError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Value:
    """A node of the document, and the path of keys that leads to it."""

    node: yaml.Node
    path: str


class Tree:
    """Reads values from a document and collects the problems with them."""

    def __init__(self, file: Path, text: str) -> None:
        """Raises ConfigError if the text is not YAML."""
        self.file = file
        self.problems: list[str] = []
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise ConfigError([f"{file}:{line}: {error.problem or error.context}"]) from None
        except yaml.YAMLError as error:
            raise ConfigError([f"{file}:1: {error}".splitlines()[0]]) from None
        self.root = Value(node, "") if node else None

    def problem(self, value: Value, text: str) -> None:
        where = f"{value.path}: " if value.path else ""
        self.problems.append(f"{self.file}:{value.node.start_mark.line + 1}: {where}{text}")

    def mapping(self, value: Value | None, known: Collection[str] = ()) -> dict[str, Value]:
        """Values by key. Keys must be unique strings, and among the `known` ones if given."""
        if value is None or _is_null(value.node):
            return {}
        if not isinstance(value.node, yaml.MappingNode):
            self.problem(value, f"expected a mapping, found {_shown(value.node)}")
            return {}
        found: dict[str, Value] = {}
        for key_node, node in value.node.value:
            key = Value(key_node, value.path)
            if not isinstance(key_node, yaml.ScalarNode):
                self.problem(key, "keys must be strings")
                continue
            name = key_node.value
            if name in found:
                self.problem(key, f"duplicate key {name!r}")
            elif known and name not in known:
                self.problem(key, f"unknown key {name!r}{_nearest(name, known)}")
            else:
                found[name] = Value(node, f"{value.path}.{name}".lstrip("."))
        return found

    def string(self, value: Value | None) -> str:
        """Empty if there is none."""
        if value is None or _is_null(value.node):
            return ""
        if isinstance(value.node, yaml.ScalarNode) and value.node.tag.endswith(":str"):
            return str(value.node.value)
        self.problem(value, f"expected a string, found {_shown(value.node)}")
        return ""

    def strings(self, value: Value | None) -> list[Value]:
        """The entries of a list of strings."""
        if value is None or _is_null(value.node):
            return []
        if not isinstance(value.node, yaml.SequenceNode):
            self.problem(value, f"expected a list, found {_shown(value.node)}")
            return []
        entries = [Value(node, f"{value.path}[{i}]") for i, node in enumerate(value.node.value)]
        return [entry for entry in entries if self.string(entry)]

    def boolean(self, value: Value | None, default: bool) -> bool:
        return self.choice(value, {"true": True, "false": False}, default)

    def whole(self, value: Value | None) -> int:
        """0 if there is none."""
        if value is None:
            return 0
        text = value.node.value
        if isinstance(text, str) and text.isascii() and text.isdecimal() and len(text) < 10:
            return int(text)
        self.problem(value, f"expected a whole number, found {_shown(value.node)}")
        return 0

    def choice(self, value: Value | None, known: Mapping[str, T], default: T) -> T:
        """The meaning of one of the `known` words."""
        if value is None:
            return default
        if isinstance(value.node, yaml.ScalarNode) and value.node.value in known:
            return known[value.node.value]
        words = ", ".join(word or '""' for word in known)
        self.problem(value, f"expected one of {words}, found {_shown(value.node)}")
        return default

    def finish(self) -> None:
        """Raises ConfigError with all problems."""
        if self.problems:
            raise ConfigError(self.problems)


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null")


def _shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value[:60])
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"


def _nearest(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; expected one of {', '.join(known)}"
