"""Ids of the dashboards' panels and rows, which links and Grafana know them by.

`panel_ids.yaml` has every id that was ever given. What it does not name yet gets the next one, and
`render` adds it to the file; an entry is neither changed nor removed, so no id is given twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final, Literal

import yaml

from generator.errors import InputError
from generator.yamlfile import dump

PATH: Final = "generator/panel_ids.yaml"
Kind = Literal["panels", "rows"]
# The first id of each kind in a new dashboard.
_FIRST: Final[Mapping[Kind, int]] = {"panels": 1, "rows": 1001}
_HEADER: Final = (
    "# Ids of panels and rows: `make` adds those of new ones. Commit them; never change or "
    "remove one.\n"
)


class PanelIdError(InputError):
    """Two things have one id or one name."""


@dataclass(frozen=True)
class PanelIds:
    """`given` has the ids of each dashboard by kind and key."""

    given: Mapping[str, Mapping[Kind, Mapping[str, int]]]

    def panel(self, dashboard: str, key: str) -> int:
        return self.given[dashboard]["panels"][key]

    def row(self, dashboard: str, title: str) -> int:
        return self.given[dashboard]["rows"][title]

    def including(self, dashboard: str, kind: Kind, keys: Iterable[str]) -> PanelIds:
        """With an id for each of the keys, beyond all that the dashboard's kind ever had.

        Raises PanelIdError for a key that is there twice.
        """
        wanted = list(keys)
        refuse_twice(f"two {kind} of the dashboard {dashboard} have the same key", wanted)
        ids = self.given.get(dashboard, {"panels": {}, "rows": {}})
        known = ids[kind]
        free = max(known.values(), default=_FIRST[kind] - 1) + 1
        new = [key for key in wanted if key not in known]
        numbered = {**known, **{key: free + index for index, key in enumerate(new)}}
        return PanelIds({**self.given, dashboard: {**ids, kind: numbered}})

    def text(self) -> str:
        return dump(self.given, _HEADER)


def refuse_twice(message: str, values: Iterable[object]) -> None:
    """Raises PanelIdError with the message for values that are not unique."""
    twice = [str(value) for value, count in Counter(values).items() if count > 1]
    if twice:
        raise PanelIdError(f"{message}: {', '.join(twice)}")


class _Loader(yaml.SafeLoader):
    """Refuses a key that a mapping has twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = True) -> dict[Any, Any]:
        pairs = self.construct_pairs(node, deep=deep)
        refuse_twice(f"{PATH}: two entries have the same key", (key for key, _ in pairs))
        return dict(pairs)


def parse(text: str) -> PanelIds:
    """The ids of the file's text; raises PanelIdError."""
    try:
        ids = PanelIds(yaml.load(text, Loader=_Loader))  # noqa: S506  # a safe one
        for dashboard, kinds in ids.given.items():
            both = map(int, (*kinds["panels"].values(), *kinds["rows"].values()))
            said = f"{PATH}: {dashboard}: two entries have the same id, remove the newer one"
            refuse_twice(said, both)
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise PanelIdError(f"{PATH} is not as `make` wrote it: {error}") from error
    return ids


@cache
def committed() -> PanelIds:
    """The ids of the file beside this module."""
    return parse(resources.files("generator").joinpath("panel_ids.yaml").read_text("utf-8"))
