"""Generated YAML in one canonical form."""

from __future__ import annotations

from typing import Any, Final

import yaml

HEADER: Final = (
    "# Generated from thresholds.yaml by `make`. "
    "Do not edit: change the thresholds or the generator.\n"
)
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # the C class exists only at run time
    """Writes text of several lines as a block, and never an alias."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def _text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def dump(document: Any, header: str = HEADER) -> str:
    """`document` as YAML below the header, keys in their given order."""
    body = yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=10**6, allow_unicode=True)
    return header + body


def read_yaml(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(text, Loader=_LOADER)  # noqa: S506  # a safe one
    return found
