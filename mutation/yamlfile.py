"""Reading and writing the YAML of rules and tests without respelling any scalar.

promtool reads `values: 0x40` as a series of zeros, PyYAML as the number 64. So numbers, booleans
and dates stay text, and are written back without quotes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from mutation.errors import InputError


class Unquoted(str):
    """A scalar that YAML takes for a number, a boolean or a date."""

    __slots__ = ()


class Located(dict[str, Any]):
    """A mapping that knows the line where it begins."""

    line = 1


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C class exists only at run time
    pass


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _construct_mapping(loader: Any, node: yaml.MappingNode) -> Located:
    keys = [key.value for key, _ in node.value]
    for index, key in enumerate(keys):
        if key in keys[:index]:
            mark = node.value[index][0].start_mark
            raise yaml.MarkedYAMLError(problem=f"duplicate key {key!r}", problem_mark=mark)
    loader.flatten_mapping(node)
    pairs = loader.construct_pairs(node, deep=True)
    found = Located((str(key), value) for key, value in pairs)
    found.line = node.start_mark.line + 1
    return found


def _represent_text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _represent_unquoted(dumper: Any, text: Unquoted) -> Any:
    tag = dumper.resolve(yaml.ScalarNode, str(text), (True, False))
    return dumper.represent_scalar(tag, str(text))


for _type in ("bool", "int", "float", "timestamp"):
    _Loader.add_constructor(
        f"tag:yaml.org,2002:{_type}", lambda _loader, node: Unquoted(node.value)
    )
_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)
_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(Unquoted, _represent_unquoted)
_Dumper.add_representer(Located, lambda dumper, data: dumper.represent_dict(data.items()))


def load(path: Path) -> Located:
    """The mapping in a YAML file, an empty one if there is nothing; raises OSError, InputError."""
    try:
        document = yaml.load(path.read_bytes(), Loader=_Loader)  # noqa: S506  # a safe loader with fewer types
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise InputError(f"{place}: invalid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise InputError(f"{path}: invalid YAML: {' '.join(str(error).split())}") from error
    if document is None:
        return Located()
    if not isinstance(document, Located):
        raise InputError(f"{path}:1: expected a mapping")
    return document


def dump(document: Any) -> str:
    """`document` as YAML, keys in their given order."""
    text: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, width=10**6, allow_unicode=True
    )
    return text


def mappings(table: Located, key: str, path: Path) -> list[Located]:
    """The list of mappings at `key`, empty if there is none; raises InputError."""
    found = table.get(key)
    if found is None:
        return []
    if isinstance(found, list) and all(isinstance(each, Located) for each in found):
        return found
    raise InputError(f"{path}:{table.line}: `{key}` must be a list of mappings")
