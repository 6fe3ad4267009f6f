"""YAML of rules and their tests, read so that every scalar keeps the spelling that it has.

promtool takes `0x40` as forty samples of 0, PyYAML as the number 64: a scalar that is no text to
PyYAML becomes a `Plain`, which is written again as it stood.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from generator.files import read


class SuiteError(Exception):
    """Rules or tests that cannot be used; the text says which and why."""


class Plain(str):
    """A scalar without quotes that YAML takes for a number, a truth value, a date or nothing."""

    __slots__ = ("tag",)

    def __new__(cls, text: str, tag: str) -> Plain:
        """`text` as it stood; `tag` is what YAML takes it for."""
        made = super().__new__(cls, text)
        made.tag = tag
        return made

    tag: str


class Located(dict[str, Any]):
    """A mapping that knows the line where it begins."""

    line = 0


_NULL: Final = "tag:yaml.org,2002:null"
_PLAIN: Final = ("bool", "int", "float", "timestamp", "null")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C class exists only at run time
    pass


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    pass


def _scalar(_loader: Any, node: yaml.ScalarNode) -> Plain:
    return Plain(node.value, node.tag)


def _mapping(loader: Any, node: yaml.MappingNode) -> Any:
    made = Located()
    made.line = node.start_mark.line + 1
    yield made
    loader.flatten_mapping(node)
    made.update({str(key): value for key, value in loader.construct_pairs(node, deep=True)})


for _name in _PLAIN:
    _Loader.add_constructor(f"tag:yaml.org,2002:{_name}", _scalar)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Dumper.add_representer(Plain, lambda dumper, text: dumper.represent_scalar(text.tag, str(text)))
_Dumper.add_representer(Located, lambda dumper, data: dumper.represent_dict(data.items()))
_Dumper.ignore_aliases = lambda _dumper, _data: True


def load(path: Path) -> Located:
    """The mapping that a YAML file holds; raises UnreadableError and SuiteError."""
    try:
        found = yaml.load(read(path), Loader=_Loader)  # noqa: S506  # a safe loader with fewer types
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise SuiteError(f"{place}: found no YAML ({error.problem}), expected YAML") from error
    except yaml.YAMLError as error:
        said = " ".join(str(error).split())
        raise SuiteError(f"{path}: found no YAML ({said}), expected YAML") from error
    if not isinstance(found, Located):
        raise SuiteError(f"{path}:1: found no mapping, expected keys and values")
    return found


def dump(document: Any) -> str:
    text: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, width=10**6, allow_unicode=True
    )
    return text


def is_null(value: object) -> bool:
    return value is None or (isinstance(value, Plain) and value.tag == _NULL)


def items(table: Located, key: str, path: Path) -> list[Located]:
    """The mappings of a list, none where the key is missing; raises SuiteError."""
    found = table.get(key)
    if is_null(found):
        return []
    if isinstance(found, list) and all(isinstance(each, Located) for each in found):
        return found
    raise SuiteError(f"{path}:{table.line}: found no list of mappings in `{key}`, expected one")
